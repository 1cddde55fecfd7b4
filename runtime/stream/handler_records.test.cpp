#include "runtime/stream/handler_records.hpp"

#include "runtime/base/random.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::records;

namespace {

segment full_segment() {
  segment s;
  s.now = 1'700'000'000'000;
  s.seed = 0xfedcba9876543210;
  s.resumed = step_result{{"/0.1", 3}, step_status::dead, "it broke", "text/plain", {1, 2}};
  s.reads = {{"visits", {1, 0, 1, '7'}}, {"log", {}}};
  s.refused = {0, 300};
  s.hosted = {"did:example:made", "!not_found: unknown"};
  s.versions = {{"fee", 2}};
  step_begun ask{{"", 4}, step_type::ask, false, "price of did:example:a", {}, 0};
  ask.request.octets.fill(7);
  s.begun = {ask,
             {{"", 5}, step_type::until, false, "", {}, 99},
             {{"/0.0", 0}, step_type::once, true, "pay", {}, 0}};
  s.dropped = {{"/0.0", 0}};
  return s;
}

template <class Record> void require_exact(const Record& r) {
  auto stored = encode(r);
  REQUIRE(decode<Record>(stored));
  for (std::size_t n = 0; n < stored.size(); ++n)
    REQUIRE(!decode<Record>(byte_view(stored).first(n)));
  auto longer = stored;
  longer.push_back(0);
  REQUIRE(!decode<Record>(longer));
  auto later = stored;
  later[0] = version + 1;
  REQUIRE(decode<Record>(later).error().code == "record_version");
  seeded_random random(99);
  for (int i = 0; i < 5000; ++i) {
    auto noise = stored;
    for (int k = 0; k < 3; ++k) noise[random.below(noise.size())] = std::uint8_t(random.next());
    if (auto read = decode<Record>(noise)) (void)encode(*read);
  }
}

} // namespace

TEST_CASE("a handler's segments survive their bytes, and no others are taken", "[stream][unit]") {
  CHECK(decode<segment>(encode(segment{})).value() == segment{});
  CHECK(decode<segment>(encode(full_segment())).value() == full_segment());
  require_exact(full_segment());
  auto late = full_segment();
  late.resumed->status = step_status::deadline;
  CHECK(decode<segment>(encode(late)).value() == late);
}

TEST_CASE("a handler's beginning keeps its message, and one without is corrupt", "[stream][unit]") {
  envelope_fields f;
  f.from = "did:x:alice";
  f.to = "did:x:bob";
  f.id.octets.fill(3);
  f.kind = "book";
  f.incarnation = f.seq = 1;
  handler_start h;
  h.origin.fill(9);
  h.from = did::parse("did:x:alice").value();
  h.stream.fill(4);
  h.seq = 12;
  h.envelope = envelope::build(f).raw();
  h.started = 17;
  h.dead = true;
  h.reason = "diverged";
  h.attempts = 5;
  h.when = 18;
  h.stuck = full_segment().resumed;
  h.replay_from = did::parse("did:x:bob").value();
  h.replay = h.envelope;
  auto back = decode<handler_start>(encode(h)).value();
  CHECK(back.stuck == h.stuck);
  CHECK(back.replay_from == h.replay_from);
  CHECK(equal(back.replay.view(), h.replay.view()));
  CHECK(back.origin == h.origin);
  CHECK(back.from == h.from);
  CHECK(back.stream == h.stream);
  CHECK(back.seq == 12);
  CHECK(equal(back.envelope.view(), h.envelope.view()));
  CHECK(back.started == 17);
  CHECK(back.dead);
  CHECK(back.reason == "diverged");
  CHECK(back.attempts == 5);
  CHECK(back.when == 18);
  require_exact(h);
  h.envelope = slice::copy_of(h.envelope.view().first(8));
  CHECK(decode<handler_start>(encode(h)).error().code == "bad_record");
}

TEST_CASE("a list that says that it is longer than its bytes costs nothing", "[stream][unit]") {
  bytes stored{version};
  stored.resize(1 + 8 + 8 + 1);
  put_varint(stored, 90'000);
  CHECK(decode<segment>(stored).error().code == "bad_record");
}
