// The journal's rules, on the twin in memory: order, groups, barriers, epochs, failure, witness.
#include "runtime/store/journal.hpp"

#include "runtime/store/memory_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <atomic>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

struct fixture {
  // Shared with the backend, as a disk with its node.
  std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>();
  std::unique_ptr<memory_backend> backend = std::move(memory_backend::open(disk).value());
  manual_clock clock;
  std::vector<error> failures;
  std::vector<std::string> log; // what completions said, in order

  std::unique_ptr<journal> start(journal_options o = {}) {
    o.threaded = false;
    return std::make_unique<journal>(*backend, clock, o,
                                     [this](const error& e) { failures.push_back(e); });
  }
  journal::completion note(std::string name) {
    return [this, name](const result<journal_position>& r) {
      log.push_back(name + (r ? " " + std::to_string(*r) : " " + r.error().code));
    };
  }
};

} // namespace

TEST_CASE("the journal completes batches in order, and those that wait together share one commit",
          "[store][unit]") {
  fixture f;
  auto j = f.start();
  CHECK(j->submit(put("a", "1"), f.note("a")).value() == 1);
  CHECK(j->submit(put("b", "1"), f.note("b")).value() == 2);
  CHECK(j->submit(put("a", "2"), f.note("c")).value() == 3);
  CHECK(f.log.empty());
  CHECK(j->synced() == 0);
  CHECK_FALSE(get(*f.backend, "a"));

  CHECK(j->pump());
  CHECK(f.log == std::vector<std::string>{"a 1", "b 2", "c 3"});
  CHECK(get(*f.backend, "a") == "2");
  CHECK(f.backend->recovered() == 3);
  CHECK(f.disk->commits() == 1);
  const auto stats = j->stats();
  CHECK(stats.submitted == 3);
  CHECK(stats.synced == 3);
  CHECK(stats.batches == 3);
  CHECK_FALSE(j->pump());
}

TEST_CASE("a group ends at its bounds of count and of bytes", "[store][unit]") {
  fixture f;
  SECTION("count") {
    auto j = f.start({.group_count_max = 2});
    for (int i = 0; i < 5; ++i) REQUIRE(j->submit(put("k", "v"), f.note("x")));
    CHECK(j->pump());
    CHECK(j->synced() == 2);
    CHECK(j->pump());
    CHECK(j->pump());
    CHECK(j->synced() == 5);
    CHECK(f.disk->commits() == 3);
  }
  SECTION("bytes, but a batch larger than a group goes alone") {
    auto j = f.start({.group_bytes_max = 100});
    REQUIRE(j->submit(put("k", std::string(500, 'x')), f.note("x")));
    REQUIRE(j->submit(put("k", std::string(60, 'x')), f.note("x")));
    REQUIRE(j->submit(put("k", std::string(60, 'x')), f.note("x")));
    CHECK(j->pump());
    CHECK(j->synced() == 1);
    CHECK(j->pump());
    CHECK(j->synced() == 2);
  }
}

TEST_CASE("a barrier waits for what is before it and takes no position of its own",
          "[store][unit]") {
  fixture f;
  auto j = f.start({.group_count_max = 1});
  CHECK(j->submit({}, f.note("early")).value() == 0);
  REQUIRE(j->submit(put("a", "1"), f.note("a")));
  REQUIRE(j->submit(put("b", "1"), f.note("b")));
  CHECK(j->submit({}, f.note("barrier")).value() == 2);
  CHECK(j->pump());
  CHECK(f.log == std::vector<std::string>{"early 0", "a 1"});
  CHECK(j->pump());
  CHECK(f.log.back() == "barrier 2");
  CHECK(j->stats().submitted == 2);
  CHECK(f.disk->commits() == 2);

  REQUIRE(j->submit({}, f.note("alone")));
  CHECK(j->pump());
  CHECK(f.log.back() == "alone 2");
  CHECK(f.disk->commits() == 2);
}

TEST_CASE("positions that another life used are passed over", "[store][unit]") {
  fixture f;
  auto j = f.start();
  REQUIRE(j->submit(put("a", "1"), f.note("a")));
  j->pass(40);
  CHECK(j->synced() == 0); // nothing is stored there
  REQUIRE(j->submit(put("b", "1"), f.note("b")));
  j->pass(7); // long behind it
  REQUIRE(j->submit(put("c", "1"), f.note("c")));
  while (j->pump()) {
  }
  CHECK(f.log == std::vector<std::string>{"a 1", "b 41", "c 42"});
  CHECK(f.backend->recovered() == 42);
}

TEST_CASE("a stale epoch is refused at submission and changes nothing", "[store][unit]") {
  fixture f;
  auto j = f.start();
  const auto a = agent(1);
  j->load_epoch(a, 3);
  auto with = [&](epoch required, epoch raised) {
    auto b = put("k", "v");
    if (required) b.require_epoch(a, required);
    if (raised) b.raise_epoch(a, raised);
    return j->submit(std::move(b), f.note("k"));
  };
  CHECK(with(3, 0));
  for (auto [required, raised] : {std::pair<epoch, epoch>{2, 0}, {4, 0}, {3, 3}, {0, 2}, {2, 9}}) {
    CAPTURE(required, raised);
    auto r = with(required, raised);
    REQUIRE_FALSE(r);
    CHECK(r.error().category == errc::conflict);
    CHECK(r.error().code == "stale_epoch");
  }
  CHECK(j->epoch_of(a) == 3);
  // A raise counts from its submission, before anything was written.
  CHECK(with(3, 4));
  CHECK(j->epoch_of(a) == 4);
  CHECK_FALSE(with(3, 0));
  CHECK(with(4, 0));
  CHECK(j->stats().submitted == 3);
  // Guards hold for barriers too, and agents do not share epochs.
  write_batch only_guard;
  only_guard.require_epoch(agent(2), 1);
  CHECK_FALSE(j->submit(std::move(only_guard), f.note("g")));
  while (j->pump()) {
  }
  CHECK(f.log.size() == 3);
}

TEST_CASE("a raise alone is a batch: it is stored and takes a position", "[store][unit]") {
  fixture f;
  auto j = f.start();
  write_batch b;
  b.raise_epoch(agent(1), 1);
  CHECK(j->submit(std::move(b), f.note("raise")).value() == 1);
  CHECK(j->pump());
  CHECK(f.backend->recovered() == 1);
}

TEST_CASE("a failed commit stops the journal for good", "[store][unit]") {
  fixture f;
  auto j = f.start({.group_count_max = 1});
  std::string late;
  REQUIRE(j->submit(put("a", "1"), f.note("a")));
  REQUIRE(j->submit(put("b", "1"), [&](const result<journal_position>& r) {
    CHECK(f.failures.size() == 1); // the node is told first
    late = j->submit(put("z", "1"), f.note("z")).error().code;
    f.note("b")(r);
  }));
  REQUIRE(j->submit({}, f.note("barrier")));
  CHECK(j->pump());
  REQUIRE(j->submit(put("c", "1"), f.note("c")));
  f.disk->fail_commit();
  CHECK(j->pump());
  CHECK(f.log ==
        std::vector<std::string>{"a 1", "b disk_failed", "barrier disk_failed", "c disk_failed"});
  CHECK(late == "journal_failed");
  REQUIRE(f.failures.size() == 1);
  CHECK(f.failures[0].code == "disk_failed");

  auto refused = j->submit(put("d", "1"), f.note("d"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().category == errc::io);
  CHECK(refused.error().code == "journal_failed");
  CHECK_FALSE(j->submit({}, f.note("d")));
  CHECK(j->synced() == 1);
  j.reset();
  CHECK(f.failures.size() == 1);
  CHECK(f.disk->witness() == 0); // a failed journal vouches for nothing more
  CHECK(f.log.size() == 4);
}

TEST_CASE("the journal refuses what would wait past its bound, and takes it again later",
          "[store][unit]") {
  fixture f;
  auto j = f.start({.pending_bytes_max = 1000});
  REQUIRE(j->submit(put("a", std::string(700, 'x')), f.note("a")));
  auto refused = j->submit(put("b", std::string(700, 'x')), f.note("b"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().category == errc::overloaded);
  CHECK(refused.error().code == "journal_full");
  CHECK(j->pump());
  CHECK(j->submit(put("b", std::string(700, 'x')), f.note("b")).value() == 2);
  // Barriers count as well.
  std::size_t taken = 0;
  while (taken < 1000 && j->submit({}, {})) ++taken;
  CHECK(taken < 10);
}

TEST_CASE("the witness is borne once an interval and at the end", "[store][unit]") {
  fixture f;
  auto j = f.start({.witness_interval = std::chrono::seconds(1)});
  auto write = [&] {
    REQUIRE(j->submit(put("k", "v"), {}));
    REQUIRE(j->pump());
  };
  write();
  CHECK(f.disk->witness() == 0);
  f.clock.advance(std::chrono::milliseconds(999));
  write();
  CHECK(f.disk->witness() == 0);
  f.clock.advance(std::chrono::milliseconds(1));
  write();
  CHECK(f.disk->witness() == 3);
  write();
  CHECK(f.disk->witness() == 3);
  j.reset();
  CHECK(f.disk->witness() == 4);
}

TEST_CASE("a witness that cannot be written stops the journal", "[store][unit]") {
  fixture f;
  auto j = f.start({.witness_interval = duration(0)});
  f.disk->fail_witness();
  REQUIRE(j->submit(put("a", "1"), f.note("a")));
  CHECK(j->pump());
  CHECK(f.log == std::vector<std::string>{"a 1"}); // it was durable
  CHECK(f.failures.size() == 1);
  CHECK_FALSE(j->submit(put("b", "1"), {}));
}

TEST_CASE("an abandoned journal completes nothing and writes nothing more", "[store][unit]") {
  fixture f;
  auto j = f.start();
  SECTION("between groups") {
    REQUIRE(j->submit(put("a", "1"), f.note("a")));
    j->abandon();
    CHECK_FALSE(j->pump());
    CHECK(f.log.empty());
  }
  SECTION("from within a completion") {
    REQUIRE(j->submit(put("a", "1"), [&](const auto&) { j->abandon(); }));
    REQUIRE(j->submit(put("b", "1"), f.note("b")));
    CHECK(j->pump());
    CHECK_FALSE(j->pump());
    CHECK(f.log.empty());
  }
  CHECK(j->submit(put("c", "1"), {}).error().code == "journal_closed");
  j.reset();
  CHECK(f.log.empty());
  CHECK(f.disk->witness() == 0);
}

TEST_CASE("a completion may submit, and positions go on over a restart", "[store][unit]") {
  fixture f;
  auto j = f.start();
  REQUIRE(j->submit(put("a", "1"),
                    [&](const auto&) { REQUIRE(j->submit(put("b", "1"), f.note("b"))); }));
  CHECK(j->pump());
  CHECK(f.log.empty());
  REQUIRE(j->submit(put("c", "1"), f.note("c")));
  j.reset(); // completes what was submitted
  CHECK(f.log == std::vector<std::string>{"b 2", "c 3"});
  j = f.start();
  CHECK(j->synced() == 3);
  CHECK(j->submit(put("d", "1"), {}).value() == 4);
}

TEST_CASE("many threads submit; each sees its batches complete in order and after their commit",
          "[store][unit]") {
  constexpr int writers = 4, each = 5000;
  fixture f;
  system_clock clock;
  std::atomic<int> completed = 0;
  journal_position last_completed = 0; // the journal's thread only
  bool in_order = true, durable = true;
  {
    journal j(*f.backend, clock, {.witness_interval = std::chrono::milliseconds(1)},
              [](const error&) { FAIL(); });
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w)
      threads.emplace_back([&, w] {
        for (int i = 0; i < each; ++i) {
          auto r = j.submit(put("w" + std::to_string(w), std::to_string(i)),
                            [&](const result<journal_position>& p) {
                              in_order = in_order && p && *p == last_completed + 1;
                              durable = durable && f.backend->recovered() >= *p;
                              last_completed = *p;
                              ++completed;
                            });
          if (!r) return;
        }
      });
    for (auto& t : threads) t.join();
  }
  CHECK(in_order);
  CHECK(durable);
  CHECK(completed == writers * each);
  CHECK(f.backend->recovered() == writers * each);
  CHECK(f.disk->witness() == writers * each);
  for (int w = 0; w < writers; ++w)
    CHECK(get(*f.backend, "w" + std::to_string(w)) == std::to_string(each - 1));
}

TEST_CASE("a journal counts its commits by size, by batches and by the time they took",
          "[store][unit]") {
  struct slow_backend final : backend {
    slow_backend(backend& b, manual_clock& c) : behind(b), clock(c) {}
    result<std::optional<slice>> get(table in, byte_view key) override {
      return behind.get(in, key);
    }
    result<std::vector<entry>> scan(table in, byte_view from, byte_view to,
                                    scan_limits limits) override {
      return behind.scan(in, from, to, limits);
    }
    result<void> commit(std::span<const write_batch> batches, journal_position last) override {
      clock.advance(std::chrono::milliseconds(3));
      return behind.commit(batches, last);
    }
    journal_position recovered() const override { return behind.recovered(); }
    result<void> bear_witness(journal_position p) override { return behind.bear_witness(p); }
    backend& behind;
    manual_clock& clock;
  };
  fixture f;
  slow_backend disk(*f.backend, f.clock);
  observe::registry all;
  journal_series series(all);
  journal_options o{false};
  o.series = &series;
  journal j(disk, f.clock, o, {});
  REQUIRE(j.submit(put("a", std::string(1000, 'x')), {}));
  REQUIRE(j.submit(put("b", "1"), {}));
  REQUIRE(j.submit({}, {}));
  REQUIRE(j.pump());
  CHECK(series.commit_batches.count() == 1);
  CHECK(series.commit_batches.sum() == 2); // a barrier is none
  CHECK(series.commit_bytes.sum() == j.stats().bytes);
  CHECK(series.commit_bytes.sum() > 1000);
  CHECK(series.sync_time.count() == 1);
  CHECK(series.sync_time.sum() == 3'000'000);
  REQUIRE(j.submit({}, {}));
  REQUIRE(j.pump());
  CHECK(series.sync_time.count() == 1); // nothing was written
}
