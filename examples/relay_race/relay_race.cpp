// Runners on several nodes pass a baton round and round. Each notes in durable state how often it
// held the baton and which lap that was, so that whoever asks for the reports afterwards sees
// whether a lap was lost or run twice, whatever was killed in between.
//
//   for i in 1 2 3; do bin/relay_race spawn runner --name r$i --node n$i; done
//   bin/relay_race send r1 start --json-payload
//   '{"laps":100,"runners":["did:key:...","did:key:...","did:key:..."]}' bin/relay_race ask r2
//   report
#include <kith/kith.hpp>

namespace relay_race {

constexpr int laps_max = 1'000'000;
constexpr std::size_t runners_max = 64;

struct race {
  int laps = 0;
  std::vector<kith::did> runners;
};
KITH_DESCRIBE(race, laps, runners);

struct baton {
  std::string race; // its id, so that two races are told apart
  int lap = 0;      // from 1 to laps
  int laps = 0;
  int leg = 0; // of the lap: the runner's place in `runners`
  std::vector<kith::did> runners;
};
KITH_DESCRIBE(baton, race, lap, laps, leg, runners);

// What a runner knows of the race that it ran in last.
struct record {
  std::string race;
  int held = 0;     // how often it had the baton
  int last_lap = 0; // the lap in which it had it last
  int faults = 0;   // batons of another lap than the next one
  bool finished = false;
};
KITH_DESCRIBE(record, race, held, last_lap, faults, finished);

struct runner : kith::agent {
  using agent::agent;

  void setup() override {
    advertise("start", "Starts a race: {laps, runners: [did, ...]}");
    advertise("report", "Answers {race, held, last_lap, faults, finished}");
    on("start", [this](const race& r, const message& m) { return start(r, m); });
    on("baton", [this](const baton& b) { run(b); });
    on("report", [this] { return own.get(); });
  }

private:
  std::string start(const race& r, const message& m) {
    if (r.laps < 1 || r.laps > laps_max) refuse("a race has 1 to 1000000 laps");
    if (r.runners.empty() || r.runners.size() > runners_max) refuse("a race has 1 to 64 runners");
    const auto id = m.id().text();
    tell(r.runners.front(), "baton", baton{id, 1, r.laps, 0, r.runners});
    return id;
  }

  void run(const baton& b) {
    if (b.leg < 0 || std::size_t(b.leg) >= b.runners.size()) refuse("nobody runs this leg");
    own.update([&](record& mine) {
      if (mine.race != b.race) mine = {.race = b.race};
      if (b.lap != mine.last_lap + 1) ++mine.faults;
      ++mine.held;
      mine.last_lap = b.lap;
      mine.finished = b.lap == b.laps;
    });
    auto next = b;
    if (std::size_t(++next.leg) == b.runners.size()) next.leg = 0, ++next.lap;
    if (next.lap <= next.laps) tell(next.runners[std::size_t(next.leg)], "baton", next);
  }

  kith::durable<record> own{*this, "record"};
};
KITH_AGENT(runner);

} // namespace relay_race
