// How a callable becomes a handler: what it takes is decoded from the message, what it returns
// becomes the reply.
//
// The return type decides how a handler runs, and one trait alone decides it: handler_result<R>. R
// is void, a value, or a task (kith/task.hpp): then the handler is a coroutine, and owns what it
// was given (docs/adr/0003-handlers-and-coroutines.md).
#pragma once

#include <kith/message.hpp>
#include <memory>
#include <type_traits>

namespace kith {

class agent_core; // actors/agent/core.hpp

namespace detail {

bool wants_answer(const agent_core& core);
void reply(agent_core& core, encoded value);
const message& begin_task(agent_core& core, const message& m);
[[noreturn]] void refuse_payload(const message& m, const decode_error& why);

} // namespace detail

// What a callable takes and returns: `result`, `first` and `second` (void where there is none).
template <class F> struct handler_traits : handler_traits<decltype(&F::operator())> {};
template <class R> struct handler_traits<R()> {
  using result = R;
  using first = void;
  using second = void;
};
template <class R, class A> struct handler_traits<R(A)> : handler_traits<R()> { using first = A; };
template <class R, class A, class B> struct handler_traits<R(A, B)> : handler_traits<R(A)> {
  using second = B;
};
template <class R, class... A> struct handler_traits<R (*)(A...)> : handler_traits<R(A...)> {};
template <class R, class C, class... A>
struct handler_traits<R (C::*)(A...)> : handler_traits<R(A...)> {};
template <class R, class C, class... A>
struct handler_traits<R (C::*)(A...) const> : handler_traits<R(A...)> {};
template <class R, class... A>
struct handler_traits<R (*)(A...) noexcept> : handler_traits<R(A...)> {};
template <class R, class C, class... A>
struct handler_traits<R (C::*)(A...) noexcept> : handler_traits<R(A...)> {};
template <class R, class C, class... A>
struct handler_traits<R (C::*)(A...) const noexcept> : handler_traits<R(A...)> {};

// Runs a call and does with its result what its type asks for. The extension point named above.
template <class R> struct handler_result {
  template <class Call> static void finish(agent_core& core, Call&& call) {
    auto value = call();
    if (detail::wants_answer(core)) detail::reply(core, encode(value));
  }
};
template <> struct handler_result<void> {
  template <class Call> static void finish(agent_core&, Call&& call) { call(); }
};

// Handlers that are coroutines: their specialisation has `start(core, call)`.
template <class R>
concept coroutine_result = requires {
  requires handler_result<R>::coroutine;
};

// The same for a coroutine; `m` lives as long as it does, and so does what is decoded.
template <class F, class First> void invoke_task(agent_core& core, F& f, const message& m) {
  using traits = handler_traits<F>;
  using start = handler_result<typename traits::result>;
  if constexpr (std::is_void_v<First>) {
    start::start(core, [&f] { return f(); });
  } else if constexpr (std::is_same_v<First, message>) {
    start::start(core, [&f, &m] { return f(m); });
  } else {
    using value_type =
        std::conditional_t<std::is_same_v<First, std::string_view>, std::string, First>;
    value_type value{};
    decode_error why;
    if (!m.read(value, why)) detail::refuse_payload(m, why);
    start::start(core, [&f, &m, value = std::move(value)]() mutable {
      if constexpr (std::is_void_v<typename traits::second>)
        return f(static_cast<typename traits::first>(value));
      else
        return f(static_cast<typename traits::first>(value), m);
    });
  }
}

// Decodes what `f` takes and runs it. A payload that does not decode refuses the message, with the
// reason.
template <class F> void invoke_handler(agent_core& core, F& f, const message& m) {
  using traits = handler_traits<F>;
  using first = std::remove_cvref_t<typename traits::first>;
  using finish = handler_result<typename traits::result>;
  if constexpr (coroutine_result<typename traits::result>) {
    invoke_task<F, first>(core, f, detail::begin_task(core, m));
  } else if constexpr (std::is_void_v<first>) {
    finish::finish(core, [&]() -> decltype(auto) { return f(); });
  } else if constexpr (std::is_same_v<first, message>) {
    static_assert(std::is_void_v<typename traits::second>,
                  "a handler takes (), (T), (T, const message&) or (const message&)");
    finish::finish(core, [&]() -> decltype(auto) { return f(m); });
  } else {
    using value_type =
        std::conditional_t<std::is_same_v<first, std::string_view>, std::string, first>;
    value_type value{};
    decode_error why;
    if (!m.read(value, why)) detail::refuse_payload(m, why);
    if constexpr (std::is_void_v<typename traits::second>) {
      finish::finish(
          core, [&]() -> decltype(auto) { return f(static_cast<typename traits::first>(value)); });
    } else {
      static_assert(std::is_same_v<std::remove_cvref_t<typename traits::second>, message>,
                    "a handler takes (), (T), (T, const message&) or (const message&)");
      finish::finish(core, [&]() -> decltype(auto) {
        return f(static_cast<typename traits::first>(value), m);
      });
    }
  }
}

} // namespace kith
