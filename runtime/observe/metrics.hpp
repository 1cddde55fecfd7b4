// Counters, gauges and histograms of one process, by name and labels. Whoever counts is given the
// registry when it is made, looks its series up once, and keeps the references.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith::observe {

// Only rises. Thread-safe.
class counter {
public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  // To a total that somebody else keeps; one that fell (what kept it began anew) changes nothing.
  // By one thread at a time.
  void raise_to(std::uint64_t total) {
    if (total > value()) value_.store(total, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

// Rises and falls: a depth, a count of connections. Thread-safe.
class gauge {
public:
  // A time is kept in whole parts of a second, and told in seconds: so many parts.
  explicit gauge(std::uint64_t per_unit = 1) : per_unit_(per_unit) {}
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }
  std::uint64_t per_unit() const { return per_unit_; }

private:
  std::atomic<std::int64_t> value_{0};
  const std::uint64_t per_unit_;
};

// Into what a histogram sorts: each bucket holds what is at most its bound and more than the one
// before; what is above the last bound is counted too. Static: a histogram keeps the view.
struct buckets {
  std::span<const std::uint64_t> bounds; // rising, at most histogram::bounds_max
  std::uint64_t per_unit = 1;            // as of a gauge
};

// How often values of which size came. Thread-safe; a value costs a look at the bounds and two
// atomic additions.
class histogram {
public:
  static constexpr std::size_t bounds_max = 20;
  using counts = std::array<std::uint64_t, bounds_max + 1>; // the last that is used: above all

  explicit histogram(const buckets& into)
      : into_{into.bounds.first(std::min(into.bounds.size(), bounds_max)), into.per_unit} {}

  std::size_t bucket_of(std::uint64_t v) const {
    std::size_t i = 0;
    while (i < into_.bounds.size() && v > into_.bounds[i]) ++i;
    return i;
  }
  void note(std::uint64_t v) { add(bucket_of(v), 1, v); }
  // Many of one bucket, gathered before.
  void add(std::size_t bucket, std::uint64_t count, std::uint64_t sum) {
    counts_[std::min(bucket, into_.bounds.size())].fetch_add(count, std::memory_order_relaxed);
    sum_.fetch_add(sum, std::memory_order_relaxed);
  }
  const buckets& into() const { return into_; }
  counts read() const {
    counts out{};
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = counts_[i].load(std::memory_order_relaxed);
    return out;
  }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  std::uint64_t count() const {
    std::uint64_t n = 0;
    for (auto c : read()) n += c;
    return n;
  }

private:
  buckets into_;
  std::array<std::atomic<std::uint64_t>, bounds_max + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

// Times in nanoseconds, told in seconds; sizes in bytes; numbers.
inline constexpr std::uint64_t time_bounds[] = {
    1'000,       2'500,       5'000,       10'000,        25'000,        50'000,        100'000,
    250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,
    100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 10'000'000'000};
inline constexpr std::uint64_t size_bounds[] = {256,       1 << 10, 4 << 10, 16 << 10, 64 << 10,
                                                256 << 10, 1 << 20, 4 << 20, 16 << 20};
inline constexpr std::uint64_t number_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096};
inline constexpr buckets times{time_bounds, 1'000'000'000};
inline constexpr buckets sizes{size_bounds};
inline constexpr buckets numbers{number_bounds};

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
  // What the first mention of a series says of its unit, or of its buckets, holds.
  gauge& measure(std::string_view name, const labels& by = {}, std::uint64_t per_unit = 1) {
    return find(gauges_, name, by, per_unit);
  }
  histogram& distribution(std::string_view name, const buckets& into, const labels& by = {}) {
    return find(histograms_, name, by, into);
  }

  enum class kind : std::uint8_t { counter, gauge, histogram };
  struct sample {
    std::string name;
    labels by;
    enum kind kind = kind::counter;
    std::int64_t value = 0; // of a histogram: the sum
    std::uint64_t per_unit = 1;
    std::span<const std::uint64_t> bounds = {}; // of a histogram,
    histogram::counts counts{};                 // and how many are in each of its buckets
  };
  // All of them, sorted by name: the counters, the gauges, the histograms.
  std::vector<sample> read() const {
    const std::lock_guard hold(lock_);
    std::vector<sample> all;
    for (const auto& [name, series] : counters_)
      for (const auto& [by, one] : series)
        all.push_back({name, by, kind::counter, std::int64_t(one.value())});
    for (const auto& [name, series] : gauges_)
      for (const auto& [by, one] : series)
        all.push_back({name, by, kind::gauge, one.value(), one.per_unit()});
    for (const auto& [name, series] : histograms_)
      for (const auto& [by, one] : series)
        all.push_back({name, by, kind::histogram, std::int64_t(one.sum()), one.into().per_unit,
                       one.into().bounds, one.read()});
    return all;
  }

private:
  template <class Metric>
  using table = std::map<std::string, std::map<labels, Metric>, std::less<>>;

  template <class Metric, class... Made>
  Metric& find(table<Metric>& all, std::string_view name, const labels& by, const Made&... made) {
    const std::lock_guard hold(lock_);
    auto named = all.find(name);
    if (named == all.end())
      named = all.try_emplace(all.size() < names_max ? std::string(name) : "overflow").first;
    auto& series = named->second;
    if (const auto found = series.find(by); found != series.end()) return found->second;
    const bool room = series.size() < series_max;
    return series.try_emplace(room ? by : labels{{"overflow", "true"}}, made...).first->second;
  }

  mutable std::mutex lock_; // guards the tables, not the values
  table<counter> counters_;
  table<gauge> gauges_;
  table<histogram> histograms_;
};

} // namespace kith::observe
