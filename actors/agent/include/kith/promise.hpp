// What the compiler needs of a task (kith/task.hpp): how it begins and ends, and what may be
// awaited in it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace kith {

template <class T = void> class task;

namespace detail {

class join;
class task_run; // actors/agent/task_run.hpp

// A line of awaits: the handler's own, or that of one task in an all() or any().
struct branch {
  task_run* run = nullptr;
  std::string path;
  std::uint32_t next = 0; // the ordinal of its next step
};

// What may be awaited in a task: nothing else is known to the journal.
template <class A>
concept awaitable = requires {
  typename std::remove_cvref_t<A>::kith_awaitable;
};

// What is awaited stays where it is: g++ 12 would copy it.
template <class A> struct awaiting {
  A& what;
  bool await_ready() const { return what.await_ready(); }
  template <class P> auto await_suspend(std::coroutine_handle<P> h) const {
    return what.await_suspend(h);
  }
  decltype(auto) await_resume() const { return what.await_resume(); }
};

std::coroutine_handle<> finished(join& group, std::size_t index) noexcept;

struct task_promise_base {
  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept {
      auto& p = h.promise();
      if (p.group != nullptr) return finished(*p.group, p.index);
      return p.waiter ? p.waiter : std::coroutine_handle<>(std::noop_coroutine());
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }
  template <awaitable A> auto await_transform(A&& a) const noexcept {
    return awaiting<std::remove_reference_t<A>>{a};
  }

  branch* where = nullptr;
  std::coroutine_handle<> waiter; // who awaits it, or
  join* group = nullptr;          // which all() or any()
  std::size_t index = 0;
  std::exception_ptr failure;
};

template <class T> struct task_promise : task_promise_base {
  task<T> get_return_object() noexcept;
  template <class V> void return_value(V&& v) { value.emplace(static_cast<V&&>(v)); }
  T take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
  std::optional<T> value;
};
template <> struct task_promise<void> : task_promise_base {
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (failure) std::rethrow_exception(failure);
  }
};

} // namespace detail

} // namespace kith
