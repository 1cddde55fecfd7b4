// The command line, taken apart: one flat struct, because most commands share most options.
#pragma once

#include "tools/kith/console.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kith::cli {

inline constexpr unsigned nodes_max = 64; // on one machine, by one `up`

struct options {
  std::string command; // "send", "dlq ls"
  std::string dir;     // of the cluster's state; never empty
  std::string node;    // whose control socket; empty: the first that answers
  bool json = false;

  // init, up
  unsigned nodes = 0; // 0: not said
  std::string listen;
  std::string join;
  std::string secret_file;
  bool detach = false;
  std::string ready_timeout;
  bool passphrase = false;       // seal the keys; also of did new
  std::vector<std::string> libs; // also of run: shared libraries with agent types
  // run
  std::vector<std::string> set; // key=value
  int passphrase_fd = -1;       // -1: not said
  // config check
  std::string file;
  // logs
  bool follow = false;
  unsigned lines = 100;
  std::string level;
  std::string grep;
  // log-level: LEVEL, or LOGGER and LEVEL
  std::vector<std::string> words;
  std::string for_;
  // audit verify
  std::string head;
  // spawn
  std::string type;
  std::string name;
  std::string on_node;
  std::string owner; // also of own
  bool nobody = false;
  std::string under;
  std::string restart;
  // tree
  bool watch = false;
  // top
  bool once = false;
  std::string interval;
  // agents
  bool all = false;
  bool wide = false;
  // send, ask
  std::string to;
  std::string kind;
  std::string text;
  std::string json_payload;
  std::string id; // also of where and dlq show
  std::string ttl;
  std::string timeout;
  bool volatile_ = false; // QoS 0
  unsigned qos = 2;
  // dlq replay, dlq purge
  std::vector<std::string> ids;
  bool yes = false;
  // inbox
  std::uint64_t after = 0;
  // dlq ls, handlers ls
  std::string agent;
  std::string reason; // handlers cancel
  // did
  std::string did; // or a file
  std::string out;
  std::string web;
  std::string history;
  std::string key_file;
  std::string new_key;
  bool revoke = false;
  std::string ca_file;
  bool allow_private = false;
  // stop
  std::string deadline;
  // sim, with nodes and libs
  std::string scenario; // empty: the only one there is
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  double minutes = 1;
  std::string faults;            // "none", or kinds by commas; empty: all
  std::vector<std::size_t> only; // faults of the plan, by number
  bool log = false;
  // backup, restore
  std::string where;        // the directory of backups
  std::uint32_t backup = 0; // 0: the newest
  std::uint64_t keep = 0;   // 0: all
  std::uint64_t rate = 0;   // MiB a second; 0: as fast as it goes
  bool force = false;
  // a command of an extension: its own arguments, untouched
  std::vector<std::string> rest;
};

} // namespace kith::cli
