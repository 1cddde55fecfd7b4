// What a handler is given: a message, or the answer to something that it asked. Both are views that
// live as long as the turn; what is to last longer is copied out of them.
#pragma once

#include "runtime/base/uuid.hpp"

#include <kith/payload.hpp>

namespace kith {

// Which firing of which timer began a turn (kith/timers.hpp).
struct timer_firing {
  std::string_view id;
  std::uint64_t n = 1;      // counts the timer's firings
  std::int64_t due_ms = 0;  // when it was to begin
  std::uint64_t missed = 0; // its times that were left out before, as its policy says; of cron more
                            // than 1000 are only known to be more
};

// Views; neither DID is null.
struct message_fields {
  uuid id;
  const did* from = nullptr;
  const did* to = nullptr;
  std::string_view kind;
  std::string_view content_type;
  byte_view payload;
  std::int64_t created_ms = 0;
  bool wants_answer = false;
  std::string_view trace;
  const timer_firing* timer = nullptr;
};

class message : public payload_view {
public:
  explicit message(const message_fields& f) : payload_view(f.content_type, f.payload), fields_(f) {}
  message(const message&) = delete; // a view: copy what you need out of it
  message& operator=(const message&) = delete;

  const uuid& id() const { return fields_.id; }
  const did& from() const { return *fields_.from; }
  const did& to() const { return *fields_.to; }
  std::string_view kind() const { return fields_.kind; }
  // When the sender made it: milliseconds since the Unix epoch, by the sender's clock.
  std::int64_t created_ms() const { return fields_.created_ms; }
  // It was asked, not told: what the handler returns travels back.
  bool wants_answer() const { return fields_.wants_answer; }
  // W3C traceparent, or empty.
  std::string_view trace() const { return fields_.trace; }
  // Of the agent's own timers, the one that this comes from; nullptr: none.
  const timer_firing* timer() const { return fields_.timer; }

private:
  message_fields fields_;
};

// How an ask ended. Stored: never renumber.
enum class ask_status : std::uint8_t {
  ok = 1,
  refused = 2, // by its handler, with a reason; what it changed was undone
  expired = 3, // before it could be handled
  dead = 4,    // its handler failed every time
  timeout = 5, // no answer by the deadline; it may still have been handled
};
std::string_view to_string(ask_status s);

// Views; `from` is not null.
struct answer_fields {
  uuid request_id;
  const did* from = nullptr;
  ask_status status = ask_status::ok;
  std::string_view reason;
  std::string_view context;
  std::string_view content_type;
  byte_view payload;
};

class answer : public payload_view {
public:
  explicit answer(const answer_fields& f) : payload_view(f.content_type, f.payload), fields_(f) {}
  answer(const answer&) = delete; // a view: copy what you need out of it
  answer& operator=(const answer&) = delete;

  bool ok() const { return fields_.status == ask_status::ok; }
  ask_status status() const { return fields_.status; }
  // Why it is not ok, for a person; empty if it is.
  std::string_view reason() const { return fields_.reason; }
  // What the ask stored with it.
  std::string_view context() const { return fields_.context; }
  // The one that was asked.
  const did& from() const { return *fields_.from; }
  const uuid& request_id() const { return fields_.request_id; }
  // Empty, also if it is not ok.
  template <class T> std::optional<T> as() const {
    return ok() ? payload_view::as<T>() : std::nullopt;
  }

private:
  answer_fields fields_;
};

} // namespace kith
