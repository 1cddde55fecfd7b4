// Backups of a store and their way back; verification.
#include "runtime/store/backups.hpp"

#include "runtime/base/random.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/test_support.hpp"
#include "runtime/store/verification.hpp"

#include <fstream>
#include <thread>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

namespace fs = std::filesystem;

struct stage {
  temporary_dir dir;
  const fs::path from = dir.path() / "store", to = dir.path() / "backups";
  std::unique_ptr<rocks_backend> disk;
  journal_position last = 0;
  seeded_random chance{7};

  // A kilobyte that does not compress.
  slice noise() {
    bytes b(1000);
    chance.fill(b);
    return slice(std::move(b));
  }
  stage() {
    fs::create_directory(from);
    fs::create_directory(to);
    open();
  }
  void open(rocks_options o = {}) {
    auto opened = rocks_backend::open(from, std::move(o));
    if (!opened) FAIL(opened.error().what());
    disk = std::move(*opened);
  }
  // `count` commits with a kilobyte each, over all tables.
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      ++last;
      write_batch b;
      for (auto in : {table::state, table::queue, table::ledger})
        b.put(in, as_bytes("k" + std::to_string(last)), noise());
      REQUIRE(commit(*disk, b, last));
    }
    REQUIRE(disk->bear_witness(last));
  }
  backup_copy take(backup_request more = {}) {
    more.to = to;
    auto made = disk->back_up(more);
    if (!made) FAIL(made.error().what());
    return *made;
  }
  std::unique_ptr<rocks_backend> put_back(const backup_copy& b, const std::string& name) {
    const auto into = dir.path() / name;
    fs::create_directory(into);
    auto done = backups::restore(to, b.id, into, b.position);
    if (!done) FAIL(done.error().what());
    auto opened = rocks_backend::open(into);
    REQUIRE(opened);
    return std::move(*opened);
  }
};

void flip_byte(const fs::path& file, std::uintmax_t at) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekg(std::streamoff(at));
  const auto c = char(f.get() ^ 1);
  f.seekp(std::streamoff(at));
  f.put(c);
  REQUIRE(f.good());
}

fs::path first_with(const fs::path& dir, const std::string& extension) {
  for (const auto& e : fs::recursive_directory_iterator(dir))
    if (e.path().extension() == extension && e.file_size() > 0) return e.path();
  FAIL("no " + extension + " in " + dir.string());
  return {};
}

} // namespace

TEST_CASE("a backup is restored as the store was, and the second copies only what is new",
          "[store][unit]") {
  stage s;
  s.write(300);
  const auto first = s.take();
  CHECK(first.id == 1);
  CHECK(first.position == 300);
  CHECK(first.bytes_new > 0);
  s.write(3);
  const auto second = s.take();
  CHECK(second.position == 303);
  CHECK(second.bytes > first.bytes);
  CHECK(second.bytes_new < first.bytes_new / 4);
  CHECK(backups::list(s.to).value() == std::vector<backup_id>{1, 2});
  REQUIRE(backups::verify(s.to, 1));
  REQUIRE(backups::verify(s.to, 2));

  const auto then = s.put_back(first, "then"), now = s.put_back(second, "now");
  CHECK(then->recovered() == 300);
  CHECK_FALSE(then->was_clean());
  CHECK_FALSE(get(*then, "k301"));
  CHECK(get(*then, "k300", table::ledger));
  CHECK(now->recovered() == 303);
  for (auto in : {table::state, table::queue, table::ledger})
    CHECK(everything(*now, in) == everything(*s.disk, in));
}

TEST_CASE("a backup amid commits is one instant of them", "[store][unit]") {
  stage s;
  s.write(50);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      write_batch b;
      const auto value = std::to_string(s.last + 1);
      for (auto in : {table::state, table::queue, table::ledger})
        b.put(in, as_bytes("latest"), as_bytes(value));
      if (!commit(*s.disk, b, s.last + 1)) return;
      ++s.last;
    }
  });
  std::vector<backup_copy> made;
  for (int i = 0; i < 5; ++i) {
    auto one = s.disk->back_up({.to = s.to});
    if (one) made.push_back(*one);
  }
  stop = true;
  writer.join();
  REQUIRE(made.size() == 5);
  for (const auto& b : made) {
    const auto copy = s.put_back(b, "copy" + std::to_string(b.id));
    if (b.position == 50) continue; // nothing was committed yet
    for (auto in : {table::state, table::queue, table::ledger})
      CHECK(get(*copy, "latest", in) == std::to_string(b.position));
  }
}

TEST_CASE("a backup that is stopped leaves those before it", "[store][unit]") {
  stage s;
  s.write(20);
  const auto first = s.take();
  s.write(3000); // past one call of the progress
  int calls = 0;
  const auto stopped =
      s.disk->back_up({.to = s.to, .progress = [&](std::uint64_t) { return ++calls < 2; }});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == "backup_stopped");
  CHECK(backups::list(s.to).value() == std::vector<backup_id>{first.id});
  REQUIRE(backups::verify(s.to, first.id));
  CHECK(s.take().position == s.last);
}

TEST_CASE("a backup that has rotted is told, and not restored", "[store][unit]") {
  stage s;
  s.write(300);
  const auto b = s.take();
  const auto file = first_with(s.to, ".sst");
  SECTION("a byte is another") { flip_byte(file, fs::file_size(file) / 3); }
  SECTION("it is cut short") { fs::resize_file(file, fs::file_size(file) - 1); }
  SECTION("it is gone") { fs::remove(file); }
  const auto checked = backups::verify(s.to, b.id);
  REQUIRE_FALSE(checked);
  const auto into = s.dir.path() / "into";
  fs::create_directory(into);
  CHECK_FALSE(backups::restore(s.to, b.id, into, b.position));
}

TEST_CASE("a table file that has rotted in the store makes no backup", "[store][unit]") {
  stage s;
  s.write(300);
  s.take();
  REQUIRE(s.disk->close());
  s.open();
  const auto file = first_with(s.from, ".sst");
  flip_byte(file, 100);
  fs::create_directory(s.dir.path() / "elsewhere");
  const auto made = s.disk->back_up({.to = s.dir.path() / "elsewhere"});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == "backup_damaged");
}

TEST_CASE("erasing a backup leaves what others share with it", "[store][unit]") {
  stage s;
  s.write(300);
  s.take();
  s.write(3);
  const auto second = s.take();
  REQUIRE(backups::erase(s.to, 1));
  CHECK(backups::erase(s.to, 1).error().code == "unknown_backup");
  CHECK(backups::verify(s.to, 1).error().code == "unknown_backup");
  REQUIRE(backups::verify(s.to, second.id));
  CHECK(s.put_back(second, "copy")->recovered() == 303);
}

TEST_CASE("a stopped store is backed up without touching its clean mark", "[store][unit]") {
  stage s;
  s.write(10);
  const bool clean = GENERATE(true, false);
  if (clean) REQUIRE(s.disk->close());
  s.disk.reset();
  s.open({.upkeep = true});
  CHECK(commit(*s.disk, put("k", "v"), 11).error().code == "store_read_only");
  CHECK(s.take().position == 10);
  REQUIRE(s.disk->close());
  s.disk.reset();
  s.open({.read_only = true});
  CHECK(s.disk->was_clean() == clean);
  CHECK(s.disk->recovered() == 10);
}

TEST_CASE("verifying finds a flipped byte anywhere in a table, the log, the manifest and the "
          "witness",
          "[store][unit]") {
  stage s;
  s.write(300);
  s.take(); // flushes
  s.write(30);
  auto whole = s.disk->verify({});
  REQUIRE(whole);
  CHECK(whole->damage.empty());
  CHECK(whole->position == 330);
  REQUIRE(s.disk->close());
  s.disk.reset();
  whole = verify_store(s.from);
  REQUIRE(whole);
  CHECK(whole->damage.empty());
  CHECK(whole->files > 3);
  fs::path file;
  SECTION("a table") { file = first_with(s.from, ".sst"); }
  SECTION("the log") { file = first_with(s.from, ".log"); }
  SECTION("the witness") { file = s.from / "witness"; }
  SECTION("the manifest") {
    for (const auto& e : fs::directory_iterator(s.from / "db"))
      if (e.path().filename().string().starts_with("MANIFEST")) file = e.path();
  }
  const auto size = fs::file_size(file);
  for (const auto at : {std::uintmax_t(5), size / 2, size - 2}) {
    CAPTURE(file, at);
    flip_byte(file, at);
    const auto found = verify_store(s.from);
    REQUIRE(found);
    CHECK_FALSE(found->damage.empty());
    flip_byte(file, at);
  }
  CHECK(verify_store(s.from)->damage.empty());
}

TEST_CASE("verifying an open store finds a table that rotted, and can be stopped",
          "[store][unit]") {
  stage s;
  s.write(300);
  s.take();
  flip_byte(first_with(s.from, ".sst"), 50);
  auto found = s.disk->verify({});
  REQUIRE(found);
  CHECK(std::any_of(found->damage.begin(), found->damage.end(),
                    [](const auto& d) { return d.file.ends_with(".sst"); }));
  CHECK(s.disk->verify([](std::uint64_t) { return false; }).error().code == "verify_stopped");
}
