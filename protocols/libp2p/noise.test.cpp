// Noise XX against the published vector, and against messages that were changed or cut.
#include "protocols/libp2p/noise.hpp"

#include "protocols/libp2p/noise_payload.hpp"
#include "protocols/libp2p/noise_transport.hpp"
#include "protocols/libp2p/test_pair.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

using namespace kith;
using namespace kith::libp2p;

namespace {

bytes hex(const boost::json::value& v) { return *from_hex(std::string_view(v.as_string())); }
crypto::x25519_key x25519_of(byte_view b) { return crypto::x25519_key::from_secret(b.first<32>()); }
crypto::x25519_key x25519_of(std::uint8_t n) { return x25519_of(bytes(32, n)); }

struct handshake_pair {
  noise_handshake dialer{role::dialer, x25519_of(1), x25519_of(2)};
  noise_handshake listener{role::listener, x25519_of(3), x25519_of(4)};

  // The messages, the last of which nobody has read.
  std::vector<bytes> messages(int count) {
    std::vector<bytes> out;
    for (int i = 0; i < count; ++i) {
      auto& from = i % 2 == 0 ? dialer : listener;
      auto& to = i % 2 == 0 ? listener : dialer;
      out.push_back(*from.write(as_bytes("payload")));
      if (i + 1 < count) REQUIRE(to.read(out.back()));
    }
    return out;
  }
};

std::pair<noise_sender, noise_receiver> transport_pair(std::uint64_t nonce = 0) {
  byte_array<32> key{};
  return {noise_sender(noise_cipher(key, nonce), {}), noise_receiver(noise_cipher(key, nonce))};
}

} // namespace

TEST_CASE("Noise XX says the bytes of the published vector", "[libp2p][vector]") {
  std::ifstream file("protocols/libp2p/vectors/xx_25519_chachapoly_sha256.json");
  std::stringstream text;
  text << file.rdbuf();
  auto v = boost::json::parse(text.str()).at("vectors").at(0);
  noise_handshake init(role::dialer, x25519_of(hex(v.at("init_static"))),
                       x25519_of(hex(v.at("init_ephemeral"))), hex(v.at("init_prologue")));
  noise_handshake resp(role::listener, x25519_of(hex(v.at("resp_static"))),
                       x25519_of(hex(v.at("resp_ephemeral"))), hex(v.at("resp_prologue")));
  auto& messages = v.at("messages").as_array();
  REQUIRE(messages.size() == 6);
  for (std::size_t i = 0; i < 3; ++i) {
    auto& from = i % 2 == 0 ? init : resp;
    auto& to = i % 2 == 0 ? resp : init;
    auto payload = hex(messages[i].at("payload"));
    auto message = from.write(payload);
    REQUIRE(message);
    CHECK(to_hex(*message) == std::string_view(messages[i].at("ciphertext").as_string()));
    auto read = to.read(*message);
    REQUIRE(read);
    CHECK(*read == payload);
  }
  REQUIRE(init.complete());
  REQUIRE(resp.complete());
  CHECK(to_hex(init.hash()) == std::string_view(v.at("handshake_hash").as_string()));
  CHECK(init.hash() == resp.hash());
  CHECK(init.remote_static() == resp.static_public());
  CHECK(resp.remote_static() == init.static_public());
  auto a = init.split(), b = resp.split();
  for (std::size_t i = 3; i < 6; ++i) {
    auto& from = i % 2 == 1 ? b : a; // message 3 is the listener's
    auto& to = i % 2 == 1 ? a : b;
    auto payload = hex(messages[i].at("payload"));
    bytes sealed(payload.size() + noise_tag_size), opened(payload.size());
    REQUIRE(from.send.seal({}, payload, sealed));
    CHECK(to_hex(sealed) == std::string_view(messages[i].at("ciphertext").as_string()));
    REQUIRE(to.receive.open({}, sealed, opened));
    CHECK(opened == payload);
  }
}

TEST_CASE("Noise refuses handshake messages cut at any byte", "[libp2p][unit]") {
  for (int count : {1, 2, 3}) {
    handshake_pair p;
    auto last = p.messages(count).back();
    // The first message's payload is in the clear and of any length: only its key can be missing.
    auto size_max = count == 1 ? 32 : last.size();
    for (std::size_t size = 0; size < size_max; ++size) {
      handshake_pair q;
      q.messages(count);
      CHECK_FALSE((count % 2 == 1 ? q.listener : q.dialer).read(byte_view(last).first(size)));
    }
  }
}

TEST_CASE("Noise refuses sealed handshake messages with any bit changed", "[libp2p][unit]") {
  for (int count : {2, 3}) {
    handshake_pair p;
    auto size = p.messages(count).back().size();
    for (std::size_t i = 0; i < size; ++i) {
      handshake_pair q;
      auto last = q.messages(count).back();
      last[i] ^= std::uint8_t(1 << (i % 8));
      CHECK_FALSE((count % 2 == 1 ? q.listener : q.dialer).read(last));
    }
  }
}

TEST_CASE("a changed first Noise message is found out by the second", "[libp2p][unit]") {
  for (std::size_t i = 0; i < 39; ++i) {
    handshake_pair p;
    auto first = *p.dialer.write(as_bytes("payload"));
    REQUIRE(first.size() == 39);
    first[i] ^= std::uint8_t(1 << (i % 8));
    REQUIRE(p.listener.read(first));
    CHECK_FALSE(p.dialer.read(*p.listener.write({})));
  }
}

TEST_CASE("Noise refuses a key of small order and other prologues, and keeps to its turns",
          "[libp2p][unit]") {
  handshake_pair p;
  REQUIRE(p.listener.read(bytes(32, 0)));
  auto r = p.listener.write({});
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "weak_public_key");

  noise_handshake dialer(role::dialer, x25519_of(1), x25519_of(2), as_bytes("one"));
  noise_handshake listener(role::listener, x25519_of(3), x25519_of(4), as_bytes("other"));
  REQUIRE(listener.read(*dialer.write({})));
  CHECK_FALSE(dialer.write({}));
  CHECK_FALSE(dialer.read(*listener.write({})));
}

TEST_CASE("the identity payload vouches for one Noise key by one identity", "[libp2p][unit]") {
  auto alice = test::key_of(1), bob = test::key_of(2);
  byte_array<32> noise_key{}, other_key{1};
  auto payload = make_noise_payload(alice, noise_key, {});
  CHECK(check_noise_payload(payload, noise_key)->peer == alice.did());
  CHECK(check_noise_payload(payload, other_key).error().code == "bad_identity");
  // Bob's key with Alice's signature: the key message ends after 4 + 36 - 2 bytes.
  auto forged = payload;
  std::copy(bob.public_key().begin(), bob.public_key().end(), forged.begin() + 6);
  CHECK(check_noise_payload(forged, noise_key).error().code == "bad_identity");
  for (std::size_t i = 0; i < payload.size(); ++i) {
    auto changed = payload;
    changed[i] ^= std::uint8_t(1 << (i % 8));
    CHECK_FALSE(check_noise_payload(changed, noise_key));
    CHECK_FALSE(check_noise_payload(byte_view(payload).first(i), noise_key));
  }
}

TEST_CASE("Noise frames carry bytes of any amount in pieces of any size", "[libp2p][property]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    seeded_random random(seed);
    auto [sender, receiver] = transport_pair();
    auto body = test::numbered(std::size_t(random.below(300'000)));
    bytes wire, plain;
    test::in_pieces(body, 50'000, random, [&](byte_view b) {
      sender.append(b);
      if (random.below(3) == 0) append(wire, to_bytes(sender.take()));
    });
    append(wire, to_bytes(sender.take()));
    std::vector<slice> kept;
    test::in_pieces(wire, 1 + random.below(100'000), random, [&](byte_view in) {
      while (!in.empty()) {
        auto part = receiver.receive(in);
        REQUIRE(part);
        if (*part) kept.push_back(**part);
      }
    });
    for (auto& s : kept) append(plain, s); // none was overwritten by a later one
    CHECK(plain == body);
  }
}

TEST_CASE("Noise frames are full and say their length", "[libp2p][unit]") {
  auto [sender, receiver] = transport_pair();
  sender.append(bytes(noise_plaintext_max + 1));
  auto wire = to_bytes(sender.take());
  CHECK(get_u16(wire.data()) == noise_message_max);
  CHECK(wire.size() == 2 + noise_message_max + 2 + 1 + noise_tag_size);
}

TEST_CASE("a Noise receiver refuses changed, repeated and too short frames", "[libp2p][unit]") {
  auto [sender, receiver] = transport_pair();
  sender.append(as_bytes("hello"));
  auto wire = to_bytes(sender.take());
  byte_view in = wire;
  REQUIRE(receiver.receive(in));
  in = wire;
  CHECK(receiver.receive(in).error().code == "noise_decrypt"); // again
  for (std::size_t i = 2; i < wire.size(); ++i) {
    auto fresh = transport_pair();
    auto changed = wire;
    changed[i] ^= 1;
    in = changed;
    CHECK_FALSE(fresh.second.receive(in));
  }
  bytes short_frame{0, 15};
  short_frame.resize(17);
  auto fresh = transport_pair();
  in = short_frame;
  CHECK(fresh.second.receive(in).error().code == "bad_noise_message");
}

TEST_CASE("Noise stops before its last nonce and sends nothing unsealed", "[libp2p][unit]") {
  auto [sender, receiver] = transport_pair(~std::uint64_t(0) - 1);
  sender.append(as_bytes("last"));
  auto wire = to_bytes(sender.take());
  byte_view in = wire;
  REQUIRE(receiver.receive(in));
  sender.append(as_bytes("one too many"));
  CHECK(to_bytes(sender.take()).empty());
  REQUIRE(sender.failure());
  CHECK(sender.failure()->code == "noise_nonces_used_up");
  in = wire;
  CHECK(receiver.receive(in).error().code == "noise_nonces_used_up");
}
