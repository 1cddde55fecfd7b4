// What goes with a tell or an ask, and what comes back at once.
#pragma once

#include "runtime/stream/qos.hpp"

#include <concepts>
#include <kith/message.hpp>

namespace kith {

// Names the handler, registered with on_answer, that a later turn runs when the answer comes.
struct then {
  std::string_view handler;
};

struct tell_options {
  enum qos qos = qos::exactly_once;
  std::uint64_t time_to_live_ms = 0; // 0: waits for the recipient for ever
  uuid id{};                         // nil: a new one
};
struct ask_options {
  std::uint64_t deadline_ms = 30'000; // then the handler gets ask_status::timeout
  std::string_view context{}; // stored with the ask, and given back with the answer; at most 64 KiB
};

// Milliseconds, or any std::chrono::duration (without <chrono>, which would double the time that
// this header takes).
struct timespan {
  template <std::integral I> constexpr timespan(I count_ms) : ms(std::int64_t(count_ms)) {}
  template <class D>
  requires requires { typename D::period; }
  constexpr timespan(D d) : ms(std::int64_t(d.count() * D::period::num * 1000 / D::period::den)) {}
  std::int64_t ms;
};

// What a handler finds that awaited a once() while the process stopped, so that nobody knows
// whether its function ran.
enum class if_in_doubt : std::uint8_t {
  retry, // it is run again, with the same key
  tell,  // the await throws kith::in_doubt
};

// Overloaded: the agent has more on its way than it may (semantics.md 8); nothing was emitted. For
// an agent that outruns its recipients; the others may ignore it.
class send_result {
public:
  send_result() = default;
  explicit send_result(const uuid& id) : id_(id), accepted_(true) {}
  bool accepted() const { return accepted_; }
  bool overloaded() const { return !accepted_; }
  explicit operator bool() const { return accepted_; }
  // Of the message; of an ask, what answer::request_id() will be. Nil if overloaded.
  const uuid& id() const { return id_; }

private:
  uuid id_{};
  bool accepted_ = false;
};

// To whom: a DID, or its text. Text that is no DID refuses the turn.
class recipient {
public:
  recipient(const did& to) : to_(to) {}
  recipient(std::string_view to);
  recipient(const std::string& to) : recipient(std::string_view(to)) {}
  recipient(const char* to) : recipient(std::string_view(to)) {}
  const did& get() const { return to_; }

private:
  did to_;
};

} // namespace kith
