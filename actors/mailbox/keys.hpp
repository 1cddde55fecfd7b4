// Where a mailbox's records lie in the store. Keys are short and fixed in shape, so that a range is
// one stream, one agent or one kind of record. The first byte names the kind and is never reused
// for another.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/stream/stream_id.hpp"

namespace kith::keys {

// The first 16 bytes of BLAKE2b over a DID's text: DIDs are long, keys are many.
using agent_key = byte_array<16>;
agent_key of(const did& agent);

// table::state
bytes node();
bytes agent(const agent_key& a);
bytes agents_begin();
bytes cell(const agent_key& a, std::string_view name);
bytes out_stream(const agent_key& from, const stream_key& s);
bytes in_stream(const agent_key& to, const stream_key& s);
// That a local sender has opened a stream to `to`; written once by the sender, so that the
// recipient finds its queue.
bytes local_stream(const agent_key& to, const stream_key& s);
bytes ask(const agent_key& a, const uuid& request);
// A handler that awaits something, by its origin; and its segments, in order.
bytes handler(const agent_key& a, const byte_array<16>& origin);
bytes journal(const agent_key& a, const byte_array<16>& origin, std::uint32_t segment);
byte_array<16> handler_origin(byte_view key); // of both kinds
bytes mark(const agent_key& a, const stream_key& s);
// Positions of an incoming stream that a restore lost, by the first.
bytes lost(const agent_key& to, const stream_key& s, sequence from);
bytes pending_state(const agent_key& a);
bytes timer(const agent_key& a, std::string_view id);
bytes peer(const agent_key& node);
bytes peers_begin();
// A key history that is served, by its subject.
bytes history(const agent_key& subject);
bytes histories_begin();

// table::queue: envelopes, by position. An inbox key may end in the wall-clock instant (ms, this
// node's clock) at which its envelope expires; outbox keys never do.
bytes outbox(const stream_key& s, sequence seq);
bytes inbox(const stream_key& s, sequence seq, wall_ms expires = 0);
// What waits for an owner outside of any node, by its position there.
bytes pending(const agent_key& a, sequence position);
sequence queue_seq(byte_view key);    // of all three kinds
wall_ms queue_expires(byte_view key); // 0: never

// table::ledger
bytes sent(const uuid& id);
bytes received(const uuid& id);
bytes dead(const uuid& id);
bytes dead_begin();

// That a record lies where its content says: corrupt "misplaced_record". Recovery holds each to it,
// so that no two are for the same thing.
result<void> check_place(byte_view found, byte_view own, std::string_view what);

// The smallest key greater than every key that begins with `prefix`.
bytes end_of(bytes prefix);
// The prefix of all records of one agent and kind, by an example key of that kind.
bytes prefix(byte_view example, std::size_t count);
inline constexpr std::size_t agent_prefix_size = 17; // kind byte and agent key
inline constexpr std::size_t queue_prefix_size = 17; // kind byte and stream key

} // namespace kith::keys
