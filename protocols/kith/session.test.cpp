#include "protocols/kith/session.hpp"

#include "protocols/kith/samples.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::wire;

namespace {

struct pair_of_nodes {
  bytes secret = bytes(32, 0x5e);
  bytes hash = bytes(32, 0x6a);
  did a = a_did("a"), b = a_did("b");

  session dialer() const { return session(role::dialer, secret, hash, a, b); }
  session listener() const { return session(role::listener, secret, hash, b, a); }
};

std::string code(const result<void>& r) { return r ? "ok" : r.error().code; }

} // namespace

TEST_CASE_METHOD(pair_of_nodes, "two nodes with one secret open a session", "[kith][unit]") {
  auto x = dialer(), y = listener();
  REQUIRE(x.may_send(frame_type::hello));
  REQUIRE_FALSE(x.may_send(frame_type::batch));
  REQUIRE_FALSE(x.may_send(frame_type::welcome));
  auto hx = x.make_hello({}), hy = y.make_hello({});
  REQUIRE(hx.node == a);
  REQUIRE_FALSE(x.may_send(frame_type::hello));
  REQUIRE(code(x.received(hy)) == "ok");
  REQUIRE(code(y.received(hx)) == "ok");
  REQUIRE(x.version() == version_max);
  auto wx = x.make_welcome(), wy = y.make_welcome();
  REQUIRE_FALSE(x.open());
  REQUIRE_FALSE(x.may_send(frame_type::delegations));
  REQUIRE(code(x.received(wy)) == "ok");
  REQUIRE(code(y.received(wx)) == "ok");
  REQUIRE(x.open());
  REQUIRE(x.may_send(frame_type::batch));
  for (const auto& f : samples()) {
    auto type = type_of(f);
    bool handshake =
        type == frame_type::hello || type == frame_type::welcome || type == frame_type::refused;
    if (handshake || type == frame_type::goodbye) continue;
    REQUIRE(code(x.received(f)) == "ok");
  }
  REQUIRE(code(x.received(goodbye{})) == "ok");
  REQUIRE(x.closed());
  REQUIRE(code(x.received(ping{})) == "unexpected_frame");
}

TEST_CASE_METHOD(
    pair_of_nodes,
    "nothing but a hello is taken first, and nothing of the cluster's before the welcome",
    "[kith][unit]") {
  for (const auto& f : samples()) {
    auto type = type_of(f);
    if (type == frame_type::hello || type == frame_type::goodbye || type == frame_type::refused)
      continue;
    auto fresh = dialer();
    REQUIRE(code(fresh.received(f)) == "unexpected_frame");
    REQUIRE(fresh.closed());
    auto greeted = dialer();
    (void)greeted.make_hello({});
    auto h = listener().make_hello({});
    h.version_max = 1; // which the welcome among the samples says
    REQUIRE(code(greeted.received(h)) == "ok");
    bool allowed =
        type == frame_type::ping || type == frame_type::pong || type == frame_type::welcome;
    REQUIRE(code(greeted.received(f)) == (allowed ? "ok" : "unexpected_frame"));
  }
}

TEST_CASE_METHOD(pair_of_nodes, "a peer without the cluster's secret is refused", "[kith][unit]") {
  bytes wrong(32, 0x5f);
  session stranger(role::listener, wrong, hash, b, a);
  auto x = dialer();
  auto refusal_error = x.received(stranger.make_hello({}));
  REQUIRE(code(refusal_error) == "bad_cluster_proof");
  REQUIRE(refusal_error.error().category == errc::unauthenticated);
  REQUIRE(refusal_for(refusal_error.error()).code == refusal::bad_proof);
  REQUIRE(x.closed());
}

TEST_CASE_METHOD(pair_of_nodes, "a proof holds for one handshake, one role and one node",
                 "[kith][unit]") {
  auto proof = cluster_proof(secret, role::dialer, hash, a);
  REQUIRE(check_cluster_proof(proof, secret, role::dialer, hash, a));
  REQUIRE_FALSE(check_cluster_proof(proof, secret, role::listener, hash, a));
  REQUIRE_FALSE(check_cluster_proof(proof, secret, role::dialer, bytes(32, 1), a));
  REQUIRE_FALSE(check_cluster_proof(proof, secret, role::dialer, hash, b));
  REQUIRE_FALSE(check_cluster_proof({}, secret, role::dialer, hash, a));
  // Computed with Python: hmac.new(b"\x5e"*32, b"kith cluster proof v1" + b"\x01" + b"\x6a"*32 +
  // b"did:x:a", "sha256")
  REQUIRE(to_hex(proof) == "6e74abf381be9dce6e8cbcddfb1c93ecf4b5bd793a20215841d5f4eeb37c295e");
  // A reflected hello carries the wrong node and the wrong role.
  auto x = dialer();
  REQUIRE(code(x.received(x.make_hello({}))) == "wrong_node");
  session to_itself(role::dialer, secret, hash, a, a);
  REQUIRE(code(to_itself.received(session(role::listener, secret, hash, a, a).make_hello({}))) ==
          "wrong_node");
}

TEST_CASE_METHOD(pair_of_nodes, "sessions agree on a version or part", "[kith][unit]") {
  auto h = listener().make_hello({});
  h.version_max = 9;
  auto x = dialer();
  (void)x.make_hello({});
  REQUIRE(code(x.received(h)) == "ok");
  REQUIRE(x.version() == version_max);
  REQUIRE(code(x.received(welcome{9})) == "unexpected_frame");
  h.version_max = 1; // an older build
  auto y = dialer();
  (void)y.make_hello({});
  REQUIRE(code(y.received(h)) == "ok");
  REQUIRE(y.version() == 1);
  h.version_max = 9;
  h.version_min = version_max + 1;
  REQUIRE(code(dialer().received(h)) == "no_common_version");
}

TEST_CASE_METHOD(pair_of_nodes, "a refusal from the peer ends the session with its reason",
                 "[kith][unit]") {
  auto x = dialer();
  auto r = x.received(refused{refusal::bad_proof, "wrong secret"});
  REQUIRE(code(r) == "peer_refused");
  REQUIRE(r.error().context == "wrong secret");
  REQUIRE(x.closed());
  REQUIRE_FALSE(x.may_send(frame_type::goodbye));
}
