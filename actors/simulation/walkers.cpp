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
constexpr std::uint64_t volley_max = 60; // notes to one agent in one turn
constexpr int volley_turns = 8;
constexpr int looks_max = 20; // half a second each

using counts = std::map<std::string, std::int64_t>;

std::int64_t number(world& in, const did& a, std::string_view name) {
  return in.stored<std::int64_t>(a, name).value_or(0);
}

} // namespace

walkers::walkers()
    : outside_(std::make_unique<outside>()),
      type_(std::make_unique<passing_agent_type>(
          type_name, [world = outside_.get()](agent_core& core) -> std::unique_ptr<agent> {
            return std::make_unique<traveller>(core, *world);
          })) {
  static const supervisor_registration supervisor(
      supervisor_name, strategy::one_for_one, supervision{.intensity = 1'000'000, .period_ms = 1});
}

walkers::~walkers() = default;

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
    if (in.below(4) == 0) {
      in.tell(to, "stumble"), ++stumbles_;
    } else if (in.below(4) == 0) {
      volley(in, to);
    }
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

// In a few turns more than another agent has room for in memory; mostly one of the same node.
void walkers::volley(world& in, const did& from) {
  const auto node = node_of(from) * agents_each;
  const auto to = in.below(4) == 0 ? in.below(agents_.size()) : node + in.below(agents_each);
  errand e{.route = {agents_[to].text()}};
  e.notes = int(in.below(volley_max));
  for (int turn = 0; turn < volley_turns; ++turn) in.tell(from, "errand", e);
  given_[from].errands += volley_turns;
}

bool walkers::done(world& in) {
  // After a restore alarms may be gone; those that are not are over by then.
  if (any_restored(in)) return ++looks_ > looks_max;
  return std::all_of(given_.begin(), given_.end(), [&](const auto& g) {
    return number(in, g.first, "rings") >= g.second.alarms;
  });
}

std::size_t walkers::node_of(const did& agent) const {
  const auto at = std::find(agents_.begin(), agents_.end(), agent) - agents_.begin();
  return std::size_t(at) / agents_each;
}

void walkers::check(world& in) {
  for (auto& a : agents_) {
    check_agent(in, a);
    for (auto& b : agents_) check_notes(in, b, a);
  }
  check_payments(in);
  const auto dead = in.dead_letters();
  in.expect(any_restored(in) ? dead <= stumbles_ : dead == stumbles_,
            std::to_string(dead) + " dead letters of " + std::to_string(stumbles_) +
                " who stumbled");
}

// What was given to it was done once. A restore of any node may have lost it: there it was taken,
// or done. But nothing was done twice that is not undone, unless it was given again to a node that
// had forgotten it; and what was begun is ended.
void walkers::check_agent(world& in, const did& a) {
  const auto& g = given_[a];
  const bool exact = !any_restored(in);
  const auto twice = std::int64_t(in.maybe_twice(a));
  auto expect = [&](std::string_view what, std::int64_t should) {
    const auto is = number(in, a, what);
    in.expect(exact ? is == should : is <= should + twice,
              a.text() + ": " + std::string(what) + " is " + std::to_string(is) + " and not " +
                  std::to_string(should));
  };
  expect("errands", g.errands);
  expect("trips", g.trips);
  expect("rings", g.alarms);
  in.expect(number(in, a, "answered") == number(in, a, "asked"), a.text() + " lacks answers");
  in.expect(number(in, a, "wrong") == 0, a.text() + " was answered wrongly");
}

// Each note came once, and in order. Those that the recipient's restores lost are on its disk's
// list; a sender that was restored counts from an earlier number again.
void walkers::check_notes(world& in, const did& from, const did& to) {
  auto of = [&](const did& a, std::string_view durable, const did& other) {
    return in.stored<counts>(a, durable).value_or(counts{})[other.text()];
  };
  const auto sent = of(from, "sent", to), got = of(to, "got", from);
  const auto fell = of(to, "fell", from), gaps = of(to, "gaps", from);
  const auto here = in.restores(node_of(to)), there = in.restores(node_of(from));
  const auto what = "notes from " + from.text() + " to " + to.text() + ": " + std::to_string(sent) +
                    " sent, " + std::to_string(got) + " got, " + std::to_string(fell) +
                    " times back, " + std::to_string(gaps) + " missing";
  const bool same = node_of(from) == node_of(to); // which is restored as one
  const auto lost = std::int64_t(in.lost(from, to));
  if (there == 0) {
    in.expect(fell == 0, what);
    in.expect(gaps <= lost, what + ", " + std::to_string(lost) + " said to be lost");
  } // else: two incarnations have no order between them
  if (same || there == 0) {
    if (same || here == 0) in.expect(sent == got, what);
    in.expect(got <= sent && got + lost >= sent, what + ", " + std::to_string(lost) + " lost");
  } else if (here == 0) {
    in.expect(got >= sent, what);
  }
}

// What the agents know, and what the world outside does: more, after a restore.
void walkers::check_payments(world& in) {
  std::set<std::string> paid, called;
  for (auto& a : agents_) {
    const auto keys = in.stored<counts>(a, "paid").value_or(counts{});
    in.expect(std::int64_t(keys.size()) == number(in, a, "trips") * payments_each_trip,
              a.text() + " paid " + std::to_string(keys.size()) + " times");
    for (const auto& [key, times] : keys) {
      in.expect(times == 1, a.text() + ": results of payment " + key + " are " +
                                std::to_string(times) + " and not 1");
      paid.insert(key);
    }
  }
  for (const auto& [key, count] : outside_->calls) called.insert(key);
  in.expect(any_restored(in) ? std::includes(called.begin(), called.end(), paid.begin(), paid.end())
                             : called == paid,
            "what was paid for is not what the agents know of");
  in.expect(outside_->again == 0, "a step whose result was on record was done again");
}

bool walkers::any_restored(world& in) const {
  for (std::size_t n = 0; n < in.nodes(); ++n)
    if (in.restores(n) > 0) return true;
  return false;
}

} // namespace kith::simulation
