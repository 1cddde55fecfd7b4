// Rows about many messages in flight: on one node, between two nodes, and large ones.
#include "runtime/crypto/aead.hpp"
#include "runtime/store/bench/raw_rocks.hpp"
#include "tools/bench/bench.hpp"
#include "tools/bench/cluster.hpp"
#include "tools/bench/table.hpp"

#include <cmath>
#include <cstdlib>

namespace kith::bench {

namespace {

// Whole eighths of the window, which is what a sink confirms.
load load_of(std::uint64_t count, std::size_t payload_size = 128, std::uint64_t window = 16'384) {
  return {std::max(count / (window / 8), std::uint64_t(1)) * (window / 8), payload_size, window};
}

json order(const std::string& sink, const load& l, int quality) {
  return json::object()
      .set("sink", sink)
      .set("count", l.count)
      .set("payload_size", l.payload_size)
      .set("window", l.window)
      .set("quality", quality);
}

std::vector<std::string> words(const load& l) {
  return {std::to_string(l.count), std::to_string(l.payload_size), std::to_string(l.window)};
}

// A source, and a sink on the same node or another.
struct stretch {
  std::unique_ptr<cluster> nodes;
  std::string source, sink;

  static result<stretch> make(unsigned count) {
    stretch s;
    KITH_ASSIGN(s.nodes, cluster::start(count));
    KITH_ASSIGN(s.source, s.nodes->control().spawn("bench.source", "n1"));
    KITH_ASSIGN(s.sink, s.nodes->control().spawn("bench.sink", "n" + std::to_string(count)));
    return s;
  }
  // Messages a second.
  result<double> run(const load& l, int quality) {
    KITH_ASSIGN(auto r, nodes->control().have_done(source, order(sink, l, quality)));
    return r["rate"].as_double();
  }
  result<void> warm_up(const load& l, int quality) {
    KITH_TRY(run(load_of(l.count / 8, l.payload_size, l.window), quality));
    return {};
  }
};

result<double> caf_local_rate(const load& l) {
  std::vector<std::string> arguments{"bench-caf-local"};
  for (auto& w : words(l)) arguments.push_back(std::move(w));
  KITH_ASSIGN(auto out, run_process(std::move(arguments)));
  return std::atof(out.c_str());
}

result<void> local_durable(measurement& m, stretch& s, const load& l) {
  auto& control = s.nodes->control();
  KITH_ASSIGN(auto before, control.journal());
  KITH_ASSIGN(auto ours, s.run(l, 2));
  KITH_ASSIGN(auto after, control.journal());
  auto wrote = after.since(before);
  auto count = double(l.count);
  auto batch = std::max(1.0, std::round(count / wrote.commits));
  KITH_ASSIGN(auto dir, temporary_directory::make());
  store::bench::raw_load raw{std::size_t(count), std::size_t(batch), l.payload_size};
  KITH_ASSIGN(auto seconds, store::bench::raw_rocks_seconds(dir.path() + "/raw", raw));
  m.add("local_qos2", ours, count / seconds);
  m.note("local_qos2", "messages a synced write", batch);
  m.note("local_qos2", "records a message", wrote.records / count);
  m.note("local_qos2", "journal bytes a message", wrote.bytes / count);
  return {};
}

result<double> basp_rate(const load& l) {
  KITH_ASSIGN(auto receiver, background_process::start({"bench-basp-receiver"}));
  KITH_ASSIGN(auto port, receiver.line());
  std::vector<std::string> arguments{"bench-basp-sender", port};
  for (auto& w : words(l)) arguments.push_back(std::move(w));
  KITH_ASSIGN(auto out, run_process(std::move(arguments)));
  return std::atof(out.c_str());
}

// Bytes a second of sealing and opening again, in pieces as a link seals them, by one thread.
result<double> seal_and_open_rate(std::size_t size) {
  constexpr std::size_t piece = 65'519; // of plaintext, in a full Noise message
  byte_array<32> key{};
  crypto::chacha20_poly1305 sealer(key), opener(key);
  bytes plain(piece, 'x'), sealed(piece + crypto::chacha20_poly1305::tag_size);
  const system_clock clock;
  auto begin = clock.now();
  for (std::size_t n = 0, done = 0; done < size; ++n, done += piece) {
    auto nonce = crypto::counter_nonce(n);
    sealer.seal(nonce, {}, plain, sealed);
    KITH_TRY(opener.open(nonce, {}, sealed, plain));
  }
  return double(size) / std::chrono::duration<double>(clock.now() - begin).count();
}

} // namespace

result<void> measure_local(measurement& m) {
  if (!m.wants_any({"local_qos0", "local_qos2"})) return {};
  auto unsynced = load_of(m.size(1'000'000, 4'096)), durable = load_of(m.size(200'000, 4'096)),
       raw = load_of(m.size(2'000'000, 4'096));
  KITH_ASSIGN(auto s, stretch::make(1));
  if (m.wants("local_qos0")) KITH_TRY(s.warm_up(unsynced, 0));
  if (m.wants("local_qos2")) KITH_TRY(s.warm_up(durable, 2));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("agent to agent", i);
    if (m.wants("local_qos0")) {
      KITH_ASSIGN(auto ours, s.run(unsynced, 0));
      KITH_ASSIGN(auto theirs, caf_local_rate(raw));
      m.add("local_qos0", ours, theirs);
    }
    if (m.wants("local_qos2")) KITH_TRY(local_durable(m, s, durable));
  }
  return {};
}

result<void> measure_links(measurement& m) {
  if (!m.wants_any({"link_qos0", "link_qos2"})) return {};
  auto unsynced = load_of(m.size(1'000'000, 4'096)), durable = load_of(m.size(200'000, 4'096)),
       basp = load_of(m.size(300'000, 4'096));
  KITH_ASSIGN(auto s, stretch::make(2));
  if (m.wants("link_qos0")) KITH_TRY(s.warm_up(unsynced, 0));
  if (m.wants("link_qos2")) KITH_TRY(s.warm_up(durable, 2));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("node to node", i);
    for (auto [name, l, quality] :
         {std::tuple("link_qos0", &unsynced, 0), std::tuple("link_qos2", &durable, 2)}) {
      if (!m.wants(name)) continue;
      KITH_ASSIGN(auto ours, s.run(*l, quality));
      KITH_ASSIGN(auto theirs, basp_rate(basp));
      m.add(name, ours, theirs);
    }
  }
  return {};
}

result<void> measure_bulk(measurement& m) {
  if (!m.wants("bulk")) return {};
  // Eight on their way: the queue of a link holds 16 MiB, and of QoS 0 the rest would be dropped.
  auto l = load_of(m.size(1'024, 8), 1 << 20, 8);
  auto size = l.count * l.payload_size;
  KITH_ASSIGN(auto s, stretch::make(2));
  KITH_TRY(s.warm_up(l, 0));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("bulk", i);
    KITH_ASSIGN(auto ours, s.run(l, 0));
    KITH_ASSIGN(auto theirs, seal_and_open_rate(size));
    m.add("bulk", ours * double(l.payload_size) / 1e6, theirs / 1e6);
  }
  return {};
}

} // namespace kith::bench
