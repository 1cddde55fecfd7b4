#include "tools/bench/bench.hpp"

#include "tools/bench/edge.hpp"
#include "tools/bench/process.hpp"
#include "tools/kith/exit_code.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <kith/client.hpp>
#include <thread>

namespace kith::bench {

void link_agents();

namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t rounds = 5;

struct row {
  std::string name;
  std::string unit;
  std::string baseline_name;
  double target = 0; // ratio to reach
  std::vector<double> values, baselines;
};

// Which rows are to be measured: those whose names have one of these in them; empty: all.
struct selection {
  std::vector<std::string> names;
  bool has(const row& r) const {
    return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& n) {
             return r.name.find(n) != std::string::npos;
           });
  }
  bool has_any(std::initializer_list<const row*> rows) const {
    return std::any_of(rows.begin(), rows.end(), [&](const row* r) { return has(*r); });
  }
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

// Two nodes of this program in a directory of their own, gone with this object.
class cluster {
public:
  static result<std::unique_ptr<cluster>> start() {
    auto c = std::unique_ptr<cluster>(new cluster);
    KITH_TRY(run_process({"--dir", c->dir_, "up", "--nodes", "2", "--detach"}));
    KITH_ASSIGN(auto client, client::connect(c->dir_ + "/nodes/n1"));
    c->client_.emplace(std::move(client));
    KITH_ASSIGN(c->source_, c->spawn("bench.source", "n1"));
    KITH_ASSIGN(c->sink_, c->spawn("bench.sink", "n2"));
    return c;
  }
  ~cluster() {
    client_.reset();
    if (auto stopped = run_process({"--dir", dir_, "stop"}); !stopped)
      std::fprintf(stderr, "kith: bench: %s\n", stopped.error().what().c_str());
    std::error_code ec;
    fs::remove_all(dir_, ec);
  }

  // Messages a second from an agent of one node to an agent of the other.
  result<double> measure(const load& l, int quality) {
    bj::value order{{"sink", sink_},
                    {"count", l.count},
                    {"payload_size", l.payload_size},
                    {"window", l.window},
                    {"quality", quality}};
    KITH_ASSIGN(auto begun, client_->ask(source_, "go", client_content::json(bj::serialize(order)),
                                         std::chrono::seconds(10)));
    if (!begun.ok()) return fail(errc::internal, "bench_refused", begun.reason);
    for (int i = 0; i < 1200; ++i) {
      std::this_thread::sleep_for(
          std::chrono::milliseconds(50)); // polled gently: asking costs what is measured
      KITH_ASSIGN(auto answer, client_->ask(source_, "result", "", std::chrono::seconds(30)));
      if (!answer.ok()) return fail(errc::internal, "bench_refused", answer.reason);
      auto r = bj::parse(answer.content.data);
      if (r.at("done").as_bool()) return r.at("rate").to_number<double>();
    }
    return fail(errc::timeout, "bench_timeout", "the messages did not arrive within a minute");
  }

private:
  cluster() {
    auto pattern = (fs::temp_directory_path() / "kith-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    dir_ = pattern;
  }
  result<std::string> spawn(const std::string& type, const std::string& node) {
    KITH_ASSIGN(auto made,
                client_->call("spawn", bj::serialize(bj::value{{"type", type}, {"node", node}}),
                              std::chrono::seconds(10)));
    return std::string(bj::parse(made).at("did").as_string());
  }

  std::string dir_;
  std::optional<client> client_;
  std::string source_, sink_;
};

result<double> basp(const load& l) {
  KITH_ASSIGN(auto receiver, background_process::start({"bench-basp-receiver"}));
  KITH_ASSIGN(auto port, receiver.line());
  KITH_ASSIGN(auto out, run_process({"bench-basp-sender", port, std::to_string(l.count),
                                     std::to_string(l.payload_size), std::to_string(l.window)}));
  return std::atof(out.c_str());
}

bj::array to_json(const std::vector<row>& rows) {
  bj::array out;
  for (const auto& r : rows) {
    auto value = median(r.values), baseline = median(r.baselines);
    auto ratio = baseline > 0 ? value / baseline : 0;
    out.push_back({{"name", r.name},
                   {"value", value},
                   {"unit", r.unit},
                   {"baseline", baseline},
                   {"baseline_name", r.baseline_name},
                   {"ratio", ratio},
                   {"target", r.target},
                   {"met", ratio >= r.target}});
  }
  return out;
}

void print(const std::vector<row>& rows) {
  std::printf("%-58s %14s %14s %7s %7s\n", "FIGURE", "VALUE", "BASELINE", "RATIO", "TARGET");
  for (const auto& r : rows) {
    auto value = median(r.values), baseline = median(r.baselines);
    auto ratio = baseline > 0 ? value / baseline : 0;
    std::printf("%-58s %10.0f %s %10.0f %s %7.2f %7.2f  %s\n", r.name.c_str(), value,
                r.unit.c_str(), baseline, r.unit.c_str(), ratio, r.target,
                ratio >= r.target ? "met" : "NOT MET");
  }
  std::printf("Medians of %zu rounds, each figure taken in turn with its baseline.\n", rounds);
}

// Where less is better, the value is what is allowed for each that was measured.
constexpr double follower_size_max = 64 * 1024;

result<void> measure_edge(std::vector<row>& rows, const selection& wanted, bool quiet) {
  static constexpr double resolve_seconds = 1;
  static constexpr std::size_t posts = 10'000, followers = 1'000;
  row resolve{"did:key resolution, keep-alive, 32 connections", "req/s", "bare Beast", 0.6, {}, {}};
  row post{"presigned POST, 128 B, verified and synced",
           "req/s",
           "two Ed25519 verifications each",
           0.5,
           {},
           {}};
  row follower{"followers of an inbox in 64 KiB, idle, each", "", "one", 1.0, {}, {}};
  if (!wanted.has_any({&resolve, &post, &follower})) return {};
  KITH_ASSIGN(auto node, edge_node::start());
  for (std::size_t i = 0; i < rounds; ++i) {
    if (!quiet) std::fprintf(stderr, "edge, round %zu of %zu\n", i + 1, rounds);
    if (wanted.has(resolve)) {
      KITH_ASSIGN(auto resolved, node->resolve(resolve_seconds));
      resolve.values.push_back(resolved.value);
      resolve.baselines.push_back(resolved.baseline);
    }
    if (wanted.has(post)) {
      KITH_ASSIGN(auto posted, node->post(posts));
      post.values.push_back(posted.value);
      post.baselines.push_back(posted.baseline);
    }
  }
  if (wanted.has(follower)) {
    KITH_ASSIGN(auto size, node->follower_size(followers));
    follower.values.push_back(follower_size_max / std::max(size, 1.0));
    follower.baselines.push_back(1);
  }
  for (auto* r : {&resolve, &post, &follower})
    if (wanted.has(*r)) rows.push_back(std::move(*r));
  return {};
}

result<void> measure_links(std::vector<row>& rows, const selection& wanted, bool quiet) {
  row best_effort{
      "node to node, 128 B, QoS 0, encrypted", "msg/s", "CAF BASP, plaintext", 3.0, {}, {}};
  row durable{"node to node, 128 B, QoS 2, synced on both sides",
              "msg/s",
              "CAF BASP, plaintext",
              0.5,
              {},
              {}};
  if (!wanted.has_any({&best_effort, &durable})) return {};
  load volatile_load{1'000'000}, durable_load{200'000}, basp_load{300'000};
  for (auto* l : {&volatile_load, &durable_load, &basp_load})
    l->count = l->count / (l->window / 8) * (l->window / 8);
  KITH_ASSIGN(auto nodes, cluster::start());
  for (std::size_t i = 0; i < rounds; ++i) {
    if (!quiet) std::fprintf(stderr, "round %zu of %zu\n", i + 1, rounds);
    for (auto [r, l, quality] :
         {std::tuple(&best_effort, &volatile_load, 0), std::tuple(&durable, &durable_load, 2)}) {
      if (!wanted.has(*r)) continue;
      KITH_ASSIGN(auto ours, nodes->measure(*l, quality));
      KITH_ASSIGN(auto theirs, basp(basp_load));
      r->values.push_back(ours);
      r->baselines.push_back(theirs);
    }
  }
  for (auto* r : {&best_effort, &durable})
    if (wanted.has(*r)) rows.push_back(std::move(*r));
  return {};
}

result<std::vector<row>> measure(const selection& wanted, bool quiet) {
  std::vector<row> rows;
  KITH_TRY(measure_links(rows, wanted, quiet));
  KITH_TRY(measure_edge(rows, wanted, quiet));
  if (rows.empty())
    return fail(errc::not_found, "no_such_row",
                "no row's name has " + wanted.names.front() +
                    " in it; kith bench --help lists them");
  return rows;
}

constexpr const char* help =
    R"(Measures this machine: each figure beside its baseline, taken in turn, medians of 5 rounds.
Starts two nodes of its own in a temporary directory, and CAF's remoting as two processes.
Takes about a minute.

Usage: kith bench [--json] [PART-OF-A-NAME...]

Rows, all of them or those that have one of the words given in their names:
  node to node, 128 B, QoS 0, encrypted
  node to node, 128 B, QoS 2, synced on both sides
  did:key resolution, keep-alive, 32 connections
  presigned POST, 128 B, verified and synced
  followers of an inbox in 64 KiB, idle, each

Exit code 0 if every ratio is reached, else 1.

Examples:
  kith bench
  kith bench POST
  kith bench --json | jq '.[] | {name, ratio, met}'
)";

int run(const cli::console& io, const cli::options& o) {
  selection wanted;
  bool json = o.json;
  for (const auto& argument : o.rest) {
    if (argument == "-h" || argument == "--help") {
      std::fputs(help, stdout);
      return 0;
    }
    if (argument == "--json")
      json = true;
    else if (argument.starts_with('-'))
      return cli::report(io, json,
                         {errc::invalid, "usage", "kith bench has no option " + argument});
    else
      wanted.names.push_back(argument);
  }
  link_agents();
  auto rows = measure(wanted, json);
  if (!rows) return cli::report(io, json, rows.error());
  if (json)
    std::printf("%s\n", bj::serialize(to_json(*rows)).c_str());
  else
    print(*rows);
  bool all = std::all_of(rows->begin(), rows->end(), [](const row& r) {
    return median(r.values) >= r.target * median(r.baselines);
  });
  return all ? 0 : 1;
}

} // namespace

std::vector<cli::command> commands() {
  std::vector<cli::command> out;
  out.push_back({"bench", "Measure this machine, each figure beside its baseline", false, run});
  out.push_back(
      {"bench-basp-receiver", "", true, [](const auto&, const auto&) { return basp_receiver(); }});
  out.push_back({"bench-basp-sender", "", true, [](const auto&, const cli::options& o) {
                   if (o.rest.size() != 4) return 2;
                   load l{std::strtoull(o.rest[1].c_str(), nullptr, 10),
                          std::strtoull(o.rest[2].c_str(), nullptr, 10),
                          std::strtoull(o.rest[3].c_str(), nullptr, 10)};
                   return basp_sender(std::uint16_t(std::atoi(o.rest[0].c_str())), l);
                 }});
  return out;
}

} // namespace kith::bench
