// Handlers that take and return FlatBuffers tables. The table is one of ours, for want of another.
#include <kith/flatbuffers.hpp>
#include <kith/test.hpp>

#include "fbs/record.hpp"

#include <catch2/catch.hpp>

namespace {

using kith::flat;
using kith::test::probe;
using peer = kith::fbs::record::Peer;

flat<peer> made(const std::string& node, std::uint64_t seen) {
  flatbuffers::FlatBufferBuilder b;
  b.Finish(kith::fbs::record::CreatePeerDirect(b, node.c_str(), nullptr, seen));
  return flat<peer>(b);
}

struct peers : kith::agent {
  using agent::agent;
  void setup() override {
    on("seen", [](const flat<peer>& p) { return p->seen(); });
    on("next", [](const flat<peer>& p) { return made(p->node()->str() + "!", p->seen() + 1); });
  }
};

} // namespace

TEST_CASE("a handler takes and returns FlatBuffers tables", "[agent][unit]") {
  probe<peers> p;
  CHECK(p.ask("seen", made("n", 41)).as<std::uint64_t>() == 41);
  auto next = p.ask("next", made("n", 41));
  CHECK(next.content_type() == kith::flatbuffers_type);
  auto back = next.as<flat<peer>>();
  REQUIRE(back);
  CHECK((*back)->seen() == 42);
  CHECK((*back)->node()->str() == "n!");
}

TEST_CASE("what is no such table is refused, whatever its bytes are", "[agent][unit]") {
  probe<peers> p;
  auto raw = std::string(kith::as_text(made("a node of some length", 41).raw()));
  auto sent = [&](std::string_view type, const std::string& bytes) {
    return p.ask_raw("seen", type, bytes);
  };
  CHECK(sent(kith::flatbuffers_type, raw).handled());
  CHECK(sent(kith::flatbuffers_type, raw).as<std::uint64_t>() == 41);
  CHECK(sent("application/json", raw).reason() ==
        "payload of seen: expected a payload of type application/x-flatbuffers");
  CHECK(sent(kith::flatbuffers_type, "").refused());
  for (std::size_t size = 0; size + 8 < raw.size(); ++size) { // the last may be padding
    INFO(size);
    CHECK(sent(kith::flatbuffers_type, raw.substr(0, size)).refused());
  }
  // Any one byte changed: refused, or read without harm.
  for (std::size_t at = 0; at < raw.size(); ++at) {
    auto bad = raw;
    bad[at] = char(bad[at] ^ 0xff);
    auto t = sent(kith::flatbuffers_type, bad);
    CHECK((t.handled() || t.refused()));
  }
  CHECK_FALSE(flat<peer>::verified({}));
}
