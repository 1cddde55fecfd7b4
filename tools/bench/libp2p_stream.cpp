// Messages over one libp2p stream between two processes: protocols/libp2p on runtime/net, and
// nothing of nodes and agents. The bytes are those that tests/interop/libp2p/bench.mjs speaks:
// 8 bytes say how many follow (big-endian), and one byte comes back when they have all arrived;
// again and again.
#include "protocols/libp2p/connection.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/net/asio_network.hpp"
#include "tools/bench/bench.hpp"

#include <cstdio>
#include <future>
#include <iostream>

namespace kith::bench {

namespace {

using namespace kith::libp2p;

constexpr std::string_view protocol = "/kith/bench/1";
constexpr std::size_t unsent_max = 1 << 20; // above it output waits in the connection

// One connection, on the reactor's thread.
class peer {
public:
  peer(role side, std::unique_ptr<net::byte_stream> socket)
      : key_(secret_key::generate(random_)), socket_(std::move(socket)),
        link_(side, key_, random_, options(), time_.now()) {
    socket_->start({[this](byte_view in) { receive(in); }, [this] { settle(); },
                    [this](const error& why) { ended(why); }});
  }
  virtual ~peer() = default;
  // What is ready at once; when the object is complete.
  void settle() {
    for (auto events = link_.take_events(); !events.empty();
         events = link_.take_events(std::move(events))) {
      for (auto& e : events) handle(e);
      events.clear();
      send_output();
    }
    send_output();
  }

protected:
  virtual void handle(event& e) = 0;
  virtual void ended(const error& why) = 0;
  connection& link() { return link_; }
  const clock& time() const { return time_; }

private:
  static connection_options options() {
    connection_options o;
    o.protocols = {std::string(protocol)};
    o.identify_peer = false;
    return o;
  }
  void receive(byte_view in) {
    auto taken = link_.receive(in, time_.now());
    settle();
    if (!taken) ended(taken.error());
  }
  void send_output() {
    while (link_.output_size() > 0 && socket_->unsent() < unsent_max)
      socket_->write(link_.take_output());
  }

  system_clock time_;
  system_random random_;
  secret_key key_;
  std::unique_ptr<net::byte_stream> socket_;
  connection link_;
};

class counting_peer final : public peer {
public:
  explicit counting_peer(std::unique_ptr<net::byte_stream> socket)
      : peer(role::listener, std::move(socket)) {}

private:
  void handle(event& e) override {
    auto* d = std::get_if<stream_data>(&e);
    if (d == nullptr) return;
    take(d->stream, d->data);
    link().consume(d->stream, d->data.size());
  }
  void take(stream_id id, byte_view in) {
    while (!in.empty()) {
      if (wanted_ == 0) {
        auto part = in.first(std::min(in.size(), 8 - head_.size()));
        append(head_, part);
        in = in.subspan(part.size());
        if (head_.size() < 8) return;
        wanted_ = get_u64(head_.data());
        head_.clear();
      }
      auto part = std::min<std::uint64_t>(in.size(), wanted_);
      in = in.subspan(std::size_t(part));
      wanted_ -= part;
      static constexpr std::uint8_t all_here[] = {1};
      if (wanted_ == 0) link().write(id, all_here);
    }
  }
  void ended(const error&) override {} // the dialer says what became of it

  bytes head_;
  std::uint64_t wanted_ = 0;
};

// Sends the load twice, first an eighth of it to warm up; each message is a write of its own.
class sending_peer final : public peer {
public:
  sending_peer(std::unique_ptr<net::byte_stream> socket, const load& l,
               std::promise<result<double>>& done)
      : peer(role::dialer, std::move(socket)), load_(l), message_(l.payload_size, 'x'),
        done_(&done) {}

private:
  void handle(event& e) override {
    if (std::holds_alternative<muxed>(e)) {
      auto opened = link().open(protocol);
      if (!opened) return ended(opened.error());
      stream_ = *opened;
    } else if (std::holds_alternative<stream_opened>(e)) {
      begin(std::max<std::uint64_t>(load_.count / 8, 1));
    } else if (std::holds_alternative<stream_writable>(e)) {
      fill();
    } else if (auto* d = std::get_if<stream_data>(&e)) {
      link().consume(stream_, d->data.size());
      if (warm_) return finish(double(load_.count) / seconds());
      warm_ = true;
      begin(load_.count);
    } else if (auto* r = std::get_if<stream_reset>(&e)) {
      ended(r->why);
    }
  }
  void begin(std::uint64_t count) {
    begun_ = time().now();
    left_ = count;
    part_.clear();
    put_u64(part_, count * load_.payload_size);
    offset_ = 0;
    fill();
  }
  void fill() {
    for (;;) {
      offset_ += link().write(stream_, byte_view(part_).subspan(offset_));
      if (offset_ < part_.size()) return;
      for (byte_view m = as_bytes(message_); left_ > 0; --left_) {
        auto n = link().write(stream_, m);
        if (n == m.size()) continue;
        part_.assign(m.begin() + std::ptrdiff_t(n), m.end());
        offset_ = 0;
        --left_;
        return;
      }
      return;
    }
  }
  double seconds() const { return std::chrono::duration<double>(time().now() - begun_).count(); }
  void finish(result<double> r) {
    if (auto* to = std::exchange(done_, nullptr)) to->set_value(std::move(r));
  }
  void ended(const error& why) override { finish(fail(why)); }

  load load_;
  std::string message_;
  std::promise<result<double>>* done_; // the caller's, who waits
  stream_id stream_ = 0;
  bytes part_; // what of a message, or of the head, was not taken
  std::size_t offset_ = 0;
  std::uint64_t left_ = 0;
  bool warm_ = false;
  time_point begun_{};
};

} // namespace

int libp2p_listener() {
  net::asio_reactor reactor;
  net::asio_network network(reactor);
  std::vector<std::unique_ptr<peer>> peers;
  result<std::unique_ptr<net::listener>> port;
  reactor.start();
  reactor.call([&] {
    port = network.listen("127.0.0.1:0", [&](std::unique_ptr<net::byte_stream> socket) {
      peers.push_back(std::make_unique<counting_peer>(std::move(socket)));
      peers.back()->settle();
    });
  });
  if (!port) return 1;
  std::printf("%s\n", (*port)->local_address().c_str());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  reactor.call([&] {
    port->reset();
    peers.clear();
  });
  reactor.stop();
  return 0;
}

int libp2p_dialer(const std::string& address, const load& l) {
  net::asio_reactor reactor;
  net::asio_network network(reactor);
  std::unique_ptr<peer> ours;
  std::promise<result<double>> done;
  reactor.start();
  reactor.call([&] {
    network.connect(address, std::chrono::seconds(10), [&](auto socket) {
      if (!socket) return done.set_value(fail(socket.error()));
      ours = std::make_unique<sending_peer>(std::move(*socket), l, done);
      ours->settle();
    });
  });
  auto rate = done.get_future().get();
  reactor.call([&] { ours.reset(); });
  reactor.stop();
  if (!rate) {
    std::fprintf(stderr, "kith: bench: %s\n", rate.error().what().c_str());
    return 1;
  }
  std::printf("%.0f\n", *rate);
  return 0;
}

} // namespace kith::bench
