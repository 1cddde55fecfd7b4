// A timer, as its agent's node stores it: one record, put anew with each of its firings.
#pragma once

#include "runtime/base/uuid.hpp"
#include "runtime/schedule/schedule.hpp"

namespace kith::records {

struct timer_record {
  static constexpr std::size_t id_size_max = 255;
  static constexpr std::size_t kind_size_max = 255;
  static constexpr std::size_t content_type_size_max = 255;
  static constexpr std::size_t payload_size_max = 64 << 10;
  static constexpr std::uint8_t missed_max = 2;

  std::string id;   // the agent's choice
  std::string kind; // of the handler
  std::string content_type;
  bytes payload;
  schedule_spec when;
  std::uint8_t missed = 1; // enum missed (kith/timers.hpp): 0 to 2
  uuid set;                // new each time that it is set
  wall_ms due = 0;         // the next firing's
  std::uint64_t fired = 0; // how many there were
  // How often the next firing began behind a mark, after an unclean stop (semantics.md 4).
  std::uint32_t marks = 0;
  bool operator==(const timer_record&) const = default;
};

bytes encode(const timer_record& r);
// corrupt "bad_record" if the bytes are not what encode made of a record within these bounds;
// unsupported "record_version" if a newer Kith wrote them. Whether the cron expression and the zone
// are good is not looked at.
result<timer_record> decode_timer(byte_view value);

} // namespace kith::records
