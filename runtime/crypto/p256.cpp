// By libcrypto's points, which it checks against the curve when it reads them.
#include "runtime/crypto/p256.hpp"

#include "runtime/crypto/require.hpp"

#include <memory>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

namespace kith::crypto {
namespace {

// Never freed: it is read by all threads until the process ends.
const EC_GROUP* group() {
  static const EC_GROUP* const curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  require(curve != nullptr, "OpenSSL has no P-256");
  return curve;
}

template <std::size_t N>
result<byte_array<N>> convert(byte_view point, point_conversion_form_t form) {
  // OpenSSL takes the hybrid form and infinity as well.
  bool known = (point.size() == 33 && (point[0] == 2 || point[0] == 3)) ||
               (point.size() == 65 && point[0] == 4);
  std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> at(EC_POINT_new(group()), EC_POINT_free);
  require(at != nullptr, "out of memory");
  if (!known || EC_POINT_oct2point(group(), at.get(), point.data(), point.size(), nullptr) != 1) {
    ERR_clear_error(); // or a TLS call on this thread would report it as its own
    return fail(errc::malformed, "bad_public_key", "it is no point of P-256");
  }
  byte_array<N> out;
  auto size = EC_POINT_point2oct(group(), at.get(), form, out.data(), out.size(), nullptr);
  require(size == N, "OpenSSL does not write a point");
  return out;
}

} // namespace

result<p256_compressed> p256_compress(byte_view point) {
  return convert<33>(point, POINT_CONVERSION_COMPRESSED);
}

result<p256_uncompressed> p256_decompress(byte_view point) {
  return convert<65>(point, POINT_CONVERSION_UNCOMPRESSED);
}

} // namespace kith::crypto
