// One libp2p connection over any byte stream: multistream-select, Noise XX, multistream-select
// again if the peer did not name its muxers inside of Noise, yamux, and on its streams
// multistream-select once more. Ping and identify are answered inside, for any peer. It owns no
// socket and reads no clock: feed it what the socket gave, send what it gives, and handle its
// events after every call.
#pragma once

#include "protocols/libp2p/multiaddr.hpp"
#include "protocols/libp2p/role.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"
#include "runtime/identity/did.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kith {
class secret_key; // runtime/identity/keys.hpp
}

namespace kith::libp2p {

// As much data as fills one Noise frame exactly, with yamux's header before it.
inline constexpr std::size_t write_size_best = 65'507;

struct connection_options {
  // Only this peer is accepted: else unauthenticated "wrong_peer". A dialer that knows whom it
  // calls sets it.
  std::optional<did> expected_peer;
  // What inbound streams may speak, besides ping and identify.
  std::vector<std::string> protocols;
  std::string agent_version = "kith/0.1.0";
  std::vector<multiaddr> listen_addrs;    // told to the peer by identify
  std::optional<multiaddr> observed_addr; // where the peer came from, told to it by identify
  bool identify_peer = true;              // ask the peer who it is, once
  // Offer the muxers inside of the Noise handshake and take up the peer's offer, which saves a
  // round trip. Off: as a peer that knows nothing of it.
  bool early_muxer = true;

  std::size_t streams_max = 256;          // open at once, both ways; past it inbound ones are reset
  std::size_t window_size_max = 16 << 20; // of one stream's receive window, which starts at 256 KiB
  std::size_t windows_size_max = 64 << 20; // of all of them; past it windows no longer grow
  std::size_t output_size_max = 1 << 20;   // bytes not yet taken; past it write() takes nothing
  duration handshake_time_max =
      std::chrono::seconds(10); // to "muxed"; then timeout "handshake_timeout"
  duration negotiation_time_max =
      std::chrono::seconds(10); // of one stream's protocol; then it is reset
  duration ping_time_max = std::chrono::seconds(10);
  duration keepalive_interval =
      std::chrono::seconds(30); // yamux ping when nothing arrived for so long;
  duration keepalive_time_max = std::chrono::seconds(30); // unanswered: timeout "keepalive_timeout"
};

// The peer proved who it is. Nothing from it is believed earlier.
struct secured {
  did peer;
  byte_array<32>
      handshake_hash; // the same on both sides and on no other connection: for channel binding
};
// Streams can be opened now.
struct muxed {
  bool early; // the muxer was agreed on inside of the Noise handshake
};
// The protocol is agreed on: write() takes bytes from here on.
struct stream_opened {
  stream_id stream;
  std::string protocol;
  bool inbound;
};
// Bytes in order. The peer gets credit for them only by consume().
struct stream_data {
  stream_id stream;
  slice data;
};
// write() took less than it was offered earlier; now it will take some.
struct stream_writable {
  stream_id stream;
};
// The peer will send nothing more; our direction stays open until close_write().
struct stream_finished {
  stream_id stream;
};
// Both directions are closed; the id is forgotten.
struct stream_closed {
  stream_id stream;
};
// By the peer, or here because of it. `why`: cancelled "stream_reset", unsupported
// "protocol_refused", timeout "negotiation_timeout", malformed "bad_negotiation". The id is
// forgotten.
struct stream_reset {
  stream_id stream;
  error why;
};
struct identified {
  std::vector<std::string> protocols;
  std::string agent_version;
  std::vector<multiaddr> listen_addrs; // those we can read
  std::optional<multiaddr> observed_addr;
};
struct pong {
  duration rtt;
};
// No answer in time, or the peer has no ping.
struct ping_failed {
  error why;
};
// The peer takes no new streams; what is open may end in peace. 0 normal, 1 protocol error, 2
// internal error.
struct going_away {
  std::uint32_t code;
};

using event =
    std::variant<stream_data, stream_writable, stream_opened, stream_finished, stream_closed,
                 stream_reset, secured, muxed, identified, pong, ping_failed, going_away>;

// Not thread-safe; one owner. After every call that may produce them look at take_output() and
// take_events(). Once receive() or tick() has failed the connection is dead: send what
// take_output() still gives, then close the socket.
class connection {
public:
  // `random` must outlive the connection; `node_key` is used only in here. A dialer's first bytes
  // are ready at once.
  connection(role side, const secret_key& node_key, random_source& random,
             connection_options options, time_point now);
  ~connection();
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;

  // Bytes from the socket, in pieces of any size. Errors: malformed (bad frames, negotiation),
  // unauthenticated "noise_decrypt", "bad_identity", "wrong_peer"; unsupported
  // "no_common_protocol", "no_common_muxer"; too_large "window_exceeded", "muxer_offer_too_large";
  // overloaded "output_full" (the peer asks and does not read). Errors repeat on later calls.
  result<void> receive(byte_view in, time_point now);
  // Time-outs and keepalive; call it about once a second.
  result<void> tick(time_point now);

  // Everything to send, in order; take it when the socket has room. May be followed by
  // stream_writable. Its memory is used again once the slice is gone, so hand it to the socket as
  // it is.
  slice take_output();
  std::size_t output_size() const;
  // In order. Hand in the vector that was handled before, so that its memory is used again.
  std::vector<event> take_events(std::vector<event> reuse = {});

  // Starts to agree on `protocol`; stream_opened or stream_reset follows. Errors: unavailable
  // "not_muxed", "going_away"; overloaded "streams_max", "ack_backlog"; too_large "protocol_name".
  result<stream_id> open(std::string_view protocol);
  // Takes as many leading bytes as the peer's window and the output have room for, and returns how
  // many (0 for a stream that is not open). The caller keeps the rest until stream_writable.
  // Fastest with write_size_best bytes, or many, at a time.
  std::size_t write(stream_id stream, byte_view data);
  // How much write() would take now.
  std::size_t send_window(stream_id stream) const;
  // The caller is done with `count` bytes of this stream's data: the peer may send as many more.
  void consume(stream_id stream, std::size_t count);
  // No more from us. Unknown streams are ignored, here and below.
  void close_write(stream_id stream);
  // Both directions at once; no event follows.
  void reset(stream_id stream);

  // /ipfs/ping/1.0.0, one at a time; pong or ping_failed follows. Errors as open(); overloaded
  // "ping_in_progress".
  result<void> ping(time_point now);
  // Says go away (normal); open streams may end. The caller closes the socket when it has sent the
  // output.
  void shutdown();

  bool is_muxed() const;
  const std::optional<did>& peer() const; // set with `secured`
  const std::optional<error>& failure() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::libp2p
