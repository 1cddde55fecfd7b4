// The muxer inside of the Noise handshake: what is offered and read, what both sides make of it,
// and what becomes of peers that offer nothing, nothing common, or nonsense.
#include "protocols/libp2p/noise_payload.hpp"

#include "protocols/libp2p/test_pair.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::libp2p;
using names = std::vector<std::string>;
using test::at;

namespace {

const std::string yamux(yamux_protocol), mplex = "/mplex/6.7.0";
const byte_array<32> noise_key{};

// A protobuf field of bytes; short ones only.
bytes field(std::uint8_t number, byte_view content) {
  bytes out{std::uint8_t(number << 3 | 2)};
  put_varint(out, content.size());
  append(out, content);
  return out;
}
bytes joined(std::initializer_list<bytes> parts) {
  bytes out;
  for (const auto& p : parts) append(out, p);
  return out;
}
bytes muxer(std::string_view name) { return field(2, as_bytes(name)); }
bytes muxers(std::size_t count) {
  bytes out;
  for (std::size_t i = 0; i < count; ++i) append(out, muxer("/m/" + std::to_string(i)));
  return out;
}
// A payload signed by key 1, with any bytes as its extensions or behind them.
bytes signed_payload(const byte_array<32>& key, byte_view extensions, byte_view behind = {}) {
  return joined(
      {make_noise_payload(test::key_of(1), key, {}), field(4, extensions), to_bytes(behind)});
}
result<noise_identity> check_offer(byte_view extensions, byte_view behind = {}) {
  return check_noise_payload(signed_payload(noise_key, extensions, behind), noise_key);
}

// Both ends of an upgrade, each with its offer, carried to their end.
struct upgrades {
  upgrades(names of_dialer, names of_listener)
      : dialer(role::dialer, test::key_of(1), random, std::nullopt, std::move(of_dialer)),
        listener(role::listener, test::key_of(2), random, std::nullopt, std::move(of_listener)) {
    for (int i = 0; i < 3; ++i) {
      carry(dialer, listener);
      carry(listener, dialer);
    }
    REQUIRE(dialer.complete());
    REQUIRE(listener.complete());
  }
  static void carry(upgrade& from, upgrade& to) {
    auto out = std::exchange(from.output(), {});
    byte_view in = out;
    REQUIRE(to.receive(in));
    REQUIRE(in.empty());
  }

  seeded_random random{3};
  upgrade dialer, listener;
};

bytes noise_proposal() {
  bytes out;
  put_multistream_message(out, multistream_protocol);
  put_multistream_message(out, noise_protocol);
  return out;
}
bytes framed(byte_view message) {
  bytes out;
  put_u16(out, std::uint16_t(message.size()));
  append(out, message);
  return out;
}

// A peer made of the Noise messages alone, which puts into them whatever it likes. Its payload is
// made when its static key is known.
struct handmade {
  using make_payload = std::function<bytes(const byte_array<32>&)>;
  handmade(role side, make_payload payload, connection_options options = {})
      : noise(side, crypto::x25519_key::generate(random), crypto::x25519_key::generate(random)),
        end(side == role::dialer ? role::listener : role::dialer, test::key_of(2), 5,
            std::move(options)),
        make(std::move(payload)) {}

  // Plays the dialer, up to its message 3 and `behind`.
  result<void> dial(byte_view first_payload = {}, byte_view behind = {}) {
    auto answer = say(joined({noise_proposal(), framed(*noise.write(first_payload))}));
    REQUIRE(answer);
    REQUIRE(noise.read(byte_view(*answer).subspan(noise_proposal().size() + 2)));
    auto last = framed(*noise.write(make(noise.static_public())));
    append(last, behind);
    return end.link.receive(last, at(1));
  }
  // Plays the listener, up to its message 2.
  result<void> answer() {
    (void)to_bytes(end.link.take_output());
    auto first = say(noise_proposal());
    REQUIRE(first);
    REQUIRE(noise.read(byte_view(*first).subspan(2)));
    return end.link.receive(framed(*noise.write(make(noise.static_public()))), at(1));
  }
  result<bytes> say(byte_view in) {
    KITH_TRY(end.link.receive(in, at(1)));
    return to_bytes(end.link.take_output());
  }
  template <class E> std::vector<E> all() {
    end.collect();
    return end.all<E>();
  }

  seeded_random random{4};
  noise_handshake noise;
  test::end end;
  make_payload make;
};

bool early(const test::end& e) {
  REQUIRE(e.all<muxed>().size() == 1);
  return e.all<muxed>()[0].early;
}
connection_options without_early_muxer() {
  connection_options o;
  o.early_muxer = false;
  return o;
}
connection_options offering(bool early_muxer) {
  auto o = test::speaking({"/a"});
  o.early_muxer = early_muxer;
  return o;
}

} // namespace

TEST_CASE("a Noise payload carries the muxers in order, as the specification has them",
          "[libp2p][vector]") {
  auto payload = make_noise_payload(test::key_of(1), noise_key, {yamux, mplex});
  auto plain = make_noise_payload(test::key_of(1), noise_key, {});
  // NoiseHandshakePayload.extensions is field 4, NoiseExtensions.stream_muxers field 2.
  CHECK(to_hex(byte_view(payload).subspan(plain.size())) ==
        "221c120c2f79616d75782f312e302e30120c2f6d706c65782f362e372e30");
  auto read = check_noise_payload(payload, noise_key);
  REQUIRE(read);
  CHECK(read->peer == test::key_of(1).did());
  CHECK(read->muxers == names{yamux, mplex});
  CHECK(check_noise_payload(plain, noise_key)->muxers.empty());
  CHECK(check_offer({})->muxers.empty()); // extensions, and nothing in them
}

TEST_CASE("a muxer said twice counts once, and unknown fields are skipped", "[libp2p][unit]") {
  CHECK(check_offer(joined({muxer(yamux), muxer(mplex), muxer(yamux)}))->muxers ==
        names{yamux, mplex});
  auto certhash = field(1, bytes(34, 7));
  auto unknown = field(9, as_bytes("later")), number = bytes{0x10, 0x01}; // field 2 as a number
  CHECK(check_offer(joined({certhash, unknown, muxer(yamux), number, certhash}), unknown)->muxers ==
        names{yamux});
  // A message given twice is the two merged.
  CHECK(check_offer(muxer(mplex), field(4, muxer(yamux)))->muxers == names{mplex, yamux});
}

TEST_CASE("an offer of too many muxers, of long or empty names, or no protobuf is refused",
          "[libp2p][unit]") {
  auto code = [](byte_view extensions, byte_view behind = {}) {
    auto r = check_offer(extensions, behind);
    return r ? "" : r.error().code;
  };
  CHECK(code(muxers(offered_muxers_max)).empty());
  CHECK(code(muxers(offered_muxers_max + 1)) == "muxer_offer_too_large");
  CHECK(code(muxers(offered_muxers_max), field(4, muxer(yamux))) == "muxer_offer_too_large");
  bytes same;
  for (std::size_t i = 0; i <= offered_muxers_max; ++i) append(same, muxer(yamux));
  CHECK(code(same) == "muxer_offer_too_large");
  CHECK(code(muxer(std::string(offered_muxer_size_max, 'x'))).empty());
  CHECK(code(muxer(std::string(offered_muxer_size_max + 1, 'x'))) == "muxer_offer_too_large");
  CHECK(code(muxer("")) == "bad_muxer_offer");
  auto good = joined({muxer(yamux), muxer(mplex)});
  for (std::size_t i = 0; i < good.size(); ++i) { // cut, at any byte but where a name ends
    if (i == 0 || i == muxer(yamux).size()) continue;
    INFO(i << " bytes");
    CHECK(code(byte_view(good).first(i)) == "bad_noise_payload");
  }
  CHECK(code(bytes{0x13}) == "bad_noise_payload"); // a group that does not end
  CHECK(code({}, bytes{0x22, 0xff, 0xff, 0xff, 0xff, 0x7f}) == "bad_noise_payload");
}

TEST_CASE("what an unsigned payload offers is not looked at", "[libp2p][unit]") {
  byte_array<32> other_key{1};
  for (const auto& extensions : {muxer(yamux), muxer(""), muxers(offered_muxers_max + 1)}) {
    auto r = check_noise_payload(signed_payload(other_key, extensions), noise_key);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == "bad_identity");
    r = check_noise_payload(field(4, extensions), noise_key); // neither key nor signature
    REQUIRE_FALSE(r);
    CHECK(r.error().code == "bad_public_key");
  }
}

TEST_CASE("the dialer's first muxer that both have is taken", "[libp2p][unit]") {
  CHECK(*common_muxer({yamux, mplex}, {mplex, yamux}) == yamux); // the specification's example
  CHECK(*common_muxer({mplex, yamux}, {yamux, mplex}) == mplex);
  CHECK(*common_muxer({mplex, yamux}, {yamux}) == yamux);
  CHECK(*common_muxer({yamux}, {mplex, yamux}) == yamux); // a dialer may name one alone
  for (auto& [one, other] : {std::pair<names, names>{{}, {yamux}}, {{yamux}, {}}, {{}, {}}}) {
    auto r = common_muxer(one, other);
    REQUIRE(r);
    CHECK_FALSE(*r);
  }
  CHECK(common_muxer({yamux}, {mplex}).error().code == "no_common_muxer");
}

TEST_CASE("both sides of a handshake take the same muxer, whatever each prefers",
          "[libp2p][unit]") {
  for (const auto& of_dialer : {names{yamux, mplex}, names{mplex, yamux}, names{mplex}, names{}})
    for (const auto& of_listener : {names{yamux, mplex}, names{mplex, yamux}, names{}}) {
      upgrades u(of_dialer, of_listener);
      auto first = u.dialer.muxer(), second = u.listener.muxer();
      REQUIRE(first);
      REQUIRE(second);
      CHECK(*first == *second);
      if (of_dialer.empty() || of_listener.empty())
        CHECK_FALSE(*first);
      else
        CHECK(*first == of_dialer.front());
    }
  upgrades apart({yamux}, {mplex});
  CHECK(apart.dialer.muxer().error().code == "no_common_muxer");
  CHECK(apart.listener.muxer().error().code == "no_common_muxer");
}

TEST_CASE("two connections are muxed when the handshake is done, a round trip earlier than before",
          "[libp2p][unit]") {
  // Until the dialer's stream is open; each turn is a round trip.
  auto round_trips = [](bool dialer_offers, bool listener_offers) {
    test::pair p(offering(dialer_offers), offering(listener_offers));
    int count = 0;
    for (bool asked = false; p.dialer.all<stream_opened>().empty(); ++count) {
      REQUIRE(count < 10);
      p.carry(p.dialer, p.listener, 1 << 20, at(1), {});
      p.carry(p.listener, p.dialer, 1 << 20, at(1), {});
      if (!asked && p.dialer.link.is_muxed()) asked = p.dialer.link.open("/a").has_value();
    }
    p.pump();
    bool both = dialer_offers && listener_offers;
    CHECK(early(p.dialer) == both);
    CHECK(early(p.listener) == both);
    CHECK(p.dialer.all<identified>().size() == 1);
    CHECK(p.listener.all<identified>().size() == 1);
    CHECK_FALSE(p.dialer.failure);
    CHECK_FALSE(p.listener.failure);
    return count;
  };
  auto before = round_trips(false, false);
  CHECK(round_trips(true, true) == before - 1);
  CHECK(round_trips(true, false) == before); // either may be of an older Kith
  CHECK(round_trips(false, true) == before);
}

TEST_CASE("a peer that offers no muxer spoken here is not taken, and both sides know why",
          "[libp2p][unit]") {
  auto payload = [](const byte_array<32>& key) { return signed_payload(key, muxer(mplex)); };
  handmade dialer(role::dialer, payload), listener(role::listener, payload);
  auto dialed = dialer.dial(), answered = listener.answer();
  for (auto& [peer, r] : {std::pair{&dialer, &dialed}, {&listener, &answered}}) {
    REQUIRE_FALSE(*r);
    CHECK(r->error().code == "no_common_muxer");
    CHECK(peer->all<secured>().empty());
    CHECK(peer->all<muxed>().empty());
  }
  // The last message leaves all the same: it has the offer by which the listener can tell.
  REQUIRE(listener.noise.read(byte_view(listener.end.link.take_output()).subspan(2)));

  handmade either(role::dialer, payload, without_early_muxer()); // multistream-select decides
  REQUIRE(either.dial());
  CHECK(either.all<secured>().size() == 1);
  CHECK_FALSE(either.end.link.is_muxed());
}

TEST_CASE("a hostile offer ends the connection with its reason", "[libp2p][unit]") {
  auto with = [](bytes extensions) {
    return [=](const byte_array<32>& key) { return signed_payload(key, extensions); };
  };
  for (auto& [extensions, code] :
       {std::pair{muxers(offered_muxers_max + 1), "muxer_offer_too_large"},
        {muxer(std::string(1000, 'x')), "muxer_offer_too_large"},
        {muxer(""), "bad_muxer_offer"},
        {bytes{0x12, 0x7f}, "bad_noise_payload"}}) {
    handmade dialer(role::dialer, with(extensions)), listener(role::listener, with(extensions));
    auto dialed = dialer.dial(), answered = listener.answer();
    for (auto* r : {&dialed, &answered}) {
      REQUIRE_FALSE(*r);
      CHECK(r->error().code == code);
    }
    CHECK(dialer.all<secured>().empty());
    CHECK(listener.all<secured>().empty());
    CHECK(listener.end.link.take_output().empty()); // such a one is told nothing
  }
}

TEST_CASE("a muxer is believed only of a peer whose signature was good", "[libp2p][unit]") {
  // Another's identity, with a good offer, and yamux frames at once behind it.
  auto forged = [](const byte_array<32>&) { return signed_payload(noise_key, muxer(yamux)); };
  handmade dialer(role::dialer, forged), listener(role::listener, forged);
  auto behind = framed(encode(yamux_header{yamux_type::data, yamux_syn, 1, 0}));
  auto dialed = dialer.dial({}, behind), answered = listener.answer();
  for (auto& [peer, r] : {std::pair{&dialer, &dialed}, {&listener, &answered}}) {
    REQUIRE_FALSE(*r);
    CHECK(r->error().code == "bad_identity");
    CHECK_FALSE(peer->end.link.is_muxed());
    CHECK(peer->all<secured>().empty());
    CHECK(peer->all<muxed>().empty());
  }
  CHECK(listener.end.link.take_output().empty());
}

TEST_CASE("an offer in the first Noise message, which is in the clear, is not believed",
          "[libp2p][unit]") {
  auto nothing = [](const byte_array<32>& key) { return signed_payload(key, {}); };
  handmade peer(role::dialer, nothing);
  REQUIRE(peer.dial(signed_payload(peer.noise.static_public(), muxer(yamux))));
  CHECK(peer.all<secured>().size() == 1);
  CHECK(peer.all<muxed>().empty()); // waits for multistream-select
  CHECK_FALSE(peer.end.link.is_muxed());
}
