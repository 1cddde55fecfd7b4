// A probe's handlers that await something: it keeps their journal as a node does, and runs them
// again from it after restart().
#include "actors/agent/probe_world.hpp"

namespace kith::test {

std::uint64_t probe_base::world::went_on(std::uint64_t number, task_outcome& t) {
  if (number == 0) {
    number = ++handler_count;
    auto& h = handlers[number];
    h.message = std::make_unique<detail::kept_message>(t.started->message());
    h.origin = h.message->message.id().octets;
    h.run = std::move(t.started);
  }
  auto& h = handlers.at(number);
  for (const auto& id : t.cancelled)
    for (auto& s : sent)
      if (s.id == id) s.answered = true;
  if (!t.suspended) {
    handlers.erase(number);
    return number;
  }
  if (t.journal.resumed) h.awaited.erase(t.journal.resumed->at);
  for (const auto& b : t.journal.begun)
    if (b.type != records::step_type::ask) h.awaited[b.at] = b;
  for (const auto& at : t.journal.dropped) h.awaited.erase(at);
  h.journal.push_back(std::move(t.journal));
  return number;
}

void probe_base::world::failed(std::uint64_t number, turn_status how) {
  auto found = handlers.find(number);
  if (found == handlers.end()) return;
  found->second.run.reset(); // it is somewhere in a segment that never was
  if (how == turn_status::refused) handlers.erase(found);
}

std::pair<std::uint64_t, std::int64_t> probe_base::world::next_timer() const {
  std::pair<std::uint64_t, std::int64_t> first{};
  for (const auto& [number, h] : handlers)
    for (const auto& [at, step] : h.awaited)
      if (step.type != records::step_type::once && (first.first == 0 || step.due < first.second))
        first = {number, step.due};
  return first;
}

turn probe_base::resume(std::uint64_t handler, std::string_view step, std::uint8_t status,
                        std::string_view reason, const encoded& value) {
  auto& w = *world_;
  auto at = parse_step_context(step);
  auto found = w.handlers.find(handler);
  if (!at || found == w.handlers.end()) throw std::logic_error("the handler awaits nothing");
  auto& h = found->second;
  if (!h.run) {
    auto again = w.instance->replay(h.message->message, h.journal);
    if (!again) {
      turn t;
      t.how_ = turn::ending::threw;
      t.reason_ = again.error().what();
      return t;
    }
    h.run = std::move(*again);
  }
  records::step_result result;
  result.at = *at;
  result.status = records::step_status(status);
  result.reason = reason;
  result.content_type = value.content_type;
  result.payload = to_bytes(as_bytes(value.payload));
  w.instance->resume(*h.run, result, w.now_ms);
  return settle(handler);
}

turn probe_base::wake(std::uint64_t handler, std::int64_t due) {
  const auto& awaited = world_->handlers.at(handler).awaited;
  for (const auto& [at, step] : awaited)
    if (step.type != records::step_type::once && step.due == due)
      return resume(handler, step_context(at), std::uint8_t(records::step_status::ok), {}, {});
  throw std::logic_error("the handler awaits no time");
}

// What is awaited and to be done once is done now: its intent is committed.
turn probe_base::run_once(std::uint64_t handler, turn last) {
  auto& w = *world_;
  auto found = w.handlers.find(handler);
  if (found == w.handlers.end()) return last;
  for (const auto& [at, step] : found->second.awaited) {
    if (step.type != records::step_type::once) continue;
    const auto key = detail::step_key(w.identity.self, found->second.origin, step);
    auto made = w.instance->call_once(*found->second.run, at, key);
    if (made) return resume(handler, step_context(at), 1, {}, *made);
    const auto failed = std::uint8_t(records::step_status::failed);
    return resume(handler, step_context(at), failed, made.error().context, {});
  }
  return last;
}

std::size_t probe_base::suspended_count() const { return world_->handlers.size(); }

} // namespace kith::test
