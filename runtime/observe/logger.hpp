// Structured logs: a message, and fields that machines can read. A logger is a small handle that is
// handed down from the node to whoever speaks; there is no global one. No payload and no key
// belongs into a log.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

#include <atomic>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <variant>
#include <vector>

namespace kith::observe {

enum class level : unsigned char { trace, debug, info, warn, error, off };

std::string_view to_string(level l);
// "trace" .. "error", "off"; else invalid "bad_level".
result<level> parse_level(std::string_view text);

// A named value. A text is a view: it must live until the call that it is handed to returns.
struct field {
  using value_type = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;

  field(std::string_view k, bool v) : key(k), value(v) {}
  field(std::string_view k, std::signed_integral auto v) : key(k), value(std::int64_t(v)) {}
  field(std::string_view k, std::unsigned_integral auto v) : key(k), value(std::uint64_t(v)) {}
  field(std::string_view k, std::floating_point auto v) : key(k), value(double(v)) {}
  field(std::string_view k, std::string_view v) : key(k), value(v) {}
  field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}

  std::string_view key;
  value_type value;
};

class log_hub;

// A handle for one component ("link", "store"). Copyable, thread-safe; one made by default says
// nothing. While a level is off, a call costs one comparison and nothing is formatted.
class logger {
public:
  using fields = std::initializer_list<field>;

  logger() = default;

  bool on(level l) const {
    return inner_ && l >= inner_->threshold.load(std::memory_order_relaxed);
  }
  void trace(std::string_view message, fields f = {}) const { say(level::trace, message, f); }
  void debug(std::string_view message, fields f = {}) const { say(level::debug, message, f); }
  void info(std::string_view message, fields f = {}) const { say(level::info, message, f); }
  void warn(std::string_view message, fields f = {}) const { say(level::warn, message, f); }
  void error(std::string_view message, fields f = {}) const { say(level::error, message, f); }
  // With the fields "error" (its code) and "context".
  void error(std::string_view message, const kith::error& e) const {
    say(level::error, message, {{"error", e.code}, {"context", e.context}});
  }
  void warn(std::string_view message, const kith::error& e) const {
    say(level::warn, message, {{"error", e.code}, {"context", e.context}});
  }

  void say(level l, std::string_view message, fields f) const {
    if (on(l)) write(l, message, f);
  }
  // A logger of another component with the same output. The name is cut at 64 bytes; of more than
  // log_hub::components_max the further ones share the component "other".
  logger component(std::string_view name) const;

private:
  friend class log_hub;
  struct output;
  struct state {
    std::atomic<level> threshold;
    std::string name;
  };
  logger(std::shared_ptr<output> out, const state* inner) : out_(std::move(out)), inner_(inner) {}
  void write(level l, std::string_view message, fields f) const;

  std::shared_ptr<output> out_;  // shared by all loggers of a hub
  const state* inner_ = nullptr; // in *out_, for as long as that
};

enum class log_format : unsigned char { text, json };

struct log_options {
  log_format format = log_format::text;
  level threshold = level::info; // of every component that set_level does not name
  std::string file; // appended to; empty: standard error, with colour if it is a terminal
  const clock* time = nullptr; // outlives every logger; null: the machine's clock
  std::function<void(std::string_view line)>
      sink; // instead of both, one call a line, never two at once
};

// Where logs go, and how loud each component is. Thread-safe. Loggers may outlive it.
class log_hub {
public:
  static constexpr std::size_t components_max = 256;
  static constexpr std::size_t value_size_max = 4096; // longer messages and values are cut
  static constexpr std::size_t fields_max = 32;       // further ones are left out

  // Errors: io "log_file" when the file cannot be opened.
  static result<log_hub> open(log_options options);

  logger get(std::string_view component) const;
  // For one component, also one that comes later; or for "*", all of them. too_large
  // "too_many_components".
  result<> set_level(std::string_view component, level l);
  // The components so far, sorted, each with its level.
  std::vector<std::pair<std::string, level>> levels() const;
  // Lines that could not be written.
  std::uint64_t lost() const;

private:
  explicit log_hub(std::shared_ptr<logger::output> out) : out_(std::move(out)) {}
  std::shared_ptr<logger::output> out_;
};

} // namespace kith::observe
