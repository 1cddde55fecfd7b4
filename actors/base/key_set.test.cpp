// The set of digests beside a std::set that gets the same.
#include "actors/base/key_set.hpp"

#include "runtime/base/random.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace kith;

TEST_CASE("a set of keys has what was put into it and not taken out", "[base][unit]") {
  seeded_random random(4);
  key_set set;
  std::set<key_set::key> model;
  std::vector<key_set::key> used;
  CHECK_FALSE(set.contains(key_set::key{1}));
  CHECK_FALSE(set.erase(key_set::key{1}));
  for (int i = 0; i < 20000; ++i) {
    key_set::key k{};
    if (used.empty() || random.below(2) == 0) {
      // Few different homes, and the last ones too, so that runs form and wrap around.
      k[0] = std::uint8_t(random.below(2) == 0 ? 255 : random.below(8));
      k[1] = k[0] == 255 ? 255 : 0;
      k[15] = std::uint8_t(random.below(256));
      k[14] = std::uint8_t(1 + random.below(8));
      used.push_back(k);
    } else {
      k = used[std::size_t(random.below(used.size()))];
    }
    if (random.below(2) == 0) {
      set.insert(k);
      model.insert(k);
    } else {
      REQUIRE(set.erase(k) == (model.erase(k) == 1));
    }
    REQUIRE(set.size() == model.size());
    REQUIRE(set.contains(k) == (model.count(k) == 1));
  }
  for (const auto& k : used) REQUIRE(set.contains(k) == (model.count(k) == 1));
  CHECK_FALSE(model.empty());
  set.clear();
  CHECK(set.empty());
  CHECK_FALSE(set.contains(used.front()));
}
