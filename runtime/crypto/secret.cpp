// Wiping and comparing by libsodium, and what the whole room needs from it before the first use.
#include "runtime/crypto/secret.hpp"

#include "runtime/crypto/require.hpp"

#include <cstdio>
#include <cstdlib>
#include <sodium.h>

namespace kith::crypto {

void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "kith: crypto: %s\n", what);
  std::abort();
}

void start_sodium() {
  static const bool started = sodium_init() >= 0;
  require(started, "libsodium does not start");
}

void wipe(std::span<std::uint8_t> b) {
  if (!b.empty()) sodium_memzero(b.data(), b.size());
}

void wipe(std::string& s) {
  if (!s.empty()) sodium_memzero(s.data(), s.size());
  s.clear();
}

bool equal_constant_time(byte_view a, byte_view b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

} // namespace kith::crypto
