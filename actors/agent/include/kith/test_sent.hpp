// What an agent under <kith/test.hpp> did that others would see.
#pragma once

#include <kith/kith.hpp>

namespace kith::test {

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
  bool answered = false;        // or failed, or timed out

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

} // namespace kith::test
