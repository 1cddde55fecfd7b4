// One frame of each type with every field filled, for the tests of this room and for the
// written-down vectors.
#pragma once

#include "protocols/kith/frames.hpp"

namespace kith::wire {

inline did a_did(const std::string& name) { return *did::parse("did:x:" + name); }

inline stream_id a_stream() {
  return {a_did("alice"), a_did("bob"), lane::answer, 0x1122334455667788};
}

template <std::size_t N> byte_array<N> filled(std::uint8_t with) {
  byte_array<N> out;
  out.fill(with);
  return out;
}

inline envelope an_envelope(sequence seq, const digest& previous, std::size_t payload_size) {
  bytes payload(payload_size, std::uint8_t(seq));
  envelope_fields f;
  f.id.octets = filled<16>(std::uint8_t(seq));
  f.from = "did:x:alice";
  f.to = "did:x:bob";
  f.kind = "greet";
  f.payload = payload;
  f.qos = seq == 0 ? qos::at_most_once : qos::exactly_once;
  f.lane = lane::answer;
  f.incarnation = seq == 0 ? 0 : 0x1122334455667788;
  f.seq = seq;
  f.previous = previous;
  return envelope::build(f);
}

inline std::vector<frame> samples() {
  auto one = an_envelope(1, {}, 5), two = an_envelope(2, one.hash(), 12),
       loose = an_envelope(0, {}, 3);
  signed_head signature{2, two.hash(), filled<64>(0x51)};
  return {
      hello{1,
            1,
            a_did("node-a"),
            3,
            filled<32>(0xab),
            "a",
            {"127.0.0.1:4001", "[::1]:4001"},
            100,
            90},
      welcome{1},
      refused{refusal::bad_proof, "wrong secret"},
      goodbye{parting::shutdown, "bye"},
      ping{0x0102030405060708},
      pong{0x0102030405060708},
      delegations{{bytes{1, 2, 3}, bytes{4}}},
      streams{{{a_stream(), {42, filled<32>(0x11)}}}},
      positions{{{a_stream(), {40, filled<32>(0x12)}, 140, 1 << 20}}},
      stream_open{1, a_stream(), {42, filled<32>(0x11)}},
      stream_open{2, a_stream(), {42, {}}, stream_head{31, filled<32>(0x13)}},
      ack{{{1, 41, 141, 1 << 20}, {2, 7, 100, 4096}}, 12345},
      backfill_request{1, 41, 57},
      not_here{1, absence::moved},
      fork{1, 41, filled<32>(0x21), filled<32>(0x22)},
      batch{1, 1, signature, {{0, one.raw()}, {60'000, two.raw()}}},
      batch{1, 1, std::nullopt, {{0, one.raw()}}},
      volatile_batch{{{0, loose.raw()}}},
      fragment{1, 42, 64, 200, 60'000, slice(bytes(64, 0x77))},
      directory{a_did("node-a"),
                true,
                false,
                {{a_did("alice"), "greeter", "desk", 2, false, {{"greet", "Greets a person"}}},
                 {a_did("old"), "", "", 1, true, {}}}},
      members{{{a_did("node-b"), "b", {"10.0.0.2:4001"}, 1, member_state::suspect, 7}}},
  };
}

// Frames with slices have no operator==.
inline bool same(const std::vector<batch::item>& a, const std::vector<batch::item>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.time_to_live_ms == y.time_to_live_ms && equal(x.raw, y.raw);
  });
}
inline bool same(const frame& a, const frame& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& x) {
        using type = std::decay_t<decltype(x)>;
        const auto& y = std::get<type>(b);
        if constexpr (std::is_same_v<type, batch>)
          return x.number == y.number && x.first == y.first && x.head == y.head &&
                 same(x.items, y.items);
        else if constexpr (std::is_same_v<type, volatile_batch>)
          return same(x.items, y.items);
        else if constexpr (std::is_same_v<type, fragment>)
          return x.number == y.number && x.seq == y.seq && x.offset == y.offset &&
                 x.total_size == y.total_size && x.time_to_live_ms == y.time_to_live_ms &&
                 equal(x.part, y.part);
        else
          return x == y;
      },
      a);
}

} // namespace kith::wire
