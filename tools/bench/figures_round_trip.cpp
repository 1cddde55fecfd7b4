// Rows about one message at a time: there and back between two nodes.
#include "tools/bench/bench.hpp"
#include "tools/bench/cluster.hpp"
#include "tools/bench/disk_sync.hpp"
#include "tools/bench/table.hpp"

#include <cstdlib>

namespace kith::bench {

namespace {

constexpr std::size_t payload_size = 128;
// The ask's, the answering turn's, the answer's turn's: what the traveller of
// agents_round_trip.cpp waits for, one after the other (semantics.md 12, 13).
constexpr int commits_on_the_way = 3;

struct road {
  std::unique_ptr<cluster> nodes;
  std::string traveller, echo;

  result<json> go(std::size_t count, bool durable) {
    auto order = json::object()
                     .set("to", echo)
                     .set("count", count)
                     .set("warm_up", count / 10)
                     .set("payload_size", payload_size)
                     .set("durable", durable);
    return nodes->control().have_done(traveller, order);
  }
};

result<double> basp_p50(std::size_t count) {
  KITH_ASSIGN(auto receiver, background_process::start({"bench-basp-receiver"}));
  KITH_ASSIGN(auto port, receiver.line());
  KITH_ASSIGN(auto out, run_process({"bench-basp-pinger", port, std::to_string(count),
                                     std::to_string(payload_size)}));
  return std::atof(out.c_str());
}

result<void> durable_round(measurement& m, road& r, std::size_t count) {
  KITH_ASSIGN(auto asker_before, r.nodes->control(1).journal());
  KITH_ASSIGN(auto echo_before, r.nodes->control(2).journal());
  KITH_ASSIGN(auto ours, r.go(count, true));
  KITH_ASSIGN(auto asker_after, r.nodes->control(1).journal());
  KITH_ASSIGN(auto echo_after, r.nodes->control(2).journal());
  auto at_asker = asker_after.since(asker_before), at_echo = echo_after.since(echo_before);
  auto trips = double(count + count / 10);
  auto bytes = (at_asker.bytes + at_echo.bytes) / (at_asker.commits + at_echo.commits);
  KITH_ASSIGN(auto dir, temporary_directory::make());
  KITH_ASSIGN(auto times, sync_times(dir.path(), std::size_t(bytes), count * commits_on_the_way));
  // As many in a row as a trip has: the p50 of their sums, not thrice the p50.
  std::vector<double> sums;
  for (std::size_t i = 0; i + commits_on_the_way <= times.size(); i += commits_on_the_way)
    sums.push_back(times[i] + times[i + 1] + times[i + 2]);
  const std::string name = "round_trip_qos2";
  m.add(name, ours["p50_us"].as_double(), median(sums));
  m.note(name, "p99, us", ours["p99_us"].as_double());
  m.note(name, "commits on the critical path", commits_on_the_way);
  m.note(name, "commits of the asker's journal a trip, others of the bench included",
         at_asker.commits / trips);
  m.note(name, "commits of the answerer's journal a trip", at_echo.commits / trips);
  m.note(name, "bytes a commit, and of each sync of the baseline", bytes);
  return {};
}

} // namespace

result<void> measure_round_trips(measurement& m) {
  if (!m.wants_any({"round_trip_qos0", "round_trip_qos2"})) return {};
  auto quick = m.size<std::size_t>(5'000, 20), durable = m.size<std::size_t>(1'000, 20);
  road r;
  KITH_ASSIGN(r.nodes, cluster::start(2));
  KITH_ASSIGN(r.traveller, r.nodes->control().spawn("bench.traveller", "n1"));
  KITH_ASSIGN(r.echo, r.nodes->control().spawn("bench.echo", "n2"));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("round trips", i);
    if (m.wants("round_trip_qos0")) {
      KITH_ASSIGN(auto ours, r.go(quick, false));
      KITH_ASSIGN(auto theirs, basp_p50(quick));
      m.add("round_trip_qos0", ours["p50_us"].as_double(), theirs);
      m.note("round_trip_qos0", "p99, us", ours["p99_us"].as_double());
    }
    if (m.wants("round_trip_qos2")) KITH_TRY(durable_round(m, r, durable));
  }
  return {};
}

} // namespace kith::bench
