// The asks of one agent that wait for an answer. An agent's own are stored with the commit that
// asked, so that the answer finds its handler after a restart; those made from outside (the command
// line) live only as long as the one who waits. Pure.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/mailbox/keys.hpp"
#include "runtime/store/store.hpp"
#include "runtime/stream/records.hpp"

#include <map>
#include <optional>
#include <unordered_map>

namespace kith {

struct pending_ask {
  records::ask_record record;
  std::function<void(const ingress::answer&)> waiter; // from outside; then it is not stored
};

class asks {
public:
  explicit asks(keys::agent_key self) : self_(self) {}

  void restore(records::ask_record record, wall_ms wall, time_point now);
  // Stores it with the asking commit, unless somebody outside waits for it.
  void add(pending_ask ask, wall_ms wall, time_point now, store::write_batch& batch);
  // The ask that `request` answers, or nothing if it is not, or no longer, waited for.
  const pending_ask* find(const uuid& request) const;
  void remove(const uuid& request, store::write_batch& batch);

  // The next ask whose deadline has passed.
  std::optional<uuid> overdue(time_point now) const;
  std::optional<time_point> next_deadline() const;
  // Tries again later: the handler of its time-out threw.
  void postpone(const uuid& request, time_point until);
  std::size_t count() const { return asks_.size(); }

private:
  struct timed {
    pending_ask ask;
    time_point deadline;
  };
  keys::agent_key self_;
  std::unordered_map<uuid, timed> asks_;
  std::multimap<time_point, uuid> deadlines_;
  void forget_deadline(const uuid& request, time_point at);
};

} // namespace kith
