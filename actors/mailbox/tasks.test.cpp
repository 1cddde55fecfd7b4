// Handlers that await something, in a mailbox: what each commit holds, what a restart brings back,
// and that a handler which is killed anywhere does what one does that is not.
#include "actors/mailbox/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

// The payments that the world outside saw, by key; cleared by each test.
std::map<std::string, int> paid;
bool no_money = false;
int broken = 0; // tries that a "breaks" handler still fails

struct job {
  std::string to;
  std::vector<int> steps;
};
KITH_DESCRIBE(job, to, steps);

struct worker : kith::agent {
  using agent::agent;
  void note(std::string text) {
    log.update([&](auto& l) { l.push_back(std::move(text)); });
  }
  kith::task<std::string> question(std::string to, int i) {
    auto a = co_await ask<std::string>(to, "question", std::to_string(i));
    co_return a.ok() ? a.value() : a.reason();
  }
  kith::task<int> pay(std::string name, int amount) {
    co_return co_await once(name, [amount](std::string_view key) {
      if (no_money) throw std::runtime_error("no money");
      ++paid[std::string(key)];
      return amount;
    });
  }
  void setup() override {
    on("job", [this](const job& j) -> kith::task<std::string> {
      int i = 0;
      for (int s : j.steps) {
        ++i;
        switch (s) {
        case 0: note("asked " + co_await question(j.to, i)); break;
        case 1: co_await sleep(10); break;
        case 2: note("paid " + std::to_string(co_await pay("pay", i))); break;
        case 3: {
          auto [q, p] = co_await kith::all(question(j.to, i), pay("both", i));
          note("both " + q + std::to_string(p));
          break;
        }
        case 4: {
          auto first = co_await kith::any(question(j.to, i), sleep(3'600'000));
          note("any " + std::to_string(first.index()));
          break;
        }
        case 5: tell(j.to, "note", "told " + std::to_string(i)); break;
        default: note("size " + std::to_string(log.get().size())); break;
        }
      }
      tell(j.to, "note", "end");
      co_return "done " + std::to_string(i);
    });
    set_up_rest();
  }
  void set_up_rest() {
    on("nap", [this]() -> kith::task<> {
      co_await sleep(1000);
      note("awake");
    });
    on("breaks", [this]() -> kith::task<int> {
      note("before");
      co_await sleep(1000);
      note("after");
      if (broken-- > 0) throw std::runtime_error("broken");
      co_return 7;
    });
    on("refuses", [this]() -> kith::task<int> {
      note("before");
      co_await sleep(1000);
      note("after");
      refuse("no");
    });
    on("strict", [this](const job& j) -> kith::task<int> {
      const auto a = co_await ask<int>(j.to, "no", "x");
      co_return a.value();
    });
    on("slow", [this](const job& j) -> kith::task<std::string> {
      const auto a = co_await ask<std::string>(j.to, "nap_then", "x", 500);
      note(std::string(to_string(a.status())));
      co_return "slow";
    });
    on("nap_then", [this]() -> kith::task<std::string> {
      co_await sleep(1000);
      co_return "late";
    });
    on("pay", [this](int amount) -> kith::task<int> { co_return co_await pay("pay", amount); });
    on("buy", [this](const std::string& what) -> kith::task<std::string> {
      co_return what + std::to_string(co_await pay("pay", 5));
    });
    on("doubt", [this]() -> kith::task<std::string> {
      std::string how = "paid";
      try {
        co_await once(
            "pay", [](std::string_view key) { ++paid[std::string(key)]; }, kith::if_in_doubt::tell);
      } catch (const kith::in_doubt&) {
        how = "in doubt";
      }
      note(how);
      co_return how;
    });
    on("late", [this](const job& j) -> kith::task<> { // dies of an answer
      co_await pay("pay", 5);
      const auto said = co_await question(j.to, 1);
      if (broken-- > 0) throw std::runtime_error("broken");
      note(said + " paid");
    });
    on("say", [this](const std::string& text) { note(text); });
    set_up_patience();
  }
  void set_up_patience() {
    on("patient", [this](const std::string& what) -> kith::task<std::string> {
      std::string why;
      try {
        co_await sleep(3'600'000);
      } catch (const kith::cancelled& c) {
        why = c.what();
      }
      co_await sleep(100); // compensates, and is not disturbed
      note(what + ": " + why);
      co_return "gave up";
    });
    on("impatient", [this](const job& j) -> kith::task<> {
      auto first = co_await kith::any(ask<std::string>(j.to, "patient", "x"), sleep(200));
      note("any " + std::to_string(first.index()));
    });
    on("asks_patient", [this](const job& j) -> kith::task<> {
      const auto a = co_await ask<std::string>(j.to, "patient", "y", 5000);
      note(std::string(to_string(a.status())));
    });
  }
  kith::durable<std::vector<std::string>> log{*this, "log"};
};
KITH_AGENT(worker);

// One message at a time.
struct careful : worker {
  using worker::worker;
  static constexpr bool exclusive = true;
};
KITH_AGENT(careful);

struct work_world : test_world {
  explicit work_world(mailbox_limits limits = {}) : test_world(limits) {
    paid.clear();
    no_money = false;
    broken = 0;
  }
  did from = a.spawn("recorder");
  did w = a.spawn("worker");

  std::string of(std::vector<int> steps) {
    return encode(job{from.text(), std::move(steps)}).payload;
  }
  void order(std::string kind, std::string payload = "", std::string_view type = text_type) {
    a.tell(from, w, std::move(kind), std::move(payload), type);
  }
  // Asked by the recorder, which notes the answer.
  void ask(std::string kind, std::string text = "") {
    a.tell(from, from, "ask", testing::order(w, kind, text), json_type);
  }
  void pass(std::int64_t ms) {
    time.advance(std::chrono::milliseconds(ms));
    a.settle();
  }
  std::string log() { return a.cell(w, "log"); }
  std::string seen() { return a.cell(from, "seen"); }
  std::size_t handler_count() { return a.count(table::state, {'e'}); }
  std::size_t segment_count() { return a.count(table::state, {'j'}); }
};

} // namespace

TEST_CASE("a handler that awaits is on record with its first segment, and gone with its last",
          "[mailbox][unit]") {
  work_world w;
  w.ask("nap_then");
  w.a.settle();
  CHECK(w.handler_count() == 1);
  CHECK(w.segment_count() == 1);
  CHECK(w.a.queued_count() == 0); // the message is consumed,
  CHECK(w.seen() == "");          // and not answered yet
  w.order("say", "between");
  w.a.settle();
  CHECK(w.log() == R"(["between"])");
  w.pass(999);
  CHECK(w.handler_count() == 1);
  w.pass(1);
  CHECK(w.seen() == R"(["ok:late:ctx"])");
  CHECK(w.handler_count() == 0);
  CHECK(w.segment_count() == 0);
}

TEST_CASE("the disposition of a handler's message commits with its last segment",
          "[mailbox][unit]") {
  work_world w;
  w.order("nap");
  w.a.settle();
  auto received = w.a.count(table::ledger, {'r'});
  w.pass(1000);
  CHECK(w.log() == R"(["awake"])");
  CHECK(w.a.count(table::ledger, {'r'}) == received + 1);
}

TEST_CASE("a sleep goes on after a restart, and ends when it would have", "[mailbox][unit]") {
  for (bool clean : {true, false}) {
    work_world w;
    w.order("nap");
    w.a.settle();
    w.time.advance(std::chrono::milliseconds(400));
    if (clean)
      w.a.stop();
    else
      w.a.crash();
    w.a.restart(!clean);
    w.a.settle();
    CHECK(w.a.box(w.w).report().in_memory == 0);
    w.pass(599);
    CHECK(w.log() == "");
    w.pass(1);
    CHECK(w.log() == R"(["awake"])");
    CHECK(w.handler_count() == 0);
  }
}

TEST_CASE("a segment that throws is tried again from the journal, and then is a dead letter",
          "[mailbox][unit]") {
  for (int tries : {2, 100}) {
    work_world w;
    broken = tries;
    w.ask("breaks");
    w.a.settle();
    CHECK(w.log() == R"(["before"])");
    for (int i = 0; i < 10; ++i) w.pass(500);
    if (tries == 2) {
      CHECK(w.log() == R"(["before","after"])");
      CHECK(w.seen() == R"(["ok:7:ctx"])");
      CHECK(w.handler_count() == 0);
      CHECK(w.a.dead_count() == 0);
    } else {
      CHECK(broken == tries - int(w.a.limits.attempts_max));
      CHECK(w.log() == R"(["before"])");
      CHECK(w.seen() == R"(["dead:broken:ctx"])");
      CHECK(w.a.dead_count() == 1);
      CHECK(w.handler_count() == 1); // kept to be looked at
      CHECK(w.segment_count() == 1);
      w.a.crash();
      w.a.restart();
      for (int i = 0; i < 10; ++i) w.pass(500);
      CHECK(broken == tries - int(w.a.limits.attempts_max)); // and not tried any more
    }
  }
}

TEST_CASE("the dead letter of a handler, sent again, goes on with its journal: no key is new",
          "[mailbox][unit]") {
  work_world w;
  broken = 1'000;
  w.order("late", w.of({}), json_type);
  w.a.settle();
  for (int i = 0; i < 10; ++i) w.pass(500);
  REQUIRE(w.a.dead_count() == 1);
  REQUIRE(paid.size() == 1);
  broken = 0;
  auto begin = keys::dead_begin();
  auto found = w.a.backend->scan(table::ledger, begin, keys::end_of(begin), {1}).value();
  auto letter = records::decode<records::dead_letter>(found.at(0).value).value();
  auto was = envelope::parse(letter.envelope).value();
  ingress r;
  r.to = w.w;
  r.kind = std::string(was.kind());
  r.content_type = std::string(was.content_type());
  r.payload = std::string(as_text(was.payload()));
  r.replay_of = letter.id;
  r.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
  w.a.box(w.from).ingress(std::move(r));
  w.a.settle();
  w.a.crash();
  w.a.restart();
  for (int i = 0; i < 10; ++i) w.pass(500);
  CHECK(w.log() == R"(["re:1 paid"])");
  CHECK(paid.size() == 1);
  CHECK(paid.begin()->second == 1);
  CHECK(w.handler_count() == 0);
  CHECK(w.segment_count() == 0);
  CHECK(w.a.dead_count() == 0);
}

TEST_CASE("a refusal in a later segment undoes that one and tells the asker", "[mailbox][unit]") {
  work_world w;
  w.ask("refuses");
  w.a.settle();
  w.pass(1000);
  CHECK(w.log() == R"(["before"])");
  CHECK(w.seen() == R"(["refused:no:ctx"])");
  CHECK(w.handler_count() == 0);
  CHECK(w.a.dead_count() == 0);
}

TEST_CASE("an answer after its deadline goes to the ledger, not to the handler",
          "[mailbox][unit]") {
  work_world w;
  auto other = w.a.spawn("worker");
  w.order("slow", encode(job{other.text(), {}}).payload, json_type);
  w.a.settle();
  w.pass(500);
  CHECK(w.log() == R"(["timeout"])");
  w.pass(1000);
  CHECK(w.log() == R"(["timeout"])");
  CHECK(w.a.count(table::state, {'k'}) == 0);
}

TEST_CASE("a once runs when its intent is durable, and not before", "[mailbox][unit]") {
  work_world w;
  w.order("pay", "5", json_type);
  while (w.a.turn(w.from) || w.a.sync()) {
  }
  REQUIRE(w.a.turn(w.w));
  while (w.a.turn(w.w)) {
  }
  CHECK(paid.empty());
  REQUIRE(w.a.sync());
  while (w.a.turn(w.w)) {
  }
  REQUIRE(paid.size() == 1);
  w.a.crash(); // its result is not durable
  w.a.restart();
  w.a.settle();
  REQUIRE(paid.size() == 1); // the same key
  CHECK(paid.begin()->second == 2);
  CHECK(w.handler_count() == 0);
}

TEST_CASE("a once that was under way at a crash is told to the handler that wants it",
          "[mailbox][unit]") {
  work_world w;
  w.ask("doubt");
  w.a.settle();
  CHECK(w.seen() == R"(["ok:paid:ctx"])");
  w.ask("doubt");
  while (w.handler_count() == 0 && (w.a.turn(w.from) || w.a.turn(w.w) || w.a.sync())) {
  }
  w.a.crash();
  w.a.restart();
  w.a.settle();
  CHECK(w.log() == R"(["paid","in doubt"])");
  CHECK(paid.size() == 1);
}

TEST_CASE("a once whose function throws is tried again, and then is the handler's to see",
          "[mailbox][unit]") {
  for (bool forever : {false, true}) {
    work_world w;
    no_money = true;
    w.ask("buy", "x");
    w.a.settle();
    w.pass(120);
    if (!forever) no_money = false;
    for (int i = 0; i < 40; ++i) w.pass(500);
    // Uncaught, it fails each time that it is tried.
    CHECK(w.seen() == (forever ? R"(["dead:no money:ctx"])" : R"(["ok:x5:ctx"])"));
  }
}

TEST_CASE("a refused answer that the handler does not look at refuses it", "[mailbox][unit]") {
  work_world w;
  w.order("strict", w.of({}), json_type);
  w.a.settle();
  CHECK(w.handler_count() == 0);
  CHECK(w.a.dead_count() == 0);
}

TEST_CASE("suspended handlers leave memory, by their count and with time, and go on all the same",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.handlers_in_memory_max = 3;
  work_world w(limits);
  for (int i = 0; i < 10; ++i) w.order("nap");
  w.a.settle();
  w.a.settle();
  CHECK(w.a.box(w.w).report().suspended == 10);
  w.order("say", "x");
  w.a.settle();
  CHECK(w.a.box(w.w).report().in_memory <= 3);
  w.pass(1000);
  CHECK(w.a.box(w.w).report().suspended == 0);
  CHECK(w.segment_count() == 0);
}

TEST_CASE("an exclusive agent handles nothing else until its handler has ended",
          "[mailbox][unit]") {
  work_world w;
  auto one = w.a.spawn("careful");
  w.a.tell(w.from, one, "nap");
  w.a.tell(w.from, one, "say", "next");
  w.a.settle();
  CHECK(w.a.cell(one, "log") == "");
  w.pass(1000);
  CHECK(w.a.cell(one, "log") == R"(["awake","next"])");
  w.a.tell(w.from, one, "job", w.of({0, 5}), json_type); // its answers reach it
  w.a.tell(w.from, one, "say", "last");
  w.a.settle();
  CHECK(w.a.cell(one, "log") == R"(["awake","next","asked re:1","last"])");
}

TEST_CASE("who asked and waits no longer cancels the handler that was asked", "[mailbox][unit]") {
  for (bool crash : {false, true}) {
    work_world w;
    auto other = w.a.spawn("worker");
    w.order("impatient", encode(job{other.text(), {}}).payload, json_type);
    w.a.settle();
    CHECK(w.handler_count() == 2);
    if (crash) w.a.crash(), w.a.restart();
    w.pass(200);
    CHECK(w.log() == R"(["any 1"])");
    if (crash) w.a.crash(), w.a.restart();
    w.pass(100);
    CHECK(w.a.cell(other, "log") == R"(["x: cancelled by who asked"])");
    CHECK(w.handler_count() == 0);
    CHECK(w.a.count(table::state, {'k'}) == 0);
  }
}

TEST_CASE("a deadline reaches the handler that was asked, once, and over restarts",
          "[mailbox][unit]") {
  work_world w;
  auto other = w.a.spawn("worker");
  w.order("asks_patient", encode(job{other.text(), {}}).payload, json_type);
  w.a.settle();
  w.pass(5000);
  CHECK(w.log() == R"(["timeout"])");
  w.a.crash();
  w.a.restart();
  w.pass(999);
  CHECK(w.handler_count() == 1);
  w.pass(1);
  w.a.crash(); // what it awaits now is not cancelled again
  w.a.restart();
  w.a.settle();
  CHECK(w.a.cell(other, "log") == "");
  w.pass(100);
  CHECK(w.a.cell(other, "log") == R"(["y: nobody waits for its answer: the deadline passed"])");
  CHECK(w.handler_count() == 0);
}

TEST_CASE("an operator sees what waits for what, and cancels one", "[mailbox][unit]") {
  work_world w;
  w.order("patient", "z");
  w.order("nap");
  w.a.settle();
  auto& box = w.a.box(w.w);
  auto all = box.waiting({}, 10).value();
  REQUIRE(all.size() == 2);
  auto& one = all[0].kind == "patient" ? all[0] : all[1];
  CHECK(one.from == w.from);
  REQUIRE(one.awaits.size() == 1);
  CHECK(one.awaits[0].what == "sleep");
  CHECK(one.awaits[0].due == one.started + 3'600'000);
  CHECK(box.waiting(one.message, 10).value().size() == 1);
  CHECK(box.waiting({}, 1).value().size() == 1);
  std::vector<bool> done;
  auto cancel = [&](const uuid& id) {
    box.cancel({id, "told to", [&](result<bool> r) { done.push_back(r.value()); }});
    w.a.settle();
  };
  cancel(one.message);
  cancel(uuid{});
  CHECK(done == std::vector{true, false});
  w.pass(100);
  CHECK(w.log() == R"(["z: told to"])");
  CHECK(w.handler_count() == 1);
  cancel(box.waiting({}, 10).value().at(0).message); // which does not catch it
  CHECK(w.handler_count() == 0);
  CHECK(w.a.dead_count() == 0);
}

TEST_CASE("a journal past its bound is a dead letter", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.handler_segments_max = 5;
  work_world w(limits);
  w.order("job", w.of({2, 2, 2, 2}), json_type);
  w.a.settle();
  CHECK(w.handler_count() == 0);
  w.order("job", w.of({2, 2, 2, 2, 2, 2, 2}), json_type);
  w.a.settle();
  CHECK(w.a.dead_count() == 1);
}

namespace {

struct played {
  std::string log, seen;
  std::map<std::string, int> paid;
  int actions = 0;
  bool operator==(const played& o) const { return log == o.log && seen == o.seen; }
};

// Runs the steps; the process is killed after that many turns and syncs, or never.
played play(const std::vector<int>& steps, int kill_at, mailbox_limits limits = {}) {
  work_world w(limits);
  w.order("job", w.of(steps), json_type);
  REQUIRE(w.a.turn(w.from));
  REQUIRE(w.a.sync()); // it is accepted
  played p;
  auto killed = [&] {
    if (p.actions++ != kill_at) return false;
    w.a.crash();
    w.a.restart();
    return true;
  };
  for (int rounds = 0; rounds < 2000; ++rounds) {
    bool any = false;
    for (const auto& who : {w.from, w.w}) {
      if (w.a.turn(who)) any = true, killed();
    }
    if (w.a.sync()) any = true, killed();
    if (any) continue;
    if (w.handler_count() == 0 && w.a.queued_count() == 0) break;
    time_point next = time_point::max();
    for (const auto& who : {w.from, w.w})
      if (auto wake = w.a.box(who).next_wake()) next = std::min(next, *wake);
    REQUIRE(next != time_point::max());
    if (next > w.time.now()) w.time.advance(next - w.time.now());
  }
  CHECK(w.segment_count() == 0);
  CHECK(w.a.dead_count() == 0);
  p.log = w.log();
  p.seen = w.seen();
  p.paid = paid;
  return p;
}

} // namespace

TEST_CASE("a handler that is killed anywhere does what one does that is not",
          "[mailbox][property]") {
  seeded_random random(2026);
  for (int round = 0; round < 12; ++round) {
    std::vector<int> steps;
    for (int i = 0; i < 6; ++i) steps.push_back(int(random.below(7)));
    INFO("steps " << encode(steps).payload);
    const auto whole = play(steps, -1);
    REQUIRE(whole.seen.find("end") != std::string::npos);
    for (int kill_at = 0; kill_at < whole.actions; ++kill_at) {
      INFO("killed at " << kill_at);
      const auto again = play(steps, kill_at);
      CHECK(again.log == whole.log);
      CHECK(again.seen == whole.seen);
      int extra = 0;
      CHECK(again.paid.size() == whole.paid.size());
      for (const auto& [key, times] : again.paid) extra += times - 1;
      CHECK(extra <= 1); // the one that was under way
    }
    // The same without anything kept in memory between the segments.
    mailbox_limits none;
    none.handlers_in_memory_max = 0;
    CHECK(play(steps, -1, none) == whole);
  }
}
