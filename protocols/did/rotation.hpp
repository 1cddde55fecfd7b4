// Key rotation: the old key signs the new one. A chain of such records is the key history of a
// did:web identity, by which anybody who trusts its first key verifies all later ones, and whoever
// holds an old signature finds the key that was good at its time. The bytes are defined in
// README.md, "Rotation records".
#pragma once

#include "protocols/did/public_key.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/identity/keys.hpp"

namespace kith::dids {

using record_hash = byte_array<32>;

struct rotation {
  static constexpr std::size_t encoded_size_max =
      1 + 2 + did::size_max + 4 + 2 + public_key::multibase_size_max + 8 + 1 + 32 + 64;

  did subject;
  std::uint32_t index = 0;       // 0 for the first, which the first key signs itself
  std::optional<public_key> key; // the new one: Ed25519, always there in what decode() gives
  wall_ms valid_from = 0;
  bool revokes = false;   // the old key is not just replaced but was lost: its own time is in doubt
  record_hash previous{}; // hash() of the record before, zeros for the first
  byte_array<64> signature{};

  // What is signed: a domain tag, then all fields before the signature.
  bytes to_sign() const;
  bytes encode() const;
  record_hash hash() const; // BLAKE2b-256 of encode()
  // Exactly what encode() made; the signature is not looked at. malformed "bad_rotation" or what a
  // DID or key is refused with; unsupported "rotation_version".
  static result<rotation> decode(byte_view b);

  bool operator==(const rotation&) const = default;
};

// A key and the time it is good for: from `from`, until before `until` if that is given.
struct key_period {
  public_key key;
  wall_ms from = 0;
  std::optional<wall_ms> until;
  bool revoked = false;
  bool operator==(const key_period&) const = default;
};

// A chain whose every signature has been verified; there is no other way to one. Not thread-safe to
// change.
class key_history {
public:
  static constexpr std::size_t records_max = 64; // a longer one is refused: too_large
  static constexpr std::size_t encoded_size_max =
      1 + 1 + records_max * (2 + rotation::encoded_size_max);

  // The first key of `subject`.
  static key_history begin(const did& subject, const secret_key& first, wall_ms valid_from);
  // In order, from the first record on: unauthenticated "bad_rotation_signature", conflict
  // "rotation_chain" (another subject, index or hash; a time that does not rise; a key that was
  // there before), too_large "rotation_count".
  static result<key_history> verify(std::vector<rotation> records);
  // A version byte, a count, and each record with its size. Errors as verify() and
  // rotation::decode().
  static result<key_history> decode(byte_view b);
  bytes encode() const;

  // The next key, signed by `old`, which must be the current one: invalid "rotation_key"; the other
  // errors of verify().
  result<void> rotate(const secret_key& old, const public_key& next, wall_ms valid_from,
                      bool revoke_old = false);
  // Takes a longer history of the same subject: conflict "rotation_fork" unless ours is how it
  // begins. A shorter or equal one that agrees changes nothing.
  result<void> extend(const key_history& longer);

  const did& subject() const { return records_.front().subject; }
  const std::vector<rotation>& records() const& { return records_; }
  std::vector<rotation> records() && { return std::move(records_); }
  const public_key& first() const { return *records_.front().key; }
  const public_key& current() const { return *records_.back().key; }
  // The key that was good at `t`; nothing before the first.
  std::optional<key_period> key_at(wall_ms t) const;
  // In order; the last has no end.
  std::vector<key_period> periods() const;
  // Whether `signature` over `message` is by the key that was good at `t`.
  bool verify_at(wall_ms t, byte_view message, const byte_array<64>& signature) const;

  bool operator==(const key_history&) const = default;

private:
  explicit key_history(std::vector<rotation> records) : records_(std::move(records)) {}
  std::vector<rotation> records_; // never empty
};

} // namespace kith::dids
