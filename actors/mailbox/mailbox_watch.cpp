// What a mailbox keeps of the agents that its own one watches, and the turns in which it hears that
// one of them went down.
#include "actors/mailbox/mailbox.hpp"

#include <kith/describe.hpp>
#include <kith/durable.hpp>

namespace kith {

using store::table;

namespace {

constexpr std::uint16_t cell_form = 1;

} // namespace

result<void> mailbox::load_watches() {
  KITH_ASSIGN(const auto stored, env_.disk.get(table::state, keys::cell(key_, watches_cell)));
  if (!stored) return {};
  constexpr auto header = detail::cell::header_size;
  const auto raw = byte_view(*stored);
  const auto bad = [&] {
    return fail(errc::corrupt, "bad_cell", "what " + who_.self.text() + " watches does not decode");
  };
  if (raw.size() < header || raw[0] != detail::cell::format) return bad();
  if (raw[1] != 0 || raw[2] != cell_form)
    return fail(errc::unsupported, "cell_version", "a newer Kith wrote what the agent watches");
  auto parsed = json::parse(as_text(raw.subspan(header)));
  std::vector<std::string> names;
  decode_error why;
  if (!parsed || !json_codec<std::vector<std::string>>::read(*parsed, names, why)) return bad();
  for (const auto& name : names) {
    KITH_ASSIGN(auto who, did::parse(name));
    watches_.insert(std::move(who));
  }
  return {};
}

result<std::set<did>> mailbox::watches_after(const turn_outcome& outcome) const {
  if (outcome.watching.empty()) return std::set<did>();
  auto next = watches_;
  for (const auto& [who, on] : outcome.watching) {
    if (on)
      next.insert(who);
    else
      next.erase(who);
  }
  if (next.size() > limits_.watches_max)
    return fail(errc::overloaded, "too_many_watches",
                "an agent watches at most " + std::to_string(limits_.watches_max));
  return next;
}

void mailbox::rewatch(const turn_outcome& outcome, std::set<did> next, mailbox_step& step) {
  if (outcome.watching.empty()) return;
  std::vector<std::string> names;
  for (const auto& who : next) names.push_back(who.text());
  std::string cell{char(detail::cell::format), 0, char(cell_form)};
  json_writer out(cell);
  json_codec<std::vector<std::string>>::write(out, names);
  step.batch.put(table::state, keys::cell(key_, watches_cell), as_bytes(cell));
  watches_ = std::move(next);
  if (env_.watch)
    for (const auto& [who, on] : outcome.watching)
      step.released.push_back([watch = env_.watch, who = who, on = on] { watch(who, on); });
}

void mailbox::watch_again() {
  if (env_.watch)
    for (const auto& who : watches_) env_.watch(who, true);
}

void mailbox::went_down(down d) {
  if (watches_.count(d.who) == 0) return; // no longer
  auto who = d.who;
  notices_.insert_or_assign(std::move(who), pending_down{std::move(d), 0, {}});
}

void mailbox::tell_of_downs(mailbox_step& step) {
  auto now = env_.time.now();
  std::vector<did> due;
  for (const auto& [who, n] : notices_)
    if (n.not_before <= now) due.push_back(who);
  for (const auto& who : due) {
    if (stopping_) return;
    auto& n = notices_.at(who);
    if (watches_.count(who) == 0 || tell_of(n.what, n.attempts, step)) {
      notices_.erase(who);
      continue;
    }
    n.not_before = now + retry_pause(n.attempts);
  }
}

// False: it failed, and is to be tried again.
bool mailbox::tell_of(const down& d, std::uint32_t& attempts, mailbox_step& step) {
  auto& outcome = [&]() -> turn_outcome& {
    const noted_turn noted(env_.turns.get(), tally_, "on_down");
    return agent_->run(d, wall_);
  }();
  if (outcome.status == turn_status::done) {
    auto applied = apply(outcome, step);
    if (applied) return true;
    agent_->roll_back();
    outcome.status = turn_status::threw;
    outcome.reason = applied.error().what();
  }
  const std::string what = "the notice that " + d.who.text() + " went down";
  env_.log(log_level::warn, what + " was not handled: " + outcome.reason);
  if (outcome.status == turn_status::refused) return true;
  const bool last = ++attempts >= limits_.attempts_max;
  if (outcome.status == turn_status::crashed || (last && !who_.supervisor.empty()))
    crash(outcome.reason, what, step);
  return last || outcome.status == turn_status::crashed;
}

} // namespace kith
