// What only the real network has: threads, socket files, and the blocking client that comes in
// through them.
#include "runtime/net/asio_network.hpp"
#include "runtime/net/blocking_client.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace kith;
using namespace kith::net;
using namespace std::chrono_literals;

namespace {

// A folder of its own, gone afterwards.
struct folder {
  std::filesystem::path path;
  explicit folder(std::size_t name_size = 8) {
    std::string name = (std::filesystem::temp_directory_path() / "kith-net-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    root = path;
    while (name_size > 8) { // deep enough for a path of any length
      const std::size_t part = std::min<std::size_t>(name_size, 100);
      path /= std::string(part, 'd');
      name_size -= part;
      if (name_size < 8) break;
    }
    std::filesystem::create_directories(path);
  }
  ~folder() { std::filesystem::remove_all(root); }
  std::string file(const std::string& name) const { return (path / name).string(); }

private:
  std::filesystem::path root;
};

struct running {
  asio_reactor reactor;
  std::optional<asio_network> network{std::in_place, reactor};
  running() { reactor.start(); }
  ~running() {
    reactor.call([&] { network.reset(); });
    reactor.stop();
  }
};

// Serves lines on a Unix socket: echoes each, but for "bye", which it answers by closing, and
// "hush".
struct line_server {
  running on;
  std::unique_ptr<listener> port;
  std::vector<std::unique_ptr<byte_stream>> streams;

  explicit line_server(const std::string& path) {
    on.reactor.call([&] {
      auto opened = on.network->listen("unix:" + path, [this](std::unique_ptr<byte_stream> s) {
        auto lines = std::make_shared<line_reader>(1 << 20);
        byte_stream* raw = s.get();
        streams.push_back(std::move(s));
        raw->start({[raw, lines](byte_view b) {
                      const auto ok = lines->feed(b, [raw](std::string_view line) {
                        if (line == "bye") return raw->close(), false;
                        if (line != "hush")
                          raw->write(to_bytes(as_bytes(std::string(line) + "\n")));
                        return true;
                      });
                      if (!ok) raw->abort();
                    },
                    {},
                    {}});
      });
      REQUIRE(opened);
      port = std::move(*opened);
    });
  }
  ~line_server() {
    on.reactor.call([&] {
      streams.clear();
      port.reset();
    });
  }
};

// Leaves a socket file behind, as a killed process does.
void leave_stale_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&un), sizeof un) == 0);
  ::close(fd);
}

} // namespace

TEST_CASE("jobs posted by many threads all run, in each thread's order", "[net][unit]") {
  running on;
  constexpr int threads = 4, jobs = 20'000;
  std::vector<int> last(threads, 0);
  std::promise<void> all;
  int count = 0;
  bool ordered = true;
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t)
    posters.emplace_back([&, t] {
      for (int i = 1; i <= jobs; ++i)
        on.reactor.post([&, t, i] {
          ordered = ordered && last[std::size_t(t)] == i - 1 && on.reactor.on_thread();
          last[std::size_t(t)] = i;
          if (++count == threads * jobs) all.set_value();
        });
    });
  for (auto& t : posters) t.join();
  REQUIRE(all.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(ordered);
  CHECK_FALSE(on.reactor.on_thread());
}

TEST_CASE("a reactor that stops drops what waits and can be destroyed", "[net][unit]") {
  auto alive = std::make_shared<int>(1);
  {
    asio_reactor reactor;
    CHECK(reactor.on_thread());
    reactor.after(1h, [alive] {});
    reactor.start();
    reactor.call([&] { reactor.after(1h, [alive] {}); });
    reactor.stop();
    reactor.post([alive] { *alive = 2; });
  }
  CHECK(*alive == 1);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("a network that is destroyed forgets its dials", "[net][unit]") {
  auto alive = std::make_shared<int>(0);
  asio_reactor reactor;
  reactor.start();
  reactor.call([&] {
    asio_network network(reactor);
    network.connect("127.0.0.1:1", 30s, [alive](auto) { ++*alive; });
    network.connect("localhost:1", 30s, [alive](auto) { ++*alive; });
  });
  std::promise<void> later;
  reactor.post([&] { reactor.post([&] { later.set_value(); }); });
  REQUIRE(later.get_future().wait_for(60s) == std::future_status::ready);
  reactor.stop();
  CHECK(*alive == 0);
}

TEST_CASE("a name is dialled by every address it has", "[net][unit]") {
  running on;
  std::promise<std::string> answer;
  std::unique_ptr<listener> port;
  on.reactor.call([&] {
    port = on.network->listen("127.0.0.1:0", [](auto) {}).value();
    on.network->connect("localhost:" + std::to_string(port->local_port()), 30s, [&](auto s) {
      answer.set_value(s ? (*s)->remote_address() : s.error().what());
    });
  });
  auto got = answer.get_future();
  REQUIRE(got.wait_for(60s) == std::future_status::ready);
  CHECK(got.get() == port->local_address());
  on.reactor.call([&] { port.reset(); });
}

TEST_CASE("a control socket belongs to its owner alone and goes with its listener", "[net][unit]") {
  const folder at;
  {
    line_server server(at.file("control"));
    struct stat file {};
    REQUIRE(::stat(at.file("control").c_str(), &file) == 0);
    CHECK(S_ISSOCK(file.st_mode));
    CHECK((file.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(at.file("control")));
}

TEST_CASE("a dead process's socket is replaced; a live one and a plain file are not",
          "[net][unit]") {
  const folder at;
  leave_stale_socket(at.file("control"));
  line_server server(at.file("control"));
  CHECK(blocking_client::connect(at.file("control"), 10s));

  running other;
  std::ofstream(at.file("plain")) << "data";
  other.reactor.call([&] {
    for (const char* name : {"control", "plain"}) {
      const auto second = other.network->listen("unix:" + at.file(name), [](auto) {});
      REQUIRE_FALSE(second);
      CHECK(second.error().code == "address_in_use");
      CHECK(second.error().context.find(at.file(name)) != std::string::npos);
    }
  });
  CHECK(std::filesystem::file_size(at.file("plain")) == 4);
}

TEST_CASE("a socket path of any length works", "[net][unit]") {
  const folder at(1000);
  const std::string path = at.file("control.sock");
  REQUIRE(path.size() > 500);
  {
    line_server server(path);
    auto client = blocking_client::connect(path, 10s);
    REQUIRE(client);
    REQUIRE(client->write_line("over the hills"));
    CHECK(client->read_line(100, 10s).value() == "over the hills");
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(blocking_client::connect(path, 10s).error().code == "node_not_running");
}

TEST_CASE("the blocking client names what is wrong", "[net][unit]") {
  const folder at;
  const auto connect = [&](const std::string& name) {
    return blocking_client::connect(at.file(name), 10s);
  };
  CHECK(connect("missing").error().code == "node_not_running");
  CHECK(connect("missing").error().category == errc::unavailable);
  leave_stale_socket(at.file("stale"));
  CHECK(connect("stale").error().code == "node_not_running");

  line_server server(at.file("control"));
  auto client = connect("control");
  REQUIRE(client);
  CHECK(client->write_line("two\nlines").error().code == "line_feed_in_line");

  const std::string large(300'000, 'x');
  REQUIRE(client->write_line(large));
  REQUIRE(client->write_line(""));
  CHECK(client->read_line(large.size(), 10s).value() == large);
  CHECK(client->read_line(10, 10s).value().empty());

  REQUIRE(client->write_line("hush"));
  CHECK(client->read_line(10, 20ms).error().code == "read_timeout");
  REQUIRE(client->write_line("eleven char"));
  CHECK(client->read_line(10, 10s).error().code == "line_too_long");

  auto another = connect("control");
  REQUIRE(another);
  REQUIRE(another->write_line("bye"));
  CHECK(another->read_line(10, 10s).error().code == "node_went_away");
}
