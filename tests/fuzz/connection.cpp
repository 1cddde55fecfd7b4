// A whole connection of two ends that are ours, from the handshake to frames of /kith/stream/1. The
// input says what each end does, and how the bytes of both are cut, delayed, changed, dropped,
// repeated or invented on their way: either as they are on the wire, or by one in the middle whom
// both ends take for their peer, so that it reaches what is behind Noise. Never a crash, and no
// more output, open streams or unconsumed data than the limits. What arrives on a stream is what
// was written to it, in order, whatever was done to the wire (but not by the one in the middle).
// And if no byte was changed, all of it arrives, and nobody complains.
#include "protocols/kith/decode.hpp"
#include "protocols/kith/encode.hpp"
#include "protocols/kith/samples.hpp"
#include "protocols/kith/session.hpp"
#include "protocols/libp2p/connection_impl.hpp"
#include "protocols/libp2p/test_pair.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>

using namespace kith;
using namespace kith::libp2p;

namespace {

using mux_id = libp2p::stream_id; // kith has another stream_id

constexpr std::size_t written_size_max = 1 << 20; // by one end
constexpr std::size_t under_way_max = 4 << 20;    // one way; past it nothing is repeated
constexpr std::size_t actions_max = 2000;
constexpr std::string_view kith_protocol = "/kith/stream/1";
constexpr std::string_view names[] = {"/a", kith_protocol, "/b", "/nobody"};

void require(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "connection.cpp:%d: does not hold\n", line);
  std::abort();
}

// One direction of a stream, at the end that writes.
struct outgoing {
  bytes all;            // what is to be written
  std::size_t sent = 0; // of it, taken by the connection
  bool closing = false; // nothing will be added
  bool broken = false;  // reset by either end: some may be lost
};
// And at the end that reads.
struct incoming {
  std::size_t count = 0;
  std::size_t unconsumed = 0;
  bool finished = false;
  wire::decoder frames;
  std::optional<wire::session> session;
};

// The one in the middle, as one end's peer.
struct leg {
  void meet(test::end& end, upgrade& peer) {
    for (bool moved = true; moved;) {
      const auto out = to_bytes(end.link.take_output());
      byte_view in = out;
      require(peer.complete() || peer.receive(in).has_value());
      append(left_, in);
      const auto answer = std::exchange(peer.output(), {});
      require(end.link.receive(answer, test::at(0)).has_value());
      moved = !out.empty() || !answer.empty();
    }
    require(peer.complete() && end.link.peer());
    auto ciphers = peer.split();
    to.emplace(std::move(ciphers.send), bytes());
    from_.emplace(std::move(ciphers.receive));
  }
  // What the end said, opened.
  void open(byte_view said, std::deque<bytes>& messages) {
    append(left_, said);
    for (byte_view in = left_; !in.empty();) {
      auto plain = from_->receive(in);
      require(plain.has_value());
      if (!*plain) break;
      messages.push_back(to_bytes(**plain));
    }
    left_.clear();
  }

  std::optional<noise_sender> to;

private:
  std::optional<noise_receiver> from_;
  bytes left_;
};

struct side {
  side(role r, std::uint8_t key, connection_options o)
      : options(o), key_of_peer(std::uint8_t(3 - key)),
        end(r, test::key_of(key), key, std::move(o)) {}

  connection_options options;
  std::uint8_t key_of_peer;
  test::end end;
  leg middle;
  std::deque<bytes> under_way, gone; // from here: as it was sent, and the last of what arrived
  std::map<mux_id, outgoing> out;
  std::map<mux_id, incoming> in;
  std::size_t written = 0;
};

class world {
public:
  explicit world(fuzz::input from)
      : from_(from), flags_(from_.byte()), a_(role::dialer, 1, options_of(flags_ & 7)),
        b_(role::listener, 2, options_of(flags_ >> 3 & 7)) {
    in_the_middle_ = (flags_ & 64) != 0;
    eager_ = (flags_ & 128) != 0;
    if (!in_the_middle_) return;
    for (auto* s : {&a_, &b_}) {
      std::vector<std::string> muxers;
      // Both the same: they agree on a muxer through the middle if not with it.
      if (a_.options.early_muxer && b_.options.early_muxer) muxers.emplace_back(yamux_protocol);
      upgrade peer(s == &a_ ? role::listener : role::dialer, test::key_of(s->key_of_peer), random_,
                   std::nullopt, muxers);
      s->middle.meet(s->end, peer);
      serve(*s);
    }
  }

  void run() {
    for (std::size_t n = 0; !from_.empty() && n < actions_max; ++n) {
      const auto action = from_.byte();
      auto& s = (action & 1) != 0 ? a_ : b_;
      act(s, action >> 1 & 15);
      check(a_);
      check(b_);
    }
    complete();
  }

private:
  static connection_options options_of(unsigned flags) {
    auto o = test::speaking({"/a", "/b", std::string(kith_protocol)});
    o.early_muxer = (flags & 1) == 0;
    if ((flags & 2) != 0) o.streams_max = 4;
    if ((flags & 4) != 0) {
      o.output_size_max = 16 << 10;
      o.window_size_max = yamux_window_initial;
    }
    return o;
  }

  side& other(side& s) { return &s == &a_ ? b_ : a_; }
  bool intact() const { return !changed_; }
  // Whether data can be held against what was written.
  bool believed() const { return !changed_ || !in_the_middle_; }

  void act(side& s, unsigned what) {
    auto& link = s.end.link;
    switch (what) {
    case 0: (void)link.open(names[from_.below(std::size(names))]); break;
    case 1: write(s, from_.byte()); break;
    case 2: write(s, from_.byte() * 257u); break;
    case 3: consume(s); break;
    case 4:
      if (auto* o = pick(s.out); o != nullptr && !std::exchange(o->second.closing, true))
        flush(s, o->first);
      break;
    case 5: reset(s); break;
    case 6: frame(s); break;
    case 7: wait(s); break;
    case 8: (void)link.ping(now_); break;
    case 9: shut_down(s); break;
    case 10: deliver(s, from_.below(1 << 16)); break;
    case 11: carry(s); break;
    default: change(s, what - 12); break;
    }
    serve(s);
  }

  template <class V> std::pair<const mux_id, V>* pick(std::map<mux_id, V>& all) {
    if (all.empty()) return nullptr;
    return &*std::next(all.begin(),
                       std::ptrdiff_t(from_.below(std::min<std::size_t>(all.size(), 256))));
  }

  // ---- what an end does

  void write(side& s, std::size_t size) {
    auto* o = pick(s.out);
    if (o == nullptr || o->second.closing || s.in[o->first].session) return;
    bytes data(size);
    for (std::size_t i = 0; i < size; ++i)
      data[i] = std::uint8_t((o->second.all.size() + i) * 7 + o->first + s.key_of_peer);
    put(s, o->first, data);
  }
  void put(side& s, mux_id id, byte_view data) {
    if (s.written + data.size() > written_size_max) return;
    s.written += data.size();
    auto& o = s.out[id];
    const bool waits = o.sent < o.all.size(); // then only stream_writable lets it go on
    append(o.all, data);
    if (!waits) flush(s, id);
  }
  void flush(side& s, mux_id id) {
    auto& o = s.out[id];
    while (o.sent < o.all.size()) {
      const auto left = byte_view(o.all).subspan(o.sent);
      const auto taken = s.end.link.write(id, left);
      require(taken <= left.size());
      o.sent += taken;
      if (taken < left.size()) return;
    }
    if (o.closing) s.end.link.close_write(id);
  }
  void consume(side& s) {
    auto* i = pick(s.in);
    if (i == nullptr) return;
    const auto count = std::min<std::size_t>(i->second.unconsumed, from_.byte() * 1024u + 1);
    i->second.unconsumed -= count;
    s.end.link.consume(i->first, count);
  }
  void reset(side& s) {
    auto* o = pick(s.out);
    if (o == nullptr) return;
    s.end.link.reset(o->first);
    break_off(s, o->first);
  }
  void break_off(side& s, mux_id id) {
    for (auto* one : {&s, &other(s)})
      if (auto o = one->out.find(id); o != one->out.end()) o->second.broken = true;
    broken_.insert(id);
  }
  void frame(side& s) {
    static const auto samples = wire::samples();
    auto* i = pick(s.in);
    const auto& f = samples[from_.below(samples.size())];
    if (i == nullptr || !i->second.session || i->second.session->closed() ||
        !i->second.session->may_send(wire::type_of(f)))
      return;
    const auto type = wire::type_of(f);
    if (type == wire::frame_type::hello || type == wire::frame_type::welcome) return; // go alone
    send(s, i->first, f);
    if (type == wire::frame_type::goodbye || type == wire::frame_type::refused)
      i->second.session->close();
  }
  void send(side& s, mux_id id, const wire::frame& f) {
    if (!s.out[id].closing) put(s, id, wire::encode(f));
  }
  void wait(side& s) {
    now_ += std::chrono::milliseconds(64) * from_.byte();
    note(s, s.end.link.tick(now_));
  }
  void shut_down(side& s) { s.end.link.shutdown(); }

  // ---- the wire

  // Takes what the end has to say.
  void pull(side& s) {
    const auto out = s.end.link.take_output();
    if (in_the_middle_)
      s.middle.open(out, s.under_way);
    else if (!out.empty())
      s.under_way.push_back(to_bytes(out));
    serve(s); // a write that came short may go on
  }
  // Hands the next message on, or its first bytes.
  void deliver(side& s, std::size_t count) {
    pull(s);
    if (s.under_way.empty()) return;
    auto& first = s.under_way.front();
    const auto part = byte_view(first).first(std::min(first.size(), count + 1));
    auto& to = other(s);
    if (in_the_middle_) {
      to.middle.to->append(part);
      note(to, to.end.link.receive(to.middle.to->take(), now_));
    } else {
      note(to, to.end.link.receive(part, now_));
    }
    s.gone.push_back(to_bytes(part));
    if (s.gone.size() > 8) s.gone.pop_front();
    first.erase(first.begin(), first.begin() + std::ptrdiff_t(part.size()));
    if (first.empty()) s.under_way.pop_front();
    serve(to);
  }
  bool carry(side& s) {
    pull(s);
    const bool any = !s.under_way.empty();
    while (!s.under_way.empty()) deliver(s, under_way_max);
    return any;
  }
  void change(side& s, unsigned how) {
    pull(s);
    auto& all = s.under_way;
    std::size_t size = 0;
    for (const auto& m : all) size += m.size();
    const auto at = all.begin() + std::ptrdiff_t(from_.below(all.size()));
    switch (how) {
    case 0: // another byte
      if (all.empty()) return;
      (*at)[from_.below(at->size())] ^= std::uint8_t(1 + from_.below(255));
      break;
    case 1: // less
      if (all.empty()) return;
      if (const auto keep = from_.below(at->size()); keep != 0)
        at->resize(keep);
      else
        all.erase(at);
      break;
    case 2: // again, or sooner
      if (size > under_way_max || (all.empty() && s.gone.empty())) return;
      if (s.gone.empty() || (!all.empty() && from_.byte() % 2 == 0))
        all.insert(all.begin(), bytes(*at));
      else
        all.push_front(s.gone[from_.below(s.gone.size())]);
      break;
    default: // what nobody said
      if (size > under_way_max) return;
      const auto invented = invent();
      if (invented.empty()) return;
      all.insert(at, invented);
      break;
    }
    changed_ = true;
  }
  bytes invent() {
    bytes out;
    const auto shape = from_.byte();
    if ((shape & 128) != 0) { // a frame of yamux
      const auto h =
          libp2p::encode(yamux_header{yamux_type(shape & 3), std::uint16_t(from_.byte()),
                                      from_.byte(), std::uint32_t(from_.below(1 << 16))});
      append(out, h);
    }
    append(out, from_.take(shape & 63));
    return out;
  }

  // ---- what an end is told

  void note(side& s, const result<void>& r) {
    if (r || s.end.failure) return;
    s.end.failure = r.error();
    require(!r.error().code.empty());
    if (intact()) require(r.error().category == errc::timeout || r.error().code == "output_full");
  }
  void serve(side& s) {
    for (auto& e : s.end.link.take_events()) {
      if (auto* x = std::get_if<stream_opened>(&e)) opened(s, *x);
      if (auto* x = std::get_if<stream_data>(&e)) arrived(s, *x);
      if (auto* x = std::get_if<stream_writable>(&e)) flush(s, x->stream);
      if (auto* x = std::get_if<stream_finished>(&e)) finished(s, x->stream);
      if (auto* x = std::get_if<stream_reset>(&e)) {
        if (intact()) require(x->why.category != errc::malformed);
        break_off(s, x->stream);
      }
    }
  }
  void opened(side& s, const stream_opened& x) {
    auto& o = s.out[x.stream];
    o.broken = broken_.count(x.stream) != 0;
    auto& i = s.in[x.stream];
    if (x.protocol != kith_protocol) return;
    static const bytes secret(wire::cluster_secret_size_min, 's');
    // The hash of the handshake is another on each side of the one in the middle.
    i.session.emplace(x.inbound ? wire::role::listener : wire::role::dialer, secret,
                      byte_array<wire::handshake_hash_size>{},
                      test::key_of(std::uint8_t(3 - s.key_of_peer)).did(),
                      test::key_of(s.key_of_peer).did());
    send(s, x.stream, i.session->make_hello({}));
  }
  void arrived(side& s, const stream_data& x) {
    auto& i = s.in[x.stream];
    if (believed()) {
      const auto& sent = other(s).out[x.stream];
      require(!i.finished && i.count + x.data.size() <= sent.sent);
      require(equal(x.data, byte_view(sent.all).subspan(i.count, x.data.size())));
    }
    i.count += x.data.size();
    i.unconsumed += x.data.size();
    require(i.unconsumed <= s.options.window_size_max);
    if (eager_) s.end.link.consume(x.stream, std::exchange(i.unconsumed, 0));
    if (i.session) frames(s, x.stream, i, x.data);
  }
  void frames(side& s, mux_id id, incoming& i, byte_view data) {
    const auto fed = i.frames.feed(data);
    if (believed()) require(fed.has_value());
    for (const auto& f : i.frames.take()) {
      const bool was_closed = i.session->closed();
      const auto ok = i.session->received(f);
      if (believed() && !was_closed) require(ok || ok.error().code == "peer_refused");
      if (ok && i.session->may_send(wire::frame_type::welcome))
        send(s, id, i.session->make_welcome());
    }
  }
  void finished(side& s, mux_id id) {
    auto& i = s.in[id];
    i.finished = true;
    if (!believed()) return;
    const auto& sent = other(s).out[id];
    require(sent.closing && i.count == sent.all.size());
  }
  void check(side& s) {
    require(s.end.link.output_size() <= s.options.output_size_max + 2 * control_output_max);
    if (const auto& peer = s.end.link.peer()) require(*peer == test::key_of(s.key_of_peer).did());
  }

  // All that is left arrives, and every stream ends.
  void complete() {
    for (int part = 0; part < 2; ++part) {
      for (std::size_t rounds = 0;; ++rounds) {
        bool moved = carry(a_);
        moved = carry(b_) || moved;
        for (auto* s : {&a_, &b_})
          for (auto& [id, i] : s->in) s->end.link.consume(id, std::exchange(i.unconsumed, 0));
        if (!moved) break;
        require(rounds < 10'000); // it comes to rest
      }
      for (auto* s : {&a_, &b_})
        for (auto& [id, o] : s->out)
          if (!std::exchange(o.closing, true) && o.sent == o.all.size()) flush(*s, id);
    }
    check(a_);
    check(b_);
    if (!intact() || a_.end.failure || b_.end.failure) return;
    require(a_.end.link.is_muxed() && b_.end.link.is_muxed());
    for (auto* s : {&a_, &b_})
      for (const auto& [id, o] : s->out)
        if (!o.broken) {
          const auto i = other(*s).in.find(id);
          require(o.sent == o.all.size() && i != other(*s).in.end() && i->second.finished);
        }
  }

  fuzz::input from_;
  unsigned flags_;
  seeded_random random_{9};
  side a_, b_;
  bool in_the_middle_ = false, eager_ = false, changed_ = false;
  std::set<mux_id> broken_;
  time_point now_ = test::at(1);
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  world(fuzz::input(data, size)).run();
  return 0;
}
