// What a task may await: another agent's answer, time, and something done once. Each is durable:
// after a restart the handler finds the result that it had, or goes on waiting. A step's identity
// is its place in the handler; code that changes between two versions of a program guards the
// change with agent::code_version.
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
  enum class outcome : std::uint8_t { ok = 1, failed = 7, in_doubt = 8, cancelled = 9 };

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

// Awaited, an asked<R>.
template <class R> class ask_step : public detail::step {
public:
  ask_step(agent_core& core, const did& to, std::string_view kind, encoded value, timespan limit)
      : step(core, type::ask) {
    to_ = to;
    kind_ = kind;
    name_ = kind_ + " of " + to.text();
    asked_type_ = value.content_type;
    payload_ = std::move(value.payload);
    ms_ = limit.ms;
  }
  asked<R> await_resume() {
    using result = asked<R>;
    check_cancelled();
    const auto status = ask_status(status_);
    if (status != ask_status::ok) return result(status, std::move(reason_), std::nullopt);
    if constexpr (std::is_void_v<R>) {
      return result(status, {}, std::monostate{});
    } else {
      decode_error why;
      auto v = read<R>(why);
      if (!v) return result(ask_status::refused, "the answer: " + why.text(), std::nullopt);
      return result(status, {}, std::move(v));
    }
  }
};

// Awaited, nothing.
class time_step : public detail::step {
public:
  time_step(agent_core& core, type t, std::int64_t ms) : step(core, t) { ms_ = ms; }
  void await_resume() const { check_cancelled(); }
};

namespace detail {

template <class F> auto once_call(F& fn) {
  if constexpr (std::is_invocable_v<F&, std::string_view>)
    return fn(std::string_view());
  else
    return fn();
}
template <class F> using once_result = decltype(once_call(std::declval<F&>()));

} // namespace detail

// Awaited, what its function returned; throws once_failed or in_doubt.
template <class R> class once_step : public detail::step {
public:
  template <class F>
  once_step(agent_core& core, std::string_view name, F fn, bool tell_doubt)
      : step(core, type::once) {
    name_ = name;
    tell_doubt_ = tell_doubt;
    run_ = [fn = std::move(fn)](std::string_view key) mutable -> encoded {
      auto call = [&]() -> decltype(auto) {
        if constexpr (std::is_invocable_v<F&, std::string_view>)
          return fn(key);
        else
          return fn();
      };
      if constexpr (std::is_void_v<R>)
        return call(), encoded{};
      else
        return encode(static_cast<const R&>(call()));
    };
  }
  R await_resume() {
    if (outcome(status_) == outcome::in_doubt) throw in_doubt(reason_);
    if (outcome(status_) == outcome::failed) throw once_failed(reason_);
    if constexpr (!std::is_void_v<R>) {
      decode_error why;
      auto v = read<R>(why);
      if (!v) throw once_failed("the recorded result of " + name_ + ": " + why.text());
      return std::move(*v);
    }
  }
};

template <class R, class T>
ask_step<R> agent::ask(const recipient& to, std::string_view kind, const T& value, timespan limit) {
  return {core_, to.get(), kind, encode(value), limit};
}
inline time_step agent::sleep(timespan t) { return {core_, detail::step::type::sleep, t.ms}; }
inline time_step agent::until(std::int64_t instant) {
  return {core_, detail::step::type::until, instant};
}
template <class F> auto agent::once(std::string_view name, F fn, if_in_doubt policy) {
  return once_step<detail::once_result<F>>(core_, name, std::move(fn), policy == if_in_doubt::tell);
}

} // namespace kith
