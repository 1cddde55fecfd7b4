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
