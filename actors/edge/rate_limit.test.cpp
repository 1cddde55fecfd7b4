#include "actors/edge/rate_limit.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::edge;
using namespace std::chrono_literals;

TEST_CASE("a rested key may come in a burst, and then at its rate", "[edge][unit]") {
  rate_limiter limit({10, 3});
  time_point now{1h};
  for (int i = 0; i < 3; ++i) CHECK(limit.take("a", now) == duration(0));
  CHECK(limit.take("a", now) == 100ms);
  CHECK(limit.take("b", now) == duration(0)); // another key is not held up
  now += 50ms;
  CHECK(limit.take("a", now) == 50ms);
  now += 50ms;
  CHECK(limit.take("a", now) == duration(0));
  CHECK(limit.take("a", now) == 100ms);
  now += 1h; // no more than a burst is saved up
  for (int i = 0; i < 3; ++i) CHECK(limit.take("a", now) == duration(0));
  CHECK(limit.take("a", now) > duration(0));
}

TEST_CASE("a clock that goes back gives nothing away", "[edge][unit]") {
  rate_limiter limit({10, 1});
  time_point now{1h};
  CHECK(limit.take("a", now) == duration(0));
  CHECK(limit.take("a", now - 10s) > duration(0));
  CHECK(limit.take("a", now) > duration(0));
}

TEST_CASE("keys are forgotten from the one that came least recently", "[edge][unit]") {
  rate_limiter limit({1, 1});
  time_point now{1h};
  CHECK(limit.take("first", now) == duration(0));
  CHECK(limit.take("second", now) == duration(0));
  for (std::size_t i = 2; i < rate_limiter::keys_max; ++i) limit.take(std::to_string(i), now);
  CHECK(limit.take("first", now) > duration(0)); // known, and now the most recent
  limit.take("one more", now);
  CHECK(limit.size() == rate_limiter::keys_max);
  CHECK(limit.take("first", now) > duration(0));
  CHECK(limit.take("second", now) == duration(0)); // it begins anew
}
