// The replay cache against a model that forgets nothing, at its limits, and when clocks misbehave.
#include "protocols/httpsig/replay_cache.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace kith;
using namespace kith::httpsig;
using answer = replay_cache::answer;

namespace {

byte_array<32> id(std::uint64_t n) {
  byte_array<32> out{};
  for (int i = 0; i < 8; ++i) out[std::size_t(i)] = std::uint8_t(n >> (8 * i));
  return out;
}

} // namespace

TEST_CASE("a request is fresh once, for as long as it is acceptable", "[httpsig][unit]") {
  seeded_random chance(1);
  replay_cache cache({.count_max = 100, .window_max = 60}, chance);
  CHECK(cache.add(id(1), 1030, 1000) == answer::fresh);
  CHECK(cache.add(id(1), 1030, 1000) == answer::replayed);
  CHECK(cache.add(id(2), 1030, 1000) == answer::fresh);
  CHECK(cache.add(id(1), 1030, 1030) == answer::replayed);
  CHECK(cache.size() == 2);
  // From here a verifier refuses it as too old; and the cache has forgotten it.
  CHECK(cache.add(id(1), 1030, 1031) == answer::late);
  CHECK(cache.size() == 0);
}

TEST_CASE("a full cache refuses what is new and still knows what it has", "[httpsig][unit]") {
  seeded_random chance(1);
  replay_cache cache({.count_max = 3, .window_max = 60}, chance);
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(cache.add(id(i), 1010, 1000) == answer::fresh);
  CHECK(cache.add(id(3), 1010, 1000) == answer::full);
  CHECK(cache.add(id(0), 1010, 1000) == answer::replayed);
  CHECK(cache.size() == 3);
  CHECK(cache.add(id(3), 1020, 1011) == answer::fresh); // the others' time is over
  CHECK(cache.size() == 1);
}

TEST_CASE("a request that is acceptable for longer than the window is refused", "[httpsig][unit]") {
  seeded_random chance(1);
  replay_cache cache({.count_max = 3, .window_max = 60}, chance);
  CHECK(cache.add(id(1), 1061, 1000) == answer::full);
  CHECK(cache.add(id(1), 1060, 1000) == answer::fresh);
}

TEST_CASE("a clock that is set back lets no copy in", "[httpsig][unit]") {
  seeded_random chance(1);
  replay_cache cache({.count_max = 10, .window_max = 60}, chance);
  CHECK(cache.add(id(1), 1050, 1000) == answer::fresh);
  CHECK(cache.add(id(2), 9050, 9000) == answer::fresh); // an hour and more ahead
  CHECK(cache.add(id(1), 1050, 1000) == answer::late);  // and back
  CHECK(cache.add(id(3), 1050, 1000) == answer::late);
  CHECK(cache.add(id(2), 9050, 1000) == answer::replayed);
  CHECK(cache.add(id(4), -5, -10) == answer::late);
}

TEST_CASE("the cache answers as one that never forgets, at any sequence of times",
          "[httpsig][property]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    seeded_random chance(seed);
    replay_cache cache({.count_max = 1 << 20, .window_max = 30}, chance);
    std::map<std::uint64_t, unix_seconds> until; // of all that were taken
    unix_seconds now = 5000;
    for (int step = 0; step < 3000; ++step) {
      now += unix_seconds(chance.below(20) == 0 ? chance.below(100) : chance.below(2));
      const auto n = chance.below(200);
      const auto known = until.find(n);
      const bool live = known != until.end() && known->second >= now;
      // A copy has the time of its original.
      const auto end = live ? known->second : now + unix_seconds(chance.below(31));
      const auto expected = live ? answer::replayed : answer::fresh;
      CAPTURE(seed, step, n, now, end);
      REQUIRE(cache.add(id(n), end, now) == expected);
      until[n] = end;
      std::size_t remembered = 0;
      for (const auto& [other, ends] : until) remembered += ends >= now;
      REQUIRE(cache.size() == remembered);
    }
  }
}
