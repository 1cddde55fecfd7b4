// How connections come about: listening and dialling, over TCP or Unix sockets, real or simulated.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/net/ip_address.hpp"
#include "runtime/net/stream.hpp"

#include <memory>
#include <string_view>

namespace kith::net {

// An open port. Closes when destroyed (on the reactor's thread); streams that it accepted live on.
class listener {
public:
  virtual ~listener() = default;
  // The port that is bound, also when port 0 was asked for; 0 for a Unix socket.
  virtual std::uint16_t local_port() const = 0;
  // "127.0.0.1:4711", "[::1]:4711" or "unix:/path".
  virtual std::string local_address() const = 0;
};

using accept_handler = std::function<void(std::unique_ptr<byte_stream>)>;
using connect_handler = std::function<void(result<std::unique_ptr<byte_stream>>)>;

// Whether an address may be dialled.
using address_filter = std::function<bool(const ip_address&)>;

struct connect_options {
  duration timeout{};
  // Asked for each address that is about to be dialled, after the name was resolved: what it sees
  // is what is reached. One that it refuses is passed over, and Unix sockets are refused with it.
  // Empty allows all.
  address_filter allow = {};
};

// Addresses are "host:port", "[v6]:port" or "unix:/path"; host is a name or a number. Every call on
// the owning reactor's thread (see reactor::on_thread), and handlers run there.
class network {
public:
  virtual ~network() = default;

  // Accepts connections until the listener is destroyed. A Unix socket has mode 0600, and takes the
  // place of a socket file that no process serves any more. Errors: invalid "bad_address";
  // unavailable "address_in_use" (names the address), "address_not_available" or "host_not_found";
  // forbidden "address_forbidden"; io "listen_failed".
  virtual result<std::unique_ptr<listener>> listen(std::string_view address,
                                                   accept_handler on_accept) = 0;

  // Dials, trying every address that a name stands for. `done` is called exactly once and never
  // from within this call, unless the network is destroyed before. Errors: invalid "bad_address";
  // unavailable "connection_refused", "host_not_found" or "unreachable"; timeout "connect_timeout";
  // forbidden "address_refused" (the filter took none of the addresses).
  virtual void connect(std::string_view address, connect_options options, connect_handler done) = 0;
  void connect(std::string_view address, duration timeout, connect_handler done) {
    connect(address, connect_options{timeout}, std::move(done));
  }
};

// An address taken apart. `host` is without brackets.
struct address {
  enum class kind : unsigned char { tcp, unix_socket };
  kind type = kind::tcp;
  std::string host;
  std::uint16_t port = 0;
  std::string path;
  std::string text() const;
};
// At most 4096 bytes. Malformed: invalid "bad_address", which says what an address looks like.
result<address> parse_address(std::string_view text);

} // namespace kith::net
