// The proof, as types, that an envelope came from whom it says. Only this room can make them, so no
// path can skip the check: a mailbox accepts nothing else (semantics.md 22 to 24).
#pragma once

#include "runtime/identity/delegation.hpp"
#include "runtime/stream/envelope.hpp"

#include <unordered_map>

namespace kith {

// How an envelope was verified. Code that needs the stronger kind asks for it by type
// (signed_envelope).
enum class vouched : std::uint8_t {
  local,      // emitted on this node by an agent that lives here, never left the process
  delegation, // arrived on a link authenticated as a node to which the agent delegated
  signature,  // covered by a stream head signed with the agent's own key
};

class verified_envelope {
public:
  verified_envelope() = default;
  const envelope& get() const { return envelope_; }
  const envelope* operator->() const { return &envelope_; }
  const digest& hash() const { return digest_; } // zero for QoS 0, which is outside the chain
  vouched how() const { return how_; }

private:
  friend class verifier;
  verified_envelope(envelope e, digest d, vouched how)
      : envelope_(std::move(e)), digest_(d), how_(how) {}
  envelope envelope_;
  digest digest_{};
  vouched how_ = vouched::local;
};

// A claim about a stream, signed with the sending agent's key: "up to and including seq, the chain
// hashes to this".
struct signed_head {
  sequence seq = 0;
  digest last{};
  byte_array<64> signature{};
  bool operator==(const signed_head&) const = default;
  // What is signed: a domain tag, the stream's four parts, seq and digest.
  static bytes to_sign(const stream_id& stream, sequence seq, const digest& last);
};

// Decides whether what arrives on one link is authentic. One a link; not thread-safe (the link's
// reading thread owns it). Remembers the delegations presented on this link.
class verifier {
public:
  static constexpr std::size_t delegations_max =
      200'000; // a link; at the limit further ones are refused, too_large

  // `peer`: the node that Noise authenticated.
  explicit verifier(did peer) : peer_(std::move(peer)) {}

  // Checks the signature, that it names this peer, and its time: unauthenticated "bad_delegation",
  // "delegation_expired". conflict "stale_epoch" if below `epoch_floor`, the highest epoch ever
  // seen of this agent.
  result<void> accept(const delegation& d, wall_ms now, epoch epoch_floor);
  // Forgets it if it is older than `floor`: a newer home was seen elsewhere.
  void raise_floor(const did& agent, epoch floor);

  // The envelope is authentic if its sender is this peer or delegated to it: unauthenticated
  // "no_delegation", "delegation_expired"; malformed "wrong_stream" if the envelope does not belong
  // to `stream`.
  result<verified_envelope> verify(const stream_id& stream, envelope e, wall_ms now) const;
  // A head signed by the agent itself: unauthenticated "bad_head_signature".
  result<void> verify_head(const stream_id& stream, const signed_head& head) const;

  // What this node's own agents emit needs no proof. The one way around a link; used by the mailbox
  // alone.
  static verified_envelope local(envelope e, const digest& d) {
    return verified_envelope(std::move(e), d, vouched::local);
  }
  // What this node stored was verified when it arrived.
  static verified_envelope stored(envelope e, const digest& d) {
    return verified_envelope(std::move(e), d, vouched::delegation);
  }

  // The delegation under which this peer speaks for `agent`, if one was accepted.
  const delegation* find(const did& agent) const;

private:
  did peer_;
  std::unordered_map<did, delegation> delegations_;
};

} // namespace kith
