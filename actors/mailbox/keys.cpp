#include "actors/mailbox/keys.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith::keys {

namespace {

// Kinds of record. 0x00 belongs to the store itself.
enum kind : std::uint8_t {
  kind_node = 'n',
  kind_agent = 'a',
  kind_cell = 'c',
  kind_out_stream = 'o',
  kind_in_stream = 'i',
  kind_local_stream = 'x',
  kind_ask = 'k',
  kind_mark = 'm',
  kind_peer = 'p',
  kind_sent = 's',
  kind_received = 'r',
  kind_dead = 'd',
  kind_pending = 'w',
  kind_handler = 'e',
  kind_journal = 'j',
  kind_history = 'h',
  kind_timer = 't',
  kind_lost = 'l',
};

bytes join(kind k, byte_view a, byte_view b = {}) {
  bytes out;
  out.reserve(1 + a.size() + b.size() + 16);
  out.push_back(k);
  append(out, a);
  append(out, b);
  return out;
}

bytes queue(kind k, const stream_key& s, sequence seq) {
  auto out = join(k, s);
  put_u64(out, seq);
  return out;
}

} // namespace

agent_key of(const did& agent) { return crypto::blake2b_128(as_bytes(agent.text())); }

bytes node() { return join(kind_node, {}); }
bytes agent(const agent_key& a) { return join(kind_agent, a); }
bytes agents_begin() { return join(kind_agent, {}); }
bytes cell(const agent_key& a, std::string_view name) { return join(kind_cell, a, as_bytes(name)); }
bytes out_stream(const agent_key& from, const stream_key& s) {
  return join(kind_out_stream, from, s);
}
bytes in_stream(const agent_key& to, const stream_key& s) { return join(kind_in_stream, to, s); }
bytes local_stream(const agent_key& to, const stream_key& s) {
  return join(kind_local_stream, to, s);
}
bytes lost(const agent_key& to, const stream_key& s, sequence from) {
  auto out = join(kind_lost, to, s);
  put_u64(out, from);
  return out;
}
bytes ask(const agent_key& a, const uuid& request) { return join(kind_ask, a, request.view()); }
bytes handler(const agent_key& a, const byte_array<16>& origin) {
  return join(kind_handler, a, origin);
}
bytes journal(const agent_key& a, const byte_array<16>& origin, std::uint32_t segment) {
  auto out = join(kind_journal, a, origin);
  put_u32(out, segment);
  return out;
}
byte_array<16> handler_origin(byte_view key) {
  byte_array<16> origin{};
  if (key.size() >= 33) std::copy_n(key.begin() + 17, origin.size(), origin.begin());
  return origin;
}
bytes mark(const agent_key& a, const stream_key& s) { return join(kind_mark, a, s); }

bytes timer(const agent_key& a, std::string_view id) { return join(kind_timer, a, as_bytes(id)); }

bytes pending_state(const agent_key& a) { return join(kind_pending, a); }

bytes peer(const agent_key& node) { return join(kind_peer, node); }
bytes peers_begin() { return join(kind_peer, {}); }
bytes history(const agent_key& subject) { return join(kind_history, subject); }
bytes histories_begin() { return join(kind_history, {}); }

bytes outbox(const stream_key& s, sequence seq) { return queue(kind_out_stream, s, seq); }
bytes inbox(const stream_key& s, sequence seq, wall_ms expires) {
  auto out = queue(kind_in_stream, s, seq);
  if (expires != 0) put_u64(out, std::uint64_t(expires));
  return out;
}
bytes pending(const agent_key& a, sequence position) { return queue(kind_pending, a, position); }
sequence queue_seq(byte_view key) { return key.size() >= 25 ? get_u64(key.data() + 17) : 0; }
wall_ms queue_expires(byte_view key) {
  return key.size() >= 33 ? wall_ms(get_u64(key.data() + 25)) : 0;
}

bytes sent(const uuid& id) { return join(kind_sent, id.view()); }
bytes received(const uuid& id) { return join(kind_received, id.view()); }
bytes dead(const uuid& id) { return join(kind_dead, id.view()); }
bytes dead_begin() { return join(kind_dead, {}); }

result<void> check_place(byte_view found, byte_view own, std::string_view what) {
  if (equal(found, own)) return {};
  return fail(errc::corrupt, "misplaced_record",
              "the record of " + std::string(what) + " lies under another key than its own");
}

bytes end_of(bytes prefix) {
  while (!prefix.empty() && prefix.back() == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

bytes prefix(byte_view example, std::size_t count) { return to_bytes(example.first(count)); }

} // namespace kith::keys
