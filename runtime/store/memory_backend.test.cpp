// That the twin loses exactly what it was told to lose.
#include "runtime/store/memory_backend.hpp"

#include "runtime/store/test_support.hpp"

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

TEST_CASE("the memory disk outlives a node and a crash keeps what was synced", "[store][unit]") {
  auto disk = std::make_shared<memory_disk>(); // shared with each life
  auto first = memory_backend::open(disk).value().release();
  std::unique_ptr<backend> life(first);
  REQUIRE(commit(*life, put("a", "1"), 1));
  disk->crash();
  CHECK(life->get(table::state, as_bytes("a")).error().code == "disk_lost");
  CHECK(commit(*life, put("z", "1"), 2).error().code == "disk_lost");
  life = std::move(memory_backend::open(disk).value());
  CHECK(get(*life, "a") == "1");
  CHECK(life->recovered() == 1);
}

TEST_CASE("the memory disk drops unsynced commits at a crash, the youngest first",
          "[store][unit]") {
  auto disk = std::make_shared<memory_disk>(); // shared with each life
  std::unique_ptr<backend> life = std::move(memory_backend::open(disk).value());
  REQUIRE(commit(*life, put("a", "old"), 1));
  REQUIRE(commit(*life, put("b", "old"), 2));
  disk->set_sync(false);
  REQUIRE(commit(*life, put("a", "new"), 3));
  write_batch range;
  range.erase_range(table::state, as_bytes("a"), as_bytes("z"));
  range.put(table::state, as_bytes("c"), as_bytes("new"));
  range.put(table::state, as_bytes("c"), as_bytes("newer"));
  REQUIRE(commit(*life, range, 4));
  CHECK(everything(*life, table::state).size() == 1);
  CHECK(disk->unsynced() == 2);

  std::size_t keep = 0;
  SECTION("all of them") { disk->crash(); }
  SECTION("all but the first") {
    disk->crash(1);
    keep = 1;
  }
  SECTION("none, once synced") {
    disk->sync();
    disk->crash();
    keep = 2;
  }
  life = std::move(memory_backend::open(disk).value());
  CHECK(life->recovered() == 2 + keep);
  if (keep < 2) {
    CHECK(get(*life, "a") == (keep == 0 ? "old" : "new"));
    CHECK(get(*life, "b") == "old");
    CHECK_FALSE(get(*life, "c"));
  } else {
    CHECK_FALSE(get(*life, "a"));
    CHECK(get(*life, "c") == "newer");
  }
}

TEST_CASE("the memory disk reports a store behind its witness and fails on command",
          "[store][unit]") {
  auto disk = std::make_shared<memory_disk>(); // shared with each life
  std::unique_ptr<backend> life = std::move(memory_backend::open(disk).value());
  disk->fail_commit(2);
  REQUIRE(commit(*life, put("a", "1"), 1));
  CHECK(commit(*life, put("a", "2"), 2).error().code == "disk_failed");
  CHECK(get(*life, "a") == "1");
  disk->set_sync(false);
  REQUIRE(commit(*life, put("a", "3"), 2));
  REQUIRE(life->bear_witness(2));
  disk->crash();
  auto again = memory_backend::open(disk);
  REQUIRE_FALSE(again);
  CHECK(again.error().category == errc::corrupt);
  CHECK(again.error().code == "store_behind_witness");
}

TEST_CASE("a torn commit is never heard of, and is there as a whole or not at all",
          "[store][unit]") {
  auto disk = std::make_shared<memory_disk>(); // shared with each life
  std::unique_ptr<backend> life = std::move(memory_backend::open(disk).value());
  const bool whole = GENERATE(true, false);
  write_batch two = put("a", "1");
  two.put(table::state, as_bytes("b"), as_bytes("1"));
  disk->tear_commit(whole);
  CHECK(commit(*life, two, 1).error().code == "disk_failed");
  disk->crash();
  life = std::move(memory_backend::open(disk).value());
  CHECK(life->recovered() == (whole ? 1 : 0));
  CHECK(everything(*life, table::state).size() == (whole ? 2 : 0));
  REQUIRE(commit(*life, put("c", "1"), 2)); // once
  disk->fail_commit();
  CHECK(commit(*life, put("d", "1"), 3).error().code == "disk_failed");
  CHECK_FALSE(get(*life, "d")); // nothing is left of the tearing
}

TEST_CASE("a copy of the memory disk has what was synced, and goes its own way", "[store][unit]") {
  auto disk = std::make_shared<memory_disk>(); // shared with each life
  std::unique_ptr<backend> one = std::move(memory_backend::open(disk).value());
  REQUIRE(commit(*one, put("a", "1"), 1));
  disk->set_sync(false);
  REQUIRE(commit(*one, put("a", "2"), 2));
  auto backup = disk->copy();
  CHECK(disk->unsynced() == 1);
  std::unique_ptr<backend> other = std::move(memory_backend::open(backup).value());
  CHECK(other->recovered() == 1);
  CHECK(get(*other, "a") == "1");
  REQUIRE(commit(*other, put("a", "3"), 2));
  CHECK(get(*one, "a") == "2");
}
