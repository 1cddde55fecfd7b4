// The streams of one link, with a sink in place of a session and an outbox in memory.
#include "actors/link/link_streams.hpp"

#include "actors/mailbox/keys.hpp"
#include "protocols/kith/decode.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/store/memory_backend.hpp"
#include "runtime/stream/records.hpp"

#include <catch2/catch.hpp>

using namespace kith;

namespace {

struct fake_sink : frame_sink {
  void control(const wire::frame& f) override { frames.push_back(f); }
  void data(bytes frame) override {
    wire::decoder d;
    REQUIRE(frame.size() <= wire::frame_size_max);
    REQUIRE(d.feed(frame));
    for (auto& f : d.take()) frames.push_back(std::move(f));
    if (room_left > 0) --room_left;
  }
  bool room() const override { return room_left > 0; }
  bool takes_at_least_once() const override { return new_peer; }

  // All of one type since the last call, the others kept.
  template <class T> std::vector<T> take() {
    std::vector<T> out;
    std::vector<wire::frame> rest;
    for (auto& f : frames)
      if (auto* found = std::get_if<T>(&f))
        out.push_back(std::move(*found));
      else
        rest.push_back(std::move(f));
    frames = std::move(rest);
    return out;
  }
  // The positions of all batches since the last call, in order.
  std::vector<sequence> sent() {
    std::vector<sequence> out;
    for (auto& b : take<wire::batch>())
      for (std::size_t i = 0; i < b.items.size(); ++i) out.push_back(b.first + i);
    return out;
  }
  std::vector<wire::frame> frames;
  int room_left = 1'000'000; // data frames
  bool new_peer = true;
};

std::vector<sequence> upto(sequence from, sequence to) {
  std::vector<sequence> out;
  for (; from <= to; ++from) out.push_back(from);
  return out;
}

struct link_fixture {
  link_fixture() {
    streams.connected(&sink);
    streams.open(stream);
  }
  // Into the outbox, durable, but not offered.
  std::vector<envelope> write(int n, std::size_t size = 10, std::uint64_t time_to_live_ms = 0) {
    store::write_batch batch;
    std::vector<envelope> out;
    for (int i = 0; i < n; ++i) {
      bytes payload(size, 'x');
      envelope_fields f;
      f.id = ids.next(time.wall(), random);
      f.from = stream->id.from.text();
      f.to = stream->id.to.text();
      f.kind = "k";
      f.content_type = "text/plain";
      f.payload = payload;
      f.created = time.wall();
      f.time_to_live_ms = time_to_live_ms;
      f.qos = quality;
      f.incarnation = stream->id.incarnation;
      f.seq = head.next;
      f.previous = head.last;
      auto e = envelope::build(f);
      head = {f.seq + 1, e.hash()};
      batch.put(store::table::queue, keys::outbox(stream->key, f.seq), e.raw());
      out.push_back(std::move(e));
    }
    REQUIRE(disk->commit({&batch, 1}, ++journaled));
    stream->durable = head.next - 1;
    return out;
  }
  void offer(std::vector<envelope> list) {
    outgoing out{stream, list.front().seq(), std::move(list)};
    streams.offer(out);
  }
  void position(sequence has, sequence credit, std::uint64_t credit_bytes = 1 << 20) {
    streams.positions({{{stream->id, {has + 1, {}}, credit, credit_bytes}}});
    streams.pump();
  }
  result<void> ack(sequence upto, sequence credit, std::uint64_t credit_bytes = 1 << 20) {
    KITH_TRY(streams.ack({{{1, upto, credit, credit_bytes}}, 0}));
    streams.pump();
    return {};
  }

  manual_clock time;
  seeded_random random{3};
  uuid_generator ids;
  secret_key from = secret_key::generate(random), to = secret_key::generate(random);
  std::shared_ptr<out_stream> stream =
      std::make_shared<out_stream>(stream_id{from.did(), to.did(), lane::request, 9});
  stream_head head;
  qos quality = qos::exactly_once; // of what is written
  std::shared_ptr<store::memory_disk> memory = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> disk = store::memory_backend::open(memory).value();
  journal_position journaled = 0;
  fake_sink sink;
  std::vector<std::string> logged;
  std::vector<sequence> acked;
  link_streams::environment environment() {
    return {time, *disk,
            [this](const did& agent) -> std::optional<bytes> {
              if (agent != from.did()) return std::nullopt;
              return delegation::make(from, to.did(), 1, time.wall() + delegation::lifetime_ms)
                  .encode();
            },
            [this](const stream_id&, sequence upto) { acked.push_back(upto); },
            [this](std::string_view, const std::string& text) { logged.push_back(text); }};
  }
  link_streams streams{environment()};
};

} // namespace

TEST_CASE("a stream is opened once, and its delegation presented before anything of it",
          "[link][unit]") {
  link_fixture f;
  REQUIRE(f.sink.frames.size() == 2);
  REQUIRE(std::holds_alternative<wire::delegations>(f.sink.frames[0]));
  auto presented = delegation::decode(std::get<wire::delegations>(f.sink.frames[0]).encoded[0]);
  CHECK(presented->agent == f.from.did());
  auto opened = f.sink.take<wire::stream_open>();
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].number == 1);
  CHECK(opened[0].stream == f.stream->id);

  f.offer(f.write(3)); // its position is not known yet: nothing goes
  CHECK(f.sink.sent().empty());
  f.position(0, 100);
  CHECK(f.sink.sent() == upto(1, 3));
  f.streams.open(f.stream);
  CHECK(f.sink.take<wire::stream_open>().empty());
}

TEST_CASE("a delegation is presented again before it could be outdated", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.sink.frames.clear();
  f.time.advance(std::chrono::milliseconds(delegation::lifetime_ms / 4));
  f.offer(f.write(1));
  REQUIRE(f.sink.frames.size() == 2);
  CHECK(std::holds_alternative<wire::delegations>(f.sink.frames[0]));
  CHECK(std::holds_alternative<wire::batch>(f.sink.frames[1]));
}

TEST_CASE("what is next goes from memory, what is not from disk", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  auto first = f.write(2);
  store::write_batch emptied;
  emptied.erase_range(store::table::queue, keys::outbox(f.stream->key, 1),
                      keys::outbox(f.stream->key, 3));
  REQUIRE(f.disk->commit({&emptied, 1}, 1000));
  f.offer(first); // not on disk: from memory or not at all
  CHECK(f.sink.sent() == upto(1, 2));
  f.write(2);
  f.offer(f.write(2)); // behind what it has: the disk has all four
  CHECK(f.sink.sent().empty());
  f.streams.pump();
  CHECK(f.sink.sent() == upto(3, 6));
}

TEST_CASE("credit by count is kept to, and more of it goes on", "[link][unit]") {
  link_fixture f;
  f.position(0, 4);
  f.offer(f.write(10));
  f.streams.pump();
  CHECK(f.sink.sent() == upto(1, 4));
  REQUIRE(f.ack(2, 4));
  CHECK(f.sink.sent().empty());
  REQUIRE(f.ack(4, 7));
  CHECK(f.sink.sent() == upto(5, 7));
  REQUIRE(f.ack(7, 5)); // less than before: what was granted stays granted
  REQUIRE(f.ack(7, 100));
  CHECK(f.sink.sent() == upto(8, 10));
  CHECK(f.acked == std::vector<sequence>{2, 4, 7});
  CHECK(f.streams.unacknowledged() == 3);
}

TEST_CASE("credit by bytes is kept to, but for one message when nothing is under way",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100, 3000);
  f.offer(f.write(5, 1000));
  CHECK(f.sink.sent() == upto(1, 2)); // a third would pass 3,000 with its own fields
  REQUIRE(f.ack(1, 100, 3000));
  CHECK(f.sink.sent() == upto(3, 3));
  REQUIRE(f.ack(3, 100, 0));
  CHECK(f.sink.sent() == upto(4, 4));
  REQUIRE(f.ack(4, 100, 0));
  CHECK(f.sink.sent() == upto(5, 5));
}

TEST_CASE("an envelope past 64 KiB goes in fragments, of any size when nothing is under way",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100, 1000);
  auto list = f.write(1, 300'000);
  f.offer(list);
  auto parts = f.sink.take<wire::fragment>();
  REQUIRE(parts.size() > 4);
  wire::reassembler whole;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto done = whole.add(parts[i]);
    REQUIRE(done);
    REQUIRE(done->has_value() == (i + 1 == parts.size()));
    if (*done) CHECK(equal((*done)->raw, list[0].raw()));
  }
  f.write(1);
  REQUIRE(f.ack(1, 100, 1000));
  CHECK(f.sink.sent() == upto(2, 2));
}

TEST_CASE("frames carry the time that is left", "[link][unit]") {
  link_fixture f;
  f.position(0, 0);
  f.write(1, 10, 5000);
  f.time.advance(std::chrono::milliseconds(2000));
  REQUIRE(f.ack(0, 1));
  auto batches = f.sink.take<wire::batch>();
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].items[0].time_to_live_ms == 3000);
}

// What was transmitted may have been taken, so only the recipient can say what becomes of it.
TEST_CASE("what was sent goes again as it was, though its time is over: its recipient judges it",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  const auto list = f.write(2, 10, 1000);
  f.offer(list);
  REQUIRE(f.sink.sent() == upto(1, 2));
  f.time.advance(std::chrono::milliseconds(2000));
  link_streams after_restart(f.environment()); // to which the whole outbox counts as sent
  SECTION("the recipient goes back") { f.position(0, 100); }
  SECTION("the connection is another") {
    f.streams.connected(&f.sink);
    f.position(0, 100);
  }
  SECTION("the process is another") {
    after_restart.connected(&f.sink);
    after_restart.open(f.stream);
    after_restart.positions({{{f.stream->id, {1, {}}, 100, 1 << 20}}});
    after_restart.pump();
  }
  auto batches = f.sink.take<wire::batch>();
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].first == 1);
  REQUIRE(batches[0].items.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(equal(batches[0].items[i].raw, list[i].raw()));
    CHECK(batches[0].items[i].time_to_live_ms == 1); // it is over
  }
}

TEST_CASE("the position that the peer says moves the cursor back", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.offer(f.write(5));
  CHECK(f.sink.sent() == upto(1, 5));
  f.position(2, 100);
  CHECK(f.sink.sent() == upto(3, 5));
  CHECK(f.acked == std::vector<sequence>{2});
}

TEST_CASE("an ack of what was never sent ends the link, a late one after a rewind does not",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.offer(f.write(5));
  f.sink.room_left = 0;
  f.position(2, 100); // asked while 3 to 5 were under way, and there is no room to send them again
  REQUIRE(f.ack(5, 100));
  f.sink.room_left = 100;
  f.streams.pump();
  CHECK(f.sink.sent() == upto(1, 5)); // once
  CHECK(f.streams.unacknowledged() == 0);
  f.write(1);
  auto bad = f.ack(6, 100);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == "ack_beyond_sent");
}

TEST_CASE("an ack of a number never given is an error", "[link][unit]") {
  link_fixture f;
  auto bad = f.streams.ack({{{2, 0, 1, 1}}, 0});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == "unknown_number");
}

TEST_CASE("a fresh session asks for every position again, under new numbers", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.offer(f.write(3));
  f.streams.disconnected();
  f.offer(f.write(2)); // stays in the outbox
  f.sink.frames.clear();
  f.streams.connected(&f.sink);
  CHECK(f.sink.take<wire::delegations>().size() == 1);
  CHECK(f.sink.take<wire::stream_open>().size() == 1);
  CHECK(f.sink.sent().empty());
  f.position(1, 100);
  CHECK(f.sink.sent() == upto(2, 5));
}

TEST_CASE("a stream rests when one of its sides was rewound", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.offer(f.write(5));
  REQUIRE(f.ack(4, 100));
  f.sink.frames.clear();
  SECTION("the peer is ahead of us") { f.position(6, 100); }
  SECTION("the peer holds another history") { f.streams.fork({1, 4, {}, {}}); }
  SECTION("the peer took it into quarantine") {
    f.streams.not_here({1, wire::absence::quarantined});
  }
  SECTION("what it wants is no longer kept") {
    store::write_batch emptied;
    emptied.erase_range(store::table::queue, keys::outbox(f.stream->key, 1),
                        keys::outbox(f.stream->key, 6));
    REQUIRE(f.disk->commit({&emptied, 1}, 1000));
    f.position(4, 100);
  }
  f.offer(f.write(1));
  f.time.advance(std::chrono::hours(1));
  f.streams.tick();
  f.streams.pump();
  CHECK(f.sink.sent().empty());
  CHECK(f.sink.take<wire::stream_open>().empty());
}

TEST_CASE("a peer that forgot what it acknowledged is told where what is left begins",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  const auto five = f.write(5);
  f.offer(five);
  sequence acked = 4;
  SECTION("an envelope is left") {}
  SECTION("none is left") {
    acked = 5;
    records::stream_out r;
    r.stream = f.stream->id;
    r.head = f.head;
    store::write_batch batch;
    batch.put(store::table::state, keys::out_stream(keys::of(r.stream.from), f.stream->key),
              records::encode(r));
    REQUIRE(f.disk->commit({&batch, 1}, 1000));
  }
  REQUIRE(f.ack(acked, 100));
  f.sink.frames.clear();
  for (int times = 0; times < 2; ++times) { // until it says that it goes on from there
    f.position(2, 100);
    f.time.advance(link_streams::silence_max);
    f.streams.tick();
    const auto asked = f.sink.take<wire::stream_open>();
    REQUIRE(asked.size() == 1);
    REQUIRE(asked[0].kept);
    CHECK(asked[0].kept->next == acked + 1);
    CHECK(asked[0].kept->last == five[acked - 1].hash());
    CHECK(f.sink.sent().empty());
  }
  f.position(acked, 100);
  CHECK(f.sink.sent() == upto(acked + 1, 5));
  f.offer(f.write(1));
  CHECK(f.sink.sent() == upto(6, 6));
}

TEST_CASE("what a peer has of a stream that a restore closed is acknowledged, and no more",
          "[link][unit]") {
  link_fixture f;
  f.streams.positions({}); // nothing yet
  auto closed =
      std::make_shared<out_stream>(stream_id{f.from.did(), f.to.did(), lane::request, 8}, true);
  closed->durable = 3;
  f.streams.open(closed);
  f.streams.positions({{{closed->id, {8, {}}, 100, 1 << 20}}}); // it has seven
  CHECK(f.acked == std::vector<sequence>{3});
  CHECK(closed->acked == 3);
  f.sink.frames.clear();
  f.time.advance(std::chrono::hours(1));
  f.streams.tick();
  for (const auto& o : f.sink.take<wire::stream_open>()) CHECK(o.stream != closed->id);
}

TEST_CASE("a silent stream is asked again, whatever it waits for", "[link][unit]") {
  link_fixture f;
  SECTION("its first position") {}
  SECTION("a recipient that was not there") { f.streams.not_here({1, wire::absence::unknown}); }
  SECTION("an ack") {
    f.position(0, 100);
    f.offer(f.write(1));
  }
  SECTION("credit") {
    f.position(0, 0);
    f.offer(f.write(1));
  }
  f.sink.frames.clear();
  f.time.advance(link_streams::silence_max - std::chrono::milliseconds(1));
  f.streams.tick();
  CHECK(f.sink.take<wire::stream_open>().empty());
  f.time.advance(std::chrono::milliseconds(1));
  f.streams.tick();
  CHECK(f.sink.take<wire::stream_open>().size() == 1);
  f.streams.tick();
  CHECK(f.sink.take<wire::stream_open>().empty());
}

TEST_CASE("a stream at rest is not asked about", "[link][unit]") {
  link_fixture f;
  f.position(0, 100);
  f.offer(f.write(1));
  REQUIRE(f.ack(1, 100));
  f.sink.frames.clear();
  f.time.advance(std::chrono::hours(1));
  f.streams.tick();
  CHECK(f.sink.frames.empty());
}

TEST_CASE("without room data waits, stream by stream in portions, and goes on in order",
          "[link][unit]") {
  link_fixture f;
  f.position(0, 100'000, 1 << 30);
  f.sink.room_left = 0;
  f.offer(f.write(2000, 100));
  f.streams.pump();
  CHECK(f.sink.sent().empty());
  std::vector<sequence> all;
  for (int i = 0; i < 100; ++i) {
    f.sink.room_left = 1;
    f.streams.pump();
    for (auto s : f.sink.sent()) all.push_back(s);
  }
  CHECK(all == upto(1, 2000));
}

TEST_CASE("a signed head follows what it covers, once", "[link][unit]") {
  link_fixture f;
  f.position(0, 2);
  auto list = f.write(3);
  f.stream->set_head({3, list[2].hash(), {}});
  f.offer(list);
  for (auto& b : f.sink.take<wire::batch>()) CHECK_FALSE(b.head);
  REQUIRE(f.ack(2, 10));
  auto batches = f.sink.take<wire::batch>();
  REQUIRE(batches.size() == 1);
  REQUIRE(batches[0].head);
  CHECK(batches[0].head->seq == 3);
  f.offer(f.write(1));
  for (auto& b : f.sink.take<wire::batch>()) CHECK_FALSE(b.head);
}

TEST_CASE("QoS 0 goes at once, or is dropped and counted without room or connection",
          "[link][unit]") {
  link_fixture f;
  envelope_fields v;
  v.id = f.ids.next(f.time.wall(), f.random);
  v.from = f.from.did().text();
  v.to = f.to.did().text();
  v.kind = "k";
  v.qos = qos::at_most_once;
  auto e = envelope::build(v);
  outgoing_volatile out{{e, e}};
  f.streams.offer(out);
  auto batches = f.sink.take<wire::volatile_batch>();
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].items.size() == 2);
  CHECK(f.streams.volatile_dropped() == 0);
  f.sink.room_left = 0;
  f.streams.offer(out);
  CHECK(f.streams.volatile_dropped() == 2);
  f.streams.disconnected();
  f.streams.offer(out);
  CHECK(f.streams.volatile_dropped() == 4);
  CHECK(f.sink.take<wire::volatile_batch>().empty());
}

TEST_CASE("a stream rests before QoS 1 while the peer is of a build that does not know it",
          "[link][unit]") {
  link_fixture f;
  f.sink.new_peer = false;
  f.write(2);
  f.quality = qos::at_least_once;
  f.write(1);
  f.quality = qos::exactly_once;
  f.offer(f.write(1));
  f.position(0, 100);
  CHECK(f.sink.sent() == upto(1, 2));
  REQUIRE(f.logged.size() == 1);
  CHECK(f.logged[0].find("QoS 1") != std::string::npos);
  REQUIRE(f.ack(2, 100));
  CHECK(f.acked == upto(2, 2)); // what went before it is acknowledged like any other
  f.offer(f.write(1));
  f.sink.frames.clear();
  f.time.advance(2 * link_streams::silence_max);
  f.streams.tick();
  f.streams.pump();
  CHECK(f.sink.frames.empty()); // neither sent nor asked for
  CHECK(f.logged.size() == 1);

  f.streams.disconnected();
  f.sink.new_peer = true;
  f.streams.connected(&f.sink);
  f.position(2, 100);
  CHECK(f.sink.sent() == upto(3, 5));
}

TEST_CASE("each time that credit ends before what there is to send is counted once",
          "[link][unit]") {
  link_fixture f;
  f.write(6);
  f.position(0, 6);
  CHECK(f.streams.credit_stalls() == 0);
  REQUIRE(f.ack(6, 8));
  f.write(4);
  f.streams.open(f.stream);
  f.streams.pump();
  CHECK(f.sink.sent().size() == 8);
  CHECK(f.streams.credit_stalls() == 1);
  f.streams.open(f.stream);
  f.streams.pump();
  CHECK(f.streams.credit_stalls() == 1); // still the same
  REQUIRE(f.ack(8, 9));
  CHECK(f.streams.credit_stalls() == 2);
  REQUIRE(f.ack(9, 100));
  CHECK(f.sink.sent().size() == 2);
  CHECK(f.streams.credit_stalls() == 2);
  f.write(2, 1000);
  REQUIRE(f.ack(10, 100, 1000)); // by bytes
  f.streams.open(f.stream);
  f.streams.pump();
  CHECK(f.streams.credit_stalls() == 3);
}
