#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct outside {
  explicit outside(mailbox_limits limits = {}) : w(limits) {
    me = w.a.spawn_outside(key);
    here = w.a.spawn("recorder");
    there = w.b.spawn("recorder");
    w.settle();
  }
  // Kind and payload of what waits, by position.
  std::vector<std::string> waiting() {
    std::vector<std::string> all;
    auto from = keys::pending(keys::of(me), 1);
    auto found =
        w.a.backend
            ->scan(store::table::queue, from,
                   keys::end_of(keys::prefix(from, keys::queue_prefix_size)), {1'000'000, 1 << 30})
            .value();
    for (const auto& e : found) {
      auto parsed = envelope::parse(e.value).value();
      all.push_back(std::to_string(keys::queue_seq(e.key)) + ":" + std::string(parsed.kind()) +
                    ":" + std::string(as_text(parsed.payload())));
    }
    return all;
  }
  // As its owner does.
  void sign(ingress& r) {
    r.id = ids.next(w.time.wall(), w.random);
    sign_as(key, w.time.wall(), r);
  }
  // Code of the refusal; empty: accepted.
  std::string send(const did& from, ingress r) {
    std::string code = "nothing";
    r.accepted = [&](const ingress::outcome& out) { code = out.problem.code; };
    w.a.box(from).ingress(r);
    w.settle();
    return code;
  }
  std::string ack(sequence upto) {
    std::string said = "nothing";
    w.a.box(me).taken_by_owner(
        {upto, [&](const result<void>& r) { said = r ? "done" : r.error().code; }});
    w.settle();
    return said;
  }

  test_world w;
  uuid_generator ids;
  secret_key key = secret_key::generate(w.random);
  did me, here, there;
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("what comes for a DID outside waits in one order until its owner has taken it",
          "[mailbox][unit]") {
  outside o;
  o.w.a.tell(o.here, o.me, "note", "a");
  o.w.settle();
  o.w.b.tell(o.there, o.me, "note", "b");
  o.w.settle();
  o.w.a.tell(o.here, o.me, "note", "c");
  o.w.settle();
  CHECK(o.waiting() == strings{"1:note:a", "2:note:b", "3:note:c"});
  CHECK(o.w.a.kept == std::vector<std::pair<did, sequence>>{{o.me, 1}, {o.me, 2}, {o.me, 3}});
  CHECK(o.w.a.box(o.me).report().waiting == 3);

  CHECK(o.ack(2) == "done");
  CHECK(o.waiting() == strings{"3:note:c"});
  CHECK(o.ack(1) == "done"); // late: changes nothing
  CHECK(o.ack(4) == "ack_ahead");

  // Positions go on behind a crash, and nothing is kept twice.
  o.w.a.tell(o.here, o.me, "note", "d");
  o.w.settle();
  o.w.a.crash();
  o.w.a.restart();
  o.w.a.tell(o.here, o.me, "note", "e");
  o.w.settle();
  CHECK(o.waiting() == strings{"3:note:c", "4:note:d", "5:note:e"});
  CHECK(o.ack(5) == "done");
  CHECK(o.w.a.queued_count() == 0);
}

TEST_CASE("nobody hears of a message for a DID outside, or of an ack, before it is synced",
          "[mailbox][unit]") {
  outside o;
  o.w.a.tell(o.here, o.me, "note", "a");
  while (o.w.a.turn()) {
  }
  CHECK(o.w.a.kept.empty());
  o.w.a.sync();
  CHECK(o.w.a.kept.size() == 1);
  bool done = false;
  o.w.a.box(o.me).taken_by_owner({1, [&](const result<void>&) { done = true; }});
  while (o.w.a.turn()) {
  }
  CHECK_FALSE(done);
  o.w.a.sync();
  CHECK(done);
}

TEST_CASE("a full mailbox of a DID outside holds its senders back, and loses nothing",
          "[mailbox][unit]") {
  mailbox_limits limits;
  limits.pending_count_max = 3;
  outside o(limits);
  strings all;
  for (int i = 0; i < 10; ++i) {
    o.w.b.tell(o.there, o.me, "note", std::to_string(i));
    all.push_back(std::to_string(i + 1) + ":note:" + std::to_string(i));
  }
  o.w.settle();
  CHECK(o.waiting() == strings(all.begin(), all.begin() + 3));
  for (sequence upto = 3; upto < 10; upto += 3) {
    CHECK(o.ack(upto) == "done");
    auto last = std::min<std::size_t>(10, upto + 3);
    CHECK(o.waiting() ==
          strings(all.begin() + std::ptrdiff_t(upto), all.begin() + std::ptrdiff_t(last)));
  }
}

TEST_CASE("a DID outside asks, is answered in its mailbox, and answers who asks it",
          "[mailbox][unit]") {
  outside o;
  ingress r{o.there, "question", std::string(text_type), "why"};
  r.wants_answer = true;
  o.sign(r);
  r.accepted = [](const ingress::outcome& out) { CHECK(out.problem.code == ""); };
  o.w.a.box(o.me).ingress(r);
  o.w.settle();
  CHECK(o.w.b.cell(o.there, "seen") == R"(["why"])");
  CHECK(o.waiting() == strings{"1:question:re:why"});
  REQUIRE(o.w.sent.size() >= 1);
  CHECK(o.w.sent[0].what.check_signature()); // it travels with the message

  // The same id again is the same message; another sender cannot take it.
  bool duplicate = false;
  r.accepted = [&](const ingress::outcome& out) { duplicate = out.duplicate; };
  o.w.a.box(o.me).ingress(r);
  o.w.settle();
  CHECK(duplicate);
  std::string refused;
  r.accepted = [&](const ingress::outcome& out) { refused = out.problem.code; };
  r.signature = {};
  r.wants_answer = false;
  o.w.a.box(o.here).ingress(r);
  o.w.settle();
  CHECK(refused == "id_taken");

  // Asked by an agent, it answers by naming the request.
  o.w.a.tell(o.here, o.here, "ask", order(o.me, "price", "?"), json_type);
  o.w.settle();
  REQUIRE(o.waiting().size() == 2);
  auto found = o.w.a.backend
                   ->scan(store::table::queue, keys::pending(keys::of(o.me), 2),
                          keys::pending(keys::of(o.me), 3), {1})
                   .value();
  ingress reply{o.here, "price", std::string(text_type), "12"};
  reply.correlation = envelope::parse(found.at(0).value).value().id();
  o.sign(reply);
  reply.accepted = [](const ingress::outcome& out) { CHECK(out.problem.code == ""); };
  o.w.a.box(o.me).ingress(reply);
  o.w.settle();
  CHECK(o.w.a.cell(o.here, "seen") == R"(["ok:12:ctx"])");
}

TEST_CASE("what a DID outside sends must be signed by itself, what an agent sends must not",
          "[mailbox][unit]") {
  outside o;
  ingress good{o.here, "note", std::string(text_type), "x"};
  o.sign(good);
  auto changed = [&](auto change) {
    auto r = good;
    change(r);
    return o.send(o.me, r);
  };
  CHECK(changed([](ingress& r) { r.payload = "y"; }) == "message_signature_wrong");
  CHECK(changed([](ingress& r) { r.kind = "other"; }) == "message_signature_wrong");
  CHECK(changed([&](ingress& r) { r.to = o.there; }) == "message_signature_wrong");
  CHECK(changed([](ingress& r) { r.created += 1; }) == "message_signature_wrong");
  CHECK(changed([](ingress& r) { r.time_to_live_ms = 9; }) == "message_signature_wrong");
  CHECK(changed([](ingress& r) { r.signature = {}; }) == "message_signature_wrong");
  CHECK(changed([](ingress& r) { r.id = {}; }) == "bad_message");
  CHECK(changed([](ingress& r) { r.created = 0; }) == "bad_message");
  CHECK(changed([](ingress& r) { r.created += 3600 * 1000; }) == "created_ahead");
  CHECK(o.send(o.here, good) == "bad_message");
  ingress orders{o.here, "kith.spawn", std::string(text_type), "x"};
  o.sign(orders);
  CHECK(o.send(o.me, orders) == "reserved_kind");
  ingress asks{o.there, "note", std::string(text_type), "x"};
  asks.wants_answer = true; // with nobody to give the answer to
  CHECK(o.send(o.here, asks) == "bad_message");
  CHECK(o.w.a.cell(o.here, "seen") == "");
  CHECK(o.send(o.me, good) == "");
  CHECK(o.w.a.cell(o.here, "seen") == R"(["x"])");
}

TEST_CASE("volatile mail that finds no room is dropped and counted", "[mailbox][unit]") {
  mailbox_limits limits;
  limits.pending_count_max = 2;
  outside o(limits);
  for (int i = 0; i < 5; ++i)
    o.w.a.tell(o.here, o.here, "whisper", order(o.me, "note", std::to_string(i)), json_type);
  o.w.settle();
  CHECK(o.waiting().size() == 2);
  const auto taken = o.w.a.box(o.me).take_unchained_taken();
  CHECK(taken.count == 5);
  CHECK(taken.dropped == 3);
}
