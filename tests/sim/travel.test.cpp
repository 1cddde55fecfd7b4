// The example `travel` on three simulated nodes, of which one dies at every thing that happens
// while a journey is booked: at every step, at every write of a journal, and between.
// KITH_STRIDE=1 at every one (campaign sim_travel_everywhere); without it at every 7th, from
// another first one each time that the journey is another.
#include "examples/travel/travel.cpp"
#include "actors/simulation/cluster.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

using namespace kith;
using namespace kith::simulation;
using namespace std::chrono_literals;

namespace {

struct outcome {
  std::vector<int> payments;
  std::string booked, taken, tickets;
  std::uint64_t begun = 0, ended = 0; // the events between which the journey was booked
  bool operator==(const outcome& o) const {
    return payments == o.payments && booked == o.booked && taken == o.taken && tickets == o.tickets;
  }
};

std::string value_of(cluster& c, const did& agent, std::string_view cell) {
  auto stored = c.cell(agent, cell);
  return stored ? std::string(as_text(byte_view(*stored).subspan(3))) : "none";
}

std::vector<int> payments_in(const std::string& bill) {
  std::vector<int> all;
  std::ifstream in(bill);
  std::string key;
  for (int amount = 0; in >> key >> amount;) all.push_back(amount);
  return all;
}

bool tell(cluster& c, std::size_t node, const did& to, std::string kind, encoded what) {
  bool accepted = false;
  ingress m{to, std::move(kind), std::string(what.content_type), std::move(what.payload)};
  m.accepted = [&](const ingress::outcome& o) { accepted = o.problem.code.empty(); };
  return c.send(node, std::move(m)) && c.run_until([&] { return accepted; }, 1min);
}

// One journey; `victim` dies when `crash_at` events have happened, and starts again.
outcome travelled(bool strike, std::size_t victim, std::uint64_t crash_at) {
  std::string bill = (std::filesystem::temp_directory_path() / "kith-bill-XXXXXX").string();
  const int file = ::mkstemp(bill.data());
  REQUIRE(file >= 0);
  ::close(file);
  cluster c({.seed = 5, .nodes = 3});
  const auto agency = c.spawn(0, "travel", "agency").value();
  const auto inn = c.spawn(1, "hotel", "inn").value();
  const auto sky = c.spawn(2, "airline", "sky").value();
  const auto cab = c.spawn(1, "taxi", "cab").value();
  REQUIRE(tell(c, 1, cab, "strike", encode(strike)));
  c.run_for(5s); // the nodes know of each other's agents
  outcome o;
  REQUIRE(tell(c, 0, agency, "book", encode(journey{inn.text(), sky.text(), cab.text(), 2, bill})));
  o.begun = c.event_count();
  const auto over = [&] {
    return strike ? value_of(c, inn, "taken") == "0" : value_of(c, agency, "booked") == "1";
  };
  if (crash_at != 0) {
    c.run_until([&] { return c.event_count() >= crash_at; }, 5min);
    c.crash(victim);
    c.run_for(2s);
    c.start(victim);
  }
  REQUIRE(c.run_until(over, 10min));
  o.ended = c.event_count();
  c.run_for(2min);
  o.payments = payments_in(bill);
  o.booked = value_of(c, agency, "booked");
  o.taken = value_of(c, inn, "taken");
  o.tickets = value_of(c, sky, "tickets");
  std::filesystem::remove(bill);
  return o;
}

} // namespace

TEST_CASE("a journey is booked once or taken back, whichever node dies, and whenever", "[sim]") {
  const auto* text = std::getenv("KITH_STRIDE");
  const std::uint64_t stride = text != nullptr ? std::strtoull(text, nullptr, 10) : 7;
  REQUIRE(stride > 0);
  std::uint64_t runs = 0;
  for (const bool strike : {false, true}) {
    const auto whole = travelled(strike, 0, 0);
    CHECK(whole.payments == (strike ? std::vector{280, -280} : std::vector{280}));
    CHECK(whole.taken == (strike ? "0" : "2"));
    CHECK(whole.booked == (strike ? "none" : "1"));
    for (std::size_t victim = 0; victim < 3; ++victim)
      for (auto at = whole.begun + 1 + victim % stride; at < whole.ended; at += stride, ++runs) {
        INFO("strike " << strike << ", n" << victim + 1 << " dies at event " << at);
        const auto again = travelled(strike, victim, at);
        CHECK(again.payments == whole.payments);
        CHECK(again == whole);
      }
  }
  std::printf("travel: %llu deaths\n", static_cast<unsigned long long>(runs));
}
