#include "actors/simulation/fault.hpp"

#include <algorithm>
#include <cstdio>

namespace kith::simulation {

namespace {

using std::chrono::milliseconds;

struct traits {
  const char* name;
  milliseconds shortest, longest; // how long it lasts
  bool of_two = false;
};

constexpr std::array<traits, all_fault_kinds.size()> known{{
    {"crash", milliseconds(50), milliseconds(8000)},
    {"restart", milliseconds(10), milliseconds(3000)},
    {"partition", milliseconds(200), milliseconds(30000), true},
    {"black-hole", milliseconds(200), milliseconds(15000), true},
    {"slow-way", milliseconds(500), milliseconds(20000), true},
    {"loss", milliseconds(500), milliseconds(20000), true},
    {"corruption", milliseconds(0), milliseconds(0), true},
    {"reset", milliseconds(0), milliseconds(0), true},
    {"slow-disk", milliseconds(500), milliseconds(10000)},
    {"failed-disk", milliseconds(50), milliseconds(5000)},
    {"torn-write", milliseconds(50), milliseconds(5000)},
    {"full-disk", milliseconds(500), milliseconds(10000)},
    {"clock-jump", milliseconds(1000), milliseconds(20000)},
    {"clock-skew", milliseconds(0), milliseconds(0)},
    {"restore", milliseconds(50), milliseconds(8000)},
}};

const traits& of(fault_kind k) { return known.at(std::size_t(k)); }

std::string seconds(duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", std::chrono::duration<double>(d).count());
  return text;
}

duration between(duration low, duration high, random_source& random) {
  return low + duration(std::int64_t(random.below(std::uint64_t((high - low).count()) + 1)));
}

} // namespace

std::string_view name_of(fault_kind k) { return of(k).name; }

std::optional<fault_kind> parse_fault_kind(std::string_view name) {
  for (auto k : all_fault_kinds)
    if (name == name_of(k)) return k;
  return std::nullopt;
}

std::string fault::text() const {
  std::string out = seconds(at) + ": " + of(kind).name + " of n" + std::to_string(node + 1);
  if (of(kind).of_two) out += " and n" + std::to_string(other + 1);
  if (kind == fault_kind::clock_jump || kind == fault_kind::clock_skew)
    out += " by " + std::to_string(amount) + " ms";
  if (kind == fault_kind::torn_write)
    out += amount != 0 ? ", all of it there" : ", none of it there";
  if (kind == fault_kind::restore)
    out += " to what it had, " + seconds(milliseconds(amount)) + " later";
  if (lasts > duration(0)) out += " for " + seconds(lasts);
  return out;
}

namespace {

// What is mended, and changes no promise. Numbers are given later.
std::vector<fault> draw_faults(const fault_options& o, random_source& random) {
  static constexpr std::int64_t jump_max = 120'000; // milliseconds, either way
  std::vector<fault> plan;
  auto kinds = o.kinds;
  std::erase(kinds, fault_kind::restore);
  std::vector<fault_kind> drawn; // every kind once before any comes again
  duration at{};
  for (;;) {
    at += between({}, 2 * o.mean_pause, random);
    if (at >= o.span || kinds.empty()) return plan;
    if (drawn.empty()) {
      drawn = kinds;
      for (auto i = drawn.size(); i > 1; --i) std::swap(drawn[i - 1], drawn[random.below(i)]);
    }
    fault f;
    f.at = at;
    f.kind = drawn.back();
    drawn.pop_back();
    f.node = std::size_t(random.below(o.nodes));
    if (of(f.kind).of_two) {
      if (o.nodes < 2) continue;
      f.other = (f.node + 1 + std::size_t(random.below(o.nodes - 1))) % o.nodes;
    }
    f.lasts = between(of(f.kind).shortest, of(f.kind).longest, random);
    if (f.kind == fault_kind::clock_jump || f.kind == fault_kind::clock_skew)
      f.amount = std::int64_t(random.below(2 * jump_max)) - jump_max;
    if (f.kind == fault_kind::torn_write) f.amount = std::int64_t(random.below(2));
    plan.push_back(f);
  }
}

std::vector<fault> draw_restores(const fault_options& o, random_source& random) {
  static constexpr std::uint64_t count_max = 3;
  static constexpr duration youngest = std::chrono::milliseconds(100);
  std::vector<fault> plan(1 + random.below(count_max));
  for (auto& f : plan) {
    f.kind = fault_kind::restore;
    f.at = between({}, o.span, random);
    f.amount = std::chrono::duration_cast<milliseconds>(
                   between(youngest, std::max(youngest, o.span / 2), random))
                   .count();
    f.node = std::size_t(random.below(o.nodes));
    f.lasts = between(of(f.kind).shortest, of(f.kind).longest, random);
  }
  return plan;
}

} // namespace

std::vector<fault> make_faults(const fault_options& o, random_source& random) {
  auto plan = draw_faults(o, random);
  if (std::find(o.kinds.begin(), o.kinds.end(), fault_kind::restore) != o.kinds.end())
    for (auto& f : draw_restores(o, random)) plan.push_back(f);
  std::stable_sort(plan.begin(), plan.end(),
                   [](const fault& a, const fault& b) { return a.at < b.at; });
  for (std::size_t i = 0; i < plan.size(); ++i) plan[i].number = i + 1;
  return plan;
}

} // namespace kith::simulation
