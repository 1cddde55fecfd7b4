// What a scenario is, and what it sees of the simulated cluster: see <kith/simulation.hpp>.
#pragma once

#include "actors/simulation/fault.hpp"

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
  // How often a node began again on an older copy of its disk. What was done there in between is
  // undone, or done again; what others had sent may be lost, and is then counted here.
  std::size_t restores(std::size_t node) const;
  // Messages from one agent to another that a restore of the recipient's node lost, as far as its
  // disk reports them; answers aside.
  std::uint64_t lost(const did& from, const did& to) const;
  // Messages told to it through a node that was restored before it said that it took them: it may
  // have taken, sent and forgotten them before, and then they were handled twice.
  std::uint64_t maybe_twice(const did& to) const;
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
  // Whether check() knows what restores leave of its promises: then every 16th seed has some.
  virtual bool takes_restores() const { return false; }
  // Says what is broken. Asked once, in the end.
  virtual void check(world& in) = 0;
};
using make_scenario = std::function<std::unique_ptr<scenario>()>;

// Adds to the process's table of scenarios: as agent types, known before main begins.
struct scenario_registration {
  using factory = std::unique_ptr<scenario> (*)();
  scenario_registration(std::string_view name, factory make);
};

} // namespace kith::simulation

// Makes a scenario known by its name. At namespace scope, in one source file.
#define KITH_SCENARIO(type)                                                                        \
  static const ::kith::simulation::scenario_registration KITH_CONCAT(kith_scenario_registration_,  \
                                                                     __COUNTER__)(                 \
      #type,                                                                                       \
      []() -> std::unique_ptr<::kith::simulation::scenario> { return std::make_unique<type>(); })
