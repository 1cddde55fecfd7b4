// The timers of one agent: which there are, which of them is due, and what a firing leaves of it.
// Used by the mailbox and by the test probe. Pure: it is told the time; who stores the records is
// told of each change.
#pragma once

#include "runtime/schedule/timer_record.hpp"

#include <kith/timers.hpp>
#include <map>

namespace kith {

// What a turn asks for, by id: a timer, or its end.
using timer_changes = std::map<std::string, std::optional<records::timer_record>, std::less<>>;

class timer_table {
public:
  static constexpr std::size_t count_max = 1000;
  // Firings of one timer that missed::all catches up with; older ones are dropped.
  static constexpr std::size_t catch_up_max = 1000;
  // Later than this is too late for missed::skip.
  static constexpr wall_ms late_ms_max = 60'000;

  struct entry {
    records::timer_record record;
    std::optional<schedule> when; // nothing: `problem` says why it cannot be told
    std::string problem;
    // Of the firing that is being tried; not stored.
    std::uint32_t attempts = 0;
    wall_ms trying = 0;          // its time; 0: none is
    std::uint64_t missed = 0;    // left out before it
    wall_ms upto = 0;            // with missed::all: these are all to fire
    std::uint64_t marked_by = 0; // the mailbox's step that wrote its mark
    bool recovered = false;      // it may have been under way when the process stopped
    bool set_apart = false;      // has waited, so that its mark stands alone
    time_point not_before{};     // of the next try
  };

  // What is to fire. `fire` false: it was left out, and consume() moves on.
  struct firing {
    bool fire = true;
    wall_ms due = 0;          // of this firing
    std::uint64_t number = 1; // n
    std::uint64_t missed = 0; // times left out before it
  };

  entry& set(records::timer_record r);
  bool cancel(std::string_view id); // false: there is none
  const entry* find(std::string_view id) const;
  entry* find(std::string_view id);
  std::size_t count() const { return timers_.size(); }
  void clear();
  template <class F> void each(F&& visit) const {
    for (const auto& [id, e] : timers_) visit(e);
  }

  // The one that is due the longest and may be tried now; nullptr: none.
  entry* next_due(wall_ms wall, time_point now);
  // Decides which firing of `e`, which is due, is the next one. The same again until consume().
  firing judge(entry& e, wall_ms wall) const;
  // The firing is done with: the timer's next time, or its end. True: it is still there, with a
  // record to be put; false: `e` is gone.
  bool consume(entry& e, const firing& f);
  // Not before then.
  void defer(entry& e, time_point until);
  // How long until next_due has something, if the wall clock goes on as it does; nothing: never.
  std::optional<duration> due_in(wall_ms wall, time_point now) const;

  static timer_info describe(const records::timer_record& r, std::string_view problem);

private:
  using table = std::map<std::string, entry, std::less<>>;
  void arm(entry& e);
  void disarm(const entry& e);

  table timers_;
  std::multimap<wall_ms, entry*> due_;
  std::multimap<time_point, entry*> deferred_;
};

// The id of a firing as a message: the same for each try, also after a restart.
uuid firing_id(const records::timer_record& r, std::uint64_t number);

} // namespace kith
