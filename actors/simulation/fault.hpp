// What goes wrong in a simulated cluster, and when: a plan made from a seed, which can be read,
// shortened and played again.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace kith::simulation {

enum class fault_kind : std::uint8_t {
  crash,       // a node dies with what it had not synced, and starts again
  restart,     // a node stops in order, and starts again
  partition,   // no packet passes between two nodes for a while
  black_hole,  // the same, but connections stay up until somebody gives up
  slow_way,    // packets between two nodes take long, and vary
  loss,        // some packets between two nodes are lost, and come when they are sent again
  corruption,  // a bit of a packet between two nodes is turned over
  reset,       // every connection between two nodes breaks
  slow_disk,   // syncs of a node take long
  failed_disk, // a commit of a node fails: it stops for good, and is started again
  torn_write,  // a node dies in a commit, and finds all of it or nothing when it starts again
  full_disk,   // a node's disk has no room but its reserve
  clock_jump,  // what a node takes for the time of day jumps, and back
  clock_skew,  // the same for good: it is never mended
  restore,     // a node dies, and starts again on a copy of its disk that was made a while before
};
inline constexpr std::array all_fault_kinds{
    fault_kind::crash,      fault_kind::restart,     fault_kind::partition,  fault_kind::black_hole,
    fault_kind::slow_way,   fault_kind::loss,        fault_kind::corruption, fault_kind::reset,
    fault_kind::slow_disk,  fault_kind::failed_disk, fault_kind::torn_write, fault_kind::full_disk,
    fault_kind::clock_jump, fault_kind::clock_skew,  fault_kind::restore};
// How often each kind was injected.
using fault_counts = std::array<std::uint64_t, all_fault_kinds.size()>;

std::string_view name_of(fault_kind k); // "black-hole"
std::optional<fault_kind> parse_fault_kind(std::string_view name);

struct fault {
  std::size_t number = 0; // in the plan that it was drawn for, from 1
  duration at{};          // from the start
  fault_kind kind = fault_kind::crash;
  std::size_t node = 0, other = 0; // `other`: of a fault between two
  duration lasts{};                // until it is mended, or the node starts again
  // Of clocks: milliseconds, either way. torn_write: 1, the whole of the commit is there. restore:
  // milliseconds from the copy, at `at`, to the death.
  std::int64_t amount = 0;

  // "12.345 s: partition of n1 and n3 for 2.000 s".
  std::string text() const;
};

struct fault_options {
  std::size_t nodes = 3;
  duration span = std::chrono::seconds(60);
  duration mean_pause = std::chrono::seconds(2); // between one fault and the next
  std::vector<fault_kind> kinds{all_fault_kinds.begin(), all_fault_kinds.end()};
};

// By time. Kinds are drawn evenly, so that a long plan has each. Restores are drawn
// apart, one to three of them: without them the rest of a plan is the same.
std::vector<fault> make_faults(const fault_options& options, random_source& random);

} // namespace kith::simulation
