// What the tests of this room share: the vectors as JSON, and keys to sign with.
#pragma once

#include "protocols/did/public_key.hpp"
#include "runtime/identity/keys.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kith::dids::test {

inline json vectors(const std::string& file) {
  std::ifstream in("protocols/did/vectors/" + file);
  if (!in) throw std::runtime_error("no vectors in " + file);
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str()).value();
}

inline bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

inline secret_key key_number(std::uint8_t n) {
  byte_array<32> seed;
  seed.fill(n);
  return secret_key::from_seed(seed);
}

inline public_key public_of(const secret_key& key) {
  return public_key::from_raw(key_type::ed25519, key.public_key()).value();
}

inline did parsed(const std::string& text) { return did::parse(text).value(); }

} // namespace kith::dids::test
