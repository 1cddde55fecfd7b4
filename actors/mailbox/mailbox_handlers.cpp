// Handlers that await something, in the mailbox: their beginning, what makes them go on, and their
// three ends (semantics.md 10, 11, 14 to 19).
#include "actors/mailbox/mailbox.hpp"

#include "actors/mailbox/wall_time.hpp"
#include "runtime/stream/text.hpp"

#include <algorithm>

namespace kith {

using store::table;

namespace {

bool has_once(const records::segment& s) {
  for (const auto& b : s.begun)
    if (b.type == records::step_type::once) return true;
  return false;
}

constexpr std::uint64_t volatile_life_max = 365ull * 24 * 3600 * 1000;

bool is_volatile(const records::handler_start& start) {
  return start.stream == stream_key{} && !start.fired;
}

constexpr std::string_view volatile_once =
    "once() is not for messages of QoS 0: one that is lost could not be told from one that is done";

} // namespace

// The context of an ask that a handler awaits: whose it is, and which step.
std::string mailbox::awaited_context(std::string_view step) const {
  return std::string(as_text(running_)) + std::string(step);
}

// The first segment is done: the message is consumed, and the handler is on record.
result<void> mailbox::begin_handler(records::handler_start start, turn_outcome& outcome,
                                    mailbox_step& step) {
  running_ = start.origin;
  auto t = std::move(*outcome.handler);
  if (is_volatile(start) && has_once(t.journal))
    return fail(errc::invalid, "volatile_once", std::string(volatile_once));
  chain_ = chain_below(start, outcome);
  KITH_TRY(apply(outcome, step));
  for (const auto& request : t.cancelled) forget_ask(request, step);
  step.batch.put(table::state, keys::handler(key_, running_), records::encode(start));
  auto& h = handlers_.add(running_);
  h.start = std::make_unique<records::handler_start>(std::move(start));
  handlers_.keep(h, std::move(t.started));
  handlers_.append(running_, t.journal, wall_, env_.time.now(), step.number, step.batch);
  handlers_.expire_at(running_, h.start->expires, wall_, env_.time.now());
  handlers_.touch(running_, env_.time.now());
  return {};
}

mailbox::turn mailbox::begin_handler(in_stream& s, const envelope& e, turn_outcome& outcome,
                                     mailbox_step& step) {
  records::handler_start start;
  start.origin = handlers::origin_of(s.key, e.seq());
  start.from = s.id.from;
  start.stream = s.key;
  start.seq = e.seq();
  start.envelope = e.raw();
  start.started = wall_;
  if (auto expires = s.pending.front().expires; e.wants_answer() && expires != 0)
    start.expires =
        later(expires, std::uint64_t(limits_.deadline_grace / std::chrono::milliseconds(1)));
  if (auto begun = begin_handler(std::move(start), outcome, step); !begun) {
    agent_->roll_back();
    return failed(s, begun.error().what(), step);
  }
  inbox_.consume(s); // its disposition comes with the last segment
  return turn::consumed;
}

void mailbox::begin_volatile_handler(const volatile_arrival::item& item, turn_outcome& outcome,
                                     mailbox_step& step) {
  const auto& e = item.envelope.get();
  records::handler_start start;
  start.origin = ids_.next(wall_, env_.random).octets;
  start.from = item.from;
  start.envelope = e.raw();
  start.started = wall_;
  if (e.wants_answer() && e.time_to_live_ms() != 0)
    start.expires = wall_ + wall_ms(std::min(e.time_to_live_ms(), volatile_life_max));
  if (auto begun = begin_handler(std::move(start), outcome, step); !begun) {
    agent_->roll_back();
    answer(e, item.from, answer_status::refused, text_type, begun.error().context, step);
  }
}

// A firing's first segment: it consumes the firing.
result<void> mailbox::begin_fired_handler(const message_fields& m, slice raw, turn_outcome& outcome,
                                          mailbox_step& step) {
  records::handler_start start;
  start.origin = m.id.octets;
  start.from = who_.self;
  start.envelope = std::move(raw);
  start.started = wall_;
  start.fired = {std::string(m.timer->id), m.timer->n, m.timer->missed, m.timer->due_ms};
  return begin_handler(std::move(start), outcome, step);
}

// A dead letter sent again: if a handler died of it, that one goes on. False: there is none.
result<bool> mailbox::revive(in_stream& s, const envelope& e, mailbox_step& step) {
  KITH_ASSIGN(auto dead, handlers_.find_dead(env_.disk, e.replay_of()));
  if (!dead || handlers_.find(dead->origin) != nullptr || purged_.contains(dead->origin))
    return false;
  KITH_ASSIGN(auto journal, handlers_.journal(env_.disk, dead->origin));
  dead->replay = e.raw();
  dead->replay_from = s.id.from;
  dead->stream = s.key;
  dead->seq = e.seq();
  handlers_.revive(
      *dead, journal, [&](const uuid& id) { return asks_.find(id) != nullptr; }, wall_,
      env_.time.now(), step.number, step.batch);
  inbox_.consume(s);
  return true;
}

// Its record, of which the last one written is durable or in memory.
result<void> mailbox::load_start(const handler_id& id, waiting_handler& h) {
  if (h.start) return {};
  KITH_ASSIGN(auto stored, env_.disk.get(table::state, keys::handler(key_, id)));
  if (!stored) return fail(errc::corrupt, "bad_record", "a handler without its record");
  KITH_ASSIGN(auto start, records::decode<records::handler_start>(*stored));
  h.start = std::make_unique<records::handler_start>(std::move(start));
  return {};
}

// Into memory, by a replay of its journal.
result<void> mailbox::bring_back(const handler_id& id, waiting_handler& h) {
  if (h.run) return {};
  KITH_TRY(load_start(id, h));
  KITH_ASSIGN(auto journal, handlers_.journal(env_.disk, id));
  KITH_ASSIGN(auto e, envelope::parse(h.start->envelope));
  auto fields = view(e, h.start->from);
  timer_firing firing;
  if (const auto& f = h.start->fired) {
    firing = {f->timer, f->n, f->due, f->missed};
    fields.timer = &firing;
  }
  KITH_ASSIGN(auto run, agent_->replay(kith::message(fields), journal));
  handlers_.keep(h, std::move(run));
  return {};
}

mailbox::resumption mailbox::resume(const handler_id& id, const records::step_result& result,
                                    mailbox_step& step) {
  auto* h = handlers_.find(id);
  if (h == nullptr) return {};
  if (!h->run && h->written_by > durable_) return {resumption::later, h->written_by, {}};
  if (auto back = bring_back(id, *h); !back) {
    if (back.error().code != "replay_diverged") return {resumption::threw, 0, back.error().what()};
    die(id, "another path than its journal's: " + back.error().context, 0, result, step);
    return {};
  }
  if (!h->run->awaits(result.at)) return {}; // the loser of an any(), or a time that passed
  running_ = id;
  // Who was asked is told to stop, once it is certain that the handler went on without it.
  const bool cancelled = result.status == records::step_status::cancelled ||
                         result.status == records::step_status::deadline;
  const auto given_up = cancelled ? h->run->request_at(result.at) : std::nullopt;
  auto& outcome = [&]() -> turn_outcome& {
    const noted_turn noted(env_.turns.get(), tally_, h->run->message().kind());
    return agent_->resume(*h->run, result, wall_);
  }();
  if (outcome.status == turn_status::done) {
    if (auto kept = keep_segment(id, *h, outcome, step); !kept) {
      agent_->roll_back();
      outcome.status = turn_status::threw;
      outcome.reason = kept.error().what();
      if (kept.error().code == "journal_full") {
        die(id, kept.error().context, 0, result, step);
        return {};
      }
    }
  }
  if (given_up && outcome.status != turn_status::threw) forget_ask(*given_up, step);
  if (outcome.status == turn_status::done) return {};
  if (outcome.status == turn_status::refused) {
    for (const auto& request : h->run->requests()) forget_ask(request, step);
    // Expired by our clock: the asker's may differ.
    end_handler(id, *h, outcome.expired ? answer_status::expired : answer_status::refused,
                {text_type, outcome.reason}, step);
    return {};
  }
  if (outcome.status == turn_status::crashed) {
    die(id, outcome.reason, h->attempts + 1, result, step, true);
    return {};
  }
  handlers_.let_go(*h); // it stands in a segment that never was
  return {resumption::threw, 0, outcome.reason};
}

result<void> mailbox::keep_segment(const handler_id& id, waiting_handler& h, turn_outcome& outcome,
                                   mailbox_step& step) {
  auto t = std::move(*outcome.handler);
  if (t.suspended) {
    if (h.segments >= limits_.handler_segments_max || h.bytes > limits_.handler_bytes_max)
      return fail(errc::too_large, "journal_full", "its journal is full");
    if (is_volatile(*h.start) && has_once(t.journal))
      return fail(errc::too_large, "journal_full", std::string(volatile_once));
  }
  auto reply = std::move(outcome.reply);
  chain_ = chain_below(*h.start, outcome);
  KITH_TRY(apply(outcome, step));
  for (const auto& request : t.cancelled) forget_ask(request, step);
  if (!t.suspended) {
    end_handler(id, h, answer_status::ok, reply.value_or(encoded{}), step);
    return {};
  }
  handlers_.append(id, t.journal, wall_, env_.time.now(), step.number, step.batch);
  handlers_.touch(id, env_.time.now());
  return {};
}

// The last segment: the asker is told, the ledger too, and nothing is kept.
void mailbox::end_handler(const handler_id& id, waiting_handler& h, answer_status status,
                          const encoded& what, mailbox_step& step) {
  settle_request(*h.start, status, what, step);
  handlers_.remove(id, step.batch);
  release_held();
}

void mailbox::settle_request(const records::handler_start& start, answer_status status,
                             const encoded& what, mailbox_step& step) {
  const bool replayed = start.replay.size() != 0;
  if (start.fired && !replayed && status != answer_status::dead)
    return; // what is simply handled or refused leaves nothing: a timer may fire for years
  auto e = envelope::parse(replayed ? start.replay : start.envelope);
  const auto& from = replayed ? start.replay_from : start.from;
  if (!e) return env_.log(log_level::error, "a handler's message: " + e.error().what());
  const bool told = !start.fired || replayed; // a timer hears nothing
  if (told && (status != answer_status::ok || e->wants_answer()))
    answer(*e, from, status, what.content_type, what.payload, step);
  const bool handled = status == answer_status::ok;
  if (told && (e->qos() == qos::at_most_once || (e->qos() == qos::at_least_once && handled)))
    return;
  note_disposition(*e, start.stream, disposition(std::uint8_t(status)),
                   handled ? std::string() : what.payload, step);
}

// It cannot go on: a dead letter, with its journal, for somebody to look at. If it `crashed`, or
// failed as often as it may under a supervisor of the agent's own, the agent's life ends too.
void mailbox::die(const handler_id& id, const std::string& why, std::uint32_t attempts,
                  const records::step_result& stuck, mailbox_step& step, bool crashed) {
  auto* h = handlers_.find(id);
  if (h == nullptr) return;
  if (!h->start)
    return env_.log(log_level::error, "a handler rests, its record cannot be read: " + why);
  if (h->run)
    for (const auto& request : h->run->requests()) forget_ask(request, step);
  const std::string reason = crashed ? "it crashed the agent: " + why : why;
  auto dead = *h->start;
  dead.dead = true;
  dead.reason = reason;
  dead.attempts = attempts;
  dead.when = wall_;
  dead.stuck = stuck;
  const bool replayed = dead.replay.size() != 0;
  const bool ends_life = crashed || (attempts >= limits_.attempts_max && !who_.supervisor.empty());
  if (auto e = envelope::parse(replayed ? dead.replay : dead.envelope)) {
    dead_letter(*e, reason, attempts, step);
    if (ends_life) crash(why, name_of(*e, replayed ? dead.replay_from : dead.from), step);
  }
  settle_request(dead, answer_status::dead, {text_type, reason}, step);
  handlers_.bury(id, dead, step.batch);
  release_held();
}

mailbox::turn mailbox::take_awaited(in_stream& s, const envelope& e, const records::ask_record& ask,
                                    mailbox_step& step) {
  auto [id, at] = awaiting(ask);
  records::step_result r;
  r.at = std::move(at);
  r.status = records::step_status(std::uint8_t(e.status()));
  if (e.status() == answer_status::ok) {
    r.content_type = e.content_type();
    r.payload = to_bytes(e.payload());
  } else {
    r.reason = clean_text(as_text(e.payload()), records::text_size_max); // as it is stored
  }
  auto went = resume(id, r, step);
  if (went.how == resumption::later) {
    s.pending.front().after = went.after;
    return turn::blocked;
  }
  if (went.how == resumption::threw) {
    if (s.attempts + 1 < limits_.attempts_max) return failed(s, went.reason, step);
    die(id, went.reason, s.attempts + 1, r, step);
  }
  return turn::consumed;
}

std::pair<handler_id, records::step_ref> mailbox::awaiting(const records::ask_record& ask) {
  handler_id id{};
  auto context = as_text(ask.context);
  if (context.size() < id.size()) return {};
  std::memcpy(id.data(), context.data(), id.size());
  return {id, parse_step_context(context.substr(id.size())).value_or(records::step_ref{})};
}

// What ends a step that waits for no message. Nothing: the function of a once threw, and is to be
// tried again.
std::optional<records::step_result> mailbox::ripe(const due_step& due, waiting_handler& h) {
  if (due.result) return *due.result;
  records::step_result r;
  r.at = due.at;
  if (!due.once) return r;
  auto step = h.run->awaited_once(due.at);
  if (!step) return r; // no longer awaited, as resume() will find
  if (due.recovered && step->tell_doubt) {
    r.status = records::step_status::in_doubt;
    r.reason = "the process stopped while " + step->name + " may have been under way";
    return r;
  }
  const noted_turn noted(env_.turns.get(), tally_, step->name);
  auto made = agent_->call_once(*h.run, due.at, detail::step_key(who_.self, due.handler, *step));
  if (made) {
    r.content_type = made->content_type;
    r.payload = to_bytes(as_bytes(made->payload));
    return r;
  }
  env_.log(log_level::warn, "once " + step->name + " failed: " + made.error().context);
  if (++h.attempts < limits_.attempts_max) return std::nullopt;
  r.status = records::step_status::failed;
  r.reason = clean_text(made.error().context, records::text_size_max);
  return r;
}

void mailbox::take_due(due_step due, mailbox_step& step) {
  auto now = env_.time.now();
  auto* h = handlers_.find(due.handler);
  if (h == nullptr) return;
  if (due.expiry) return cancel(std::move(due), step);
  auto later = [&] { handlers_.again(std::move(due), now + retry_pause(h->attempts)); };
  if (due.once && !h->run) {
    if (h->written_by > durable_) return handlers_.wait(std::move(due), h->written_by);
    // A replay that fails is judged by resume(), which tries it again.
    if (!bring_back(due.handler, *h)) {
      records::step_result nothing;
      nothing.at = due.at;
      if (resume(due.handler, nothing, step).how == resumption::threw) ++h->attempts, later();
      return;
    }
  }
  auto result = ripe(due, *h);
  if (!result) return later();
  if (due.once) due.result = std::make_unique<records::step_result>(*result);
  auto went = resume(due.handler, *result, step);
  if (went.how == resumption::later) return handlers_.wait(std::move(due), went.after);
  if (went.how != resumption::threw) return;
  if (++h->attempts >= limits_.attempts_max)
    return die(due.handler, went.reason, h->attempts, *result, step);
  env_.log(log_level::warn, "a handler failed and will be tried again: " + went.reason);
  later();
}

// A time-out of an ask that a handler awaits. When to try it again; nothing: it is over.
std::optional<duration> mailbox::time_out_awaited(const records::ask_record& ask,
                                                  mailbox_step& step) {
  auto [id, at] = awaiting(ask);
  records::step_result r;
  r.at = std::move(at);
  r.status = records::step_status::timeout;
  r.reason = "no answer by the deadline";
  auto went = resume(id, r, step);
  if (went.how == resumption::done) return std::nullopt;
  if (went.how == resumption::later) return limits_.retry_delay;
  auto* h = handlers_.find(id);
  env_.log(log_level::warn, "a handler failed and will be tried again: " + went.reason);
  if (h == nullptr || ++h->attempts < limits_.attempts_max) return limits_.retry_delay_max;
  die(id, went.reason, h->attempts, r, step);
  return std::nullopt;
}

} // namespace kith
