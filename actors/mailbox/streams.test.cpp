// Streams between mailboxes: positions, duplicates, gaps, forks, credit and what waits on disk
// (semantics.md 1 to 4, 7, 8, 20 and 23).
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

// `n` notes from an agent on the first node to one on the second, durable and on the wire.
struct sending {
  explicit sending(int n, mailbox_limits limits = {}) : w(limits) {
    from = w.a.spawn("recorder");
    to = w.b.spawn("recorder");
    more(n);
  }
  void more(int n) {
    for (int i = 0; i < n; ++i) w.a.tell(from, to, "note", std::to_string(told++));
    w.a.settle();
  }
  std::string all() const {
    std::string out = "[";
    for (int i = 0; i < told; ++i) out += (i ? ",\"" : "\"") + std::to_string(i) + "\"";
    return out + "]";
  }
  test_world w;
  did from, to;
  int told = 0;
};

} // namespace

TEST_CASE("what is delivered again is applied once, acknowledged or not", "[mailbox][unit]") {
  sending s(3);
  auto all = s.w.wire;
  for (int i = 0; i < 2; ++i)
    for (auto& f : all) REQUIRE(s.w.deliver(f)); // again before the first is durable
  s.w.b.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
  for (auto& f : all) REQUIRE(s.w.deliver(f)); // again after
  s.w.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
  s.w.b.crash();
  s.w.b.restart();
  for (auto& f : all) REQUIRE(s.w.deliver(f)); // again in another life
  s.w.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
}

TEST_CASE("a duplicate is acknowledged, for its ack may have been lost", "[mailbox][unit]") {
  sending s(2);
  auto first = s.w.wire.front();
  s.w.settle();
  REQUIRE(s.w.deliver(first));
  s.w.b.settle();
  REQUIRE(s.w.positions.size() == 1);
  CHECK(s.w.positions.front().head.next == 3);
  CHECK_FALSE(s.w.positions.front().rewind);
}

TEST_CASE("a gap is not taken, and the sender is asked to go back", "[mailbox][unit]") {
  sending s(3);
  auto lost = s.w.wire[1];
  REQUIRE(s.w.deliver(s.w.wire[0]));
  REQUIRE(s.w.deliver(s.w.wire[2]));
  s.w.b.settle();
  CHECK(s.w.b.cell(s.to, "seen") == R"(["0"])");
  REQUIRE(s.w.positions.size() == 1);
  CHECK(s.w.positions.front().rewind);
  CHECK(s.w.positions.front().head.next == 2);
  s.w.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
}

TEST_CASE("another history at the last or the next position quarantines the stream, and is never "
          "acknowledged",
          "[mailbox][unit]") {
  for (bool next : {false, true}) {
    sending s(2);
    auto flights = s.w.wire;
    if (next) s.w.wire.pop_back();
    s.w.settle();
    auto f = flights[1].what.fields();
    f.payload = as_bytes("forged");
    if (next) f.previous = digest{1};
    REQUIRE(s.w.deliver({flights[1].stream, envelope::build(f)}));
    s.w.b.settle();
    INFO(next);
    REQUIRE(s.w.positions.size() == 1);
    CHECK(s.w.positions.front().quarantined);
    CHECK(s.w.b.cell(s.to, "seen").find("forged") == std::string::npos);

    // Nor does anything else of it, in this life or the next; other streams go on.
    s.w.positions.clear();
    s.w.b.crash();
    s.w.b.restart();
    auto other = s.w.a.spawn("recorder");
    s.more(1);
    s.w.a.tell(other, s.to, "note", "other");
    s.w.settle();
    auto seen = s.w.b.cell(s.to, "seen");
    CHECK(seen == (next ? R"(["0","other"])" : R"(["0","1","other"])"));
    CHECK(s.w.b.ledger(keys::received(s.w.sent[2].what.id())) == std::nullopt);
  }
}

TEST_CASE("an acknowledged prefix leaves the outbox, and what follows stays", "[mailbox][unit]") {
  sending s(10);
  CHECK(s.w.a.outbox_count() == 10);
  CHECK(s.w.a.box(s.from).report().unacked == 10);
  s.w.a.box(s.from).acknowledged({s.w.wire.front().stream, 4});
  CHECK(s.w.a.box(s.from).report().unacked == 6);
  s.w.a.box(s.from).acknowledged({s.w.wire.front().stream, 3});  // late
  s.w.a.box(s.from).acknowledged({s.w.wire.front().stream, 99}); // of what was never sent
  CHECK(s.w.a.box(s.from).report().unacked == 6);
  s.more(1); // the next commit trims
  CHECK(s.w.a.outbox_count() == 7);
  s.w.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
}

TEST_CASE("acks alone are stored once there are many of them", "[mailbox][unit]") {
  sending s(1500);
  auto stream = s.w.wire.front().stream;
  s.w.a.box(s.from).acknowledged({stream, 1023});
  s.w.a.settle();
  CHECK(s.w.a.outbox_count() == 1500);
  s.w.a.box(s.from).acknowledged({stream, 1024});
  s.w.a.settle();
  CHECK(s.w.a.outbox_count() == 1500 - 1024);
}

TEST_CASE("a restarted sender offers what it had not seen acknowledged", "[mailbox][unit]") {
  sending s(5);
  auto stream = s.w.wire.front().stream;
  s.w.a.box(s.from).acknowledged({stream, 2});
  s.w.a.stop();
  s.w.a.restart(false);
  REQUIRE(s.w.a.streams.count(stream) == 1);
  CHECK(s.w.a.streams[stream]->durable == 5);
  CHECK(s.w.a.streams[stream]->acked == 2);
  CHECK(s.w.a.outbox_count() == 3);
  CHECK(s.w.a.box(s.from).report().unacked == 3);
  s.more(1); // continues the chain
  s.w.settle();
  CHECK(s.w.b.cell(s.to, "seen") == s.all());
}

TEST_CASE("heads are signed at least every 64 envelopes, by the agent, over the chain's hash",
          "[mailbox][unit]") {
  sending s(1);
  auto stream = s.w.wire.front().stream;
  auto shared = s.w.a.streams[stream];
  CHECK(shared->head().seq == 1);
  verifier v(s.w.a.id());
  for (int i = 0; i < 200; ++i) {
    s.more(1);
    auto head = shared->head();
    CHECK(s.w.sent.size() - head.seq < 64);
    CHECK(head.last == s.w.sent[head.seq - 1].what.hash());
    REQUIRE(v.verify_head(stream, head));
  }
  CHECK(shared->head().seq == 193);
  s.w.time.advance(std::chrono::seconds(1));
  s.more(1); // and with the first commit a second later
  CHECK(shared->head().seq == 202);
  auto forged = shared->head();
  forged.last[0] ^= 1;
  CHECK_FALSE(v.verify_head(stream, forged));
}

TEST_CASE("credit: what there is room for, none when full, one for an empty stream",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.stream_count_max = 8;
  sending s(20, limits);
  s.w.b.box(s.to).asked_position({s.w.wire.front().stream, {}, 1});
  s.w.b.settle();
  REQUIRE(s.w.positions.size() == 1);
  CHECK(s.w.positions.back().rewind);
  CHECK(s.w.positions.back().credit_seq == 8);
  s.w.positions.clear();

  // An agent that does not come to its turns: it retries the first, and the rest waits.
  s.w.b.limits.attempts_max = 100;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, to, "flaky", "2", json_type);
  for (int i = 0; i < 20; ++i) w.a.tell(from, to, "note", std::to_string(i));
  w.a.settle();
  for (int i = 0; i < 8; ++i) REQUIRE(w.deliver(w.wire[std::size_t(i)]));
  w.b.settle();
  CHECK(w.positions.back().head.next == 9);
  CHECK(w.positions.back().credit_seq == 8); // full: no more
  REQUIRE(w.deliver(w.wire[8]));             // a sender that does not care: to disk
  w.b.settle();
  CHECK(w.positions.back().credit_seq == 9);
  w.positions.clear();
  w.time.advance(limits.retry_delay);
  w.b.settle();
  REQUIRE_FALSE(w.positions.empty()); // told by itself that there is room again
  CHECK(w.positions.back().credit_seq == 17);
  w.settle();
  CHECK(w.b.cell(to, "seen").find("\"19\"]") != std::string::npos);
}

TEST_CASE("a mailbox full of others' messages still takes one of an empty stream",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.count_max = 4;
  test_world w(limits);
  auto one = w.a.spawn("recorder"), two = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(one, to, "flaky", "2", json_type);
  for (int i = 0; i < 3; ++i) w.a.tell(one, to, "note", "one");
  w.a.settle();
  for (auto& f : std::exchange(w.wire, {})) REQUIRE(w.deliver(f));
  w.b.settle();
  CHECK(w.positions.back().credit_seq == 4);
  w.positions.clear();
  w.a.tell(two, to, "note", "two");
  w.a.tell(two, to, "note", "two again");
  w.a.settle();
  w.b.box(to).asked_position({w.wire.front().stream, {}, 1});
  w.b.settle();
  CHECK(w.positions.back().credit_seq == 1);
  REQUIRE(w.deliver(w.wire.front()));
  w.b.settle();
  CHECK(w.b.cell(to, "seen") == R"(["two"])");
  CHECK(w.positions.back().credit_seq == 2);
}

TEST_CASE("what a local recipient has no room for waits on disk, and comes back in order",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.stream_count_max = 8;
  limits.count_max = 12;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), other = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "flaky", "2", json_type);
  w.a.tell(from, from, "order", order(to, "note", "f", 100), json_type);
  w.a.tell(other, other, "order", order(to, "note", "o", 50), json_type);
  w.a.settle();
  CHECK(w.a.box(to).report().waiting <= limits.count_max);
  CHECK(w.a.queued_count() > 90);
  w.time.advance(limits.retry_delay);
  w.a.settle();
  auto seen = w.a.cell(to, "seen");
  std::size_t at = 0, count = 0;
  for (int i = 0; i < 100; ++i) {
    at = seen.find("\"f" + std::to_string(i) + "\"", at);
    REQUIRE(at != std::string::npos);
  }
  for (auto& c : seen) count += c == ',';
  CHECK(count + 1 == 151);
  CHECK(w.a.queued_count() == 0);
}

TEST_CASE("a message left at a full gate is found on disk, not before it is there",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.settle();
  w.a.gate = [](const did&) { return false; };
  w.a.tell(from, to, "note", "x");
  REQUIRE(w.a.turn(from));
  w.a.box(to).overflowed(); // told before the sender's commit is synced
  w.a.turn(to);
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["x"])");

  // Then a later one that finds room: a gap, which the disk fills.
  w.a.tell(from, to, "note", "y");
  w.a.turn(from);
  w.a.gate = {};
  w.a.tell(from, to, "note", "z");
  w.a.settle();
  w.a.box(to).overflowed();
  w.a.settle();
  CHECK(w.a.cell(to, "seen") == R"(["x","y","z"])");
}

TEST_CASE("what a recipient on the same node has not handled counts against the sender's quota",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.outbox_count_max = 10;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.settle();
  auto tells = [&](int count) {
    ingress r{from, "order", std::string(json_type), order(to, "note", "", count)};
    r.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
    w.b.box(w.b.spawn("recorder")).ingress(std::move(r)); // from elsewhere: takes no quota here
    for (int i = 0; i < 10; ++i) {
      w.b.settle();
      for (auto& f : std::exchange(w.wire, {})) REQUIRE(w.deliver(f));
      while (w.a.turn(from) || w.a.sync()) { // the recipient gets no turn
      }
    }
  };
  auto overloads = [&] {
    auto seen = w.a.cell(from, "seen");
    std::size_t n = 0;
    for (auto at = seen.find("over"); at != std::string::npos; at = seen.find("over", at + 1)) ++n;
    return n;
  };
  tells(6);
  CHECK(overloads() == 0);
  tells(6);
  CHECK(overloads() == 1);
  CHECK(w.a.box(from).report().unacked == 10);

  ingress outside{to, "note", std::string(text_type), "x"};
  std::string refused;
  outside.accepted = [&](const ingress::outcome& o) { refused = o.problem.code; };
  w.a.box(from).ingress(std::move(outside));
  w.a.turn(from);
  CHECK(refused == "outbox_full");

  // Counted anew from the store, by what the recipient has not consumed.
  w.a.crash();
  w.a.restart();
  CHECK(w.a.box(from).report().unacked == 10);
  tells(1);
  CHECK(overloads() == 2);

  // Its turns make room.
  w.a.settle();
  CHECK(w.a.box(from).report().unacked == 0);
  tells(10);
  CHECK(overloads() == 2);
  w.a.settle();
  w.a.crash();
  w.a.restart();
  CHECK(w.a.box(from).report().unacked == 0);
}

TEST_CASE("what a sender has on its way is bounded by bytes too", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.outbox_bytes_max = 10'000;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), here = w.a.spawn("recorder"), there = w.b.spawn("recorder");
  w.a.settle();
  for (const auto& to : {here, there}) {
    std::vector<std::string> answers;
    for (int i = 0; i < 4; ++i) {
      ingress r{to, "note", std::string(text_type), std::string(4'000, 'x')};
      r.accepted = [&](const ingress::outcome& o) { answers.push_back(o.problem.code); };
      w.a.box(from).ingress(std::move(r));
      while (w.a.turn(from) || w.a.sync()) {
      }
    }
    // The third passes the bound, and the fourth finds it passed.
    CHECK(answers == std::vector<std::string>{"", "", "", "outbox_full"});
    w.settle();
    CHECK(w.a.box(from).report().unacked == 0);
  }
}

TEST_CASE("large envelopes count by bytes, and one of any size is taken when nothing waits",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.stream_bytes_max = 10'000;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, to, "note", std::string(50'000, 'x'));
  w.a.tell(from, to, "flaky", "2", json_type);
  for (int i = 0; i < 5; ++i) w.a.tell(from, to, "note", std::string(4'000, char('a' + i)));
  w.a.settle();
  w.settle();
  CHECK(w.b.queued_count() == 6);
  CHECK(w.b.box(to).report().waiting < 4);
  w.time.advance(limits.retry_delay);
  w.settle();
  CHECK(w.b.cell(to, "seen").size() > 70'000);
  CHECK(w.b.queued_count() == 0);
}

TEST_CASE("past its quota an agent's tell is overloaded, and ingress is refused",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.outbox_count_max = 4;
  test_world w(limits);
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder"), third = w.a.spawn("recorder");
  w.a.tell(third, from, "order", order(to, "note", "n", 10), json_type);
  w.a.settle();
  CHECK(w.a.cell(from, "seen") == R"(["overloaded"])");
  CHECK(w.wire.size() == 4);
  error problem;
  ingress r{to, "note", std::string(text_type), "x"};
  r.accepted = [&](const ingress::outcome& o) { problem = o.problem; };
  w.a.box(from).ingress(r);
  w.a.settle();
  CHECK(problem.code == "outbox_full");
  w.settle();
  w.a.tell(from, to, "note", "room again");
  w.settle();
  CHECK(w.b.cell(to, "seen") == R"(["n0","n1","n2","n3","room again"])");
}

TEST_CASE("a mailbox of an older epoch commits nothing more", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.settle();
  w.a.journal->load_epoch(to, 2); // its home moved on
  w.a.tell(from, to, "note", "x");
  while (w.a.turn(from) || w.a.sync()) {
  }
  w.a.turn(to);
  REQUIRE(w.a.refused.size() == 1);
  CHECK(w.a.refused.front().code == "stale_epoch");
  CHECK(w.a.cell(to, "seen") == "");
}

TEST_CASE("more streams than the limit are refused, with a word", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.streams_max = 2;
  test_world w(limits);
  auto to = w.b.spawn("recorder");
  for (int i = 0; i < 3; ++i) w.a.tell(w.a.spawn("recorder"), to, "note", std::to_string(i));
  w.settle();
  CHECK(w.b.cell(to, "seen").size() == std::string(R"(["0","1"])").size());
  CHECK(w.b.logged.size() == 1);
}

TEST_CASE("what is read from disk before its sender's word of it comes is taken once",
          "[mailbox][unit]") {
  seeded_random random(3);
  const auto from = secret_key::generate(random).did(), to = secret_key::generate(random).did();
  const stream_id id{from, to, lane::request, 7};
  mailbox_limits limits;
  limits.stream_count_max = 3;
  inbox in(limits, keys::of(to), [](const stream_key&) { return std::make_shared<local_flow>(); });
  std::vector<envelope> sent;
  std::vector<store::entry> disk;
  stream_head head;
  for (int i = 0; i < 5; ++i) {
    envelope_fields f;
    f.id = uuid_generator().next(1000 + i, random);
    f.from = from.text();
    f.to = to.text();
    f.kind = "note";
    f.incarnation = id.incarnation;
    f.seq = head.next;
    f.previous = head.last;
    sent.push_back(envelope::build(f));
    head = {f.seq + 1, sent.back().hash()};
    disk.push_back({keys::inbox(id.key(), f.seq), slice(sent.back().raw())});
  }
  auto heard = [&](int i) { return in.local(id, verifier::local(sent[std::size_t(i)], {}), 0); };
  for (int i = 0; i < 3; ++i) heard(i);
  auto& s = *heard(3); // no room for it
  REQUIRE(s.behind());
  for (int i = 0; i < 3; ++i) in.consume(s);
  in.load(s, disk); // the last one's commit is synced already
  CHECK(s.pending.size() == 2);
  CHECK_FALSE(s.behind());
  heard(4);
  REQUIRE(s.pending.size() == 2);
  CHECK(s.pending.back().envelope->seq() == 5);
  CHECK_FALSE(s.behind());
}
