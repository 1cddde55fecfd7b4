#include "actors/mailbox/mailbox.hpp"

#include "actors/mailbox/wall_time.hpp"
#include "runtime/store/each.hpp"

#include <algorithm>

namespace kith {

using store::each, store::table;

namespace {

// The highest position in a stream's queue, at least `floor`.
result<sequence> highest_queued(store::backend& disk, const stream_key& key, sequence floor) {
  auto highest = floor;
  auto end = keys::end_of(keys::prefix(keys::inbox(key, 1), keys::queue_prefix_size));
  KITH_TRY(each(disk, table::queue, keys::inbox(key, floor + 1), end,
                [&](const store::entry& e) -> result<void> {
                  highest = keys::queue_seq(e.key);
                  return {};
                }));
  return highest;
}

// The sizes of what of an outgoing stream is not acknowledged by its recipient's node, or, if that
// is this one, has not had its turn.
result<std::vector<std::size_t>> sizes_waiting(store::backend& disk, const records::stream_out& out,
                                               bool local) {
  auto key = out.stream.key();
  auto from = keys::outbox(key, out.acked + 1);
  if (local) {
    sequence consumed = 0;
    KITH_ASSIGN(auto stored, disk.get(table::state, keys::in_stream(keys::of(out.stream.to), key)));
    if (stored) {
      KITH_ASSIGN(auto in, records::decode<records::stream_in>(*stored));
      consumed = in.consumed;
    }
    from = keys::inbox(key, consumed + 1);
  }
  std::vector<std::size_t> sizes;
  auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
  KITH_TRY(each(disk, table::queue, from, end, [&](const store::entry& e) -> result<void> {
    sizes.push_back(e.value.size());
    return {};
  }));
  return sizes;
}

} // namespace

result<void> mailbox::load_streams(bool unclean) {
  auto range = [&](bytes example) {
    auto from = keys::prefix(example, keys::agent_prefix_size);
    return std::pair(from, keys::end_of(from));
  };
  auto [out_from, out_to] = range(keys::out_stream(key_, {}));
  KITH_TRY(
      each(env_.disk, table::state, out_from, out_to, [&](const store::entry& e) -> result<void> {
        KITH_ASSIGN(auto record, records::decode<records::stream_out>(e.value));
        if (auto ok = keys::check_place(e.key, keys::out_stream(key_, record.stream.key()),
                                        record.stream.text());
            !ok)
          return ok;
        bool local = env_.is_local(record.stream.to);
        KITH_ASSIGN(auto waiting, sizes_waiting(env_.disk, record, local));
        outbox_.restore(record, local, waiting);
        return {};
      }));

  auto restore = [&](const store::entry& e, bool local) -> result<void> {
    KITH_ASSIGN(auto record, records::decode<records::stream_in>(e.value));
    auto key = record.stream.key();
    if (auto ok = keys::check_place(
            e.key, local ? keys::local_stream(key_, key) : keys::in_stream(key_, key),
            record.stream.text());
        !ok)
      return ok;
    if (auto* known =
            inbox_.find(record.stream)) { // its own record came first; this is the local sender's
      known->local = known->local || local;
      return {};
    }
    records::attempt_mark mark;
    KITH_ASSIGN(auto stored, env_.disk.get(table::state, keys::mark(key_, key)));
    if (stored) {
      KITH_ASSIGN(mark, records::decode<records::attempt_mark>(*stored));
    }
    KITH_ASSIGN(auto highest, highest_queued(env_.disk, key, record.consumed));
    inbox_.restore(record.stream, local, &record, highest, unclean, mark);
    return {};
  };
  auto [in_from, in_to] = range(keys::in_stream(key_, {}));
  KITH_TRY(each(env_.disk, table::state, in_from, in_to,
                [&](const store::entry& e) { return restore(e, false); }));
  auto [local_from, local_to] = range(keys::local_stream(key_, {}));
  return each(env_.disk, table::state, local_from, local_to,
              [&](const store::entry& e) { return restore(e, true); });
}

result<void> mailbox::activate(bool unclean) {
  unclean_ = unclean;
  KITH_TRY(load_streams(unclean));
  auto from = keys::prefix(keys::ask(key_, {}), keys::agent_prefix_size);
  KITH_TRY(each(env_.disk, table::state, from, keys::end_of(from),
                [&](const store::entry& e) -> result<void> {
                  KITH_ASSIGN(auto record, records::decode<records::ask_record>(e.value));
                  if (auto ok = keys::check_place(e.key, keys::ask(key_, record.request),
                                                  "ask " + record.request.text());
                      !ok)
                    return ok;
                  asks_.restore(std::move(record), env_.time.wall(), env_.time.now());
                  return {};
                }));
  load_behind();
  if (!who_.outside()) {
    KITH_TRY(load_owner());
    KITH_TRY(load_watches());
    KITH_TRY(load_timers());
    KITH_TRY(handlers_.restore(env_.disk, env_.time.wall(), env_.time.now()));
    return wake_agent();
  }
  pending_.emplace(limits_, key_);
  return pending_->restore(env_.disk);
}

void mailbox::arrived(arrival& a) {
  for (auto& item : a.items) {
    // Frames round up: 1 says that nothing is left (link_streams.cpp).
    wall_ms expires =
        item.time_to_live_ms == 0 ? 0 : later(env_.time.wall(), item.time_to_live_ms) - 1;
    auto verdict = inbox_.accept(a.stream, std::move(item.envelope), expires, a.session, unclean_);
    auto* s = inbox_.find(a.stream);
    if (s == nullptr) {
      env_.log(log_level::warn,
               "a sender's stream was not taken: too many streams into this mailbox");
      return;
    }
    switch (verdict) {
    case inbox::verdict::accepted:
    case inbox::verdict::duplicate: positions_.insert(s); break;
    case inbox::verdict::gap: rewinds_.insert(s); return;
    case inbox::verdict::fork:
      inbox_.quarantine(*s,
                        "fork: another history at position " + std::to_string(s->head.next - 1));
      env_.log(log_level::error, "stream quarantined, " + s->quarantine + " of " + s->id.text());
      positions_.insert(s);
      return;
    case inbox::verdict::quarantined:
    case inbox::verdict::too_many_streams: positions_.insert(s); return;
    }
  }
}

void mailbox::arrived(local_arrival& a) {
  for (auto& item : a.items)
    if (inbox_.local(item.stream, std::move(item.envelope), item.expires) == nullptr)
      env_.log(log_level::warn,
               "a local sender's stream was not taken: too many streams into this mailbox");
}

void mailbox::arrived(volatile_arrival& a) {
  for (auto& e : a.items)
    unchained_.push_back(std::move(e)); // bounded by the gate in front of the actor
}

void mailbox::overflowed() { overflowed_ = true; }

void mailbox::asked_position(const position_query& q) {
  auto* s = inbox_.find(q.stream);
  if (s == nullptr) s = inbox_.open(q.stream, unclean_);
  if (s == nullptr) return;
  s->peer = q.session;
  if (q.kept && q.kept->next > s->head.next && env_.restored) {
    // Once what came has had its turn; until then the sender asks again.
    if (s->consumed + 1 != s->head.next) return;
    skip(*s, *q.kept);
  }
  rewinds_.insert(s);
}

// What a restore forgot, and its sender keeps no more, is lost, and said to be.
void mailbox::skip(in_stream& s, const stream_head& to) {
  lost_.push_back({s.id, s.head.next, to.next - 1, env_.time.wall()});
  env_.log(log_level::error, "positions " + std::to_string(s.head.next) + " to " +
                                 std::to_string(to.next - 1) + " of " + s.id.text() +
                                 " were lost in a restore, and are skipped");
  inbox_.skip(s, to);
}

void mailbox::acknowledged(const stream_acked& a) { outbox_.acknowledged(a.stream, a.upto); }

void mailbox::ingress(kith::ingress request) { ingress_.push_back(std::move(request)); }

void mailbox::durable(std::uint64_t step_number) {
  durable_ = std::max(durable_, step_number);
  std::erase_if(ingress_ids_, [&](const auto& e) { return e.second <= durable_; });
  std::erase_if(purged_, [&](const auto& e) { return e.second <= durable_; });
  for (auto* s : std::exchange(blocked_, {})) inbox_.requeue(*s);
  release_marked_timers();
  if (rescan_at_ != 0 && rescan_at_ <= durable_) {
    rescan_at_ = 0;
    rescan_ = true;
  }
  load_behind();
}

// Streams whose waiting envelopes are on disk and for which memory has room again.
void mailbox::load_behind() {
  if (std::exchange(rescan_, false)) load_local_streams(false);
  for (auto* s : inbox_.loadable()) {
    auto from = keys::inbox(s->key, s->consumed + s->pending.size() + 1);
    auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
    auto found = env_.disk.scan(table::queue, from, end,
                                {limits_.stream_count_max, limits_.stream_bytes_max});
    if (found)
      inbox_.load(*s, *found);
    else
      env_.log(log_level::error, "queue not readable: " + found.error().what());
  }
}

void mailbox::load_local_streams(bool unclean) {
  auto from = keys::prefix(keys::local_stream(key_, {}), keys::agent_prefix_size);
  auto done =
      each(env_.disk, table::state, from, keys::end_of(from),
           [&](const store::entry& e) -> result<void> {
             KITH_ASSIGN(auto record, records::decode<records::stream_in>(e.value));
             if (auto ok = keys::check_place(e.key, keys::local_stream(key_, record.stream.key()),
                                             record.stream.text());
                 !ok)
               return ok;
             auto* s = inbox_.find(record.stream);
             if (s == nullptr) s = &inbox_.restore(record.stream, true, &record, 0, unclean, {});
             KITH_ASSIGN(auto highest,
                         highest_queued(env_.disk, s->key, std::max(s->known, s->consumed)));
             s->known = std::max(s->known, highest);
             inbox_.note_behind();
             return {};
           });
  if (!done) env_.log(log_level::error, "queue not readable: " + done.error().what());
}

void mailbox::note_position(mailbox_step& step, in_stream& s, bool rewind) {
  auto c = inbox_.credit_of(s);
  s.credit_told = c.seq;
  step.positions.push_back({s.id, s.peer, s.head, c.seq, c.bytes, rewind, !s.quarantine.empty()});
}

void mailbox::note_positions(mailbox_step& step) {
  for (auto* s : rewinds_) {
    note_position(step, *s, true);
    positions_.erase(s);
  }
  rewinds_.clear();
  for (auto* s : positions_) note_position(step, *s, false);
  positions_.clear();
}

mailbox_step mailbox::run_step() {
  mailbox_step step;
  if (step_ - durable_ >= limits_.commits_in_flight_max) return step; // durable() wakes us
  step.number = step_ + 1;
  load_behind();
  auto now = env_.time.now();
  wall_ = env_.time.wall();
  outbox_.look_around_if_full();
  for (auto& [name, cell] : std::exchange(setup_cells_, {}))
    step.batch.put(table::state, keys::cell(key_, name), as_bytes(cell));
  if ((agent_ || pending_) && !stopping_) {
    take_acks(step);
    while (!ingress_.empty()) {
      admit(ingress_.front(), step);
      ingress_.pop_front();
    }
    tell_of_downs(step);
    take_orders(step);
    take_purges(step);
    fire_timers(step);
    auto room = [&] { return !pending_ || pending_->has_room(); };
    auto turns = take_unchained(step);
    for (; turns < limits_.commit_turns_max && step.batch.size_bytes() < limits_.commit_bytes_max &&
           room() && !stopping_;
         ++turns) {
      auto* s = inbox_.next_ready(now);
      if (s == nullptr) break;
      if (holds(*s)) {
        held_.insert(s);
        continue;
      }
      if (!may_run(*s, step)) continue; // blocked until a commit of ours is durable
      if (take(*s, step) == turn::consumed && inbox_.credit_stale(*s)) positions_.insert(s);
      inbox_.requeue(*s);
    }
    for (; turns < limits_.commit_turns_max && step.batch.size_bytes() < limits_.commit_bytes_max &&
           !stopping_;
         ++turns) {
      auto due = handlers_.next_due(now, durable_);
      if (!due) break;
      take_due(std::move(*due), step);
    }
    handlers_.evict(now, durable_);
    // Last: an answer that has come is handled first, though its deadline passed while the node was
    // down. Those that wait for their mark's sync too.
    if (!answers_wait() && !stopping_) fire_overdue(step);
  }
  if (pending_) pending_->settle(step.batch);
  for (const auto& r : std::exchange(lost_, {}))
    step.batch.put(table::state, keys::lost(key_, r.stream.key(), r.from), records::encode(r));
  if (inbox_.unsettled()) inbox_.settle(step.batch, step.number);
  if (outbox_.unsettled() && (!step.batch.empty() || outbox_.trim_due()))
    outbox_.settle(step.batch, now);
  note_positions(step);
  if (std::exchange(overflowed_, false)) {
    step.barrier = true;
    rescan_at_ = step.number;
  }
  if (!step.empty()) {
    if (!step.batch.empty()) step.batch.require_epoch(who_.self, who_.epoch);
    step_ = step.number;
  }
  return step;
}

mailbox_step mailbox::settle() {
  mailbox_step step;
  step.number = step_ + 1;
  inbox_.settle(step.batch, step.number);
  outbox_.settle(step.batch, env_.time.now());
  if (!step.batch.empty()) step.batch.require_epoch(who_.self, who_.epoch);
  step_ = step.number;
  return step;
}

bool mailbox::answers_wait() const {
  return std::any_of(blocked_.begin(), blocked_.end(), [](const in_stream* s) {
    return s->recovered != 0 && s->id.lane == lane::answer;
  });
}

std::optional<time_point> mailbox::next_wake() const {
  // What waits for a commit, or for room, is woken by that: time alone would wake it in vain.
  if (stopping_ || step_ - durable_ >= limits_.commits_in_flight_max) return std::nullopt;
  std::optional<time_point> wake;
  const auto by = [&](const std::optional<time_point>& t) {
    if (t && (!wake || *t < *wake)) wake = t;
  };
  if (!pending_ || pending_->has_room()) by(inbox_.next_deferred());
  if (!answers_wait()) by(asks_.next_deadline());
  for (const auto& [who, n] : notices_) by(n.not_before);
  by(timers_wake());
  by(handlers_.next_wake());
  return wake;
}

bool mailbox::idle() const {
  return step_ == durable_ && ingress_.empty() && cancels_.empty() && purges_.empty() &&
         pending_acks_.empty() && unchained_.empty() && held_unchained_.empty() &&
         inbox_.count() == 0 && !handlers_.once_waits();
}

bool mailbox::may_sleep() {
  if (!idle() || (!agent_ && !pending_) || asks_.count() > 0 || stopping_) return false;
  outbox_.look_around();
  // With these, the next life would have to be told what this one knows.
  const bool told = notices_.empty() && timer_cancels_.empty() && marked_timers_.empty() &&
                    blocked_.empty() && positions_.empty() && rewinds_.empty() && lost_.empty() &&
                    held_.empty() && setup_cells_.empty();
  return told && !overflowed_ && rescan_at_ == 0 && !rescan_ && outbox_.unacked_count() == 0 &&
         !inbox_.behind();
}

mailbox_report mailbox::report() {
  outbox_.look_around();
  mailbox_report r;
  r.waiting = inbox_.count() + unchained_.size() + held_unchained_.size() +
              (pending_ ? pending_->count() : 0);
  r.unacked = outbox_.unacked_count();
  r.asks = asks_.count();
  r.owner = who_.owner;
  r.suspended = handlers_.count();
  r.in_memory = handlers_.in_memory();
  r.state = stopping_ ? "stopped" : inbox_.next_deferred() ? "retrying" : "running";
  describe_agent(r);
  return r;
}

} // namespace kith
