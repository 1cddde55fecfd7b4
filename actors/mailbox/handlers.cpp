#include "actors/mailbox/handlers.hpp"

#include "actors/mailbox/wall_time.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/store/each.hpp"

#include <algorithm>

namespace kith {

using store::each, store::table;

namespace {

using awaited_steps = std::map<records::step_ref, records::step_begun>;

void note(awaited_steps& awaited, const records::segment& s) {
  if (s.resumed) awaited.erase(s.resumed->at);
  for (const auto& b : s.begun) awaited[b.at] = b;
  for (const auto& at : s.dropped) awaited.erase(at);
}

} // namespace

handler_id handlers::origin_of(const stream_key& s, sequence seq) {
  bytes all = to_bytes(s);
  put_u64(all, seq);
  return crypto::blake2b_128(all);
}

awaited_steps handlers::awaited(const std::vector<records::segment>& journal) {
  awaited_steps awaited;
  for (const auto& s : journal) note(awaited, s);
  return awaited;
}

std::vector<handler_id> handlers::ids() const {
  std::vector<handler_id> out;
  out.reserve(table_.size());
  for (const auto& [id, h] : table_) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

void handlers::expire_at(const handler_id& id, wall_ms expires, wall_ms wall, time_point now) {
  if (expires == 0) return;
  due_step s;
  s.handler = id;
  s.expiry = true;
  again(std::move(s), monotonic(expires, wall, now));
}

handlers::scheduled::scheduled(due_step s)
    : handler_(s.handler), ordinal_(s.at.ordinal), expiry_(s.expiry) {
  if (!s.at.branch.empty() || s.once || s.result) whole_ = std::make_unique<due_step>(std::move(s));
}

due_step handlers::scheduled::unpack() && {
  if (whole_) return std::move(*whole_);
  due_step s;
  s.handler = handler_;
  s.at.ordinal = ordinal_;
  s.expiry = expiry_;
  return s;
}

void handlers::again(due_step s, time_point when) { due_.emplace(when, std::move(s)); }

result<void> handlers::restore(store::backend& disk, wall_ms wall, time_point now) {
  auto range = [&](bytes example) {
    auto from = keys::prefix(example, keys::agent_prefix_size);
    return std::pair(from, keys::end_of(from));
  };
  auto [first, end] = range(keys::handler(self_, {}));
  KITH_TRY(each(disk, table::state, first, end, [&](const store::entry& e) -> result<void> {
    KITH_ASSIGN(auto start, records::decode<records::handler_start>(e.value));
    if (auto ok = keys::check_place(e.key, keys::handler(self_, start.origin), "a handler"); !ok)
      return ok;
    if (start.dead) return {};
    add(start.origin);
    expire_at(start.origin, start.expires, wall, now);
    return {};
  }));
  handler_id current{};
  awaited_steps awaited;
  auto flush = [&] {
    for (const auto& [at, b] : awaited) begin(current, b, true, 0, wall, now);
    awaited.clear();
  };
  auto [from, to] = range(keys::journal(self_, {}, 0));
  KITH_TRY(each(disk, table::state, from, to, [&](const store::entry& e) -> result<void> {
    auto id = keys::handler_origin(e.key);
    auto* h = find(id);
    if (h == nullptr) return {}; // a dead one's
    KITH_ASSIGN(auto s, records::decode<records::segment>(e.value));
    if (id != current) flush();
    current = id;
    ++h->segments;
    h->bytes += std::uint32_t(e.value.size());
    note(awaited, s);
    return {};
  }));
  flush();
  return {};
}

waiting_handler* handlers::find(const handler_id& id) {
  auto it = table_.find(id);
  return it == table_.end() ? nullptr : &it->second;
}

waiting_handler& handlers::add(const handler_id& id) { return table_[id]; }

void handlers::begin(const handler_id& id, const records::step_begun& b, bool recovered,
                     std::uint64_t after, wall_ms wall, time_point now) {
  if (b.type == records::step_type::ask) return; // asks have their own table
  const bool once = b.type == records::step_type::once;
  due_step s{id, b.at, once, false, recovered, after, nullptr};
  if (once && after != 0)
    unsynced_.push_back(std::move(s));
  else if (once)
    again(std::move(s), now);
  else
    again(std::move(s), monotonic(b.due, wall, now));
}

void handlers::append(const handler_id& id, const records::segment& s, wall_ms wall, time_point now,
                      std::uint64_t step, store::write_batch& batch) {
  auto& h = table_[id];
  auto stored = records::encode(s);
  h.bytes += std::uint32_t(stored.size());
  batch.put(table::state, keys::journal(self_, id, h.segments++), stored);
  h.written_by = step;
  h.attempts = 0;
  for (const auto& b : s.begun)
    if (std::find(s.dropped.begin(), s.dropped.end(), b.at) == s.dropped.end())
      begin(id, b, false, step, wall, now);
}

void handlers::remove(const handler_id& id, store::write_batch& batch) {
  auto it = table_.find(id);
  if (it == table_.end()) return;
  for (std::uint32_t i = 0; i < it->second.segments; ++i)
    batch.erase(table::state, keys::journal(self_, id, i));
  batch.erase(table::state, keys::handler(self_, id));
  let_go(it->second);
  table_.erase(it);
}

void handlers::bury(const handler_id& id, const records::handler_start& dead,
                    store::write_batch& batch) {
  batch.put(table::state, keys::handler(self_, id), records::encode(dead));
  auto it = table_.find(id);
  if (it == table_.end()) return;
  let_go(it->second);
  table_.erase(it);
}

result<void> handlers::each_dead(
    store::backend& disk,
    const std::function<void(const uuid&, const records::handler_start&)>& see) const {
  auto from = keys::prefix(keys::handler(self_, {}), keys::agent_prefix_size);
  return each(
      disk, table::state, from, keys::end_of(from), [&](const store::entry& e) -> result<void> {
        KITH_ASSIGN(const auto start, records::decode<records::handler_start>(e.value));
        if (!start.dead) return {};
        KITH_ASSIGN(const auto was,
                    envelope::parse(start.replay.size() != 0 ? start.replay : start.envelope));
        see(was.id(), start);
        return {};
      });
}

result<std::optional<records::handler_start>> handlers::find_dead(store::backend& disk,
                                                                  const uuid& id) const {
  std::optional<records::handler_start> out;
  KITH_TRY(each_dead(disk, [&](const uuid& message, const records::handler_start& start) {
    if (!out && message == id) out = start;
  }));
  return out;
}

namespace {

// Of the journal of one handler.
std::pair<bytes, bytes> journal_range(const keys::agent_key& self, const handler_id& id) {
  auto from = keys::journal(self, id, 0);
  auto to = keys::end_of(keys::handler(self, id));
  to[0] = from[0];
  return {std::move(from), std::move(to)};
}

} // namespace

void handlers::erase_dead(const handler_id& id, store::write_batch& batch) const {
  const auto [from, to] = journal_range(self_, id);
  batch.erase_range(table::state, from, to);
  batch.erase(table::state, keys::handler(self_, id));
}

void handlers::revive(const records::handler_start& start,
                      const std::vector<records::segment>& journal,
                      const std::function<bool(const uuid&)>& open, wall_ms wall, time_point now,
                      std::uint64_t step, store::write_batch& batch) {
  const auto& id = start.origin;
  auto& h = add(id);
  h.segments = std::uint32_t(journal.size());
  h.written_by = step;
  for (const auto& s : journal) h.bytes += std::uint32_t(records::encode(s).size());
  auto give = [&](const records::step_result& r) {
    due_step due{id, r.at, false, false, false, 0, std::make_unique<records::step_result>(r)};
    again(std::move(due), now);
  };
  if (start.stuck) give(*start.stuck);
  for (const auto& [at, b] : awaited(journal)) {
    if (start.stuck && start.stuck->at == at) continue;
    if (b.type != records::step_type::ask)
      begin(id, b, true, 0, wall, now);
    else if (!open(b.request))
      give({at, records::step_status::timeout, "nobody waited for it meanwhile", {}, {}});
  }
  auto alive = start;
  alive.dead = false;
  alive.reason.clear();
  alive.expires = 0;
  alive.stuck.reset();
  batch.put(table::state, keys::handler(self_, id), records::encode(alive));
}

result<std::vector<records::segment>> handlers::journal(store::backend& disk,
                                                        const handler_id& id) const {
  std::vector<records::segment> out;
  const auto [from, to] = journal_range(self_, id);
  KITH_TRY(each(disk, table::state, from, to, [&](const store::entry& e) -> result<void> {
    KITH_ASSIGN(auto s, records::decode<records::segment>(e.value));
    out.push_back(std::move(s));
    return {};
  }));
  return out;
}

std::optional<due_step> handlers::next_due(time_point now, std::uint64_t durable) {
  while (!unsynced_.empty() && unsynced_.front().after <= durable) {
    again(std::move(unsynced_.front()), now);
    unsynced_.pop_front();
  }
  if (due_.empty() || due_.begin()->first > now) return std::nullopt;
  auto s = std::move(due_.begin()->second).unpack();
  due_.erase(due_.begin());
  return s;
}

std::optional<time_point> handlers::next_wake() const {
  std::optional<time_point> wake;
  if (!due_.empty()) wake = due_.begin()->first;
  if (!touched_.empty()) {
    auto idle = touched_.front().first + limits_.handler_idle_max;
    if (!wake || idle < *wake) wake = idle;
  }
  return wake;
}

void handlers::touch(const handler_id& id, time_point now) {
  auto* h = find(id);
  if (h == nullptr || !h->run) return;
  h->touched = now;
  touched_.emplace_back(now, id);
}

void handlers::keep(waiting_handler& h, std::unique_ptr<detail::task_run> run) {
  h.run = std::move(run);
  ++in_memory_;
}

void handlers::let_go(waiting_handler& h) {
  if (!h.run) return;
  h.run.reset();
  --in_memory_;
}

void handlers::evict(time_point now, std::uint64_t durable) {
  while (!touched_.empty()) {
    auto [when, id] = touched_.front();
    auto* h = find(id);
    if (h != nullptr && h->run && h->touched == when) {
      const bool idle = when + limits_.handler_idle_max <= now;
      if (!idle && in_memory_ <= limits_.handlers_in_memory_max) return;
      if (h->written_by > durable) {
        if (!idle) return;
        touch(id, now); // soon it is
      } else {
        let_go(*h);
        h->start.reset();
      }
    }
    touched_.pop_front();
  }
}

} // namespace kith
