// How an ask that was awaited ended.
#pragma once

#include <kith/message.hpp>
#include <optional>
#include <stdexcept>
#include <variant>

namespace kith {

// Thrown by asked::value() unless the answer is ok. A handler that lets it out is refused.
class ask_failed : public std::runtime_error {
public:
  ask_failed(ask_status status, const std::string& what)
      : std::runtime_error(what), status_(status) {}
  ask_status status() const { return status_; }

private:
  ask_status status_;
};
// Thrown by a once: its function threw each time it was tried, or it is not known whether it ran.
class once_failed : public std::runtime_error {
public:
  using runtime_error::runtime_error;
};
class in_doubt : public once_failed {
public:
  using once_failed::once_failed;
};

// Thrown by whatever a handler awaits when it is cancelled: by who asked it and waits no longer, by
// that one's deadline, or by an operator. What it awaits after that it awaits as ever, and so may
// take back what it did. A handler that lets it out is refused; by the deadline, it expired.
class cancelled : public std::runtime_error {
public:
  explicit cancelled(const std::string& why, bool by_deadline = false)
      : std::runtime_error(why), by_deadline_(by_deadline) {}
  bool by_deadline() const { return by_deadline_; }

private:
  bool by_deadline_;
};

// How an ask ended, and its answer if that is ok.
template <class R> class asked {
public:
  using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
  asked(ask_status s, std::string reason, std::optional<value_type> v)
      : status_(s), reason_(std::move(reason)), value_(std::move(v)) {}

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Also refused if the answer is no R.
  ask_status status() const { return status_; }
  const std::string& reason() const { return reason_; }
  // Throws ask_failed unless it is ok.
  const value_type& value() const& { return check(), *value_; }
  value_type value() && { return check(), std::move(*value_); }
  value_type value_or(value_type other) const { return value_ ? *value_ : std::move(other); }

private:
  void check() const {
    if (!value_) throw ask_failed(status_, reason_);
  }
  ask_status status_;
  std::string reason_;
  std::optional<value_type> value_;
};

} // namespace kith
