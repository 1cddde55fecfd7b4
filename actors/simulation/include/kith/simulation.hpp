// Your agents on whole nodes in one thread, from one seed: time, network and disks are simulated,
// and much goes wrong with them. A seed is the same run each time.
//
//   struct adding : kith::simulation::scenario {
//     void set_up(world& in) override { c = in.spawn(0, "counter", "c"); }
//     void work(world& in) override { in.tell(c, "add", 1), ++given; }
//     void check(world& in) override { in.expect(in.stored<int>(c, "value") == given, "the sum"); }
//     kith::did c;
//     int given = 0;
//   };
//   KITH_SCENARIO(adding);
//
// `kith sim --lib my.so` runs it, or run() from a test. docs/how-to/simulate.md. Not thread-safe.
#pragma once

#include "actors/simulation/fault.hpp"
#include "runtime/base/result.hpp"

#include <functional>
#include <kith/payload.hpp>
#include <memory>
#include <optional>

namespace kith::simulation {

// What came of an ask from outside.
struct reply {
  bool answered = false; // false: nothing came in time; what was asked may have been done, or not
  bool ok = false;       // answered, and not refused or dead; `payload` is the reason otherwise
  std::string content_type, payload;
  template <class T> std::optional<T> as() const {
    return payload_view(content_type, as_bytes(payload)).as<T>();
  }
};

// What a scenario sees of the cluster. Nodes have numbers from 0.
class world {
public:
  std::size_t nodes() const;
  std::string name(std::size_t node) const; // "n1", ...
  bool up(std::size_t node) const;
  duration elapsed() const; // simulated, since the start
  // A number below `bound`, by the seed. A scenario takes chance from here alone.
  std::uint64_t below(std::uint64_t bound);

  // An agent of a registered type, under a supervisor that is declared, or the node's. Throws
  // std::runtime_error if it is not there within a minute. For set_up().
  did spawn(std::size_t node, const std::string& type, const std::string& name,
            const std::string& under = {});
  // From outside, through a node that the seed picks. It is given again until that node has taken
  // it, so it is handled once whatever goes wrong; one that is refused is broken.
  template <class T = std::string_view>
  void tell(const did& to, std::string_view kind, const T& value = {}) {
    give(to, kind, encode(value));
  }
  // The same once, with a wish for an answer. `then` may not be called in a world that ends.
  template <class T = std::string_view>
  void ask(const did& to, std::string_view kind, const T& value,
           std::function<void(const reply&)> then) {
    put(to, kind, encode(value), std::move(then));
  }
  std::size_t waiting() const; // told and not taken yet, or asked and not answered
  // What a durable of an agent holds on its disk; empty: nothing, or no T.
  template <class T> std::optional<T> stored(const did& agent, std::string_view durable) {
    auto text = stored_json(agent, durable);
    return payload_view(json_type, as_bytes(text)).as<T>();
  }

  void broken(std::string what); // says that something does not hold
  void expect(bool holds, std::string_view what) {
    if (!holds) broken(std::string(what));
  }
  // Messages may end as dead letters: without this, one that did is broken.
  void allow_dead_letters();
  std::size_t dead_letters() const; // of nodes that are up

  struct impl;
  explicit world(impl& i) : impl_(i) {}
  world(const world&) = delete;

private:
  void give(const did& to, std::string_view kind, encoded value);
  void put(const did& to, std::string_view kind, encoded value,
           std::function<void(const reply&)> then);
  std::string stored_json(const did& agent, std::string_view durable);

  impl& impl_;
};

// What agents are given to do, and what must be true of them whatever went wrong. What it throws
// breaks the run.
class scenario {
public:
  using world = simulation::world;
  virtual ~scenario() = default;
  virtual void set_up(world& in) = 0; // before anything goes wrong: spawns agents
  // Gives work: about ten times a second while things go wrong.
  virtual void work(world& in) = 0;
  // Whether it is all, asked when what was told is handled and what was asked is answered.
  virtual bool done(world&) { return true; }
  // Says what is broken. Asked once, in the end.
  virtual void check(world& in) = 0;
};
using make_scenario = std::function<std::unique_ptr<scenario>()>;

struct options {
  std::uint64_t seed = 1;
  std::size_t nodes = 0;                         // 0: 3 to 7, by the seed
  duration span = std::chrono::seconds(60);      // while things go wrong
  duration mean_pause = std::chrono::seconds(2); // between two faults
  duration rest_max = std::chrono::minutes(20);  // after that, until all is done
  std::vector<fault_kind> kinds{all_fault_kinds.begin(), all_fault_kinds.end()};
  std::optional<std::vector<std::size_t>> only = {}; // of the plan's faults, by number
  std::function<void(std::string_view node, std::string_view line)> on_log = {};
};
struct report {
  std::uint64_t seed = 0;
  std::size_t nodes = 0;
  std::vector<fault> plan;
  fault_counts injected{};             // not where it was so already, or the node was down
  std::uint64_t trace = 0, events = 0; // the same for the same seed and options
  duration simulated{};
  std::vector<std::string> broken; // empty: all held
};

// The scenario is made before the nodes are. What `make` throws goes through.
report run(const options& o, const make_scenario& make);

// Fewer faults that still break something. `failed` is of `run` with the same options; `each` hears
// of every run.
report shrink(const options& o, const make_scenario& make, report failed,
              std::size_t runs_max = 200, const std::function<void(const report&)>& each = {});

// The process's scenarios by name: as agent types, known before main begins.
struct scenario_registration {
  using factory = std::unique_ptr<scenario> (*)();
  scenario_registration(std::string_view name, factory make);
};
std::vector<std::string> scenario_names(); // sorted
// invalid "scenario": there is none of this name, or two.
result<make_scenario> find_scenario(std::string_view name);

} // namespace kith::simulation

// Makes a scenario known by its name. At namespace scope, in one source file.
#define KITH_SCENARIO(type)                                                                        \
  static const ::kith::simulation::scenario_registration KITH_CONCAT(kith_scenario_registration_,  \
                                                                     __COUNTER__)(                 \
      #type,                                                                                       \
      []() -> std::unique_ptr<::kith::simulation::scenario> { return std::make_unique<type>(); })
