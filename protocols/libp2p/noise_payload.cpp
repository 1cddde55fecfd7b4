// See noise_payload.hpp.
#include "protocols/libp2p/noise_payload.hpp"

#include "protocols/libp2p/messages.pb.h"
#include "protocols/libp2p/peer_id.hpp"
#include "runtime/identity/keys.hpp"

#include <algorithm>

namespace kith::libp2p {

static constexpr std::string_view signed_prefix = "noise-libp2p-static-key:";
using signed_message = byte_array<signed_prefix.size() + 32>;

static signed_message signed_bytes(const byte_array<32>& static_public) {
  signed_message out;
  std::memcpy(out.data(), signed_prefix.data(), signed_prefix.size());
  std::memcpy(out.data() + signed_prefix.size(), static_public.data(), static_public.size());
  return out;
}

bytes make_noise_payload(const secret_key& identity, const byte_array<32>& static_public,
                         const std::vector<std::string>& muxers) {
  auto key = public_key_message(identity.public_key());
  auto signature = identity.sign(signed_bytes(static_public));
  wire::NoiseHandshakePayload message;
  message.set_identity_key(key.data(), key.size());
  message.set_identity_sig(signature.data(), signature.size());
  for (const auto& m : muxers) message.mutable_extensions()->add_stream_muxers(m);
  return to_bytes(as_bytes(message.SerializeAsString()));
}

static result<std::vector<std::string>> read_offer(const wire::NoiseExtensions& extensions) {
  const auto& offered = extensions.stream_muxers();
  if (std::size_t(offered.size()) > offered_muxers_max)
    return fail(errc::too_large, "muxer_offer_too_large",
                "the peer offers " + std::to_string(offered.size()) + " muxers");
  std::vector<std::string> out;
  for (const auto& name : offered) {
    if (name.empty()) return fail(errc::malformed, "bad_muxer_offer", "a muxer without a name");
    if (name.size() > offered_muxer_size_max)
      return fail(errc::too_large, "muxer_offer_too_large",
                  "a muxer's name of " + std::to_string(name.size()) + " bytes");
    // Said twice it counts where it stood first.
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

result<noise_identity> check_noise_payload(byte_view payload, const byte_array<32>& static_public) {
  wire::NoiseHandshakePayload message;
  if (!message.ParseFromArray(payload.data(), int(payload.size())))
    return fail(errc::malformed, "bad_noise_payload", "not a NoiseHandshakePayload");
  KITH_ASSIGN(auto key, parse_public_key_message(as_bytes(message.identity_key())));
  byte_array<64> signature;
  if (message.identity_sig().size() != signature.size())
    return fail(errc::unauthenticated, "bad_identity", "the signature has not 64 bytes");
  std::memcpy(signature.data(), message.identity_sig().data(), signature.size());
  if (!verify_signature(key, signed_bytes(static_public), signature))
    return fail(errc::unauthenticated, "bad_identity", "the peer's key did not sign its Noise key");
  KITH_ASSIGN(auto muxers, read_offer(message.extensions()));
  return noise_identity{did::from_key(key), std::move(muxers)};
}

result<std::optional<std::string>> common_muxer(const std::vector<std::string>& of_dialer,
                                                const std::vector<std::string>& of_listener) {
  if (of_dialer.empty() || of_listener.empty()) return std::nullopt;
  for (const auto& m : of_dialer)
    if (std::find(of_listener.begin(), of_listener.end(), m) != of_listener.end()) return m;
  return fail(errc::unsupported, "no_common_muxer", "the peer offers no muxer that is spoken here");
}

} // namespace kith::libp2p
