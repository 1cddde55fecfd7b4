// Instants that do not fit the clock they are put on.
#include "actors/mailbox/wall_time.hpp"

#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;

TEST_CASE("an instant beyond a century is a century ahead, and one that has passed is now",
          "[mailbox][unit]") {
  constexpr auto last = std::numeric_limits<wall_ms>::max();
  const time_point now{std::chrono::hours(1)};
  const wall_ms wall = 1'700'000'000'000;
  CHECK(monotonic(wall + 5, wall, now) == now + std::chrono::milliseconds(5));
  CHECK(monotonic(wall, wall, now) == now);
  CHECK(monotonic(std::numeric_limits<wall_ms>::min(), wall, now) == now);
  CHECK(monotonic(last, wall, now) == now + std::chrono::milliseconds(ahead_max_ms));
  CHECK(later(wall, 5) == wall + 5);
  CHECK(later(wall, ~std::uint64_t(0)) == wall + ahead_max_ms);
  CHECK(later(last, 1) == last);
}

TEST_CASE("what may live for longer than there is time for is not expired", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  for (auto time_to_live : {~std::uint64_t(0), std::uint64_t(1) << 63}) {
    ingress r{to, "note", std::string(text_type), "x"};
    r.time_to_live_ms = time_to_live;
    r.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
    w.a.box(from).ingress(r);
    w.a.settle();
  }
  CHECK(w.a.cell(to, "seen") == R"(["x","x"])");
}
