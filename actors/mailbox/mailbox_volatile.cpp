// The turns of QoS 0 messages: outside of streams, in memory alone (semantics.md 6).
#include "actors/mailbox/mailbox.hpp"

namespace kith {

// How many there were.
std::size_t mailbox::take_unchained(mailbox_step& step) {
  std::size_t turns = 0;
  if (unchained_.empty()) return turns;
  if (tally_ != nullptr) tally_->chain();
  for (; !unchained_.empty() && turns < limits_.commit_turns_max && !stopping_; ++turns) {
    auto item = std::move(unchained_.front());
    unchained_.pop_front();
    if (occupied() && item.envelope->lane() == lane::request) {
      held_unchained_.push_back(std::move(item)); // its place in the gate stays taken
      continue;
    }
    take_unchained(item, step);
    ++unchained_taken_.count;
    unchained_taken_.size += item.envelope->size();
  }
  if (tally_ != nullptr) tally_->unchain();
  return turns;
}

void mailbox::take_unchained(const volatile_arrival::item& item, mailbox_step& step) {
  const auto& e = item.envelope.get();
  if (pending_) {
    if (pending_->has_room()) return keep(e, step);
    ++unchained_taken_.dropped;
    return;
  }
  if (e.lane() == lane::answer) {
    const auto* ask = asks_.find(e.correlation());
    if (ask == nullptr || ask->record.to != item.from) return; // volatile: nobody waits any more
    if (ask->waiter) {
      step.released.push_back([waiter = ask->waiter, a = outside_answer(e)] { waiter(a); });
      asks_.remove(e.correlation(), step.batch);
      return;
    }
    if (ask->record.handler.empty()) return; // what a handler awaits is asked by QoS 2
    auto& outcome = run_answer(*ask, item.from, ask_status(std::uint8_t(e.status())), &e);
    if (outcome.status == turn_status::crashed) {
      asks_.remove(e.correlation(), step.batch);
      return crash(outcome.reason, name_of(e, item.from), step);
    }
    if (outcome.status != turn_status::done) return; // one that threw runs again as a time-out
    if (apply(outcome, step))
      asks_.remove(e.correlation(), step.batch);
    else
      agent_->roll_back();
    return;
  }
  auto& outcome = run_message(e, item.from);
  if (outcome.status == turn_status::done) {
    if (outcome.handler) return begin_volatile_handler(item, outcome, step);
    if (auto applied = apply(outcome, step); !applied) {
      agent_->roll_back();
      env_.log(log_level::error, "a volatile message failed: " + applied.error().what());
    } else if (outcome.reply && e.wants_answer()) {
      answer(e, item.from, answer_status::ok, outcome.reply->content_type, outcome.reply->payload,
             step);
    }
  } else if (outcome.status == turn_status::refused) {
    answer(e, item.from, answer_status::refused, text_type, outcome.reason, step);
  } else {
    env_.log(log_level::warn, "a volatile message failed and is dropped: " + outcome.reason);
    if (outcome.status == turn_status::crashed) {
      answer(e, item.from, answer_status::dead, text_type, outcome.reason, step);
      crash(outcome.reason, name_of(e, item.from), step);
    }
  }
}

} // namespace kith
