// What a mailbox counts (docs/METRICS.md). It gathers while it runs and adds what it gathered to
// the series of its agent's type at the end of the step: a message costs no lock and no look-up.
#pragma once

#include "actors/base/agent_meters.hpp"
#include "actors/base/watchdog.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/stream/records.hpp"

namespace kith {

// Why a message became a dead letter.
enum class dead_cause : std::uint8_t {
  failed,  // its handler threw as often as it may
  crashed, // it ended its agent's life
  killed,  // the process stopped each time it was handled
};
inline constexpr std::size_t dead_cause_count = 3;
// By what the dead letter says.
dead_cause cause_of(std::string_view reason);

// The series of one agent type. Outlives the mailboxes.
struct mailbox_series {
  mailbox_series(observe::registry& in, const std::string& type);

  observe::histogram& turns;
  std::array<observe::counter*, 4> dispositions; // handled, refused, expired, dead
  std::array<observe::counter*, dead_cause_count> dead_letters;
};

// What one run of a mailbox did.
class run_tally {
public:
  run_tally(mailbox_series& series, agent_meter& meter, const clock& time)
      : series_(series), meter_(meter), time_(time) {}
  ~run_tally();
  run_tally(const run_tally&) = delete;

  // A turn begins; when.
  time_point begin() {
    if (!chained_) last_ = time_.now();
    return last_;
  }
  void end() {
    const auto now = time_.now();
    const auto took = std::uint64_t(std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count(), 0));
    const auto in = series_.turns.bucket_of(took);
    first_ = std::min(first_, in), behind_ = std::max(behind_, in + 1);
    ++counts_[in], sums_[in] += took;
    last_ = now;
  }
  // From here to `unchain` one turn follows on the other, and begins when that one ended: that
  // spares a look at the clock.
  void chain() { last_ = time_.now(), chained_ = true; }
  void unchain() { chained_ = false; }

  void disposed(disposition d) {
    if (const auto i = std::size_t(d) - 1; i < disposed_.size()) ++disposed_[i];
  }
  void died(dead_cause why) { ++died_[std::size_t(why)]; }

private:
  mailbox_series& series_;
  agent_meter& meter_;
  const clock& time_;
  time_point last_{};
  bool chained_ = false;
  std::size_t first_ = observe::histogram::bounds_max + 1, behind_ = 0; // of what is in use below
  std::array<std::uint32_t, observe::histogram::bounds_max + 1> counts_{};
  std::array<std::uint64_t, observe::histogram::bounds_max + 1> sums_{};
  std::array<std::uint32_t, 4> disposed_{};
  std::array<std::uint32_t, dead_cause_count> died_{};
};

// A turn, while it lives: for the watchdog and for the tally, of which either may be null.
class noted_turn {
public:
  noted_turn(turn_watch* watch, run_tally* tally, std::string_view handler)
      : watch_(watch), tally_(tally) {
    if (tally_ != nullptr) {
      const auto now = tally_->begin();
      if (watch_ != nullptr) watch_->begin(handler, now);
    } else if (watch_ != nullptr) {
      watch_->begin(handler);
    }
  }
  ~noted_turn() {
    if (watch_ != nullptr) watch_->end();
    if (tally_ != nullptr) tally_->end();
  }
  noted_turn(const noted_turn&) = delete;
  noted_turn& operator=(const noted_turn&) = delete;

private:
  turn_watch* watch_;
  run_tally* tally_;
};

} // namespace kith
