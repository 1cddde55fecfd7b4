// How time passes in a simulated cluster: all that can happen now happens, in an order that the
// seed decides, and then the clocks move to the next instant at which something can.
#include "actors/simulation/cluster_impl.hpp"

#include <algorithm>

namespace kith::simulation {

namespace {

constexpr std::uint64_t turns_now_max = 200'000;

} // namespace

void cluster::impl::note(std::uint64_t value) {
  ++events;
  trace ^= value + std::uint64_t(time.now().time_since_epoch().count());
  trace *= 0x9e3779b97f4a7c15;
  trace ^= trace >> 31;
}

// One thing of those that can happen now; false: there is none.
bool cluster::impl::turn() {
  for (auto& m : members) {
    if (!m->core) continue;
    if (m->failed) {
      crash(*m);
      agenda.emplace(time.now() + std::chrono::milliseconds(500), [this, &m] { start(*m); });
      return true;
    }
    if (m->root_ended && *m->root_ended) {
      if (m->stopping) { // in order: what was submitted is durable
        m->core->journal->close();
        m->was_clean = true;
      }
      net.crash(m->host);
      bury(*m);
      return true;
    }
  }
  if (!agenda.empty() && agenda.begin()->first <= time.now()) {
    auto run = std::move(agenda.begin()->second);
    agenda.erase(agenda.begin());
    run();
    return true;
  }
  std::vector<member*> syncing;
  for (auto& m : members)
    if (m->core && m->next_sync <= time.now() && m->core->journal->waits())
      syncing.push_back(m.get());
  auto& jobs = scheduler().jobs;
  const auto due = net.next_event();
  const bool packet = due && *due <= time.now();
  const auto choices = jobs.size() + syncing.size() + (packet ? 1 : 0);
  if (choices == 0) return false;
  if (++turns_now > turns_now_max)
    throw std::runtime_error(
        "something spins while no time passes: " + std::to_string(jobs.size()) + " actors, " +
        std::to_string(syncing.size()) + " disks" + (packet ? ", the network" : "") +
        " want to go on");
  auto pick = std::size_t(chance.below(choices));
  note(pick << 8 | choices);
  if (pick < jobs.size()) {
    // The one that was picked is run first; the others keep their order.
    std::rotate(jobs.begin(), jobs.begin() + std::ptrdiff_t(pick),
                jobs.begin() + std::ptrdiff_t(pick) + 1);
    scheduler().try_run_once();
  } else if (pick -= jobs.size(); pick < syncing.size()) {
    auto& m = *syncing[pick];
    m.core->journal->pump();
    after_sync(m);
  } else {
    net.step();
  }
  return true;
}

void cluster::impl::after_sync(member& m) {
  m.next_sync =
      time.now() + duration(std::int64_t(m.random.below(std::uint64_t(m.sync_max.count()) + 1)));
}

// So quick that its commit is there before its submitter goes on.
bool cluster::impl::syncs_at_once(member& m) {
  static constexpr std::uint64_t odds = 8;
  if (m.next_sync > time.now() || chance.below(odds) != 0) return false;
  after_sync(m);
  return true;
}

std::optional<time_point> cluster::impl::next_instant() {
  std::optional<time_point> next = net.next_event();
  auto earlier = [&](time_point at) { next = next ? std::min(*next, at) : at; };
  if (!agenda.empty()) earlier(agenda.begin()->first);
  for (const auto& m : members)
    if (m->core && m->core->journal->waits()) earlier(m->next_sync);
  auto& actors = scheduler().clock();
  if (!actors.schedule().empty())
    earlier(time.now() + (actors.schedule().begin()->first - actors.now()));
  return next;
}

void cluster::impl::pass(time_point until) {
  turns_now = 0;
  const auto span = until - time.now();
  if (span <= duration(0)) {
    scheduler().advance_time(duration(0));
    return;
  }
  net.run_for(span);
  scheduler().advance_time(span);
}

// Without time passing.
void cluster::impl::settle() {
  while (turn()) {
  }
}

} // namespace kith::simulation
