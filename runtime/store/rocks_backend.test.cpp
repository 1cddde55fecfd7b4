// The store on disk: what it refuses to open and why, what it keeps, and that the twin in memory
// does the same.
#include "runtime/store/rocks_backend.hpp"

#include "runtime/base/random.hpp"
#include "runtime/store/memory_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <fstream>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

std::unique_ptr<rocks_backend> open(const temporary_dir& dir, rocks_options o = {}) {
  auto opened = rocks_backend::open(dir.path(), std::move(o));
  if (!opened) FAIL(opened.error().what());
  return std::move(*opened);
}

error refusal(const std::filesystem::path& dir, rocks_options o = {}) {
  auto opened = rocks_backend::open(dir, std::move(o));
  REQUIRE_FALSE(opened);
  return opened.error();
}

void flip_byte(const std::filesystem::path& file, int at) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekg(at);
  const auto c = char(f.get() ^ 1);
  f.seekp(at);
  f.put(c);
  REQUIRE(f.good());
}

} // namespace

TEST_CASE("a store keeps its commits and its position over a restart", "[store][unit]") {
  temporary_dir dir;
  auto s = open(dir);
  CHECK(s->recovered() == 0);
  write_batch b;
  b.put(table::state, as_bytes("k"), as_bytes("1"));
  b.put(table::queue, as_bytes("k"), as_bytes("2"));
  b.put(table::ledger, as_bytes("k"), byte_view{});
  REQUIRE(commit(*s, b, 7));
  CHECK(s->recovered() == 7);
  s.reset(); // no close: as a crash
  s = open(dir);
  CHECK(s->recovered() == 7);
  CHECK(get(*s, "k") == "1");
  CHECK(get(*s, "k", table::queue) == "2");
  CHECK(get(*s, "k", table::ledger) == "");
  CHECK_FALSE(get(*s, "position"));
}

TEST_CASE("a state directory that is missing is named", "[store][unit]") {
  temporary_dir dir;
  auto e = refusal(dir.path() / "no");
  CHECK(e.category == errc::not_found);
  CHECK(e.code == "state_dir_missing");
  CHECK(e.context.find((dir.path() / "no").string()) != std::string::npos);
  CHECK(refusal(dir.path(), {.read_only = true}).code == "store_missing");
}

TEST_CASE("a state directory in use is refused with its name and the holder's process",
          "[store][unit]") {
  temporary_dir dir;
  auto s = open(dir);
  REQUIRE(commit(*s, put("k", "v"), 1));
  for (bool read_only : {false, true}) {
    auto e = refusal(dir.path(), {.read_only = read_only});
    CHECK(e.category == errc::unavailable);
    CHECK(e.code == "state_dir_locked");
    CHECK(e.context.find(dir.path().string()) != std::string::npos);
    CHECK(e.context.find("process " + std::to_string(::getpid())) != std::string::npos);
  }
  s.reset();
  auto audit = open(dir, {.read_only = true});
  auto second = open(dir, {.read_only = true});
  CHECK(refusal(dir.path()).code == "state_dir_locked");
  CHECK(get(*audit, "k") == "v");
  CHECK(audit->recovered() == 1);
  CHECK(commit(*audit, put("k", "w"), 2).error().code == "store_read_only");
  CHECK(audit->bear_witness(2).error().code == "store_read_only");
}

TEST_CASE("the clean mark tells a proper end from a crash, and an audit leaves it alone",
          "[store][unit]") {
  temporary_dir dir;
  auto s = open(dir);
  CHECK(s->was_clean()); // new
  REQUIRE(commit(*s, put("k", "v"), 1));
  s.reset();
  s = open(dir);
  CHECK_FALSE(s->was_clean());
  REQUIRE(s->close());
  REQUIRE(s->close());
  CHECK(s->get(table::state, as_bytes("k")).error().code == "store_closed");
  CHECK(open(dir, {.read_only = true})->was_clean());
  s = open(dir);
  CHECK(s->was_clean());
  s.reset();
  CHECK_FALSE(open(dir, {.read_only = true})->was_clean());
  CHECK_FALSE(open(dir)->was_clean());
}

TEST_CASE("a store behind its witness is refused with both numbers, and is not changed",
          "[store][unit]") {
  temporary_dir dir;
  {
    auto s = open(dir);
    REQUIRE(commit(*s, put("k", "v"), 41));
    REQUIRE(s->bear_witness(42));
  }
  SECTION("the store lost its end") {
    for (int again = 0; again < 2; ++again) {
      auto e = refusal(dir.path());
      CHECK(e.category == errc::corrupt);
      CHECK(e.code == "store_behind_witness");
      CHECK(e.context.find("position 41") != std::string::npos);
      CHECK(e.context.find("saw 42") != std::string::npos);
    }
  }
  SECTION("the store is gone altogether") {
    std::filesystem::remove_all(dir.path() / "db");
    CHECK(refusal(dir.path()).code == "store_behind_witness");
    CHECK_FALSE(std::filesystem::exists(dir.path() / "db"));
  }
}

TEST_CASE("a damaged log record is not passed over in silence", "[store][unit]") {
  temporary_dir dir;
  {
    auto s = open(dir);
    for (journal_position p = 1; p <= 20; ++p)
      REQUIRE(commit(*s, put("k" + std::to_string(p), "v"), p));
    REQUIRE(s->bear_witness(20));
  }
  for (const auto& file : std::filesystem::directory_iterator(dir.path() / "db"))
    if (file.path().extension() == ".log" && file.file_size() > 0)
      flip_byte(file.path(), int(file.file_size() / 2));
  auto e = refusal(dir.path());
  CHECK(e.category == errc::corrupt);
  CHECK(e.code == "store_behind_witness");
  CHECK(refusal(dir.path()).code == "store_behind_witness"); // the evidence is still there
}

TEST_CASE("a witness that is missing, damaged or from the future is refused", "[store][unit]") {
  temporary_dir dir;
  const auto witness = dir.path() / "witness";
  {
    auto s = open(dir);
    REQUIRE(commit(*s, put("k", "v"), 5));
    REQUIRE(s->bear_witness(5));
  }
  const auto size = int(std::filesystem::file_size(witness));
  SECTION("any byte of it changed") {
    for (int at = 0; at < size; ++at) {
      CAPTURE(at);
      flip_byte(witness, at);
      const auto code = refusal(dir.path()).code;
      CHECK(code == (at == 4 ? "witness_format" : "witness_damaged")); // 4: the version's high byte
      flip_byte(witness, at);
    }
    CHECK(open(dir));
  }
  SECTION("cut short at any byte") {
    for (int left = size - 1; left >= 0; --left) {
      std::filesystem::resize_file(witness, std::uintmax_t(left));
      CHECK(refusal(dir.path()).code == "witness_damaged");
    }
  }
  SECTION("too long") {
    std::ofstream(witness, std::ios::app) << "x";
    CHECK(refusal(dir.path()).code == "witness_damaged");
  }
  SECTION("gone") {
    std::filesystem::remove(witness);
    auto e = refusal(dir.path());
    CHECK(e.category == errc::corrupt);
    CHECK(e.code == "witness_damaged");
  }
}

TEST_CASE("the fault layer's failures reach the caller, and the store stops at the first",
          "[store][unit]") {
  temporary_dir dir;
  // Shared with the store under test.
  auto disk = std::make_shared<fault_disk>();
  auto s = open(dir, {.faults = disk});
  REQUIRE(commit(*s, put("a", "1"), 1));
  std::string code;
  SECTION("a sync") {
    disk->fail_sync(1);
    code = "disk_failed";
  }
  SECTION("a write") {
    disk->fail_write(1);
    code = "disk_failed";
  }
  SECTION("no room") {
    CHECK(s->free_bytes().value() > 0);
    disk->set_full(true);
    CHECK(s->free_bytes().value() == 0);
    code = "disk_full";
  }
  auto failed = commit(*s, put("b", "1"), 2);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().category == errc::io);
  CHECK(failed.error().code == code);
  disk->set_full(false);
  CHECK(commit(*s, put("c", "1"), 3).error().code == "store_failed");
  CHECK(disk->counts().syncs_failed + disk->counts().writes_failed > 0);
  CHECK(s->recovered() == 1);
  CHECK_FALSE(s->close()); // and leaves no clean mark
  s = open(dir, {.faults = disk});
  CHECK_FALSE(s->was_clean());
  CHECK(get(*s, "a") == "1");
  CHECK_FALSE(get(*s, "c"));
}

TEMPLATE_TEST_CASE("scans keep to their range and limits", "[store][unit]", memory_backend,
                   rocks_backend) {
  temporary_dir dir;
  std::unique_ptr<backend> s;
  if constexpr (std::is_same_v<TestType, rocks_backend>)
    s = open(dir);
  else
    s = std::move(memory_backend::open(std::make_shared<memory_disk>()).value());
  write_batch b;
  for (char c = 'a'; c <= 'j'; ++c)
    b.put(table::queue, as_bytes(std::string(1, c)), as_bytes("123456789"));
  b.put(table::queue, bytes{0xff, 0xff}, as_bytes("last"));
  REQUIRE(commit(*s, b, 1));
  auto keys = [&](std::string_view from, std::string_view to, scan_limits limits = {}) {
    std::string out;
    const auto found = s->scan(table::queue, as_bytes(from), as_bytes(to), limits);
    for (const auto& e : found.value()) out += as_text(e.key);
    return out;
  };
  CHECK(keys("", "\xff") == "abcdefghij");
  CHECK(keys("c", "f") == "cde");
  CHECK(keys("c", "c").empty());
  CHECK(keys("f", "c").empty());
  CHECK(keys("f", "").empty());
  CHECK(keys("aa", "bb") == "b");
  CHECK(keys("", "\xff", {.count_max = 3}) == "abc");
  CHECK(keys("", "\xff", {.count_max = 0}).empty());
  CHECK(keys("", "\xff", {.bytes_max = 25}) == "abc"); // 10 bytes each; the third crosses it
  CHECK(keys("", "\xff", {.bytes_max = 20}) == "ab");
  CHECK(keys("k", "\xff\xff\xff") == "\xff\xff"); // bytes compare unsigned

  write_batch erase;
  erase.erase_range(table::queue, as_bytes("b"), as_bytes("e"));
  erase.erase_range(table::queue, as_bytes("j"), as_bytes("f")); // reversed: nothing
  erase.put(table::queue, as_bytes("c"), as_bytes("new"));       // in order: after the range
  REQUIRE(commit(*s, erase, 2));
  CHECK(keys("", "\xff") == "acefghij");
  CHECK(everything(*s, table::state).empty());
}

TEST_CASE("the twin in memory does as RocksDB does", "[store][property]") {
  temporary_dir dir;
  seeded_random chance(20240611);
  const rocks_options options{.sync_writes = false, .write_buffer_bytes = 64 << 10}; // for speed
  auto disk = std::make_shared<memory_disk>(); // shared with the twin's lives
  std::unique_ptr<backend> rocks = open(dir, options),
                           memory = std::move(memory_backend::open(disk).value());
  auto key = [&] {
    bytes k;
    for (auto n = chance.below(4); n > 0; --n)
      k.push_back(std::uint8_t("\x00\x01\x7f\x80\xfe"[chance.below(5)]));
    return k;
  };
  auto some_table = [&] { return table(chance.below(table_count)); };
  journal_position position = 0;
  for (int round = 0; round < 1500; ++round) {
    std::vector<write_batch> batches(chance.below(4));
    for (auto& b : batches)
      for (auto n = chance.below(6); n > 0; --n) {
        const auto what = chance.below(10);
        if (what < 7)
          b.put(some_table(), key(), slice(bytes(chance.below(300), std::uint8_t(round))));
        else if (what < 9)
          b.erase(some_table(), key());
        else
          b.erase_range(some_table(), key(), key());
      }
    ++position;
    REQUIRE(rocks->commit(batches, position));
    REQUIRE(memory->commit(batches, position));
    const auto t = some_table();
    const auto from = key(), to = key();
    const scan_limits limits{chance.below(20), chance.below(2000)};
    auto a = rocks->scan(t, from, to, limits).value(),
         b = memory->scan(t, from, to, limits).value();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      REQUIRE((a[i].key == b[i].key && equal(a[i].value, b[i].value)));
    auto x = rocks->get(t, from).value(), y = memory->get(t, from).value();
    REQUIRE(x.has_value() == y.has_value());
    if (x) REQUIRE(equal(*x, *y));
    if (chance.below(150) == 0) {
      rocks.reset();
      rocks = open(dir, options);
      disk->crash();
      memory = std::move(memory_backend::open(disk).value());
      REQUIRE(rocks->recovered() == position);
      REQUIRE(memory->recovered() == position);
      for (auto in : {table::state, table::queue, table::ledger})
        REQUIRE(everything(*rocks, in) == everything(*memory, in));
    }
  }
}

TEST_CASE("a store says how often it held up writers, and how large its tables are",
          "[store][unit]") {
  temporary_dir dir;
  rocks_options o;
  o.write_buffer_bytes = 64 << 10; // soon full, and longer in being flushed
  o.write_buffer_count_max = 2;
  o.sync_writes = false;
  auto s = open(dir, o);
  CHECK(s->stats().stops + s->stats().slowdowns == 0);
  CHECK_FALSE(s->stats().stopped);
  journal_position position = 0;
  while (s->stats().stops + s->stats().slowdowns == 0) {
    REQUIRE(position < 100'000);
    ++position;
    REQUIRE(commit(*s, put(std::to_string(position), std::string(4096, 'x')), position));
  }
  REQUIRE(s->close());
  s = open(dir, o);
  CHECK(s->stats().table_bytes > 0);
  REQUIRE(s->close());
  CHECK(s->stats().table_bytes == 0); // closed: nothing to say, and no crash
}
