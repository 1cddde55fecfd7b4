// What a node keeps in its store, as plain structs and the bytes they become. Every encoding
// carries its version from the first release (semantics.md 28). Rare records are FlatBuffers
// (fbs/record.fbs); the ones that every turn writes (stream states, ledger entries, attempt marks)
// are fixed binary, because they must cost next to nothing.
#pragma once

#include "runtime/stream/envelope.hpp"
#include "runtime/stream/verified.hpp"

#include <string>
#include <vector>

namespace kith::records {

// Every decode: corrupt "bad_record" if the bytes are not what an encode made; unsupported
// "record_version" if a newer Kith wrote them. Texts past text_size_max and blobs past
// blob_size_max do not decode; encode cuts texts.
inline constexpr std::uint8_t version = 1;
inline constexpr std::size_t text_size_max = 4096;
inline constexpr std::size_t blob_size_max = 1 << 20; // sealed keys, ask contexts

// One a store: whose it is.
struct node_record {
  did node;
  std::uint64_t boot_epoch = 1; // raised by a restore
  wall_ms created = 0;
  std::uint32_t format = 1; // of the store's layout: tables and keys
  bool operator==(const node_record&) const = default;
};

// An agent that lives, or lived, here.
struct agent_record {
  did agent;
  std::string type;
  std::string name; // may be empty
  kith::epoch epoch = 1;
  kith::incarnation incarnation = 0;
  wall_ms created = 0;
  bytes sealed_key;     // by the keystore
  did home;             // this node; another one once it was ceded
  bool stopped = false; // it ended itself, and is not started again
  // Its own word that this node speaks for it, where the node does not hold its key: it lives
  // outside of any node, and only its mailbox is here. Encoded; empty for agents.
  bytes delegation;
  did owner;                // may act as it from outside; empty: nobody may
  std::string supervisor;   // that the program declares; empty: the node's own
  std::uint8_t restart = 1; // as enum restart (kith/supervision.hpp): 0 to 2
  std::uint64_t order = 0;  // of its birth on this node; 0: before there was one
  bool operator==(const agent_record&) const = default;
};

// A stream that leaves an agent of this node.
struct stream_out {
  stream_id stream;
  stream_head head;                     // the next position to give out, and the digest before it
  sequence acked = 0;                   // journaled by the recipient's node, up to and including
  sequence trimmed_to = 0;              // envelopes up to and including this one are no longer kept
  std::optional<signed_head> signed_at; // the last head that was signed
  std::uint64_t expired = 0;            // how many became tombstones
  bool operator==(const stream_out&) const = default;
};

// A stream that comes to an agent of this node.
struct stream_in {
  stream_id stream;
  stream_head head;      // the next position to journal, and the digest before it
  sequence consumed = 0; // up to and including: a first segment committed
  bool quarantined = false;
  std::string quarantine_reason;
  bool operator==(const stream_in&) const = default;
};

// Stored: never renumber.
enum class direction : std::uint8_t { out = 0, in = 1 };

// What became of one message.
struct ledger_entry {
  uuid id;
  stream_key stream{}; // zero for QoS 0
  sequence seq = 0;
  enum direction direction = direction::out;
  enum disposition disposition = disposition::none;
  wall_ms when = 0;
  std::string reason; // empty unless refused, expired or dead
  did node;           // the other node; empty: this one
  // The agent here whose stream it is: the first 16 bytes of BLAKE2b over its DID.
  byte_array<16> owner{};
  bool operator==(const ledger_entry&) const = default;
};

struct dead_letter {
  uuid id;
  slice envelope; // its raw bytes; decode checks them with envelope::parse
  std::string reason;
  std::uint32_t attempts = 0;
  wall_ms when = 0;
  did agent; // whose mailbox it died in
};

// An ask whose answer has not come: survives a restart because it is stored with the asking commit.
struct ask_record {
  uuid request;
  did to;
  std::string handler;  // named handler that takes the answer
  bytes context;        // handed to it, encoded by the agent
  wall_ms deadline = 0; // 0: none
  std::string kind;     // that was asked
  sequence seq = 0;     // of the question in its stream; 0: it was volatile
  bool operator==(const ask_record&) const = default;
};

// Synced before a message runs again after an unclean stop (semantics.md 4).
struct attempt_mark {
  std::uint32_t count = 0;   // how often they ran behind it
  sequence from = 0, to = 0; // which positions, both included
  bool operator==(const attempt_mark&) const = default;
};

// Positions of a stream that its recipient's node had, forgot by a restore from backup, and cannot
// have again: its sender keeps nothing that is acknowledged. They were skipped (semantics.md 2).
struct lost_range {
  stream_id stream;
  sequence from = 0, to = 0; // both included
  wall_ms when = 0;
  bool operator==(const lost_range&) const = default;
};

// What waits in the mailbox of a DID outside of any node.
struct pending_state {
  sequence next = 1;       // the position of what comes next
  sequence acked = 0;      // positions up to here were taken by the owner, and are gone
  std::uint64_t bytes = 0; // of the envelopes between
  bool operator==(const pending_state&) const = default;
};

// What this node knows of another one.
struct peer_record {
  did node;
  std::vector<std::string> addresses; // at most 64
  journal_position seen = 0; // the highest of its journal that was ever seen (semantics.md 2)
  std::uint64_t boot_epoch = 0;
  bool operator==(const peer_record&) const = default;
};

bytes encode(const node_record& r);
bytes encode(const agent_record& r);
bytes encode(const stream_out& r);
bytes encode(const stream_in& r);
bytes encode(const ledger_entry& r);
bytes encode(const dead_letter& r);
bytes encode(const ask_record& r);
bytes encode(const attempt_mark& r);
bytes encode(const lost_range& r);
bytes encode(const pending_state& r);
bytes encode(const peer_record& r);

// Defined for exactly the records above: records::decode<records::stream_in>(value).
template <class Record> result<Record> decode(byte_view value) = delete;
template <> result<node_record> decode<node_record>(byte_view value);
template <> result<agent_record> decode<agent_record>(byte_view value);
template <> result<stream_out> decode<stream_out>(byte_view value);
template <> result<stream_in> decode<stream_in>(byte_view value);
template <> result<ledger_entry> decode<ledger_entry>(byte_view value);
template <> result<dead_letter> decode<dead_letter>(byte_view value);
template <> result<ask_record> decode<ask_record>(byte_view value);
template <> result<attempt_mark> decode<attempt_mark>(byte_view value);
template <> result<lost_range> decode<lost_range>(byte_view value);
template <> result<pending_state> decode<pending_state>(byte_view value);
template <> result<peer_record> decode<peer_record>(byte_view value);

} // namespace kith::records
