// The yamux stream multiplexer, /yamux/1.0.0 (libp2p/specs yamux/README.md): many streams with a
// window each on one connection. Bytes handed to the owner are credited to the peer only once the
// owner has consumed them, so a slow reader slows its sender and nobody else.
#pragma once

#include "protocols/libp2p/byte_sink.hpp"
#include "protocols/libp2p/role.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"

#include <optional>
#include <unordered_map>
#include <vector>

namespace kith::libp2p {

inline constexpr std::string_view yamux_protocol = "/yamux/1.0.0";
inline constexpr std::size_t yamux_header_size = 12;
inline constexpr std::uint32_t yamux_window_initial =
    256 << 10; // of every stream, both ways, by the specification
inline constexpr std::size_t yamux_frame_size_max = 64 << 10; // payload we send in one frame

enum class yamux_type : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };
enum yamux_flag : std::uint16_t { yamux_syn = 1, yamux_ack = 2, yamux_fin = 4, yamux_rst = 8 };
enum class yamux_code : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

struct yamux_header {
  yamux_type type;
  std::uint16_t flags;
  stream_id stream;
  std::uint32_t
      length; // data: bytes that follow; window_update: credit; ping: opaque; go_away: code
};
byte_array<yamux_header_size> encode(const yamux_header& h);
// `b` has 12 bytes. Errors: malformed "bad_yamux" (version, type, flags, stream number of a session
// frame).
result<yamux_header> decode_yamux_header(byte_view b);

struct yamux_limits {
  std::size_t streams_max = 256;     // open at once; inbound past it are reset, open() is refused
  std::size_t ack_backlog_max = 256; // opened here and not yet acknowledged; open() is refused
  std::size_t window_size_max = 16
                                << 20; // to which a receive window grows by being consumed quickly
  std::size_t windows_size_max = 64 << 20; // sum of the receive windows; past it none grows
  std::size_t output_size_max = 1 << 20;   // in the sink; past it write() takes nothing
  duration keepalive_interval = std::chrono::seconds(30);
  duration keepalive_time_max = std::chrono::seconds(30);
};

struct yamux_event {
  enum class kind : std::uint8_t {
    opened,     // by the peer
    data,       // `data`
    writable,   // after a short write()
    finished,   // the peer sends no more
    closed,     // both directions; the id is forgotten
    reset,      // by the peer; the id is forgotten
    going_away, // `code`
  };
  kind what;
  stream_id stream = 0;
  slice data;
  std::uint32_t code = 0;
};

// Not thread-safe. `out` must outlive the session.
class yamux_session {
public:
  yamux_session(role side, const yamux_limits& limits, byte_sink& out, time_point now);

  // Decrypted bytes, in pieces of any size; appends to `events`. After an error (the peer was told
  // to go away) the session is dead. Errors: malformed "bad_yamux"; too_large "window_exceeded",
  // "window_overflow".
  result<void> receive(const slice& in, time_point now, std::vector<yamux_event>& events);
  // Errors: timeout "keepalive_timeout".
  result<void> tick(time_point now);
  // Some of the sink's bytes went away: says which short writes may go on.
  void output_taken(std::vector<yamux_event>& events);

  // Errors: overloaded "streams_max", "ack_backlog"; unavailable "going_away".
  result<stream_id> open();
  // Takes what window and output have room for and returns how much.
  std::size_t write(stream_id id, byte_view data);
  // All, whatever the output holds, or nothing when the window is too small: for a few bytes of
  // negotiation.
  bool write_control(stream_id id, byte_view data);
  std::size_t send_window(stream_id id) const;
  void consume(stream_id id, std::size_t count);
  // True when that closed the stream wholly; then no event follows.
  bool close_write(stream_id id);
  void reset(stream_id id);
  void go_away(yamux_code code);

  bool contains(stream_id id) const { return streams_.count(id) != 0; }
  std::size_t stream_count() const { return streams_.size(); }
  // Of the last ping; nullopt before.
  std::optional<duration> rtt() const { return rtt_; }
  // The current size of a stream's receive window; 0 for an unknown one.
  std::size_t window_size(stream_id id) const;

private:
  struct stream {
    std::uint64_t send_window = yamux_window_initial;
    std::uint32_t receive_window = yamux_window_initial; // what the peer may still send
    std::uint32_t window_size = yamux_window_initial;    // receive_window + unconsumed + uncredited
    std::uint32_t unconsumed = 0;                        // handed to the owner
    std::uint32_t uncredited = 0;                        // consumed, not yet told to the peer
    time_point credited_at{};
    bool acknowledged = false;
    bool inbound = false;
    bool finished_in = false;
    bool finished_out = false;
    bool starved = false; // a write came short
  };
  using streams = std::unordered_map<stream_id, stream>;

  result<void> handle_header(const yamux_header& h, std::vector<yamux_event>& events);
  result<void> handle_stream_frame(const yamux_header& h, std::vector<yamux_event>& events);
  result<void> handle_syn(const yamux_header& h, std::vector<yamux_event>& events);
  void handle_ping(const yamux_header& h);
  void deliver(const slice& data, std::vector<yamux_event>& events);
  void finish_in(stream_id id, std::vector<yamux_event>& events);
  void send(const yamux_header& h);
  void send_data(stream& s, stream_id id, byte_view data);
  void send_ping();
  void grow_window(stream& s);
  void add_stream(stream_id id, bool inbound);
  void erase(streams::iterator it);
  bool was_ever_open(stream_id id) const;
  bool is_ours(stream_id id) const { return (id % 2 == 1) == (side_ == role::dialer); }
  std::size_t output_room() const;
  result<void> protocol_error(errc category, std::string code, std::string context);

  role side_;
  yamux_limits limits_;
  byte_sink* out_;
  streams streams_;
  std::vector<stream_id> starved_;
  stream_id next_id_;
  stream_id inbound_id_max_ = 0;
  std::size_t unacknowledged_count_ = 0;
  std::size_t windows_size_ = 0;
  bool peer_going_away_ = false;
  bool going_away_ = false;
  std::optional<error> failure_;

  // The frame under way.
  byte_array<yamux_header_size> header_{};
  std::size_t header_filled_ = 0;
  stream_id payload_stream_ = 0;
  std::uint32_t payload_left_ = 0;
  bool payload_finishes_ = false; // FIN came with it

  time_point now_;
  time_point received_at_;
  std::uint32_t ping_value_ = 0;
  std::optional<time_point> ping_sent_at_;
  std::optional<duration> rtt_;
};

} // namespace kith::libp2p
