// The frames of /kith/stream/1 as values: what two nodes say to each other on the one stream
// between them. README.md of this folder has the bytes. Everything here is plain data; encode.hpp
// and decode.hpp turn it into bytes and back.
//
// A stream's *number* is given by the node that sends its envelopes, per connection, with
// stream_open; what the other side says about that stream (ack, backfill_request, not_here, fork)
// uses the same number. 0 is never given.
#pragma once

#include "runtime/stream/envelope.hpp"
#include "runtime/stream/verified.hpp"

#include <variant>

namespace kith::wire {

inline constexpr std::string_view protocol_name = "/kith/stream/1";
inline constexpr std::uint16_t version_min = 1; // what this code speaks
inline constexpr std::uint16_t version_max = 2;
inline constexpr std::uint16_t version_at_least_once = 2; // takes envelopes of QoS 1

inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t frame_size_max =
    64 << 10; // of a whole frame, header included (semantics.md 9)
inline constexpr std::size_t body_size_max = frame_size_max - header_size;
inline constexpr std::size_t batch_count_max = 1024; // envelopes in one batch or volatile frame
inline constexpr std::size_t list_count_max = 4096;  // entries in any list of a control frame
inline constexpr std::size_t name_size_max =
    255; // node names, agent types and names, capability kinds
inline constexpr std::size_t text_size_max = 1024;       // reasons and descriptions for a person
inline constexpr std::size_t address_size_max = 255;     // one listen address
inline constexpr std::size_t addresses_max = 16;         // of one node
inline constexpr std::size_t advertised_max = 32;        // capabilities of one agent
inline constexpr std::size_t delegation_size_max = 2048; // one encoded delegation

// On the wire: never renumber, only append. Types from 32 to 47 carry envelopes.
enum class frame_type : std::uint8_t {
  hello = 1,
  welcome = 2,
  refused = 3,
  goodbye = 4,
  ping = 5,
  pong = 6,
  delegations = 16,
  streams = 17,
  positions = 18,
  stream_open = 19,
  ack = 20,
  backfill_request = 21,
  not_here = 22,
  fork = 23,
  batch = 32,
  volatile_batch = 33,
  fragment = 34,
  directory = 48,
  members = 49,
};
std::string_view to_string(frame_type type);

// Which of a link's two queues a frame belongs to; control is always written first.
enum class lane_kind : std::uint8_t { control, data };
constexpr lane_kind lane_of(frame_type type) {
  return std::uint8_t(type) / 16 == 2 ? lane_kind::data : lane_kind::control;
}

using stream_number = std::uint32_t;

// The first frame of each side.
struct hello {
  std::uint16_t version_min = wire::version_min, version_max = wire::version_max;
  did node;
  std::uint64_t boot_epoch = 0;
  byte_array<32> proof{}; // cluster_proof() of session.hpp
  std::string name;
  std::vector<std::string> addresses; // where I listen: "host:port"
  journal_position synced = 0;        // of my own journal
  journal_position seen_of_you =
      0; // the highest position of yours that I ever saw (semantics.md 2)
  bool operator==(const hello&) const = default;
};

// "Your hello is good"; the version both will speak.
struct welcome {
  std::uint16_t version = wire::version_max;
  bool operator==(const welcome&) const = default;
};

// On the wire: never renumber.
enum class refusal : std::uint16_t {
  other = 0,
  bad_proof = 1,
  no_common_version = 2,
  wrong_node = 3,
  duplicate = 4
};
// "Your hello is not"; the stream ends after it.
struct refused {
  refusal code = refusal::other;
  std::string text;
  bool operator==(const refused&) const = default;
};

// On the wire: never renumber.
enum class parting : std::uint16_t {
  other = 0,
  shutdown = 1,
  protocol_error = 2,
  replaced = 3,
  rewound = 4
};
struct goodbye {
  parting code = parting::other;
  std::string text;
  bool operator==(const goodbye&) const = default;
};

struct ping {
  std::uint64_t nonce = 0;
  bool operator==(const ping&) const = default;
};
struct pong {
  std::uint64_t nonce = 0;
  bool operator==(const pong&) const = default;
};

struct delegations {
  std::vector<bytes> encoded; // each as runtime/identity encodes a delegation; not looked into here
  bool operator==(const delegations&) const = default;
};

// What the sender of a stream has to send, at (re)connection.
struct streams {
  struct entry {
    stream_id stream;
    stream_head head; // the next position that it will give out, and the digest before it
    bool operator==(const entry&) const = default;
  };
  std::vector<entry> list;
  bool operator==(const streams&) const = default;
};

// What the recipient has of them: its answer to `streams` and `stream_open`.
struct positions {
  struct entry {
    stream_id stream;
    stream_head
        head; // the next position it expects (all before are journaled), and the digest before it
    sequence credit_seq = 0; // the highest position that may be sent
    std::uint64_t credit_bytes =
        0; // bytes of envelopes that may be sent, counted from the connection's start
    bool operator==(const entry&) const = default;
  };
  std::vector<entry> list;
  bool operator==(const positions&) const = default;
};

// Gives a stream its number on this connection, before first use.
struct stream_open {
  stream_number number = 0;
  stream_id stream;
  stream_head head; // as in `streams`
  // The first position that its sender still has, and the digest before it. Only to a recipient
  // that has forgotten what it had journaled: it may skip to there.
  std::optional<stream_head> kept = {};
  bool operator==(const stream_open&) const = default;
};

// Cumulative, and credit with it. Means: journaled and synced (semantics.md 3).
struct ack {
  struct entry {
    stream_number number = 0;
    sequence acked = 0;
    sequence credit_seq = 0;
    std::uint64_t credit_bytes = 0; // as in positions
    bool operator==(const entry&) const = default;
  };
  std::vector<entry> list;
  journal_position synced = 0; // of the acking node
  bool operator==(const ack&) const = default;
};

// "Send me from..to", both included.
struct backfill_request {
  stream_number number = 0;
  sequence from = 0, to = 0;
  bool operator==(const backfill_request&) const = default;
};

// On the wire: never renumber.
enum class absence : std::uint8_t {
  unknown = 0,
  moved = 1,
  stopped = 2,
  quarantined = 3,
  not_delegated = 4
};
// The stream's recipient is not on this node, or the stream is not taken.
struct not_here {
  stream_number number = 0;
  absence reason = absence::unknown;
  bool operator==(const not_here&) const = default;
};

// Two different envelopes for one position (semantics.md 1); the stream is quarantined.
struct fork {
  stream_number number = 0;
  sequence seq = 0;
  digest have{}; // what the recipient holds at `seq`
  digest got{};  // what came
  bool operator==(const fork&) const = default;
};

// Envelopes of one stream with rising, consecutive positions from `first`. Envelopes are slices of
// the frame's own buffer, 8-aligned, unverified: envelope::parse comes next. A slice keeps its
// whole frame (at most 64 KiB) alive.
struct batch {
  struct item {
    std::uint64_t time_to_live_ms = 0; // what remains; 0: never expires
    slice raw;
  };
  stream_number number = 0;
  sequence first = 0;
  std::optional<signed_head>
      head; // evidence for up to and including its seq; the only content of an empty batch
  std::vector<item> items;
};

// QoS 0: of any sender and recipient, outside every stream.
struct volatile_batch {
  std::vector<batch::item> items;
};

// A part of an envelope that does not fit a batch. Parts come in order, `offset` rising without
// gaps; parts of several streams may interleave. number 0: a QoS 0 envelope.
struct fragment {
  stream_number number = 0;
  sequence seq = 0; // 0 for QoS 0
  std::uint32_t offset = 0;
  std::uint32_t total_size = 0; // of the whole envelope
  std::uint64_t time_to_live_ms = 0;
  slice part;
  bool last() const { return std::uint64_t(offset) + part.size() == total_size; }
};

// Which agents a node is home to.
struct directory {
  struct capability {
    std::string kind, about;
    bool operator==(const capability&) const = default;
  };
  struct entry {
    did agent;
    std::string type, name;
    kith::epoch epoch = 0;
    bool removed = false;
    std::vector<capability> advertised;
    bool operator==(const entry&) const = default;
  };
  did node;
  bool full = false; // forget what was known of this node; otherwise a change to it
  bool more = false; // further frames of the same listing follow
  std::vector<entry> list;
  bool operator==(const directory&) const = default;
};

// On the wire: never renumber.
enum class member_state : std::uint8_t { alive = 0, suspect = 1, down = 2, left = 3 };
struct members {
  struct entry {
    did node;
    std::string name;
    std::vector<std::string> addresses;
    std::uint64_t boot_epoch = 0;
    member_state state = member_state::alive;
    std::uint64_t counter =
        0; // a higher one overrides; raised by the node itself to refute a suspicion
    bool operator==(const entry&) const = default;
  };
  std::vector<entry> list;
  bool operator==(const members&) const = default;
};

using frame = std::variant<hello, welcome, refused, goodbye, ping, pong, delegations, streams,
                           positions, stream_open, ack, backfill_request, not_here, fork, batch,
                           volatile_batch, fragment, directory, members>;
frame_type type_of(const frame& f);

} // namespace kith::wire
