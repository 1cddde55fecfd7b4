#include "actors/node/metering.hpp"

#include "actors/node/parts.hpp"

#include <fstream>
#include <unistd.h>

namespace kith {

namespace {

constexpr std::uint64_t per_second_ms = 1'000, per_second_us = 1'000'000;

void read_agents(node_parts& parts) {
  auto& all = parts.meters.all;
  std::map<std::string, std::int64_t> by_type;
  std::int64_t waiting = 0, waiting_max = 0, handlers = 0, timers = 0;
  wall_ms oldest = 0;
  parts.meters.agents.each([&](const agent_meters::reading& r) {
    ++by_type[r.type];
    waiting += std::int64_t(r.waiting);
    waiting_max = std::max(waiting_max, std::int64_t(r.waiting));
    handlers += std::int64_t(r.handlers), timers += std::int64_t(r.timers);
    if (r.oldest != 0 && (oldest == 0 || r.oldest < oldest)) oldest = r.oldest;
  });
  // A type whose last agent ended has none.
  for (const auto& type : parts.meters.known_types())
    all.measure("kith_agents_active", {{"type", type}}).set(by_type[type]);
  all.measure("kith_mailbox_waiting").set(waiting);
  all.measure("kith_mailbox_waiting_max").set(waiting_max);
  // The clocks of two nodes may differ.
  const auto age = oldest == 0 ? wall_ms(0) : std::max<wall_ms>(parts.time.wall() - oldest, 0);
  all.measure("kith_mailbox_oldest_seconds", {}, per_second_ms).set(age);
  all.measure("kith_handlers_waiting").set(handlers);
  all.measure("kith_timers").set(timers);
  all.measure("kith_agents").set(std::int64_t(parts.directory.count(parts.self())));
}

void read_links(node_parts& parts) {
  auto& all = parts.meters.all;
  for (const auto& [id, p] : parts.peers.all()) {
    const observe::labels by{{"peer", p.name.empty() ? id.text() : p.name}};
    all.measure("kith_link_up", by).set(p.state == "up" ? 1 : 0);
    all.measure("kith_link_queue_bytes", by).set(std::int64_t(p.queue_bytes));
    all.measure("kith_link_round_trip_seconds", by, per_second_us).set(std::int64_t(p.rtt_us));
    all.measure("kith_link_unacknowledged", by).set(std::int64_t(p.unacknowledged));
    all.count("kith_link_credit_stalls_total", by).raise_to(p.credit_stalls);
    all.count("kith_link_volatile_dropped_total", by).raise_to(p.volatile_dropped);
  }
}

void read_store(node_parts& parts) {
  auto& all = parts.meters.all;
  const auto journal = parts.journal->stats();
  all.measure("kith_journal_position").set(std::int64_t(journal.synced));
  all.measure("kith_journal_waiting").set(std::int64_t(journal.submitted - journal.synced));
  if (parts.free_bytes)
    if (auto free = parts.free_bytes())
      all.measure("kith_store_free_bytes").set(std::int64_t(*free));
  if (!parts.meters.disk) return;
  const auto disk = parts.meters.disk();
  all.count("kith_store_stalls_total", {{"kind", "slowdown"}}).raise_to(disk.slowdowns);
  all.count("kith_store_stalls_total", {{"kind", "stop"}}).raise_to(disk.stops);
  all.measure("kith_store_stopped").set(disk.stopped ? 1 : 0);
  all.measure("kith_store_delayed_bytes_per_second").set(std::int64_t(disk.delayed_bytes_per_s));
  all.measure("kith_store_compaction_pending_bytes")
      .set(std::int64_t(disk.compaction_pending_bytes));
  all.measure("kith_store_table_bytes").set(std::int64_t(disk.table_bytes));
}

} // namespace

std::shared_ptr<mailbox_series> node_metering::of_type(const std::string& type) {
  const std::lock_guard lock(mutex_);
  auto& found = types_[type];
  if (!found) found = std::make_shared<mailbox_series>(all, type);
  return found;
}

std::vector<std::string> node_metering::known_types() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [type, series] : types_) out.push_back(type);
  return out;
}

std::vector<observe::registry::sample> read_metrics(node_parts& parts) {
  auto& all = parts.meters.all;
  read_agents(parts);
  read_links(parts);
  read_store(parts);
  if (parts.logs) all.count("kith_log_lines_lost_total").raise_to(parts.logs->lost());
  all.measure("process_start_time_seconds", {}, per_second_ms).set(parts.started);
  if (parts.meters.resident_bytes)
    all.measure("process_resident_memory_bytes").set(std::int64_t(parts.meters.resident_bytes()));
  return all.read();
}

std::uint64_t resident_bytes_of_process() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  if (!(in >> total >> resident)) return 0;
  return resident * std::uint64_t(::sysconf(_SC_PAGESIZE));
}

} // namespace kith
