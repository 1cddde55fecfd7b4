#include "actors/mailbox/mailbox.hpp"

namespace kith {

namespace {

constexpr std::string_view disposition_names[] = {"handled", "refused", "expired", "dead"};
constexpr std::string_view cause_names[] = {"failed", "crashed", "killed"};
static_assert(std::size(cause_names) == dead_cause_count);

} // namespace

dead_cause cause_of(std::string_view reason) {
  const auto says = [&](std::string_view text) {
    return reason.find(text) != std::string_view::npos; // a timer's has its name in front
  };
  if (says("it crashed the agent: ")) return dead_cause::crashed;
  if (says("the process stopped each time it was handled")) return dead_cause::killed;
  return dead_cause::failed;
}

mailbox_series::mailbox_series(observe::registry& in, const std::string& type)
    : turns(in.distribution("kith_turn_seconds", observe::times, {{"type", type}})) {
  for (std::size_t i = 0; i < dispositions.size(); ++i)
    dispositions[i] =
        &in.count("kith_dispositions_total",
                  {{"type", type}, {"disposition", std::string(disposition_names[i])}});
  for (std::size_t i = 0; i < dead_letters.size(); ++i)
    dead_letters[i] = &in.count("kith_dead_letters_total",
                                {{"type", type}, {"reason", std::string(cause_names[i])}});
}

run_tally::~run_tally() {
  std::uint64_t turns = 0, busy = 0;
  for (auto i = first_; i < behind_; ++i) {
    if (counts_[i] == 0) continue;
    series_.turns.add(i, counts_[i], sums_[i]);
    turns += counts_[i], busy += sums_[i];
  }
  // One writer: no atomic addition is needed.
  const auto raise = [](std::atomic<std::uint64_t>& total, std::uint64_t by) {
    if (by != 0) total.store(total.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  };
  raise(meter_.turns, turns), raise(meter_.busy_ns, busy);
  for (std::size_t i = 0; i < disposed_.size(); ++i)
    if (disposed_[i] != 0) series_.dispositions[i]->add(disposed_[i]);
  for (std::size_t i = 0; i < died_.size(); ++i)
    if (died_[i] != 0) series_.dead_letters[i]->add(died_[i]);
}

mailbox_step mailbox::run() {
  if (!env_.series) return run_step();
  run_tally tally(*env_.series, *env_.meter, env_.time);
  tally_ = &tally;
  auto step = run_step();
  tally_ = nullptr;
  note_meter();
  return step;
}

void mailbox::note_meter() {
  const auto set = [](auto& where, auto v) { where.store(v, std::memory_order_relaxed); };
  auto& m = *env_.meter;
  // What is outside of streams keeps its place in the gate, and is counted there.
  set(m.waiting, std::uint64_t(inbox_.count() + (pending_ ? pending_->count() : 0)));
  auto oldest = inbox_.oldest();
  for (const auto* queue : {&unchained_, &held_unchained_})
    if (!queue->empty()) {
      const auto made = queue->front().envelope->created();
      oldest = oldest == 0 ? made : std::min(oldest, made);
    }
  set(m.oldest, oldest);
  set(m.handlers, std::uint64_t(handlers_.count()));
  set(m.timers, std::uint64_t(timers_.count()));
}

} // namespace kith
