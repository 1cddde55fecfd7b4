// Workers that crash, under supervisors that this program declares: those at a desk belong together
// and are started anew together, those in the yard each for itself; the office is above both.
#include <kith/kith.hpp>

#include <stdexcept>

KITH_SUPERVISOR("office", one_for_one);
KITH_SUPERVISOR("desk", one_for_all, .under = "office", .intensity = 3, .period_ms = 10'000);
KITH_SUPERVISOR("yard", one_for_one, .under = "office");

namespace {

struct worker_report {
  int done = 0;  // over all lives
  int lives = 0; // begun
  int fresh = 0; // done in this life
};
KITH_DESCRIBE(worker_report, done, lives, fresh);

struct worker : kith::agent {
  using agent::agent;
  void setup() override {
    lives.update([](int& n) { ++n; });
    on("work", [this](const std::string& what) {
      done.update([](int& n) { ++n; });
      if (what == "poison") crash("this is poison"); // undone, a dead letter, and a new life
      if (what == "rotten") throw std::runtime_error("this is rotten"); // undone, and tried again
      return ++fresh;
    });
    on("report", [this] { return worker_report{done.get(), lives.get(), fresh}; });
    on("hire", [this](const std::string& under) {
      return spawn("worker", {.under = under, .restart = kith::restart::permanent}).text();
    });
    on("go home", [this] { stop(); });
    // A worker minds others, wherever they are.
    on("mind", [this](const std::string& who) { watch(who); });
    on("mind no more", [this](const std::string& who) { unwatch(who); });
    on("heard", [this] { return heard.get(); });
    on_down([this](const down& d) {
      heard.update([&](auto& all) {
        all.push_back(std::string(to_string(d.reason)) + (d.why.empty() ? "" : ": ") + d.why);
      });
    });
  }
  kith::durable<int> done{*this, "done"};
  kith::durable<int> lives{*this, "lives"};
  kith::durable<std::vector<std::string>> heard{*this, "heard"};
  int fresh = 0; // a plain member begins anew with each life
};
KITH_AGENT(worker);

} // namespace
