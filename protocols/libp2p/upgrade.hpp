// From a raw byte stream to a secured one: multistream-select agrees on /noise, then the Noise
// handshake proves both identities (connections/README.md "Upgrading Connections") and says which
// muxers each side speaks (connections/inlined-muxer-negotiation.md).
#pragma once

#include "protocols/libp2p/multistream.hpp"
#include "protocols/libp2p/noise.hpp"
#include "protocols/libp2p/noise_payload.hpp"
#include "runtime/identity/did.hpp"

#include <variant>

namespace kith {
class secret_key; // runtime/identity/keys.hpp
}

namespace kith::libp2p {

inline constexpr std::size_t handshake_message_max = 8192; // bytes; an honest one has a few hundred

// Either side of multistream-select.
class negotiation {
public:
  static negotiation dial(std::vector<std::string> proposals) {
    return negotiation(multistream_dialer(std::move(proposals)));
  }
  // `supported` must outlive it.
  static negotiation listen(const std::vector<std::string>& supported) {
    return negotiation(multistream_listener(supported));
  }
  void start(bytes& out) {
    if (auto* d = std::get_if<multistream_dialer>(&side_)) d->start(out);
  }
  // As multistream_dialer::receive() and multistream_listener::receive().
  result<void> receive(byte_view& in, bytes& out) {
    return std::visit([&](auto& s) { return s.receive(in, out); }, side_);
  }
  const std::optional<std::string>& agreed() const {
    return std::visit(
        [](auto& s) -> auto& { return s.agreed(); }, side_);
  }

private:
  template <class S> explicit negotiation(S side) : side_(std::move(side)) {}
  std::variant<multistream_dialer, multistream_listener> side_;
};

class upgrade {
public:
  // A Noise key pair of its own for every connection; `identity` signs it in here and is not kept.
  // `muxers` are offered to the peer, the preferred one first; empty: nothing is offered.
  upgrade(role side, const secret_key& identity, random_source& random,
          std::optional<did> expected_peer, std::vector<std::string> muxers);

  // Takes from the front of `in` what belongs to the upgrade. Errors: those of multistream and
  // Noise and of check_noise_payload(); too_large "handshake_too_large"; unauthenticated
  // "wrong_peer".
  result<void> receive(byte_view& in);
  // Bytes to send, to be moved out by the owner.
  bytes& output() { return out_; }
  const bytes& output() const { return out_; }

  bool complete() const { return peer_ && handshake_.complete(); }
  // When complete.
  const did& peer() const { return *peer_; }
  // As common_muxer(): empty if multistream-select has to decide.
  result<std::optional<std::string>> muxer() const {
    return side_ == role::dialer ? common_muxer(muxers_, peer_muxers_)
                                 : common_muxer(peer_muxers_, muxers_);
  }
  const byte_array<32>& hash() const { return handshake_.hash(); }
  noise_handshake::ciphers split() { return handshake_.split(); }

private:
  result<void> handle_message(byte_view message);
  result<void> write_message(byte_view payload);

  static const std::vector<std::string>& security_protocols();

  role side_;
  std::optional<did> expected_peer_;
  std::vector<std::string> muxers_;
  noise_handshake handshake_;
  negotiation negotiation_;
  bytes payload_;
  bytes partial_; // of the handshake message under way, from its length on
  bytes out_;
  std::optional<did> peer_;
  std::vector<std::string> peer_muxers_; // set with peer_
};

} // namespace kith::libp2p
