// How a mailbox takes a turn: when an envelope may run, what its outcome puts into the commit, and
// what happens when it fails (semantics.md 3 to 5, 10, 11, 19).
#include "actors/mailbox/mailbox.hpp"

#include <algorithm>

namespace kith {

using store::table;

bool mailbox::may_run(in_stream& s, mailbox_step& step) {
  auto block = [&] {
    blocked_.push_back(&s);
    return false;
  };
  auto& head = s.pending.front();
  auto seq = s.consumed + 1;
  // A notice from this node may be here before the commit that it speaks of; our ledger must hold
  // that first, and those of all that came with it: else they would go one a commit.
  bool notice =
      s.local && s.id.lane == lane::answer && head.envelope->status() != answer_status::ok;
  if (notice && head.after == 0)
    for (auto& w : s.pending) w.after = step_;
  if (notice && head.after > durable_) return block();
  // New arrivals after an unclean stop: durable first, so that one that crashes the process is
  // found in the queue.
  if (s.journal_first > 0 && (head.stored_by == 0 || head.stored_by > durable_)) return block();
  if (seq > s.recovered) return true;

  // What was pending at an unclean stop: not before a synced mark says that it is being tried.
  bool covered = s.mark.from <= seq && seq <= s.mark.to;
  if (s.marked_by != 0 && covered) return s.marked_by <= durable_ || block();
  bool alone = seq <= s.single_upto;
  std::uint32_t before =
      s.marked_by == 0 && s.mark.from == seq && s.mark.to == seq ? s.mark.count : 0;
  if (before >= limits_.attempts_max) {
    dead_letter(head.envelope.get(), "the process stopped each time it was handled", before, step);
    if (s.id.lane == lane::request)
      answer(head.envelope.get(), s.id.from, answer_status::dead, text_type,
             "the process stopped each time it was handled", step);
    finish(s, disposition::dead, "the process stopped each time it was handled", step);
    if (inbox_.credit_stale(s)) positions_.insert(&s);
    inbox_.requeue(s);
    return false;
  }
  // All marks that are synced when a process stops count against their messages, and one of them is
  // to blame: streams that are suspect wait each for a while of its own, so that they seldom stand
  // marked together.
  if (before > 0 && !std::exchange(s.set_apart, true)) {
    auto spread = limits_.retry_delay * (std::int64_t(1) << std::min(before, 10u));
    inbox_.defer(s, env_.time.now() +
                        duration(std::int64_t(env_.random.below(std::uint64_t(spread.count())))));
    return false;
  }
  // The first mark covers many, since most crashes have nothing to do with a message; after a
  // second, one at a time.
  static constexpr sequence together = 64;
  s.mark = {before + 1, seq, alone ? seq : std::min(s.recovered, seq + together - 1)};
  s.marked_by = step.number;
  step.batch.put(table::state, keys::mark(key_, s.key), records::encode(s.mark));
  return block();
}

mailbox::turn mailbox::take(in_stream& s, mailbox_step& step) {
  auto result = turn::consumed;
  if (pending_)
    keep(s, step);
  else
    result = s.id.lane == lane::request ? take_request(s, step) : take_answer(s, step);
  if (result == turn::consumed && s.recovered != 0 && s.consumed >= s.recovered) {
    s.recovered = 0;
    step.batch.erase(table::state, keys::mark(key_, s.key));
  }
  return result;
}

message_fields mailbox::view(const envelope& e, const did& from) const {
  message_fields f;
  f.id = e.id();
  f.from = &from;
  f.to = &who_.self;
  f.kind = e.kind();
  f.content_type = e.content_type();
  f.payload = e.payload();
  f.created_ms = e.created();
  f.wants_answer = e.wants_answer();
  f.trace = e.trace();
  return f;
}

turn_outcome& mailbox::run_message(const envelope& e, const did& from) {
  message m(view(e, from));
  if (env_.system && e.kind().starts_with("kith."))
    if (auto said = env_.system(m)) return run_system(std::move(*said));
  const noted_turn noted(env_.turns.get(), tally_, e.kind());
  return agent_->run(m, wall_);
}

mailbox::turn mailbox::take_request(in_stream& s, mailbox_step& step) {
  auto e = s.pending.front().envelope.get(); // a reference-counted slice
  if (e.is_tombstone()) {
    finish(s, disposition::expired, "expired before it was sent", step);
    return turn::consumed;
  }
  if (e.kind() == cancel_kind) return take_cancellation(s, e, step);
  auto expires = s.pending.front().expires;
  if (expires != 0 && wall_ >= expires) {
    answer(e, s.id.from, answer_status::expired, text_type, "its time to live had passed", step);
    finish(s, disposition::expired, "its time to live had passed", step);
    return turn::consumed;
  }
  if (!e.replay_of().is_nil()) {
    auto revived = revive(s, e, step);
    if (!revived) return failed(s, revived.error().what(), step);
    if (*revived) return turn::consumed;
  }
  auto& outcome = run_message(e, s.id.from);
  switch (outcome.status) {
  case turn_status::done:
    if (outcome.handler) return begin_handler(s, e, outcome, step);
    if (auto applied = apply(outcome, step); !applied) {
      agent_->roll_back();
      return failed(s, applied.error().what(), step);
    }
    if (outcome.reply && e.wants_answer())
      answer(e, s.id.from, answer_status::ok, outcome.reply->content_type, outcome.reply->payload,
             step);
    finish(s, disposition::handled, {}, step);
    return turn::consumed;
  case turn_status::refused:
    answer(e, s.id.from, answer_status::refused, text_type, outcome.reason, step);
    finish(s, disposition::refused, outcome.reason, step);
    return turn::consumed;
  case turn_status::crashed:
    crash(outcome.reason, name_of(e, s.id.from), step);
    return died(s, "it crashed the agent: " + outcome.reason, s.attempts + 1, step);
  case turn_status::threw: break;
  }
  return failed(s, outcome.reason, step);
}

duration mailbox::retry_pause(std::uint32_t attempts) {
  const auto doublings = std::min(attempts == 0 ? 0u : attempts - 1, 20u);
  const auto longest =
      std::min(limits_.retry_delay * (std::int64_t(1) << doublings), limits_.retry_delay_max);
  const auto jitter = std::int64_t(env_.random.below(std::uint64_t(longest.count() / 2 + 1)));
  return longest / 2 + duration(jitter);
}

mailbox::turn mailbox::failed(in_stream& s, const std::string& reason, mailbox_step& step) {
  ++s.attempts;
  if (s.attempts < limits_.attempts_max) {
    inbox_.defer(s, env_.time.now() + retry_pause(s.attempts));
    env_.log(log_level::warn, "a turn failed and will be tried again: " + reason);
    return turn::blocked;
  }
  // What an agent cannot handle, however often it tries, is a matter for a supervisor of its own.
  if (!who_.supervisor.empty())
    crash(reason, name_of(s.pending.front().envelope.get(), s.id.from), step);
  return died(s, reason, s.attempts, step);
}

// The head of `s` is a dead letter, and whoever asked is told.
mailbox::turn mailbox::died(in_stream& s, const std::string& reason, std::uint32_t attempts,
                            mailbox_step& step) {
  auto e = s.pending.front().envelope.get();
  dead_letter(e, reason, attempts, step);
  if (s.id.lane == lane::request)
    answer(e, s.id.from, answer_status::dead, text_type, reason, step);
  finish(s, disposition::dead, reason, step);
  return turn::consumed;
}

void mailbox::dead_letter(const envelope& e, const std::string& reason, std::uint32_t attempts,
                          mailbox_step& step) {
  if (tally_ != nullptr) tally_->died(cause_of(reason));
  records::dead_letter letter{e.id(), e.raw(), reason, attempts, wall_, who_.self};
  step.batch.put(table::ledger, keys::dead(e.id()), records::encode(letter));
  env_.log(log_level::error, "message " + e.id().text() + " is a dead letter: " + reason);
}

// The head of `s` has its disposition: the position advances, and the ledger says what became of
// it; of QoS 1 only what is not simply handled.
void mailbox::finish(in_stream& s, disposition d, const std::string& reason, mailbox_step& step) {
  const auto& e = s.pending.front().envelope;
  if (e->qos() == qos::at_least_once && d == disposition::handled && reason.empty()) {
    if (tally_ != nullptr) tally_->disposed(d);
    return inbox_.consume(s);
  }
  note_disposition(e.get(), s.key, d, reason, step);
  inbox_.consume(s);
}

void mailbox::note_disposition(const envelope& e, const stream_key& stream, disposition d,
                               const std::string& reason, mailbox_step& step) {
  if (tally_ != nullptr) tally_->disposed(d);
  records::ledger_entry entry;
  entry.id = e.id();
  entry.owner = key_;
  entry.stream = stream;
  entry.seq = e.seq();
  entry.direction = records::direction::in;
  entry.disposition = d;
  entry.when = wall_;
  entry.reason = reason;
  step.batch.put(table::ledger, keys::received(e.id()), records::encode(entry));
}

// Answers to asks, and notices of what did not become a turn. Nothing in the answer lane is itself
// answered.
void mailbox::answer(const envelope& request, const did& to, answer_status status,
                     std::string_view content_type, std::string_view payload, mailbox_step& step) {
  if (request.lane() == lane::answer) return;
  if (request.qos() == qos::at_most_once && !request.wants_answer()) return;
  envelope_fields f;
  f.id = ids_.next(wall_, env_.random);
  f.kind = request.kind();
  f.content_type = content_type;
  f.payload = as_bytes(payload);
  f.created = wall_;
  f.correlation = request.id();
  f.status = status;
  f.lane = lane::answer;
  f.qos = request.qos();
  emit(to, f, step);
}

turn_outcome& mailbox::run_answer(const pending_ask& ask, const did& from, ask_status status,
                                  const envelope* e) {
  answer_fields f;
  f.request_id = ask.record.request;
  f.from = &from;
  f.status = status;
  f.context = as_text(ask.record.context);
  if (e != nullptr && status == ask_status::ok) {
    f.content_type = e->content_type();
    f.payload = e->payload();
  } else {
    f.reason = e != nullptr ? as_text(e->payload()) : std::string_view("no answer by the deadline");
  }
  kith::answer a(f);
  const noted_turn noted(env_.turns.get(), tally_, ask.record.handler);
  return agent_->run(a, ask.record.handler, wall_);
}

ingress::answer mailbox::outside_answer(const envelope& e) {
  return {e.status(), false, std::string(e.content_type()), std::string(as_text(e.payload()))};
}

mailbox::turn mailbox::take_answer(in_stream& s, mailbox_step& step) {
  auto e = s.pending.front().envelope.get();
  const auto* ask = asks_.find(e.correlation());
  if (ask == nullptr || ask->record.to != s.id.from) {
    // A notice about something told, or an answer that nobody waits for any more: the ledger has
    // it.
    note_notice(e, s.id.from, step);
    finish(s, disposition::handled,
           e.status() == answer_status::ok ? "nobody waits for this answer" : "", step);
    return turn::consumed;
  }
  if (ask->waiter) {
    step.released.push_back([waiter = ask->waiter, a = outside_answer(e)] { waiter(a); });
  } else if (ask->record.handler.empty()) {
    if (take_awaited(s, e, ask->record, step) == turn::blocked) return turn::blocked;
  } else {
    auto& outcome = run_answer(*ask, s.id.from, ask_status(std::uint8_t(e.status())), &e);
    if (outcome.status == turn_status::done) {
      if (auto applied = apply(outcome, step); !applied) {
        agent_->roll_back();
        outcome.status = turn_status::threw;
        outcome.reason = applied.error().what();
      }
    }
    const bool crashed = outcome.status == turn_status::crashed;
    if (outcome.status == turn_status::threw || crashed) {
      auto request = e.correlation();
      if (crashed) crash(outcome.reason, name_of(e, s.id.from), step);
      auto result = crashed
                        ? died(s, "it crashed the agent: " + outcome.reason, s.attempts + 1, step)
                        : failed(s, outcome.reason, step);
      if (result == turn::consumed) asks_.remove(request, step.batch);
      return result;
    }
  }
  if (e.status() != answer_status::ok) note_notice(e, s.id.from, step);
  asks_.remove(e.correlation(), step.batch);
  finish(s, disposition::handled, {}, step);
  return turn::consumed;
}

// What travels back about a message of ours goes into our ledger beside it.
void mailbox::note_notice(const envelope& notice, const did& from, mailbox_step& step) {
  if (notice.status() == answer_status::ok || notice.status() == answer_status::none) return;
  auto stored = env_.disk.get(table::ledger, keys::sent(notice.correlation()));
  if (!stored) return;
  result<records::ledger_entry> entry;
  if (*stored) {
    entry = records::decode<records::ledger_entry>(**stored);
    if (!entry || entry->owner != key_) return;
  } else {
    if (notice.qos() != qos::at_least_once || notice.correlation().is_nil())
      return; // not ours, or volatile
    // QoS 1 left none when it was sent. Only somebody to whom we ever sent can have refused us.
    auto stream = outbox_.find(from, lane::request);
    if (!stream) return;
    entry->id = notice.correlation();
    entry->owner = key_;
    entry->stream = *stream;
  }
  entry->disposition = disposition(std::uint8_t(notice.status()));
  entry->reason = std::string(as_text(notice.payload()));
  entry->when = wall_;
  step.batch.put(table::ledger, keys::sent(notice.correlation()), records::encode(*entry));
}

void mailbox::fire_overdue(mailbox_step& step) {
  auto now = env_.time.now();
  for (std::size_t n = 0; n < limits_.commit_turns_max; ++n) {
    auto request = asks_.overdue(now);
    if (!request) return;
    const auto* ask = asks_.find(*request);
    if (ask->waiter) {
      step.released.push_back([waiter = ask->waiter] {
        waiter({answer_status::none, true, {}, "no answer in time"});
      });
    } else if (ask->record.handler.empty()) {
      if (auto wait = time_out_awaited(ask->record, step)) {
        asks_.postpone(*request, now + *wait);
        continue;
      }
    } else {
      auto& outcome = run_answer(*ask, ask->record.to, ask_status::timeout, nullptr);
      if (outcome.status == turn_status::done && !apply(outcome, step)) {
        agent_->roll_back();
        outcome.status = turn_status::threw;
      }
      if (outcome.status == turn_status::threw) {
        env_.log(log_level::warn,
                 "the handler of a time-out failed and will be tried again: " + outcome.reason);
        asks_.postpone(*request, now + limits_.retry_delay_max);
        continue;
      }
      if (outcome.status == turn_status::crashed) {
        auto what = "the time-out of ask " + request->text();
        asks_.remove(*request, step.batch);
        return crash(outcome.reason, std::move(what), step);
      }
    }
    asks_.remove(*request, step.batch);
  }
}

} // namespace kith
