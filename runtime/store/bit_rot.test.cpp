// Bit rot: bytes flipped and files cut in copies of a store that the journal made. What is damaged
// says so, at the start, at a read, or by verifying; what is read is what was written.
#include "runtime/base/random.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <array>
#include <fstream>
#include <map>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

namespace fs = std::filesystem;

constexpr table tables[] = {table::state, table::queue, table::ledger};
enum kind { log_file, table_file, manifest_file, witness_record, other_file, kind_count };
constexpr const char* kind_names[kind_count] = {"log", "table", "manifest", "witness", "other"};

kind kind_of(const fs::path& file) {
  const auto name = file.filename().string();
  if (name == "witness") return witness_record;
  if (name.starts_with("MANIFEST") || name == "CURRENT") return manifest_file;
  if (file.extension() == ".log") return log_file;
  return file.extension() == ".sst" ? table_file : other_file;
}

// What was done to copies of one kind of file, and how that came out.
struct counts {
  int made = 0, at_open = 0, at_read = 0, by_verify_only = 0, harmless = 0;
};

struct rotten {
  seeded_random chance;
  temporary_dir dir;
  const fs::path made = dir.path() / "made", copy = dir.path() / "copy";
  std::map<bytes, slice> written[table_count];
  std::array<std::vector<fs::path>, kind_count> files; // relative
  std::array<counts, kind_count> seen;

  explicit rotten(std::uint64_t seed) : chance(seed) {
    fs::create_directory(made);
    make();
    for (const auto& e : fs::recursive_directory_iterator(made))
      if (e.is_regular_file() && e.file_size() > 0 && e.path().filename() != "lock")
        files[kind_of(e.path())].push_back(fs::relative(e.path(), made));
    for (auto k : {log_file, table_file, manifest_file, witness_record})
      REQUIRE_FALSE(files[k].empty());
    // A directory has no order. RocksDB flushes and compacts in threads of its own, so that a seed
    // makes the same contents each time, though not always the same files.
    for (auto& all : files) std::sort(all.begin(), all.end());
  }

  slice noise() {
    bytes b(1 + chance.below(2000));
    chance.fill(b);
    return slice(std::move(b));
  }

  // Through the journal: tables that were flushed, and compacted, and a log behind them. It ends
  // as by a crash; all of it is synced, and the witness has seen all of it.
  void make() {
    auto opened = rocks_backend::open(made, {.sync_writes = false, .write_buffer_bytes = 64 << 10});
    REQUIRE(opened);
    manual_clock time;
    journal j(**opened, time, {.threaded = false}, [](const error&) {});
    for (int round = 0; round < 700; ++round) {
      write_batch b;
      for (const auto in : tables) {
        auto& all = written[std::size_t(in)];
        bytes key{std::uint8_t('a' + chance.below(3))};
        put_u32(key, std::uint32_t(chance.below(500)));
        if (chance.below(5) == 0 && !all.empty()) {
          auto from = all.lower_bound(key);
          auto to = from;
          for (auto n = chance.below(4); n > 0 && to != all.end(); --n) ++to;
          if (from != all.end() && to != all.end() && from != to) {
            b.erase_range(in, from->first, to->first);
            all.erase(from, to);
          }
        }
        const auto value = noise();
        b.put(in, key, value);
        all.insert_or_assign(key, value);
      }
      REQUIRE(j.submit(std::move(b), {}));
      if (chance.below(4) == 0) j.pump();
    }
    while (j.pump()) {
    }
    j.close(); // bears witness
  }

  // One bit, or an end that is missing.
  std::string spoil(const fs::path& file) {
    const auto size = fs::file_size(file);
    const auto at = chance.below(size);
    if (chance.below(4) == 0) {
      fs::resize_file(file, at);
      return "cut to " + std::to_string(at);
    }
    const auto bit = chance.below(8);
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(std::streamoff(at));
    const auto c = char(f.get() ^ (1 << bit));
    f.seekp(std::streamoff(at));
    f.put(c);
    REQUIRE(f.good());
    return "bit " + std::to_string(bit) + " of byte " + std::to_string(at);
  }

  // Everything, by both ways of reading. The number of reads that failed; `missing` is what was
  // read as if it had never been there.
  int read_all(rocks_backend& disk, bool& missing) {
    int failed = 0;
    for (const auto in : tables) {
      const auto& all = written[std::size_t(in)];
      for (const auto& [key, value] : all) {
        const auto got = disk.get(in, key);
        if (!got) {
          CHECK(got.error().category == errc::corrupt);
          ++failed;
        } else if (!*got) {
          missing = true;
        } else {
          REQUIRE(equal(**got, value));
        }
      }
      const auto found = disk.scan(in, {}, bytes{0xff}, {std::size_t(-1), std::size_t(-1)});
      if (!found) {
        CHECK(found.error().category == errc::corrupt);
        ++failed;
        continue;
      }
      if (found->size() < all.size()) missing = true;
      for (const auto& e : *found) {
        const auto expected = all.find(e.key);
        REQUIRE(expected != all.end()); // nothing that was erased comes back
        REQUIRE(equal(e.value, expected->second));
      }
    }
    return failed;
  }

  void round() {
    auto k = kind(chance.below(kind_count));
    if (files[k].empty()) k = table_file;
    const auto& file = files[k][chance.below(files[k].size())];
    fs::remove_all(copy);
    fs::copy(made, copy, fs::copy_options::recursive);
    const auto how = spoil(copy / file);
    INFO(file << ": " << how);
    auto& c = seen[k];
    ++c.made;
    const auto verified = verify_store(copy);
    REQUIRE(verified);
    const auto told = !verified->damage.empty();
    auto opened = rocks_backend::open(copy);
    if (!opened) {
      const auto& e = opened.error();
      INFO(e.what());
      CHECK((e.category == errc::corrupt || e.category == errc::unsupported ||
             e.category == errc::io));
      CHECK(told);
      ++c.at_open;
      return;
    }
    bool missing = false;
    const auto failed = read_all(**opened, missing);
    // What was read as absent was told of before: at the latest by verifying.
    if (missing) CHECK(told);
    // All of it is below the witness: the start must have noticed.
    if (k != table_file) CHECK((failed == 0 && !missing));
    if (k == table_file) CHECK(told);
    ++(failed > 0 ? c.at_read : told ? c.by_verify_only : c.harmless);
  }

  std::string text() const {
    std::string out;
    for (std::size_t k = 0; k < kind_count; ++k) {
      const auto& c = seen[k];
      out += std::string(kind_names[k]) + ": " + std::to_string(c.made) + " damaged, " +
             std::to_string(c.at_open) + " told at open, " + std::to_string(c.at_read) +
             " at a read, " + std::to_string(c.by_verify_only) + " by verifying only, " +
             std::to_string(c.harmless) + " harmless\n";
    }
    return out;
  }
};

void campaign(std::uint64_t seed, int rounds) {
  rotten r(seed);
  for (int i = 0; i < rounds; ++i) {
    INFO("seed " << seed << ", round " << i);
    r.round();
  }
  WARN("seed " << seed << "\n" << r.text());
  for (auto k : {log_file, manifest_file, witness_record}) CHECK(r.seen[k].at_open > 0);
  CHECK(r.seen[table_file].harmless == 0);
}

} // namespace

TEST_CASE("a hundred times bit rot: no wrong value is read, and what is damaged says so",
          "[store][property]") {
  campaign(1, 100);
}

TEST_CASE("a thousand times bit rot: no wrong value is read, and what is damaged says so",
          "[.][store][slow]") {
  campaign(2, 1000);
}
