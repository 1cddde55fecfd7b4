// What a node keeps of a handler that awaits something (semantics.md 10, 14, 15): one record of its
// beginning, and one for each segment that it has behind it. Together they are its journal, from
// which it is run again after a restart. Fixed binary, like all records that turns write.
#pragma once

#include "runtime/stream/records.hpp"

#include <optional>

namespace kith::records {

// Which await of a handler: its branch ("" is the handler's own, those of all() and any() have a
// path), and the how manyth in that branch, from 0.
struct step_ref {
  std::string branch;
  std::uint32_t ordinal = 0;
  auto operator<=>(const step_ref&) const = default;
};

// Stored: never renumber.
enum class step_type : std::uint8_t { ask = 1, sleep = 2, until = 3, once = 4 };
std::string_view to_string(step_type t);

struct step_begun {
  step_ref at;
  step_type type = step_type::ask;
  // once: what was in flight when the process stopped is told to the handler and not tried again.
  bool tell_doubt = false;
  std::string name; // of a once; of an ask its kind and whom
  uuid request;     // ask
  wall_ms due = 0;  // sleep, until
  bool operator==(const step_begun&) const = default;
};

// Stored: never renumber. 1 to 5 are ask_status (kith/message.hpp).
enum class step_status : std::uint8_t {
  ok = 1,
  refused = 2,
  expired = 3,
  dead = 4,
  timeout = 5,
  overloaded = 6,
  failed = 7,   // once: its function threw every time
  in_doubt = 8, // once: it was in flight at a crash
  cancelled = 9,
  deadline = 10, // cancelled, because its asker's deadline passed
};

struct step_result {
  step_ref at;
  step_status status = step_status::ok;
  std::string reason;
  std::string content_type;
  bytes payload;
  bool operator==(const step_result&) const = default;
};

// A durable as the segment first read it, in its stored form.
struct cell_read {
  std::string name;
  bytes value;
  bool operator==(const cell_read&) const = default;
};
struct code_version {
  std::string name;
  std::uint32_t number = 0;
  bool operator==(const code_version&) const = default;
};

// One turn of a handler: what began it, what it read, and what it awaits since.
struct segment {
  static constexpr std::size_t entries_max = 100'000;       // of each list
  static constexpr std::size_t payload_size_max = 17 << 20; // of a result or a read
  static constexpr std::size_t branch_size_max = 1024;

  wall_ms now = 0;
  std::uint64_t seed = 0;             // of its random numbers and ids
  std::optional<step_result> resumed; // not of the first
  std::vector<cell_read> reads;
  std::vector<std::uint32_t> refused; // which of its sends found the agent overloaded
  std::vector<std::string> hosted;    // what the host answered: DIDs of spawned agents and nodes
  std::vector<code_version> versions;
  std::vector<step_begun> begun;
  std::vector<step_ref> dropped; // losers of an any()
  bool operator==(const segment&) const = default;
};

struct timer_fired {
  std::string timer;
  std::uint64_t n = 0, missed = 0;
  wall_ms due = 0;
  bool operator==(const timer_fired&) const = default;
};

// How it began, and if it died what is needed to look at it and to go on.
struct handler_start {
  byte_array<16> origin{}; // names the handler, and is part of each step's key
  did from;
  stream_key stream{}; // zero for QoS 0
  sequence seq = 0;
  // If a timer began it, and no message: the envelope is then as if the agent had told it itself.
  std::optional<timer_fired> fired;
  slice envelope; // raw; decode checks it with envelope::parse
  wall_ms started = 0;
  wall_ms expires = 0; // when it is cancelled: the asker's deadline, or somebody's wish; 0: never
  bool dead = false;
  std::string reason; // of its death, or why it is cancelled before its deadline
  std::uint32_t attempts = 0;
  wall_ms when = 0;
  std::optional<step_result> stuck; // what it could not go on from
  // The dead letter was sent again: whom and what its end is told, in place of the above. `stream`
  // and `seq` are this one's then.
  did replay_from;
  slice replay;
};

bytes encode(const segment& s);
bytes encode(const handler_start& h);
template <> result<segment> decode<segment>(byte_view value);
template <> result<handler_start> decode<handler_start>(byte_view value);

} // namespace kith::records
