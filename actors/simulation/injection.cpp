// How faults are injected into a simulated cluster, and mended.
#include "actors/simulation/cluster_impl.hpp"

namespace kith::simulation {

namespace {

constexpr duration slow_latency = std::chrono::milliseconds(300);
constexpr duration slow_jitter = std::chrono::milliseconds(200);
constexpr std::uint32_t lossy = 200; // packets of a thousand
constexpr duration slow_sync = std::chrono::milliseconds(400);

} // namespace

void cluster::impl::set_way(std::size_t a, std::size_t b) {
  auto w = ways[std::minmax(a, b)];
  auto traits = options.way;
  traits.black_hole = w.hole;
  if (w.lossy) traits.loss_in_thousand = lossy;
  if (w.slow) traits.latency = slow_latency, traits.jitter = slow_jitter;
  const auto &one = members[a]->host, &other = members[b]->host;
  net.set_link(one, other, traits);
  if (w.cut)
    net.partition(one, other);
  else
    net.heal(one, other);
}

void cluster::impl::begin(const fault& f) {
  auto& m = *members.at(f.node);
  auto& way_of = ways[std::minmax(f.node, f.other)];
  bool worked = true;
  switch (f.kind) {
  case fault_kind::crash:
    worked = m.core != nullptr;
    crash(m);
    break;
  case fault_kind::restart:
    worked = m.core != nullptr && !m.stopping;
    stop(m);
    break;
  case fault_kind::partition: worked = !std::exchange(way_of.cut, true); break;
  case fault_kind::black_hole: worked = !std::exchange(way_of.hole, true); break;
  case fault_kind::slow_way: worked = !std::exchange(way_of.slow, true); break;
  case fault_kind::loss: worked = !std::exchange(way_of.lossy, true); break;
  case fault_kind::corruption: // counted when there is a packet
    net.corrupt_next(m.host, members.at(f.other)->host);
    worked = false;
    break;
  case fault_kind::reset: net.drop_connections(m.host, members.at(f.other)->host); break;
  case fault_kind::slow_disk: m.sync_max = slow_sync; break;
  case fault_kind::failed_disk:
    worked = m.core != nullptr;
    if (worked) m.disk->fail_commit();
    break;
  case fault_kind::torn_write:
    worked = m.core != nullptr;
    if (worked) m.disk->tear_commit(f.amount != 0);
    break;
  case fault_kind::full_disk: m.full = true; break;
  case fault_kind::clock_jump: m.time.ahead += f.amount; break;
  case fault_kind::clock_skew:
    worked = !std::exchange(m.skewed, true);
    if (worked) m.time.ahead += f.amount;
    break;
  case fault_kind::restore: // the backup; the node dies later
    agenda.emplace(time.now() + std::chrono::milliseconds(f.amount),
                   [this, f, backup = m.disk->copy()] { restore(f, backup); });
    return;
  }
  if (f.node != f.other) set_way(f.node, f.other);
  note(std::uint64_t(f.kind) << 32 | f.node << 8 | f.other);
  if (!worked) return;
  ++injected.at(std::size_t(f.kind));
  agenda.emplace(time.now() + f.lasts, [this, f] { end(f); });
}

void cluster::impl::restore(const fault& f, std::shared_ptr<store::memory_disk> backup) {
  put_back(*members.at(f.node), std::move(backup));
  note(std::uint64_t(f.kind) << 32 | f.node << 8);
  ++injected.at(std::size_t(f.kind));
  agenda.emplace(time.now() + f.lasts, [this, f] { end(f); });
}

void cluster::impl::end(const fault& f) {
  auto& m = *members.at(f.node);
  auto& way_of = ways[std::minmax(f.node, f.other)];
  switch (f.kind) {
  case fault_kind::crash:
  case fault_kind::failed_disk:
  case fault_kind::restore:
  case fault_kind::torn_write: start(m); break;
  case fault_kind::restart:
    if (m.core && m.stopping) { // not yet
      agenda.emplace(time.now() + std::chrono::milliseconds(100), [this, f] { end(f); });
      return;
    }
    start(m);
    break;
  case fault_kind::partition: way_of.cut = false; break;
  case fault_kind::black_hole: way_of.hole = false; break;
  case fault_kind::slow_way: way_of.slow = false; break;
  case fault_kind::loss: way_of.lossy = false; break;
  case fault_kind::corruption:
  case fault_kind::reset:
  case fault_kind::clock_skew: break;
  case fault_kind::slow_disk: m.sync_max = options.sync_max; break;
  case fault_kind::full_disk: m.full = false; break;
  case fault_kind::clock_jump: m.time.ahead -= f.amount; break;
  }
  if (f.node != f.other) set_way(f.node, f.other);
  note(std::uint64_t(f.kind) << 40);
}

void cluster::mend() {
  auto& in = *impl_;
  // Their ends are only mends; each runs now.
  while (!in.agenda.empty()) {
    auto run = std::move(in.agenda.begin()->second);
    in.agenda.erase(in.agenda.begin());
    run();
    in.settle();
    if (!in.agenda.empty())
      if (auto next = in.next_instant()) in.pass(*next);
  }
  for (auto& m : in.members) in.start(*m);
}

} // namespace kith::simulation
