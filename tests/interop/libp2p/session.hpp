// One libp2p connection on one TCP stream, as the interop test needs it: it serves /kith/echo/1,
// and once the peer has said that it speaks that too, pings it and has it echo 1 MiB. What happens
// is printed as JSON lines.
#pragma once

#include "protocols/libp2p/connection.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/net/stream.hpp"

#include <functional>
#include <unordered_map>

namespace kith::interop {

inline constexpr std::string_view echo_protocol = "/kith/echo/1";
inline constexpr std::size_t echo_size = 1 << 20;
inline constexpr int ping_count = 3;

// Lives on the reactor's thread.
class session {
public:
  // `done` is called once, when the connection has ended; it may destroy the session. It says
  // whether all that this side wanted was done.
  session(net::reactor& on, const clock& time, random_source& random, const secret_key& key,
          libp2p::role side, std::optional<did> expected_peer, bool early_muxer,
          std::unique_ptr<net::byte_stream> stream, std::function<void(bool)> done);
  ~session();

private:
  // Echoes what arrives, with the sender's credit tied to what has gone back.
  struct echo {
    bytes waiting;
    bool finished = false;
  };

  void receive(byte_view in);
  void tick();
  // Events, then output, until neither is left.
  void settle();
  void send_output();
  void handle(libp2p::event& e);
  void handle_data(libp2p::stream_id id, const slice& data);
  void advance_echo(libp2p::stream_id id, echo& e);
  void advance_question();
  void ended(const error& why);

  net::reactor& reactor_;
  const clock& time_;
  std::unique_ptr<net::byte_stream> stream_;
  libp2p::connection link_;
  std::function<void(bool)> done_;
  net::timer_id timer_ = 0;
  bool closing_ = false;

  std::unordered_map<libp2p::stream_id, echo> echoes_;
  bytes question_;
  std::optional<libp2p::stream_id> question_stream_;
  std::size_t asked_size_ = 0, answered_size_ = 0;
  bool answer_right_ = true, answered_ = false;
  int pong_count_ = 0;
};

} // namespace kith::interop
