// Counters and gauges of one process, by name and labels; what serves them to the outside comes
// with the edge.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith::observe {

// Only rises. Thread-safe.
class counter {
public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

// Rises and falls: a depth, a count of connections. Thread-safe.
class gauge {
public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::int64_t> value_{0};
};

// Sorted by their names; by agent type or peer, never by DID of an agent: there may be millions.
using labels = std::map<std::string, std::string>;

// Makes each series at its first mention and keeps it: the references live as long as the registry.
// Thread-safe; a look-up takes a lock, so keep the reference where it counts.
class registry {
public:
  // Series of one name; the further ones share one whose only label is overflow="true".
  static constexpr std::size_t series_max = 1000;
  // Names of each kind; the further ones share the name "overflow".
  static constexpr std::size_t names_max = 1000;

  // `name` as Prometheus has it: "kith_turns_total".
  counter& count(std::string_view name, const labels& by = {}) { return find(counters_, name, by); }
  gauge& measure(std::string_view name, const labels& by = {}) { return find(gauges_, name, by); }

  struct sample {
    std::string name;
    labels by;
    bool is_counter = false;
    std::int64_t value = 0;
  };
  // All of them, sorted by name: the counters, then the gauges.
  std::vector<sample> read() const {
    const std::lock_guard hold(lock_);
    std::vector<sample> all;
    for (const auto& [name, series] : counters_)
      for (const auto& [by, one] : series)
        all.push_back({name, by, true, std::int64_t(one.value())});
    for (const auto& [name, series] : gauges_)
      for (const auto& [by, one] : series) all.push_back({name, by, false, one.value()});
    return all;
  }

private:
  template <class Metric>
  using table = std::map<std::string, std::map<labels, Metric>, std::less<>>;

  template <class Metric>
  Metric& find(table<Metric>& all, std::string_view name, const labels& by) {
    const std::lock_guard hold(lock_);
    auto named = all.find(name);
    if (named == all.end())
      named = all.try_emplace(all.size() < names_max ? std::string(name) : "overflow").first;
    auto& series = named->second;
    if (const auto found = series.find(by); found != series.end()) return found->second;
    return series.size() < series_max ? series[by] : series[labels{{"overflow", "true"}}];
  }

  mutable std::mutex lock_; // guards both tables, not the values
  table<counter> counters_;
  table<gauge> gauges_;
};

} // namespace kith::observe
