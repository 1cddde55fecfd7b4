// Every frame there and back, however the bytes are cut, and everything that must be refused.
#include "fbs/wire.hpp"
#include "protocols/kith/decode.hpp"
#include "protocols/kith/encode.hpp"
#include "protocols/kith/layout.hpp"
#include "protocols/kith/samples.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace kith;
using namespace kith::wire;

namespace {

std::vector<frame> decoded(byte_view stream, std::size_t chunk_size) {
  decoder d;
  std::vector<frame> out;
  for (std::size_t at = 0; at < stream.size(); at += chunk_size) {
    REQUIRE(d.feed(stream.subspan(at, std::min(chunk_size, stream.size() - at))));
    for (auto& f : d.take()) out.push_back(std::move(f));
  }
  return out;
}

std::string refusal_code(const bytes& stream) {
  decoder d;
  auto ok = d.feed(stream);
  if (ok) return "ok";
  REQUIRE(d.feed(stream).error() == ok.error()); // for good
  return ok.error().code;
}

bytes with_header(frame_type type, const bytes& body, std::uint8_t flags = 0) {
  bytes out(header_size);
  put_header(out.data(), type, body.size(), flags);
  append(out, body);
  return out;
}

} // namespace

TEST_CASE("every frame comes back as it was, in chunks of any size", "[kith][unit]") {
  bytes stream;
  auto all = samples();
  REQUIRE(all.size() >= std::variant_size_v<frame>);
  for (const auto& f : all) {
    append(stream, encode(f));
  }
  for (std::size_t chunk : {stream.size(), std::size_t(1), std::size_t(7), std::size_t(100)}) {
    auto got = decoded(stream, chunk);
    REQUIRE(got.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      INFO(to_string(type_of(all[i])));
      REQUIRE(same(got[i], all[i]));
    }
  }
  seeded_random random(5);
  for (int round = 0; round < 50; ++round) {
    decoder d;
    std::size_t count = 0;
    for (std::size_t at = 0; at < stream.size();) {
      auto n = std::min<std::size_t>(1 + random.below(900), stream.size() - at);
      REQUIRE(d.feed(byte_view(stream).subspan(at, n)));
      at += n;
      for (const auto& f : d.take()) REQUIRE(same(f, all[count++]));
    }
    REQUIRE(count == all.size());
  }
}

TEST_CASE("envelopes come out of a batch 8-aligned, in place and whole", "[kith][unit]") {
  batch_builder builder(3, 1);
  std::vector<envelope> sent;
  digest last{};
  for (sequence seq = 1;; ++seq) {
    auto e = an_envelope(seq, last, seq * 13 % 300);
    if (!builder.add(e.raw(), seq % 3 == 0 ? seq : 0)) break;
    last = e.hash();
    sent.push_back(e);
  }
  REQUIRE(sent.size() > 100);
  auto encoded = builder.finish();
  REQUIRE(encoded.size() == builder.size());
  REQUIRE(encoded.size() <= frame_size_max);
  REQUIRE(encoded.size() > frame_size_max - 700);
  auto got = decoded(encoded, encoded.size());
  const auto& b = std::get<batch>(got.at(0));
  REQUIRE(b.number == 3);
  REQUIRE(b.first == 1);
  REQUIRE(b.items.size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(b.items[i].raw.data()) % 8 == 0);
    REQUIRE(b.items[i].time_to_live_ms == ((i + 1) % 3 == 0 ? i + 1 : 0));
    auto e = envelope::parse(b.items[i].raw);
    REQUIRE(e);
    REQUIRE(e->hash() == sent[i].hash());
  }
  builder.clear(9);
  REQUIRE(builder.empty());
  REQUIRE(builder.set_head({8, last, {}}));
  REQUIRE(std::get<batch>(decoded(builder.finish(), 11).at(0)).head->seq == 8);
}

TEST_CASE("a batch ends at its count and at its size", "[kith][unit]") {
  batch_builder builder;
  auto small = slice(bytes(8, 1));
  std::size_t n = 0;
  while (builder.add(small)) ++n;
  REQUIRE(n == batch_count_max);
  builder.clear();
  std::size_t fits = 8;
  while (fits_batch(fits + 8)) fits += 8;
  batch_builder one(1, 1);
  REQUIRE(one.set_head({}));
  REQUIRE(one.add(slice(bytes(fits, 1)), 5));
  REQUIRE(one.finish().size() == frame_size_max);
  batch_builder over(1, 1);
  REQUIRE(over.set_head({}));
  REQUIRE_FALSE(over.add(slice(bytes(fits + 1, 1)), 5));
  REQUIRE(over.count() == 0);
}

TEST_CASE("a body cut at any byte is refused or still within its limits", "[kith][unit]") {
  for (const auto& f : samples()) {
    auto whole = encode(f);
    byte_view body = byte_view(whole).subspan(header_size);
    for (std::size_t n = 0; n < body.size(); ++n) {
      auto cut = decode_body(type_of(f), slice::copy_of(body.first(n)));
      auto type = type_of(f);
      INFO(to_string(type) << " cut to " << n << " of " << body.size());
      if (type == frame_type::batch || type == frame_type::volatile_batch) REQUIRE(!cut);
      if (!cut) REQUIRE((cut.error().code == "bad_frame" || cut.error().code == "list_too_large"));
    }
    // A stream that ends within a frame yields nothing.
    decoder d;
    REQUIRE(d.feed(byte_view(whole).first(whole.size() - 1)));
    REQUIRE(d.take().empty());
  }
}

TEST_CASE("a frame over 64 KiB is refused from its header alone", "[kith][unit]") {
  bytes header(header_size);
  put_header(header.data(), frame_type::batch, body_size_max + 1);
  REQUIRE(refusal_code(header) == "frame_too_large");
  put_header(header.data(), frame_type::batch, body_size_max);
  REQUIRE(refusal_code(header) == "ok");
  REQUIRE(refusal_code(bytes(header_size, 0xff)) == "frame_too_large");
}

TEST_CASE("headers with unknown bits or types are refused, skippable frames skipped",
          "[kith][unit]") {
  bytes body(16, 0);
  REQUIRE(refusal_code(with_header(frame_type(200), body)) == "unknown_frame");
  REQUIRE(refusal_code(with_header(frame_type::ping, body, 2)) == "bad_frame");
  REQUIRE(refusal_code(with_header(frame_type::ping, bytes())) == "bad_frame");
  auto reserved = encode(ping{1});
  reserved[6] = 1;
  REQUIRE(refusal_code(reserved) == "bad_frame");
  auto stream = with_header(frame_type(200), body, flag_skippable);
  append(stream, encode(ping{7}));
  auto got = decoded(stream, 5);
  REQUIRE(got.size() == 1);
  REQUIRE(std::get<ping>(got[0]).nonce == 7);
}

TEST_CASE("frames before a bad one are still handed out", "[kith][unit]") {
  auto stream = encode(ping{7});
  append(stream, with_header(frame_type(200), bytes(16)));
  decoder d;
  REQUIRE(!d.feed(stream));
  REQUIRE(d.take().size() == 1);
}

TEST_CASE("lists and texts over their limits are refused", "[kith][unit]") {
  auto code = [](const frame& f) { return refusal_code(encode(f)); };
  directory dir{a_did("node"), false, false, {{a_did("a"), "t", "n", 1, false, {}}}};
  REQUIRE(code(dir) == "ok");
  // The encoder keeps the limits by itself.
  dir.list[0].advertised.assign(advertised_max + 5, {"kind", std::string(text_size_max + 9, 'x')});
  auto cut = std::get<directory>(decoded(encode(dir), 4096).at(0));
  REQUIRE(cut.list[0].advertised.size() == advertised_max);
  REQUIRE(cut.list[0].advertised[0].about.size() == text_size_max);
  ack acks;
  acks.list.assign(2046, {1, 2, 3, 4});
  REQUIRE(code(acks) == "ok");
  acks.list.resize(2100, {1, 2, 3, 4});
  REQUIRE(code(acks) == "frame_too_large");
  REQUIRE(code(delegations{{bytes(delegation_size_max + 1)}}) == "bad_frame");
}

TEST_CASE("values that make no sense are refused", "[kith][unit]") {
  auto code = [](const frame& f) { return refusal_code(encode(f)); };
  auto stream = a_stream();
  REQUIRE(code(stream_open{0, stream, {}}) == "bad_frame");
  REQUIRE(code(stream_open{1, stream, {0, {}}}) == "bad_frame");
  auto lawless = stream;
  lawless.lane = lane(2);
  REQUIRE(code(stream_open{1, lawless, {}}) == "bad_frame");
  lawless = stream;
  lawless.incarnation = 0;
  REQUIRE(code(stream_open{1, lawless, {}}) == "bad_frame");
  REQUIRE(code(backfill_request{1, 5, 4}) == "bad_frame");
  REQUIRE(code(backfill_request{1, 0, 4}) == "bad_frame");
  REQUIRE(code(ack{{{0, 1, 1, 1}}, 0}) == "bad_frame");
  REQUIRE(code(wire::fork{1, 0, {}, {}}) == "bad_frame");
  hello h = std::get<hello>(samples().at(0));
  h.version_min = 2;
  REQUIRE(code(h) == "bad_frame");
  members m{{{a_did("n"), "n", {}, 1, member_state(9), 0}}};
  REQUIRE(code(m) == "bad_frame");
}

TEST_CASE("a batch whose table does not fit its bytes is refused", "[kith][unit]") {
  batch_builder builder(3, 1);
  builder.add(an_envelope(1, {}, 10).raw());
  auto good = builder.finish();
  auto changed = [&](std::size_t at, std::uint8_t v) {
    auto b = good;
    b[header_size + at] = v;
    return refusal_code(b);
  };
  REQUIRE(refusal_code(good) == "ok");
  REQUIRE(changed(0, 0) == "bad_frame");   // number 0
  REQUIRE(changed(4, 0) == "bad_frame");   // no envelope, no head
  REQUIRE(changed(4, 200) == "bad_frame"); // more envelopes than bytes
  REQUIRE(changed(5, 200) == "list_too_large");
  REQUIRE(changed(6, 4) == "bad_frame");        // unknown flag
  REQUIRE(changed(6, 1) == "bad_frame");        // a head that is not there
  REQUIRE(changed(8, 0) == "bad_frame");        // position 0
  REQUIRE(changed(16 + 1, 200) == "bad_frame"); // envelope beyond the end
  REQUIRE(changed(16 + 4, 1) == "bad_frame");   // padding
  auto longer = good;
  longer.insert(longer.end(), 8, 0);
  put_header(longer.data(), frame_type::batch, longer.size() - header_size);
  REQUIRE(refusal_code(longer) == "bad_frame");
}

TEST_CASE("a long list is split over frames that together say the same", "[kith][property]") {
  streams s;
  directory dir{a_did("node"), true, false, {}};
  delegations dels;
  for (int i = 0; i < 5000; ++i) {
    auto agent = a_did("agent-" + std::to_string(i));
    s.list.push_back({{agent, a_did("to"), lane::request, 5}, {std::uint64_t(i) + 1, {}}});
    dir.list.push_back({agent, "type", "name", 1, false, {{"greet", "Greets"}}});
    dels.encoded.push_back(bytes(200, std::uint8_t(i)));
  }
  streams s_back;
  for (const auto& b : encode_split(s)) {
    REQUIRE(b.size() <= frame_size_max);
    auto got = decoded(b, b.size());
    for (auto& e : std::get<streams>(got.at(0)).list) s_back.list.push_back(e);
  }
  REQUIRE(s_back == s);
  auto parts = encode_split(dir);
  directory dir_back{a_did("node"), true, false, {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto got = std::get<directory>(decoded(parts[i], 8192).at(0));
    REQUIRE(got.full == (i == 0));
    REQUIRE(got.more == (i + 1 < parts.size()));
    for (auto& e : got.list) dir_back.list.push_back(e);
  }
  REQUIRE(dir_back == dir);
  std::size_t count = 0;
  for (const auto& b : encode_split(dels))
    count += std::get<delegations>(decoded(b, 8192).at(0)).encoded.size();
  REQUIRE(count == 5000);
  REQUIRE(encode_split(members{}).size() == 1);
}

TEST_CASE("one small frame cannot become a large one by sharing its parts", "[kith][unit]") {
  // 2,000 entries that are all the same table, with 32 capabilities that are all the same: 80 MB of
  // values.
  namespace w = kith::fbs::wire;
  flatbuffers::FlatBufferBuilder b;
  auto name = b.CreateString("did:x:a"), about = b.CreateString(std::string(text_size_max, 'x'));
  auto capability = w::CreateCapability(b, name, about);
  auto capabilities = b.CreateVector(std::vector(advertised_max, capability));
  auto entry = w::CreateDirectoryEntry(b, name, name, name, 1, false, capabilities);
  auto listing = [&](std::size_t count) { return b.CreateVector(std::vector(count, entry)); };
  b.Finish(w::CreateDirectory(b, name, false, false, listing(2000)));
  auto many =
      decode_body(frame_type::directory, slice::copy_of({b.GetBufferPointer(), b.GetSize()}));
  REQUIRE(!many);
  REQUIRE(many.error().code == "bad_frame");
  b.Finish(w::CreateDirectory(b, name, false, false, listing(2)));
  REQUIRE(decode_body(frame_type::directory, slice::copy_of({b.GetBufferPointer(), b.GetSize()})));
}

TEST_CASE("an ack whose list is not aligned is refused", "[kith][unit]") {
  // Found by tests/fuzz/kith_frames: root at 12, vtable at 4, the list's offset at 16, the list
  // where that says.
  auto code = [](std::uint8_t list_offset) {
    bytes body{12, 0, 0, 0, 6, 0, 8, 0, 4, 0, 0, 0, 8, 0, 0, 0, list_offset, 0, 0, 0};
    body.resize(64);
    body[16 + list_offset] = 1;          // entries
    body[16 + list_offset + 4 + 24] = 1; // its number
    auto f = decode_body(frame_type::ack, slice(std::move(body)));
    return f ? "ok" : f.error().code;
  };
  REQUIRE(code(4) == "ok");
  REQUIRE(code(8) == "bad_frame");
}

TEST_CASE("bytes from nowhere never crash the decoder", "[kith][property]") {
  seeded_random random(20240);
  auto all = samples();
  for (int i = 0; i < 30'000; ++i) {
    const auto& f = all[random.below(all.size())];
    auto b = encode(f);
    for (auto n = 1 + random.below(6); n > 0; --n)
      b[header_size + random.below(b.size() - header_size)] = std::uint8_t(random.next());
    if (i % 8 == 0) random.fill(std::span(b).subspan(header_size));
    decoder d;
    if (!d.feed(b)) continue;
    for (const auto& got : d.take()) (void)encode(got);
  }
}

TEST_CASE("the bytes of frames are those written down", "[kith][vector]") {
  std::ifstream in("protocols/kith/vectors/frames.txt");
  REQUIRE(in);
  std::vector<std::string> written;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') written.push_back(line);
  auto all = samples();
  REQUIRE(written.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string name(to_string(type_of(all[i])));
    auto encoded = encode(all[i]);
    INFO(name);
    CHECK(written[i] == name + " " + to_hex(encoded));
    auto raw = from_hex(written[i].substr(written[i].find(' ') + 1));
    REQUIRE(raw);
    REQUIRE(same(decoded(*raw, 64).at(0), all[i]));
  }
}
