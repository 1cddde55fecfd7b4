// After an unclean stop (semantics.md 4): marks before what was pending, the journal before what is
// new. And what enters from outside, and QoS 0.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

// Two local senders' messages on disk, and a recipient that never ran.
struct pending {
  explicit pending(int n, int senders = 1) {
    to = w.a.spawn("recorder");
    for (int s = 0; s < senders; ++s) from.push_back(w.a.spawn("recorder"));
    for (auto& f : from)
      for (int i = 0; i < n; ++i) w.a.tell(f, to, "note", std::to_string(i));
    for (auto& f : from)
      while (w.a.turn(f) || w.a.sync()) {
      }
    w.a.crash();
  }
  // Runs `to` until its marks are synced and stops the process before anything of the turn behind
  // them is.
  void die_while_handling() {
    w.a.restart();
    for (int i = 0; i < 100; ++i) {
      if (w.a.turn(to)) {
        if (marked()) break;
        w.a.sync();
      } else if (auto wake = w.a.box(to).next_wake()) {
        w.time.advance(*wake - w.time.now());
      }
    }
    w.a.sync();
    w.a.turn(to);
    w.a.crash();
  }
  // A mark was submitted in this life.
  bool marked() { return w.a.journal->stats().submitted > w.a.journal->synced(); }
  std::vector<records::attempt_mark> marks() {
    auto backend = store::memory_backend::open(w.a.disk).value();
    std::vector<records::attempt_mark> out;
    auto found = backend->scan(table::state, bytes{'m'}, bytes{'n'}, {}).value();
    for (auto& e : found) out.push_back(records::decode<records::attempt_mark>(e.value).value());
    return out;
  }
  test_world w;
  did to;
  std::vector<did> from;
};

} // namespace

TEST_CASE("what was pending at a clean stop runs without a mark", "[mailbox][unit]") {
  pending p(3);
  p.w.a.restart(false);
  REQUIRE(p.w.a.turn(p.to));
  p.w.a.settle();
  CHECK(p.w.a.cell(p.to, "seen") == R"(["0","1","2"])");
  CHECK(p.marks().empty());
}

TEST_CASE("what was pending at an unclean stop runs only behind a synced mark, one for many",
          "[mailbox][unit]") {
  pending p(100);
  p.w.a.restart();
  REQUIRE(p.w.a.turn(p.to));
  CHECK_FALSE(p.w.a.turn(p.to)); // waits for the mark
  REQUIRE(p.w.a.sync());
  CHECK(p.w.a.cell(p.to, "seen") == "");
  auto stored = p.w.a.count(table::state, {'m'});
  CHECK(stored == 1);
  REQUIRE(p.w.a.turn(p.to));
  p.w.a.settle();
  CHECK(p.w.a.cell(p.to, "seen").find("\"99\"]") != std::string::npos);
  CHECK(p.w.a.count(table::state, {'m'}) == 0); // all that was recovered is consumed
}

TEST_CASE("a message that stops the process each time dies after its attempts, and the others live",
          "[mailbox][unit]") {
  pending p(3);
  p.die_while_handling();
  REQUIRE(p.marks().size() == 1);
  CHECK(p.marks()[0] == records::attempt_mark{1, 1, 3});
  for (std::uint32_t n = 1; n <= p.w.a.limits.attempts_max; ++n) {
    p.die_while_handling();
    REQUIRE(p.marks().size() == 1);
    CHECK(p.marks()[0] == records::attempt_mark{n, 1, 1});
  }
  p.w.a.restart();
  p.w.a.settle();
  CHECK(p.w.a.cell(p.to, "seen") == R"(["1","2"])");
  CHECK(p.w.a.dead_count() == 1);
  const observe::labels killed{{"type", "recorder"}, {"reason", "killed"}};
  CHECK(p.w.a.metrics.count("kith_dead_letters_total", killed).value() == 1);
}

TEST_CASE("the asker is told of a message that stopped the process each time", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, from, "ask", order(to, "question", "x"), json_type);
  while (w.a.turn(from) || w.a.sync()) {
  }
  w.a.crash();
  for (int life = 0; life < 20 && w.a.backend; ++life) {
    w.a.restart();
    while (w.a.turn(to) || w.a.sync()) {
      if (w.a.count(table::state, {'m'}) == 0) continue;
      if (w.a.turn(to)) break; // it is being handled
    }
    if (auto wake = w.a.box(to).next_wake()) {
      w.time.advance(*wake - w.time.now());
      w.a.turn(to), w.a.sync(), w.a.turn(to);
    }
    if (w.a.dead_count() == 1) break;
    w.a.crash();
  }
  w.a.settle();
  CHECK(w.a.dead_count() == 1);
  CHECK(w.a.cell(to, "seen") == "");
  auto seen = w.a.cell(from, "seen");
  CHECK((seen.find("dead:the process stopped") != std::string::npos ||
         seen.find("timeout") != std::string::npos));
}

TEST_CASE("suspect streams do not stand marked together after the first time", "[mailbox][unit]") {
  pending p(1, 8);
  p.die_while_handling(); // together
  CHECK(p.marks().size() == 8);
  for (std::uint32_t n = 1; n < 4; ++n) { // then each after a while of its own
    p.die_while_handling();
    std::uint32_t charged = 0;
    for (auto& m : p.marks()) charged += m.count - 1;
    CHECK(charged == n);
  }
}

TEST_CASE("new arrivals after an unclean stop are journaled before they run", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.b.settle();
  w.b.crash();
  w.b.restart();
  w.a.tell(from, to, "note", "x");
  w.a.settle();
  REQUIRE(w.deliver(w.wire.front()));
  REQUIRE(w.b.turn(to));
  CHECK_FALSE(w.b.turn(to));
  REQUIRE(w.b.sync());
  CHECK(w.b.cell(to, "seen") == "");
  CHECK(w.b.queued_count() == 1);
  REQUIRE(w.b.turn(to));
  w.b.settle();
  CHECK(w.b.cell(to, "seen") == R"(["x"])");
  CHECK(w.b.queued_count() == 0);
}

TEST_CASE("a queue keeps no entries of what was consumed before a restart", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "note", "0");
  w.a.tell(from, to, "flaky", "3", json_type);
  w.a.settle();
  CHECK(w.a.queued_count() ==
        2); // the first is consumed and not trimmed, since the stream is not at rest
  w.a.stop();
  w.a.restart(false);
  for (int i = 0; i < 3; ++i) {
    w.time.advance(w.a.limits.retry_delay_max);
    w.a.settle();
  }
  CHECK(w.a.cell(to, "seen") == R"(["0","flaky"])");
  CHECK(w.a.queued_count() == 0);
}

TEST_CASE("a record that lies under another key than its own is corrupt", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder"), far = w.b.spawn("recorder");
  w.a.tell(from, from, "ask", order(far, "question", "q"), json_type);
  w.a.tell(to, from, "note", "x");
  w.a.settle();
  const auto self = keys::of(from);
  const std::pair<std::string, bytes> kinds[] = {{"ask", keys::ask(self, {})},
                                                 {"outgoing stream", keys::out_stream(self, {})},
                                                 {"incoming stream", keys::in_stream(self, {})},
                                                 {"local stream", keys::local_stream(self, {})}};
  auto position = w.a.backend->recovered();
  for (const auto& [kind, example] : kinds) {
    CAPTURE(kind);
    REQUIRE(w.a.activate(from, true));
    const auto begin = keys::prefix(example, keys::agent_prefix_size);
    const auto found = w.a.backend->scan(table::state, begin, keys::end_of(begin), {1}).value();
    REQUIRE(found.size() == 1);
    auto key = found[0].key;
    key.back() ^= 1;
    store::write_batch twice, once;
    twice.put(table::state, key, found[0].value);
    once.erase(table::state, key);
    REQUIRE(w.a.backend->commit({&twice, 1}, ++position));
    const auto opened = w.a.activate(from, true);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().category == errc::corrupt);
    CHECK(opened.error().code == "misplaced_record");
    REQUIRE(w.a.backend->commit({&once, 1}, ++position));
  }
}

TEST_CASE("the same id from outside is the same message, durable or not", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  auto id = uuid_generator().next(w.time.wall(), w.random);
  std::vector<bool> again;
  auto put = [&] {
    ingress r{to, "note", std::string(text_type), "x", id};
    r.accepted = [&](const ingress::outcome& o) {
      CHECK(o.problem.code == "");
      CHECK(o.id == id);
      again.push_back(o.duplicate);
    };
    w.a.box(from).ingress(r);
  };
  put();
  REQUIRE(w.a.turn(from));
  put(); // the first is not durable yet
  w.a.turn(from);
  CHECK(again.empty()); // nobody is told before it is
  w.a.settle();
  put();
  w.a.settle();
  w.a.crash();
  w.a.restart();
  put();
  w.a.settle();
  CHECK(again == std::vector<bool>{false, true, true, true});
  CHECK(w.a.cell(to, "seen") == R"(["x"])");
}

TEST_CASE("an id from outside that is too old is refused", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder");
  auto id = uuid_generator().next(w.time.wall() - 24LL * 3600 * 1000 - 1, w.random);
  error problem;
  ingress r{from, "note", std::string(text_type), "x", id};
  r.accepted = [&](const ingress::outcome& o) { problem = o.problem; };
  w.a.box(from).ingress(r);
  w.a.settle();
  CHECK(problem.code == "stale_id");
  CHECK(w.a.cell(from, "seen") == "");
}

TEST_CASE("QoS 0 stands outside of the chain, and leaves with the commit it depends on",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), near = w.a.spawn("recorder"), far = w.b.spawn("recorder");
  w.a.tell(from, from, "whisper", order(far, "note", "psst"), json_type);
  while (w.a.turn(from)) {
  }
  CHECK(w.loose.empty()); // its turn is not durable
  w.a.settle();
  REQUIRE(w.loose.size() == 1);
  CHECK(w.loose.front().what.seq() == 0);
  CHECK(w.wire.empty());
  CHECK(w.a.outbox_count() == 0);
  w.a.tell(from, from, "whisper", order(near, "note", "near"), json_type);
  w.a.settle();
  CHECK(w.a.cell(near, "seen") == R"(["near"])");
  CHECK(w.a.box(near).take_unchained_taken().count == 1);
}

TEST_CASE("a turn waits while as many commits as may be are under way", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.commits_in_flight_max = 3;
  test_world w(limits);
  auto from = w.a.spawn("recorder");
  w.a.settle();
  for (int i = 0; i < 3; ++i) {
    w.a.tell(from, from, "note", std::to_string(i));
    REQUIRE(w.a.turn(from));
  }
  w.a.tell(from, from, "note", "3");
  CHECK_FALSE(w.a.turn(from));
  w.a.settle();
  CHECK(w.a.cell(from, "seen") == R"(["0","1","2","3"])");
  CHECK(w.a.box(from).idle());
}
