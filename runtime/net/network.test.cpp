// The promises of streams and networks, held by the real network and by the simulated one alike:
// every body runs on both.
#include "runtime/base/random.hpp"
#include "runtime/net/asio_network.hpp"
#include "runtime/net/simulated.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <unistd.h>

using namespace kith;
using namespace kith::net;
using namespace std::chrono_literals;

namespace {

// A world with one host, in which a test's steps run on the reactor and its waits end when
// something changed.
class real_world {
public:
  real_world() { reactor_.start(); }
  ~real_world() {
    reactor_.call([&] { network_.reset(); });
    reactor_.stop();
  }
  void on_reactor(const std::function<void()>& step) { reactor_.call(step); }
  // Handlers call it after they changed what a wait looks at.
  void changed() {
    if (wanted_ && wanted_()) {
      wanted_ = nullptr;
      reached_.set_value();
    }
  }
  bool wait(const std::function<bool()>& wanted) {
    std::future<void> reached;
    reactor_.call([&] {
      reached_ = {};
      reached = reached_.get_future();
      wanted_ = wanted;
      changed();
    });
    const bool ok = reached.wait_for(60s) == std::future_status::ready;
    reactor_.call([&] { wanted_ = nullptr; });
    return ok;
  }
  net::reactor& reactor() { return reactor_; }
  net::network& network() { return *network_; }

private:
  asio_reactor reactor_;
  std::optional<asio_network> network_{std::in_place, reactor_};
  std::function<bool()> wanted_;
  std::promise<void> reached_;
};

class made_up_world {
public:
  void on_reactor(const std::function<void()>& step) { step(); }
  void changed() {}
  bool wait(const std::function<bool()>& wanted) { return world_.run_until(wanted, 60s); }
  net::reactor& reactor() { return world_.reactor_of("here"); }
  net::network& network() { return world_.network_of("here"); }

private:
  manual_clock clock_;
  simulated_network world_{clock_, 7};
};

// A stream and everything that it told.
struct talker {
  std::unique_ptr<byte_stream> stream;
  bytes got;
  int drained = 0;
  int closed = 0;
  std::string reason;

  template <class World> void start(World& world, std::function<void()> on_data = {}) {
    stream->start({[this, &world, on_data](byte_view b) {
                     append(got, b);
                     if (on_data) on_data();
                     world.changed();
                   },
                   [this, &world] {
                     ++drained;
                     world.changed();
                   },
                   [this, &world](const error& e) {
                     ++closed;
                     reason = e.code;
                     world.changed();
                   }});
  }
};

// A connection within the world: both ends, not started.
template <class World> struct connected {
  World world;
  std::unique_ptr<listener> port;
  talker dialler, acceptor;

  explicit connected(const std::string& where = "127.0.0.1:0") {
    world.on_reactor([&] {
      auto opened = world.network().listen(where, [this](std::unique_ptr<byte_stream> s) {
        acceptor.stream = std::move(s);
        world.changed();
      });
      REQUIRE(opened);
      port = std::move(*opened);
      world.network().connect(port->local_address(), 30s, [this](auto s) {
        REQUIRE(s);
        dialler.stream = std::move(*s);
        world.changed();
      });
    });
    REQUIRE(world.wait([this] { return dialler.stream && acceptor.stream; }));
  }
  ~connected() {
    world.on_reactor([&] {
      dialler.stream.reset();
      acceptor.stream.reset();
      port.reset();
    });
  }
};

bytes pattern(std::size_t size) {
  bytes out(size);
  seeded_random(size).fill(out);
  return out;
}

std::string scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("kith-net-" + std::to_string(::getpid()) + name);
}

} // namespace

#define BOTH_WORLDS real_world, made_up_world

TEMPLATE_TEST_CASE("a mebibyte is echoed whole over TCP and over a Unix socket", "[net][unit]",
                   BOTH_WORLDS) {
  for (const std::string& where : {std::string("127.0.0.1:0"), "unix:" + scratch("echo.sock")}) {
    connected<TestType> c(where);
    const bytes sent = pattern(1 << 20);
    c.world.on_reactor([&] {
      c.acceptor.start(c.world,
                       [&] { c.acceptor.stream->write(std::exchange(c.acceptor.got, {})); });
      c.dialler.start(c.world);
      c.dialler.stream->write(to_bytes(byte_view(sent).first(100)));
      c.dialler.stream->write(slice(sent).part(100, sent.size() - 100));
    });
    CHECK(c.world.wait([&] { return c.dialler.got.size() >= sent.size(); }));
    CHECK(c.dialler.got == sent);
  }
}

TEMPLATE_TEST_CASE("a reader that pauses makes the writer wait and loses nothing", "[net][unit]",
                   BOTH_WORLDS) {
  connected<TestType> c;
  const bytes block = pattern(1 << 20);
  const std::size_t total = 32 * block.size();
  c.world.on_reactor([&] {
    c.acceptor.start(c.world);
    c.acceptor.stream->pause_reading();
    c.dialler.start(c.world);
    for (std::size_t i = 0; i < 32; ++i) c.dialler.stream->write(block);
    CHECK(c.dialler.stream->unsent() > byte_stream::low_water);
    CHECK(c.dialler.drained == 0);
    c.acceptor.stream->resume_reading();
  });
  CHECK(c.world.wait([&] { return c.acceptor.got.size() >= total && c.dialler.drained > 0; }));
  c.world.on_reactor([&] {
    CHECK(c.acceptor.got.size() == total);
    CHECK(equal(byte_view(c.acceptor.got).last(block.size()), block));
    CHECK(c.dialler.stream->unsent() == 0);
  });
}

TEMPLATE_TEST_CASE("small writes behind a full pipe arrive joined and in order", "[net][unit]",
                   BOTH_WORLDS) {
  connected<TestType> c;
  bytes expected = pattern(16 << 20);
  c.world.on_reactor([&] {
    c.dialler.stream->write(expected);
    for (int i = 0; i < 50'000; ++i) {
      const bytes piece{std::uint8_t(i), std::uint8_t(i >> 8), std::uint8_t(i * 7)};
      append(expected, piece);
      c.dialler.stream->write(piece);
    }
    c.dialler.start(c.world);
    c.acceptor.start(c.world);
  });
  CHECK(c.world.wait([&] { return c.acceptor.got.size() >= expected.size(); }));
  CHECK(c.acceptor.got == expected);
}

TEMPLATE_TEST_CASE("close sends what is queued, then both sides end", "[net][unit]", BOTH_WORLDS) {
  connected<TestType> c;
  const bytes sent = pattern(8 << 20);
  c.world.on_reactor([&] {
    c.acceptor.start(c.world);
    c.acceptor.stream->write(pattern(1000)); // what nobody reads must not reset the connection
    c.dialler.start(c.world);
    c.dialler.stream->write(sent);
    c.dialler.stream->close();
    c.dialler.stream->write(bytes{1, 2, 3}); // too late
  });
  CHECK(c.world.wait([&] { return c.acceptor.closed && c.dialler.closed; }));
  CHECK(c.acceptor.got == sent);
  CHECK(c.acceptor.reason == "closed_by_peer");
  CHECK(c.dialler.reason == "closed");
  CHECK(c.dialler.got.empty());
  c.world.on_reactor([&] { CHECK_FALSE(c.dialler.stream->remote_address().empty()); });
}

TEMPLATE_TEST_CASE("what the closing side left unread does not reset the connection", "[net][unit]",
                   BOTH_WORLDS) {
  connected<TestType> c;
  c.world.on_reactor([&] {
    c.acceptor.stream->write(pattern(1000));
    c.dialler.start(c.world);
    c.dialler.stream->write(bytes{1, 2, 3});
    c.dialler.stream->close();
    c.acceptor.start(c.world);
  });
  CHECK(c.world.wait([&] { return c.acceptor.closed && c.dialler.closed; }));
  CHECK(c.acceptor.got == bytes{1, 2, 3});
  CHECK(c.acceptor.reason == "closed_by_peer");
  CHECK(c.dialler.reason == "closed");
}

TEMPLATE_TEST_CASE("abort ends at once, tells the peer and calls no handler", "[net][unit]",
                   BOTH_WORLDS) {
  connected<TestType> c;
  c.world.on_reactor([&] {
    c.acceptor.start(c.world);
    c.dialler.start(c.world);
    c.dialler.stream->abort();
    c.dialler.stream->write(bytes{1});
    CHECK(c.dialler.stream->unsent() == 0);
  });
  CHECK(c.world.wait([&] { return c.acceptor.closed == 1; }));
  CHECK(c.dialler.closed == 0);
  CHECK(c.acceptor.got.empty());
}

TEMPLATE_TEST_CASE("a stream may be destroyed by its own handlers", "[net][unit]", BOTH_WORLDS) {
  connected<TestType> c;
  bool closed = false;
  c.world.on_reactor([&] {
    c.acceptor.stream->start({[&](byte_view) { c.acceptor.stream.reset(); }, {}, {}});
    c.dialler.stream->start({{}, {}, [&](const error&) {
                               c.dialler.stream.reset();
                               closed = true;
                               c.world.changed();
                             }});
    c.dialler.stream->write(pattern(300'000));
  });
  CHECK(c.world.wait([&] { return closed; }));
  CHECK_FALSE(c.acceptor.stream);
}

TEMPLATE_TEST_CASE("what arrived before the end is read by a stream started after it",
                   "[net][unit]", BOTH_WORLDS) {
  connected<TestType> c;
  c.world.on_reactor([&] {
    c.dialler.stream->write(bytes{1, 2, 3});
    c.dialler.stream.reset();
    c.acceptor.stream->pause_reading();
    c.acceptor.start(c.world);
    c.acceptor.stream->resume_reading();
  });
  CHECK(c.world.wait([&] { return c.acceptor.closed == 1; }));
  CHECK(c.acceptor.got == bytes{1, 2, 3});
  CHECK(c.acceptor.reason == "closed_by_peer");
}

TEMPLATE_TEST_CASE("dials that cannot succeed say why", "[net][unit]", BOTH_WORLDS) {
  TestType world;
  std::map<std::string, error> seen;
  const auto dial = [&](const std::string& where) {
    world.network().connect(where, 30s, [&, where](auto s) {
      REQUIRE_FALSE(s);
      seen[where] = s.error();
      world.changed();
    });
    CHECK_FALSE(seen.contains(where));
  };
  std::string closed_port;
  world.on_reactor([&] {
    closed_port = world.network().listen("127.0.0.1:0", [](auto) {}).value()->local_address();
    dial(closed_port);
    dial("unix:" + scratch("nobody.sock"));
    dial("no port");
  });
  CHECK(world.wait([&] { return seen.size() == 3; }));
  CHECK(seen[closed_port].code == "connection_refused");
  CHECK(seen[closed_port].category == errc::unavailable);
  CHECK(seen["unix:" + scratch("nobody.sock")].code == "connection_refused");
  CHECK(seen["no port"].code == "bad_address");
}

TEMPLATE_TEST_CASE("an address in use is refused by name and free again afterwards", "[net][unit]",
                   BOTH_WORLDS) {
  TestType world;
  world.on_reactor([&] {
    auto first = world.network().listen("127.0.0.1:0", [](auto) {});
    REQUIRE(first);
    const std::string where = (*first)->local_address();
    CHECK((*first)->local_port() != 0);
    const auto second = world.network().listen(where, [](auto) {});
    REQUIRE_FALSE(second);
    CHECK(second.error().category == errc::unavailable);
    CHECK(second.error().code == "address_in_use");
    CHECK(second.error().context.find(where) != std::string::npos);
    first->reset();
    CHECK(world.network().listen(where, [](auto) {}));
    CHECK(world.network().listen("nonsense", [](auto) {}).error().code == "bad_address");
    CHECK(world.network().listen("192.0.2.1:0", [](auto) {}).error().code ==
          "address_not_available");
  });
}

TEMPLATE_TEST_CASE("timers run in the order of their time, once, and not when cancelled",
                   "[net][unit]", BOTH_WORLDS) {
  TestType world;
  std::string order;
  world.on_reactor([&] {
    auto& r = world.reactor();
    const auto note = [&](char c) {
      return [&, c] {
        order += c;
        world.changed();
      };
    };
    r.after(30ms, note('c'));
    r.after(1ms, note('a'));
    const timer_id never = r.after(2ms, note('x'));
    CHECK(never != 0);
    r.after(10ms, note('b'));
    r.cancel(never);
    r.cancel(never);
    r.cancel(0);
    r.post(note('0'));
    CHECK(order.empty());
  });
  CHECK(world.wait([&] { return order.size() == 4; }));
  CHECK(order == "0abc");
}

TEMPLATE_TEST_CASE("a hundred connections each get their own bytes", "[net][unit]", BOTH_WORLDS) {
  TestType world;
  std::vector<std::unique_ptr<byte_stream>> accepted;
  std::vector<talker> talkers(100);
  std::unique_ptr<listener> port;
  world.on_reactor([&] {
    port = world.network()
               .listen("127.0.0.1:0",
                       [&](std::unique_ptr<byte_stream> s) {
                         byte_stream* raw = s.get();
                         accepted.push_back(std::move(s));
                         raw->start({[raw](byte_view b) { raw->write(to_bytes(b)); }, {}, {}});
                       })
               .value();
    for (std::size_t i = 0; i < talkers.size(); ++i)
      world.network().connect(port->local_address(), 30s, [&, i](auto s) {
        REQUIRE(s);
        talkers[i].stream = std::move(*s);
        talkers[i].start(world);
        talkers[i].stream->write(pattern(5000 + i));
      });
  });
  const auto all = [&] {
    for (std::size_t i = 0; i < talkers.size(); ++i)
      if (talkers[i].got.size() < 5000 + i) return false;
    return true;
  };
  CHECK(world.wait(all));
  for (std::size_t i = 0; i < talkers.size(); ++i) CHECK(talkers[i].got == pattern(5000 + i));
  world.on_reactor([&] {
    talkers.clear();
    accepted.clear();
    port.reset();
  });
}
