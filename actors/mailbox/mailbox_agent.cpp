// What the mailbox is to the agent that lives in it: its host.
#include "actors/mailbox/mailbox.hpp"

#include "actors/agent/registry.hpp"
#include "actors/mailbox/advertised.hpp"
#include "actors/mailbox/wall_time.hpp"

namespace kith {

class mailbox::tenant_host final : public agent_host {
public:
  explicit tenant_host(mailbox& owner) : owner_(owner) {}

  result<std::optional<bytes>> load_cell(std::string_view name) override {
    KITH_ASSIGN(auto stored,
                owner_.env_.disk.get(store::table::state, keys::cell(owner_.key_, name)));
    return stored ? std::optional(to_bytes(*stored)) : std::nullopt;
  }
  uuid make_id() override { return owner_.ids_.next(owner_.wall_, owner_.env_.random); }
  std::uint64_t random() override { return owner_.env_.random.next(); }
  bool admits(emission::type what, std::size_t emitted) override {
    auto& o = owner_;
    if (!o.outbox_.has_room(emitted)) return false;
    return what != emission::type::ask || o.asks_.count() + emitted < o.limits_.asks_max;
  }
  result<did> prepare_agent(std::string_view type, std::string_view) override {
    if (agent_types::find(type) == nullptr)
      return fail(errc::not_found, "agent_type",
                  "no agent type " + std::string(type) + " in this program");
    auto key = secret_key::generate(owner_.env_.random);
    auto id = key.did();
    prepared.emplace(id, std::move(key));
    return id;
  }
  result<did> resolve_node(std::string_view node) override {
    return owner_.env_.resolve_node(node);
  }
  void log(log_level level, std::string_view text) override { owner_.env_.log(level, text); }
  const timer_table& timers() const override { return owner_.timers_; }
  bool seeks_stale_writes() const override { return bool(owner_.env_.stale_write); }
  void stale_write(std::string_view cell, std::string_view handler) override {
    owner_.env_.stale_write(cell, handler);
  }

  std::unordered_map<did, secret_key> prepared; // keys of agents that the running turn spawns

private:
  mailbox& owner_;
};

mailbox::mailbox(tenant who, const mailbox_limits& limits, environment env)
    : who_(std::move(who)), key_(keys::of(who_.self)), limits_(limits), env_(std::move(env)),
      host_(std::make_unique<tenant_host>(*this)), inbox_(limits_, key_, env_.flow),
      outbox_(limits_, who_.self, who_.incarnation, who_.key.get(), env_.flow), asks_(key_),
      handlers_(limits_, key_) {}

mailbox::~mailbox() = default;

result<void> mailbox::wake_agent() {
  auto make = agent_types::find(who_.type);
  if (make == nullptr)
    return fail(errc::not_found, "agent_type",
                "agent " + who_.self.text() + " is of type " + who_.type +
                    ", which this program does not have");
  KITH_ASSIGN(agent_, agent_instance::create(make, {who_.self, env_.node, who_.name}, *host_,
                                             wall_ = env_.time.wall()));
  auto& setup = agent_->outcome();
  for (const auto& cell : setup.cells) {
    setup_cells_.emplace_back(std::string(cell.name), cell.bytes);
  }
  stopping_ = stopping_ || setup.stop;
  agent_->commit();
  return keep_advertised();
}

// For the time in which the agent sleeps; written when it changed.
result<void> mailbox::keep_advertised() {
  mailbox_report r;
  describe_agent(r);
  KITH_ASSIGN(const auto stored,
              env_.disk.get(store::table::state, keys::cell(key_, advertised_cell)));
  if (!stored && r.advertised.empty()) return {};
  auto cell = encode_advertised(r.advertised);
  if (!stored || as_text(byte_view(*stored)) != cell)
    setup_cells_.emplace_back(std::string(advertised_cell), std::move(cell));
  return {};
}

void mailbox::describe_agent(mailbox_report& r) const {
  if (!agent_) return;
  r.handlers = agent_->kinds();
  for (const auto& a : agent_->advertisements()) r.advertised.emplace_back(a.kind, a.description);
}

turn_outcome& mailbox::run_system(result<system_turn> said) {
  agent_->commit(); // so that undoing this turn does not undo the one before
  auto& o = system_outcome_ = {};
  if (!said) {
    o.status = turn_status::refused;
    o.reason = said.error().what();
    return o;
  }
  o.reply = std::move(said->reply);
  o.owner = std::move(said->owner);
  if (auto& n = said->born) {
    o.spawns.push_back({n->self, std::move(n->type), std::move(n->name), std::move(n->owner),
                        std::move(n->under), n->restart});
    host_->prepared.emplace(n->self, std::move(n->key));
  }
  return o;
}

// What the store says now: whoever started this mailbox may have known another.
result<void> mailbox::load_owner() {
  KITH_ASSIGN(const auto stored, env_.disk.get(store::table::state, keys::agent(key_)));
  if (!stored) return {};
  KITH_ASSIGN(auto r, records::decode<records::agent_record>(*stored));
  who_.owner = std::move(r.owner);
  return {};
}

result<void> mailbox::give_owner(const did& to, mailbox_step& step) {
  const auto key = keys::agent(key_);
  KITH_ASSIGN(const auto stored, env_.disk.get(store::table::state, key));
  if (!stored) return fail(errc::unsupported, "not_stored", "the node's own agent has no owner");
  KITH_ASSIGN(auto r, records::decode<records::agent_record>(*stored));
  r.owner = to;
  step.batch.put(store::table::state, key, records::encode(r));
  who_.owner = to;
  return {};
}

result<void> mailbox::apply(turn_outcome& outcome, mailbox_step& step) {
  auto prepared = std::exchange(host_->prepared, {});
  KITH_ASSIGN(auto watches, watches_after(outcome));
  for (const auto& spawn : outcome.spawns) {
    auto key = prepared.find(spawn.agent);
    if (key == prepared.end()) return fail(errc::internal, "spawn_without_key", spawn.agent.text());
    KITH_TRY(env_.spawn({spawn.agent, std::move(key->second), spawn.type, spawn.name, spawn.owner,
                         spawn.under, spawn.restart},
                        step));
  }
  if (outcome.owner) KITH_TRY(give_owner(*outcome.owner, step));
  if (outcome.stop) {
    KITH_TRY(env_.retire(step));
    stopping_ = true;
    step.stop = true;
  }
  retime(outcome, step);
  rewatch(outcome, std::move(watches), step);
  for (const auto& cell : outcome.cells)
    step.batch.put(store::table::state, keys::cell(key_, cell.name), as_bytes(cell.bytes));
  for (auto& e : outcome.emissions) send(e, step);
  return {};
}

sequence mailbox::emit(const did& to, const envelope_fields& f, mailbox_step& step) {
  bool local = env_.is_local(to);
  auto out = outbox_.emit(to, local, f, step.batch);
  const auto seq = f.qos == qos::at_most_once ? 0 : out.what.seq();
  if (f.qos == qos::at_most_once) {
    step.unchained.emplace_back(to, std::move(out.what));
  } else if (local) {
    auto verified = verifier::local(std::move(out.what), out.hash);
    step.local.emplace_back(
        to, local_arrival::item{std::move(out.stream), std::move(verified), out.expires});
  } else {
    step.remote.push_back(std::move(out));
  }
  return seq;
}

void mailbox::send(emission& e, mailbox_step& step) {
  envelope_fields f;
  f.id = e.id;
  f.kind = e.kind;
  f.content_type = e.content_type;
  f.payload = as_bytes(e.payload);
  f.created = wall_;
  f.qos = e.qos;
  f.time_to_live_ms = e.time_to_live_ms;
  if (e.what == emission::type::ask) {
    f.wants_answer = true;
    f.time_to_live_ms = e.deadline_ms; // nobody waits for an answer after that
    const bool awaited = e.then.empty();
    if (awaited) f.chain = chain_;
    auto context = awaited ? awaited_context(e.context) : std::move(e.context);
    records::ask_record record{
        e.id,   e.to, e.then, to_bytes(as_bytes(context)), later(f.created, e.deadline_ms),
        e.kind, 0};
    record.seq = emit(e.to, f, step);
    asks_.add({std::move(record), {}}, f.created, env_.time.now(), step.batch);
    return;
  }
  emit(e.to, f, step);
}

// Whether an envelope of these fields, which came as `r`, may be sent as this mailbox's own.
result<void> mailbox::check_entering(const kith::ingress& r, const envelope_fields& f,
                                     bool own_id) const {
  auto whole = f;
  if (is_chained(f.qos)) whole.incarnation = whole.seq = 1; // stands in for what the stream gives
  KITH_TRY(envelope::check(whole));
  if (who_.outside()) return check_word(f, own_id);
  if (f.signature != byte_array<64>{})
    return fail(errc::invalid, "bad_message", "an agent's messages are its node's to vouch for");
  if (!f.wants_answer) return {};
  if (!r.answered)
    return fail(errc::invalid, "bad_message",
                "\"wants_answer\" is for senders with a mailbox to get the answer in");
  if (f.qos == qos::at_least_once)
    return fail(errc::invalid, "ask_quality", "an ask is sent once: its qos cannot be 1");
  return {};
}

// What comes from outside of any agent is sent as this mailbox's own; the same id again is the same
// message.
void mailbox::admit(kith::ingress& r, mailbox_step& step) {
  static constexpr wall_ms id_age_max = 24LL * 3600 * 1000; // older ids may have left the ledger
  auto wall = wall_;
  auto refuse = [&](error problem) {
    step.released.push_back([accepted = r.accepted, id = r.id, problem] {
      accepted({id, false, problem});
    });
  };
  if (!outbox_.has_room(0))
    return refuse(
        {errc::overloaded, "outbox_full", "too much waits to be sent from this node; try later"});
  bool own_id = !r.id.is_nil();
  if (!own_id) r.id = ids_.next(wall, env_.random);
  if (own_id && r.id.created() + id_age_max < wall)
    return refuse({errc::invalid, "stale_id", "message ids are UUIDv7s of the last 24 hours"});

  envelope_fields f;
  f.id = r.id;
  f.from = who_.self.text();
  f.to = r.to.text();
  f.correlation = r.correlation;
  f.replay_of = r.replay_of;
  f.signature = r.signature;
  f.kind = r.kind;
  f.content_type = r.content_type;
  f.payload = as_bytes(r.payload);
  f.created = who_.outside() ? r.created : wall; // its own word, and signed
  f.qos = r.quality;
  f.time_to_live_ms = r.wants_answer ? r.timeout_ms : r.time_to_live_ms;
  f.wants_answer = r.wants_answer;
  if (!r.correlation.is_nil()) {
    f.lane = lane::answer;
    f.status = answer_status::ok;
  }
  if (auto good = check_entering(r, f, own_id); !good) return refuse(good.error());

  const bool kept = f.qos != qos::at_least_once; // QoS 1: the same id again is sent again
  bool again = false;
  if (own_id) {
    auto stored = env_.disk.get(store::table::ledger, keys::sent(r.id));
    if (!stored) return refuse(stored.error());
    if (*stored) {
      auto entry = records::decode<records::ledger_entry>(**stored);
      if (!entry || entry->owner != key_)
        return refuse({errc::conflict, "id_taken", "another sender's message has this id"});
    }
    again = kept && (stored->has_value() || ingress_ids_.count(r.id) != 0);
  }
  if (!again && !r.replay_of.is_nil()) { // in one commit, so that there is always one of the two
    auto letter = env_.disk.get(store::table::ledger, keys::dead(r.replay_of));
    if (!letter) return refuse(letter.error());
    if (!*letter || ingress_ids_.count(r.replay_of) != 0)
      return refuse(
          {errc::not_found, "unknown_dead_letter", "it was sent again or erased already"});
    step.batch.erase(store::table::ledger, keys::dead(r.replay_of));
    ingress_ids_.emplace(r.replay_of, step.number);
  }
  if (!again) {
    if (r.wants_answer && r.answered) {
      records::ask_record record{r.id, r.to, {}, {}, wall + wall_ms(r.timeout_ms), r.kind};
      asks_.add({std::move(record), r.answered}, wall, env_.time.now(), step.batch);
    }
    emit(r.to, f, step);
    if (own_id && kept) ingress_ids_.emplace(r.id, step.number);
  }
  step.released.push_back([accepted = r.accepted, id = r.id, again] { accepted({id, again, {}}); });
}

// A message, as people find it again.
std::string mailbox::name_of(const envelope& e, const did& from) {
  return "message " + e.id().text() + " (" + std::string(e.kind()) + ") from " + from.text();
}

// This life of the agent ends with the step.
void mailbox::crash(const std::string& reason, std::string culprit, mailbox_step& step) {
  stopping_ = true;
  step.crash = reason.empty() ? "crashed" : reason;
  step.culprit = std::move(culprit);
}

} // namespace kith
