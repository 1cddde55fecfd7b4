// The one message format: what travels, is stored, and is signed. An envelope is an immutable slice
// of a reference-counted buffer holding a FlatBuffer (fbs/envelope.fbs) that has been checked
// before any field is read.
#pragma once

#include "runtime/stream/qos.hpp"
#include "runtime/stream/stream_id.hpp"

#include <optional>
#include <span>

namespace kith {

// What an envelope in the answer lane says about the request it correlates with. Stored and sent:
// never renumber.
enum class answer_status : std::uint8_t { none = 0, ok = 1, refused = 2, expired = 3, dead = 4 };

// Everything that goes into an envelope. Views: they need live only during the call.
struct envelope_fields {
  uuid id;
  std::string_view from;
  std::string_view to;
  std::string_view kind;         // what the handler matches on; 1 to 255 bytes
  std::string_view content_type; // media type of the payload
  byte_view payload;
  wall_ms created = 0;
  std::uint64_t time_to_live_ms = 0; // from `created`; 0: never expires
  uuid correlation{};                // the request that this answers; nil: none
  uuid replay_of{};                  // the dead letter that this replays; nil: none
  enum qos qos = qos::exactly_once;
  enum lane lane = lane::request;
  answer_status status = answer_status::none;
  bool wants_answer = false;         // true for ask, false for tell
  kith::incarnation incarnation = 0; // 0 for QoS 0, which is outside the chain
  sequence seq = 0;                  // 0 for QoS 0
  digest previous{};                 // digest of the envelope at seq - 1; zero for the first
  std::string_view trace;            // W3C traceparent, or empty
  // The digest of an envelope that expired before it was ever transmitted, and whose place this one
  // takes: a tombstone (semantics.md 5). Zero: not one. A tombstone is not QoS 0 and has no
  // payload.
  digest tombstone_of{};
  // Ed25519 by `from` over signed_content(), from a sender outside of any node, whose node cannot
  // vouch for it by itself (semantics.md 27). Zero: none. A tombstone has none.
  byte_array<64> signature{};
  // The ids of the asks that wait for this one, which is an ask too, outermost first: its call
  // chain, by which an agent that handles one message at a time knows what is part of that one
  // (semantics.md 16). The sender's word, so nothing that is signed.
  std::span<const uuid> chain;
};

// What such a sender signs: "kith message 1", id, from, to, kind, content_type, payload, created,
// time_to_live_ms, correlation, wants_answer; each as its bytes behind their count (4 bytes, big-
// endian), ids and numbers as text, a nil correlation as no bytes, wants_answer as "0" or "1".
bytes signed_content(const envelope_fields& fields);

class envelope {
public:
  static constexpr std::uint8_t version = 1;
  static constexpr std::size_t payload_size_max = 16 << 20;        // semantics.md 27
  static constexpr std::size_t size_max = payload_size_max + 8192; // of the whole

  static constexpr std::size_t kind_size_max = 255;
  static constexpr std::size_t content_type_size_max = 255;
  static constexpr std::size_t trace_size_max = 256;
  static constexpr std::size_t chain_count_max = 16; // a deeper one has lost its outermost

  envelope() = default;
  // The limits that every envelope keeps, built or parsed: malformed "bad_envelope" with the
  // field's name, too_large "envelope_too_large". Call it before build where fields come from a
  // user.
  static result<void> check(const envelope_fields& fields);
  // Builds; the fields are trusted (ours). One allocation of the exact size, a multiple of 8.
  static envelope build(const envelope_fields& fields);
  // Checks with the FlatBuffers verifier, then every limit: malformed "bad_envelope", too_large
  // "envelope_too_large", unsupported "envelope_version". `raw` must start at an address that is a
  // multiple of 8.
  static result<envelope> parse(slice raw);

  bool empty() const { return raw_.empty(); }
  const slice& raw() const { return raw_; }
  std::size_t size() const { return raw_.size(); }
  // What the chain knows this envelope by and its successor carries as `previous`: BLAKE2b-256 of
  // raw(), but for a tombstone the digest of the one that it replaces. Costs about 1 us a KiB; not
  // cached.
  digest hash() const;

  uuid id() const;
  std::string_view from() const;
  std::string_view to() const;
  std::string_view kind() const;
  std::string_view content_type() const;
  byte_view payload() const; // begins at an address that is a multiple of 8
  wall_ms created() const;
  std::uint64_t time_to_live_ms() const;
  uuid correlation() const;
  uuid replay_of() const;
  enum qos qos() const;
  enum lane lane() const;
  answer_status status() const;
  bool wants_answer() const;
  kith::incarnation incarnation() const;
  sequence seq() const;
  digest previous() const;
  std::string_view trace() const;
  digest tombstone_of() const;
  byte_array<64> signature() const;
  std::span<const uuid> chain() const;
  // That `from` signed it: unauthenticated "bad_envelope_signature", also if there is none.
  result<void> check_signature() const;
  bool is_tombstone() const { return tombstone_of() != digest{}; }
  // Everything, as views into this envelope: to build a changed one from.
  envelope_fields fields() const;
  // The tombstone of this envelope, which must not be QoS 0 and no tombstone.
  envelope tombstone() const;

private:
  explicit envelope(slice raw) : raw_(std::move(raw)) {}
  slice raw_;
};

} // namespace kith
