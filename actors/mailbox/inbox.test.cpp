// The receiving half by itself: what is stored, what is trimmed, fairness, and what credit says.
#include "actors/mailbox/inbox.hpp"

#include "runtime/base/ids.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/store/memory_backend.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using store::table;

namespace {

struct fixture {
  // One sender and its chain.
  struct sender {
    stream_id id;
    stream_head head;
  };
  sender make_sender() {
    return {{secret_key::generate(random).did(), self, lane::request, 1}, {}};
  }
  verified_envelope next(sender& s, std::size_t size = 10) {
    bytes payload(size, 'x');
    envelope_fields f;
    f.id = ids.next(1000, random);
    f.from = s.id.from.text();
    f.to = self.text();
    f.kind = "k";
    f.payload = payload;
    f.incarnation = 1;
    f.seq = s.head.next;
    f.previous = s.head.last;
    auto e = envelope::build(f);
    auto hash = e.hash();
    s.head = {f.seq + 1, hash};
    return verifier::local(std::move(e), hash);
  }
  inbox::verdict accept(sender& s, std::size_t size = 10) {
    return box.accept(s.id, next(s, size), 0, 1, false);
  }
  void settle() {
    store::write_batch batch;
    box.settle(batch, ++step);
    operations = batch.operations().size();
    if (!batch.empty()) REQUIRE(disk->commit({&batch, 1}, ++position));
  }
  std::size_t queued() { return disk->scan(table::queue, bytes{0}, bytes{255}, {}).value().size(); }
  in_stream& consume_next() {
    auto* s = box.next_ready({});
    REQUIRE(s != nullptr);
    box.consume(*s);
    box.requeue(*s);
    return *s;
  }

  seeded_random random{21};
  uuid_generator ids;
  did self = secret_key::generate(random).did();
  mailbox_limits limits;
  inbox box{limits, keys::of(self),
            [](const stream_key&) { return std::make_shared<local_flow>(); }};
  std::shared_ptr<store::memory_disk> memory = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> disk = store::memory_backend::open(memory).value();
  std::uint64_t step = 1;
  journal_position position = 0;
  std::size_t operations = 0;
};

} // namespace

TEST_CASE_METHOD(fixture, "what is consumed before it is stored never reaches the queue",
                 "[mailbox][unit]") {
  auto s = make_sender();
  for (int i = 0; i < 3; ++i) CHECK(accept(s) == inbox::verdict::accepted);
  for (int i = 0; i < 3; ++i) consume_next();
  settle();
  CHECK(operations == 1); // the stream's record
  CHECK(queued() == 0);
  CHECK_FALSE(box.unsettled());
}

TEST_CASE_METHOD(fixture,
                 "stored and never stored positions are trimmed together, and nothing else",
                 "[mailbox][unit]") {
  auto s = make_sender();
  for (int i = 0; i < 4; ++i) accept(s);
  consume_next(); // 1 never stored
  settle();
  CHECK(queued() == 3); // 2 to 4
  consume_next();
  accept(s); // 5
  settle();
  CHECK(queued() == 4); // 2 is consumed, and is trimmed with many or at rest
  for (int i = 0; i < 2; ++i) consume_next();
  accept(s);      // 6
  consume_next(); // 5, stored
  consume_next(); // 6, never stored
  settle();
  CHECK(queued() == 0);
  accept(s);
  settle();
  CHECK(queued() == 1); // 7 lies beyond the trimmed range
}

TEST_CASE_METHOD(fixture, "a long stream is trimmed in portions", "[mailbox][unit]") {
  auto s = make_sender();
  for (int i = 0; i < 600; ++i) accept(s);
  settle();
  CHECK(queued() == 600);
  for (int i = 0; i < 255; ++i) consume_next();
  settle();
  CHECK(queued() == 600);
  consume_next();
  settle();
  CHECK(queued() == 600 - 256);
}

TEST_CASE_METHOD(fixture, "streams take their turns one after the other", "[mailbox][unit]") {
  auto a = make_sender(), b = make_sender();
  for (int i = 0; i < 3; ++i) accept(a);
  for (int i = 0; i < 2; ++i) accept(b);
  std::vector<bool> of_a;
  for (int i = 0; i < 5; ++i) of_a.push_back(consume_next().id == a.id);
  CHECK(of_a == std::vector<bool>{true, false, true, false, true});
  CHECK(box.next_ready({}) == nullptr);
  CHECK(box.count() == 0);
}

TEST_CASE_METHOD(fixture, "past the room in memory positions go to disk, and come back in order",
                 "[mailbox][unit]") {
  limits.stream_count_max = 4;
  auto s = make_sender();
  for (int i = 0; i < 10; ++i) CHECK(accept(s) == inbox::verdict::accepted);
  auto& in = *box.find(s.id);
  CHECK(in.pending.size() == 4);
  CHECK(in.behind());
  CHECK(box.credit_of(in).seq == 10); // none
  settle();
  CHECK(queued() == 10);
  sequence done = 0;
  while (done < 10) {
    for (auto* behind : box.loadable()) {
      auto from = keys::inbox(behind->key, behind->consumed + behind->pending.size() + 1);
      auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
      box.load(*behind, disk->scan(table::queue, from, end, {}).value());
    }
    CHECK(in.pending.size() <= 4);
    REQUIRE_FALSE(in.pending.empty());
    CHECK(in.pending.front().envelope->seq() == ++done);
    consume_next();
  }
  CHECK_FALSE(in.behind());
  settle();
  CHECK(queued() == 0);
  CHECK(box.loadable().empty());
  CHECK(box.credit_of(in).seq == 14);
}

TEST_CASE_METHOD(fixture, "a stream full by bytes is not read again before it has room",
                 "[mailbox][unit]") {
  limits.stream_bytes_max = 10'000;
  auto s = make_sender();
  for (int i = 0; i < 8; ++i) accept(s, 4000);
  auto& in = *box.find(s.id);
  CHECK(in.behind());
  CHECK(in.pending.size() == 2);
  settle();
  CHECK(box.loadable().empty());
  consume_next();
  consume_next();
  CHECK(box.loadable().size() == 1);
}

TEST_CASE_METHOD(fixture,
                 "credit: count and bytes, the mailbox's room, none for a quarantined stream",
                 "[mailbox][unit]") {
  limits.stream_count_max = 10;
  limits.count_max = 12;
  auto a = make_sender(), b = make_sender();
  for (int i = 0; i < 9; ++i) accept(a, 100);
  accept(b, 100);
  CHECK(box.credit_of(*box.find(a.id)).seq == 9 + 1);
  CHECK(box.credit_of(*box.find(b.id)).seq == 1 + 2); // by the whole mailbox's room
  CHECK(box.credit_of(*box.find(b.id)).bytes < limits.stream_bytes_max - 100);
  accept(b), accept(b);
  CHECK(box.credit_of(*box.find(a.id)).seq == 9);
  CHECK(box.credit_of(*box.find(b.id)).seq == 3);
  box.quarantine(*box.find(a.id), "fork");
  CHECK(box.credit_of(*box.find(a.id)).seq == 9);
  CHECK(box.credit_of(*box.find(a.id)).bytes == 0);
  CHECK(accept(a) == inbox::verdict::quarantined);
}

TEST_CASE_METHOD(fixture, "a deferred stream stays out of the ring until its time",
                 "[mailbox][unit]") {
  auto s = make_sender();
  accept(s);
  auto* in = box.next_ready({});
  auto when = time_point{} + std::chrono::seconds(5);
  box.defer(*in, when);
  accept(s); // more of it does not bring it back
  CHECK(box.next_ready(when - duration(1)) == nullptr);
  CHECK(box.next_deferred() == when);
  CHECK(box.next_ready(when) == in);
  CHECK_FALSE(box.next_deferred());
}
