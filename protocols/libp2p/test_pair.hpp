// Two connections and the bytes between them, for this room's tests and its benchmark.
#pragma once

#include "protocols/libp2p/connection.hpp"
#include "protocols/libp2p/noise_transport.hpp"
#include "protocols/libp2p/test_support.hpp"
#include "protocols/libp2p/upgrade.hpp"
#include "protocols/libp2p/yamux.hpp"
#include "runtime/identity/keys.hpp"

#include <functional>

namespace kith::libp2p::test {

inline secret_key key_of(std::uint8_t n) {
  byte_array<32> seed{};
  seed.fill(n);
  return secret_key::from_seed(seed);
}
inline time_point at(int ms) { return time_point(std::chrono::milliseconds(1'000'000 + ms)); }

// One side, and everything that it has reported.
struct end {
  end(role side, const secret_key& key, std::uint64_t seed, connection_options options)
      : random(seed), link(side, key, random, std::move(options), at(0)) {}

  void collect() {
    for (auto& e : link.take_events()) events.push_back(std::move(e));
  }
  template <class E> std::vector<E> all() const {
    std::vector<E> out;
    for (auto& e : events)
      if (auto* x = std::get_if<E>(&e)) out.push_back(*x);
    return out;
  }
  bytes data_of(stream_id id) const {
    bytes out;
    for (auto& e : all<stream_data>())
      if (e.stream == id) append(out, e.data);
    return out;
  }

  seeded_random random;
  connection link;
  std::vector<event> events;
  std::optional<error> failure;
};

// Changes bytes on their way: (from dialer, bytes).
using tamper = std::function<void(bool, bytes&)>;

struct pair {
  explicit pair(connection_options dialer_options = {}, connection_options listener_options = {},
                std::uint64_t seed = 1)
      : chunks(seed), dialer(role::dialer, key_of(1), seed * 2, std::move(dialer_options)),
        listener(role::listener, key_of(2), seed * 2 + 1, std::move(listener_options)) {}

  bool carry(end& from, end& to, std::size_t piece_max, time_point now, const tamper& change) {
    auto out = to_bytes(from.link.take_output());
    from.collect();
    if (out.empty()) return false;
    if (change) change(&from == &dialer, out);
    in_pieces(out, piece_max, chunks, [&](byte_view b) {
      auto r = to.link.receive(b, now);
      if (!r && !to.failure) to.failure = r.error();
      to.collect();
    });
    return true;
  }
  // Until nothing moves any more.
  void pump(std::size_t piece_max = 1 << 20, time_point now = at(1), const tamper& change = {}) {
    for (bool moved = true; moved;) {
      moved = carry(dialer, listener, piece_max, now, change);
      moved = carry(listener, dialer, piece_max, now, change) || moved;
    }
  }

  seeded_random chunks;
  end dialer, listener;
};

// A dialer made of the layers themselves, which can send a muxed listener whatever it likes;
// nullopt if they did not get so far.
inline std::optional<noise_sender> mux_with(end& listener) {
  seeded_random random(9);
  upgrade peer(role::dialer, key_of(2), random, std::nullopt, {std::string(yamux_protocol)});
  for (auto out = std::exchange(peer.output(), {}); !out.empty();
       out = std::exchange(peer.output(), {})) {
    if (!listener.link.receive(out, at(1))) return std::nullopt;
    auto answer = listener.link.take_output();
    byte_view in = answer;
    if (!peer.receive(in)) return std::nullopt;
  }
  if (!peer.complete() || !listener.link.is_muxed()) return std::nullopt;
  return noise_sender(peer.split().send, {});
}

inline connection_options speaking(std::vector<std::string> protocols) {
  connection_options o;
  o.protocols = std::move(protocols);
  return o;
}

} // namespace kith::libp2p::test
