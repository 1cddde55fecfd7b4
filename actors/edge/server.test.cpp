#include "actors/edge/acting.hpp"
#include "actors/edge/test_support.hpp"

using namespace kith;
using namespace kith::edge;
using namespace kith::edge::testing;

namespace {

struct edge_recorder : kith::agent {
  using agent::agent;
  void setup() override {
    on("note", [this](const std::string& text) {
      seen.update([&](auto& s) { s.push_back(text); });
      return "re:" + text;
    });
    on("tell", [this](const std::string& to) {
      for (int i = 0; i < 3; ++i) tell(to, "hello", "from ada " + std::to_string(++told));
    });
  }
  int told = 0;
  kith::durable<std::vector<std::string>> seen{*this, "seen"};
};
KITH_AGENT(edge_recorder);

struct edge_node : kith::agent {
  using agent::agent;
  void setup() override {}
};
KITH_AGENT_AS(edge_node, "kith.node");

std::string code_of(const net::test::answer& a) {
  auto parsed = json::parse(a.body);
  return parsed && parsed->find("code") != nullptr ? (*parsed)["code"].as_string() : std::string();
}

void check_problem(const net::test::answer& a, int status, const std::string& code) {
  INFO(a.body);
  CHECK(a.status == status);
  CHECK(code_of(a) == code);
  CHECK(a.headers.at("content-type") == "application/problem+json");
}

// The data lines of a stream of events.
strings events_in(const std::string& got) {
  strings all;
  for (auto at = got.find("id: "); at != std::string::npos; at = got.find("id: ", at + 1)) {
    auto data = got.find("data: ", at) + 6;
    auto o = json::parse(got.substr(data, got.find('\n', data) - data)).value();
    all.push_back(got.substr(at + 4, got.find('\n', at) - at - 4) + ":" + o["text"].as_string());
  }
  return all;
}

} // namespace

TEST_CASE("a DID outside sets up its mailbox, sends, and takes what comes", "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  CHECK(w.register_mailbox(w.bob) == 201);
  CHECK(w.register_mailbox(w.bob) == 200);

  auto message = w.message_of(w.bob, w.agent.did().text(), "note", "hi");
  auto sent = w.as(w.bob, {"POST", "/api/messages", {}, message.dump()});
  INFO(sent.body);
  CHECK(sent.status == 202);
  CHECK(json::parse(sent.body).value()["duplicate"].as_bool() == false);
  CHECK(w.noted() == R"(["hi"])");
  // The same again is the same message.
  auto again = w.as(w.bob, {"POST", "/api/messages", {}, message.dump()});
  CHECK(again.status == 202);
  CHECK(json::parse(again.body).value()["duplicate"].as_bool());
  CHECK(w.noted() == R"(["hi"])");

  w.as(
      w.bob,
      {"POST", "/api/messages", {}, w.message_of(w.bob, w.agent.did().text(), "tell", bob).dump()});
  auto page = json::parse(w.as(w.bob, {"GET", "/api/messages/" + bob + "/pending?limit=2"}).body);
  REQUIRE(page);
  REQUIRE((*page)["messages"].size() == 2);
  CHECK((*page)["newest"].as_int() == 3);
  CHECK((*page)["messages"][0]["text"].as_string() == "from ada 1");
  CHECK((*page)["messages"][1]["position"].as_int() == 2);
  auto rest = json::parse(w.as(w.bob, {"GET", "/api/messages/" + bob + "/pending?after=2"}).body);
  CHECK((*rest)["messages"].size() == 1);
  CHECK(w.as(w.bob, {"POST", "/api/messages/" + bob + "/ack", {}, R"({"upto":2})"}).status == 200);
  rest = json::parse(w.as(w.bob, {"GET", "/api/messages/" + bob + "/pending"}).body);
  CHECK((*rest)["messages"].size() == 1);
  CHECK((*rest)["acked"].as_int() == 2);
  check_problem(w.as(w.bob, {"POST", "/api/messages/" + bob + "/ack", {}, R"({"upto":9})"}), 400,
                "ack_ahead");
}

TEST_CASE("the same id by QoS 1 is handled again, and only a refusal of it can be looked up",
          "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  REQUIRE(w.register_mailbox(w.bob) == 201);
  auto post = [&](const json& m) {
    auto a = w.as(w.bob, {"POST", "/api/messages", {}, m.dump()});
    INFO(a.body);
    CHECK(a.status == 202);
    CHECK_FALSE(json::parse(a.body).value()["duplicate"].as_bool());
    return w.as(w.bob, {"GET", "/api/messages/" + m["id"].as_string()});
  };
  auto message = w.message_of(w.bob, w.agent.did().text(), "note", "hi");
  message.set("qos", 1);
  check_problem(post(message), 404, "unknown_message");
  check_problem(post(message), 404, "unknown_message");
  CHECK(w.noted() == R"(["hi","hi"])");
  auto wrong = w.message_of(w.bob, w.agent.did().text(), "no such kind", "x");
  wrong.set("qos", 1);
  CHECK(post(wrong).status == 200); // its refusal left an entry
  // The refusal came into bob's mail as it was sent.
  auto page = json::parse(w.as(w.bob, {"GET", "/api/messages/" + bob + "/pending"}).body).value();
  REQUIRE(page["messages"].size() == 1);
  CHECK(page["messages"][0]["status"].as_string() == "refused");
  CHECK(page["messages"][0]["qos"].as_int() == 1);
}

TEST_CASE("202 is not said before the message is synced", "[edge][unit]") {
  world w;
  REQUIRE(w.register_mailbox(w.bob) == 201);
  w.run();
  auto message = w.message_of(w.bob, w.agent.did().text(), "note", "hi");
  auto& c = w.connect();
  c.send(world::text_of(w.signed_by(w.bob, {"POST", "/api/messages", {}, message.dump()})));
  w.syncs = false;
  w.run(std::chrono::seconds(1));
  CHECK(c.got.empty());
  w.syncs = true;
  w.run();
  REQUIRE(c.answers().size() == 1);
  CHECK(c.answers()[0].status == 202);
}

TEST_CASE("a follower gets every message once and in order, also behind a cursor", "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  REQUIRE(w.register_mailbox(w.bob) == 201);
  auto fill = [&] {
    CHECK(w.as(w.bob, {"POST",
                       "/api/messages",
                       {},
                       w.message_of(w.bob, w.agent.did().text(), "tell", bob).dump()})
              .status == 202);
    w.run();
  };
  fill();
  auto& c = w.connect();
  c.send(world::text_of(w.signed_by(w.bob, {"GET", "/api/messages/" + bob + "/events"})));
  w.run();
  CHECK(c.got.find("text/event-stream") != std::string::npos);
  CHECK(events_in(c.got) == strings{"1:from ada 1", "2:from ada 2", "3:from ada 3"});
  fill();
  CHECK(events_in(c.got).size() == 6);
  CHECK(w.hub.count() == 1);
  c.stream->close();
  w.run();
  CHECK(w.hub.count() == 0);
  fill();

  auto& d = w.connect();
  d.send(world::text_of(
      w.signed_by(w.bob, {"GET", "/api/messages/" + bob + "/events", {{"Last-Event-ID", "4"}}})));
  w.run();
  auto seen = events_in(d.got);
  REQUIRE(seen.size() == 5);
  CHECK(seen.front() == "5:from ada 5");
  CHECK(seen.back() == "9:from ada 9");
  check_problem(w.as(w.bob, {"GET", "/api/messages/" + bob + "/events", {{"Last-Event-ID", "10"}}}),
                409, "cursor_ahead");
  check_problem(w.as(w.bob, {"GET", "/api/messages/" + bob + "/events?after=x"}), 400,
                "bad_number");
}

TEST_CASE("a mailbox has so many followers and no more", "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  REQUIRE(w.register_mailbox(w.bob) == 201);
  for (std::size_t i = 0; i <= inbox_hub::followers_max; ++i) {
    auto& c = w.connect();
    c.send(world::text_of(w.signed_by(w.bob, {"GET", "/api/messages/" + bob + "/events"})));
  }
  w.run();
  CHECK(w.hub.count() == inbox_hub::followers_max);
  CHECK(w.clients.back().got.find("too_many_followers") != std::string::npos);
}

TEST_CASE("what is not rightly signed is refused, says why, and is counted", "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  REQUIRE(w.register_mailbox(w.bob) == 201);
  request look{"GET", "/api/messages/" + bob + "/pending"};
  request send{
      "POST", "/api/messages", {}, w.message_of(w.bob, w.agent.did().text(), "note", "x").dump()};

  auto none = w.ask(look);
  check_problem(none, 401, "signature_missing");
  CHECK(none.headers.at("www-authenticate").find("Signature") != std::string::npos);
  check_problem(w.as(w.eve, look), 403, "not_yours");
  auto replayed = w.signed_by(w.bob, look);
  CHECK(w.ask(replayed).status == 200);
  check_problem(w.ask(replayed), 401, "replayed");
  check_problem(w.ask(w.signed_by(w.bob, look, 3600 * 1000)), 401, "signature_too_old");
  check_problem(w.ask(w.signed_by(w.bob, look, -3600 * 1000)), 401, "signature_from_future");
  check_problem(w.ask(w.signed_by(w.bob, look, 0, {"@method"})), 401, "not_covered");
  auto other_target = w.signed_by(w.bob, look);
  other_target.target += "?limit=1";
  check_problem(w.ask(other_target), 401, "signature_wrong");
  auto other_body = w.signed_by(w.bob, send);
  other_body.body[10] ^= 1;
  check_problem(w.ask(other_body), 401, "digest_wrong");
  auto no_digest = send;
  auto without = w.signed_by(w.bob, {"POST", "/api/messages"});
  no_digest.headers = without.headers;
  check_problem(w.ask(no_digest), 401, "digest_missing");
  auto garbled = w.signed_by(w.bob, look);
  garbled.headers.back().second = "sig1=:AAAA";
  check_problem(w.ask(garbled), 400, "signature_malformed");
  check_problem(w.ask({"GET", look.target, {{"Authorization", "Bearer wrong"}}}), 401,
                "token_wrong");

  CHECK(w.counted("kith_edge_refused_total", {{"why", "replayed"}}) == 1);
  CHECK(w.counted("kith_edge_refused_total", {{"why", "digest_wrong"}}) == 1);
  CHECK(w.counted("kith_edge_refused_total", {{"why", "signature_too_old"}}) == 1);
  CHECK(w.noted() == "");
  CHECK(w.as(w.bob, send).status == 202); // and the node goes on
}

TEST_CASE("a message from outside must be signed by its sender itself", "[edge][unit]") {
  world w;
  REQUIRE(w.register_mailbox(w.bob) == 201);
  auto good = w.message_of(w.bob, w.agent.did().text(), "note", "x");
  auto post = [&](const json& m) { return w.as(w.bob, {"POST", "/api/messages", {}, m.dump()}); };
  auto changed = [&](const char* member, json value) {
    auto m = good;
    m.set(member, std::move(value));
    return post(m);
  };
  check_problem(changed("text", "y"), 401, "message_signature_wrong");
  check_problem(changed("kind", "tell"), 401, "message_signature_wrong");
  check_problem(changed("created", w.clock.wall() + 1), 401, "message_signature_wrong");
  check_problem(changed("created", w.clock.wall() + 3600 * 1000), 400, "created_ahead");
  check_problem(changed("wants_answer", true), 401, "message_signature_wrong");
  check_problem(changed("signature", nullptr), 401, "message_signature_wrong");
  check_problem(changed("signature", "AAAA"), 400, "bad_message");
  check_problem(changed("id", nullptr), 400, "bad_message");
  check_problem(changed("to", w.eve.did().text()), 401, "message_signature_wrong");
  check_problem(changed("from", w.eve.did().text()), 403, "not_yours");
  check_problem(changed("from", w.agent.did().text()), 403, "not_yours");
  check_problem(changed("misspelt", 1), 400, "bad_message");
  check_problem(changed("json", 1), 400, "bad_message");
  check_problem(changed("to", "nobody"), 404, "unknown_agent");
  check_problem(changed("to", "did:"), 400, "bad_did");
  check_problem(changed("qos", 3), 400, "bad_message");
  check_problem(changed("qos", "1"), 400, "bad_message");
  CHECK(w.noted() == "");
  CHECK(post(good).status == 202);

  auto body = [&](std::string text) {
    return w.as(w.bob, {"POST", "/api/messages", {}, std::move(text)});
  };
  check_problem(body("{\"to\":1,\"to\":2}"), 400, "bad_json");
  check_problem(body(std::string(100, '[') + std::string(100, ']')), 400, "bad_json");
  check_problem(body("{\"to\":\"\xff\"}"), 400, "bad_json");
  check_problem(body("[]"), 400, "bad_message");
  check_problem(body("{"), 400, "bad_json");
  // A stranger without a mailbox sends nothing.
  check_problem(w.as(w.eve, {"POST",
                             "/api/messages",
                             {},
                             w.message_of(w.eve, w.agent.did().text(), "note", "x").dump()}),
                404, "unknown_mailbox");
  w.disk_low = true;
  check_problem(post(w.message_of(w.bob, w.agent.did().text(), "note", "z")), 429, "disk_reserve");
}

TEST_CASE("every refusal is counted by its code, whoever refuses", "[edge][unit]") {
  world w;
  REQUIRE(w.register_mailbox(w.bob) == 201);
  auto refusals = [&](const std::string& why) {
    return w.counted("kith_edge_refused_total", {{"why", why}});
  };
  auto m = w.message_of(w.bob, w.agent.did().text(), "note", "x");
  m.set("text", "y");
  w.as(w.bob, {"POST", "/api/messages", {}, m.dump()}); // the mailbox refuses
  w.as(w.bob, {"POST", "/api/messages", {}, "["});      // the adapter
  w.as(w.eve, {"GET", "/api/messages/" + w.bob.did().text() + "/pending"});
  w.ask({"GET", "/1.0/identifiers/did:key:z6Mk"}); // the resolver
  w.ask({"GET", "/1.0/identifiers/did:unheard:of"});
  w.ask({"GET", "/nowhere"}); // the server
  w.ask({"GET", "/%00"});
  w.ask({"DELETE", "/livez"});
  CHECK(refusals("message_signature_wrong") == 1);
  CHECK(refusals("bad_json") == 1);
  CHECK(refusals("not_yours") == 1);
  CHECK(refusals("no_such_path") == 1);
  CHECK(refusals("method_not_allowed") == 1);
  CHECK(refusals("bad_multicodec") == 1);
  CHECK(refusals("did_method") == 1);
}

TEST_CASE("a mailbox is set up by its DID alone, for this node, if the policy lets it",
          "[edge][unit]") {
  world w;
  auto put = [&](const secret_key& who, const secret_key& whose, const std::string& body) {
    return w.as(who, {"PUT", "/api/mailboxes/" + whose.did().text(), {}, body});
  };
  check_problem(put(w.eve, w.bob, w.registration(w.bob)), 403, "not_yours");
  check_problem(put(w.bob, w.bob, w.registration(w.eve)), 400, "wrong_delegation");
  auto elsewhere = json::object();
  elsewhere.set("delegation",
                to_base64(delegation::make(w.bob, w.eve.did(), 1, w.clock.wall() + 1000).encode()));
  check_problem(put(w.bob, w.bob, elsewhere.dump()), 400, "wrong_node");
  auto forged = delegation::make(w.bob, w.node.did(), 1, w.clock.wall() + 1000);
  forged.expires += 1;
  auto o = json::object();
  o.set("delegation", to_base64(forged.encode()));
  check_problem(put(w.bob, w.bob, o.dump()), 401, "bad_delegation");
  check_problem(put(w.bob, w.bob, R"({"delegation":"!"})"), 400, "bad_base64");
  check_problem(put(w.bob, w.bob, R"({})"), 400, "bad_message");

  gatekeeper closed({.mailboxes = mailbox_policy::closed}, w.random, {});
  CHECK(closed.admit_mailbox(w.bob.did()).error().code == "mailboxes_closed");
  gatekeeper listed({.mailboxes = mailbox_policy::listed, .listed = {w.bob.did()}}, w.random, {});
  CHECK(listed.admit_mailbox(w.bob.did()));
  CHECK(listed.admit_mailbox(w.eve.did()).error().code == "not_listed");
}

TEST_CASE("an agent's owner acts as it, the operator as anybody here", "[edge][unit]") {
  seeded_random random{77};
  auto owner = secret_key::generate(random);
  world w({}, owner.did());
  auto message = json::object();
  message.set("from", w.agent.did().text()), message.set("to", w.agent.did().text());
  message.set("kind", "note"), message.set("text", "from my owner");
  CHECK(w.as(owner, {"POST", "/api/messages", {}, message.dump()}).status == 202);
  CHECK(w.noted() == R"(["from my owner"])");
  check_problem(w.as(w.eve, {"POST", "/api/messages", {}, message.dump()}), 403, "not_yours");
  auto from_node = json::object();
  from_node.set("to", "ada"), from_node.set("kind", "note"), from_node.set("text", "operator");
  CHECK(w.as_operator({"POST", "/api/messages", {}, from_node.dump()}).status == 202);
  CHECK(w.noted() == R"(["from my owner","operator"])");
  check_problem(w.as_operator({"GET", "/api/messages/" + w.agent.did().text() + "/pending"}), 409,
                "not_outside");
}

TEST_CASE("who owns an agent now may act as it, and who did may not any more", "[edge][unit]") {
  seeded_random random{78};
  auto first = secret_key::generate(random), second = secret_key::generate(random);
  world w({}, first.did());
  auto record = mailbox_record(w.of, w.agent.did()).value();
  auto give_to = [&](const did& owner) {
    record.owner = owner;
    store::write_batch batch;
    batch.put(store::table::state, keys::agent(keys::of(record.agent)), records::encode(record));
    batch.require_epoch(record.agent, record.epoch);
    REQUIRE(w.journal->submit(std::move(batch), [](const auto&) {}));
    w.run();
  };
  auto status = [&](const secret_key& who, const std::string& text) {
    auto message = json::object();
    message.set("from", w.agent.did().text()), message.set("to", w.agent.did().text());
    message.set("kind", "note"), message.set("text", text);
    return w.as(who, {"POST", "/api/messages", {}, message.dump()}).status;
  };
  CHECK(status(first, "1") == 202);
  give_to(second.did());
  CHECK(status(first, "2") == 403);
  CHECK(status(second, "3") == 202);
  give_to({});
  CHECK(status(first, "4") == 403);
  CHECK(status(second, "5") == 403);
  CHECK(w.noted() == R"(["1","3"])");
}

TEST_CASE("a DID and an address may come only so often", "[edge][unit]") {
  server_options o;
  o.reads = {1, 3};
  o.writes = {1, 2};
  world w(o);
  auto bob = w.bob.did().text();
  int refused = 0;
  for (int i = 0; i < 6; ++i) {
    auto a = w.as(w.bob, {"GET", "/api/agents"});
    if (a.status != 200) {
      check_problem(a, 429, "rate_limited");
      CHECK(std::stoi(a.headers.at("retry-after")) >= 1);
      ++refused;
    }
  }
  CHECK(refused >= 2);
  int by_address = 0;
  for (int i = 0; i < 60; ++i) by_address += w.ask({"GET", "/livez"}).status == 429;
  CHECK(by_address > 10);
  CHECK(w.counted("kith_edge_refused_total", {{"why", "rate_limited"}}) ==
        std::uint64_t(refused + by_address));
  w.run(std::chrono::seconds(60));
  CHECK(w.ask({"GET", "/livez"}).status == 200);
}

TEST_CASE("metrics are for this machine and the operator; readiness says why not", "[edge][unit]") {
  world w;
  auto metrics = w.ask({"GET", "/metrics"});
  CHECK(metrics.status == 200);
  CHECK(metrics.body.find("kith_edge_requests_total{route=\"metrics\"} 1") != std::string::npos);
  CHECK(metrics.body.find("\nkith_edge_connections 1\n") != std::string::npos);
  CHECK(w.ask({"GET", "/readyz"}).status == 200);
  w.unready = "the node is joining its cluster";
  auto no = w.ask({"GET", "/readyz"});
  CHECK(no.status == 503);
  CHECK(no.body.find("joining") != std::string::npos);
  CHECK(w.ask({"GET", "/livez"}).status == 200);
}

TEST_CASE("whose delegation has ended sends nothing until it is renewed, and still reads",
          "[edge][unit]") {
  world w;
  auto bob = w.bob.did().text();
  REQUIRE(w.register_mailbox(w.bob) == 201);
  w.clock.advance(std::chrono::milliseconds(delegation::lifetime_ms + 1));
  auto post = [&] {
    return w.as(w.bob, {"POST",
                        "/api/messages",
                        {},
                        w.message_of(w.bob, w.agent.did().text(), "note", "x").dump()});
  };
  check_problem(post(), 403, "delegation_expired");
  CHECK(w.as(w.bob, {"GET", "/api/messages/" + bob + "/pending"}).status == 200);
  CHECK(w.noted() == "");
}

TEST_CASE("what the operator does is noted before it is done, and not done if it cannot be",
          "[edge][unit]") {
  world w;
  auto from_node = json::object();
  from_node.set("to", "ada"), from_node.set("kind", "note"), from_node.set("text", "operator");
  w.audits = false;
  const auto refused = w.as_operator({"POST", "/api/messages", {}, from_node.dump()});
  CHECK(refused.status >= 500);
  CHECK(refused.body.find("audit_failed") != std::string::npos);
  CHECK(w.noted() == "");
  w.audits = true;
  CHECK(w.as_operator({"POST", "/api/messages", {}, from_node.dump()}).status == 202);
  CHECK(w.noted() == R"(["operator"])");
  CHECK(w.audited ==
        std::vector<std::string>(2, "edge.sendMessage /api/messages operator's token"));
  CHECK(w.noted_before == std::vector<std::string>(2, ""));
  CHECK(w.as_operator({"GET", "/api/agents"}).status == 200); // who looks changes nothing
  REQUIRE(w.register_mailbox(w.bob) == 201);                  // nor is a signer the operator
  CHECK(w.audited.size() == 2);
}
