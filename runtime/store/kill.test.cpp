// The same promise with real processes: a child writes through the fault layer and says what was
// acknowledged; a SIGKILL takes it and, as the layer keeps unsynced bytes in the child's memory,
// those too.
#include "runtime/store/journal.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

constexpr const char* child_name = "child of the kill test: writes until it is killed";
constexpr journal_position acknowledged_before_kill = 300;

// Runs the child in `dir` until it acknowledged enough, kills it, and returns the last position
// that it acknowledged.
journal_position run_and_kill(const std::string& dir, bool sync) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
  std::string exe = std::filesystem::read_symlink("/proc/self/exe").string(), name = child_name;
  std::string where = "KITH_STORE_CHILD_DIR=" + dir,
              how = std::string("KITH_STORE_CHILD_SYNC=") + (sync ? "1" : "0");
  char* argv[] = {exe.data(), name.data(), nullptr};
  char* env[] = {where.data(), how.data(), nullptr};
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, exe.c_str(), &actions, nullptr, argv, env) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);

  journal_position last = 0, next = 0;
  bool killed = false;
  while (::read(ends[0], &next, sizeof next) == ssize_t(sizeof next)) {
    last = next;
    if (last < acknowledged_before_kill || killed) continue;
    killed = ::kill(pid, SIGKILL) == 0;
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(killed);
  CHECK(WIFSIGNALED(status));
  return last;
}

} // namespace

TEST_CASE("child of the kill test: writes until it is killed", "[.][store]") {
  const auto* dir = std::getenv("KITH_STORE_CHILD_DIR");
  const auto* sync = std::getenv("KITH_STORE_CHILD_SYNC");
  REQUIRE((dir && sync));
  auto store = rocks_backend::open(
      dir, {.sync_writes = *sync == '1', .faults = std::make_shared<fault_disk>()});
  REQUIRE(store);
  system_clock clock;
  bool told = true;
  journal j(**store, clock, {.threaded = false, .witness_interval = std::chrono::hours(1)},
            [](const error&) {});
  while (told && j.stats().submitted < 1'000'000) {
    for (int i = 0; i < 5; ++i) {
      REQUIRE(j.submit(put("k" + std::to_string(i), "v"), [&](const result<journal_position>& r) {
        told = r && ::write(3, &*r, sizeof *r) == ssize_t(sizeof *r);
      }));
    }
    REQUIRE(j.pump());
  }
}

TEST_CASE("a killed process loses nothing that it acknowledged", "[store][property]") {
  temporary_dir dir;
  const auto last = run_and_kill(dir.path().string(), true);
  auto store = rocks_backend::open(dir.path());
  REQUIRE(store);
  CHECK((*store)->recovered() >= last);
  CHECK_FALSE((*store)->was_clean());
}

TEST_CASE("a killed process that did not sync loses what it acknowledged", "[store][property]") {
  temporary_dir dir;
  const auto last = run_and_kill(dir.path().string(), false);
  auto store = rocks_backend::open(dir.path());
  REQUIRE(store);
  CHECK((*store)->recovered() < last);
}
