#include "protocols/kith/decode.hpp"
#include "protocols/kith/encode.hpp"
#include "protocols/kith/layout.hpp"
#include "protocols/kith/samples.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::wire;

namespace {

std::vector<fragment> parts_of(stream_number number, const envelope& e) {
  decoder d;
  for (const auto& b : encode_fragments(number, e.seq(), e.raw(), 77)) {
    REQUIRE(b.size() <= frame_size_max);
    REQUIRE(d.feed(b));
  }
  std::vector<fragment> out;
  for (auto& f : d.take()) out.push_back(std::get<fragment>(f));
  return out;
}

std::string code(const result<std::optional<reassembler::whole>>& r) {
  return r ? "ok" : r.error().code;
}

} // namespace

TEST_CASE("a large envelope travels in fragments, also beside another stream's", "[kith][unit]") {
  auto a = an_envelope(1, {}, 300'000), b = an_envelope(1, {}, 150'000);
  REQUIRE_FALSE(fits_batch(a.size()));
  auto as = parts_of(1, a), bs = parts_of(2, b);
  REQUIRE(as.size() == 5);
  REQUIRE(as.back().last());
  REQUIRE_FALSE(as.front().last());
  reassembler r;
  std::size_t whole = 0;
  for (std::size_t i = 0; i < as.size(); ++i) {
    for (const auto* list : {&as, &bs}) {
      if (i >= list->size()) continue;
      auto got = r.add((*list)[i]);
      REQUIRE(got);
      if (!*got) continue;
      ++whole;
      REQUIRE((*got)->time_to_live_ms == 77);
      auto e = envelope::parse((*got)->raw);
      REQUIRE(e);
      REQUIRE(e->hash() == ((*got)->number == 1 ? a : b).hash());
    }
  }
  REQUIRE(whole == 2);
  REQUIRE(r.pending_bytes() == 0);
}

TEST_CASE("fragments out of order, repeated or of two envelopes are refused", "[kith][unit]") {
  auto parts = parts_of(1, an_envelope(1, {}, 200'000));
  auto other = parts_of(1, an_envelope(2, {}, 200'000));
  reassembler r;
  REQUIRE(code(r.add(parts[1])) == "bad_fragment");
  REQUIRE(code(r.add(parts[0])) == "ok");
  REQUIRE(code(r.add(parts[0])) == "bad_fragment");
  REQUIRE(code(r.add(parts[0])) == "ok");
  REQUIRE(code(r.add(parts[2])) == "bad_fragment");
  REQUIRE(code(r.add(parts[0])) == "ok");
  REQUIRE(code(r.add(other[1])) == "bad_fragment");
  REQUIRE(r.pending_bytes() == 0);
}

TEST_CASE("reassembly is bounded by bytes a connection and by the envelope's size",
          "[kith][unit]") {
  reassembler r;
  slice part(bytes(8));
  const std::uint32_t size = envelope::payload_size_max;
  for (stream_number n = 1; n <= 4; ++n) REQUIRE(code(r.add({n, 1, 0, size, 0, part})) == "ok");
  REQUIRE(r.pending_bytes() == reassembler::total_size_max);
  REQUIRE(code(r.add({5, 1, 0, 16, 0, part})) == "reassembly_full");
  r.forget(2);
  REQUIRE(code(r.add({5, 1, 0, 16, 0, part})) == "ok");
  REQUIRE(code(r.add({6, 1, 0, std::uint32_t(envelope::size_max + 1), 0, part})) ==
          "envelope_too_large");
  reassembler many;
  for (stream_number n = 0; n < reassembler::streams_max; ++n)
    REQUIRE(many.add({n, 1, 0, 16, 0, part}));
  REQUIRE(code(many.add({99'999, 1, 0, 16, 0, part})) == "reassembly_full");
}

TEST_CASE("a fragment that lies about its place is refused", "[kith][unit]") {
  auto refused = [](fragment f) {
    decoder d;
    auto ok = d.feed(encode(f));
    return ok ? std::string("ok") : ok.error().code;
  };
  slice part(bytes(8));
  REQUIRE(refused({1, 1, 0, 8, 0, part}) == "ok");
  REQUIRE(refused({0, 0, 0, 8, 0, part}) == "ok");
  REQUIRE(refused({1, 1, 1, 8, 0, part}) == "bad_frame");
  REQUIRE(refused({1, 1, 0xffffffff, 8, 0, part}) == "bad_frame");
  REQUIRE(refused({0, 1, 0, 8, 0, part}) == "bad_frame");
  REQUIRE(refused({1, 0, 0, 8, 0, part}) == "bad_frame");
  REQUIRE(refused({1, 1, 0, std::uint32_t(envelope::size_max + 1), 0, part}) ==
          "envelope_too_large");
  REQUIRE(refused({1, 1, 0, 8, 0, {}}) == "bad_frame");
}
