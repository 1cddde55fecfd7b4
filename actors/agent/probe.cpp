// The host behind kith::test::probe: a mailbox of one, in memory.
#include "actors/agent/probe_world.hpp"

#include <stdexcept>

namespace kith::test {
const std::string& turn::text() const {
  if (how_ == ending::refused) throw std::logic_error("refused: " + reason_);
  if (how_ == ending::threw) throw std::logic_error("threw: " + reason_);
  if (how_ == ending::crashed) throw std::logic_error("crashed: " + reason_);
  if (how_ == ending::suspended) throw std::logic_error("it has not ended: it awaits something");
  return payload_;
}

probe_base::probe_base(agent_registration::factory make, stored_cells cells, std::string name)
    : world_(std::make_unique<world>()) {
  world_->make = make;
  world_->cells = std::move(cells);
  world_->identity = {example("agent"), example("node"), std::move(name)};
  world_->activate();
}

probe_base::~probe_base() = default;

turn probe_base::deliver(std::string_view kind, encoded value, bool wants_answer) {
  if (world_->stopped) throw std::logic_error("the agent has stopped");
  message_fields fields;
  fields.id = world_->make_id();
  fields.from = &world_->sender;
  fields.to = &world_->identity.self;
  fields.kind = kind;
  fields.content_type = value.content_type;
  fields.payload = as_bytes(value.payload);
  fields.created_ms = world_->now_ms;
  fields.wants_answer = wants_answer;
  world_->instance->run(message(fields), world_->now_ms);
  return settle();
}

turn probe_base::ask_raw(std::string_view kind, std::string_view content_type,
                         std::string_view payload) {
  return deliver(kind, {content_type, std::string(payload)}, true);
}

// Does what a mailbox does with an outcome.
turn probe_base::settle(std::uint64_t handler) {
  auto& w = *world_;
  auto& done = w.instance->outcome();
  turn t;
  if (done.status != turn_status::done) {
    t.how_ = done.status == turn_status::refused   ? turn::ending::refused
             : done.status == turn_status::crashed ? turn::ending::crashed
                                                   : turn::ending::threw;
    t.reason_ = done.reason;
    w.failed(handler, done.status);
    if (t.crashed()) w.activate(); // as its supervisor does
    return t;
  }
  if (done.reply) {
    t.content_type_ = done.reply->content_type;
    t.payload_ = std::move(done.reply->payload);
  }
  w.store(done);
  w.retime(done);
  for (auto& e : done.emissions) {
    const bool is_ask = e.what == emission::type::ask;
    w.sent.push_back({is_ask, e.id, e.to, e.kind, e.content_type, std::move(e.payload), e.qos,
                      e.time_to_live_ms, e.then, e.context,
                      is_ask ? w.now_ms + std::int64_t(e.deadline_ms) : 0});
    if (is_ask && e.then.empty()) w.sent.back().handler = handler != 0 ? handler : w.next_handler();
  }
  const bool awaits = done.handler && done.handler->suspended;
  if (done.handler) handler = w.went_on(handler, *done.handler);
  if (awaits) t.how_ = turn::ending::suspended;
  for (auto& s : done.spawns) w.spawned.push_back({s.agent, s.type, s.name, s.under, s.restart});
  for (const auto& [who, on] : done.watching) {
    if (on)
      w.watched.insert(who);
    else
      w.watched.erase(who);
  }
  w.stopped = w.stopped || done.stop;
  w.instance->commit();
  return awaits ? run_once(handler, std::move(t)) : t;
}

const std::vector<sent_message>& probe_base::sent() const { return world_->sent; }
void probe_base::clear_sent() { world_->sent.clear(); }

std::size_t probe_base::index_of(const uuid& request) const {
  for (std::size_t i = 0; i < world_->sent.size(); ++i)
    if (world_->sent[i].id == request) return i;
  throw std::logic_error("no ask has the id " + request.text());
}

turn probe_base::finish_ask(std::size_t sent_index, ask_status status, std::string_view reason,
                            encoded value) {
  auto& w = *world_;
  if (w.stopped) throw std::logic_error("the agent has stopped");
  if (sent_index >= w.sent.size() || !w.sent[sent_index].is_ask || w.sent[sent_index].answered)
    throw std::logic_error("sent()[" + std::to_string(sent_index) + "] is no open ask");
  w.sent[sent_index].answered = true;
  const auto asked = w.sent[sent_index]; // a copy: the turn may send, and so move it
  answer_fields fields;
  fields.request_id = asked.id;
  fields.from = &asked.to;
  fields.status = status;
  fields.reason = reason;
  fields.context = asked.context;
  fields.content_type = value.content_type;
  fields.payload = as_bytes(value.payload);
  if (asked.handler == 0) {
    w.instance->run(answer(fields), asked.then, w.now_ms);
    return settle();
  }
  auto t = resume(asked.handler, asked.context, std::uint8_t(status), reason, value);
  if (t.threw()) w.sent[sent_index].answered = false; // it may be answered again
  return t;
}

turn probe_base::fail_answer(std::size_t sent_index, ask_status status, std::string_view reason) {
  return finish_ask(sent_index, status, reason, {});
}
turn probe_base::fail_answer(const uuid& request, ask_status status, std::string_view reason) {
  return fail_answer(index_of(request), status, reason);
}

std::vector<turn> probe_base::advance(std::int64_t ms) {
  auto& w = *world_;
  const auto until = w.now_ms + ms;
  std::vector<turn> turns;
  while (!w.stopped) {
    const auto wait = w.set_timers.due_in(w.now_ms, w.instant());
    const auto timer_at = wait ? w.now_ms + *wait / std::chrono::milliseconds(1) : until + 1;
    std::size_t next = w.sent.size();
    for (std::size_t i = 0; i < w.sent.size(); ++i) {
      const auto& s = w.sent[i];
      if (!s.is_ask || s.answered || s.deadline_ms > until) continue;
      if (next == w.sent.size() || s.deadline_ms < w.sent[next].deadline_ms) next = i;
    }
    const auto [handler, due] = w.next_timer();
    const bool asks = next != w.sent.size();
    if (handler != 0 && due <= until && due <= timer_at &&
        (!asks || due <= w.sent[next].deadline_ms)) {
      w.now_ms = std::max(w.now_ms, due);
      turns.push_back(wake(handler, due));
      if (turns.back().threw()) break; // a node would try again later
      continue;
    }
    if (timer_at <= until && (!asks || timer_at < w.sent[next].deadline_ms)) {
      w.now_ms = timer_at;
      if (const auto* t = w.set_timers.next_due(w.now_ms, w.instant()))
        if (auto fired = fire(t->record.id, false)) turns.push_back(std::move(*fired));
      continue;
    }
    if (next == w.sent.size()) break;
    w.now_ms = std::max(w.now_ms, w.sent[next].deadline_ms);
    turns.push_back(fail_answer(next, ask_status::timeout, "no answer by the deadline"));
  }
  w.now_ms = until;
  return turns;
}

// The turn of a timer's next firing, as a mailbox runs it, when it is due or before; nothing if it
// came too late.
std::optional<turn> probe_base::fire(std::string_view id, bool before) {
  constexpr std::uint32_t attempts_max = 5; // as a node has it by default
  auto& w = *world_;
  auto& t = *w.set_timers.find(id);
  const auto f = before ? timer_table::firing{true, t.record.due, t.record.fired + 1, 0}
                        : w.set_timers.judge(t, w.now_ms);
  if (!f.fire) {
    w.set_timers.consume(t, f);
    return std::nullopt;
  }
  const auto record = t.record; // a copy: the turn may change the timer
  const timer_firing seen{record.id, f.number, f.due, f.missed};
  message_fields fields;
  fields.id = firing_id(record, f.number);
  fields.from = fields.to = &w.identity.self;
  fields.kind = record.kind;
  fields.content_type = record.content_type;
  fields.payload = record.payload;
  fields.created_ms = f.due;
  fields.timer = &seen;
  w.firing.emplace(&t, f);
  w.instance->run(message(fields), w.now_ms);
  auto done = settle();
  w.firing.reset();
  if (done.handled() || done.suspended()) return done;
  if (done.threw() && ++t.attempts < attempts_max)
    w.set_timers.defer(t, w.instant() + std::chrono::milliseconds(100 << t.attempts));
  else
    w.set_timers.consume(t, f);
  return done;
}

turn probe_base::fire_timer(std::string_view id) {
  auto& w = *world_;
  if (w.stopped || w.set_timers.find(id) == nullptr)
    throw std::logic_error("there is no timer " + std::string(id));
  return *fire(id, true);
}

std::vector<timer_info> probe_base::timers() const {
  std::vector<timer_info> all;
  world_->set_timers.each([&](const timer_table::entry& e) {
    all.push_back(timer_table::describe(e.record, e.problem));
  });
  return all;
}

std::vector<turn> probe_base::restart_after(std::int64_t ms) {
  world_->now_ms += ms;
  restart();
  return advance(0);
}

turn probe_base::go_down(const did& who, down_reason reason, std::string_view why) {
  auto& w = *world_;
  if (w.watched.count(who) == 0) throw std::logic_error("the agent does not watch " + who.text());
  w.instance->run(down{who, reason, std::string(why)}, w.now_ms);
  return settle();
}

const std::set<did>& probe_base::watched() const { return world_->watched; }
std::int64_t probe_base::now() const { return world_->now_ms; }
void probe_base::restart() { world_->activate(); }
const stored_cells& probe_base::cells() const { return world_->cells; }

std::string probe_base::stored_json(std::string_view cell) const {
  auto found = world_->cells.find(std::string(cell));
  if (found == world_->cells.end() || found->second.size() < detail::cell::header_size) return {};
  return std::string(as_text(found->second).substr(detail::cell::header_size));
}

const std::vector<spawned_agent>& probe_base::spawned() const { return world_->spawned; }
bool probe_base::stopped() const { return world_->stopped; }
const std::vector<std::string>& probe_base::logged() const { return world_->logged; }
void probe_base::overload(bool on) { world_->overloaded = on; }
const did& probe_base::self() const { return world_->identity.self; }
const did& probe_base::node() const { return world_->identity.node; }
const did& probe_base::sender() const { return world_->sender; }
agent& probe_base::get() const { return world_->instance->get(); }

} // namespace kith::test
