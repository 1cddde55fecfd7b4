// What the node does in an agent's mailbox: turns of kinds that begin with "kith.".
#include "actors/mailbox/test_support.hpp"

#include <algorithm>

using namespace kith;
using namespace kith::testing;

namespace {

struct owned {
  explicit owned(mailbox_limits bounds = {}) : w(bounds) {
    w.a.system = [this](const message& m) -> std::optional<result<system_turn>> {
      if (m.kind() == "kith.spawn") {
        auto key = secret_key::generate(w.random);
        born = key.did();
        return system_turn{{text_type, ""}, newborn{born, std::move(key), "recorder", "x", bob}};
      }
      if (m.kind() != "kith.own") return std::nullopt;
      if (m.text() == "bad") return fail(errc::forbidden, "", "not you");
      return system_turn{
          {text_type, ""}, {}, m.text().empty() ? did() : did::parse(m.text()).value()};
    };
  }
  void put_record() {
    records::agent_record r;
    r.agent = agent;
    r.type = "recorder";
    r.name = "ada";
    r.incarnation = 4;
    r.sealed_key = {1, 2, 3};
    store::write_batch batch;
    batch.put(store::table::state, keys::agent(keys::of(agent)), records::encode(r));
    REQUIRE(w.a.journal->submit(std::move(batch), [](const auto&) {}));
    w.a.settle();
  }
  records::agent_record record() {
    auto stored = w.a.backend->get(store::table::state, keys::agent(keys::of(agent)));
    if (!stored || !*stored) return {};
    return records::decode<records::agent_record>(**stored).value();
  }

  test_world w;
  did bob = secret_key::generate(w.random).did(), eve = secret_key::generate(w.random).did();
  did from = w.a.spawn("recorder"), agent = w.a.spawn("recorder");
  did born;
};

} // namespace

TEST_CASE("an agent's owner is changed in a commit of its own, and outlives a crash",
          "[mailbox][unit]") {
  owned o;
  o.put_record();
  o.w.a.tell(o.from, o.agent, "kith.own", o.bob.text());
  while (o.w.a.turn()) {
  }
  CHECK(o.record().owner.empty()); // nothing is synced yet
  o.w.a.settle();
  CHECK(o.record().owner == o.bob);
  CHECK(o.record().sealed_key == bytes{1, 2, 3});
  CHECK(o.w.a.box(o.agent).report().owner == o.bob);
  o.w.a.crash();
  o.w.a.restart();
  CHECK(o.w.a.box(o.agent).report().owner == o.bob);
  o.w.a.tell(o.from, o.agent, "kith.own", o.eve.text());
  o.w.a.tell(o.from, o.agent, "kith.own", "");
  o.w.a.settle();
  CHECK(o.record().owner.empty());
  CHECK(o.record().name == "ada");
  CHECK(o.w.a.box(o.agent).report().owner.empty());
}

TEST_CASE("an owner is not changed where the node refuses it, or with an old epoch",
          "[mailbox][unit]") {
  owned o;
  o.put_record();
  o.w.a.tell(o.from, o.agent, "kith.own", "bad");
  o.w.a.settle();
  CHECK(o.record().owner.empty());
  CHECK(o.w.a.dead_count() == 0);
  store::write_batch moved; // the agent has another home by now
  moved.raise_epoch(o.agent, 2);
  REQUIRE(o.w.a.journal->submit(std::move(moved), [](const auto&) {}));
  o.w.a.tell(o.from, o.agent, "kith.own", o.bob.text());
  while (o.w.a.turn(o.from) || o.w.a.sync()) {
  }
  o.w.a.turn(o.agent);
  while (o.w.a.sync()) {
  }
  REQUIRE(o.w.a.refused.size() == 1);
  CHECK(o.record().owner.empty());
}

TEST_CASE("a system turn that fails leaves the turn before it as it was", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.attempts_max = 1;
  owned o(limits);
  o.w.a.tell(o.from, o.agent, "note", "a");
  o.w.a.tell(o.from, o.agent, "kith.own", o.bob.text()); // there is no record to change
  o.w.a.tell(o.from, o.agent, "note", "b");
  o.w.a.settle();
  CHECK(o.w.a.dead_count() == 1);
  CHECK(o.w.a.cell(o.agent, "seen") == R"(["a","b"])");
}

TEST_CASE(
    "an agent that the node spawns has the owner that was said, one that an agent spawns none",
    "[mailbox][unit]") {
  owned o;
  o.w.a.tell(o.from, o.agent, "kith.spawn", "");
  o.w.a.settle();
  REQUIRE(o.w.a.has(o.born));
  CHECK(o.w.a.box(o.born).report().owner == o.bob);
  auto before = o.w.a.agents();
  o.w.a.tell(o.from, o.born, "spawn", "child");
  o.w.a.settle();
  auto after = o.w.a.agents();
  REQUIRE(after.size() == before.size() + 1);
  for (const auto& agent : after)
    if (std::find(before.begin(), before.end(), agent) == before.end())
      CHECK(o.w.a.box(agent).report().owner.empty());
}
