// Handlers that wait: a handler that returns task<T> is a coroutine, and may `co_await` what
// <kith/steps.hpp> has. From one await to the next it is one turn, atomic like any other; between
// them the agent handles other messages. What it awaits survives a restart: the handler is run
// again from its start, with what it was answered (docs/how-to/coroutines.md).
#pragma once

#include <kith/agent.hpp>
#include <kith/promise.hpp>

namespace kith {

// Begins when it is awaited, and is awaited once: `co_await other(x)`, or in all() and any(). What
// it throws, the awaiting one throws.
template <class T> class [[nodiscard]] task {
public:
  using promise_type = detail::task_promise<T>;
  using handle = std::coroutine_handle<promise_type>;
  using kith_awaitable = void;
  using value_type = T;

  explicit task(handle h) noexcept : handle_(h) {}
  task(task&& o) noexcept : handle_(std::exchange(o.handle_, {})) {}
  task& operator=(task&& o) noexcept {
    std::swap(handle_, o.handle_);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <class P> std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
    handle_.promise().where = h.promise().where;
    handle_.promise().waiter = h;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

  // Inside Kith.
  handle get() const noexcept { return handle_; }

private:
  handle handle_;
};

namespace detail {

template <class T> task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

// The message as the handler may keep it: it lives as long as the handler does.
const message& begin_task(agent_core& core, const message& m);
void start_task(agent_core& core, task<> whole);

// The handler's call, with the argument that it owns. By an interface: g++ 12 warns of a coroutine
// whose parameter is of a lambda's type.
template <class T> struct owned_call {
  virtual ~owned_call() = default;
  virtual task<T> run() = 0;
};
template <class T, class Call> struct owned_call_of final : owned_call<T> {
  explicit owned_call_of(Call c) : call(std::move(c)) {}
  task<T> run() override { return call(); }
  Call call;
};
// And its reply.
template <class T> task<> drive(agent_core& core, std::unique_ptr<owned_call<T>> call) {
  if constexpr (std::is_void_v<T>) {
    co_await call->run();
  } else {
    const T value = co_await call->run();
    if (wants_answer(core)) reply(core, encode(value));
  }
}

} // namespace detail

template <class T> struct handler_result<task<T>> {
  static constexpr bool coroutine = true;
  template <class Call> static void start(agent_core& core, Call call) {
    detail::start_task(
        core,
        detail::drive<T>(core, std::make_unique<detail::owned_call_of<T, Call>>(std::move(call))));
  }
};

} // namespace kith
