// Key files on a real disk (a fresh temporary directory each), and the sealing of agent keys.
#include "runtime/identity/keystore.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fstream>
#include <ostream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace kith;
namespace fs = std::filesystem;

namespace {

template <class T>
concept streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!streamable<keystore> && !std::is_copy_constructible_v<keystore>);

class temporary_directory {
public:
  temporary_directory() {
    auto pattern = (fs::temp_directory_path() / "kith-keystore-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    path_ = pattern;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() { fs::remove_all(path_); }
  fs::path operator/(std::string_view name) const { return path_ / name; }

private:
  fs::path path_;
};

mode_t mode_of(const fs::path& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

void put_file(const fs::path& path, std::string_view contents, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary) << contents;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

std::string contents_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t file_count(const fs::path& dir) {
  return std::size_t(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

secret_key key_of(std::uint8_t n) { return secret_key::from_seed(byte_array<32>{n}); }

} // namespace

TEST_CASE("a keystore makes the node's key once and finds it again", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  auto first = keystore::open_or_create(dir / "keys", random);
  REQUIRE(first);
  CHECK(mode_of(dir / "keys") == 0700);
  CHECK(mode_of(dir / "keys/node.key") == 0600);
  CHECK(file_count(dir / "keys") == 1); // no temporary file is left
  auto second = keystore::open_or_create(dir / "keys", random);
  REQUIRE(second);
  CHECK(second->node_key().did() == first->node_key().did());
  CHECK(equal(second->node_key().expose_seed(), first->node_key().expose_seed()));
}

TEST_CASE("a key file has mode 0600 whatever the umask", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  auto before = ::umask(0);
  auto open = keystore::open_or_create(dir / "open", random);
  ::umask(0277);
  auto closed = create_secret_file(dir / "closed", as_bytes("x"), random);
  ::umask(before);
  REQUIRE(open);
  REQUIRE(closed);
  CHECK(mode_of(dir / "open/node.key") == 0600);
  CHECK(mode_of(dir / "open") == 0700);
  CHECK(mode_of(dir / "closed") == 0600);
}

TEST_CASE("a key file that others may touch is refused, with the way to mend it",
          "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  REQUIRE(keystore::open_or_create(dir / "keys", random));
  auto file = dir / "keys/node.key";
  for (mode_t mode : {0640, 0620, 0610, 0604, 0602, 0601, 0666}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    auto refused = keystore::open_or_create(dir / "keys", random);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().category == errc::forbidden);
    CHECK(refused.error().code == "key_permissions");
    CHECK(refused.error().context.find("chmod 600 " + file.string()) != std::string::npos);
  }
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  CHECK(keystore::open_or_create(dir / "keys", random));
}

TEST_CASE("a key directory that others may touch is refused before a key is made",
          "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  fs::create_directory(dir / "keys");
  for (mode_t mode : {0750, 0701, 0777}) {
    REQUIRE(::chmod((dir / "keys").c_str(), mode) == 0);
    auto refused = keystore::open_or_create(dir / "keys", random);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "key_permissions");
    CHECK(refused.error().context.find("chmod 700 " + (dir / "keys").string()) !=
          std::string::npos);
    CHECK(file_count(dir / "keys") == 0);
  }
}

TEST_CASE("a key file that is a link, a directory or a pipe is refused", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  REQUIRE(keystore::open_or_create(dir / "keys", random));
  auto file = dir / "keys/node.key";
  fs::rename(file, dir / "elsewhere");
  auto refused = [&] {
    return keystore::open_or_create(dir / "keys", random).error().code == "key_permissions";
  };
  fs::create_symlink(dir / "elsewhere", file);
  CHECK(refused());
  fs::remove(file);
  fs::create_symlink(dir / "nowhere", file); // and nothing is made at the end of a dangling one
  CHECK(refused());
  CHECK_FALSE(fs::exists(dir / "nowhere"));
  fs::remove(file);
  fs::create_directory(file);
  CHECK(refused());
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(refused());
}

TEST_CASE("a keystore says which path is in its way", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  auto no_parent = keystore::open_or_create(dir / "a/b", random);
  REQUIRE_FALSE(no_parent);
  CHECK(no_parent.error().category == errc::io);
  CHECK(no_parent.error().context.find((dir / "a/b").string()) != std::string::npos);
  put_file(dir / "file", "");
  auto not_directory = keystore::open_or_create(dir / "file", random);
  REQUIRE_FALSE(not_directory);
  CHECK(not_directory.error().context.find((dir / "file").string()) != std::string::npos);
}

TEST_CASE("a key file reads as it is written, and is fixed", "[identity][vector]") {
  auto key = secret_key::from_seed(byte_array<32>{});
  auto text = encode_key_file(key);
  CHECK(as_text(text.expose()) ==
        "kith-key 1\n"
        "did did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n"
        "ed25519-seed 0000000000000000000000000000000000000000000000000000000000000000\n");
  CHECK(decode_key_file(text.expose()).value().did() == key.did());
}

TEST_CASE("a key file cut at any byte, with any byte changed or with more is corrupt",
          "[identity][property]") {
  auto text = to_bytes(encode_key_file(key_of(5)).expose());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto cut = decode_key_file(byte_view(text).first(i));
    REQUIRE_FALSE(cut);
    REQUIRE(cut.error().code == "bad_key_file");
    auto changed = text;
    changed[i] ^= 1;
    REQUIRE_FALSE(decode_key_file(changed));
  }
  for (char more : {'\n', ' ', 'a'}) {
    auto longer = text;
    longer.push_back(std::uint8_t(more));
    CHECK(decode_key_file(longer).error().code == "bad_key_file");
  }
  std::string later(as_text(text));
  later[9] = '2';
  CHECK(decode_key_file(as_bytes(later)).error().code == "key_file_version");
  CHECK(decode_key_file(as_bytes(later)).error().category == errc::unsupported);
}

TEST_CASE("a damaged key file is reported by its path and never replaced", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  REQUIRE(keystore::open_or_create(dir / "keys", random));
  auto file = dir / "keys/node.key";
  for (std::string damage : {"", "kith-key 1\n", "something else"}) {
    put_file(file, damage);
    auto refused = keystore::open_or_create(dir / "keys", random);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().category == errc::corrupt);
    CHECK(refused.error().context.find(file.string()) != std::string::npos);
    CHECK(contents_of(file) == damage);
  }
  put_file(file, std::string(secret_file_size_max + 1, 'x'));
  CHECK(keystore::open_or_create(dir / "keys", random).error().code == "secret_file_size");
}

TEST_CASE("an error about a key file shows nothing of the key", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  REQUIRE(keystore::open_or_create(dir / "keys", random));
  auto file = dir / "keys/node.key";
  auto text = contents_of(file);
  auto seed = text.substr(text.size() - 65, 64);
  put_file(file, text + "x");
  auto refused = keystore::open_or_create(dir / "keys", random);
  REQUIRE_FALSE(refused);
  for (std::size_t i = 0; i + 8 <= seed.size(); ++i)
    REQUIRE(refused.error().what().find(seed.substr(i, 8)) == std::string::npos);
}

TEST_CASE("nodes that start at once in one directory agree on one key", "[identity][unit]") {
  temporary_directory dir;
  fs::create_directory(dir / "keys");
  REQUIRE(::chmod((dir / "keys").c_str(), 0700) == 0);
  std::vector<std::string> dids(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < dids.size(); ++i)
    threads.emplace_back([&, i] {
      system_random random;
      if (auto opened = keystore::open_or_create(dir / "keys", random))
        dids[i] = opened->node_key().did().text();
    });
  for (auto& t : threads) t.join();
  CHECK_FALSE(dids[0].empty());
  CHECK(dids == std::vector<std::string>(dids.size(), dids[0]));
  CHECK(file_count(dir / "keys") == 1);
}

TEST_CASE("a sealed agent key opens at its node only", "[identity][unit]") {
  seeded_random random(1);
  auto mine = keystore::in_memory(key_of(1)), theirs = keystore::in_memory(key_of(2));
  auto agent = key_of(3);
  auto sealed = mine.seal_agent_key(agent, random);
  CHECK(sealed.size() == keystore::sealed_key_size);
  CHECK(sealed[0] == 1);
  CHECK(mine.open_agent_key(sealed).value().did() == agent.did());
  CHECK(keystore::in_memory(key_of(1)).open_agent_key(sealed).value().did() == agent.did());
  CHECK(theirs.open_agent_key(sealed).error().code == "bad_sealed_key");
  CHECK(mine.seal_agent_key(agent, random) != sealed);
  auto seed = agent.expose_seed();
  CHECK(std::search(sealed.begin(), sealed.end(), seed.begin(), seed.end()) == sealed.end());
}

TEST_CASE("a sealed agent key with any byte changed or cut does not open", "[identity][property]") {
  seeded_random random(1);
  auto store = keystore::in_memory(key_of(1));
  auto sealed = store.seal_agent_key(key_of(3), random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] ^= 0x10;
    REQUIRE(store.open_agent_key(changed).error().code ==
            (i == 0 ? "sealed_key_version" : "bad_sealed_key"));
    REQUIRE(store.open_agent_key(byte_view(sealed).first(i)).error().code == "bad_sealed_key");
  }
  sealed.push_back(0);
  CHECK(store.open_agent_key(sealed).error().code == "bad_sealed_key");
}

TEST_CASE("a cluster secret is read as it was written", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  auto file = dir / "cluster.secret";
  auto secret = as_bytes("correct horse battery staple");
  REQUIRE(write_secret_file(file, secret, random));
  CHECK(mode_of(file) == 0600);
  CHECK(equal(read_secret_file(file).value().expose(), secret));
  auto again = write_secret_file(file, as_bytes("another secret of length"), random);
  REQUIRE_FALSE(again);
  CHECK(again.error().category == errc::exists);
  CHECK(equal(read_secret_file(file).value().expose(), secret));
  CHECK(file_count(file.parent_path()) == 1);
}

TEST_CASE("a cluster secret may be written by hand and mounted as a link", "[identity][unit]") {
  temporary_directory dir;
  put_file(dir / "by-hand", "0123456789abcdef\r\n\n");
  fs::create_symlink(dir / "by-hand", dir / "link");
  CHECK(as_text(read_secret_file(dir / "link").value().expose()) == "0123456789abcdef");
}

TEST_CASE("a cluster secret that is open, missing, short or long is refused by name",
          "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  auto refused = [&](std::string_view name, const char* code) {
    auto read = read_secret_file(dir / name);
    return !read && read.error().code == code &&
           read.error().context.find((dir / name).string()) != std::string::npos;
  };
  put_file(dir / "open", "0123456789abcdef", 0644);
  put_file(dir / "short", "0123456789abcde\n");
  put_file(dir / "empty", "\n");
  put_file(dir / "long", std::string(secret_file_size_max + 1, 'x'));
  CHECK(refused("open", "key_permissions"));
  CHECK(refused("missing", "no_secret_file"));
  CHECK(refused("short", "secret_too_short"));
  CHECK(refused("empty", "secret_too_short"));
  CHECK(refused("long", "secret_file_size"));
  for (std::string bad : {std::string(15, 'x'), std::string(secret_file_size_max, 'x'),
                          std::string(16, 'x') + "\n"}) {
    CHECK(write_secret_file(dir / "new", as_bytes(bad), random).error().code == "bad_secret");
    CHECK_FALSE(fs::exists(dir / "new"));
  }
  std::string longest(secret_file_size_max - 1, 'x');
  REQUIRE(write_secret_file(dir / "new", as_bytes(longest), random));
  CHECK(as_text(read_secret_file(dir / "new").value().expose()) == longest);
}

TEST_CASE("a key file under a passphrase opens with that and nothing else", "[identity][unit]") {
  temporary_directory dir;
  seeded_random random(1);
  crypto::secret_buffer right(as_bytes("correct horse")), wrong(as_bytes("correct horsf"));
  auto plain = keystore::open_or_create(dir / "keys", random);
  REQUIRE(plain);
  auto seed_hex = to_hex(plain->node_key().expose_seed());
  CHECK(contents_of(dir / "keys/node.key").find(seed_hex) != std::string::npos);

  // What was open is sealed from the first start with a passphrase on.
  auto sealed = keystore::open_or_create(dir / "keys", random, &right);
  REQUIRE(sealed);
  CHECK(sealed->node_key().did() == plain->node_key().did());
  CHECK(contents_of(dir / "keys/node.key").find(seed_hex) == std::string::npos);
  CHECK(mode_of(dir / "keys/node.key") == 0600);
  CHECK(file_count(dir / "keys") == 1);
  CHECK(keystore::open_or_create(dir / "keys", random, &right)->node_key().did() ==
        plain->node_key().did());
  CHECK(keystore::open_or_create(dir / "keys", random).error().code == "passphrase_needed");
  CHECK(keystore::open_or_create(dir / "keys", random, &wrong).error().code == "passphrase_wrong");
  CHECK(is_sealed_key_file(as_bytes(contents_of(dir / "keys/node.key"))));

  // A new one is never open.
  auto fresh = keystore::open_or_create(dir / "fresh", random, &right);
  REQUIRE(fresh);
  CHECK(is_sealed_key_file(as_bytes(contents_of(dir / "fresh/node.key"))));
}

TEST_CASE("a sealed key file that was changed anywhere does not open", "[identity][unit]") {
  seeded_random random(2);
  auto key = key_of(7);
  auto pass = as_bytes("pass");
  auto text = encode_sealed_key_file(key, pass, random, {16, 1}).value();
  auto good = std::string(as_text(text.expose()));
  CHECK(decode_sealed_key_file(as_bytes(good), pass)->did() == key.did());
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = bad[at] == '1' ? '2' : '1';
    if (bad == good) continue;
    INFO(at);
    CHECK_FALSE(decode_sealed_key_file(as_bytes(bad), pass));
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(decode_sealed_key_file(as_bytes(std::string_view(good).substr(0, size)), pass));
  CHECK_FALSE(decode_sealed_key_file(as_bytes(good + "x"), pass));
  auto dear = good;
  dear.replace(dear.find("argon2id 16 1"), 13, "argon2id 99999999 9");
  CHECK(decode_sealed_key_file(as_bytes(dear), pass).error().code == "bad_key_file");
}
