#include "tools/kith/program/sim.hpp"

#include "actors/agent/registry.hpp"
#include "actors/simulation/walkers.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/program/libraries.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

namespace kith {
namespace {

namespace bj = boost::json;
using simulation::fault;
using simulation::report;

constexpr std::string_view built_in = "walkers";
constexpr std::uint64_t campaign_min = 20; // seeds: from there on each kind must have happened
constexpr std::uint64_t listed_max = 20;   // seeds that have a line each
constexpr duration progress_interval = std::chrono::seconds(5);
constexpr std::size_t shrink_runs_max = 100;

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, v < 10 ? "%.1f" : "%.0f", v);
  return text;
}
double seconds(duration d) { return std::chrono::duration<double>(d).count(); }
std::string seconds_text(duration d) { return number(seconds(d)) + " s"; }

std::string trace_text(const report& r) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(r.trace));
  return text;
}

result<std::string> chosen_scenario(const cli::options& given) {
  if (!given.scenario.empty()) return given.scenario;
  const auto names = simulation::scenario_names();
  if (names.empty()) return std::string(built_in);
  if (names.size() == 1) return names.front();
  std::string all;
  for (const auto& n : names) all += (all.empty() ? "" : ", ") + n;
  return fail(errc::invalid, "which_scenario", "say which with --scenario: " + all);
}

result<simulation::make_scenario> scenario_of(const std::string& name) {
  auto names = simulation::scenario_names();
  if (std::find(names.begin(), names.end(), name) != names.end())
    return simulation::find_scenario(name);
  if (name == built_in)
    return simulation::make_scenario([] { return std::make_unique<simulation::walkers>(); });
  names.emplace_back(built_in);
  const auto near = cli::nearest(name, names);
  return fail(
      errc::invalid, "scenario",
      "there is no scenario " + name +
          (near.empty() ? "; register one with KITH_SCENARIO" : "; did you mean " + near + "?"));
}

result<std::vector<simulation::fault_kind>> kinds_of(const std::string& text) {
  std::vector<simulation::fault_kind> kinds;
  if (text == "none") return kinds;
  std::vector<std::string> known;
  for (auto k : simulation::all_fault_kinds) known.emplace_back(name_of(k));
  for (std::size_t from = 0; from <= text.size() && !text.empty();) {
    const auto to = std::min(text.find(',', from), text.size());
    const auto name = text.substr(from, to - from);
    const auto kind = simulation::parse_fault_kind(name);
    if (!kind) {
      const auto near = cli::nearest(name, known);
      std::string all = "none";
      for (const auto& k : known) all += ", " + k;
      return fail(errc::invalid, "usage",
                  "there is no kind of fault '" + name + "'" +
                      (near.empty() ? ", but " + all : "; did you mean " + near + "?"));
    }
    if (std::find(kinds.begin(), kinds.end(), *kind) == kinds.end()) kinds.push_back(*kind);
    from = to + 1;
  }
  if (text.empty())
    kinds.assign(simulation::all_fault_kinds.begin(), simulation::all_fault_kinds.end());
  return kinds;
}

// A scenario that says from time to time how far its run is.
class watched final : public simulation::scenario {
public:
  watched(std::unique_ptr<scenario> inner, std::function<void(duration)> say)
      : inner_(std::move(inner)), say_(std::move(say)) {}
  void set_up(world& in) override { inner_->set_up(in); }
  void work(world& in) override {
    inner_->work(in);
    if (clock_.now() - said_ < progress_interval) return;
    said_ = clock_.now();
    say_(in.elapsed());
  }
  bool done(world& in) override { return inner_->done(in); }
  bool takes_restores() const override { return inner_->takes_restores(); }
  void check(world& in) override { inner_->check(in); }

private:
  std::unique_ptr<scenario> inner_;
  std::function<void(duration)> say_; // how much of it is simulated
  system_clock clock_;
  time_point said_ = clock_.now();
};

// What is run, as it was asked for.
struct campaign {
  const cli::console& io;
  const cli::options& given;
  std::string scenario;
  simulation::make_scenario make;
  simulation::options each; // of every seed

  // Of the runs so far.
  std::uint64_t seeds = 0;
  simulation::fault_counts injected{};
  duration simulated{}, took{};
  bj::array runs;

  void add(const report& r);
  // The first report that is broken.
  std::optional<report> run();
  std::vector<std::string> never_injected() const;
  std::string again(const report& r, bool only) const;
  double times_real() const { return took.count() == 0 ? 0 : seconds(simulated) / seconds(took); }
};

void campaign::add(const report& r) {
  ++seeds;
  simulated += r.simulated;
  for (std::size_t k = 0; k < injected.size(); ++k) injected[k] += r.injected[k];
  runs.push_back(bj::object{{"seed", r.seed},
                            {"nodes", r.nodes},
                            {"faults", r.plan.size()},
                            {"events", r.events},
                            {"trace", trace_text(r)},
                            {"good", r.broken.empty()}});
}

std::optional<report> campaign::run() {
  const system_clock clock;
  const auto begin = clock.now();
  auto said = begin;
  for (std::uint64_t i = 0; i < given.seeds; ++i) {
    each.seed = given.seed + i;
    auto say = [&](duration so_far) {
      io.err << "kith: seed " << each.seed << ": " << number(seconds(so_far) / 60) << " of "
             << number(given.minutes) << " minutes" << std::endl;
    };
    auto r = simulation::run(each, [&] { return std::make_unique<watched>(make(), say); });
    add(r);
    took = clock.now() - begin;
    if (!r.broken.empty()) return r;
    if (!given.json && given.seeds <= listed_max)
      io.out << "seed " << r.seed << ": good. " << r.nodes << " nodes, " << r.plan.size()
             << " faults, " << r.events << " events, trace " << trace_text(r) << std::endl;
    if (clock.now() - said < progress_interval || i + 1 == given.seeds) continue;
    said = clock.now();
    io.err << "kith: " << seeds << " of " << given.seeds << " seeds good, " << number(times_real())
           << " times real time" << std::endl;
  }
  return std::nullopt;
}

std::vector<std::string> campaign::never_injected() const {
  std::vector<std::string> names;
  if (given.seeds < campaign_min || each.only) return names;
  for (auto k : each.kinds)
    if (injected[std::size_t(k)] == 0) names.emplace_back(name_of(k));
  return names;
}

// The command that runs this seed, or only the faults of this plan, again.
std::string campaign::again(const report& r, bool only) const {
  std::string text = "kith sim";
  for (const auto& lib : given.libs) text += " --lib " + lib;
  text += " --scenario " + scenario + " --seed " + std::to_string(r.seed);
  if (given.nodes != 0) text += " --nodes " + std::to_string(given.nodes);
  if (given.minutes != 1) {
    char minutes[32];
    std::snprintf(minutes, sizeof minutes, "%.17g", given.minutes);
    text += std::string(" --minutes ") + minutes;
  }
  if (!given.faults.empty()) text += " --faults " + given.faults;
  if (!only) return text;
  std::string numbers;
  for (const auto& f : r.plan) numbers += (numbers.empty() ? "" : ",") + std::to_string(f.number);
  return text + (numbers.empty() ? " --faults none" : " --only " + numbers);
}

// What is known of a seed that broke.
struct finding {
  report first, least;
  bool repeats = true; // false: a second run of the seed was another
};

finding examine(const campaign& c, report failed) {
  finding f{failed, std::move(failed), true};
  auto o = c.each;
  o.seed = f.first.seed;
  o.on_log = {};
  const auto again = simulation::run(o, c.make);
  f.repeats = again.trace == f.first.trace && again.broken == f.first.broken;
  if (!f.repeats || f.first.plan.empty()) return f;
  const system_clock clock;
  auto said = clock.now();
  c.io.err << "kith: seed " << f.first.seed << " broke; looking for the faults that matter, of "
           << f.first.plan.size() << std::endl;
  std::size_t runs = 0;
  f.least = simulation::shrink(o, c.make, f.first, shrink_runs_max, [&](const report&) {
    ++runs;
    if (clock.now() - said < progress_interval) return;
    said = clock.now();
    c.io.err << "kith: " << runs << " of at most " << shrink_runs_max << " runs" << std::endl;
  });
  return f;
}

bj::array plan_of(const report& r) {
  bj::array all;
  for (const auto& f : r.plan) all.push_back(bj::object{{"number", f.number}, {"text", f.text()}});
  return all;
}

bj::object document_of(const campaign& c, const std::optional<finding>& found) {
  bj::object kinds;
  for (auto k : simulation::all_fault_kinds) kinds[name_of(k)] = c.injected[std::size_t(k)];
  bj::object o{{"scenario", c.scenario},
               {"good", !found && c.never_injected().empty()},
               {"seeds", c.seeds},
               {"simulated_s", seconds(c.simulated)},
               {"took_s", seconds(c.took)},
               {"injected", std::move(kinds)},
               {"never_injected", bj::value_from(c.never_injected())},
               {"runs", c.runs}};
  if (!found) return o;
  o["failed"] = bj::object{{"seed", found->first.seed},
                           {"nodes", found->first.nodes},
                           {"broken", bj::value_from(found->first.broken)},
                           {"plan", plan_of(found->first)},
                           {"repeats", found->repeats},
                           {"again", c.again(found->first, false)},
                           {"least", bj::object{{"broken", bj::value_from(found->least.broken)},
                                                {"plan", plan_of(found->least)},
                                                {"again", c.again(found->least, true)}}}};
  return o;
}

void print_finding(const campaign& c, const finding& f) {
  auto& out = c.io.out;
  auto list = [&](const report& r) {
    for (const auto& one : r.plan) out << "  #" << one.number << "  " << one.text() << "\n";
  };
  out << "seed " << f.first.seed << " broke, with " << f.first.nodes << " nodes:\n";
  for (const auto& what : f.first.broken) out << "  " << what << "\n";
  out << "Its " << f.first.plan.size() << " faults:\n";
  list(f.first);
  out << "Again: " << c.again(f.first, false) << "\n";
  if (!f.repeats) {
    out << "A second run of this seed was another one: an agent or the scenario takes time, chance "
           "or an order from elsewhere than Kith.\n";
    return;
  }
  if (f.least.plan.empty()) {
    out << "It breaks without any fault. Again: " << c.again(f.least, true) << "\n";
    return;
  }
  if (f.least.plan.size() == f.first.plan.size()) {
    out << "Without any one of them it does not break.\n";
    return;
  }
  out << "Of them these are enough:\n";
  list(f.least);
  out << "and then:\n";
  for (const auto& what : f.least.broken) out << "  " << what << "\n";
  out << "Again: " << c.again(f.least, true) << "\n";
}

void print_sums(const campaign& c) {
  auto& out = c.io.out;
  out << c.scenario << ": " << c.seeds << (c.seeds == 1 ? " seed, " : " seeds, ")
      << seconds_text(c.simulated) << " simulated in " << seconds_text(c.took) << ", "
      << number(c.times_real()) << " times real time\ninjected:";
  for (auto k : simulation::all_fault_kinds)
    out << (k == simulation::all_fault_kinds.front() ? " " : ", ") << name_of(k) << " "
        << c.injected[std::size_t(k)];
  out << "\n";
}

} // namespace

result<int> simulate(const cli::console& io, const cli::options& given) {
  if (given.log && given.seeds != 1)
    return fail(errc::invalid, "usage", "--log goes with one seed");
  if (!given.only.empty() && given.seeds != 1)
    return fail(errc::invalid, "usage", "--only goes with one seed, whose faults it numbers");
  for (const auto& path : given.libs) KITH_TRY(load_library(path));
  KITH_TRY(agent_types::check());
  KITH_ASSIGN(auto name, chosen_scenario(given));
  KITH_ASSIGN(auto make, scenario_of(name));
  campaign c{io, given, std::move(name), std::move(make), {}};
  KITH_ASSIGN(c.each.kinds, kinds_of(given.faults));
  // Asked for by name, they are in every seed; otherwise where the scenario knows of them.
  c.each.always_restores = !given.faults.empty();
  if (given.faults.empty() && !c.make()->takes_restores())
    std::erase(c.each.kinds, simulation::fault_kind::restore);
  c.each.nodes = given.nodes;
  c.each.span = duration(std::int64_t(given.minutes * 60e9));
  if (!given.only.empty()) c.each.only = given.only;
  if (given.log)
    c.each.on_log = [&io](std::string_view node, std::string_view line) {
      io.err << node << ' ' << line << '\n';
    };
  auto failed = c.run();
  std::optional<finding> found;
  if (failed) found = examine(c, std::move(*failed));
  if (given.json) {
    io.out << cli::json_text(document_of(c, found)) << std::endl;
  } else {
    if (found) print_finding(c, *found);
    print_sums(c);
  }
  const auto never = c.never_injected();
  if (!found && !never.empty() && !given.json) {
    io.out << "never injected:";
    for (const auto& k : never) io.out << " " << k;
    io.out << "\nA campaign in which a kind never happens says nothing about it: give it more "
              "seeds or minutes, or leave it out with --faults.\n";
  }
  io.out.flush();
  return found || !never.empty() ? cli::exit_failed : cli::exit_ok;
}

} // namespace kith
