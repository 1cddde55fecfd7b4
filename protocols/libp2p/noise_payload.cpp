// See noise_payload.hpp.
#include "protocols/libp2p/noise_payload.hpp"

#include "protocols/libp2p/messages.pb.h"
#include "protocols/libp2p/peer_id.hpp"
#include "runtime/identity/keys.hpp"

namespace kith::libp2p {

static constexpr std::string_view signed_prefix = "noise-libp2p-static-key:";
using signed_message = byte_array<signed_prefix.size() + 32>;

static signed_message signed_bytes(const byte_array<32>& static_public) {
  signed_message out;
  std::memcpy(out.data(), signed_prefix.data(), signed_prefix.size());
  std::memcpy(out.data() + signed_prefix.size(), static_public.data(), static_public.size());
  return out;
}

bytes make_noise_payload(const secret_key& identity, const byte_array<32>& static_public) {
  auto key = public_key_message(identity.public_key());
  auto signature = identity.sign(signed_bytes(static_public));
  wire::NoiseHandshakePayload message;
  message.set_identity_key(key.data(), key.size());
  message.set_identity_sig(signature.data(), signature.size());
  return to_bytes(as_bytes(message.SerializeAsString()));
}

result<did> check_noise_payload(byte_view payload, const byte_array<32>& static_public) {
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
  return did::from_key(key);
}

} // namespace kith::libp2p
