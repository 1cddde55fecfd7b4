// The turn under way: its beginning, its limits and its two ends.
#include "actors/agent/core.hpp"

#include <kith/durable.hpp>
#include <stdexcept>

namespace kith {

static void write_cell(const detail::cell& c, std::string& out) {
  out += char(detail::cell::format);
  out += char(c.version() >> 8);
  out += char(c.version());
  json_writer json(out);
  c.write(json);
}

void detail::set_exclusive(agent_core& core) { core.exclusive = true; }

void agent_core::require_turn(const char* what) const {
  if (at != phase::turn) throw std::logic_error(std::string(what) + "() is for handlers only");
}

void agent_core::require_setup(const char* what) const {
  if (at != phase::setting_up) throw std::logic_error(std::string(what) + "() is for setup() only");
}

void agent_core::charge(std::size_t size) {
  turn_bytes += size;
  if (turn_bytes > turn_limits::bytes_max)
    throw std::length_error("the turn emits more than 64 MiB");
}

void agent_core::charge_emission(std::size_t size) {
  constexpr std::size_t overhead = 128; // what an emission takes beside its parts, about
  charge(overhead + size);
  if (outcome.emissions.size() + outcome.spawns.size() >= turn_limits::emissions_max)
    throw std::length_error("the turn emits more than 100000 messages");
}

void agent_core::begin(phase p, std::int64_t now, bool answer_wanted) {
  constexpr std::size_t kept_max = 1024; // what one large turn took is given back
  commit();
  at = p;
  now_ms = now;
  wants_answer = answer_wanted;
  tells = asks = turn_bytes = 0;
  outcome.status = turn_status::done;
  outcome.expired = false;
  outcome.reason.clear();
  outcome.reply.reset();
  outcome.emissions.clear();
  if (outcome.emissions.capacity() > kept_max) outcome.emissions.shrink_to_fit();
  outcome.spawns.clear();
  outcome.watching.clear();
  outcome.timers.clear();
  outcome.stop = false;
  outcome.handler.reset();
  run = nullptr;
  fresh.reset();
  for (auto* c : seen) c->seen_ = false;
  seen.clear();
}

void agent_core::invoke(const message& m) {
  auto found = handlers.find(m.kind());
  if (found == handlers.end()) throw refusal{"no handler for kind " + std::string(m.kind())};
  found->second->invoke(*this, m);
}

bool agent_core::admits(emission::type what, std::size_t emitted) {
  return run != nullptr ? run->admits(*this, what, emitted) : host.admits(what, emitted);
}

uuid agent_core::make_id() { return run != nullptr ? run->make_id(now_ms) : host.make_id(); }

std::string agent_core::stored_form(const detail::cell& c) const {
  std::string out;
  write_cell(c, out);
  return out;
}

void agent_core::finish() {
  constexpr std::size_t kept_max = 64 << 10;
  if (wants_answer && !outcome.reply) outcome.reply.emplace();
  if (writes.size() < dirty.size()) writes.resize(dirty.size());
  for (std::size_t i = 0; i < dirty.size(); ++i) {
    auto& w = writes[i];
    w.bytes.clear();
    if (w.bytes.capacity() > kept_max) w.bytes.shrink_to_fit();
    w.name = dirty[i]->name();
    write_cell(*dirty[i], w.bytes);
    if (w.bytes.size() - detail::cell::header_size > json::size_max)
      throw std::length_error("cell " + dirty[i]->name() + " is larger than 16 MiB");
    charge(w.bytes.size());
  }
  outcome.cells = std::span(writes).first(dirty.size());
}

void agent_core::abandon(turn_status status, std::string_view reason) {
  roll_back();
  outcome.status = status;
  outcome.reason = reason.substr(0, turn_limits::reason_size_max);
}

void agent_core::commit() noexcept {
  for (auto* c : dirty) c->commit(), c->dirty_ = false;
  dirty.clear();
  outcome.cells = {};
}

void agent_core::roll_back() noexcept {
  for (auto* c : dirty) c->roll_back(), c->dirty_ = false;
  dirty.clear();
  outcome.cells = {};
  outcome.handler.reset();
  outcome.reply.reset();
  outcome.emissions.clear();
  outcome.spawns.clear();
  outcome.watching.clear();
  outcome.timers.clear();
  outcome.stop = false;
}

} // namespace kith
