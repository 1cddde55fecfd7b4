// The promise of the store, tried: an acknowledged batch survives any loss of power, whole and in
// order. And the same trial with syncing turned off, which must fail: a trial that cannot fail
// proves nothing.
#include "runtime/base/random.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <map>

using namespace kith;
using namespace kith::store;
using namespace kith::store::test;

namespace {

constexpr table written_tables[] = {table::state, table::queue};
using contents = std::map<std::string, std::string>;

// A store on a faulty disk, and beside it what its acknowledged contents must be.
class campaign {
public:
  campaign(std::uint64_t seed, bool sync)
      : chance_(seed), disk_(std::make_shared<fault_disk>(fault_disk::options{seed, false})),
        options_{.sync_writes = sync, .write_buffer_bytes = 64 << 10, .faults = disk_} {}

  // Writes for a while and loses power at a random write or sync. Then says what was lost; empty:
  // nothing that counts.
  std::string round() {
    auto opened = reopen();
    if (!opened) return opened.error().what();
    auto& store = *opened;
    if (auto wrong = compare(*store); !wrong.empty()) return wrong;

    acknowledged_ = store->recovered();
    submitted_.clear();
    disk_->cut_at(1 + chance_.below(120), torn());
    {
      journal j(*store, clock_, options(), [](const error&) {});
      for (auto steps = 20 + chance_.below(100); steps > 0 && !disk_->is_cut(); --steps) {
        for (auto n = 1 + chance_.below(8); n > 0; --n) submit(j);
        j.pump();
      }
      disk_->cut(torn());
    }
    store.reset();
    disk_->restore();
    return {};
  }

  std::uint64_t acknowledged_in_all = 0, recovered_more = 0;
  fault_counts counts() const { return disk_->counts(); }

private:
  tear torn() { return chance_.below(2) == 0 ? tear::none : tear::prefix; }

  journal_options options() {
    journal_options o{.threaded = false, .group_count_max = 1 + chance_.below(6)};
    // With a witness after every group in some rounds, in others hardly ever.
    o.witness_interval = chance_.below(3) == 0 ? duration(0) : duration(std::chrono::hours(1));
    return o;
  }

  // Now and then the power goes again while the store recovers.
  result<std::unique_ptr<rocks_backend>> reopen() {
    if (chance_.below(3) == 0) {
      disk_->cut_at(1 + chance_.below(30), torn());
      auto halfway = rocks_backend::open(dir_.path(), options_);
      if (!halfway && halfway.error().category != errc::io) return halfway;
      disk_->cut(torn());
      if (halfway) halfway->reset();
      disk_->restore();
    }
    return rocks_backend::open(dir_.path(), options_);
  }

  // The same change in two tables, so that half of a batch would show.
  void submit(journal& j) {
    const auto key = "k" + std::to_string(chance_.below(200));
    const auto value = std::to_string(chance_.next()) + std::string(chance_.below(400), 'x');
    const auto to = "k" + std::to_string(chance_.below(200));
    const auto what = chance_.below(12);
    write_batch b;
    for (auto in : written_tables) {
      if (what == 0)
        b.erase_range(in, as_bytes(key), as_bytes(to));
      else if (what == 1)
        b.erase(in, as_bytes(key));
      else
        b.put(in, as_bytes(key), as_bytes(value));
    }
    if (b.empty()) return;
    auto position = j.submit(std::move(b), [this](const result<journal_position>& r) {
      if (!r) return;
      if (*r != acknowledged_ + 1) out_of_order_ = true;
      acknowledged_ = *r;
      ++acknowledged_in_all;
    });
    if (!position) return;
    submitted_.push_back([=](contents& c) {
      if (what == 0)
        c.erase(c.lower_bound(key), c.lower_bound(to < key ? key : to));
      else if (what == 1)
        c.erase(key);
      else
        c[key] = value;
    });
    first_ = *position - submitted_.size() + 1;
  }

  // The store must hold what was acknowledged, and of what was not a beginning, in order.
  std::string compare(backend& store) {
    const auto recovered = store.recovered();
    if (out_of_order_) return "acknowledged out of order";
    if (recovered < acknowledged_)
      return "recovered " + std::to_string(recovered) + " of " + std::to_string(acknowledged_) +
             " acknowledged";
    for (std::size_t i = 0; i < submitted_.size() && first_ + i <= recovered; ++i)
      submitted_[i](expected_);
    if (recovered > acknowledged_) ++recovered_more;
    for (auto in : written_tables) {
      const auto found = everything(store, in);
      if (contents(found.begin(), found.end()) != expected_)
        return "contents differ at position " + std::to_string(recovered);
    }
    return {};
  }

  temporary_dir dir_;
  seeded_random chance_;
  std::shared_ptr<fault_disk> disk_; // shared with the stores
  rocks_options options_;
  manual_clock clock_;
  contents expected_;
  std::vector<std::function<void(contents&)>> submitted_; // in this round, from position first_
  journal_position first_ = 0, acknowledged_ = 0;
  bool out_of_order_ = false;
};

} // namespace

TEST_CASE("two hundred cuts of the disk lose nothing that was acknowledged", "[store][property]") {
  campaign c(7, true);
  for (int round = 0; round <= 200; ++round) {
    const auto lost = c.round();
    INFO("round " << round);
    REQUIRE(lost.empty());
  }
  // The trial was one: much was acknowledged, much was dropped and torn.
  CHECK(c.counts().cuts >= 200);
  CHECK(c.counts().files_torn >= 20);
  CHECK(c.counts().bytes_dropped > 10'000);
  CHECK(c.acknowledged_in_all > 5'000);
}

TEST_CASE("two thousand cuts of the disk lose nothing that was acknowledged", "[.][store][slow]") {
  for (std::uint64_t seed = 100; seed < 110; ++seed) {
    campaign c(seed, true);
    for (int round = 0; round <= 200; ++round) {
      const auto lost = c.round();
      INFO("seed " << seed << ", round " << round);
      REQUIRE(lost.empty());
    }
  }
}

TEST_CASE("with syncing off, cuts of the disk do lose what was acknowledged", "[store][property]") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    campaign c(seed, false);
    std::string lost;
    for (int round = 0; round < 20 && lost.empty(); ++round) lost = c.round();
    CHECK_FALSE(lost.empty());
  }
}

TEST_CASE("cuts under many writers lose nothing that was acknowledged", "[store][property]") {
  temporary_dir dir;
  seeded_random chance(99);
  auto disk = std::make_shared<fault_disk>(fault_disk::options{3, false}); // shared with the stores
  system_clock clock;
  journal_position acknowledged = 0; // written on the journal's thread, read when that has ended
  for (int round = 0; round < 15; ++round) {
    auto store = rocks_backend::open(dir.path(), {.faults = disk});
    if (!store) FAIL(store.error().what());
    REQUIRE((*store)->recovered() >= acknowledged);
    disk->cut_at(20 + chance.below(60), tear::prefix);
    {
      std::atomic<bool> failed = false;
      journal j(**store, clock, {.group_count_max = 64}, [&](const error&) { failed = true; });
      std::vector<std::thread> writers;
      for (int w = 0; w < 3; ++w)
        writers.emplace_back([&] {
          while (!failed)
            if (auto r = j.submit(put("k", "v"),
                                  [&](const auto& p) { acknowledged = p.value_or(acknowledged); });
                !r)
              std::this_thread::yield();
        });
      for (auto& w : writers) w.join();
    }
    store->reset();
    disk->restore();
  }
  CHECK(acknowledged > 0);
}
