// By libsecp256k1. Parsing and serialising need no precomputed tables, so its static context does.
#include "runtime/crypto/secp256k1.hpp"

#include "runtime/crypto/require.hpp"

#include <secp256k1.h>

namespace kith::crypto {
namespace {

result<secp256k1_pubkey> parse(byte_view point) {
  // The library takes the hybrid form (0x06, 0x07) as well; nothing we speak has it.
  bool known = (point.size() == 33 && (point[0] == 2 || point[0] == 3)) ||
               (point.size() == 65 && point[0] == 4);
  secp256k1_pubkey key;
  if (!known ||
      secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, point.data(), point.size()) != 1)
    return fail(errc::malformed, "bad_public_key", "it is no point of secp256k1");
  return key;
}

template <std::size_t N> byte_array<N> serialise(const secp256k1_pubkey& key, unsigned int form) {
  byte_array<N> out;
  std::size_t size = N;
  bool ok =
      secp256k1_ec_pubkey_serialize(secp256k1_context_static, out.data(), &size, &key, form) == 1;
  require(ok && size == N, "libsecp256k1 does not write a point");
  return out;
}

} // namespace

result<secp256k1_compressed> secp256k1_compress(byte_view point) {
  KITH_ASSIGN(auto key, parse(point));
  return serialise<33>(key, SECP256K1_EC_COMPRESSED);
}

result<secp256k1_uncompressed> secp256k1_decompress(byte_view point) {
  KITH_ASSIGN(auto key, parse(point));
  return serialise<65>(key, SECP256K1_EC_UNCOMPRESSED);
}

bool secp256k1_is_x(const byte_array<32>& x) {
  secp256k1_compressed even{2};
  std::memcpy(even.data() + 1, x.data(), x.size());
  return parse(even).has_value();
}

} // namespace kith::crypto
