// QoS 1 (docs/adr/0014): on disk, in order and redelivered like QoS 2, but no ledger keeps its id
// unless something went wrong.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

struct qos1_world : test_world {
  explicit qos1_world(mailbox_limits limits = {}) : test_world(limits) {}

  ingress message(const did& to, std::string kind, std::string text, uuid id = {},
                  qos quality = qos::at_least_once) {
    ingress r{to, std::move(kind), std::string(text_type), std::move(text), id};
    r.quality = quality;
    r.accepted = [this](const ingress::outcome& o) {
      said.push_back(o.problem.code.empty() ? (o.duplicate ? "duplicate" : "new") : o.problem.code);
    };
    return r;
  }
  void put(const did& from, ingress r) { home(from).box(from).ingress(std::move(r)); }
  uuid new_id() { return ids.next(time.wall(), random); }
  // Of both nodes together.
  std::size_t sent_entries() {
    return a.count(table::ledger, {'s'}) + b.count(table::ledger, {'s'});
  }
  std::size_t received_entries() {
    return a.count(table::ledger, {'r'}) + b.count(table::ledger, {'r'});
  }
  did recorder_at(bool local) { return local ? a.spawn("recorder") : b.spawn("recorder"); }

  uuid_generator ids;
  std::vector<std::string> said;
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("QoS 1 and 2 share one stream in order, and only QoS 2 is in the ledgers",
          "[mailbox][unit]") {
  for (bool local : {false, true}) {
    qos1_world w;
    auto from = w.a.spawn("recorder"), to = w.recorder_at(local);
    INFO(local);
    w.a.tell(from, from, "mixed", order(to, "note", "", 7), json_type);
    w.settle(); // the order itself is QoS 2
    CHECK(w.home(to).cell(to, "seen") == R"(["0","1","2","3","4","5","6"])");
    CHECK(w.received_entries() == 1 + 3);
    CHECK(w.sent_entries() == 1 + 3);
    CHECK(w.a.queued_count() + w.b.queued_count() == 0);
    CHECK(w.a.outbox_count() == (local ? 0 : 7)); // trimmed with the sender's next commit
    w.a.tell(from, from, "mixed", order(to, "note", "x", 1), json_type);
    w.settle();
    CHECK(w.a.outbox_count() == (local ? 0 : 1));
    if (local) continue;
    REQUIRE(w.sent.size() == 8);
    for (std::size_t i = 0; i < w.sent.size(); ++i) {
      CHECK(w.sent[i].what.seq() == i + 1);
      CHECK(w.sent[i].what.qos() ==
            (i % 2 == 0 || i == 7 ? qos::at_least_once : qos::exactly_once));
      if (i > 0) CHECK(w.sent[i].what.previous() == w.sent[i - 1].what.hash());
    }
    CHECK(w.loose.empty());
  }
}

TEST_CASE("QoS 1 is on disk before it is accepted, and outlives its sender's process",
          "[mailbox][unit]") {
  for (bool local : {false, true}) {
    qos1_world w;
    auto from = w.a.spawn("recorder"), to = w.recorder_at(local);
    INFO(local);
    w.put(from, w.message(to, "note", "x"));
    REQUIRE(w.a.turn(from));
    CHECK(w.said.empty());
    CHECK(w.wire.empty()); // nothing leaves before it is synced
    REQUIRE(w.a.sync());
    CHECK(w.said == texts{"new"});
    CHECK((local ? w.a.queued_count() : w.a.outbox_count()) == 1);
    w.wire.clear(); // and the link broke
    w.a.crash();
    w.a.restart();
    if (!local) {
      // What a link does: it reads the outbox.
      REQUIRE(w.a.streams.size() == 1);
      auto s = w.a.streams.begin()->second;
      CHECK(s->durable == 1);
      auto found = w.a.backend->get(table::queue, keys::outbox(s->key, 1)).value();
      REQUIRE(found);
      REQUIRE(w.deliver({s->id, envelope::parse(*found).value()}));
    }
    w.settle();
    CHECK(w.home(to).cell(to, "seen") == R"(["x"])");
  }
}

TEST_CASE("QoS 1 that is delivered again is applied once, whatever process died in between",
          "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  for (auto* text : {"0", "1"}) w.put(from, w.message(to, "note", text));
  w.a.settle();
  REQUIRE(w.wire.size() == 2);
  auto both = w.wire;
  REQUIRE(w.deliver(both[0]));
  REQUIRE(w.b.turn(to)); // handled, not synced
  w.b.crash();
  w.b.restart(false);
  CHECK(w.b.cell(to, "seen") == "");
  for (auto& f : both) REQUIRE(w.deliver(f));
  for (auto& f : both) REQUIRE(w.deliver(f));
  w.b.settle();
  CHECK(w.b.cell(to, "seen") == R"(["0","1"])");
  w.b.crash(); // before the sender hears of it
  w.b.restart();
  for (auto& f : both) REQUIRE(w.deliver(f));
  w.b.settle();
  CHECK(w.b.cell(to, "seen") == R"(["0","1"])");
  CHECK(w.received_entries() + w.sent_entries() == 0);
}

TEST_CASE("QoS 1 waits in its stream while a turn of it is tried again", "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  auto flaky = w.message(to, "flaky", "2");
  flaky.content_type = std::string(json_type);
  w.put(from, std::move(flaky));
  w.put(from, w.message(to, "note", "after"));
  w.settle();
  CHECK(w.b.cell(to, "seen") == "");
  w.time.advance(w.b.limits.retry_delay);
  w.settle();
  CHECK(w.b.cell(to, "seen") == R"(["flaky","after"])");
}

TEST_CASE("both ledgers say what became of QoS 1 that was refused, expired or died",
          "[mailbox][unit]") {
  for (bool local : {false, true}) {
    mailbox_limits limits;
    limits.attempts_max = 1;
    qos1_world w(limits);
    auto from = w.a.spawn("recorder"), to = w.recorder_at(local);
    auto refused = w.new_id(), dead = w.new_id(), late = w.new_id(), good = w.new_id();
    w.put(from, w.message(to, "no", "x", refused));
    w.put(from, w.message(to, "break", "x", dead));
    auto brief = w.message(to, "note", "late", late);
    brief.time_to_live_ms = 1000;
    w.put(from, std::move(brief));
    w.put(from, w.message(to, "note", "good", good));
    while (w.a.turn(from) || w.a.sync()) {
    }
    for (auto& f : std::exchange(w.wire, {})) REQUIRE(w.deliver(f));
    w.time.advance(std::chrono::milliseconds(1001));
    w.settle();
    INFO(local);
    CHECK(w.home(to).cell(to, "seen") == R"(["good"])");
    auto expect = [&](const uuid& id, disposition d, std::string_view reason) {
      auto there = w.home(to).ledger(keys::received(id)), here = w.a.ledger(keys::sent(id));
      REQUIRE((there && here));
      CHECK(there->disposition == d);
      CHECK(here->disposition == d);
      CHECK(here->reason == reason);
      CHECK(there->reason == reason);
      CHECK(here->id == id);
      CHECK(here->owner == keys::of(from));
      CHECK(here->direction == records::direction::out);
      CHECK(here->stream == there->stream);
    };
    expect(refused, disposition::refused, "never x");
    expect(dead, disposition::dead, "broken x");
    expect(late, disposition::expired, "its time to live had passed");
    CHECK_FALSE(w.home(to).ledger(keys::received(good)));
    CHECK_FALSE(w.a.ledger(keys::sent(good)));
    CHECK(w.home(to).dead_count() == 1);
    // The notices are QoS 1 themselves, and leave nothing of their own.
    CHECK(w.received_entries() == 3);
    CHECK(w.sent_entries() == 3);
  }
}

TEST_CASE("a QoS 1 message that stops the process each time ends as a dead letter",
          "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  auto id = w.new_id();
  w.put(from, w.message(to, "note", "x", id));
  while (w.a.turn(from) || w.a.sync()) {
  }
  w.a.crash();
  for (std::uint32_t n = 0; n <= w.a.limits.attempts_max; ++n) {
    w.a.restart();
    auto marked = [&] { return w.a.journal->stats().submitted > w.a.journal->synced(); };
    for (int i = 0; i < 100 && !marked(); ++i)
      if (auto wake = w.a.box(to).next_wake(); !w.a.turn(to) && wake)
        w.time.advance(*wake - w.time.now());
    w.a.sync();
    w.a.turn(to); // it dies in the turn behind the mark
    w.a.crash();
  }
  w.a.restart();
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == "");
  CHECK(w.a.dead_count() == 1);
  for (const auto& key : {keys::received(id), keys::sent(id)}) {
    REQUIRE(w.a.ledger(key));
    CHECK(w.a.ledger(key)->disposition == disposition::dead);
  }
}

TEST_CASE("the same id of QoS 1 again is handled again", "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  auto id = w.new_id();
  w.put(from, w.message(to, "note", "1", id));
  w.put(from, w.message(to, "note", "2", id)); // in the same step
  REQUIRE(w.a.turn(from));
  w.put(from, w.message(to, "note", "3", id)); // before that is durable
  w.settle();
  w.a.crash();
  w.a.restart();
  w.put(from, w.message(to, "note", "4", id));
  w.settle();
  CHECK(w.said == texts(4, "new"));
  CHECK(w.b.cell(to, "seen") == R"(["1","2","3","4"])");

  // QoS 2 under that id is new once; QoS 1 under the id of QoS 2 is handled still.
  w.put(from, w.message(to, "note", "5", id, qos::exactly_once));
  w.put(from, w.message(to, "note", "5", id, qos::exactly_once));
  w.settle();
  w.put(from, w.message(to, "note", "6", id));
  w.settle();
  CHECK(w.said == texts{"new", "new", "new", "new", "new", "duplicate", "new"});
  CHECK(w.b.cell(to, "seen") == R"(["1","2","3","4","5","6"])");
}

TEST_CASE("QoS 1 under another sender's id is refused, and so is a stale one", "[mailbox][unit]") {
  qos1_world w;
  auto one = w.a.spawn("recorder"), two = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  auto id = w.new_id();
  w.put(one, w.message(to, "note", "x", id, qos::exactly_once));
  w.settle();
  w.put(two, w.message(to, "note", "y", id));
  w.put(two, w.message(to, "note", "y",
                       uuid_generator().next(w.time.wall() - 24LL * 3600 * 1000 - 1, w.random)));
  w.settle();
  CHECK(w.said == texts{"new", "id_taken", "stale_id"});
  CHECK(w.b.cell(to, "seen") == R"(["x"])");
}

TEST_CASE("an ask whose answer is waited for is not QoS 1", "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  auto r = w.message(to, "question", "x");
  r.wants_answer = true;
  r.timeout_ms = 1000;
  r.answered = [](const ingress::answer&) { FAIL("nobody asked"); };
  w.put(from, std::move(r));
  w.settle();
  CHECK(w.said == texts{"ask_quality"});
  CHECK(w.a.cell(to, "seen") == "");
}

TEST_CASE("a DID outside may ask by QoS 1, and the answer in its mail is QoS 1 too",
          "[mailbox][unit]") {
  qos1_world w;
  auto key = secret_key::generate(w.random);
  auto outside = w.a.spawn_outside(key);
  auto to = w.b.spawn("recorder");
  auto id = w.new_id();
  for (int i = 0; i < 2; ++i) {
    auto r = w.message(to, "question", "x", id);
    r.wants_answer = true;
    sign_as(key, w.time.wall(), r);
    w.put(outside, std::move(r));
  }
  w.settle();
  CHECK(w.said == texts{"new", "new"});
  CHECK(w.b.cell(to, "seen") == R"(["x","x"])");
  REQUIRE(w.a.kept.size() == 2);
  REQUIRE(w.sent.size() == 4);
  for (std::size_t i : {2u, 3u}) {
    CHECK(w.sent[i].what.correlation() == id);
    CHECK(w.sent[i].what.qos() == qos::at_least_once);
    CHECK(w.sent[i].what.seq() == i - 1);
  }
  CHECK(w.received_entries() + w.sent_entries() == 0);
}

TEST_CASE("an answer by QoS 1 for which nobody waits is in the ledger", "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  auto id = w.new_id();
  auto r = w.message(to, "question", "too late", id);
  r.correlation = w.new_id();
  w.put(from, std::move(r));
  w.settle();
  auto entry = w.b.ledger(keys::received(id));
  REQUIRE(entry);
  CHECK(entry->reason == "nobody waits for this answer");
}

TEST_CASE("a refusal from somebody to whom nothing was sent leaves no entry", "[mailbox][unit]") {
  qos1_world w;
  auto from = w.a.spawn("recorder"), known = w.b.spawn("recorder"), liar = w.b.spawn("recorder");
  w.put(from, w.message(known, "note", "x"));
  w.settle();
  auto notice = [&](const did& by, const uuid& about) {
    envelope_fields f;
    f.id = w.new_id();
    auto sender = by.text(), to = from.text();
    f.from = sender;
    f.to = to;
    f.kind = "note";
    f.lane = lane::answer;
    f.status = answer_status::refused;
    f.qos = qos::at_least_once;
    f.correlation = about;
    f.incarnation = 7;
    f.seq = 1;
    REQUIRE(w.deliver({{by, from, lane::answer, 7}, envelope::build(f)}));
    w.settle();
  };
  notice(liar, w.new_id());
  CHECK(w.sent_entries() == 0);
  notice(known, w.new_id());
  CHECK(w.sent_entries() == 1);
  auto other = w.b.spawn("recorder");
  w.put(from, w.message(other, "note", "x"));
  w.settle();
  notice(other, uuid{});
  CHECK(w.sent_entries() == 1);
}

TEST_CASE("a commit of QoS 1 is smaller by its ledger entry", "[mailbox][unit]") {
  auto size = [](qos quality, bool at_recipient) {
    qos1_world w;
    auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
    w.settle();
    w.put(from, w.message(to, "note", std::string(128, 'x'), {}, quality));
    auto step = w.a.box(from).run();
    if (!at_recipient) return step.batch.size_bytes();
    REQUIRE(w.deliver({step.remote.at(0).stream, step.remote.at(0).what}));
    return w.b.box(to).run().batch.size_bytes();
  };
  auto entry = [&] {
    records::ledger_entry e;
    e.seq = 1;
    return records::encode(e).size() + keys::sent({}).size();
  }();
  for (bool at_recipient : {false, true}) {
    auto twice = size(qos::exactly_once, at_recipient);
    auto once = size(qos::at_least_once, at_recipient);
    INFO((at_recipient ? "recipient" : "sender"));
    INFO(twice << " and " << once << " bytes");
    CHECK(twice >= once + entry);
  }
}
