// Argon2id (RFC 9106, version 0x13): a key from a passphrase, at a cost that makes guessing dear.
#pragma once

#include "runtime/crypto/secret.hpp"

namespace kith::crypto {

struct argon2_cost {
  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
  bool operator==(const argon2_cost&) const = default;

  // What is accepted of a file from elsewhere: a larger cost could stop the program.
  static constexpr std::uint32_t memory_kib_min = 8, memory_kib_max = 1024 * 1024;
  static constexpr std::uint32_t passes_min = 1, passes_max = 16;
  bool sensible() const {
    return memory_kib >= memory_kib_min && memory_kib <= memory_kib_max && passes >= passes_min &&
           passes <= passes_max;
  }
};

// One lane. Takes some tenths of a second and the memory that the cost says: not for a reactor.
// overloaded "argon2_memory" if there is not so much; a cost that is not sensible aborts.
result<secret_bytes<32>> argon2id(byte_view passphrase, std::span<const std::uint8_t, 16> salt,
                                  const argon2_cost& cost);

} // namespace kith::crypto
