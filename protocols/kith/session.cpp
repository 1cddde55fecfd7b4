#include "protocols/kith/session.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>
#include <cassert>

namespace kith::wire {

byte_array<32> cluster_proof(byte_view cluster_secret, role prover, byte_view handshake_hash,
                             const did& node) {
  static constexpr std::string_view tag = "kith cluster proof v1";
  const std::uint8_t role_byte = std::uint8_t(prover);
  return crypto::hmac_sha256(cluster_secret, {as_bytes(tag), byte_view(&role_byte, 1),
                                              handshake_hash, as_bytes(node.text())});
}

bool check_cluster_proof(const byte_array<32>& proof, byte_view cluster_secret, role prover,
                         byte_view handshake_hash, const did& node) {
  return crypto::equal_constant_time(proof,
                                     cluster_proof(cluster_secret, prover, handshake_hash, node));
}

session::session(role own_role, byte_view cluster_secret, byte_view handshake_hash, did own,
                 did peer)
    : own_(std::move(own)), peer_(std::move(peer)) {
  assert(cluster_secret.size() >= cluster_secret_size_min &&
         handshake_hash.size() == handshake_hash_size);
  auto peer_role = own_role == role::dialer ? role::listener : role::dialer;
  own_proof_ = cluster_proof(cluster_secret, own_role, handshake_hash, own_);
  peer_proof_ = cluster_proof(cluster_secret, peer_role, handshake_hash, peer_);
}

hello session::make_hello(hello h) {
  assert(may_send(frame_type::hello));
  hello_sent_ = true;
  h.version_min = version_min;
  h.version_max = version_max;
  h.node = own_;
  h.proof = own_proof_;
  return h;
}

welcome session::make_welcome() {
  assert(may_send(frame_type::welcome));
  welcome_sent_ = true;
  return {version_};
}

result<void> session::check_hello(const hello& h) {
  if (h.node != peer_ || peer_ == own_)
    return fail(errc::unauthenticated, "wrong_node",
                h.node.text() + " on the link of " + peer_.text());
  if (!crypto::equal_constant_time(h.proof, peer_proof_))
    return fail(errc::unauthenticated, "bad_cluster_proof",
                peer_.text() + " does not know this cluster's secret");
  auto common = std::min(h.version_max, version_max);
  if (common < std::max(h.version_min, version_min))
    return fail(errc::unsupported, "no_common_version",
                "the peer speaks " + std::to_string(h.version_min) + " to " +
                    std::to_string(h.version_max));
  version_ = common;
  return {};
}

result<void> session::received(const frame& f) {
  auto unexpected = [&]() -> result<void> {
    state_ = state::closed;
    return fail(errc::malformed, "unexpected_frame", std::string(to_string(type_of(f))));
  };
  auto type = type_of(f);
  if (state_ == state::closed) return unexpected();
  if (type == frame_type::goodbye) {
    state_ = state::closed;
    return {};
  }
  if (const auto* no = std::get_if<refused>(&f); no && state_ != state::open) {
    state_ = state::closed;
    return fail(errc::unavailable, "peer_refused", no->text);
  }
  switch (state_) {
  case state::awaiting_hello: {
    if (type != frame_type::hello) return unexpected();
    auto ok = check_hello(std::get<hello>(f));
    state_ = ok ? state::awaiting_welcome : state::closed;
    return ok;
  }
  case state::awaiting_welcome:
    if (type == frame_type::ping || type == frame_type::pong) return {};
    // A welcome answers a hello of ours, and says the version that both computed.
    if (type != frame_type::welcome || !hello_sent_ || std::get<welcome>(f).version != version_)
      return unexpected();
    state_ = state::open;
    return {};
  case state::open:
    if (type == frame_type::hello || type == frame_type::welcome || type == frame_type::refused)
      return unexpected();
    return {};
  case state::closed: break;
  }
  return unexpected();
}

bool session::may_send(frame_type type) const {
  switch (type) {
  case frame_type::hello: return state_ != state::closed && !hello_sent_;
  case frame_type::welcome:
    return state_ != state::closed && hello_sent_ && version_ != 0 && !welcome_sent_;
  case frame_type::refused: return !welcome_sent_;
  case frame_type::goodbye: return state_ != state::closed && hello_sent_;
  case frame_type::ping:
  case frame_type::pong: return state_ != state::closed && welcome_sent_;
  default: return open();
  }
}

refused refusal_for(const error& e) {
  auto code = e.code == "bad_cluster_proof"   ? refusal::bad_proof
              : e.code == "no_common_version" ? refusal::no_common_version
              : e.code == "wrong_node"        ? refusal::wrong_node
                                              : refusal::other;
  return {code, e.code};
}

} // namespace kith::wire
