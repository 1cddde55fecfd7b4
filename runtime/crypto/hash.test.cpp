// Known answers of the specifications, properties, and what must be refused.
#include "runtime/crypto/hash.hpp"

#include "runtime/crypto/test_support.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace kith;
using namespace kith::crypto;
using test::unhex;

TEST_CASE("BLAKE2b gives the known answers at 32 and 16 bytes", "[crypto][vector]") {
  CHECK(to_hex(blake2b_256({})) ==
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(to_hex(blake2b_256(as_bytes("abc"))) ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  CHECK(to_hex(blake2b_128({})) == "cae66941d9efbd404e4d88758ea67670");
  CHECK(to_hex(blake2b_128(as_bytes("abc"))) == "cf4ab791c62b8d2b2109c90275287816");
}

TEST_CASE("a key is derived by keyed BLAKE2b, another for each domain and key",
          "[crypto][vector]") {
  byte_array<32> key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = std::uint8_t(i);
  auto derived = derive_key(key, "a domain");
  CHECK(to_hex(derived.expose()) ==
        "b075d6039589036aa035328fd5c67988daedc77fd07465c84273a2f0c2d7ce4b");
  CHECK_FALSE(derived == derive_key(key, "another domain"));
  CHECK_FALSE(derived == derive_key(byte_view(key).first(31), "a domain"));
}

TEST_CASE("hashing in parts equals hashing the whole, at every cut", "[crypto][property]") {
  bytes message(300);
  seeded_random(7).fill(message);
  auto blake = blake2b_256(message);
  auto sha = sha256(message);
  blake2b_256_hasher hasher;
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    auto first = byte_view(message).first(cut), second = byte_view(message).subspan(cut);
    REQUIRE(blake2b_256({first, second}) == blake);
    REQUIRE(sha256({first, second}) == sha);
    hasher.add(first);
    hasher.add(second);
    REQUIRE(hasher.finish() == blake); // and it is as new after that
  }
}

TEST_CASE("SHA-256 gives the answers of FIPS 180-4's examples", "[crypto][vector]") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(as_bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-512 gives the answers of FIPS 180-4's examples", "[crypto][vector]") {
  CHECK(to_hex(sha512({})) == "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                              "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
  CHECK(to_hex(sha512(as_bytes("abc"))) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  // Of two blocks.
  CHECK(to_hex(sha512(as_bytes("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                               "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"))) ==
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}

TEST_CASE("SHA-256 on two threads at once does not mix", "[crypto][unit]") {
  auto work = [](std::uint8_t fill, bool& right) {
    bytes message(1000, fill);
    auto expected = sha256(message);
    right = true;
    for (int i = 0; i < 2000; ++i) right = right && sha256(message) == expected;
  };
  bool first = false, second = false;
  std::thread other([&] { work(1, first); });
  work(2, second);
  other.join();
  CHECK(first);
  CHECK(second);
}

TEST_CASE("HMAC-SHA-256 gives the answers of RFC 4231", "[crypto][vector]") {
  struct row {
    bytes key;
    bytes message;
    const char* mac;
  };
  const row rows[] = {
      {bytes(20, 0x0b), to_bytes(as_bytes("Hi There")),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes(as_bytes("Jefe")), to_bytes(as_bytes("what do ya want for nothing?")),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {bytes(20, 0xaa), bytes(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {bytes(131, 0xaa),
       to_bytes(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {bytes(131, 0xaa),
       to_bytes(as_bytes("This is a test using a larger than block-size key and a larger than "
                         "block-size data. The key "
                         "needs to be hashed before being used by the HMAC algorithm.")),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& r : rows) {
    CHECK(to_hex(hmac_sha256(r.key, r.message)) == r.mac);
    auto message = byte_view(r.message);
    CHECK(to_hex(hmac_sha256(r.key, {message.first(3), message.subspan(3)})) == r.mac);
  }
}

TEST_CASE("HKDF gives the answer of RFC 5869 test case 3, in two and in three parts",
          "[crypto][vector]") {
  bytes input(22, 0x0b);
  auto three = hkdf_sha256_3({}, input);
  CHECK(to_hex(three.first.expose()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  CHECK(to_hex(three.second.expose()).starts_with("9d201395faa4b61a96c8"));
  CHECK(to_hex(three.third.expose()) ==
        "36def6dc129c29271a0eb7ab14bd2ca88259f8a3a92ac2ec0e3e4fa046a4b90b");
  auto two = hkdf_sha256_2({}, input);
  CHECK(two.first == three.first);
  CHECK(two.second == three.second);
}
