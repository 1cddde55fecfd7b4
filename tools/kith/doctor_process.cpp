// Doctor: processes, ports, and what the machine gives.
#include "runtime/net/network.hpp"
#include "tools/kith/child_process.hpp"
#include "tools/kith/doctor.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/text_values.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <netdb.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <unistd.h>

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t proc_size_max = 1 << 20;      // bytes of a file in /proc that are read
constexpr std::int64_t files_of_a_node = 1024;      // store, links and control socket
constexpr wall_ms year_2025_ms = 1'735'689'600'000; // before this code was written
constexpr wall_ms file_ahead_max_ms = 60'000;       // of the clock: then it went back
constexpr const char* to_start = "`kith up` starts it.";

pid_t number_in(const fs::path& file) {
  return pid_t(std::strtol(read_some(file, 0, 32).c_str(), nullptr, 10));
}

// The process that holds the node's store; 0: nobody.
pid_t holder_of(const patient& p) {
  const auto file = p.dir / "store" / "lock";
  struct stat s {};
  if (::stat(file.c_str(), &s) != 0) return 0;
  return lock_holder(read_some("/proc/locks", 0, proc_size_max), s.st_dev, s.st_ino,
                     number_in(file));
}

// Why `address` cannot be listened on; empty: it can, or its name does not resolve.
std::string why_taken(const net::address& a) {
  addrinfo want{}, *found = nullptr;
  want.ai_socktype = SOCK_STREAM;
  want.ai_flags = AI_PASSIVE;
  if (::getaddrinfo(a.host.c_str(), std::to_string(a.port).c_str(), &want, &found) != 0)
    return "its host is not known";
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::strerror(errno);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool bound = ::bind(fd, found->ai_addr, found->ai_addrlen) == 0;
  const bool listening = bound && ::listen(fd, 1) == 0;
  const std::string why = listening ? "" : std::strerror(errno);
  ::close(fd);
  return why;
}

} // namespace

pid_t lock_holder(std::string_view proc_locks, dev_t device, ino_t inode, pid_t recorded) {
  // "1: FLOCK  ADVISORY  WRITE 1234 fe:00:11036560 0 EOF"; "->" before those that wait.
  std::istringstream lines{std::string(proc_locks)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, type, how, mode, place;
    pid_t pid = 0;
    if (!(words >> number >> type >> how >> mode >> pid >> place) || type != "FLOCK") continue;
    unsigned major_ = 0, minor_ = 0;
    unsigned long long of = 0;
    if (std::sscanf(place.c_str(), "%x:%x:%llu", &major_, &minor_, &of) != 3 || of != inode)
      continue;
    if ((major_ == major(device) && minor_ == minor(device)) || pid == recorded) return pid;
  }
  return 0;
}

std::int64_t open_files_limit(std::string_view proc_limits) {
  constexpr std::string_view name = "Max open files";
  const auto at = proc_limits.find(name);
  if (at == proc_limits.npos) return -1;
  auto rest = proc_limits.substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (rest.starts_with("unlimited")) return INT64_MAX;
  std::int64_t limit = -1;
  std::from_chars(rest.data(), rest.data() + rest.size(), limit);
  return limit;
}

void examine_process(const context& c, const patient& p, findings& out) {
  const auto holder = holder_of(p);
  const auto process = holder > 0 ? "process " + std::to_string(holder) : "another process";
  if (p.state == "unresponsive")
    return out.problem("process", "Its control socket takes connections but does not answer.",
                       "`kith logs --node " + p.name + "` may say why; if it hangs, kill " +
                           (holder > 0 ? "process " + std::to_string(holder) : "its process") +
                           ": nothing that was acknowledged is lost by that.");
  if (p.runs()) {
    if (p.state == "ready")
      out.ok("process", "It runs as process " + std::to_string(p.pid) + " and is ready.");
    else
      out.warning("process", "It is " + p.state + ".",
                  "If that lasts, `kith logs --node " + p.name + "` says what it waits for.");
    if (!p.version.empty() && p.version != c.what.version)
      out.warning("version",
                  "It runs version " + p.version + ", and this is " + c.what.version + ".",
                  "`kith stop`, then `kith up`, to run the new one.");
    return;
  }
  if (holder != 0)
    return out.problem(
        "process", "Its store is held by " + process + ", but nobody serves its control socket.",
        "If it is not just starting or stopping, end it: `kill " + std::to_string(holder) + "`");
  const auto left = number_in(c.dir.pid_file(p.name));
  if (left > 0)
    return out.warning("process",
                       "It did not stop in order: process " + std::to_string(left) +
                           " left its pid file and " +
                           (process_runs(left) ? "holds nothing of it." : "is gone."),
                       "`kith logs --node " + p.name + "` shows its last words; `kith up` " +
                           "starts it, and it recovers by itself.");
  std::error_code ec;
  if (fs::exists(p.dir / "store", ec))
    out.ok("process", "It does not run; it was stopped in order. " + std::string(to_start));
  else
    out.ok("process", "It was never started. " + std::string(to_start));
}

void examine_ports(const std::vector<patient>& all, findings& out) {
  std::map<std::string, std::string> taken; // address -> whose
  bool good = true;
  for (const auto& p : all) {
    if (!p.settings) continue;
    for (const auto* key : {"link.listen", "edge.listen"}) {
      const auto& text = p.settings->text(key);
      const auto address = net::parse_address(text);
      if (!address || address->type != net::address::kind::tcp || address->port == 0) continue;
      const auto what = std::string(key) + " of " + p.name;
      if (const auto [at, fresh] = taken.emplace(text, what); !fresh) {
        good = false;
        out.problem("ports", what + " and " + at->second + " are both " + text + ".",
                    "Give one of them another port in its kith.toml.");
        continue;
      }
      if (p.state != "stopped") continue;
      if (const auto why = why_taken(*address); !why.empty()) {
        good = false;
        out.problem("ports", what + ", " + text + ", cannot be listened on: " + why + ".",
                    "Stop what listens there (`ss -ltnp`), or set another " + std::string(key) +
                        ".");
      }
    }
  }
  if (good && !all.empty()) out.ok("ports", "What the nodes are to listen on is theirs or free.");
}

void examine_disk(const patient& p, findings& out) {
  std::error_code ec;
  const auto space = fs::space(p.dir, ec);
  if (ec || !p.settings) return;
  const auto free_mb = space.available >> 20;
  const auto reserve_mb = std::uintmax_t(p.settings->integer("store.disk_reserve_mb"));
  const auto said = std::to_string(free_mb) + " MiB are free on its disk; the reserve is " +
                    std::to_string(reserve_mb) + " MiB.";
  const std::string mend = "Make room on the disk of " + p.dir.string() + ".";
  if (free_mb < reserve_mb)
    out.problem("disk", said, "New work is refused. " + mend);
  else if (free_mb < 2 * reserve_mb)
    out.warning("disk", said, mend);
  else
    out.ok("disk", said);
}

void examine_descriptors(const patient& p, findings& out) {
  std::int64_t limit = -1;
  if (p.pid > 0)
    limit =
        open_files_limit(read_some("/proc/" + std::to_string(p.pid) + "/limits", 0, proc_size_max));
  rlimit ours{};
  if (limit < 0 && ::getrlimit(RLIMIT_NOFILE, &ours) == 0)
    limit = ours.rlim_cur == RLIM_INFINITY ? INT64_MAX : std::int64_t(ours.rlim_cur);
  const bool edge = p.settings && !p.settings->text("edge.listen").empty();
  const auto wanted = files_of_a_node + (edge ? p.settings->integer("edge.connections_max") : 0);
  if (limit < 0) return;
  if (limit < wanted)
    out.warning("open files",
                "It may open " + std::to_string(limit) + " files; with its settings it " +
                    "may want " + std::to_string(wanted) + ".",
                "`ulimit -n " + std::to_string(wanted) +
                    "` before the start, or LimitNOFILE= in its systemd unit" +
                    (edge ? ", or a smaller edge.connections_max." : "."));
  else
    out.ok("open files", "It may open as many files as its settings can want.");
}

void examine_clock(const context& c, findings& out) {
  const auto now = system_clock().wall();
  if (now < year_2025_ms)
    return out.problem("clock", "The clock says " + utc_time(now) + ".",
                       "Set it: ids, delegations and certificates go by it.");
  for (const auto& name : c.dir.node_names()) {
    struct stat s {};
    const auto file = c.dir.node_dir(name) / "store" / "witness";
    if (::stat(file.c_str(), &s) != 0) continue;
    if (const auto written = wall_ms(s.st_mtim.tv_sec) * 1000; written > now + file_ahead_max_ms)
      return out.problem("clock",
                         "The clock says " + utc_time(now) + ", but node " + name +
                             " wrote to its store at " + utc_time(written) + ".",
                         "Set the clock: it has gone back.");
  }
  timex state{};
  const int synchronised = ::adjtimex(&state); // asks only: modes are 0
  if (synchronised == TIME_ERROR)
    out.warning("clock", "The clock is not synchronised with others.",
                "Run an NTP client (chrony, systemd-timesyncd): signed requests and delegations "
                "are held against it.");
  else
    out.ok("clock", "The clock says " + utc_time(now) + ".");
}

} // namespace kith::cli
