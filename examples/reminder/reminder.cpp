// Reminders that outlive their node: timers set on order, listed and cancelled, and what is due is
// sent as a note, once each, also if the node was down or killed meanwhile.
//
//   bin/reminder spawn notepad --name pad
//   bin/reminder spawn reminder --name r
//   bin/reminder ask r remind --json-payload '{"text":"tea","after_s":90,"to":"did:key:z6Mk..."}'
//   bin/reminder timers r
//   bin/reminder ask pad read
#include <algorithm>
#include <kith/kith.hpp>

namespace {

struct reminder_order {
  std::string text;
  std::string to;                  // who gets the note: a DID
  std::optional<double> after_s;   // once, or
  std::optional<double> every_s;   // again and again, or
  std::optional<std::string> cron; // as crontab has it,
  std::optional<std::string> zone; // by the clocks there; UTC
};
KITH_DESCRIBE(reminder_order, text, to, after_s, every_s, cron, zone);

struct reminder_entry {
  std::string id;
  std::string schedule;
  std::int64_t due_ms = 0;
};
KITH_DESCRIBE(reminder_entry, id, schedule, due_ms);

// What is kept in a timer, and what arrives as a note.
struct note {
  std::string text;
  std::string to;
  std::string id;
  std::uint64_t n = 0; // which of this reminder's
};
KITH_DESCRIBE(note, text, to, id, n);

struct reminder : kith::agent {
  using agent::agent;
  void setup() override {
    advertise("remind", "Sets a reminder, and answers its id");
    advertise("list", "Answers all that are set");
    advertise("cancel", "Cancels one by its id, and answers whether there was one");
    on("remind", [this](const reminder_order& o) { return remind(o); });
    on("list", [this] {
      std::vector<reminder_entry> all;
      for (const auto& t : timers()) all.push_back({t.id, t.schedule, t.due_ms});
      return all;
    });
    on("cancel", [this](const std::string& id) { return cancel_timer(id); });
    on("due", [this](const note& kept, const message& m) {
      // Only what a timer started: anybody may send a message of this kind.
      if (m.timer() == nullptr) refuse("this is for timers");
      tell(kept.to, "note", note{kept.text, kept.to, std::string(m.timer()->id), m.timer()->n});
    });
  }

  std::string remind(const reminder_order& o) {
    if (int(o.after_s.has_value()) + int(o.every_s.has_value()) + int(o.cron.has_value()) != 1)
      refuse("say when: after_s, every_s or cron");
    if (!kith::did::parse(o.to)) refuse("say who gets the note: \"to\" is a DID");
    count.update([](int& c) { ++c; });
    const auto id = "reminder-" + std::to_string(count.get());
    const note kept{o.text, o.to, id};
    const auto ms = [](double s) { return std::int64_t(std::clamp(s, 0.0, 1e9) * 1000); };
    if (o.after_s) after(id, ms(*o.after_s), "due", kept);
    if (o.every_s) every(id, ms(*o.every_s), "due", kept);
    // What was missed at night need not come in the morning.
    if (o.cron) cron(id, *o.cron, o.zone.value_or("UTC"), "due", kept, {.missed = missed::skip});
    return id;
  }

  kith::durable<int> count{*this, "count"};
};
KITH_AGENT(reminder);

// Keeps the notes that it gets.
struct notepad : kith::agent {
  using agent::agent;
  void setup() override {
    advertise("read", "Answers all notes, oldest first");
    on("note", [this](const note& n) {
      notes.update([&](auto& all) {
        all.push_back(n.id + " #" + std::to_string(n.n) + ": " + n.text);
        if (all.size() > kept_max) all.erase(all.begin());
      });
    });
    on("read", [this] { return notes.get(); });
  }

  static constexpr std::size_t kept_max = 1000;
  kith::durable<std::vector<std::string>> notes{*this, "notes"};
};
KITH_AGENT(notepad);

} // namespace
