#include "runtime/observe/prometheus.hpp"

#include <catch2/catch.hpp>

using namespace kith::observe;

TEST_CASE("metrics are written as Prometheus reads them", "[observe][vector]") {
  registry r;
  r.count("kith_turns_total", {{"type", "counter"}}).add(3);
  r.count("kith_turns_total", {{"type", "a \"b\" \\ \n c"}}).add();
  r.count("plain").add(2);
  r.measure("queue.depth", {{"9th", "x"}, {"peer", "n1"}}).set(-4);
  CHECK(prometheus_text(r.read()) == "# TYPE kith_turns_total counter\n"
                                     "kith_turns_total{type=\"a \\\"b\\\" \\\\ \\n c\"} 1\n"
                                     "kith_turns_total{type=\"counter\"} 3\n"
                                     "# TYPE plain counter\n"
                                     "plain 2\n"
                                     "# TYPE queue_depth gauge\n"
                                     "queue_depth{_th=\"x\",peer=\"n1\"} -4\n");
  CHECK(prometheus_text({}).empty());
}

TEST_CASE("times are told in seconds, and a histogram by what is at most each bound",
          "[observe][vector]") {
  static constexpr std::uint64_t bounds[] = {1'000, 250'000'000};
  registry r;
  r.measure("rtt_seconds", {}, 1'000'000).set(1'500);
  auto& h = r.distribution("turn_seconds", {bounds, 1'000'000'000}, {{"type", "t"}});
  h.note(1'000), h.note(1'001), h.note(500'000'000);
  CHECK(prometheus_text(r.read()) == "# TYPE rtt_seconds gauge\n"
                                     "rtt_seconds 0.0015\n"
                                     "# TYPE turn_seconds histogram\n"
                                     "turn_seconds_bucket{type=\"t\",le=\"1e-06\"} 1\n"
                                     "turn_seconds_bucket{type=\"t\",le=\"0.25\"} 2\n"
                                     "turn_seconds_bucket{type=\"t\",le=\"+Inf\"} 3\n"
                                     "turn_seconds_sum{type=\"t\"} 0.500002001\n"
                                     "turn_seconds_count{type=\"t\"} 3\n");
  registry plain;
  plain.distribution("n", {bounds}).note(7);
  CHECK(prometheus_text(plain.read()) == "# TYPE n histogram\n"
                                         "n_bucket{le=\"1000\"} 1\n"
                                         "n_bucket{le=\"250000000\"} 1\n"
                                         "n_bucket{le=\"+Inf\"} 1\n"
                                         "n_sum 7\n"
                                         "n_count 1\n");
}
