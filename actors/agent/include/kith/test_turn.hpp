// What a probe shows of an agent (kith/test.hpp): how a turn ended, and what it did.
#pragma once

#include <kith/kith.hpp>
#include <map>

namespace kith::test {

// How one turn ended.
class turn {
public:
  bool handled() const { return how_ == ending::handled; }
  bool refused() const { return how_ == ending::refused; }
  bool threw() const { return how_ == ending::threw; }
  // The agent ended its life by crash(), and has begun another: plain members are new.
  bool crashed() const { return how_ == ending::crashed; }
  // It awaits something: the handler goes on in a later turn, of answer_to() or advance() for one.
  bool suspended() const { return how_ == ending::suspended; }
  // Why it was refused or crashed, or what was thrown.
  const std::string& reason() const { return reason_; }
  // The reply's text and value. Throw std::logic_error, with the reason, unless the turn was
  // handled; as<T> is empty if the reply is not a T.
  const std::string& text() const;
  template <class T> std::optional<T> as() const {
    return payload_view(content_type_, as_bytes(text())).as<T>();
  }
  std::string_view content_type() const { return content_type_; }

private:
  friend class probe_base;
  enum class ending { handled, refused, threw, crashed, suspended } how_ = ending::handled;
  std::string reason_;
  std::string_view content_type_;
  std::string payload_;
};

// What the agent sent: a tell, or an ask with the name of the handler that is to run with the
// answer.
struct sent_message {
  bool is_ask = false;
  uuid id;
  did to;
  std::string kind;
  std::string_view content_type;
  std::string text; // the payload
  enum qos qos = qos::exactly_once;
  std::uint64_t time_to_live_ms = 0;
  std::string then;
  std::string context;
  std::int64_t deadline_ms = 0; // instant
  bool answered = false;        // or failed, or timed out, or awaited no more
  std::uint64_t handler = 0;    // of an ask that a coroutine awaits: a number of that one

  template <class T> std::optional<T> as() const {
    return payload_view(content_type, as_bytes(text)).as<T>();
  }
};

struct spawned_agent {
  did agent;
  std::string type;
  std::string name;
  std::string under; // the supervisor; empty: the node
  enum restart restart = restart::transient;
};

// What is stored of an agent: its cells by name, in their stored form.
using stored_cells = std::map<std::string, bytes>;

} // namespace kith::test
