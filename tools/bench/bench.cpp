#include "tools/bench/bench.hpp"

#include "tools/bench/table.hpp"
#include "tools/kith/exit_code.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace kith::bench {

void link_agents();
void link_round_trip_agents();
void link_step_agents();
void link_nursery_agents();

namespace {

constexpr const char* help =
    R"(Measures this machine: each figure beside its baseline, taken in turn, medians of 5 rounds.
Starts nodes of its own in temporary directories, and baselines as processes of their own.
All rows take about fifteen minutes, most of them under half a minute each; start_stored and
start_killed take half of the time. Measure a release build on a quiet machine.

Usage: kith bench [--only NAME]... [--json]
       kith bench --list

  --only NAME   this row only; may be given again
  --list        the rows: name, what is measured, beside what, what is to be reached
  --json        the table as JSON, with the numbers of each round
  --tiny        one round of a few messages, to see that each row can be measured

A row that cannot be measured says why. Exit code 0 if all is measured and reached, else 1.

Examples:
  kith bench
  kith bench --only link_qos0 --only link_qos2
  kith bench --json | jq '.[] | {name, ratio, met}'
)";

struct request {
  std::vector<std::string> only;
  bool json = false, list = false, tiny = false, help = false;
};

result<request> parse(const std::vector<std::string>& words) {
  request r;
  const auto rows = all_rows();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "-h" || word == "--help")
      r.help = true;
    else if (word == "--json")
      r.json = true;
    else if (word == "--list")
      r.list = true;
    else if (word == "--tiny")
      r.tiny = true;
    else if (word == "--only" && i + 1 < words.size()) {
      const auto& name = words[++i];
      if (std::none_of(rows.begin(), rows.end(), [&](const row& x) { return x.name == name; }))
        return fail(errc::not_found, "no_such_row",
                    "there is no row " + name + "; kith bench --list has them all");
      r.only.push_back(name);
    } else {
      return fail(errc::invalid, "usage", "kith bench cannot do with " + word + "; see --help");
    }
  }
  return r;
}

void list_rows() {
  for (const auto& r : all_rows())
    std::printf("%-16s %s; beside: %s; wanted: %s %g%s%s\n", r.name.c_str(), r.figure.c_str(),
                r.baseline.empty() ? "nothing" : r.baseline.c_str(),
                r.less_is_better ? "<=" : ">=", r.target, r.baseline.empty() ? " " : "",
                r.baseline.empty() ? r.unit.c_str() : "");
}

result<void> measure(measurement& m) {
  for (auto* group :
       {measure_local, measure_links, measure_round_trips, measure_bulk, measure_libp2p,
        measure_handshake, measure_steps, measure_memory, measure_starts, measure_edge})
    KITH_TRY(group(m));
  return {};
}

int run(const cli::console& io, const cli::options& o) {
  auto asked = parse(o.rest);
  if (!asked) return cli::report(io, o.json, asked.error());
  bool as_json = o.json || asked->json;
  if (asked->help) return std::fputs(help, stdout), 0;
  if (asked->list) return list_rows(), 0;
  link_agents(), link_round_trip_agents(), link_step_agents(), link_nursery_agents();
  measurement m(all_rows(), asked->only, asked->tiny, as_json);
  if (auto done = measure(m); !done) return cli::report(io, as_json, done.error());
  if (as_json)
    std::printf("%s\n", m.to_json().dump().c_str());
  else
    m.print();
  return m.all_met() ? 0 : 1;
}

// Word `i` of a hidden command, a number.
std::uint64_t number(const cli::options& o, std::size_t i) {
  return i < o.rest.size() ? std::strtoull(o.rest[i].c_str(), nullptr, 10) : 0;
}
// COUNT SIZE [WINDOW], from word `at` on.
load load_from(const cli::options& o, std::size_t at) {
  load l{number(o, at), std::size_t(number(o, at + 1))};
  if (o.rest.size() > at + 2) l.window = number(o, at + 2);
  return l;
}

} // namespace

std::vector<cli::command> commands() {
  std::vector<cli::command> out;
  auto hidden = [&](std::string name, std::size_t words,
                    std::function<int(const cli::options&)> f) {
    out.push_back({std::move(name), "", true, [words, f](const auto&, const cli::options& o) {
                     return o.rest.size() < words ? 2 : f(o);
                   }});
  };
  out.push_back({"bench", "Measure this machine, each figure beside its baseline", false, run});
  hidden("bench-basp-receiver", 0, [](const auto&) { return basp_receiver(); });
  hidden("bench-basp-sender", 4,
         [](const auto& o) { return basp_sender(std::uint16_t(number(o, 0)), load_from(o, 1)); });
  hidden("bench-basp-pinger", 3,
         [](const auto& o) { return basp_pinger(std::uint16_t(number(o, 0)), load_from(o, 1)); });
  hidden("bench-caf-local", 3, [](const auto& o) { return caf_local(load_from(o, 0)); });
  hidden("bench-caf-idle", 1, [](const auto& o) { return caf_idle(std::size_t(number(o, 0))); });
  hidden("bench-libp2p-listener", 0, [](const auto&) { return libp2p_listener(); });
  hidden("bench-libp2p-dialer", 3,
         [](const auto& o) { return libp2p_dialer(o.rest[0], load_from(o, 1)); });
  return out;
}

} // namespace kith::bench
