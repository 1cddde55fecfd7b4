// What an agent may do, written into the turn under way.
#include "actors/agent/core.hpp"
#include "actors/agent/registry.hpp"

#include <algorithm>
#include <stdexcept>

namespace kith {
namespace {

constexpr std::size_t kind_size_max = 255;

void check_kind(std::string_view kind) {
  if (kind.empty() || kind.size() > kind_size_max)
    throw std::invalid_argument("a kind or a handler's name has 1 to 255 bytes");
}

template <class T>
void add_to(agent_core::by_name<T>& table, std::string_view name, std::unique_ptr<T> handler) {
  check_kind(name);
  if (!table.emplace(std::string(name), std::move(handler)).second)
    throw std::invalid_argument("two handlers for " + std::string(name));
}

emission& emit(agent_core& core, emission::type what, const did& to, std::string_view kind,
               encoded value) {
  check_kind(kind);
  if (to.empty())
    throw std::invalid_argument("a message of kind " + std::string(kind) + " to nobody");
  if (value.payload.size() > turn_limits::payload_size_max)
    throw std::length_error("the payload of " + std::string(kind) + " is larger than 16 MiB");
  core.charge_emission(kind.size() + value.payload.size());
  auto& e = core.outcome.emissions.emplace_back();
  e.what = what;
  e.to = to;
  e.kind = kind;
  e.content_type = value.content_type;
  e.payload = std::move(value.payload);
  return e;
}

} // namespace

void agent_core::emit_step(const did& to, std::string_view kind, encoded value,
                           const records::step_begun& step, std::int64_t limit_ms) {
  auto& e = emit(*this, emission::type::ask, to, kind, std::move(value));
  e.id = step.request;
  e.context = step_context(step.at);
  e.deadline_ms = std::uint64_t(std::max<std::int64_t>(limit_ms, 1));
  ++asks;
}

namespace detail {

bool wants_answer(const agent_core& core) { return core.wants_answer; }

void reply(agent_core& core, encoded value) {
  core.require_turn("reply");
  if (!core.wants_answer) return;
  if (core.outcome.reply || (core.run != nullptr && core.run->has_reply()))
    throw std::logic_error("a handler replies once");
  if (value.payload.size() > turn_limits::payload_size_max)
    throw std::length_error("the reply is larger than 16 MiB");
  core.charge(value.payload.size());
  core.outcome.reply = std::move(value);
}

void refuse_payload(const message& m, const decode_error& why) {
  throw refusal{"payload of " + std::string(m.kind()) + ": " + why.text()};
}

} // namespace detail

recipient::recipient(std::string_view to) {
  auto parsed = did::parse(to);
  if (!parsed) throw refusal{parsed.error().what()};
  to_ = std::move(*parsed);
}

void agent::add(std::string_view kind, std::unique_ptr<detail::message_handler> h) {
  core_.require_setup("on");
  add_to(core_.handlers, kind, std::move(h));
}

void agent::add(std::string_view name, std::unique_ptr<detail::answer_handler> h) {
  core_.require_setup("on_answer");
  add_to(core_.answer_handlers, name, std::move(h));
}

void agent::add_down(std::function<void(const kith::down&)> f) {
  core_.require_setup("on_down");
  if (core_.down_handler) throw std::invalid_argument("two on_down");
  core_.down_handler = std::move(f);
}

void agent::advertise(std::string_view kind, std::string_view description) {
  core_.require_setup("advertise");
  check_kind(kind);
  core_.advertisements.push_back({std::string(kind), std::string(description)});
}

send_result agent::send_tell(const did& to, std::string_view kind, encoded value,
                             const tell_options& o) {
  core_.require_turn("tell");
  if (!core_.admits(emission::type::tell, core_.tells)) return {};
  auto& e = emit(core_, emission::type::tell, to, kind, std::move(value));
  e.qos = o.qos;
  e.time_to_live_ms = o.time_to_live_ms;
  e.id = o.id.is_nil() ? core_.make_id() : o.id;
  ++core_.tells;
  return send_result(e.id);
}

send_result agent::send_ask(const did& to, std::string_view kind, encoded value, kith::then next,
                            const ask_options& o) {
  core_.require_turn("ask");
  if (!core_.answer_handlers.contains(next.handler))
    throw std::logic_error("no on_answer(\"" + std::string(next.handler) + "\") for an ask");
  if (o.context.size() > turn_limits::context_size_max)
    throw std::length_error("the context of an ask is larger than 64 KiB");
  if (!core_.admits(emission::type::ask, core_.asks)) return {};
  core_.charge(next.handler.size() + o.context.size());
  auto& e = emit(core_, emission::type::ask, to, kind, std::move(value));
  e.id = core_.make_id();
  e.then = next.handler;
  e.context = o.context;
  e.deadline_ms = o.deadline_ms;
  ++core_.asks;
  return send_result(e.id);
}

void agent::refuse(std::string reason) { throw refusal{std::move(reason)}; }
void agent::crash(std::string reason) { throw deliberate_crash{std::move(reason)}; }

const did& agent::self() const { return core_.identity.self; }
const did& agent::node() const { return core_.identity.node; }
const std::string& agent::name() const { return core_.identity.name; }
std::int64_t agent::now() const { return core_.now_ms; }
std::uint64_t agent::random() {
  return core_.run != nullptr ? core_.run->random() : core_.host.random();
}
std::uint32_t agent::code_version(std::string_view name, std::uint32_t number) {
  core_.require_turn("code_version");
  if (core_.run == nullptr) return number;
  check_kind(name);
  return core_.run->code_version(name, number);
}

did agent::spawn(std::string_view type, std::string_view name) {
  return spawn(type, spawn_options{name});
}

did agent::spawn(std::string_view type, const spawn_options& o) {
  core_.require_turn("spawn");
  core_.charge_emission(type.size() + o.name.size() + o.under.size());
  if (!o.under.empty() && supervisor_types::find(o.under) == nullptr)
    throw std::runtime_error("no supervisor " + std::string(o.under) + " in this program");
  auto prepare = [&] { return core_.host.prepare_agent(type, o.name); };
  auto made = core_.run != nullptr ? core_.run->hosted(prepare) : prepare();
  if (!made) throw std::runtime_error(made.error().what());
  core_.outcome.spawns.push_back(
      {*made, std::string(type), std::string(o.name), did(), std::string(o.under), o.restart});
  return *made;
}

send_result agent::spawn_on(std::string_view node, std::string_view type, kith::then next,
                            const ask_options& o) {
  return spawn_on(node, type, spawn_options{}, next, o);
}

send_result agent::spawn_on(std::string_view node, std::string_view type, const spawn_options& what,
                            kith::then next, const ask_options& o) {
  core_.require_turn("spawn_on");
  auto resolve = [&] { return core_.host.resolve_node(node); };
  auto system = core_.run != nullptr ? core_.run->hosted(resolve) : resolve();
  if (!system) throw std::runtime_error(system.error().what());
  auto order = json().set("type", type).set("name", what.name);
  if (!what.under.empty()) order.set("under", what.under);
  if (what.restart != restart::transient) order.set("restart", restart_name(what.restart));
  return send_ask(*system, "kith.spawn", encode(order), next, o);
}

void agent::watch(const recipient& who) {
  core_.require_turn("watch");
  if (!core_.down_handler) throw std::logic_error("watch() needs an on_down");
  core_.charge_emission(who.get().text().size());
  core_.outcome.watching.emplace_back(who.get(), true);
}

void agent::unwatch(const recipient& who) {
  core_.require_turn("unwatch");
  core_.charge_emission(who.get().text().size());
  core_.outcome.watching.emplace_back(who.get(), false);
}

void agent::stop() {
  core_.require_turn("stop");
  core_.outcome.stop = true;
}

void agent::log(level l, std::string_view text) {
  if (core_.run == nullptr || !core_.run->replaying()) core_.host.log(l, text);
}

} // namespace kith
