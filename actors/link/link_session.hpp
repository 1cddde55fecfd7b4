// One live connection to a peer node: socket, libp2p and the frames of /kith/stream/1, on the
// reactor's thread. What it reads goes, verified, straight to the mailboxes (one hop); frames that
// steer the streams go to the link's actor. What is to be sent is queued here by lane, bounded, and
// control goes first.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/base/router.hpp"
#include "protocols/kith/decode.hpp"
#include "protocols/kith/encode.hpp"
#include "protocols/kith/session.hpp"
#include "protocols/libp2p/connection.hpp"
#include "runtime/crypto/secret.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/net/network.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/net/stream.hpp"
#include "runtime/observe/logger.hpp"

#include <atomic>

namespace kith {

// What of the node every session uses; all of it outlives the sessions.
struct session_ports {
  net::reactor& reactor;
  const clock& time;
  random_source& random;
  kith::router& router;
  const secret_key& node_key;
  const crypto::secret_buffer& cluster_secret;
  observe::logger log;
  // Bytes of data frames that may wait for one peer (link.queue_bytes_max). Past it room() is
  // false: QoS 2 stays in the outbox until drained, QoS 0 is dropped and counted.
  std::size_t data_queue_max = 16 << 20;
  // The highest journal position that was seen of a peer, to be told to it. May be empty: then the
  // hello says it, where the dialer knew whom it dials.
  std::function<journal_position(const did&)> seen = {};
};

// Who the peer says it is, once its hello was good.
struct peer_info {
  did node;
  wire::hello hello;
  std::string address; // the socket's other end
  bool dialed = false; // by us
};

class link_session : public std::enable_shared_from_this<link_session> {
public:
  // Bytes of control frames waiting. A peer that reads so little is cut off.
  static constexpr std::size_t control_queue_max = 16 << 20;
  // Control frames of the peer that the link has not handled. At the limit nothing more is read, so
  // that the peer's window closes.
  static constexpr std::size_t frames_handed_max = 4096;
  // From the start until open; then the connection ends with handshake_timeout.
  static constexpr duration handshake_max = std::chrono::seconds(15);
  // Streams the peer may number on this connection; past it the connection ends.
  static constexpr std::size_t numbers_max = 1'000'000;

  // All on the reactor's thread.
  struct events {
    std::function<void(const std::shared_ptr<link_session>&, const peer_info&)> open;
    std::function<void(const std::shared_ptr<link_session>&, const error&)> closed; // once, last
  };

  // Shared: it lives by itself until it is open or has failed, then as long as somebody holds it:
  // the link's actor, the cluster. `hello` is completed here.
  static std::shared_ptr<link_session> start(std::unique_ptr<net::byte_stream> socket, bool dialed,
                                             std::optional<did> expected, wire::hello hello,
                                             session_ports ports, events handlers);
  ~link_session();

  std::uint64_t id() const { return id_; } // unique in the process
  const did& peer() const { return peer_.node; }
  bool dialed() const { return peer_.dialed; }
  // Once open: the peer's build knows QoS 1.
  bool takes_at_least_once() const {
    return peer_.hello.version_max >= wire::version_at_least_once;
  }

  // ---- from any thread
  // From now on frames, drained and lost go to `link`.
  void attach(caf::actor link);
  void send_control(bytes frame);
  void send_data(bytes frame);
  bool room() const { return data_size_.load(std::memory_order_relaxed) < ports_.data_queue_max; }
  std::size_t data_waiting() const { return data_size_.load(std::memory_order_relaxed); }
  void close(wire::parting why, std::string text);
  // The link has done with so many of the frames that it was handed.
  void handled(std::size_t count);

private:
  explicit link_session(session_ports ports) : ports_(std::move(ports)) {}
  void received(byte_view data);
  void handle(libp2p::event& e);
  void opened_stream(const libp2p::stream_opened& e);
  void stream_bytes(const libp2p::stream_data& e);
  void frame(wire::frame& f);
  void handshake(wire::frame& f);
  void batch(wire::batch& b);
  void unchained(wire::volatile_batch& b);
  static void enter(const route& to, std::vector<volatile_arrival::item> items);
  void fragment(wire::fragment& f);
  void envelopes(wire::stream_number number, std::vector<wire::batch::item>& items);
  void hand_over();
  void open_window();
  void take_delegations(const wire::delegations& d);
  void open_number(const wire::stream_open& o);
  void say(const wire::frame& f);
  void wake();
  void flush();
  bool fill();
  void pump_output();
  void tick();
  void wait_for_tick();
  // Ends with a goodbye, as far as the peer still reads.
  void part(wire::parting why, const std::string& text, const error& reason);
  void fail(const error& why);

  session_ports ports_;
  std::uint64_t id_ = 0;
  events events_;
  std::unique_ptr<net::byte_stream> socket_;
  std::unique_ptr<libp2p::connection> connection_;
  std::optional<libp2p::stream_id> stream_;
  std::unique_ptr<wire::session> session_;
  wire::hello hello_;
  wire::decoder decoder_;
  wire::reassembler fragments_;
  std::unique_ptr<verifier> verifier_;
  peer_info peer_;
  std::unordered_map<wire::stream_number, stream_id> numbers_;
  std::vector<wire::frame> for_link_; // gathered while one read is handled
  std::size_t unconsumed_ = 0;        // bytes read for which the peer got no new window
  net::timer_id timer_ = 0;
  time_point began_;
  bool announced_ = false;
  bool closed_ = false;

  mutable std::mutex mutex_; // guards what follows
  caf::actor link_;
  std::deque<bytes> control_;
  std::deque<bytes> data_;
  std::size_t control_size_ = 0;
  bool woken_ = false;
  std::atomic<std::size_t> data_size_{0};
  bool waiting_for_room_ = false;
  std::atomic<std::size_t> handed_{0}; // frames that wait at the link
  std::atomic<bool> window_held_{false};

  bytes staged_; // what is being written to the yamux stream
  std::size_t staged_offset_ = 0;
  bytes output_; // reused
};

} // namespace kith
