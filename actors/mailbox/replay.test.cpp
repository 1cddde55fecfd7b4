// A dead letter sent again: there is always either the letter or the new message, and never both.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct dead_world {
  test_world w{{.attempts_max = 1}};
  did node = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  uuid dead;
  std::vector<std::string> said; // codes; empty: accepted

  dead_world() {
    w.a.tell(node, to, "break", "x");
    w.a.settle();
    REQUIRE(w.a.dead_count() == 1);
    dead = letter().id;
  }
  records::dead_letter letter() {
    const auto from = keys::dead_begin();
    const auto found =
        w.a.backend->scan(store::table::ledger, from, keys::end_of(from), {1}).value();
    return records::decode<records::dead_letter>(found.at(0).value).value();
  }
  void replay(std::string kind = "break", uuid id = {}) {
    ingress r;
    r.id = id;
    r.to = to;
    r.kind = std::move(kind);
    r.content_type = std::string(text_type);
    r.payload = "x";
    r.replay_of = dead;
    r.accepted = [this](const ingress::outcome& o) { said.push_back(o.problem.code); };
    w.a.box(node).ingress(r);
  }
};

} // namespace

TEST_CASE("a replay says what it replays, and its dead letter goes with it", "[mailbox][unit]") {
  dead_world d;
  d.replay();
  d.w.a.settle();
  CHECK(d.said == std::vector<std::string>{""});
  REQUIRE(d.w.a.dead_count() == 1); // it broke again
  const auto again = d.letter();
  CHECK(again.id != d.dead);
  CHECK(envelope::parse(again.envelope).value().replay_of() == d.dead);
  d.dead = again.id;
  d.replay("note");
  d.w.a.settle();
  CHECK(d.w.a.dead_count() == 0);
  CHECK(d.w.a.cell(d.to, "seen") == R"(["x"])");
}

TEST_CASE("a dead letter is replayed once, however often it is asked for", "[mailbox][unit]") {
  dead_world d;
  d.replay("note");
  d.replay("note"); // in the same step
  d.w.a.turn(d.node);
  d.replay("note"); // before the first is durable
  d.w.a.settle();
  d.replay("note"); // and afterwards
  d.w.a.settle();
  std::sort(d.said.begin(), d.said.end());
  CHECK(d.said == std::vector<std::string>{"", "unknown_dead_letter", "unknown_dead_letter",
                                           "unknown_dead_letter"});
  CHECK(d.w.a.cell(d.to, "seen") == R"(["x"])");
}

TEST_CASE("after a crash there is the dead letter or its replay", "[mailbox][unit]") {
  dead_world d;
  d.replay("note");
  d.w.a.turn(d.node); // submitted, not synced
  d.w.a.crash();
  d.w.a.restart();
  d.w.a.settle();
  CHECK(d.said.empty());
  CHECK(d.w.a.dead_count() == 1);
  CHECK(d.w.a.cell(d.to, "seen") == "");
  d.replay("note");
  d.w.a.turn(d.node);
  REQUIRE(d.w.a.sync());
  d.w.a.crash();
  d.w.a.restart();
  d.w.a.settle();
  CHECK(d.said == std::vector<std::string>{""});
  CHECK(d.w.a.dead_count() == 0);
  CHECK(d.w.a.cell(d.to, "seen") == R"(["x"])");
}

TEST_CASE("a replay that is refused, or was sent before, leaves its dead letter",
          "[mailbox][unit]") {
  dead_world d;
  const auto taken = uuid_generator().next(d.w.time.wall(), d.w.random);
  ingress other{d.node, "note", std::string(text_type), "mine", taken};
  other.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
  d.w.a.box(d.to).ingress(other);
  d.w.a.settle();
  d.replay("note", taken);
  d.w.a.settle();
  CHECK(d.said == std::vector<std::string>{"id_taken"});
  CHECK(d.w.a.dead_count() == 1);
  d.replay("note");
  d.w.a.settle();
  CHECK(d.w.a.dead_count() == 0);
}
