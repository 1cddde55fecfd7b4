// One thing that a task awaits and the journal knows: what those of <kith/steps.hpp> have in
// common.
#pragma once

#include <functional>
#include <kith/asked.hpp>
#include <kith/task.hpp>

namespace kith {

namespace detail {

// One await that the journal knows. Lives in the frame of the coroutine that awaits it.
class step {
public:
  using kith_awaitable = void;
  enum class type : std::uint8_t { ask = 1, sleep = 2, until = 3, once = 4 }; // as stored
  // As stored; and ask_status.
  enum class outcome : std::uint8_t {
    ok = 1,
    failed = 7,
    in_doubt = 8,
    cancelled = 9,
    deadline = 10,
  };

  step(agent_core& core, type t) : core_(&core), type_(t) {}
  bool await_ready() const noexcept { return false; }
  template <class P> bool await_suspend(std::coroutine_handle<P> h) {
    return begin(h.promise().where, h);
  }

protected:
  friend class task_run;
  // False: it has its result at once.
  bool begin(branch* where, std::coroutine_handle<> h);
  void check_cancelled() const {
    if (outcome(status_) == outcome::cancelled) throw cancelled(reason_);
    if (outcome(status_) == outcome::deadline) throw cancelled(reason_, true);
  }
  template <class R> std::optional<R> read(decode_error& why) const {
    std::optional<R> v(std::in_place);
    if (!payload_view(content_type_, as_bytes(payload_)).read(*v, why)) v.reset();
    return v;
  }

  agent_core* core_;
  type type_;
  std::string name_; // once; ask: kind and recipient
  // An ask.
  did to_;
  std::string kind_;
  // Of an ask how long, of a sleep how long, of an until when.
  std::int64_t ms_ = 0;
  bool tell_doubt_ = false;
  std::function<encoded(std::string_view)> run_; // once

  std::coroutine_handle<> waiter_;
  std::string_view asked_type_; // static storage; of what is asked, which is in payload_ first
  std::string content_type_;    // of what came of it
  std::string payload_;
  std::uint8_t status_ = 1;
  std::string reason_;
};

} // namespace detail

} // namespace kith
