// The agent's own timers, in its mailbox: kept with the turn that sets them, and started as turns,
// each consumed by its own commit (semantics.md 10 and 18).
#include "actors/mailbox/mailbox.hpp"

#include "runtime/store/each.hpp"

#include <algorithm>

namespace kith {

using store::table;

namespace {

constexpr auto never = time_point::max(); // but for something else that wakes it

// A firing, as people find it again.
std::string firing_name(const timer_table::entry& t, const timer_table::firing& f) {
  return "firing " + std::to_string(f.number) + " of timer " + t.record.id + " (" + t.record.kind +
         ")";
}

// A firing as a message that the agent sent to itself: what a dead letter keeps of it.
envelope envelope_of(const timer_table::entry& t, const timer_table::firing& f, const did& self) {
  envelope_fields e;
  e.id = firing_id(t.record, f.number);
  e.from = e.to = self.text();
  e.kind = t.record.kind;
  e.content_type = t.record.content_type;
  e.payload = t.record.payload;
  e.created = f.due;
  e.qos = qos::at_most_once;
  return envelope::build(e);
}

} // namespace

result<void> mailbox::load_timers() {
  const auto from = keys::prefix(keys::timer(key_, {}), keys::agent_prefix_size);
  return store::each(
      env_.disk, table::state, from, keys::end_of(from),
      [&](const store::entry& e) -> result<void> {
        KITH_ASSIGN(auto record, records::decode_timer(e.value));
        if (auto ok = keys::check_place(e.key, keys::timer(key_, record.id), "timer " + record.id);
            !ok)
          return ok;
        auto& t = timers_.set(std::move(record));
        t.recovered = unclean_ && t.record.due <= env_.time.wall();
        if (!t.problem.empty())
          env_.log(log_level::error, "timer " + t.record.id + " does not fire: " + t.problem);
        return {};
      });
}

void mailbox::keep_timer(const records::timer_record& r, mailbox_step& step) {
  step.batch.put(table::state, keys::timer(key_, r.id), records::encode(r));
}

// The firing is over; what is left of its timer is stored with the step.
void mailbox::consume_timer(timer_table::entry& t, const timer_table::firing& f,
                            mailbox_step& step) {
  const auto key = keys::timer(key_, t.record.id);
  if (timers_.consume(t, f))
    keep_timer(t.record, step);
  else
    step.batch.erase(table::state, key);
}

// What the turn makes of the timers. In apply() behind all that may fail.
void mailbox::retime(turn_outcome& outcome, mailbox_step& step) {
  if (firing_) consume_timer(*firing_->first, firing_->second, step);
  for (auto& [id, change] : outcome.timers) {
    if (change) {
      keep_timer(timers_.set(std::move(*change)).record, step);
    } else if (timers_.cancel(id)) {
      step.batch.erase(table::state, keys::timer(key_, id));
    }
  }
  if (!outcome.stop || who_.restart == restart::permanent || timers_.count() == 0) return;
  timers_.clear(); // the agent is gone for good
  const auto from = keys::prefix(keys::timer(key_, {}), keys::agent_prefix_size);
  step.batch.erase_range(table::state, from, keys::end_of(from));
}

void mailbox::cancel_timer(timer_cancel order) { timer_cancels_.push_back(std::move(order)); }

void mailbox::take_timer_cancels(mailbox_step& step) {
  if (timer_cancels_.empty()) return;
  for (auto& order : std::exchange(timer_cancels_, {})) {
    const bool was = timers_.cancel(order.id);
    if (was) step.batch.erase(table::state, keys::timer(key_, order.id));
    step.released.push_back([done = std::move(order.done), was] { done(was); });
  }
}

// What may have been under way when the process stopped runs behind a synced mark, as messages do
// (mailbox_turn.cpp).
bool mailbox::may_fire(timer_table::entry& t, mailbox_step& step) {
  if (!t.recovered || (t.marked_by != 0 && t.marked_by <= durable_)) return true;
  if (t.record.marks >= limits_.attempts_max) {
    bury_firing(t, timers_.judge(t, wall_), "the process stopped each time it was handled",
                t.record.marks, step);
    return false;
  }
  if (t.record.marks > 0 && !std::exchange(t.set_apart, true)) {
    const auto spread = limits_.retry_delay * (std::int64_t(1) << std::min(t.record.marks, 10u));
    const auto wait = duration(std::int64_t(env_.random.below(std::uint64_t(spread.count()))));
    timers_.defer(t, env_.time.now() + wait);
    return false;
  }
  ++t.record.marks;
  t.marked_by = step.number;
  keep_timer(t.record, step);
  timers_.defer(t, never);
  marked_timers_.push_back(t.record.id);
  return false;
}

void mailbox::release_marked_timers() {
  std::erase_if(marked_timers_, [&](const std::string& id) {
    auto* t = timers_.find(id);
    if (t != nullptr && t->marked_by > durable_) return false;
    if (t != nullptr && t->marked_by != 0) timers_.defer(*t, env_.time.now());
    return true;
  });
}

// Each minute at least: the wall clock may be set.
std::optional<time_point> mailbox::timers_wake() const {
  constexpr duration look_again = std::chrono::minutes(1);
  const auto now = env_.time.now();
  const auto wait = timers_.due_in(env_.time.wall(), now);
  if (!wait || occupied()) return std::nullopt; // the end of what occupies it wakes us
  return now + std::min(*wait, look_again);
}

void mailbox::fire_timers(mailbox_step& step) {
  take_timer_cancels(step);
  const auto now = env_.time.now();
  for (std::size_t n = 0; n < limits_.commit_turns_max && !stopping_ &&
                          step.batch.size_bytes() < limits_.commit_bytes_max;
       ++n) {
    auto* t = occupied() ? nullptr : timers_.next_due(wall_, now);
    if (t == nullptr) return;
    if (may_fire(*t, step)) fire(*t, step);
  }
}

void mailbox::fire(timer_table::entry& t, mailbox_step& step) {
  const auto f = timers_.judge(t, wall_);
  const auto name = firing_name(t, f);
  if (f.missed > 0 && t.attempts == 0)
    env_.log(log_level::warn, "timer " + t.record.id + ": " + std::to_string(f.missed) +
                                  " of its times were missed, and are left out");
  if (!f.fire) {
    env_.log(log_level::warn, name + " came too late, and is left out");
    return consume_timer(t, f, step);
  }
  firing_.emplace(&t, f);
  const timer_firing firing{t.record.id, f.number, f.due, f.missed};
  message_fields m;
  m.id = firing_id(t.record, f.number);
  m.from = m.to = &who_.self;
  m.kind = t.record.kind;
  m.content_type = t.record.content_type;
  m.payload = t.record.payload;
  m.created_ms = f.due;
  m.timer = &firing;
  auto& outcome = [&]() -> turn_outcome& {
    const noted_turn noted(env_.turns.get(), tally_, m.kind);
    return agent_->run(message(m), wall_);
  }();
  if (outcome.status == turn_status::done) {
    auto applied = outcome.handler
                       ? begin_fired_handler(m, envelope_of(t, f, who_.self).raw(), outcome, step)
                       : apply(outcome, step);
    if (applied) {
      firing_.reset(); // and `t` may be gone
      return;
    }
    agent_->roll_back();
    outcome.status = turn_status::threw;
    outcome.reason = applied.error().what();
  }
  firing_.reset();
  if (outcome.status == turn_status::refused) {
    env_.log(log_level::warn, name + " was refused: " + outcome.reason);
    return consume_timer(t, f, step);
  }
  const bool crashed = outcome.status == turn_status::crashed;
  ++t.attempts;
  if (!crashed && t.attempts < limits_.attempts_max) {
    env_.log(log_level::warn, name + " failed and will be tried again: " + outcome.reason);
    return timers_.defer(t, env_.time.now() + retry_pause(t.attempts));
  }
  if (crashed || !who_.supervisor.empty()) crash(outcome.reason, name, step);
  bury_firing(t, f, crashed ? "it crashed the agent: " + outcome.reason : outcome.reason,
              t.attempts, step);
}

// A dead letter, which the ledger knows too, and the timer goes on. What is simply handled or
// refused leaves nothing: a timer may fire for years.
void mailbox::bury_firing(timer_table::entry& t, const timer_table::firing& f,
                          const std::string& reason, std::uint32_t attempts, mailbox_step& step) {
  dead_letter(envelope_of(t, f, who_.self), firing_name(t, f) + ": " + reason, attempts, step);
  records::ledger_entry entry;
  entry.id = firing_id(t.record, f.number);
  entry.owner = key_;
  entry.direction = records::direction::in;
  entry.disposition = disposition::dead;
  entry.when = wall_;
  entry.reason = reason;
  if (tally_ != nullptr) tally_->disposed(disposition::dead);
  step.batch.put(table::ledger, keys::received(entry.id), records::encode(entry));
  consume_timer(t, f, step);
}

} // namespace kith
