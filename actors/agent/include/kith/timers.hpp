// Timers: what an agent has started later, once or again and again. A timer is stored with the turn
// that sets it and survives restarts; each of its firings is a turn of the named handler, with the
// agent itself as the sender, and is consumed by that turn's commit: never lost, and never twice
// (semantics.md 18). docs/how-to/timers.md shows them at work.
#pragma once

#include <kith/sending.hpp>
#include <vector>

namespace kith {

class agent_core;

// What becomes of firings that are late, because the node was down, or its clock was set forward.
// Stored: never renumber.
enum class missed : std::uint8_t {
  skip = 0, // what is more than a minute late is left out
  once = 1, // of all that are due one fires, with the time of the last
  all = 2   // each fires, in order; of more than 1000 the last 1000
};

struct timer_options {
  enum missed missed = missed::once;
};

// One that is set.
struct timer_info {
  std::string id;
  std::string kind;
  std::int64_t due_ms = 0; // the next firing's; 0: never, `problem` says why
  std::uint64_t fired = 0; // how often it has
  std::string schedule;    // "once", "every 60000 ms", "0 9 * * MON-FRI Europe/Berlin"
  enum missed missed = missed::once;
  std::string problem; // its time zone is not there any more; empty: none
};

// The part of kith::agent that is about timers. To be called in handlers. An id is the agent's own
// choice (1 to 255 bytes): what is set under one that exists replaces it, with a count of its own.
// A payload has at most 64 KiB, an agent at most 1000 timers. What makes no sense (a time past the
// year 9999, a period under 100 ms, a bad cron expression, an unknown zone) and a timer too many
// refuse the turn, and say why; a kind that has no handler is a defect, and throws.
class timer_calls {
protected:
  using missed = kith::missed;
  using timer_options = kith::timer_options;
  using timer_info = kith::timer_info;

  explicit timer_calls(agent_core& core) : timer_core_(core) {}
  ~timer_calls() = default;

  // Once, after a while. A delay below 0 counts as 0.
  template <class T = std::string_view>
  void after(std::string_view id, timespan delay, std::string_view kind, const T& value = {},
             const timer_options& o = {}) {
    set_after(id, delay.ms, kind, encode(value), o);
  }
  // Once, at an instant (milliseconds since the Unix epoch): at once if it has passed.
  template <class T = std::string_view>
  void at(std::string_view id, std::int64_t instant_ms, std::string_view kind, const T& value = {},
          const timer_options& o = {}) {
    set_at(id, instant_ms, kind, encode(value), o);
  }
  // Again and again, for the first time after one period. The distances are kept from then on, how
  // long the turns may take.
  template <class T = std::string_view>
  void every(std::string_view id, timespan period, std::string_view kind, const T& value = {},
             const timer_options& o = {}) {
    set_every(id, period.ms, kind, encode(value), o);
  }
  // As crontab(5) has it, five fields, by the clocks of a time zone ("Europe/Berlin", "UTC"):
  // cron("report", "0 9 * * MON-FRI", "Europe/Berlin", "report"). A local time that is jumped over
  // fires at the jump, one that comes twice the first time.
  template <class T = std::string_view>
  void cron(std::string_view id, std::string_view expression, std::string_view zone,
            std::string_view kind, const T& value = {}, const timer_options& o = {}) {
    set_cron(id, expression, zone, kind, encode(value), o);
  }
  // Whether there was one.
  bool cancel_timer(std::string_view id);
  // As this turn has made them, by id.
  std::vector<timer_info> timers() const;

private:
  void set_after(std::string_view id, std::int64_t delay_ms, std::string_view kind, encoded value,
                 const timer_options& o);
  void set_at(std::string_view id, std::int64_t instant_ms, std::string_view kind, encoded value,
              const timer_options& o);
  void set_every(std::string_view id, std::int64_t period_ms, std::string_view kind, encoded value,
                 const timer_options& o);
  void set_cron(std::string_view id, std::string_view expression, std::string_view zone,
                std::string_view kind, encoded value, const timer_options& o);

  agent_core& timer_core_;
};

} // namespace kith
