// Which stream: (from, to, lane, incarnation), semantics.md 1. Everything about positions hangs on
// this.
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/identity/did.hpp"

#include <cstdint>

namespace kith {

// Answers, refusals and cancellations travel in a lane of their own, so that they pass whatever
// holds up requests.
enum class lane : std::uint8_t { request = 0, answer = 1 };

// Positions in a stream count from 1; 0 means "none yet".
using sequence = std::uint64_t;
// Positions in a node's journal count from 1; 0 means "none yet".
using journal_position = std::uint64_t;
// Raised each time an agent's home changes (semantics.md 20); the first is 1.
using epoch = std::uint64_t;
// BLAKE2b-256 of an envelope's bytes (of a tombstone: of the bytes that it replaces).
using digest = byte_array<32>;
// Names a stream in store keys: the first 16 bytes of BLAKE2b over its four parts.
using stream_key = byte_array<16>;

struct stream_id {
  did from;
  did to;
  enum lane lane = lane::request;
  kith::incarnation incarnation = 0;

  bool operator==(const stream_id&) const = default;
  stream_key key() const;
  std::string text() const; // for logs: "z6Mk..abcd -> z6Mk..wxyz request#1f2e"
};

// How far a stream has come: the next position, and the digest of the envelope before it.
struct stream_head {
  sequence next = 1;
  digest last{};
  bool operator==(const stream_head&) const = default;
};

// What became of a position (semantics.md 3). Stored and sent: never renumber.
enum class disposition : std::uint8_t { none = 0, handled = 1, refused = 2, expired = 3, dead = 4 };
std::string_view to_string(disposition d);

} // namespace kith

template <> struct std::hash<kith::stream_id> {
  std::size_t operator()(const kith::stream_id& s) const noexcept {
    return s.from.hash() * 31 + s.to.hash() * 17 + std::size_t(s.incarnation) * 2 +
           std::size_t(s.lane);
  }
};
