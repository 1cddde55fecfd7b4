#include "actors/node/sleepers.hpp"

#include "actors/agent/registry.hpp"
#include "actors/mailbox/advertised.hpp"
#include "actors/node/parts.hpp"
#include "runtime/store/each.hpp"

#include <malloc.h>

namespace kith {

using store::table;

void alarm_clock::set(const did& agent, time_point when) {
  reactor_.post([this, agent, when] {
    auto [known, fresh] = times_.try_emplace(agent, when);
    if (!fresh) {
      order_.erase({known->second, agent});
      known->second = when;
    }
    order_.emplace(when, agent);
    arm();
  });
}

void alarm_clock::arm() {
  reactor_.cancel(std::exchange(timer_, 0));
  if (order_.empty()) return;
  const auto first = order_.begin()->first, now = time_.now();
  timer_ = reactor_.after(first > now ? first - now : duration(0), [this] { look(); });
}

void alarm_clock::look() {
  timer_ = 0;
  while (!order_.empty() && order_.begin()->first <= time_.now()) {
    const auto agent = order_.begin()->second;
    order_.erase(order_.begin());
    times_.erase(agent);
    ring_(agent);
  }
  arm();
}

bool may_sleep(const node_parts& parts, const did& agent, const std::string& type) {
  return parts.options.settings.integer("actors.sleep_after_ms") > 0 && agent != parts.self() &&
         !agent_types::stays_awake(type);
}

bool rouse(node_parts& parts, const did& agent) {
  std::lock_guard one_at_a_time(parts.rousing);
  if (parts.ending) return false;
  if (!parts.router.find(agent).asleep) return true; // somebody else woke it
  const auto woken = [&]() -> result<bool> {
    KITH_ASSIGN(const auto stored, parts.disk->get(table::state, keys::agent(keys::of(agent))));
    if (!stored) return fail(errc::corrupt, "no_record", "it has no record");
    KITH_ASSIGN(const auto record, records::decode<records::agent_record>(*stored));
    KITH_ASSIGN(auto who, tenant_of(parts, record));
    const auto above = supervisor_of(parts, who.supervisor);
    if (!above) return false;
    parts.journal->load_epoch(who.self, who.epoch);
    if (who.spoken_for)
      parts.delegations->add(*who.spoken_for);
    else
      parts.delegations->add(who.self, who.key, who.epoch);
    auto gate = std::make_shared<actor_gate>(); // shared by the mailbox and those who find it
    const bool unclean = parts.unwoken.erase(keys::of(agent));
    auto mailbox = start_mailbox(parts, *parts.spawner, who, gate, above, unclean);
    parts.directory.wakes(keys::of(agent), directory_entry(parts, record));
    parts.router.set_mailbox(agent, mailbox, std::move(gate));
    caf::anon_send(above, adopt_child{agent_child(parts, std::move(who)), std::move(mailbox)});
    return true;
  }();
  if (woken) return *woken;
  parts.log.error("an agent that sleeps cannot be woken",
                  {{"agent", agent.text()}, {"why", woken.error().what()}});
  return false;
}

namespace {

// The heap keeps what is free between what is not: 20 KiB an agent that was awake. Some time after
// many have fallen asleep it is given back, by a worker thread, since that takes a while.
void give_back_memory_later(node_parts& parts) {
  static constexpr duration pause = std::chrono::seconds(10);
  static constexpr std::uint64_t sleeps_min = 1000;
  if (!parts.threads || parts.giving_back.exchange(true)) return;
  parts.reactor.post([&parts] {
    parts.reactor.after(pause, [&parts] {
      parts.giving_back = false;
      if (parts.ending || parts.sleeps < parts.given_back + sleeps_min) return;
      parts.given_back = parts.sleeps;
      parts.spawner->spawn([](std::size_t kept) { ::malloc_trim(kept); }, std::size_t(0));
    });
  });
}

} // namespace

void fell_asleep(node_parts& parts, const tenant& who, caf::actor mailbox,
                 std::optional<time_point> wake) {
  ++parts.sleeps;
  // In this order: the next life may begin as soon as the router says that it sleeps.
  parts.dog.remove(who.self);
  parts.meters.agents.remove(who.self);
  parts.router.remove_streams_from(who.self);
  parts.journal->forget_epoch(who.self);
  parts.delegations->remove(who.self);
  if (auto above = supervisor_of(parts, who.supervisor))
    caf::anon_send(above, child_sleeps{child_name(who), std::move(mailbox)});
  wire::directory::entry e;
  e.agent = who.self;
  e.name = who.name;
  parts.directory.sleeps(keys::of(who.self), e);
  parts.router.put_to_sleep(who.self);
  if (wake) parts.alarms.set(who.self, *wake);
  give_back_memory_later(parts);
}

wire::directory::entry directory_entry(node_parts& parts, const records::agent_record& r) {
  wire::directory::entry e;
  e.agent = r.agent;
  e.type = r.type;
  e.name = r.name;
  e.epoch = r.epoch;
  const auto cell = parts.disk->get(table::state, keys::cell(keys::of(r.agent), advertised_cell));
  if (cell && *cell)
    if (auto said = decode_advertised(**cell))
      for (auto& [kind, about] : *said) e.advertised.push_back({kind, about});
  return e;
}

directory_archive archive_of(node_parts& parts) {
  directory_archive archive;
  archive.node = parts.self();
  archive.read = [&parts](const keys::agent_key& key) -> std::optional<wire::directory::entry> {
    const auto stored = parts.disk->get(table::state, keys::agent(key));
    if (!stored || !*stored) return std::nullopt;
    const auto record = records::decode<records::agent_record>(**stored);
    if (!record || record->stopped) return std::nullopt;
    return directory_entry(parts, *record);
  };
  archive.each = [&parts](const std::function<void(wire::directory::entry)>& visit) {
    const auto read = each_agent(parts, [&](const records::agent_record& r) -> result<void> {
      visit(directory_entry(parts, r));
      return {};
    });
    if (!read) parts.log.error("agents that sleep cannot be listed", read.error());
  };
  return archive;
}

namespace {

// The first key of each run of keys that have `size` bytes in common.
result<void> each_group(store::backend& disk, table in, bytes from, std::size_t size,
                        const std::function<result<void>(const store::entry&)>& visit) {
  const auto end = keys::end_of(keys::prefix(from, 1));
  from = keys::prefix(from, 1);
  for (;;) {
    KITH_ASSIGN(const auto found, disk.scan(in, from, end, {1, 1}));
    if (found.empty()) return {};
    KITH_TRY(visit(found.front()));
    from = keys::end_of(keys::prefix(found.front().key, size));
  }
}

} // namespace

result<std::set<keys::agent_key>> busy_agents(node_parts& parts) {
  std::set<keys::agent_key> busy;
  const auto owner = [&](const store::entry& e) -> result<void> {
    keys::agent_key agent{};
    if (e.key.size() < keys::agent_prefix_size)
      return fail(errc::corrupt, "misplaced_record", "a key without an agent");
    std::copy_n(e.key.begin() + 1, agent.size(), agent.begin());
    busy.insert(agent);
    return {};
  };
  for (const auto& example : {keys::timer({}, {}), keys::handler({}, {}), keys::ask({}, {})})
    KITH_TRY(each_group(*parts.disk, table::state, example, keys::agent_prefix_size, owner));
  const auto end_of_stream = [&](bool sender) {
    return [&parts, &busy, sender](const store::entry& e) -> result<void> {
      const auto parsed = envelope::parse(e.value);
      const auto who =
          parsed ? did::parse(sender ? parsed->from() : parsed->to()) : fail(parsed.error());
      if (who)
        busy.insert(keys::of(*who));
      else // whoever it is finds it when it is awake
        parts.log.error("an envelope in the store is not readable", who.error());
      return {};
    };
  };
  KITH_TRY(each_group(*parts.disk, table::queue, keys::inbox({}, 1), keys::queue_prefix_size,
                      end_of_stream(false)));
  KITH_TRY(each_group(*parts.disk, table::queue, keys::outbox({}, 1), keys::queue_prefix_size,
                      end_of_stream(true)));
  return busy;
}

} // namespace kith
