// The table of an agent's handlers, of whatever type they are.
#pragma once

#include <kith/invoke.hpp>

namespace kith {

namespace detail {

// Handlers of all types, as the table holds them.
class message_handler {
public:
  virtual ~message_handler() = default;
  virtual void invoke(agent_core& core, const message& m) = 0;
};
class answer_handler {
public:
  virtual ~answer_handler() = default;
  virtual void invoke(const answer& a) = 0;
};

template <class F> class message_handler_of final : public message_handler {
public:
  explicit message_handler_of(F f) : f_(std::move(f)) {}
  void invoke(agent_core& core, const message& m) override { invoke_handler(core, f_, m); }

private:
  F f_;
};
template <class F> class answer_handler_of final : public answer_handler {
public:
  explicit answer_handler_of(F f) : f_(std::move(f)) {}
  void invoke(const answer& a) override { f_(a); }

private:
  F f_;
};

} // namespace detail
} // namespace kith
