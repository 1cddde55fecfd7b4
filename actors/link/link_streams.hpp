// The streams that one link carries to its peer: how far each was sent, what the peer has
// journaled, and what more it takes. Pure: it reads the outbox through what it is given and hands
// frames to a sink. A stream is opened, the peer says how far it is, and from there everything
// durable is sent as credit allows; an ack moves the start of what is kept, a rewind moves the
// cursor back.
#pragma once

#include "actors/base/messages.hpp"
#include "protocols/kith/encode.hpp"
#include "runtime/store/store.hpp"

#include <deque>
#include <optional>
#include <unordered_map>

namespace kith {

// Where frames go: the live session. Not called when there is none.
class frame_sink {
public:
  virtual ~frame_sink() = default;
  virtual void control(const wire::frame& f) = 0;
  virtual void data(bytes frame) = 0;
  // False: keep it until told otherwise.
  virtual bool room() const = 0;
  // False: the peer is an older build, for which an envelope of QoS 1 is malformed.
  virtual bool takes_at_least_once() const { return true; }
};

class link_streams {
public:
  // A stream whose peer says nothing for so long is asked again how far it is.
  static constexpr duration silence_max = std::chrono::seconds(2);

  struct environment {
    const clock& time;
    store::backend& disk;
    // The delegation of an agent of this node, to be presented before its first envelope. Nothing:
    // it lives elsewhere.
    std::function<std::optional<bytes>(const did& agent)> delegation;
    // The recipient's node has journaled the stream up to here.
    std::function<void(const stream_id&, sequence upto)> acknowledged;
    std::function<void(std::string_view level, const std::string& text)> log;
  };
  explicit link_streams(environment env) : env_(std::move(env)) {}

  // A fresh session: nothing is numbered, nothing positioned, no delegation presented.
  void connected(frame_sink* sink);
  void disconnected() { sink_ = nullptr; }

  // The stream's recipient is at this peer, and there may be more of it than was offered. A
  // position that was asked for and has not come is asked for again only with `again`: each answer
  // sends everything from there.
  void open(const std::shared_ptr<out_stream>& s, bool again = true);
  // Just became durable, and is still in memory.
  void offer(outgoing& out);
  void offer(outgoing_volatile& out);

  // What the peer says. conflict "ack_beyond_sent" for an ack of what it was never sent.
  void positions(const wire::positions& p);
  result<void> ack(const wire::ack& a);
  void not_here(const wire::not_here& n);
  void fork(const wire::fork& f);

  // Sends what waits on disk while there is room.
  void pump();
  // Asks again about streams that have been silent.
  void tick();

  std::size_t unacknowledged() const;
  std::uint64_t volatile_dropped() const { return volatile_dropped_; }
  // How often a stream had more to send than its recipient's credit allowed.
  std::uint64_t credit_stalls() const { return credit_stalls_; }

private:
  struct carried {
    std::shared_ptr<out_stream> stream;
    wire::stream_number number = 0;
    enum class state : std::uint8_t { opening, flowing, absent, lost } at = state::opening;
    sequence sent = 0;
    sequence sent_most = 0; // on this connection; beyond `sent` after a rewind
    sequence credit_seq = 0;
    std::uint64_t credit_bytes = 0;
    std::deque<std::uint32_t> in_flight; // sizes of what was sent and not acknowledged
    std::uint64_t in_flight_bytes = 0;
    sequence head_sent = 0;
    time_point heard{}; // the last progress
    bool queued = false;
    bool stalled = false;   // for want of credit, which is counted
    bool held = false;      // what comes next is QoS 1, and the peer does not take it
    bool forgotten = false; // the peer had more of it once, and is told where what is left begins
  };

  carried& get(const std::shared_ptr<out_stream>& s);
  void ask_position(carried& c);
  bool fits(carried& c, sequence has);
  std::optional<stream_head> kept(const carried& c) const;
  void present(const did& agent);
  void acknowledge(carried& c, sequence upto);
  bool may_send(const carried& c, std::size_t size) const;
  void stall(carried& c);
  bool hold(carried& c, const envelope& e) const;
  std::size_t send(carried& c, const std::vector<envelope>& list);
  void queue(carried& c);
  bool send_from_disk(carried& c);

  environment env_;
  frame_sink* sink_ = nullptr;
  std::unordered_map<stream_id, std::unique_ptr<carried>> streams_;
  std::unordered_map<wire::stream_number, carried*> numbers_;
  wire::stream_number next_number_ = 1;
  std::unordered_map<did, time_point> presented_;
  std::deque<carried*> queue_; // with something on disk to be sent
  std::uint64_t volatile_dropped_ = 0;
  std::uint64_t credit_stalls_ = 0;
};

} // namespace kith
