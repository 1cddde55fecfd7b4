// What one turn is, what one commit holds, and what becomes of a message: semantics.md 3, 4, 10 to
// 12 and 19.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;
using store::table;

TEST_CASE("a turn that throws leaves nothing behind, is tried again, and dies after the last try",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "break", "x");
  w.a.settle();
  for (std::uint32_t tries = 1; tries < w.a.limits.attempts_max; ++tries) {
    CHECK(w.a.cell(to, "seen") == "");
    CHECK(w.a.dead_count() == 0);
    auto wake = w.a.box(to).next_wake();
    REQUIRE(wake);
    CHECK_FALSE(w.a.turn(to)); // not before its time
    w.time.advance(*wake - w.time.now());
    w.a.settle();
  }
  CHECK(w.a.cell(to, "seen") == "");
  CHECK(w.a.dead_count() == 1);
  CHECK_FALSE(w.a.box(to).next_wake());
  CHECK(w.a.queued_count() == 0); // the position advanced, and nothing that the turn told was kept
}

TEST_CASE("delays between the tries double up to the last, half of each at least",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.attempts_max = 8;
  limits.retry_delay = std::chrono::milliseconds(100);
  limits.retry_delay_max = std::chrono::milliseconds(1000);
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "break", "x");
  w.a.settle();
  duration longest = limits.retry_delay;
  for (std::uint32_t tries = 1; tries < limits.attempts_max; ++tries) {
    auto delay = *w.a.box(to).next_wake() - w.time.now();
    CHECK(delay >= longest / 2);
    CHECK(delay <= longest);
    longest = std::min(longest * 2, limits.retry_delay_max);
    w.time.advance(delay);
    w.a.settle();
  }
  CHECK(w.a.dead_count() == 1);
}

TEST_CASE("while one stream waits for its next try, its order holds and other streams go on",
          "[mailbox][unit]") {
  test_world w;
  auto one = w.a.spawn("recorder"), two = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(one, to, "flaky", "2", json_type);
  w.a.tell(one, to, "note", "after");
  w.a.settle();
  w.a.tell(two, to, "note", "other");
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["other"])");
  w.time.advance(w.a.limits.retry_delay);
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["other","flaky","after"])");
  CHECK(w.a.dead_count() == 0);
}

TEST_CASE("a retry that is due, but has to wait for a sync, is not woken by time",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.commits_in_flight_max = 1;
  limits.retry_delay = limits.retry_delay_max = std::chrono::milliseconds(100);
  test_world w(limits);
  auto from = w.a.spawn("recorder"), other = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "flaky", "2", json_type);
  w.a.settle(); // it failed once
  REQUIRE(w.a.box(to).next_wake());
  w.a.tell(other, to, "note", "x");
  while (w.a.turn(other)) {
  }
  REQUIRE(w.a.sync());
  REQUIRE(w.a.turn(to)); // the other's note, which now waits for its sync
  w.time.advance(std::chrono::seconds(10));
  CHECK_FALSE(w.a.turn(to));
  CHECK_FALSE(w.a.box(to).next_wake());
  REQUIRE(w.a.sync());
  REQUIRE(w.a.box(to).next_wake());
  CHECK(*w.a.box(to).next_wake() <= w.time.now());
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["x","flaky"])");
}

TEST_CASE("an idle agent handles what arrives in the commit that journals it", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, to, "note", "x");
  w.a.settle();
  REQUIRE(w.wire.size() == 1);
  REQUIRE(w.deliver(w.wire.front()));
  auto commits = w.b.disk->commits();
  REQUIRE(w.b.turn(to));
  CHECK(w.b.disk->commits() == commits);
  CHECK(w.positions.empty()); // nothing is acknowledged before it is durable
  w.b.settle();
  CHECK(w.b.disk->commits() == commits + 1);
  CHECK(w.b.cell(to, "seen") == R"(["x"])");
  CHECK(w.b.queued_count() == 0);
  REQUIRE(w.positions.size() == 1);
  CHECK(w.positions.front().head.next == 2);
  auto id = w.wire.front().what.id();
  CHECK(w.b.ledger(keys::received(id))->disposition == disposition::handled);
}

TEST_CASE("a same-node message is in the queue with its sender's commit", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "note", "x");
  REQUIRE(w.a.turn(from));
  CHECK(w.a.queued_count() == 0);
  REQUIRE(w.a.sync());
  CHECK(w.a.queued_count() == 1);
  w.a.crash(); // the recipient has not run
  w.a.restart(false);
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["x"])");
  CHECK(w.a.queued_count() == 0);
}

TEST_CASE("state, position and what was sent are of one commit, also when the process dies",
          "[mailbox][unit]") {
  for (std::size_t keep = 0; keep < 6; ++keep) {
    test_world w;
    auto from = w.a.spawn("recorder"), middle = w.a.spawn("recorder"), to = w.a.spawn("recorder");
    w.a.settle();
    w.a.disk->set_sync(false);
    w.a.tell(from, middle, "order", order(to, "note", "n", 2), json_type);
    w.a.tell(from, to, "note", "direct");
    while (w.a.turn(from) || w.a.sync()) {
    }
    while (w.a.turn(middle) || w.a.sync()) {
    }
    w.a.crash(keep);
    w.a.disk->set_sync(true);
    w.a.restart(false);
    w.a.settle();
    auto seen = w.a.cell(to, "seen");
    INFO(keep);
    // Nothing, the first commit, or both: never half of one.
    bool whole = seen.empty() || seen == R"(["direct","n0","n1"])" ||
                 seen == R"(["n0","n1","direct"])" || seen == R"(["n0","direct","n1"])";
    CHECK(whole);
    CHECK((keep == 0) == seen.empty());
  }
}

TEST_CASE("a refused message is consumed at once, and its asker is told why", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "no", "x"), json_type);
  w.settle();
  CHECK(w.b.cell(to, "seen") == "");
  CHECK(w.a.cell(from, "seen") == R"(["refused:never x:ctx"])");
  auto id = w.sent.front().what.id();
  CHECK(w.b.ledger(keys::received(id))->disposition == disposition::refused);
  CHECK(w.a.ledger(keys::sent(id))->disposition == disposition::refused);
  CHECK(w.a.ledger(keys::sent(id))->reason == "never x");
}

TEST_CASE("a notice about something told reaches the sender's ledger, from the same node too",
          "[mailbox][unit]") {
  for (bool local : {false, true}) {
    test_world w;
    auto from = w.a.spawn("recorder"), to = local ? w.a.spawn("recorder") : w.b.spawn("recorder");
    auto id = uuid_generator().next(w.time.wall(), w.random);
    ingress r{to, "no", std::string(text_type), "x", id};
    r.accepted = [](const ingress::outcome&) {};
    w.a.box(from).ingress(r);
    // All of it in memory first: the notice comes back before the sender's own commit is durable.
    while (w.a.turn()) {
    }
    w.settle();
    INFO(local);
    REQUIRE(w.a.ledger(keys::sent(id)));
    CHECK(w.a.ledger(keys::sent(id))->disposition == disposition::refused);
    CHECK(w.a.ledger(keys::sent(id))->reason == "never x");
  }
}

TEST_CASE("notices do not wait for a commit each", "[mailbox][unit]") {
  test_world w;
  const auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  auto& box = w.a.box(from);
  for (int i = 0; i < 20; ++i) w.a.tell(from, to, "no", "x");
  while (w.a.turn()) { // nothing is synced
  }
  CHECK(box.report().waiting == 20);
  w.a.tell(from, to, "note", "y");
  while (w.a.turn()) {
  }
  for (std::uint64_t step = 1; step <= 4; ++step) { // one by one, while each run adds another
    box.durable(step);
    (void)box.run();
  }
  CHECK(box.report().waiting == 0);
}

TEST_CASE("what its sender let expire is not handled, and the sender's ledger says so",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "brief", order(to, "note", "late"), json_type);
  w.a.settle();
  REQUIRE(w.wire.size() == 1);
  REQUIRE(w.deliver(w.wire.front()));
  w.time.advance(std::chrono::milliseconds(1001));
  w.wire.clear();
  w.settle();
  CHECK(w.b.cell(to, "seen") == "");
  auto id = w.sent.front().what.id();
  CHECK(w.b.ledger(keys::received(id))->disposition == disposition::expired);
  CHECK(w.a.ledger(keys::sent(id))->disposition == disposition::expired);
  CHECK(w.b.dead_count() == 0);
}

TEST_CASE("an ask is answered, with its context", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), near = w.a.spawn("recorder"), far = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(near, "question", "1"), json_type);
  w.a.tell(from, from, "ask", order(far, "question", "2"), json_type);
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["ok:re:1:ctx","ok:re:2:ctx"])");
  CHECK(w.a.count(table::state, {'k'}) == 0);
  CHECK_FALSE(w.a.box(from).next_wake());
}

TEST_CASE("the asker of a message that dies is told", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.attempts_max = 1;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "break", "x"), json_type);
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["dead:broken x:ctx"])");
  CHECK(w.b.dead_count() == 1);
}

TEST_CASE("an ask survives a restart, and its deadline too", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "question", "1"), json_type);
  w.a.tell(from, from, "ask", order(to, "question", "2"), json_type);
  w.a.settle();
  REQUIRE(w.wire.size() == 2);
  CHECK(w.a.count(table::state, {'k'}) == 2);
  w.a.crash();
  w.time.advance(std::chrono::seconds(1));
  w.a.restart();
  auto second = w.wire.back();
  w.wire.pop_back();
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["ok:re:1:ctx"])");
  REQUIRE(w.a.box(from).next_wake());
  CHECK(*w.a.box(from).next_wake() - w.time.now() == std::chrono::seconds(4));
  w.time.advance(std::chrono::seconds(4));
  w.a.settle();
  CHECK(w.a.cell(from, "seen") == R"(["ok:re:1:ctx","timeout:no answer by the deadline:ctx"])");
  CHECK(w.a.count(table::state, {'k'}) == 0);

  // The second was still under way: it expired with its asker's deadline, or its answer goes to the
  // ledger alone.
  w.wire.push_back(second);
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["ok:re:1:ctx","timeout:no answer by the deadline:ctx"])");
  CHECK(w.b.ledger(keys::received(second.what.id())));
}

TEST_CASE("an answer that came in time is handled, though the node was down at the deadline",
          "[mailbox][unit]") {
  for (bool unclean : {false, true}) {
    test_world w;
    auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
    w.a.tell(from, from, "ask", order(to, "question", "1"), json_type);
    while (w.a.turn(from) || w.a.sync()) {
    }
    while (w.a.turn(to) || w.a.sync()) {
    }
    w.a.crash(); // the answer is in the queue
    w.time.advance(std::chrono::minutes(1));
    w.a.restart(unclean);
    w.a.settle();
    INFO(unclean);
    CHECK(w.a.cell(from, "seen") == R"(["ok:re:1:ctx"])");
  }
}

TEST_CASE("an answer that comes too late goes to the ledger alone", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "question", "1"), json_type);
  w.a.settle();
  REQUIRE(w.deliver(w.wire.front()));
  w.wire.clear();
  w.b.settle();
  REQUIRE(w.wire.size() == 1); // the answer
  w.time.advance(std::chrono::seconds(5));
  w.a.settle();
  auto id = w.wire.front().what.id();
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["timeout:no answer by the deadline:ctx"])");
  REQUIRE(w.a.ledger(keys::received(id)));
  CHECK(w.a.ledger(keys::received(id))->reason == "nobody waits for this answer");
}

TEST_CASE("an answer's turn that the node cannot keep changes nothing", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.attempts_max = 1;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "question", "spawn"),
           json_type); // its handler spawns what the node refuses
  w.settle();
  w.a.tell(from, from, "note", "next");
  w.settle();
  CHECK(w.a.cell(from, "seen") == R"(["next"])");
  CHECK(w.a.dead_count() == 1);
}

TEST_CASE("a spawned agent lives once its parent's commit is durable", "[mailbox][unit]") {
  test_world w;
  auto parent = w.a.spawn("recorder");
  w.a.tell(parent, parent, "spawn", "child");
  w.a.turn(parent), w.a.turn(parent);
  auto before = w.a.streams.size();
  CHECK(w.a.journal->stats().submitted > 0);
  w.a.settle();
  CHECK(w.a.streams.size() == before);
  CHECK(w.a.cell(parent, "seen") == R"(["child"])");
}

TEST_CASE("a stop drains: what was handled is stored, and the rest waits", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  for (int i = 0; i < 3; ++i) w.a.tell(from, to, "note", std::to_string(i));
  w.a.turn(from);
  w.a.turn(to);
  w.a.tell(from, to, "note", "3");
  w.a.turn(from);
  w.a.stop();
  w.a.restart(false);
  CHECK(w.a.cell(to, "seen") == R"(["0","1","2"])");
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["0","1","2","3"])");
}
