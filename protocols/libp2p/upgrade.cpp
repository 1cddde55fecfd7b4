// See upgrade.hpp.
#include "protocols/libp2p/upgrade.hpp"

#include "runtime/identity/keys.hpp"

#include <algorithm>

namespace kith::libp2p {

const std::vector<std::string>& upgrade::security_protocols() {
  static const std::vector<std::string> protocols{std::string(noise_protocol)};
  return protocols;
}

upgrade::upgrade(role side, const secret_key& identity, random_source& random,
                 std::optional<did> expected_peer, std::vector<std::string> muxers)
    : side_(side), expected_peer_(std::move(expected_peer)), muxers_(std::move(muxers)),
      handshake_(side, crypto::x25519_key::generate(random), crypto::x25519_key::generate(random)),
      negotiation_(side == role::dialer ? negotiation::dial(security_protocols())
                                        : negotiation::listen(security_protocols())),
      payload_(make_noise_payload(identity, handshake_.static_public(), muxers_)) {
  negotiation_.start(out_);
}

result<void> upgrade::receive(byte_view& in) {
  if (!negotiation_.agreed()) {
    KITH_TRY(negotiation_.receive(in, out_));
    if (!negotiation_.agreed()) return {};
    if (handshake_.writes_next())
      KITH_TRY(write_message({})); // in the clear, so it carries nothing
  }
  while (!complete() && !in.empty()) {
    auto wanted = partial_.size() < 2 ? std::size_t(2) : 2 + std::size_t(get_u16(partial_.data()));
    auto part = in.first(std::min(in.size(), wanted - partial_.size()));
    append(partial_, part);
    in = in.subspan(part.size());
    if (partial_.size() < 2) return {};
    std::size_t size = get_u16(partial_.data());
    if (size > handshake_message_max)
      return fail(errc::too_large, "handshake_too_large", std::to_string(size) + " bytes");
    if (partial_.size() < 2 + size) continue;
    KITH_TRY(handle_message(byte_view(partial_).subspan(2)));
    partial_.clear();
  }
  return {};
}

result<void> upgrade::handle_message(byte_view message) {
  KITH_ASSIGN(auto payload, handshake_.read(message));
  if (handshake_.remote_static()) {
    KITH_ASSIGN(auto met, check_noise_payload(payload, *handshake_.remote_static()));
    if (expected_peer_ && met.peer != *expected_peer_)
      return fail(errc::unauthenticated, "wrong_peer",
                  "expected " + expected_peer_->text() + ", met " + met.peer.text());
    peer_ = std::move(met.peer);
    peer_muxers_ = std::move(met.muxers);
  }
  if (handshake_.writes_next()) return write_message(payload_);
  return {};
}

result<void> upgrade::write_message(byte_view payload) {
  KITH_ASSIGN(auto message, handshake_.write(payload));
  put_u16(out_, std::uint16_t(message.size()));
  append(out_, message);
  return {};
}

} // namespace kith::libp2p
