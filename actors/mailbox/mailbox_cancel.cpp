// Handlers that await something, from outside: what they wait for, and their cancellation by who
// asked and waits no longer, by that one's deadline, or by an operator; and the dead ones' purge.
#include "actors/mailbox/burial.hpp"
#include "actors/mailbox/mailbox.hpp"

#include <algorithm>

namespace kith {

using store::table;

// An ask that a handler of ours awaited: whoever was asked may stop.
void mailbox::forget_ask(const uuid& request, mailbox_step& step) {
  const auto* ask = asks_.find(request);
  if (ask == nullptr) return;
  const auto left = ask->record.deadline - wall_; // after that it stops by itself
  if (ask->record.seq != 0 && left > 0) {
    bytes position;
    put_u64(position, ask->record.seq);
    envelope_fields f;
    f.id = ids_.next(wall_, env_.random);
    f.kind = cancel_kind;
    f.content_type = bytes_type;
    f.payload = position;
    f.created = wall_;
    f.time_to_live_ms = std::uint64_t(left);
    f.correlation = request;
    f.qos = qos::at_least_once;
    emit(did(ask->record.to), f, step);
  }
  asks_.remove(request, step.batch);
}

mailbox::turn mailbox::take_cancellation(in_stream& s, const envelope& e, mailbox_step& step) {
  const auto payload = e.payload();
  const auto id = handlers::origin_of(s.key, payload.size() == 8 ? get_u64(payload.data()) : 0);
  if (auto* h = handlers_.find(id)) {
    if (auto known = load_start(id, *h); !known) return failed(s, known.error().what(), step);
    auto began = envelope::parse(h->start->envelope);
    if (began && began->id() == e.correlation()) expire_now(id, *h, "cancelled by who asked", step);
  }
  finish(s, disposition::handled, {}, step);
  return turn::consumed;
}

void mailbox::expire_now(const handler_id& id, waiting_handler& h, std::string_view reason,
                         mailbox_step& step) {
  h.start->expires = wall_;
  h.start->reason = reason;
  h.written_by = step.number;
  step.batch.put(table::state, keys::handler(key_, id), records::encode(*h.start));
  handlers_.expire_at(id, wall_, wall_, env_.time.now());
}

// What the handler awaits throws kith::cancelled, each in a segment of its own.
void mailbox::cancel(due_step due, mailbox_step& step) {
  const auto id = due.handler;
  auto* h = handlers_.find(id);
  if (!h->run && h->written_by > durable_) return handlers_.wait(std::move(due), h->written_by);
  if (auto back = bring_back(id, *h); !back) {
    if (back.error().code == "replay_diverged")
      return die(id, "another path than its journal's: " + back.error().context, 0, {}, step);
    env_.log(log_level::warn, "a handler cannot be cancelled yet: " + back.error().what());
    return handlers_.again(std::move(due), env_.time.now() + limits_.retry_delay_max);
  }
  auto& start = *h->start;
  if (start.expires == 0 || start.expires > wall_) return; // it was cancelled before
  const auto awaited = h->run->awaited();
  // What has to be done once is done first: it may have begun.
  if (std::any_of(awaited.begin(), awaited.end(),
                  [&](const auto& at) { return h->run->awaited_once(at).has_value(); }))
    return handlers_.again(std::move(due), env_.time.now() + limits_.retry_delay);
  // Whoever cancels it before its deadline gives a reason.
  const auto how =
      start.reason.empty() ? records::step_status::deadline : records::step_status::cancelled;
  const auto reason =
      start.reason.empty() ? "nobody waits for its answer: the deadline passed" : start.reason;
  start.expires = 0;
  start.reason.clear();
  h->written_by = step.number;
  step.batch.put(table::state, keys::handler(key_, id), records::encode(start));
  for (const auto& at : awaited) {
    due_step d;
    d.handler = id;
    d.at = at;
    d.result =
        std::make_unique<records::step_result>(records::step_result{at, how, reason, {}, {}});
    take_due(std::move(d), step);
  }
}

void mailbox::take_orders(mailbox_step& step) {
  for (auto& order : std::exchange(cancels_, {})) {
    bool found = false;
    for (const auto& id : handlers_.ids()) {
      auto* h = handlers_.find(id);
      const bool kept = h->start != nullptr;
      if (!load_start(id, *h)) continue;
      auto began = envelope::parse(h->start->envelope);
      if (!began || began->id() != order.message) {
        if (!kept) h->start.reset();
        continue;
      }
      expire_now(id, *h, order.reason, step);
      found = true;
      break;
    }
    step.released.push_back([reply = std::move(order.reply), found] { reply(found); });
  }
}

// Here and not by whoever is asked for it: a dead handler may just be going on again.
void mailbox::take_purges(mailbox_step& step) {
  for (auto& order : std::exchange(purges_, {})) {
    const auto alive = [&](const handler_id& id) { return handlers_.has(id); };
    auto done = purge_dead(env_.disk, handlers_, who_.self, order.messages, alive, step.batch);
    if (done)
      for (const auto& id : done->handlers) purged_[id] = step.number;
    step.released.push_back([reply = std::move(order.reply), done = std::move(done)] {
      if (!done) return reply(fail(done.error()));
      reply(done->letters);
    });
  }
}

result<std::vector<handler_report>> mailbox::waiting(const std::optional<uuid>& only,
                                                     std::size_t max) {
  std::vector<handler_report> out;
  for (const auto& id : handlers_.ids()) {
    if (out.size() >= max) break;
    auto& h = *handlers_.find(id);
    const bool kept = h.start != nullptr;
    KITH_TRY(load_start(id, h));
    const auto start = kept ? *h.start : std::move(*std::exchange(h.start, nullptr));
    KITH_ASSIGN(const auto began, envelope::parse(start.envelope));
    if (only && began.id() != *only) continue;
    auto& r = out.emplace_back();
    r.message = began.id();
    r.kind = began.kind();
    r.from = start.from;
    r.started = start.started;
    r.expires = start.expires;
    r.segments = h.segments;
    r.bytes = h.bytes;
    r.attempts = h.attempts;
    r.in_memory = h.run != nullptr;
    if (h.written_by > durable_ && h.run) { // its journal is on its way to the disk
      for (auto& what : h.run->waiting_for()) r.awaits.push_back({std::move(what), 0});
      continue;
    }
    KITH_ASSIGN(const auto journal, handlers_.journal(env_.disk, id));
    for (const auto& [at, b] : handlers::awaited(journal))
      r.awaits.push_back({detail::describe(b.type, b.name), b.due});
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.started < b.started; });
  return out;
}

} // namespace kith
