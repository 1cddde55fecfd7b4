// An agent that has what it tells and is told counted, so that a model can say what must come of
// it. For the simulations of this folder.
#pragma once

#include <kith/kith.hpp>
#include <map>

namespace kith::simulation {

struct note {
  int number = 0; // counts what the sender told this recipient
  int hops = 0;   // to be passed on so often
  std::string filler;
};
KITH_DESCRIBE(note, number, hops, filler);
struct errand {
  std::vector<std::string> route;
  int hops = 0;
  int filler = 0;
  int notes = 3;
};
KITH_DESCRIBE(errand, route, hops, filler, notes);

// Tells the others numbered notes, and counts what it is told by each.
struct walker : agent {
  using agent::agent;

  // What more is to be sent in the turn that tells `to` its note of that number.
  virtual void also(const std::string& /*to*/, int /*number*/) {}

  void pass(int hops, std::string filler) {
    if (route.get().empty()) return;
    auto to = route.get()[std::size_t(turns.get()) % route.get().size()];
    int number = 0;
    sent.update([&](auto& s) { number = s[to]++; });
    auto quality = number % 3 == 1 ? qos::at_least_once : qos::exactly_once;
    tell(to, "note", note{number, hops, std::move(filler)}, {quality});
    also(to, number);
  }
  void setup() override {
    on("errand", [this](const errand& e) {
      errands.set(errands.get() + 1);
      turns.set(turns.get() + 1);
      route.set(e.route);
      for (int i = 0; i < e.notes; ++i) pass(e.hops, std::string(std::size_t(e.filler), 'x'));
    });
    on("note", [this](const note& n, const message& m) {
      turns.set(turns.get() + 1);
      got.update([&](auto& g) { ++g[m.from().text()]; });
      in_order(m.from().text(), n.number);
      if (n.hops > 0) pass(n.hops - 1, n.filler);
      if (turns.get() % 13 == 5 && thrown != turns.get())
        throw std::runtime_error(std::to_string(thrown = turns.get()));
    });
  }
  void in_order(const std::string& from, int number) {
    int last = -1;
    latest.update([&](auto& all) {
      if (auto known = all.find(from); known != all.end()) last = known->second;
      all[from] = number;
    });
    if (number <= last) fell.update([&](auto& f) { ++f[from]; });
    if (number > last + 1) gaps.update([&](auto& g) { g[from] += number - last - 1; });
  }
  int thrown = 0; // forgotten by a crash, kept when a turn is undone
  durable<std::vector<std::string>> route{*this, "route"};
  durable<std::map<std::string, int>> sent{*this, "sent"}, got{*this, "got"};
  // By sender: the last number, how often it was no higher than the one before, and how many were
  // left out.
  durable<std::map<std::string, int>> latest{*this, "latest"}, fell{*this, "fell"};
  durable<std::map<std::string, int>> gaps{*this, "gaps"};
  durable<int> errands{*this, "errands"}, turns{*this, "turns"}, wrong{*this, "wrong"};
};

} // namespace kith::simulation
