#include "actors/simulation/walkers.hpp"

#include "actors/simulation/traveller.hpp"

#include <algorithm>
#include <kith/supervision.hpp>
#include <set>

namespace kith::simulation {

namespace {

constexpr std::string_view type_name = "simulated_walker";
constexpr std::size_t agents_each = 2;
constexpr std::size_t waiting_max = 50; // errands that no node has taken

constexpr std::string_view supervisor_name = "simulated_walkers";
constexpr int payments_each_trip = 3;

// Agents are made by a function of their type's alone, so the one run that is under way has to be
// found by it: kith sim and the tests run one after the other, in one thread.
outside* now_outside = nullptr;

} // namespace

walkers::walkers() : outside_(std::make_unique<outside>()) {
  static const agent_registration type(type_name, [](agent_core& core) -> std::unique_ptr<agent> {
    return std::make_unique<traveller>(core, *now_outside);
  });
  static const supervisor_registration supervisor(
      supervisor_name, strategy::one_for_one, supervision{.intensity = 1'000'000, .period_ms = 1});
  now_outside = outside_.get();
}

walkers::~walkers() {
  if (now_outside == outside_.get()) now_outside = nullptr;
}

void walkers::set_up(world& in) {
  in.allow_dead_letters(); // of those who stumbled; check() knows how many
  for (std::size_t n = 0; n < in.nodes(); ++n)
    for (std::size_t i = 0; i < agents_each; ++i)
      agents_.push_back(in.spawn(n, std::string(type_name), in.name(n) + "." + std::to_string(i),
                                 std::string(supervisor_name)));
}

void walkers::work(world& in) {
  // Five errands a second, each of up to twelve notes: a third of a run is signatures even so.
  if (in.waiting() >= waiting_max || in.below(2) == 0) return;
  auto& to = agents_[in.below(agents_.size())];
  auto other = [&] { return agents_[in.below(agents_.size())].text(); };
  auto& g = given_[to];
  switch (in.below(16)) {
  case 0:
  case 1: {
    const int pause = int(in.below(400));
    auto first = other(), second = other();
    in.tell(to, "trip", trip{std::move(first), std::move(second), g.trips++, pause});
    break;
  }
  case 2: {
    const int after = int(in.below(5000));
    in.tell(to, "alarm", alarm{"a" + std::to_string(g.alarms++), after});
    break;
  }
  case 3:
    if (in.below(4) == 0) in.tell(to, "stumble"), ++stumbles_;
    break;
  default: {
    errand e;
    for (auto& a : agents_)
      if (in.below(2) == 0) e.route.push_back(a.text());
    e.filler = int(in.below(40) == 0 ? in.below(100'000) : in.below(200));
    e.hops = int(in.below(4));
    in.tell(to, "errand", e);
    ++g.errands;
  }
  }
}

bool walkers::done(world& in) {
  return std::all_of(given_.begin(), given_.end(), [&](const auto& g) {
    return in.stored<std::int64_t>(g.first, "rings").value_or(0) >= g.second.alarms;
  });
}

void walkers::check(world& in) {
  auto expect = [&](const did& a, const std::string& what, std::int64_t is, std::int64_t should) {
    in.expect(is == should, a.text() + ": " + what + " is " + std::to_string(is) + " and not " +
                                std::to_string(should));
  };
  auto number = [&](const did& a, std::string_view name) {
    return in.stored<std::int64_t>(a, name).value_or(0);
  };
  using counts = std::map<std::string, std::int64_t>;
  std::map<did, counts> sent, got;
  for (auto& a : agents_) {
    sent[a] = in.stored<counts>(a, "sent").value_or(counts{});
    got[a] = in.stored<counts>(a, "got").value_or(counts{});
  }
  std::set<std::string> paid;
  for (auto& a : agents_) {
    const auto& g = given_[a];
    expect(a, "errands", number(a, "errands"), g.errands);
    expect(a, "trips", number(a, "trips"), g.trips);
    expect(a, "rings", number(a, "rings"), g.alarms);
    const auto keys = in.stored<counts>(a, "paid").value_or(counts{});
    expect(a, "payments", std::int64_t(keys.size()), g.trips * payments_each_trip);
    for (const auto& [key, times] : keys) {
      expect(a, "results of payment " + key, times, 1);
      paid.insert(key);
    }
    expect(a, "answered", number(a, "answered"), number(a, "asked"));
    expect(a, "out of order, or answered wrongly,", number(a, "wrong"), 0);
    for (auto& b : agents_) expect(a, "got of " + b.text(), got[a][b.text()], sent[b][a.text()]);
  }
  // What the agents know, and what the world outside does.
  std::set<std::string> called;
  for (const auto& [key, count] : outside_->calls) called.insert(key);
  in.expect(called == paid, "what was paid for is not what the agents know of");
  in.expect(outside_->again == 0, "a step whose result was on record was done again");
  in.expect(in.dead_letters() == stumbles_, std::to_string(in.dead_letters()) +
                                                " dead letters of " + std::to_string(stumbles_) +
                                                " who stumbled");
}

} // namespace kith::simulation
