// The agents that the tests of the mailbox host.
#include <kith/kith.hpp>

namespace {

struct order {
  std::string to;
  std::string kind;
  std::string text;
  int count = 1;
};
KITH_DESCRIBE(order, to, kind, text, count);

// Remembers what it is told, and does on order what an agent may do.
struct recorder : kith::agent {
  using agent::agent;
  void note(std::string text) {
    seen.update([&](auto& s) { s.push_back(std::move(text)); });
  }
  void setup() override {
    on("note", [this](const std::string& text) { note(text); });
    on("question", [this](const std::string& text) {
      note(text);
      return "re:" + text;
    });
    on("no", [this](const std::string& text) {
      note(text);
      tell(self(), "note", "from a refused turn");
      refuse("never " + text);
    });
    on("break", [this](const std::string& text) {
      note(text);
      tell(self(), "note", "from a broken turn");
      throw std::runtime_error("broken " + text);
    });
    on("crash", [this](const std::string& text) {
      note(text);
      tell(self(), "note", "from a crashed turn");
      crash("crash " + text);
    });
    on("watch", [this](const std::string& who) { watch(who); });
    on("unwatch", [this](const std::string& who) { unwatch(who); });
    on("watch many", [this](int count) {
      for (int i = 0; i < count; ++i) watch("did:example:" + std::to_string(i));
    });
    on_down([this](const down& d) {
      note(std::string(to_string(d.reason)) + " " + d.why);
      if (d.why == "crash") crash("could not bear it");
      if (d.why == "break") throw std::runtime_error("broken notice");
    });
    on("flaky", [this](int tries) {
      note("flaky");
      if (++tried < tries) throw std::runtime_error("not yet");
    });
    on("order", [this](const order& o) {
      for (int i = 0; i < o.count; ++i)
        if (tell(o.to, o.kind, o.text + std::to_string(i)).overloaded()) return note("overloaded");
    });
    on("whisper",
       [this](const order& o) { tell(o.to, o.kind, o.text, {kith::qos::at_most_once}); });
    on("mixed", [this](const order& o) { // QoS 1, 2, 1, ...
      for (int i = 0; i < o.count; ++i)
        tell(o.to, o.kind, o.text + std::to_string(i),
             {i % 2 == 0 ? kith::qos::at_least_once : kith::qos::exactly_once});
    });
    on("brief", [this](const order& o) { tell(o.to, o.kind, o.text, {.time_to_live_ms = 1000}); });
    on("ask", [this](const order& o) {
      ask(o.to, o.kind, o.text, then{"answered"}, {.deadline_ms = 5000, .context = "ctx"});
    });
    on("spawn", [this](const std::string& name) {
      note(name);
      spawn("recorder", name);
    });
    on_answer("answered", [this](const answer& a) {
      if (a.text() == "re:crash") crash("crash in an answer");
      note(std::string(to_string(a.status())) + ":" + std::string(a.ok() ? a.text() : a.reason()) +
           ":" + std::string(a.context()));
      if (a.text() == "re:spawn") spawn("recorder", "unwanted");
    });
  }
  int tried = 0; // outside of the state, to tell a retry apart
  kith::durable<std::vector<std::string>> seen{*this, "seen"};
};
KITH_AGENT(recorder);

} // namespace
