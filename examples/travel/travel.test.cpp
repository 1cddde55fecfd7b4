#include "examples/travel/travel.cpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <kith/test.hpp>

namespace {

// A bank of its own, with a file that is gone when the test is over.
struct bank {
  bank() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-bill-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    if (file < 0) throw std::runtime_error("no temporary file");
    ::close(file);
    bill = name;
  }
  ~bank() { std::filesystem::remove(bill); }
  std::vector<int> payments() const {
    std::vector<int> all;
    std::ifstream in(bill);
    std::string key;
    for (int amount = 0; in >> key >> amount;) all.push_back(amount);
    return all;
  }
  std::string bill;
};

journey to_lisbon(const bank& b) {
  return {"did:example:hotel", "did:example:airline", "did:example:taxi", 2, b.bill};
}

// Answers every ask of the agent as the others would; the process is killed before the answer
// numbered `kill_before`.
std::string played(kith::test::probe<travel>& p, kith::test::turn last, bool strike,
                   std::size_t kill_before) {
  for (std::size_t i = 0; last.suspended(); ++i) {
    if (i == kill_before) p.restart();
    const auto kind = p.sent().at(i).kind;
    if (kind == "reserve") last = p.answer_to(i, 160);
    if (kind == "quote") last = p.answer_to(i, 120);
    if (kind == "issue") last = p.answer_to(i, std::string("ticket"));
    if (kind == "order" && strike) last = p.fail_answer(i, kith::ask_status::refused, "a strike");
    if (kind == "order" && !strike) last = p.answer_to(i, std::string("a ride"));
    if (kind == "return" || kind == "cancel") last = p.answer_to(i, true);
  }
  return last.text();
}

} // namespace

TEST_CASE("a journey is paid for once, whenever the process dies", "[examples][unit]") {
  for (std::size_t kill_before = 0; kill_before < 5; ++kill_before) {
    INFO("killed before answer " << kill_before);
    const bank b;
    kith::test::probe<travel> p;
    CHECK(played(p, p.ask("book", to_lisbon(b)), false, kill_before) == "booked for 280");
    CHECK(b.payments() == std::vector{280});
    CHECK(p.ask("journeys").as<int>() == 1);
    CHECK(p.suspended_count() == 0);
  }
}

TEST_CASE("a journey without a taxi is taken back, whenever the process dies", "[examples][unit]") {
  for (std::size_t kill_before = 0; kill_before < 7; ++kill_before) {
    INFO("killed before answer " << kill_before);
    const bank b;
    kith::test::probe<travel> p;
    CHECK(played(p, p.ask("book", to_lisbon(b)), true, kill_before) == "no taxi: a strike");
    CHECK(b.payments() == std::vector{280, -280});
    CHECK(p.ask("journeys").as<int>() == 0);
    CHECK(p.sent().back().kind == "cancel");
  }
}

TEST_CASE("a full hotel is asked for no money", "[examples][unit]") {
  const bank b;
  kith::test::probe<travel> p;
  (void)p.ask("book", to_lisbon(b));
  CHECK(p.fail_answer(0, kith::ask_status::refused, "full").suspended());
  CHECK(p.answer_to(1, 120).text() == "no room: full");
  CHECK(b.payments().empty());
}

TEST_CASE("a hotel has so many nights, and an airline needs its time", "[examples][unit]") {
  kith::test::probe<hotel> h;
  CHECK(h.ask("reserve", 5).as<int>() == 400);
  CHECK(h.ask("reserve", 3).reason() == "the hotel is full");
  CHECK(h.ask("cancel", 5).handled());
  CHECK(h.ask("reserve", 7).as<int>() == 560);
  kith::test::probe<airline> a;
  CHECK(a.ask("quote", "x").suspended());
  a.restart();
  auto turns = a.advance(300);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].as<int>() == 120);
}
