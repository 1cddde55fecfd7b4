#include "actors/link/link_streams.hpp"

#include "actors/mailbox/keys.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/stream/records.hpp"

#include <algorithm>

namespace kith {

namespace {

// A frame carries the time that is left, not an instant, so that clock skew drops nothing
// (semantics.md 5).
// 0 stands for ever, so 1 says that it is over.
std::uint64_t time_left(const envelope& e, wall_ms wall) {
  if (e.time_to_live_ms() == 0) return 0;
  auto end = e.created() + wall_ms(e.time_to_live_ms());
  return end > wall ? std::uint64_t(end - wall) : 1;
}

} // namespace

void link_streams::connected(frame_sink* sink) {
  sink_ = sink;
  numbers_.clear();
  next_number_ = 1;
  presented_.clear();
  queue_.clear();
  for (auto& [id, c] : streams_) {
    c->queued = c->held = false;
    c->number = 0;
    c->sent_most = 0;
    c->at = carried::state::opening;
    ask_position(*c);
  }
}

link_streams::carried& link_streams::get(const std::shared_ptr<out_stream>& s) {
  auto it = streams_.find(s->id);
  if (it != streams_.end()) {
    it->second->stream = s; // the sender's mailbox may have been restarted
    return *it->second;
  }
  auto c = std::make_unique<carried>();
  c->stream = s;
  return *streams_.emplace(s->id, std::move(c)).first->second;
}

void link_streams::present(const did& agent) {
  auto now = env_.time.now();
  auto& when = presented_[agent];
  if (when != time_point{} && now - when < std::chrono::milliseconds(delegation::lifetime_ms / 4))
    return;
  if (auto encoded = env_.delegation(agent)) {
    when = now;
    sink_->control(wire::delegations{{*encoded}});
  }
}

void link_streams::ask_position(carried& c) {
  if (sink_ == nullptr) return;
  if (c.number == 0) {
    c.number = next_number_++;
    numbers_[c.number] = &c;
  }
  present(c.stream->id.from);
  c.heard = env_.time.now();
  sink_->control(wire::stream_open{
      c.number, c.stream->id, {c.stream->durable + 1, {}}, c.forgotten ? kept(c) : std::nullopt});
}

// The first position behind what is acknowledged, and the digest before it: in the envelope there,
// or in the stream's record if there is none.
std::optional<stream_head> link_streams::kept(const carried& c) const {
  const auto& s = *c.stream;
  const sequence first = s.acked + 1;
  auto next = env_.disk.get(store::table::queue, keys::outbox(s.key, first));
  if (next && *next)
    if (auto e = envelope::parse(**next)) return stream_head{first, e->previous()};
  auto stored = env_.disk.get(store::table::state, keys::out_stream(keys::of(s.id.from), s.key));
  if (stored && *stored)
    if (auto r = records::decode<records::stream_out>(**stored); r && r->head.next == first)
      return r->head;
  return std::nullopt; // a step is under way: the next time
}

void link_streams::open(const std::shared_ptr<out_stream>& s, bool again) {
  auto& c = get(s);
  if (c.number != 0 && c.at == carried::state::opening && !again) return;
  if (c.number == 0 || c.at == carried::state::absent || c.at == carried::state::opening) {
    c.at = carried::state::opening;
    ask_position(c);
  }
  queue(c); // if it flows
}

void link_streams::offer(outgoing& out) {
  auto& c = get(out.stream);
  if (sink_ == nullptr) return; // it stays in the outbox
  if (c.number == 0) return ask_position(c);
  if (c.at != carried::state::flowing) return;
  present(c.stream->id.from);
  std::size_t sent = 0;
  if (!c.queued && out.first == c.sent + 1 && sink_->room()) sent = send(c, out.envelopes);
  if (sent < out.envelopes.size()) queue(c);
}

void link_streams::offer(outgoing_volatile& out) {
  if (sink_ == nullptr || !sink_->room()) {
    volatile_dropped_ += out.envelopes.size();
    return;
  }
  auto wall = env_.time.wall();
  wire::batch_builder builder;
  auto flush = [&] {
    if (!builder.empty()) sink_->data(builder.finish());
    builder.clear();
  };
  std::string_view last_from;
  for (const auto& e : out.envelopes) {
    if (e.from() != last_from) {
      last_from = e.from();
      if (auto from = did::parse(last_from)) present(*from);
    }
    auto left = time_left(e, wall);
    if (builder.add(e.raw(), left)) continue;
    flush();
    if (builder.add(e.raw(), left)) continue;
    for (auto& f : wire::encode_fragments(0, 0, e.raw(), left)) sink_->data(std::move(f));
  }
  flush();
}

bool link_streams::may_send(const carried& c, std::size_t size) const {
  if (c.sent >= c.credit_seq) return false;
  return c.in_flight.empty() || c.in_flight_bytes + size <= c.credit_bytes;
}

void link_streams::stall(carried& c) {
  if (!std::exchange(c.stalled, true)) ++credit_stalls_;
}

// Whether the stream has to rest in front of this one: sent, it would end the connection, and with
// it every other stream. Until a connection to a newer build.
bool link_streams::hold(carried& c, const envelope& e) const {
  if (e.qos() != qos::at_least_once || sink_->takes_at_least_once()) return false;
  if (!std::exchange(c.held, true))
    env_.log("error", "the peer's build does not know QoS 1: " + c.stream->id.text() +
                          " rests before position " + std::to_string(e.seq()));
  return true;
}

// Sends what credit allows of consecutive envelopes that begin behind the cursor; how many.
std::size_t link_streams::send(carried& c, const std::vector<envelope>& list) {
  auto wall = env_.time.wall();
  wire::batch_builder builder(c.number, c.sent + 1);
  auto flush = [&] {
    auto head = c.stream->head();
    if (head.seq > c.head_sent && head.seq <= c.sent && builder.set_head(head))
      c.head_sent = head.seq;
    if (!builder.empty()) sink_->data(builder.finish());
    builder.clear(c.sent + 1);
  };
  std::size_t count = 0;
  for (const auto& e : list) {
    if (!may_send(c, e.size())) {
      stall(c);
      break;
    }
    if (!sink_->room() || hold(c, e)) break;
    auto left = time_left(e, wall);
    if (!wire::fits_batch(e.size())) {
      flush();
      for (auto& f : wire::encode_fragments(c.number, e.seq(), e.raw(), left))
        sink_->data(std::move(f));
    } else if (!builder.add(e.raw(), left)) {
      flush();
      builder.add(e.raw(), left);
    }
    ++c.sent;
    c.sent_most = std::max(c.sent_most, c.sent);
    ++count;
    c.in_flight.push_back(std::uint32_t(e.size()));
    c.in_flight_bytes += e.size();
    if (!wire::fits_batch(e.size())) builder.clear(c.sent + 1);
  }
  flush();
  return count;
}

void link_streams::queue(carried& c) {
  if (c.queued || c.held || c.at != carried::state::flowing || c.sent >= c.stream->durable) return;
  c.queued = true;
  queue_.push_back(&c);
}

bool link_streams::send_from_disk(carried& c) {
  static constexpr store::scan_limits portion{256, 256 << 10};
  auto upto = std::min<sequence>(c.stream->durable, c.credit_seq);
  if (c.sent >= upto) {
    if (c.sent < c.stream->durable) stall(c);
    return false;
  }
  auto found = env_.disk.scan(store::table::queue, keys::outbox(c.stream->key, c.sent + 1),
                              keys::outbox(c.stream->key, upto + 1), portion);
  if (!found) {
    env_.log("error", "outbox not readable: " + found.error().what());
    return false;
  }
  std::vector<envelope> list;
  for (const auto& entry : *found) {
    auto e = envelope::parse(entry.value);
    if (!e || keys::queue_seq(entry.key) != c.sent + 1 + list.size()) break;
    list.push_back(std::move(*e));
  }
  if (list.empty()) {
    c.at = carried::state::lost;
    env_.log("error", "positions from " + std::to_string(c.sent + 1) + " of " +
                          c.stream->id.text() +
                          " can no longer be sent: they are not in the outbox");
    return false;
  }
  return send(c, list) > 0;
}

void link_streams::pump() {
  // Each stream a portion at a time, so that a long backlog of one does not hold up the others.
  while (sink_ != nullptr && sink_->room() && !queue_.empty()) {
    auto& c = *queue_.front();
    queue_.pop_front();
    c.queued = false;
    if (c.at == carried::state::flowing && send_from_disk(c)) queue(c);
  }
}

void link_streams::acknowledge(carried& c, sequence upto) {
  while (!c.in_flight.empty() && c.sent - c.in_flight.size() < upto) {
    c.in_flight_bytes -= c.in_flight.front();
    c.in_flight.pop_front();
  }
  if (upto <= c.stream->acked) return;
  c.stream->acked = upto;
  env_.acknowledged(c.stream->id, upto);
}

// Whether a peer that is so far may go on from there. If not, one of the two sides was rewound.
bool link_streams::fits(carried& c, sequence has) {
  auto& s = *c.stream;
  if (has <= s.durable && has >= s.acked) return true;
  auto know = [&](const std::string& what) {
    env_.log("error", "the peer is at position " + std::to_string(has) + " of " + s.id.text() +
                          ", here " + std::to_string(s.acked) + " to " + std::to_string(s.durable) +
                          " are known: " + what);
  };
  if (has < s.acked) { // the peer's is the older store; if it was restored, it may skip
    if (!std::exchange(c.forgotten, true)) know("the peer was rewound, and is told what is left");
    c.at = carried::state::absent;
    return false;
  }
  c.at = carried::state::lost;
  if (!s.closed) {
    know("this side was rewound; the stream rests");
    return false;
  }
  know("the rest was sent in a life that a restore undid");
  acknowledge(c, s.durable);
  return false;
}

void link_streams::positions(const wire::positions& p) {
  for (const auto& e : p.list) {
    auto it = streams_.find(e.stream);
    if (it == streams_.end()) continue;
    auto& c = *it->second;
    auto has = e.head.next - 1;
    c.heard = env_.time.now();
    if (!fits(c, has)) continue;
    c.at = carried::state::flowing;
    c.forgotten = false;
    c.in_flight.clear();
    c.in_flight_bytes = 0;
    c.sent = has;
    c.sent_most = std::max(c.sent_most, has);
    c.credit_seq = e.credit_seq;
    c.credit_bytes = e.credit_bytes;
    acknowledge(c, has);
    if (may_send(c, 0)) c.stalled = false;
    queue(c);
  }
}

result<void> link_streams::ack(const wire::ack& a) {
  for (const auto& e : a.list) {
    auto it = numbers_.find(e.number);
    if (it == numbers_.end())
      return fail(errc::malformed, "unknown_number", "an ack of a stream never opened");
    auto& c = *it->second;
    if (c.at != carried::state::flowing) continue;
    if (e.acked > c.sent_most) return fail(errc::conflict, "ack_beyond_sent", c.stream->id.text());
    c.sent = std::max(c.sent, e.acked); // what is acknowledged after a rewind need not go again
    c.heard = env_.time.now();
    c.credit_seq = std::max(c.credit_seq, e.credit_seq);
    c.credit_bytes = e.credit_bytes;
    acknowledge(c, e.acked);
    if (may_send(c, 0)) c.stalled = false;
    queue(c);
  }
  return {};
}

void link_streams::not_here(const wire::not_here& n) {
  auto it = numbers_.find(n.number);
  if (it == numbers_.end()) return;
  it->second->at =
      n.reason == wire::absence::quarantined ? carried::state::lost : carried::state::absent;
  it->second->heard = env_.time.now();
  if (n.reason == wire::absence::not_delegated) presented_.erase(it->second->stream->id.from);
}

void link_streams::fork(const wire::fork& f) {
  auto it = numbers_.find(f.number);
  if (it == numbers_.end()) return;
  it->second->at = carried::state::lost;
  env_.log("error", "the peer holds another history of " + it->second->stream->id.text() +
                        " at position " + std::to_string(f.seq));
}

void link_streams::tick() {
  if (sink_ == nullptr) return;
  auto now = env_.time.now();
  for (auto& [id, c] : streams_) {
    bool waits = c->at == carried::state::opening || c->at == carried::state::absent ||
                 (c->at == carried::state::flowing &&
                  (!c->in_flight.empty() || (!c->held && c->sent < c->stream->durable)));
    if (waits && now - c->heard >= silence_max) ask_position(*c);
  }
}

std::size_t link_streams::unacknowledged() const {
  std::size_t n = 0;
  for (const auto& [id, c] : streams_) n += c->stream->durable - c->stream->acked;
  return n;
}

} // namespace kith
