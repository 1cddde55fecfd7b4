// What the store's tests share: a directory that goes away, short ways to write keys, and a clock.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/store/store.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace kith::store::test {

class temporary_dir {
public:
  temporary_dir() {
    auto pattern = (std::filesystem::temp_directory_path() / "kith_store_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~temporary_dir() {
    std::error_code ignored; // the system's temporary directory is cleaned anyway
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_dir(const temporary_dir&) = delete;
  temporary_dir& operator=(const temporary_dir&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline did agent(std::uint8_t n) {
  ed25519_public key{};
  key[0] = n;
  return did::from_key(key);
}

inline write_batch put(std::string_view key, std::string_view value, table in = table::state) {
  write_batch b;
  b.put(in, as_bytes(key), as_bytes(value));
  return b;
}

// The text under a key; nothing if there is none.
inline std::optional<std::string> get(backend& from, std::string_view key,
                                      table in = table::state) {
  auto found = from.get(in, as_bytes(key));
  REQUIRE(found);
  if (!*found) return std::nullopt;
  return std::string(as_text(**found));
}

inline result<void> commit(backend& to, const write_batch& batch, journal_position last) {
  return to.commit(std::span(&batch, 1), last);
}

// Every key and value of a table, as long as keys begin below 0xff.
inline std::vector<std::pair<std::string, std::string>> everything(backend& from, table in) {
  const bytes end{0xff};
  auto found = from.scan(in, {}, end, {std::size_t(-1), std::size_t(-1)});
  REQUIRE(found);
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& e : *found) out.emplace_back(as_text(e.key), as_text(e.value));
  return out;
}

} // namespace kith::store::test
