// One connection of an HTTP server: requests in order, one at a time, and their answers. For this
// folder.
#pragma once

#include "runtime/net/http_reader.hpp"
#include "runtime/net/http_server.hpp"
#include "runtime/net/http_writer.hpp"

namespace kith::net {

class websocket_session;

// Shared by the server, until it is over, and by the responder and stream of its request. On the
// reactor's thread, but for what is said otherwise.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  http_connection(std::shared_ptr<http_server::impl> server, std::unique_ptr<byte_stream> stream,
                  bool secure);
  ~http_connection();

  void start();
  // Says that there are too many, and ends.
  void turn_away();

  // The responder's. `request` is the number of the request that it answers; if that one needs no
  // answer any more, nothing happens.
  void respond(std::uint64_t request, http_response response);
  void begin_stream(std::uint64_t request, const http_response& head,
                    const std::shared_ptr<http_stream::core>& body);
  void begin_websocket(std::uint64_t request, const std::shared_ptr<websocket::core>& core,
                       const websocket_options& options);
  // Any thread, while the request is not answered.
  const std::string& websocket_key() const { return websocket_key_; }
  bool takes_chunks() const { return version_ >= 11; }
  http_server::impl& server() const { return *server_; }

  // The stream's and the WebSocket's.
  void send(bytes data);
  void end_stream();
  void set_paused(bool paused);
  void begin_close();
  std::size_t unsent() const { return stream_ ? stream_->unsent() : 0; }

  void tick(time_point now);
  void drain();
  void abort(const error& reason);

  std::size_t index = 0;   // the server's: its place among the connections
  std::string address_key; // the server's: what it is counted under; empty if it is not
  bool turned_away = false;

private:
  enum class state : unsigned char {
    idle,
    reading,
    answering, // the handler has the request
    streaming,
    websocket,
    closing, // nothing more is read; what was written is sent
    over,
  };

  bool ready() const { return (state_ == state::idle || state_ == state::reading) && !backed_up_; }
  void on_data(byte_view data);
  void on_drained();
  void on_closed(const error& reason);
  void process(byte_view in);
  void on_progress();
  void dispatch();
  void resume();
  void finish_answer();
  void refuse(const http_refusal& why);
  void hold(byte_view data);
  void flush();
  void drop_input();
  void count_held();
  void finish(const error& reason);
  void tick_reading(time_point now);
  bool stalled(time_point now);
  void write_response(const http_response& response);

  const std::shared_ptr<http_server::impl> server_;
  std::unique_ptr<byte_stream> stream_; // until it is over
  std::unique_ptr<http_reader> reader_; // while a request is being read
  std::shared_ptr<http_stream::core> body_;
  std::shared_ptr<websocket_session> websocket_; // shared with its operations
  const std::string remote_;
  std::string websocket_key_;                // of a request that asks for one
  bytes out_;                                // answers of this read, to be written at once
  bytes pending_;                            // came while it was not ready
  std::size_t held_ = 0;                     // counted in the server's `received`
  std::uint64_t requests_ = 0, number_ = 0;  // dispatched; the one that is answered
  time_point since_, body_since_, taken_at_; // of the state, of the body, of the peer's last taking
  std::uint64_t written_ = 0, taken_ = 0; // bytes given to the stream; taken from it at taken_at_
  error reason_;                          // why it is over
  state state_ = state::idle;
  int version_ = 11;
  const bool secure_;
  bool body_begun_ = false;
  bool to_head_ = false;
  bool keep_alive_ = true;
  bool corked_ = false; // answers are gathered in out_
  bool paused_ = false;
  bool backed_up_ = false; // the peer does not take its answers
};

} // namespace kith::net
