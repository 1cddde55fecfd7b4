// See session.hpp.
#include "tests/interop/libp2p/session.hpp"

#include "protocols/libp2p/peer_id.hpp"

#include <algorithm>
#include <cstdio>

namespace kith::interop {

using namespace kith::libp2p;

// Above this the next output waits in the connection, whose own limit then stops the writers.
static constexpr std::size_t unsent_max = 1 << 20;

static connection_options options_of(std::optional<did> expected_peer, bool early_muxer) {
  connection_options o;
  o.expected_peer = std::move(expected_peer);
  o.protocols = {std::string(echo_protocol)};
  o.agent_version = "kith-interop/1";
  o.early_muxer = early_muxer;
  return o;
}

static void say(const char* what, const std::string& more = "") {
  std::printf("{\"event\":\"%s\"%s}\n", what, more.c_str());
  std::fflush(stdout);
}
static std::string field(const char* name, const std::string& value) {
  return ",\"" + std::string(name) + "\":\"" + value + "\"";
}

session::session(net::reactor& on, const clock& time, random_source& random, const secret_key& key,
                 role side, std::optional<did> expected_peer, bool early_muxer,
                 std::unique_ptr<net::byte_stream> stream, std::function<void(bool)> done)
    : reactor_(on), time_(time), stream_(std::move(stream)),
      link_(side, key, random, options_of(std::move(expected_peer), early_muxer), time.now()),
      done_(std::move(done)) {
  question_.resize(echo_size);
  random.fill(question_);
  stream_->start({[this](byte_view in) { receive(in); }, [this] { settle(); },
                  [this](const error& why) { ended(why); }});
  tick();
}

session::~session() { reactor_.cancel(timer_); }

void session::receive(byte_view in) {
  auto r = link_.receive(in, time_.now());
  settle();
  if (r || closing_) return;
  say("failed", field("code", r.error().code));
  closing_ = true;
  stream_->close();
}

void session::tick() {
  timer_ = reactor_.after(std::chrono::milliseconds(500), [this] { tick(); });
  auto r = link_.tick(time_.now());
  settle();
  if (r || closing_) return;
  say("failed", field("code", r.error().code));
  closing_ = true;
  stream_->close();
}

void session::settle() {
  for (auto events = link_.take_events(); !events.empty();
       events = link_.take_events(std::move(events))) {
    for (auto& e : events) handle(e);
    send_output();
  }
  send_output();
}

void session::send_output() {
  while (link_.output_size() > 0 && stream_->unsent() < unsent_max)
    stream_->write(link_.take_output());
}

void session::handle(event& e) {
  if (auto* x = std::get_if<stream_data>(&e)) return handle_data(x->stream, x->data);
  if (auto* x = std::get_if<secured>(&e))
    say("secured", field("peer", peer_id::from_did(x->peer)->text()));
  if (auto* x = std::get_if<muxed>(&e))
    say("muxed", std::string(",\"early\":") + (x->early ? "true" : "false"));
  if (auto* x = std::get_if<identified>(&e)) {
    say("identified", field("agent", x->agent_version));
    auto& spoken = x->protocols;
    if (std::find(spoken.begin(), spoken.end(), echo_protocol) == spoken.end()) return;
    if (!link_.ping(time_.now())) say("ping_refused");
    if (auto id = link_.open(echo_protocol)) question_stream_ = *id;
  }
  if (auto* x = std::get_if<pong>(&e)) {
    say("pong", ",\"rtt_us\":" + std::to_string(x->rtt.count() / 1000));
    if (++pong_count_ < ping_count && !link_.ping(time_.now())) say("ping_refused");
  }
  if (auto* x = std::get_if<ping_failed>(&e)) say("ping_failed", field("code", x->why.code));
  if (auto* x = std::get_if<stream_reset>(&e)) {
    say("stream_reset", field("code", x->why.code));
    echoes_.erase(x->stream);
  }
  if (auto* x = std::get_if<stream_opened>(&e)) {
    if (x->inbound) echoes_.try_emplace(x->stream);
    if (x->stream == question_stream_) advance_question();
  }
  if (auto* x = std::get_if<stream_writable>(&e)) {
    if (x->stream == question_stream_) advance_question();
    if (auto it = echoes_.find(x->stream); it != echoes_.end()) advance_echo(x->stream, it->second);
  }
  if (auto* x = std::get_if<stream_finished>(&e)) {
    if (auto it = echoes_.find(x->stream); it != echoes_.end()) {
      it->second.finished = true;
      advance_echo(x->stream, it->second);
    }
  }
  if (auto* x = std::get_if<stream_closed>(&e)) {
    echoes_.erase(x->stream);
    if (x->stream != question_stream_) return;
    answered_ = answer_right_ && answered_size_ == echo_size;
    say("echoed", ",\"bytes\":" + std::to_string(answered_size_) +
                      ",\"right\":" + (answered_ ? "true" : "false"));
  }
}

void session::handle_data(stream_id id, const slice& data) {
  if (auto it = echoes_.find(id); it != echoes_.end()) {
    append(it->second.waiting, data);
    return advance_echo(id, it->second);
  }
  if (id != question_stream_) return;
  auto room = std::min(data.size(), echo_size - answered_size_);
  answer_right_ = answer_right_ && room == data.size() &&
                  equal(data, byte_view(question_).subspan(answered_size_, room));
  answered_size_ += room;
  link_.consume(id, data.size());
}

void session::advance_echo(stream_id id, echo& e) {
  auto n = link_.write(id, e.waiting);
  e.waiting.erase(e.waiting.begin(), e.waiting.begin() + std::ptrdiff_t(n));
  link_.consume(id, n);
  if (e.finished && e.waiting.empty()) link_.close_write(id);
}

void session::advance_question() {
  asked_size_ += link_.write(*question_stream_, byte_view(question_).subspan(asked_size_));
  if (asked_size_ == question_.size()) link_.close_write(*question_stream_);
}

void session::ended(const error& why) {
  say("ended", field("code", why.code));
  auto done = std::move(done_);
  done(answered_ && pong_count_ == ping_count);
}

} // namespace kith::interop
