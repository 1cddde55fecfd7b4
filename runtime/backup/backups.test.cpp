// Backups of a node's directory and their way back; the manifest's decoder.
#include "runtime/backup/backups.hpp"

#include "runtime/store/state_lock.hpp"
#include "runtime/store/test_support.hpp"

#include <fstream>
#include <sys/stat.h>

using namespace kith;
using namespace kith::backup;
using store::test::temporary_dir;

namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

unsigned mode_of(const fs::path& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777u;
}

struct stage {
  temporary_dir dir;
  const fs::path home = dir.path() / "n1", to = dir.path() / "backups";
  seeded_random chance{3};
  manual_clock time;
  subject of{store::test::agent(1), "n1", home, dir.path() / "cluster.secret", "1.2.3"};
  std::unique_ptr<store::rocks_backend> disk;
  journal_position last = 0;

  stage() {
    write(home / "kith.toml", "[node]\nname = \"n1\"\n");
    write(home / "keys" / "node.key", "the node's key");
    write(of.secret_file, "0123456789abcdef\n");
    fs::create_directory(home / "store");
    auto opened = store::rocks_backend::open(home / "store");
    REQUIRE(opened);
    disk = std::move(*opened);
    commit(10);
  }
  void commit(int count) {
    for (; count > 0; --count) {
      ++last;
      REQUIRE(store::test::commit(*disk, store::test::put("k" + std::to_string(last), "v"), last));
    }
  }
  result<manifest> take(std::uint64_t keep = 0) {
    return backup::take(*disk, of, {to, keep}, time, chance);
  }
};

void flip_byte(const fs::path& file, std::uintmax_t at) {
  auto text = read(file);
  REQUIRE(at < text.size());
  text[std::size_t(at)] = char(text[std::size_t(at)] ^ 1);
  std::ofstream(file, std::ios::binary) << text;
}

manifest sample() {
  manifest m;
  m.id = 3;
  m.node = store::test::agent(1);
  m.node_name = "n1";
  m.kith = "1.2.3";
  m.when = 1'700'000'000'000;
  m.position = 77;
  m.bytes = 1000;
  m.bytes_new = 10;
  m.store_digest[0] = 9;
  m.files = {{"kith.toml", 12, {1}}, {"keys/node.key", 3, {2}}};
  return m;
}

} // namespace

TEST_CASE("a node's directory comes back from its backup, with the mark of a restore",
          "[backup][unit]") {
  stage s;
  const auto made = s.take();
  REQUIRE(made);
  CHECK(made->position == 10);
  CHECK(mode_of(s.to) == 0700);
  CHECK(mode_of(s.to / "nodes" / "1" / "files" / "keys" / "node.key") == 0600);
  s.commit(5);
  const auto into = s.dir.path() / "back";
  const auto back = backup::restore(s.to, 0, into, s.chance);
  REQUIRE(back);
  CHECK(back->from == *made);
  CHECK(as_text(back->cluster_secret.expose()) == "0123456789abcdef\n");
  CHECK(read(into / "keys" / "node.key") == "the node's key");
  CHECK(read(into / "kith.toml") == read(s.home / "kith.toml"));
  CHECK(mode_of(into) == 0700);
  CHECK(mode_of(into / "keys" / "node.key") == 0600);
  CHECK(fs::exists(into / restored_mark));
  const auto opened = store::rocks_backend::open(into / "store");
  REQUIRE(opened);
  CHECK((*opened)->recovered() == 10);
  CHECK(backup::restore(s.to, 0, into, s.chance).error().code == "restore_target");
}

TEST_CASE("the witness is restored with the store: one that lost its end is refused",
          "[backup][unit]") {
  stage s;
  REQUIRE(s.take());
  const auto into = s.dir.path() / "back";
  REQUIRE(backup::restore(s.to, 1, into, s.chance));
  fs::remove_all(into / "store" / "db");
  const auto opened = store::rocks_backend::open(into / "store");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == "store_behind_witness");
}

TEST_CASE("the oldest backups go, and ids are not used again", "[backup][unit]") {
  stage s;
  for (store::backup_id id = 1; id <= 4; ++id) {
    s.commit(1);
    REQUIRE(s.take(2)->id == id);
  }
  const auto all = backup::list(s.to);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().id == 3);
  CHECK(all->back().is->position == s.last);
  CHECK(backup::verify(s.to, 1).error().code == "unknown_backup");
  CHECK(backup::verify(s.to, 0)->id == 4);
}

TEST_CASE("each byte of what lies beside the store counts", "[backup][unit]") {
  stage s;
  REQUIRE(s.take());
  const auto beside = s.to / "nodes" / "1";
  for (const auto& file :
       {beside / "manifest", beside / "files" / "kith.toml", beside / "files" / "keys" / "node.key",
        beside / "files" / "cluster.secret", s.to / "store" / "meta" / "1"}) {
    const auto size = fs::file_size(file);
    for (std::uintmax_t at = 0; at < size; at += 1 + size / 16) {
      CAPTURE(file, at);
      flip_byte(file, at);
      CHECK_FALSE(backup::verify(s.to, 1));
      CHECK_FALSE(backup::restore(s.to, 1, s.dir.path() / "back", s.chance));
      CHECK_FALSE(fs::exists(s.dir.path() / "back"));
      flip_byte(file, at);
    }
  }
  CHECK(backup::verify(s.to, 1));
}

TEST_CASE("what a crash left of a backup is none, and is erased by the next", "[backup][unit]") {
  stage s;
  REQUIRE(s.take());
  // The store's files are there, the rest had not come yet.
  REQUIRE(s.disk->back_up({s.to / "store"}));
  write(s.to / "nodes" / "2.unfinished" / "files" / "kith.toml", "half");
  CHECK(backup::list(s.to)->size() == 1);
  CHECK(backup::verify(s.to, 2).error().code == "unknown_backup");
  const auto next = s.take();
  REQUIRE(next);
  CHECK_FALSE(fs::exists(s.to / "nodes" / "2.unfinished"));
  CHECK(store::backups::list(s.to / "store").value() == std::vector<store::backup_id>{1, next->id});
  REQUIRE(backup::verify(s.to, next->id));
}

TEST_CASE("backups go to a directory of their own, of one node, which nobody else may read",
          "[backup][unit]") {
  stage s;
  SECTION("another node's") {
    REQUIRE(s.take());
    s.of.node = store::test::agent(2);
    CHECK(s.take().error().code == "other_nodes_backups");
  }
  SECTION("something else") {
    write(s.to / "letters.txt", "dear");
    CHECK(s.take().error().code == "not_backups");
  }
  SECTION("open to others") {
    REQUIRE(s.take());
    fs::permissions(s.to, fs::perms::group_read, fs::perm_options::add);
    CHECK(s.take().error().code == "key_permissions");
  }
  SECTION("in use") {
    REQUIRE(s.take());
    const auto held = store::state_lock::take(s.to, store::state_lock::mode::exclusive);
    REQUIRE(held);
    CHECK(s.take().error().code == "backup_dir_locked");
  }
  SECTION("a node without a key") {
    fs::remove_all(s.home / "keys");
    CHECK_FALSE(s.take());
    CHECK(store::backups::list(s.to / "store")->empty());
  }
  SECTION("not there") {
    CHECK(backup::list(s.to).error().code == "no_backups");
    CHECK(backup::verify(s.to, 0).error().code == "no_backups");
  }
}

TEST_CASE(
    "a manifest is read back, and refused cut at any byte, changed at any, or from the future",
    "[backup][unit]") {
  const auto m = sample();
  const auto all = encode(m);
  CHECK(decode_manifest(all).value() == m);
  for (std::size_t size = 0; size < all.size(); ++size)
    CHECK_FALSE(decode_manifest(byte_view(all).first(size)));
  for (std::size_t at = 0; at < all.size(); ++at) {
    auto other = all;
    other[at] ^= 0x10;
    CHECK_FALSE(decode_manifest(other));
  }
  auto later = all;
  later[5] = 2;
  CHECK(decode_manifest(later).error().code == "manifest_version");
  auto longer = all;
  longer.push_back(0);
  CHECK_FALSE(decode_manifest(longer));
}

TEST_CASE("no backup writes outside of its directory", "[backup][unit]") {
  for (const auto* good : {"kith.toml", "cluster.secret", "keys/node.key", "a-b_c.d"})
    CHECK(is_file_name(good));
  for (const auto* bad : {"", ".", "..", "../x", "/x", "x/", "a/b/c", "keys/..", "keys/.x", "a\\b",
                          "a b", "restored/../../x"})
    CHECK_FALSE(is_file_name(bad));
  CHECK_FALSE(is_file_name(std::string(manifest::text_size_max + 1, 'a')));
  auto m = sample();
  m.files = {{"../outside", 1, {}}};
  CHECK(decode_manifest(encode(m)).error().code == "bad_manifest");
  m.files.assign(manifest::files_max + 1, {"x", 1, {}});
  CHECK(decode_manifest(encode(m)).error().code == "bad_manifest");
}
