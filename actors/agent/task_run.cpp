#include "actors/agent/task_run.hpp"

#include "actors/agent/core.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>
#include <kith/durable.hpp>
#include <stdexcept>

namespace kith::detail {

namespace {

constexpr std::size_t path_shown_max = 8;
constexpr std::size_t once_name_size_max = 255;

message_fields fields_of(const kith::message& m, const did& from, const did& to,
                         std::string_view kind, std::string_view content_type, byte_view payload,
                         std::string_view trace, const timer_firing* timer) {
  message_fields f;
  f.timer = timer;
  f.id = m.id();
  f.from = &from;
  f.to = &to;
  f.kind = kind;
  f.content_type = content_type;
  f.payload = payload;
  f.created_ms = m.created_ms();
  f.wants_answer = m.wants_answer();
  f.trace = trace;
  return f;
}

std::string join_path(const std::vector<std::string>& path, const std::string& last) {
  std::string text;
  for (const auto& p : path) text += p + " > ";
  return text + last;
}

} // namespace

std::string describe(records::step_type type, std::string_view name) {
  std::string text(to_string(type));
  if (!name.empty()) text += ' ', text += name;
  return text;
}

std::string step_key(const did& agent, const byte_array<16>& origin, const records::step_begun& s) {
  bytes all;
  auto text = [&](std::string_view t) {
    put_varint(all, t.size());
    append(all, as_bytes(t));
  };
  text(agent.text());
  append(all, origin);
  text(s.at.branch);
  put_varint(all, s.at.ordinal);
  text(s.name);
  return to_hex(crypto::blake2b_128(all));
}

kept_message::kept_message(const kith::message& m)
    : from_(m.from()), to_(m.to()), kind_(m.kind()), content_type_(m.content_type()),
      trace_(m.trace()), payload_(to_bytes(m.payload())),
      timer_id_(m.timer() != nullptr ? m.timer()->id : std::string_view()),
      timer_(m.timer() != nullptr ? std::optional(*m.timer()) : std::nullopt),
      message(fields_of(m, from_, to_, kind_, content_type_, payload_, trace_,
                        timer_ ? &*timer_ : nullptr)) {
  if (timer_) timer_->id = timer_id_;
}

task_run::task_run(const kith::message& m) : kept_(m), root_{this, {}, 0} {}

task_run::~task_run() = default;

std::vector<std::string> task_run::waiting_for() const {
  std::vector<std::string> out;
  for (const auto& [at, s] : pending_)
    out.push_back(describe(records::step_type(s->type_), s->name_));
  return out;
}

std::optional<records::step_begun> task_run::awaited_once(const records::step_ref& at) const {
  auto found = pending_.find(at);
  if (found == pending_.end() || found->second->type_ != step::type::once) return std::nullopt;
  records::step_begun b;
  b.at = at;
  b.type = records::step_type::once;
  b.name = found->second->name_;
  b.tell_doubt = found->second->tell_doubt_;
  return b;
}

std::vector<uuid> task_run::requests() const {
  std::vector<uuid> out;
  for (const auto& [at, request] : requests_) out.push_back(request);
  return out;
}

std::optional<uuid> task_run::request_at(const records::step_ref& at) const {
  auto found = requests_.find(at);
  return found == requests_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<records::step_ref> task_run::awaited() const {
  std::vector<records::step_ref> out;
  for (const auto& [at, s] : pending_) out.push_back(at);
  return out;
}

void task_run::begin(agent_core& core, const records::segment* recorded) {
  core_ = &core;
  core.run = this;
  recorded_ = recorded;
  segment_ = {};
  cancelled_.clear();
  divergence_.clear();
  admissions_ = 0;
  hosted_used_ = 0;
  segment_.now = core.now_ms;
  segment_.seed = recorded != nullptr ? recorded->seed : core.host.random();
  chance_ = seeded_random(segment_.seed);
  id_chance_ = seeded_random(segment_.seed ^ 0x9e3779b97f4a7c15);
  ids_ = {};
}

void task_run::start(task<> whole) {
  if (whole_) throw std::logic_error("a handler starts once");
  whole_.emplace(std::move(whole));
  auto h = whole_->get();
  h.promise().where = &root_;
  h.resume();
}

void task_run::resume(const records::step_result& result) {
  auto found = pending_.find(result.at);
  if (found == pending_.end()) throw std::logic_error("nobody awaits this step");
  auto& s = *found->second;
  pending_.erase(found);
  requests_.erase(result.at);
  segment_.resumed = result;
  s.status_ = std::uint8_t(result.status);
  s.reason_ = result.reason;
  s.content_type_ = result.content_type;
  s.payload_ = as_text(result.payload);
  s.waiter_.resume();
}

void task_run::end(agent_core& core) {
  auto& outcome = core.outcome;
  if (ended()) {
    // A failure shows here, whatever the segment did before; the answer is the last segment's.
    pending_.clear();
    whole_->get().promise().take();
    for (const auto& [at, request] : requests_) cancelled_.push_back(request);
    requests_.clear();
    if (reply_) outcome.reply = std::move(reply_);
  } else if (outcome.reply) {
    reply_ = std::move(outcome.reply);
    outcome.reply.reset();
  }
  if (!ended()) core.wants_answer = false; // not yet
  auto& handler = outcome.handler.emplace();
  handler.suspended = !ended();
  handler.journal = std::move(segment_);
  handler.cancelled = std::move(cancelled_);
  if (handler.suspended && core.host.seeks_stale_writes()) remember(core);
}

std::string task_run::divergence(agent_core& core) const {
  if (!divergence_.empty()) return divergence_;
  const auto& begun = core.outcome.handler->journal.begun;
  if (begun.size() < recorded_->begun.size()) {
    const auto& was = recorded_->begun[begun.size()];
    return "recorded: " + join_path(path_, describe(was.type, was.name)) +
           "; now: " + join_path(path_, ended() ? "its end" : "waits for nothing new");
  }
  return {};
}

void task_run::differ(std::string was, std::string now) {
  if (!divergence_.empty()) return;
  divergence_ = "recorded: " + join_path(path_, was) + "; now: " + join_path(path_, now);
}

bool task_run::begin_step(step& s, branch& where) {
  auto& core = *core_;
  records::step_begun b;
  b.at = {where.path, where.next++};
  b.type = records::step_type(s.type_);
  b.name = s.name_;
  b.tell_doubt = s.tell_doubt_;
  if (segment_.begun.size() >= task_limits::awaits_max)
    throw std::length_error("a handler begins more than 10000 awaits at once");
  if (s.type_ == step::type::once && (b.name.empty() || b.name.size() > once_name_size_max))
    throw std::invalid_argument("the name of a once has 1 to 255 bytes");
  const auto text = describe(b.type, b.name);
  if (s.type_ == step::type::ask) {
    if (!admits(core, emission::type::ask, core.asks)) {
      s.status_ = std::uint8_t(records::step_status::overloaded);
      s.reason_ = "the agent has too much on its way";
      return false;
    }
    b.request = make_id(core.now_ms);
    requests_[b.at] = b.request;
    core.emit_step(s.to_, s.kind_, {s.asked_type_, std::move(s.payload_)}, b, s.ms_);
  }
  if (s.type_ == step::type::sleep) b.due = core.now_ms + std::max<std::int64_t>(s.ms_, 0);
  if (s.type_ == step::type::until) b.due = s.ms_;
  if (recorded_ != nullptr) {
    const auto n = segment_.begun.size();
    if (n >= recorded_->begun.size()) {
      differ("waits for nothing new", text);
    } else {
      const auto& was = recorded_->begun[n];
      if (was.type != b.type || was.name != b.name)
        differ(describe(was.type, was.name), text);
      else if (was.at != b.at)
        differ(describe(was.type, was.name) + " in branch '" + was.at.branch + "'",
               text + " in branch '" + b.at.branch + "'");
    }
  }
  if (path_.size() == path_shown_max) path_.erase(path_.begin());
  path_.push_back(text);
  pending_[b.at] = &s;
  segment_.begun.push_back(std::move(b));
  return true;
}

void task_run::drop(const branch& where) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto& path = it->first.branch;
    const bool under = path.starts_with(where.path) &&
                       (path.size() == where.path.size() || path[where.path.size()] == '/');
    if (!under) {
      ++it;
      continue;
    }
    if (auto ask = requests_.find(it->first); ask != requests_.end()) {
      cancelled_.push_back(ask->second);
      requests_.erase(ask);
    }
    segment_.dropped.push_back(it->first);
    it = pending_.erase(it);
  }
}

void task_run::read(agent_core& core, cell& c) {
  if (recorded_ == nullptr) {
    auto& r = segment_.reads.emplace_back();
    r.name = c.name();
    auto stored = core.stored_form(c);
    if (stored.size() > task_limits::read_size_max)
      throw std::length_error("a handler that awaits reads durable \"" + c.name() +
                              "\", which is larger than 256 KiB");
    r.value = to_bytes(as_bytes(stored));
    return;
  }
  const auto& reads = recorded_->reads;
  auto found =
      std::find_if(reads.begin(), reads.end(), [&](const auto& r) { return r.name == c.name(); });
  if (found == reads.end()) return differ("does not read " + c.name(), "reads durable " + c.name());
  decode_error why;
  auto value =
      json::parse(as_text(found->value).substr(std::min(cell::header_size, found->value.size())));
  if (!value || !c.stage(*value, why))
    differ("durable " + c.name() + " as it was", "cannot read that: " + why.text());
}

bool task_run::admits(agent_core& core, emission::type what, std::size_t emitted) {
  return recall(recorded_ != nullptr || core.host.admits(what, emitted));
}

bool task_run::recall(bool answer) {
  const auto n = admissions_++;
  if (recorded_ != nullptr)
    return !std::binary_search(recorded_->refused.begin(), recorded_->refused.end(), n);
  if (!answer) segment_.refused.push_back(n);
  return answer;
}

result<did> task_run::hosted_again() {
  if (hosted_used_ >= recorded_->hosted.size()) {
    differ("makes or looks for no agent", "spawns, or looks for a node");
    return fail(errc::conflict, "replay_diverged", divergence_);
  }
  const auto& was = recorded_->hosted[hosted_used_++];
  if (was.starts_with('!')) return fail(errc::not_found, "as_recorded", was.substr(1));
  return did::parse(was);
}

std::uint32_t task_run::code_version(std::string_view name, std::uint32_t number) {
  if (auto found = versions_.find(name); found != versions_.end()) return found->second;
  if (recorded_ != nullptr) {
    const auto& known = recorded_->versions;
    auto was =
        std::find_if(known.begin(), known.end(), [&](const auto& v) { return v.name == name; });
    number = was == known.end() ? 0 : was->number;
  } else {
    segment_.versions.push_back({std::string(name), number});
  }
  versions_.emplace(name, number);
  return number;
}

encoded task_run::call(const records::step_ref& at, std::string_view key) {
  auto found = pending_.find(at);
  if (found == pending_.end() || !found->second->run_)
    throw std::logic_error("nobody awaits this step");
  return found->second->run_(key);
}

const kith::message& begin_task(agent_core& core, const kith::message& m) {
  core.require_turn("a coroutine");
  // A replay has made it already.
  if (core.run == nullptr) {
    core.fresh = std::make_unique<task_run>(m);
    core.fresh->begin(core, nullptr);
  }
  return core.run->message();
}

void start_task(agent_core& core, task<> whole) {
  core.run->start(std::move(whole));
  core.run->end(core);
}

bool step::begin(branch* where, std::coroutine_handle<> h) {
  if (where == nullptr || where->run == nullptr || core_->run != where->run)
    throw std::logic_error("a step is awaited in its agent's own handler");
  waiter_ = h;
  return where->run->begin_step(*this, *where);
}

// ---- joins

join::join(std::vector<task<>> parts, bool first)
    : parts_(std::move(parts)), done_(parts_.size()), first_only_(first) {
  if (parts_.size() > parts_max) throw std::length_error("more than 10000 awaits at once");
  if (first && parts_.empty()) throw std::invalid_argument("any() of nothing never ends");
}

join::~join() = default;

bool join::start(branch* at, std::coroutine_handle<> waiter) {
  if (at == nullptr) throw std::logic_error("all() and any() are for an agent's handlers");
  const auto path = at->path + "/" + std::to_string(at->next++) + ".";
  if (path.size() + 8 > records::segment::branch_size_max)
    throw std::length_error("all() and any() are nested too deep");
  branches_.resize(parts_.size());
  starting_ = true;
  for (std::size_t i = 0; i < parts_.size() && !(first_only_ && over()); ++i) {
    branches_[i] = {at->run, path + std::to_string(i), 0};
    auto h = parts_[i].get();
    h.promise().where = &branches_[i];
    h.promise().group = this;
    h.promise().index = i;
    h.resume();
  }
  starting_ = false;
  waiter_ = waiter;
  if (!over()) return true;
  drop_losers();
  return false;
}

void join::drop_losers() {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (done_[i]) continue;
    if (branches_[i].run != nullptr) branches_[i].run->drop(branches_[i]);
    auto loser = std::move(parts_[i]);
  }
}

std::size_t join::await_resume() {
  if (first_only_) parts_[first_].get().promise().take();
  if (!first_only_)
    for (auto& p : parts_) p.get().promise().take();
  return first_;
}

std::coroutine_handle<> finished(join& group, std::size_t index) noexcept {
  group.done_[index] = true;
  if (group.ended_++ == 0) group.first_ = index;
  if (group.starting_ || !group.over()) return std::noop_coroutine();
  group.drop_losers();
  return group.waiter_;
}

} // namespace kith::detail
