// Who may say what when: the handshake on a fresh /kith/stream/1 stream, and the proof that a peer
// knows the cluster's secret, bound to this very Noise handshake so that it cannot be replayed
// (semantics.md 22). Pure.
#pragma once

#include "protocols/kith/frames.hpp"

namespace kith::wire {

// The byte stands in the proof: never renumber. The dialer opened the libp2p stream.
enum class role : std::uint8_t { dialer = 1, listener = 2 };

inline constexpr std::size_t cluster_secret_size_min = 16;
inline constexpr std::size_t handshake_hash_size = 32; // Noise with SHA-256

// HMAC-SHA256(cluster secret, "kith cluster proof v1" | role byte of the prover | Noise handshake
// hash | prover's DID).
byte_array<32> cluster_proof(byte_view cluster_secret, role prover, byte_view handshake_hash,
                             const did& node);
// In constant time.
bool check_cluster_proof(const byte_array<32>& proof, byte_view cluster_secret, role prover,
                         byte_view handshake_hash, const did& node);

// One a connection; not thread-safe. Keeps no secret, only the two proofs of this connection.
//
//   send make_hello() ... on receive hello: `received` is ok -> send make_welcome(), else send
//   refusal_for(error), end open() once both welcomes went: the cluster's frames are allowed.
class session {
public:
  session(role own_role, byte_view cluster_secret, byte_view handshake_hash, did own, did peer);

  // Completes `h` (node and proof) and notes that it is sent.
  hello make_hello(hello h);
  // To be sent after the peer's hello was accepted.
  welcome make_welcome();
  // Call with every frame that comes, before acting on it. malformed "unexpected_frame" for a frame
  // that has no place here; unauthenticated "bad_cluster_proof", "wrong_node" (not the one that
  // Noise authenticated); unsupported "no_common_version"; unavailable "peer_refused" if the peer
  // refused us. After an error the session is closed.
  result<void> received(const frame& f);
  // Whether a frame of this type may be sent now.
  bool may_send(frame_type type) const;
  // Note that a goodbye or refused was sent: nothing may follow.
  void close() { state_ = state::closed; }

  bool open() const { return state_ == state::open && welcome_sent_; }
  bool closed() const { return state_ == state::closed; }
  std::uint16_t version() const { return version_; } // 0 before the peer's hello

private:
  enum class state : std::uint8_t { awaiting_hello, awaiting_welcome, open, closed };
  result<void> check_hello(const hello& h);

  did own_, peer_;
  byte_array<32> own_proof_, peer_proof_;
  state state_ = state::awaiting_hello;
  bool hello_sent_ = false;
  bool welcome_sent_ = false;
  std::uint16_t version_ = 0;
};

// What to tell a peer whose hello was refused with this error.
refused refusal_for(const error& e);

} // namespace kith::wire
