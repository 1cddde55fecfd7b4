// Several awaits at once: all() of them, or any() of them, the first. What is given may be tasks or
// steps; each runs in a branch of its own, one at a time, on the agent's thread.
#pragma once

#include <kith/steps.hpp>
#include <tuple>

namespace kith {
namespace detail {

class join {
public:
  using kith_awaitable = void;
  static constexpr std::size_t parts_max = 10'000;

  // `first`: over with the first part that ends, however it ends; the others are dropped.
  join(std::vector<task<>> parts, bool first);
  join(const join&) = delete;
  join& operator=(const join&) = delete;
  ~join();
  bool await_ready() const noexcept { return parts_.empty(); }
  template <class P> bool await_suspend(std::coroutine_handle<P> h) {
    return start(h.promise().where, h);
  }
  // Which ended first. Throws what that one threw, of all the first in their order that threw.
  std::size_t await_resume();

private:
  friend std::coroutine_handle<> finished(join& group, std::size_t index) noexcept;
  bool start(branch* at, std::coroutine_handle<> waiter);
  bool over() const { return first_only_ ? ended_ > 0 : ended_ == parts_.size(); }
  void drop_losers();

  std::vector<task<>> parts_;
  std::vector<branch> branches_;
  std::vector<bool> done_;
  bool first_only_;
  bool starting_ = false;
  std::size_t ended_ = 0;
  std::size_t first_ = 0;
  std::coroutine_handle<> waiter_;
};

template <class A> using awaited = decltype(std::declval<A&>().await_resume());
template <class R>
using slot = std::optional<std::conditional_t<std::is_void_v<R>, std::monostate, R>>;

// A part of a join: it puts its result where the joining coroutine finds it.
template <class A> task<> into(A part, slot<awaited<A>>& result) {
  if constexpr (std::is_void_v<awaited<A>>) {
    co_await std::move(part);
    result.emplace();
  } else {
    result.emplace(co_await std::move(part));
  }
}

template <class... A, std::size_t... I>
std::vector<task<>> parts_of(std::tuple<slot<awaited<A>>...>& results,
                             std::index_sequence<I...> /*indices*/, A&&... parts) {
  std::vector<task<>> made;
  made.reserve(sizeof...(A));
  (made.push_back(into<A>(std::move(parts), std::get<I>(results))), ...);
  return made;
}

} // namespace detail

// Ends when all have ended: their results, std::monostate for void.
template <detail::awaitable... A>
requires(sizeof...(A) > 1)
    task<std::tuple<typename detail::slot<detail::awaited<A>>::value_type...>> all(A... parts) {
  std::tuple<detail::slot<detail::awaited<A>>...> results;
  detail::join group(
      detail::parts_of<A...>(results, std::index_sequence_for<A...>(), std::move(parts)...), false);
  co_await group;
  co_return std::apply([](auto&... r) { return std::make_tuple(std::move(*r)...); }, results);
}
template <detail::awaitable A>
task<std::vector<typename detail::slot<detail::awaited<A>>::value_type>> all(std::vector<A> parts) {
  std::vector<detail::slot<detail::awaited<A>>> results(parts.size());
  std::vector<task<>> made;
  for (std::size_t i = 0; i < parts.size(); ++i)
    made.push_back(detail::into<A>(std::move(parts[i]), results[i]));
  detail::join group(std::move(made), false);
  co_await group;
  std::vector<typename detail::slot<detail::awaited<A>>::value_type> values;
  for (auto& r : results) values.push_back(std::move(*r));
  co_return values;
}

// Ends with the first that ends: its index, and its result in the variant's alternative of that
// index. The others are cancelled: their coroutines are destroyed, and what they awaited is not
// waited for any more.
template <detail::awaitable... A>
requires(sizeof...(A) > 1)
    task<std::variant<typename detail::slot<detail::awaited<A>>::value_type...>> any(A... parts) {
  using either = std::variant<typename detail::slot<detail::awaited<A>>::value_type...>;
  std::tuple<detail::slot<detail::awaited<A>>...> results;
  detail::join group(
      detail::parts_of<A...>(results, std::index_sequence_for<A...>(), std::move(parts)...), true);
  const std::size_t first = co_await group;
  std::optional<either> value;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((I == first ? void(value.emplace(std::in_place_index<I>, std::move(*std::get<I>(results))))
                 : void()),
     ...);
  }
  (std::index_sequence_for<A...>());
  co_return std::move(*value);
}
template <detail::awaitable A>
task<std::pair<std::size_t, typename detail::slot<detail::awaited<A>>::value_type>>
any(std::vector<A> parts) {
  std::vector<detail::slot<detail::awaited<A>>> results(parts.size());
  std::vector<task<>> made;
  for (std::size_t i = 0; i < parts.size(); ++i)
    made.push_back(detail::into<A>(std::move(parts[i]), results[i]));
  detail::join group(std::move(made), true);
  const std::size_t first = co_await group;
  co_return std::pair(first, std::move(*results[first]));
}

} // namespace kith
