// A decentralized identifier (W3C DID Core 1.0 section 3.1): the address of every agent and node.
// Kith's own are did:key with Ed25519; others are carried as they are.
#pragma once

#include "runtime/base/bytes.hpp"

#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace kith {

using ed25519_public = byte_array<32>;

// Immutable and cheap to copy (the text is shared, because the same few DIDs stand in thousands of
// queues); safe to hand to another thread. A default-constructed one is empty and equal only to
// other empty ones.
class did {
public:
  static constexpr std::size_t size_max = 512; // bytes of text; longer is refused

  did() = default;
  // Checks the generic syntax only; malformed: "bad_did".
  static result<did> parse(std::string_view text);
  // The did:key of a raw 32-byte Ed25519 public key (did:key method, multicodec 0xed01, base58btc).
  static did from_key(const ed25519_public& key);

  bool empty() const { return !rep_; }
  const std::string& text() const;
  std::string_view method() const; // "key", "web"
  std::size_t hash() const { return rep_ ? rep_->hash : 0; }
  // The raw Ed25519 key of a did:key that has one; whether it is a point of the curve, verification
  // says.
  std::optional<ed25519_public> ed25519() const;

  bool operator==(const did& other) const;
  std::strong_ordering operator<=>(const did& other) const;

private:
  struct rep {
    std::string text;
    std::size_t hash;
  };
  explicit did(std::string text);  // of checked syntax
  std::shared_ptr<const rep> rep_; // shared, so that a copy costs a count
};

} // namespace kith

template <> struct std::hash<kith::did> {
  std::size_t operator()(const kith::did& d) const noexcept { return d.hash(); }
};
