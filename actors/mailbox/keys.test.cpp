// Keys: ranges are streams and agents, in the order of positions. And asks: what is stored, and
// deadlines.
#include "actors/mailbox/keys.hpp"

#include "actors/mailbox/asks.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/identity/keys.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using std::chrono::seconds;

TEST_CASE("queue keys sort by position, with or without an expiry", "[mailbox][unit]") {
  stream_key s{1, 2, 3};
  CHECK(keys::inbox(s, 1) < keys::inbox(s, 2));
  CHECK(keys::inbox(s, 255) < keys::inbox(s, 256));
  CHECK(keys::inbox(s, 1) < keys::inbox(s, 1, 5));
  CHECK(keys::inbox(s, 1, wall_ms(1) << 50) < keys::inbox(s, 2));
  CHECK(keys::queue_seq(keys::inbox(s, 77, 5)) == 77);
  CHECK(keys::queue_expires(keys::inbox(s, 77, 5)) == 5);
  CHECK(keys::queue_expires(keys::inbox(s, 77)) == 0);
  CHECK(keys::queue_seq(keys::outbox(s, 78)) == 78);
  CHECK(keys::queue_seq(bytes{'i', 1}) == 0);
}

TEST_CASE("a range is one stream or one agent and no other", "[mailbox][unit]") {
  stream_key low{}, high{};
  high.fill(0xff);
  for (auto& s : {low, high}) {
    auto from = keys::prefix(keys::inbox(s, 1), keys::queue_prefix_size);
    auto end = keys::end_of(from);
    CHECK(from < keys::inbox(s, 1));
    CHECK(keys::inbox(s, ~sequence(0), 1) < end);
    CHECK_FALSE(keys::outbox(s, 1) < end);
  }
  CHECK(keys::end_of(keys::prefix(keys::inbox(low, 1), 17)) <= keys::inbox(high, 1));
  CHECK(keys::end_of({1, 0xff, 0xff}) == bytes{2});
  CHECK(keys::end_of({0xff}).empty());
  CHECK(keys::in_stream(low, high) != keys::out_stream(low, high));
}

namespace {

struct asking {
  records::ask_record ask(wall_ms deadline) {
    records::ask_record r;
    r.request = ids.next(1000, random);
    r.to = to;
    r.handler = "h";
    r.deadline = deadline;
    return r;
  }
  seeded_random random{1};
  uuid_generator ids;
  did to = secret_key::generate(random).did();
  time_point now = time_point{} + seconds(100);
  asks all{keys::agent_key{}};
  store::write_batch batch;
};

} // namespace

TEST_CASE_METHOD(asking, "an agent's own ask is stored and erased, one from outside is not",
                 "[mailbox][unit]") {
  auto own = ask(5000), outside = ask(5000);
  all.add({own, {}}, 1000, now, batch);
  CHECK(batch.operations().size() == 1);
  all.add({outside, [](const ingress::answer&) {}}, 1000, now, batch);
  CHECK(batch.operations().size() == 1);
  all.remove(outside.request, batch);
  CHECK(batch.operations().size() == 1);
  all.remove(own.request, batch);
  CHECK(batch.operations().size() == 2);
  all.remove(own.request, batch); // once
  CHECK(batch.operations().size() == 2);
  CHECK(all.count() == 0);
  CHECK_FALSE(all.next_deadline());
}

TEST_CASE_METHOD(asking, "deadlines pass in order, also of asks restored after theirs",
                 "[mailbox][unit]") {
  auto late = ask(9000), soon = ask(3000), past = ask(500);
  all.add({late, {}}, 1000, now, batch);
  all.add({soon, {}}, 1000, now, batch);
  all.restore(past, 1000, now);
  CHECK(all.overdue(now) == past.request);
  all.remove(past.request, batch);
  CHECK_FALSE(all.overdue(now));
  CHECK(all.next_deadline() == now + seconds(2));
  CHECK_FALSE(all.overdue(now + seconds(2) - duration(1)));
  CHECK(all.overdue(now + seconds(8)) == soon.request);
  all.postpone(soon.request, now + seconds(20));
  CHECK(all.overdue(now + seconds(8)) == late.request);
  all.remove(late.request, batch);
  CHECK(all.next_deadline() == now + seconds(20));
  CHECK(all.find(soon.request)->record == soon);
  CHECK(all.find(late.request) == nullptr);
}
