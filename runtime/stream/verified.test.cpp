#include "runtime/stream/verified.hpp"

#include "runtime/identity/keys.hpp"

#include <catch2/catch.hpp>

using namespace kith;

namespace {

constexpr wall_ms now = 1'700'000'000'000;

struct fixture {
  seeded_random random{1};
  secret_key agent = secret_key::generate(random), node = secret_key::generate(random),
             other = secret_key::generate(random);
  stream_id stream{agent.did(), other.did(), lane::request, 77};
  verifier link{node.did()};

  delegation delegated(epoch e = 1, wall_ms expires = now + 1000) const {
    return delegation::make(agent, node.did(), e, expires);
  }
  envelope emitted() const {
    envelope_fields f;
    f.from = stream.from.text();
    f.to = stream.to.text();
    f.kind = "k";
    f.incarnation = stream.incarnation;
    f.seq = 1;
    return envelope::build(f);
  }
};

std::string code(const auto& r) { return r ? "ok" : r.error().code; }

} // namespace

TEST_CASE_METHOD(fixture, "an envelope is verified by its sender's delegation to the peer",
                 "[stream][unit]") {
  REQUIRE(code(link.verify(stream, emitted(), now)) == "no_delegation");
  REQUIRE(code(link.accept(delegated(), now, 1)) == "ok");
  auto v = link.verify(stream, emitted(), now);
  REQUIRE(v);
  REQUIRE(v->hash() == emitted().hash());
  REQUIRE(v->how() == vouched::delegation);
  REQUIRE(link.find(agent.did())->epoch == 1);
}

TEST_CASE_METHOD(fixture, "a delegation that expires later stops vouching then", "[stream][unit]") {
  REQUIRE(code(link.accept(delegated(1, now + 10), now, 0)) == "ok");
  REQUIRE(code(link.verify(stream, emitted(), now + 9)) == "ok");
  REQUIRE(code(link.verify(stream, emitted(), now + 10)) == "delegation_expired");
  REQUIRE(code(link.accept(delegated(1, now + 1000), now + 10, 0)) == "ok");
  REQUIRE(code(link.verify(stream, emitted(), now + 10)) == "ok");
}

TEST_CASE_METHOD(fixture,
                 "a delegation is refused that is expired, forged, for another node or stale",
                 "[stream][unit]") {
  REQUIRE(code(link.accept(delegated(1, now), now, 0)) == "delegation_expired");
  auto forged = delegated();
  forged.epoch = 2;
  REQUIRE(code(link.accept(forged, now, 0)) == "bad_delegation");
  auto by_another = delegation::make(other, node.did(), 1, now + 1000);
  by_another.agent = agent.did();
  REQUIRE(code(link.accept(by_another, now, 0)) == "bad_delegation");
  REQUIRE(code(link.accept(delegation::make(agent, other.did(), 1, now + 1000), now, 0)) ==
          "bad_delegation");
  auto stale = link.accept(delegated(2), now, 3);
  REQUIRE(code(stale) == "stale_epoch");
  REQUIRE(stale.error().category == errc::conflict);
  REQUIRE(code(link.verify(stream, emitted(), now)) == "no_delegation");
}

TEST_CASE_METHOD(fixture, "a delegation gives way to a later epoch and not to an earlier one",
                 "[stream][unit]") {
  REQUIRE(code(link.accept(delegated(3), now, 0)) == "ok");
  REQUIRE(code(link.accept(delegated(2), now, 0)) == "stale_epoch");
  link.raise_floor(agent.did(), 3);
  REQUIRE(code(link.verify(stream, emitted(), now)) == "ok");
  link.raise_floor(agent.did(), 4);
  REQUIRE(code(link.verify(stream, emitted(), now)) == "no_delegation");
}

TEST_CASE_METHOD(fixture, "an envelope of another stream is refused", "[stream][unit]") {
  REQUIRE(link.accept(delegated(), now, 0));
  auto wrong = [&](stream_id s) { return code(link.verify(s, emitted(), now)); };
  REQUIRE(wrong({other.did(), other.did(), lane::request, 77}) == "wrong_stream");
  REQUIRE(wrong({agent.did(), node.did(), lane::request, 77}) == "wrong_stream");
  REQUIRE(wrong({agent.did(), other.did(), lane::answer, 77}) == "wrong_stream");
  REQUIRE(wrong({agent.did(), other.did(), lane::request, 78}) == "wrong_stream");
}

TEST_CASE_METHOD(fixture, "the peer speaks for itself without a delegation", "[stream][unit]") {
  envelope_fields f;
  f.from = node.did().text();
  f.to = other.did().text();
  f.kind = "k";
  f.qos = qos::at_most_once;
  auto v = link.verify({node.did(), other.did(), lane::request, 0}, envelope::build(f), now);
  REQUIRE(v);
  REQUIRE(v->hash() == digest{});
}

TEST_CASE_METHOD(fixture, "a stream head holds only for what the agent signed", "[stream][unit]") {
  signed_head head{5, emitted().hash(), {}};
  head.signature = agent.sign(signed_head::to_sign(stream, head.seq, head.last));
  REQUIRE(code(link.verify_head(stream, head)) == "ok");
  auto later = head;
  later.seq = 6;
  REQUIRE(code(link.verify_head(stream, later)) == "bad_head_signature");
  auto changed = head;
  changed.last[0] ^= 1;
  REQUIRE(code(link.verify_head(stream, changed)) == "bad_head_signature");
  auto elsewhere = stream;
  elsewhere.lane = lane::answer;
  REQUIRE(code(link.verify_head(elsewhere, head)) == "bad_head_signature");
  head.signature = other.sign(signed_head::to_sign(stream, head.seq, head.last));
  REQUIRE(code(link.verify_head(stream, head)) == "bad_head_signature");
  auto keyless = stream;
  keyless.from = *did::parse("did:web:example.org");
  REQUIRE(code(link.verify_head(keyless, head)) == "bad_head_signature");
}
