// What a task may await: another agent's answer, time, and something done once. Each is durable:
// after a restart the handler finds the result that it had, or goes on waiting. A step's identity
// is its place in the handler; code that changes between two versions of a program guards the
// change with agent::code_version.
#pragma once

#include <kith/step.hpp>

namespace kith {

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
