#include "examples/reminder/reminder.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

namespace {

struct reminder_fixture {
  kith::test::probe<reminder> p;
  std::string pad = "did:example:pad";
  std::string set(const reminder_order& o) { return p.ask("remind", o).text(); }
  std::vector<std::string> notes() {
    std::vector<std::string> all;
    for (const auto& s : p.sent()) {
      auto n = s.as<note>();
      REQUIRE(n);
      CHECK(s.to.text() == pad);
      CHECK(s.kind == "note");
      all.push_back(n->id + " " + n->text + " " + std::to_string(n->n));
    }
    return all;
  }
};
using lines = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(reminder_fixture, "reminder sends its notes when they are due, over a restart",
                 "[examples][unit]") {
  CHECK(set({"tea", pad, 90}) == "reminder-1");
  CHECK(set({"breathe", pad, {}, 60}) == "reminder-2");
  p.advance(60'000);
  CHECK(notes() == lines{"reminder-2 breathe 1"});
  p.restart_after(65'000); // what was due meanwhile comes now
  CHECK(notes() == lines{"reminder-2 breathe 1", "reminder-1 tea 1", "reminder-2 breathe 2"});
  auto listed = p.ask("list").as<std::vector<reminder_entry>>();
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK((*listed)[0].id == "reminder-2");
  CHECK((*listed)[0].schedule == "every 60000 ms");
  CHECK(p.ask("cancel", "reminder-2").as<bool>() == true);
  CHECK(p.ask("cancel", "reminder-2").as<bool>() == false);
  p.advance(600'000);
  CHECK(notes().size() == 3);
}

TEST_CASE_METHOD(reminder_fixture, "reminder goes by cron and leaves out what was missed",
                 "[examples][unit]") {
  // The probe begins on Tuesday, 14 November 2023, 22:13:20 UTC.
  set({"good morning", pad, {}, {}, "0 9 * * MON-FRI", "Europe/Berlin"});
  constexpr std::int64_t hour = 3'600'000;
  p.advance(9 * hour);
  CHECK(notes().empty());
  p.advance(hour);
  CHECK(notes() == lines{"reminder-1 good morning 1"});
  p.restart_after(48 * hour); // Friday, 9:13
  CHECK(notes().size() == 1);
  p.advance(72 * hour); // Monday
  CHECK(notes().back() == "reminder-1 good morning 2");
}

TEST_CASE_METHOD(reminder_fixture, "reminder refuses what it cannot do, and says why",
                 "[examples][unit]") {
  CHECK(p.ask("remind", reminder_order{"x", pad}).refused());
  CHECK(p.ask("remind", reminder_order{"x", pad, 1, 1}).refused());
  CHECK(p.ask("remind", reminder_order{"x", "ada", 1}).refused());
  CHECK(p.ask("remind", reminder_order{"x", pad, {}, 0.01}).refused());
  auto bad = p.ask("remind", reminder_order{"x", pad, {}, {}, "0 9 * *"});
  CHECK(bad.reason().find("5 fields are wanted") != std::string::npos);
  CHECK(p.ask("remind", reminder_order{"x", pad, {}, {}, "0 9 * * *", "Berlin"}).refused());
  CHECK(p.tell("due", note{"forged", pad}).refused());
  CHECK(p.timers().empty());
  CHECK(p.stored<int>("count").value_or(0) == 0);
}

TEST_CASE("notepad keeps its notes", "[examples][unit]") {
  kith::test::probe<notepad> p;
  CHECK(p.tell("note", note{"tea", "did:example:pad", "reminder-1", 2}).handled());
  p.restart();
  CHECK(p.ask("read").as<lines>() == lines{"reminder-1 #2: tea"});
}
