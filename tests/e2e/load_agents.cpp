// The load of the kill campaign: sources that send numbered messages, and sinks whose durable state
// shows whether each was applied once and in order. The driver (campaign.py) computes the same
// hashes outside and compares.
#include <kith/kith.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace e2e {

constexpr std::size_t sinks_max = 64;
constexpr int chunk = 40; // messages that one turn of a source sends

struct item {
  int source = 0;
  std::uint64_t number = 0; // from 1, for each pair of source and sink
};
KITH_DESCRIBE(item, source, number);

// A third goes by QoS 1, in the same streams. The same in campaign.py.
kith::qos quality_of(std::uint64_t number) {
  return number % 3 == 1 ? kith::qos::at_least_once : kith::qos::exactly_once;
}

// What a sink knows of one source.
struct tally {
  std::uint64_t count = 0;  // how many were applied
  std::uint64_t next = 1;   // the number that should come now
  std::uint64_t faults = 0; // how often another one came
  std::uint64_t hash = 0;   // of the numbers, in their order
};
KITH_DESCRIBE(tally, count, next, faults, hash);

// Depends on the order: a number that is missing, doubled or out of its place changes all that
// follows. The same in campaign.py.
std::uint64_t mix(std::uint64_t hash, std::uint64_t source, std::uint64_t number) {
  auto h = (hash ^ (number * 0x9e3779b97f4a7c15 + source)) * 0xbf58476d1ce4e5b9;
  return h ^ (h >> 31);
}

struct sink : kith::agent {
  using agent::agent;

  void setup() override {
    on("item", [this](const item& i) {
      tallies.update([&](auto& all) {
        auto& t = all[std::to_string(i.source)];
        if (i.number != t.next) ++t.faults;
        ++t.count;
        t.next = i.number + 1;
        t.hash = mix(t.hash, std::uint64_t(i.source), i.number);
      });
    });
    on("report", [this] { return tallies.get(); });
  }

private:
  kith::durable<std::map<std::string, tally>> tallies{*this, "tallies"};
};
KITH_AGENT(sink);

// Pays for each item once, into a file outside of Kith: a line for every call, "key source number
// payer". The file's reader honours the keys (once_campaign.py).
struct payer : kith::agent {
  using agent::agent;

  void setup() override {
    on("item", [this](const item& i) -> kith::task<> {
      co_await once("pay", [this, i](std::string_view key) { call(key, i); });
      paid.update([&](auto& all) { ++all[std::to_string(i.source)]; });
    });
    on("report", [this] { return paid.get(); });
  }

private:
  void call(std::string_view key, const item& i) {
    const auto line = std::string(key) + " " + std::to_string(i.source) + " " +
                      std::to_string(i.number) + " " + name() + "\n";
    if (bill < 0) {
      const char* path = std::getenv("E2E_BILL");
      bill = path == nullptr ? -1 : ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
    if (::write(bill, line.data(), line.size()) != ssize_t(line.size()))
      throw std::runtime_error("the bill cannot be written");
  }

  kith::durable<std::map<std::string, int>> paid{*this, "paid"};
  int bill = -1; // open as long as the process lives
};
KITH_AGENT(payer);

struct order {
  int source = 0;    // what it calls itself in its messages
  int count = 0;     // how many more to send
  bool mixed = true; // some by QoS 1
  std::vector<kith::did> sinks;
};
KITH_DESCRIBE(order, source, count, mixed, sinks);

struct backlog {
  int source = 0;
  std::uint64_t left = 0; // to send
  std::uint64_t sent = 0; // in all; sinks take turns
  bool mixed = true;
  std::vector<kith::did> sinks;
};
KITH_DESCRIBE(backlog, source, left, sent, mixed, sinks);

struct source : kith::agent {
  using agent::agent;

  void setup() override {
    on("go", [this](const order& o) {
      if (o.count < 1 || o.sinks.empty() || o.sinks.size() > sinks_max) refuse("no such order");
      const bool idle = work.get().left == 0;
      work.update([&](backlog& w) {
        w.source = o.source;
        w.left += std::uint64_t(o.count);
        w.mixed = o.mixed;
        w.sinks = o.sinks;
      });
      if (idle) tell(self(), "more");
    });
    on("more", [this] { send_some(); });
    on("report", [this] { return work.get(); });
  }

private:
  void send_some() {
    work.update([&](backlog& w) {
      for (int n = 0; n < chunk && w.left > 0; ++n, --w.left, ++w.sent) {
        const auto& to = w.sinks[w.sent % w.sinks.size()];
        const auto number = w.sent / w.sinks.size() + 1;
        tell(to, "item", item{w.source, number},
             {w.mixed ? quality_of(number) : kith::qos::exactly_once});
      }
    });
    if (work.get().left > 0) tell(self(), "more");
  }

  kith::durable<backlog> work{*this, "work"};
};
KITH_AGENT(source);

} // namespace e2e
