// Whether what a store holds makes sense: every record decodes, lies under its own key, and fits to
// the others. Offline, and read-only.
#pragma once

#include "runtime/store/store.hpp"

#include <map>
#include <string>
#include <vector>

namespace kith::upkeep {

struct finding {
  std::string table; // "state", "queue", "ledger"
  std::string key;   // its kind as a letter, then hexadecimal: "o:00ff..."
  std::string code;  // stable: "bad_key", "bad_record", "orphan", "gap", "broken_chain", ...
  std::string what;  // for a person
};

struct fsck_report {
  static constexpr std::size_t findings_max = 1000; // listed; `count` goes on
  std::map<std::string, std::uint64_t> records;     // by table and kind: "state.a"
  std::vector<finding> findings;
  std::uint64_t count = 0; // of findings
};

// Errors are only those of reading: corrupt "store_corrupt", io.
result<fsck_report> fsck(store::backend& disk);

} // namespace kith::upkeep
