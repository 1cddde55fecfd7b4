// What the tests of TLS and of the HTTP client share: worlds with real and with simulated streams,
// a certificate authority, and a peer of bare OpenSSL that misbehaves.
#pragma once

#include "runtime/net/asio_network.hpp"
#include "runtime/net/simulated.hpp"
#include "runtime/net/tls_bio.hpp"
#include "runtime/net/tls_stream.hpp"

#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <unistd.h>

namespace kith::net::test {

inline constexpr wall_ms today = 1'700'000'000'000; // a manual clock's beginning
inline constexpr wall_ms day = 24 * 60 * 60 * 1000;

// One host on real sockets. A test's steps run on the reactor; its waits end when changed() finds
// what they wait for.
class real_world {
public:
  real_world() { reactor_.start(); }
  ~real_world() {
    reactor_.call([&] { network_.reset(); });
    reactor_.stop();
  }
  void on_reactor(const std::function<void()>& step) { reactor_.call(step); }
  void changed() {
    if (!wanted_ || !wanted_()) return;
    wanted_ = nullptr;
    reached_.set_value();
  }
  bool wait(const std::function<bool()>& wanted) {
    std::future<void> reached;
    reactor_.call([&] {
      reached_ = {};
      reached = reached_.get_future();
      wanted_ = wanted;
      changed();
    });
    const bool ok = reached.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
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
  manual_clock clock{today};
  simulated_network world{clock, 7};

  void on_reactor(const std::function<void()>& step) { step(); }
  void changed() {}
  bool wait(const std::function<bool()>& wanted) {
    return world.run_until(wanted, std::chrono::seconds(60));
  }
  net::reactor& reactor() { return world.reactor_of("here"); }
  net::network& network() { return world.network_of("here"); }
};

// A folder that is gone with it.
class scratch_folder {
public:
  explicit scratch_folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("kith-tls-" + std::to_string(::getpid()) + "-" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return path_ / name; }
  // In place of what was there, as a new file (another inode), as certbot and others do.
  std::string write(const std::string& name, std::string_view text, int mode = 0600) const {
    const auto made = path_ / (name + ".new");
    std::ofstream(made, std::ios::binary) << text;
    std::filesystem::permissions(made, std::filesystem::perms(mode));
    std::filesystem::rename(made, path_ / name);
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

// A root and what it signs.
class authority {
public:
  explicit authority(const std::string& name = "Test root")
      : root(make_certificate({.name = name,
                               .from = today - 365 * day,
                               .until = today + 3650 * day,
                               .authority = true})) {}

  tls_certificate issue(std::vector<std::string> dns, std::vector<std::string> ips = {},
                        wall_ms from = today - day, wall_ms until = today + 90 * day) const {
    return make_certificate({.name = "leaf", .dns = dns, .ips = ips, .from = from, .until = until},
                            &root);
  }
  std::string pem() const { return root.certificate_pem(); }
  std::unique_ptr<tls_client_context> trust() const {
    return tls_client_context::make({.system_roots = false, .ca_pem = pem()}).value();
  }

  tls_certificate root;
};

// By way of files, as in earnest.
inline std::unique_ptr<tls_server_context> serve(const tls_certificate& leaf) {
  const scratch_folder folder("serve");
  return tls_server_context::from_files({folder.write("chain.pem", leaf.certificate_pem()),
                                         folder.write("key.pem", leaf.key_pem())})
      .value();
}

// A stream and everything that it told.
struct talker {
  std::unique_ptr<byte_stream> stream;
  bytes got;
  int drained = 0;
  int closed = 0;
  std::string code, context;

  template <class World> void start(World& world, std::function<void(byte_view)> on_data = {}) {
    stream->start({[this, &world, on_data](byte_view b) {
                     append(got, b);
                     if (on_data) on_data(b);
                     world.changed();
                   },
                   [this, &world] {
                     ++drained;
                     world.changed();
                   },
                   [this, &world](const error& e) {
                     ++closed;
                     code = e.code;
                     context = e.context;
                     world.changed();
                   }});
  }
  std::string text() const { return std::string(as_text(got)); }
};

// OpenSSL with no manners of ours, in the hands of a test.
struct bare_peer {
  tls_wire wire;
  ssl_context_ptr context;
  ssl_ptr ssl;

  explicit bare_peer(bool server, const std::function<void(SSL_CTX*)>& set_up = {})
      : context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) {
    SSL_CTX_set_security_level(context.get(), 0);
    if (set_up) set_up(context.get());
    ssl.reset(SSL_new(context.get()));
    BIO* const bio = wire.make_bio();
    SSL_set_bio(ssl.get(), bio, bio);
    server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  }
  // Takes bytes, goes on with the handshake, and gives back what is to be sent; true once it is
  // done.
  bool step(byte_view in, bytes& out) {
    wire.feed(in);
    const bool done = SSL_do_handshake(ssl.get()) == 1;
    wire.settle();
    out = wire.take_written();
    return done;
  }
};

} // namespace kith::net::test
