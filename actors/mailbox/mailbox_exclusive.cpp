// Which messages have to wait for the handlers that await something: those of an exclusive agent,
// but for its own call chain, which re-enters (semantics.md 16).
#include "actors/mailbox/mailbox.hpp"

#include <algorithm>

namespace kith {

namespace {

bool is_awaited(const emission& e) { return e.what == emission::type::ask && e.then.empty(); }

} // namespace

// A handler of an exclusive agent waits, so that no message and no timer begins another one.
bool mailbox::occupied() const { return agent_ && agent_->exclusive() && handlers_.count() > 0; }

bool mailbox::holds(const in_stream& s) const {
  if (s.id.lane != lane::request || !agent_ || handlers_.count() == 0) return false;
  if (s.pending.front().envelope->kind() == cancel_kind) return false; // or it could not end
  if (handlers_.count() >= limits_.handlers_max) return true;
  return occupied() && !reenters(s);
}

// Whether each handler that waits here waits for an ask of which the head of `s` is a part. Whoever
// is not asked by them cannot know the ids of these asks, and one that is answered is not open.
bool mailbox::reenters(const in_stream& s) const {
  const auto& e = s.pending.front().envelope.get();
  if (!e.wants_answer()) return false;
  std::set<handler_id> above;
  const auto see = [&](const uuid& request) {
    const auto* ask = asks_.find(request);
    if (ask == nullptr || ask->waiter || !ask->record.handler.empty()) return;
    const auto waits = awaiting(ask->record).first;
    if (handlers_.has(waits)) above.insert(waits);
  };
  for (const auto& request : e.chain()) see(request);
  if (s.id.from == who_.self) see(e.id());
  return above.size() == handlers_.count();
}

// What the asks of a handler carry: whoever is asked can tell by it for whom it works.
std::vector<uuid> mailbox::chain_below(const records::handler_start& start,
                                       const turn_outcome& outcome) {
  if (std::none_of(outcome.emissions.begin(), outcome.emissions.end(), is_awaited)) return {};
  const auto e = envelope::parse(start.envelope);
  if (!e || !e->wants_answer()) return {};
  auto above = e->chain();
  if (above.size() == envelope::chain_count_max) above = above.subspan(1);
  std::vector<uuid> chain(above.begin(), above.end());
  chain.push_back(e->id());
  return chain;
}

void mailbox::release_held() {
  for (auto* s : std::exchange(held_, {})) inbox_.requeue(*s);
  unchained_.insert(unchained_.begin(), std::make_move_iterator(held_unchained_.begin()),
                    std::make_move_iterator(held_unchained_.end()));
  held_unchained_.clear();
}

} // namespace kith
