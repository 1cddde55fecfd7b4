// The examinations of `kith doctor`. None changes anything, takes a lock, or waits long.
#pragma once

#include "runtime/config/settings.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/finding.hpp"

#include <sys/types.h>

namespace kith::cli {

// A node as far as it could be found out before it is examined.
struct patient {
  std::string name;
  std::filesystem::path dir;
  std::optional<config::settings> settings; // nothing if they cannot be read
  std::string state;                        // as in `kith ps`: stopped, unresponsive, ready, ...
  std::string version, edge_url;            // if it runs
  pid_t pid = 0;
  bool runs() const { return state != "stopped" && state != "unresponsive"; }
};

// doctor_files.cpp: state directory, modes and owners, settings, secrets, keys, the store's files.
void examine_directory(const context& c, findings& out);
void examine_secrets(const std::vector<patient>& all, findings& out);
void examine_files(const context& c, const patient& p, findings& out);

// doctor_process.cpp: who holds the store, whether what it listens on is free, room on the disk,
// files it may open.
void examine_process(const context& c, const patient& p, findings& out);
void examine_ports(const std::vector<patient>& all, findings& out);
void examine_disk(const patient& p, findings& out);
void examine_descriptors(const patient& p, findings& out);
void examine_clock(const context& c, findings& out);

// doctor_edge.cpp: certificate files, and whether the edge answers.
void examine_edge(const patient& p, wall_ms now, findings& out);

// doctor_node.cpp: what a running node says of itself.
void examine_running(const context& c, const patient& p, findings& out);

// The process that holds a lock (flock(2)) on the file, by the text of /proc/locks; 0: nobody.
// `recorded` is who wrote its id into the file, which decides where the file system does not tell
// its device.
pid_t lock_holder(std::string_view proc_locks, dev_t device, ino_t inode, pid_t recorded);
// The soft limit of "Max open files" in the text of /proc/<pid>/limits; -1: not there.
std::int64_t open_files_limit(std::string_view proc_limits);

} // namespace kith::cli
