#include "runtime/schedule/timer_record.hpp"

#include "runtime/base/random.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using records::timer_record;

namespace {

timer_record sample(schedule_type type) {
  timer_record r;
  r.id = "tea";
  r.kind = "remind";
  r.content_type = "text/plain";
  r.payload = bytes{1, 2, 3};
  r.when.type = type;
  if (type != schedule_type::cron) r.when.first = 1'700'000'000'000;
  if (type == schedule_type::every) r.when.period_ms = 60'000;
  if (type == schedule_type::cron) {
    r.when.cron = "0 9 * * MON-FRI";
    r.when.zone = "Europe/Berlin";
  }
  r.missed = 2;
  r.set.octets.fill(0x5e);
  r.due = 1'700'000'060'000;
  r.fired = 7;
  r.marks = 2;
  return r;
}
constexpr schedule_type types[] = {schedule_type::once, schedule_type::every, schedule_type::cron};

} // namespace

TEST_CASE("timers survive their bytes, and every cut is noticed", "[schedule][unit]") {
  for (auto type : types) {
    const auto r = sample(type);
    auto stored = encode(r);
    REQUIRE(records::decode_timer(stored) == r);
    for (std::size_t n = 0; n < stored.size(); ++n)
      REQUIRE(records::decode_timer(byte_view(stored).first(n)).error().code == "bad_record");
    stored.push_back(0);
    CHECK(records::decode_timer(stored).error().code == "bad_record");
    stored[0] = 2;
    CHECK(records::decode_timer(stored).error().code == "record_version");
    stored[0] = 0;
    CHECK(records::decode_timer(stored).error().code == "bad_record");
  }
}

TEST_CASE("timers out of bounds do not decode", "[schedule][unit]") {
  auto refused = [](auto change) {
    auto r = sample(schedule_type::every);
    change(r);
    auto read = records::decode_timer(encode(r));
    return !read && read.error().code == "bad_record";
  };
  CHECK_FALSE(refused([](timer_record&) {}));
  CHECK(refused([](timer_record& r) { r.id.clear(); }));
  CHECK(refused([](timer_record& r) { r.id.assign(timer_record::id_size_max + 1, 'i'); }));
  CHECK(refused([](timer_record& r) { r.kind.clear(); }));
  CHECK(refused([](timer_record& r) { r.kind.assign(timer_record::kind_size_max + 1, 'k'); }));
  CHECK(refused([](timer_record& r) { r.content_type.assign(256, 't'); }));
  CHECK(refused([](timer_record& r) { r.payload.resize(timer_record::payload_size_max + 1); }));
  CHECK(refused([](timer_record& r) { r.missed = 3; }));
  CHECK(refused([](timer_record& r) { r.due = -1; }));
  CHECK(refused([](timer_record& r) { r.due = schedule::time_max + 1; }));
  CHECK(refused([](timer_record& r) { r.when.first = -1; }));
  CHECK(refused([](timer_record& r) { r.when.period_ms = 0; }));
  CHECK(refused([](timer_record& r) { r.when.type = schedule_type(4); }));
  CHECK(refused([](timer_record& r) {
    r.when = {schedule_type::cron, 0, 0, std::string(257, '*'), "UTC"};
  }));
  CHECK(refused([](timer_record& r) {
    r.when = {schedule_type::cron, 0, 0, "* * * * *", std::string(65, 'Z')};
  }));
}

TEST_CASE("noise is never taken for another timer than it encodes to", "[schedule][property]") {
  seeded_random random(23);
  std::size_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto stored = encode(sample(types[random.below(3)]));
    for (int k = 0; k < 2; ++k) stored[random.below(stored.size())] = std::uint8_t(random.next());
    auto read = records::decode_timer(stored);
    if (!read) continue;
    ++taken;
    REQUIRE(encode(*read) == stored);
  }
  CHECK(taken > 100);
}

TEST_CASE("the stored bytes of a timer are these", "[schedule][vector]") {
  auto r = sample(schedule_type::every);
  r.set = {};
  CHECK(to_hex(encode(r)) == "01"
                             "03746561"
                             "0672656d696e64"
                             "0a746578742f706c61696e"
                             "03010203"
                             "020000018bcfe56800"
                             "000000000000ea60"
                             "02"
                             "00000000000000000000000000000000"
                             "0000018bcfe65260"
                             "0000000000000007"
                             "00000002");
}
