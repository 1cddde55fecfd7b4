// The table that `kith bench` prints: its rows, what was measured for each, and the two ways to
// show them.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <kith/json.hpp>
#include <map>
#include <string>
#include <vector>

namespace kith::bench {

// One line of the table. A figure has a baseline, taken in the same rounds, and then `target` is a
// ratio of the two; or it has none, and `target` is a limit in its own unit.
struct row {
  std::string name;   // for --only: "local_qos0"
  std::string figure; // what is measured
  std::string unit;
  std::string baseline;   // what stands beside it; empty: nothing
  std::string durability; // what is on disk by the time that a message counts
  bool less_is_better = false;
  double target = 0;

  std::vector<double> values, baselines;
  std::map<std::string, std::vector<double>> notes; // numbers of the run, such as the batch size
  std::string why_not;                              // it could not be measured

  bool measured() const { return !values.empty(); }
  bool met() const;
  double ratio() const; // 0 without a baseline
};

double median(std::vector<double> v);

// One run of some rows. Each group of rows has a function that measures those that are wanted.
class measurement {
public:
  // `only`: names of rows, all different; empty: all. `tiny`: one round of a few messages, which
  // shows that each row can be measured and no more.
  measurement(std::vector<row> rows, std::vector<std::string> only, bool tiny, bool quiet);

  bool tiny() const { return tiny_; }
  std::size_t rounds() const { return tiny_ ? 1 : 5; }
  template <class T> T size(T full, T small) const { return tiny_ ? small : full; }

  bool wants(const std::string& name) const;
  bool wants_any(const std::vector<std::string>& names) const;
  void add(const std::string& name, double value, double baseline = 0);
  void note(const std::string& name, const std::string& what, double number);
  void cannot(const std::string& name, const std::string& why);
  // Progress, for a person.
  void say(const std::string& what, std::size_t round) const;

  bool all_met() const;
  json to_json() const;
  void print() const;

private:
  row& at(const std::string& name);
  std::vector<row> rows_; // those wanted
  bool tiny_, quiet_;
};

// Every row there is, with nothing measured.
std::vector<row> all_rows();

// The groups: each measures those of its rows that are wanted.
result<void> measure_local(measurement& m);
result<void> measure_links(measurement& m);
result<void> measure_round_trips(measurement& m);
result<void> measure_bulk(measurement& m);
result<void> measure_libp2p(measurement& m);
result<void> measure_handshake(measurement& m);
result<void> measure_steps(measurement& m);
result<void> measure_memory(measurement& m);
result<void> measure_starts(measurement& m);
result<void> measure_edge(measurement& m);

} // namespace kith::bench
