#include "tools/bench/table.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace kith::bench {

namespace {

json numbers(const std::vector<double>& list) {
  auto out = json::array();
  for (double v : list) out.push_back(v);
  return out;
}

json to_json(const row& r) {
  auto o = json::object();
  o.set("name", r.name).set("figure", r.figure).set("unit", r.unit);
  o.set("better", r.less_is_better ? "less" : "more");
  o.set("durability", r.durability);
  o.set("baseline_name", r.baseline.empty() ? json() : json(r.baseline));
  o.set("target", r.target);
  o.set("measured", r.measured());
  if (!r.measured()) o.set("why_not", r.why_not);
  bool compared = r.measured() && !r.baseline.empty();
  o.set("value", r.measured() ? json(median(r.values)) : json());
  o.set("baseline", compared ? json(median(r.baselines)) : json());
  o.set("ratio", compared ? json(r.ratio()) : json());
  o.set("met", r.met());
  o.set("values", numbers(r.values));
  o.set("baselines", numbers(r.baselines));
  auto notes = json::object();
  for (const auto& [what, list] : r.notes) notes.set(what, median(list));
  o.set("notes", notes);
  return o;
}

// Four digits that say something: 543478 and 0.0123 alike.
std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, v >= 1000 ? "%.0f" : v >= 10 ? "%.1f" : "%.3f", v);
  return text;
}

} // namespace

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

double row::ratio() const {
  auto below = baseline.empty() ? 0 : median(baselines);
  return below > 0 ? median(values) / below : 0;
}

bool row::met() const {
  if (!measured()) return false;
  auto judged = baseline.empty() ? median(values) : ratio();
  return less_is_better ? judged <= target : judged >= target;
}

measurement::measurement(std::vector<row> rows, std::vector<std::string> only, bool tiny,
                         bool quiet)
    : tiny_(tiny), quiet_(quiet) {
  for (auto& r : rows)
    if (only.empty() || std::find(only.begin(), only.end(), r.name) != only.end())
      rows_.push_back(std::move(r));
}

bool measurement::wants(const std::string& name) const {
  return std::any_of(rows_.begin(), rows_.end(), [&](const row& r) { return r.name == name; });
}

bool measurement::wants_any(const std::vector<std::string>& names) const {
  return std::any_of(names.begin(), names.end(), [&](const auto& n) { return wants(n); });
}

row& measurement::at(const std::string& name) {
  for (auto& r : rows_)
    if (r.name == name) return r;
  throw std::logic_error("no row " + name + " was asked for");
}

void measurement::add(const std::string& name, double value, double baseline) {
  at(name).values.push_back(value);
  if (!at(name).baseline.empty()) at(name).baselines.push_back(baseline);
}

void measurement::note(const std::string& name, const std::string& what, double number) {
  at(name).notes[what].push_back(number);
}

void measurement::cannot(const std::string& name, const std::string& why) {
  at(name).why_not = why;
}

void measurement::say(const std::string& what, std::size_t round) const {
  if (quiet_) return;
  std::fprintf(stderr, "%s, round %zu of %zu\n", what.c_str(), round + 1, rounds());
}

bool measurement::all_met() const {
  return std::all_of(rows_.begin(), rows_.end(),
                     [&](const row& r) { return tiny_ ? r.measured() : r.met(); });
}

json measurement::to_json() const {
  auto out = json::array();
  for (const auto& r : rows_) out.push_back(bench::to_json(r));
  return out;
}

void measurement::print() const {
  for (const auto& r : rows_) {
    std::printf("%s: %s; durability: %s\n", r.name.c_str(), r.figure.c_str(), r.durability.c_str());
    const char* than = r.less_is_better ? "<=" : ">=";
    if (!r.measured()) {
      std::printf("    NOT MEASURED: %s\n", r.why_not.c_str());
      continue;
    }
    auto verdict = r.met() ? "met" : "NOT MET";
    auto value = number(median(r.values)) + " " + r.unit;
    if (r.baseline.empty())
      std::printf("    %s, wanted %s %s: %s\n", value.c_str(), than, number(r.target).c_str(),
                  verdict);
    else
      std::printf("    %s; %s: %s %s; ratio %.2f, wanted %s %.2f: %s\n", value.c_str(),
                  r.baseline.c_str(), number(median(r.baselines)).c_str(), r.unit.c_str(),
                  r.ratio(), than, r.target, verdict);
    for (const auto& [what, list] : r.notes)
      std::printf("    %s: %s\n", what.c_str(), number(median(list)).c_str());
  }
  std::printf(tiny_
                  ? "One round of a few messages each: this shows that every row can be measured, "
                    "and no figure of it means anything.\n"
                  : "Medians of 5 rounds, each figure taken in turn with its baseline.\n");
}

} // namespace kith::bench
