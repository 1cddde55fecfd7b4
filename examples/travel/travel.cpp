// A journey booked by one handler that waits: it asks a hotel, an airline and a taxi, on whichever
// nodes they are, pays once, and takes back what it did if something fails later. Kill any of the
// nodes at any time: the journey is booked as a whole or not at all, and paid for once.
#include <kith/kith.hpp>

#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace {

struct journey {
  std::string hotel, airline, taxi; // DIDs
  int nights = 1;
  std::string bill; // the bank's file
};
KITH_DESCRIBE(journey, hotel, airline, taxi, nights, bill);

// A bank that is not an agent: a file with a line for each payment, "key amount". It honours the
// key, as a bank's interface does: a payment that it has is not made again.
std::string charge(const std::string& bill, std::string_view key, int amount) {
  std::ifstream made(bill);
  for (std::string one; made >> one;) {
    if (one == key) return "receipt-" + one;
    made >> one;
  }
  const int file = ::open(bill.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error("the bank is closed: " + bill);
  const auto line = std::string(key) + " " + std::to_string(amount) + "\n";
  const bool paid =
      ::write(file, line.data(), line.size()) == ssize_t(line.size()) && ::fdatasync(file) == 0;
  ::close(file);
  if (!paid) throw std::runtime_error("the bank did not take it: " + bill);
  return "receipt-" + std::string(key);
}

struct travel : kith::agent {
  using agent::agent;
  void setup() override {
    on("book", [this](const journey& j) { return book(j); });
    on("journeys", [this] { return booked.get(); });
  }

  // An ask that is cancelled (`kith handlers cancel`, or who asked us waits no longer) is one that
  // failed: so what was done before it is taken back.
  template <class R, class V>
  kith::task<kith::asked<R>> attempt(std::string who, std::string kind, V what,
                                     kith::timespan limit = 30'000) {
    try {
      co_return co_await ask<R>(who, kind, what, limit);
    } catch (const kith::cancelled& c) {
      co_return kith::asked<R>(kith::ask_status::refused, c.what(), std::nullopt);
    }
  }

  kith::task<std::string> book(journey j) {
    // Two at once; the slow one has a minute.
    auto [room, seat] =
        co_await kith::all(attempt<int>(j.hotel, "reserve", j.nights),
                           attempt<int>(j.airline, "quote", std::string("to Lisbon"), 60'000));
    std::string failure;
    if (!room.ok()) failure = "no room: " + room.reason();
    if (!seat.ok()) failure = "no seat: " + seat.reason();
    std::string receipt;
    int cost = 0;
    if (failure.empty()) {
      cost = room.value() + seat.value();
      try {
        receipt =
            co_await once("pay", [&](std::string_view key) { return charge(j.bill, key, cost); });
      } catch (const kith::once_failed& e) {
        failure = std::string("not paid: ") + e.what(); // what follows waits, and may not here
      }
    }
    if (failure.empty()) {
      const auto issued = co_await attempt<std::string>(j.airline, "issue", receipt);
      if (!issued.ok()) failure = "no ticket: " + issued.reason();
    }
    if (failure.empty()) {
      const auto ride =
          co_await attempt<std::string>(j.taxi, "order", std::string("to the airport"));
      if (!ride.ok()) failure = "no taxi: " + ride.reason();
    }
    if (failure.empty()) {
      booked.update([](int& n) { ++n; });
      co_return "booked for " + std::to_string(cost);
    }
    // What was done is taken back, the last first.
    if (!receipt.empty()) {
      co_await once("refund", [&](std::string_view key) { return charge(j.bill, key, -cost); });
      if (seat.ok()) (void)co_await ask<bool>(j.airline, "return", receipt);
    }
    if (room.ok()) (void)co_await ask<bool>(j.hotel, "cancel", j.nights);
    co_return failure;
  }

  kith::durable<int> booked{*this, "booked"};
};
KITH_AGENT(travel);

// It has so many nights, at 80 each.
struct hotel : kith::agent {
  using agent::agent;
  static constexpr int nights_max = 7;
  void setup() override {
    on("reserve", [this](int nights) {
      if (taken.get() + nights > nights_max) refuse("the hotel is full");
      taken.update([&](int& n) { n += nights; });
      return nights * 80;
    });
    on("cancel", [this](int nights) {
      taken.update([&](int& n) { n -= nights; });
      return true;
    });
    on("taken", [this] { return taken.get(); });
  }
  kith::durable<int> taken{*this, "taken"};
};
KITH_AGENT(hotel);

// A slow one: it thinks about a price for a while.
struct airline : kith::agent {
  using agent::agent;
  void setup() override {
    on("quote", [this](const std::string&) -> kith::task<int> {
      co_await sleep(300);
      co_return 120;
    });
    on("issue", [this](const std::string& receipt) {
      tickets.update([&](auto& all) { all.push_back(receipt); });
      return "ticket for " + receipt;
    });
    on("return", [this](const std::string& receipt) {
      tickets.update([&](auto& all) { std::erase(all, receipt); });
      return true;
    });
    on("tickets", [this] { return int(tickets.get().size()); });
  }
  kith::durable<std::vector<std::string>> tickets{*this, "tickets"};
};
KITH_AGENT(airline);

// It drives unless it was told that it is on strike.
struct taxi : kith::agent {
  using agent::agent;
  void setup() override {
    on("strike", [this](bool on) { striking.set(on); });
    on("order", [this](const std::string& where) {
      if (striking.get()) refuse("a strike");
      rides.update([](int& n) { ++n; });
      return "a ride " + where;
    });
    on("rides", [this] { return rides.get(); });
  }
  kith::durable<bool> striking{*this, "striking"};
  kith::durable<int> rides{*this, "rides"};
};
KITH_AGENT(taxi);

} // namespace
