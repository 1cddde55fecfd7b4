// The inside of a connection: the phases from raw bytes to yamux, and one channel for each of
// yamux's streams. Private to connection.cpp (phases) and connection_channels.cpp (streams).
#pragma once

#include "protocols/libp2p/connection.hpp"
#include "protocols/libp2p/identify.hpp"
#include "protocols/libp2p/noise_transport.hpp"
#include "protocols/libp2p/ping.hpp"
#include "protocols/libp2p/upgrade.hpp"
#include "protocols/libp2p/yamux.hpp"

#include <unordered_map>

namespace kith::libp2p {

// What the peer may make us send beyond output_size_max (acknowledgements, echoes) before we call
// it abuse.
inline constexpr std::size_t control_output_max = 1 << 20;

class connection::impl {
public:
  impl(role side, const secret_key& node_key, random_source& random, connection_options options,
       time_point now);

  result<void> receive(byte_view in, time_point now);
  result<void> tick(time_point now);
  slice take_output();
  std::size_t output_size() const;

  result<stream_id> open(std::string_view protocol);
  std::size_t write(stream_id stream, byte_view data);
  std::size_t send_window(stream_id stream) const;
  void consume(stream_id stream, std::size_t count);
  void close_write(stream_id stream);
  void reset(stream_id stream);
  result<void> ping(time_point now);
  void shutdown();

  std::vector<event> events;
  std::optional<did> peer;
  std::optional<error> failure;
  bool is_muxed() const { return yamux_.has_value(); }

private:
  // A stream before its protocol is agreed on, one of the caller's, or one that is served in here.
  struct channel {
    enum class use : std::uint8_t {
      negotiating,
      application,
      ping_answer,
      ping_request,
      identify_answer,
      identify_request
    };
    use what = use::negotiating;
    use wanted = use::application; // of an outbound one, once agreed
    bool inbound = false;
    std::optional<time_point> deadline; // until then it must have got on, or it is reset
    std::unique_ptr<negotiation> selecting;
    std::unique_ptr<libp2p::ping_answer> answer;
    std::unique_ptr<libp2p::ping_request> request;
    std::unique_ptr<varint_frame_reader> frame;
  };
  using use = channel::use;

  result<void> set_failure(error e);
  result<void> become_secured();
  result<void> handle_plain(slice plain);
  void become_muxed(bool early);

  void handle_yamux_events();
  void handle_yamux_event(yamux_event& e);
  void handle_opened(stream_id id);
  void handle_data(stream_id id, channel& c, slice data);
  void handle_finished(stream_id id, channel& c);
  void handle_reset(stream_id id, channel& c, error why);
  void negotiate(stream_id id, channel& c, slice data);
  void become(stream_id id, channel& c, const std::string& protocol);
  void answer_identify(stream_id id);
  void handle_identify(stream_id id, channel& c, byte_view data);
  void handle_pong(stream_id id, channel& c, byte_view data);
  result<stream_id> open_channel(std::string_view protocol, use wanted);
  // Resets it on the wire and lets whoever waits for it know.
  void abandon(stream_id id, error why);
  bool is_application(stream_id id) const;

  role side_;
  random_source* random_;
  connection_options options_;
  std::vector<std::string> supported_;
  std::vector<std::string> muxers_{std::string(yamux_protocol)};
  byte_array<32> node_public_;
  time_point started_at_;
  time_point now_;

  // By phase, each made when the one before is complete.
  std::optional<upgrade> upgrade_;
  std::optional<noise_sender> sender_; // yamux holds a pointer to it
  std::optional<noise_receiver> receiver_;
  std::optional<negotiation> selecting_muxer_;
  std::optional<yamux_session> yamux_;

  std::unordered_map<stream_id, channel> channels_;
  std::vector<yamux_event> yamux_events_;
  std::size_t ping_answer_count_ = 0;
  std::optional<stream_id> ping_stream_; // whose echo is awaited
};

} // namespace kith::libp2p
