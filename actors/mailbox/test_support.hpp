// For tests only: a node without actors. Mailboxes over one memory disk and an unthreaded journal,
// driven by hand, and a world of such nodes whose wire the test holds: it decides what is
// delivered, twice, late or never.
#pragma once

#include "actors/mailbox/mailbox.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/memory_backend.hpp"

#include <catch2/catch.hpp>

namespace kith::testing {

// What the owner of a DID outside puts under a message that has its id.
inline void sign_as(const secret_key& key, wall_ms now, ingress& r) {
  r.created = now;
  envelope_fields f;
  f.id = r.id;
  auto from = key.did().text(), to = r.to.text();
  f.from = from;
  f.to = to;
  f.kind = r.kind;
  f.content_type = r.content_type;
  f.payload = as_bytes(r.payload);
  f.created = r.created;
  f.time_to_live_ms = r.wants_answer ? r.timeout_ms : r.time_to_live_ms;
  f.correlation = r.correlation;
  f.wants_answer = r.wants_answer;
  r.signature = key.sign(signed_content(f));
}

class test_node {
public:
  // What leaves a node once it is durable; the owner sets them.
  struct outlets {
    std::function<void(outbox::emitted)> remote;
    std::function<void(const did& from, const did& to, envelope)> unchained;
    std::function<void(const did& agent, const stream_position&)> position;
  };

  test_node(manual_clock& time, random_source& random, mailbox_limits bounds = {})
      : limits(bounds), time_(time), random_(random), key_(secret_key::generate(random)) {
    open();
  }
  ~test_node() {
    if (journal) journal->abandon();
  }

  const did& id() const { return key_.did(); }
  bool has(const did& agent) const { return tenants_.count(agent) != 0; }
  std::vector<did> agents() const {
    std::vector<did> all;
    for (const auto& [agent, t] : tenants_) all.push_back(agent);
    return all;
  }
  bool up() const { return journal != nullptr; }

  did spawn(std::string_view type, std::string supervisor = {}) {
    tenant t{{},
             1,
             make_incarnation(random_),
             std::make_shared<const secret_key>(secret_key::generate(random_)),
             std::string(type),
             {}};
    t.self = t.key->did();
    t.supervisor = std::move(supervisor);
    auto agent = t.self;
    local_.insert(agent);
    tenants_.insert_or_assign(agent, std::move(t));
    journal->load_epoch(agent, 1);
    REQUIRE(activate(agent, false));
    return agent;
  }
  // A DID that lives outside, with its mailbox here.
  did spawn_outside(const secret_key& key) {
    tenant t{key.did(), 1, make_incarnation(random_), nullptr, {}, {}};
    t.spoken_for = delegation::make(key, id(), 1, time_.wall() + delegation::lifetime_ms);
    local_.insert(t.self);
    tenants_.insert_or_assign(t.self, t);
    journal->load_epoch(t.self, 1);
    REQUIRE(activate(t.self, false));
    return t.self;
  }
  result<void> activate(const did& agent, bool unclean) {
    auto box = std::make_unique<mailbox>(tenants_.at(agent), limits, environment(agent));
    KITH_TRY(box->activate(unclean));
    for (auto& s : box->take_opened()) streams[s->id] = s;
    boxes_.insert_or_assign(agent, life{std::move(box), 1});
    return {};
  }
  mailbox& box(const did& agent) { return *boxes_.at(agent).box; }
  delegation delegate(const did& agent) {
    if (tenants_.at(agent).outside()) return *tenants_.at(agent).spoken_for;
    return delegation::make(*tenants_.at(agent).key, id(), tenants_.at(agent).epoch,
                            time_.wall() + delegation::lifetime_ms);
  }

  // The process dies: what was not synced is gone but for `keep` commits.
  void crash(std::size_t keep = 0) {
    if (journal) journal->abandon();
    boxes_.clear();
    streams.clear();
    flows.clear();
    journal.reset();
    disk->crash(keep);
  }
  void restart(bool unclean = true) {
    open();
    for (auto& [agent, t] : tenants_) journal->load_epoch(agent, t.epoch);
    for (auto& [agent, t] : tenants_) REQUIRE(activate(agent, unclean));
  }
  // An orderly stop: what is under way is synced.
  void stop() {
    for (auto& [agent, l] : boxes_) {
      l.box->stop();
      if (auto step = l.box->settle(); !step.batch.empty()) commit(agent, std::move(step));
    }
    while (journal->pump()) {
    }
    crash();
  }

  // Every mailbox runs once; whether anything happened.
  bool turn() {
    bool any = false;
    std::vector<did> agents;
    for (auto& [agent, l] : boxes_) agents.push_back(agent);
    for (auto& agent : agents) any = turn(agent) || any;
    return any;
  }
  bool turn(const did& agent) {
    auto step = box(agent).run();
    if (step.empty()) return false;
    commit(agent, std::move(step));
    return true;
  }
  bool sync() { return journal->pump(); }
  // Until nothing happens any more; the bound catches a mailbox that never rests.
  void settle() {
    for (int rounds = 0; turn() || sync(); ++rounds) REQUIRE(rounds < 100'000);
  }

  // From outside, as `from`'s own.
  void tell(const did& from, const did& to, std::string kind, std::string payload = "",
            std::string_view type = text_type) {
    ingress r;
    r.to = to;
    r.kind = std::move(kind);
    r.content_type = std::string(type);
    r.payload = std::move(payload);
    r.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
    box(from).ingress(std::move(r));
  }

  // What the store holds.
  std::string cell(const did& agent, std::string_view name) {
    auto key = keys::cell(keys::of(agent), name);
    auto found = backend->scan(store::table::state, key, keys::end_of(key), {1}).value();
    return found.empty() ? std::string() : std::string(as_text(found[0].value.view().subspan(3)));
  }
  std::optional<records::ledger_entry> ledger(const bytes& key) {
    auto found = backend->scan(store::table::ledger, key, keys::end_of(key), {1}).value();
    if (found.empty()) return std::nullopt;
    return records::decode<records::ledger_entry>(found[0].value).value();
  }
  std::size_t count(store::table in, bytes from) {
    auto end = keys::end_of(from);
    return backend->scan(in, from, end, {1'000'000, 1 << 30}).value().size();
  }
  std::size_t queued_count() { return count(store::table::queue, {'i'}); }
  std::size_t outbox_count() { return count(store::table::queue, {'o'}); }
  std::size_t dead_count() { return count(store::table::ledger, keys::dead_begin()); }

  mailbox_limits limits;
  outlets out;
  std::function<bool(const did& to)>
      gate; // false: a local delivery finds no room in front of the recipient
  // What the node does itself with kinds that begin with "kith."; empty: nothing.
  std::function<std::optional<result<system_turn>>(const message&)> system;
  std::shared_ptr<store::memory_disk> disk =
      std::make_shared<store::memory_disk>(); // outlives each life
  std::unique_ptr<store::memory_backend> backend;
  std::unique_ptr<store::journal> journal;
  std::unordered_map<stream_id, std::shared_ptr<out_stream>>
      streams;                                             // opened or restored in this life
  std::map<stream_key, std::shared_ptr<local_flow>> flows; // of this life
  std::vector<std::pair<did, sequence>> kept;              // for DIDs outside
  std::vector<std::string> logged;
  std::vector<std::pair<did, bool>> watches;        // begun and ended
  std::vector<std::pair<did, std::string>> crashed; // by the agents' own word
  std::vector<error> refused;                       // commits that the journal did not take
  observe::registry metrics;                        // of all lives
  std::map<std::string, std::shared_ptr<mailbox_series>> series;
  std::map<did, std::shared_ptr<agent_meter>> meters; // of the last life

private:
  struct life {
    std::unique_ptr<mailbox> box;
    std::uint64_t done;
  };

  void open() {
    backend = store::memory_backend::open(disk).value();
    store::journal_options o;
    o.threaded = false;
    journal = std::make_unique<store::journal>(*backend, time_, o, [](const error&) {});
  }

  mailbox::environment environment(const did& agent) {
    const auto& type = tenants_.at(agent).type;
    auto& of_type = series[type];
    if (!of_type) of_type = std::make_shared<mailbox_series>(metrics, type);
    auto& meter = meters[agent] = std::make_shared<agent_meter>(std::make_shared<actor_gate>());
    return {time_,
            random_,
            *backend,
            [this](const did& d) { return local_.count(d) != 0; },
            [this](const stream_key& s) {
              auto& f = flows[s];
              if (!f) f = std::make_shared<local_flow>();
              return f;
            },
            id(),
            [](std::string_view) -> result<did> { return fail(errc::not_found, "unknown_node"); },
            [this](newborn n, mailbox_step& s) { return bear(std::move(n), s); },
            [](mailbox_step&) -> result<void> { return {}; },
            [this](log_level, std::string_view text) { logged.emplace_back(text); },
            [this](const message& m) { return system ? system(m) : std::nullopt; },
            [this](const did& who, sequence position) { kept.emplace_back(who, position); },
            [this](const did& who, bool on) { watches.emplace_back(who, on); },
            {},
            false,
            {},
            of_type,
            meter};
  }
  result<void> bear(newborn n, mailbox_step& s) {
    if (n.name == "unwanted") return fail(errc::overloaded, "too_many_agents");
    tenant t{n.self,
             1,
             make_incarnation(random_),
             std::make_shared<const secret_key>(std::move(n.key)),
             n.type,
             n.name,
             {},
             n.owner};
    s.batch.raise_epoch(n.self, 1);
    local_.insert(n.self);
    s.released.push_back([this, t] {
      tenants_.insert_or_assign(t.self, t);
      REQUIRE(activate(t.self, false));
    });
    return {};
  }

  void commit(const did& who, mailbox_step step) {
    for (auto& s : box(who).take_opened()) streams[s->id] = s;
    auto number = step.number;
    bool barrier = step.barrier;
    if (!step.crash.empty()) crashed.emplace_back(who, step.crash);
    auto batch = std::move(step.batch);
    auto local = std::move(step.local);
    auto held =
        std::make_shared<mailbox_step>(std::move(step)); // shared: std::function must be copyable
    if (batch.empty() && !barrier && boxes_.at(who).done + 1 == number) return release(who, *held);
    auto submitted =
        journal->submit(std::move(batch), [this, who, held](const result<journal_position>& r) {
          if (r) release(who, *held);
        });
    if (!submitted) {
      refused.push_back(submitted.error());
      return;
    }
    for (auto& [to, item] : local) {
      auto found = boxes_.find(to);
      if (found == boxes_.end()) continue; // it finds the queue on disk when it starts
      if (gate && !gate(to)) continue;
      local_arrival a;
      a.items.push_back(std::move(item));
      found->second.box->arrived(a);
    }
  }
  void release(const did& who, mailbox_step& step) {
    for (auto& e : step.remote) {
      e.shared->durable = e.what.seq();
      if (out.remote) out.remote(std::move(e));
    }
    for (auto& [to, e] : step.unchained) {
      if (auto found = boxes_.find(to); found != boxes_.end()) {
        volatile_arrival a;
        a.items.push_back({who, verifier::local(e, {})});
        found->second.box->arrived(a);
      } else if (out.unchained) {
        out.unchained(who, to, e);
      }
    }
    for (auto& p : step.positions)
      if (out.position) out.position(who, p);
    for (auto& f : step.released) f();
    auto& l = boxes_.at(who);
    l.done = step.number;
    l.box->durable(step.number);
  }

  manual_clock& time_;
  random_source& random_;
  secret_key key_;
  std::map<did, tenant> tenants_;
  std::map<did, life> boxes_;
  std::set<did> local_;
};

// The payload of the recorder's orders (test_agents.test.cpp).
inline std::string order(const did& to, std::string_view kind, std::string_view text,
                         int count = 1) {
  return R"({"to":")" + to.text() + R"(","kind":")" + std::string(kind) + R"(","text":")" +
         std::string(text) + R"(","count":)" + std::to_string(count) + "}";
}

// Two nodes and what flies between them.
struct test_world {
  struct flight {
    stream_id stream;
    envelope what;
  };
  explicit test_world(mailbox_limits limits = {})
      : a(time, random, limits), b(time, random, limits) {
    for (auto* n : {&a, &b}) {
      n->out.remote = [this](outbox::emitted e) {
        sent.push_back({e.stream, e.what});
        wire.push_back({e.stream, std::move(e.what)});
      };
      n->out.unchained = [this](const did& from, const did& to, envelope e) {
        loose.push_back({{from, to, e.lane(), 0}, std::move(e)});
      };
      n->out.position = [this](const did&, const stream_position& p) { positions.push_back(p); };
    }
  }
  test_node& home(const did& agent) { return a.has(agent) ? a : b; }

  // Hands it to the recipient as a link's reading thread would: verified by delegation.
  result<void> deliver(const flight& f, std::uint64_t session = 1) {
    auto& from = home(f.stream.from);
    verifier v(from.id());
    KITH_TRY(v.accept(from.delegate(f.stream.from), time.wall(), 0));
    KITH_ASSIGN(auto verified, v.verify(f.stream, f.what, time.wall()));
    arrival arrived{f.stream, {}, {}, session};
    arrived.items.push_back({std::move(verified), f.what.time_to_live_ms()});
    home(f.stream.to).box(f.stream.to).arrived(arrived);
    return {};
  }
  // All that was reported, to the senders.
  void ack() {
    for (auto& p : std::exchange(positions, {}))
      if (!p.quarantined && !p.rewind)
        home(p.stream.from).box(p.stream.from).acknowledged({p.stream, p.head.next - 1});
  }
  // Everything, everywhere, until all rests.
  void settle() {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      a.settle();
      b.settle();
      if (wire.empty() && positions.empty()) return;
      for (auto& f : std::exchange(wire, {})) REQUIRE(deliver(f));
      ack();
    }
    FAIL("the world does not rest");
  }

  manual_clock time;
  seeded_random random{7};
  test_node a, b;
  std::vector<flight> wire;  // durable at the sender, not delivered yet
  std::vector<flight> sent;  // all that ever was on the wire
  std::vector<flight> loose; // QoS 0
  std::vector<stream_position> positions;
};

} // namespace kith::testing
