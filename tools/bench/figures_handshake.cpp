// The row about what a secure handshake costs: both sides on one thread, without a network, beside
// the operations on curves that it cannot do without.
#include "protocols/libp2p/connection.hpp"
#include "runtime/crypto/x25519.hpp"
#include "runtime/identity/keys.hpp"
#include "tools/bench/table.hpp"

#include <cstdlib>
#include <ctime>

namespace kith::bench {

namespace {

using namespace kith::libp2p;

double cpu_us() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) * 1e6 + double(t.tv_nsec) / 1e3;
}

// From the first byte until both may open streams: multistream-select, Noise XX with libp2p's
// payload, and the muxer.
result<void> shake_hands(const secret_key& a, const secret_key& b, random_source& random,
                         time_point now) {
  connection_options options;
  options.identify_peer = false; // it comes after
  connection dialer(role::dialer, a, random, options, now);
  connection listener(role::listener, b, random, options, now);
  while (!dialer.is_muxed() || !listener.is_muxed()) {
    auto there = dialer.take_output();
    if (!there.empty()) KITH_TRY(listener.receive(there, now));
    auto back = listener.take_output();
    if (!back.empty()) KITH_TRY(dialer.receive(back, now));
    if (there.empty() && back.empty())
      return fail(errc::internal, "bench_stuck", "a handshake did not come to its end");
  }
  return {};
}

// Each side makes an ephemeral and a static key, agrees three times (ee, es, se), signs its static
// key with its identity and verifies the other's.
result<void> operations(const secret_key& a, const secret_key& b, random_source& random) {
  static constexpr std::string_view signed_text = "noise-libp2p-static-key:0123456789abcdef"
                                                  "0123456789abcdef";
  const secret_key* sides[] = {&a, &b};
  for (int side = 0; side < 2; ++side) {
    auto ephemeral_key = crypto::x25519_key::generate(random);
    auto static_key = crypto::x25519_key::generate(random);
    for (int i = 0; i < 3; ++i) KITH_TRY(ephemeral_key.shared_secret(static_key.public_key()));
    auto signature = sides[side]->sign(as_bytes(signed_text));
    if (!verify_signature(sides[side]->public_key(), as_bytes(signed_text), signature))
      std::abort();
  }
  return {};
}

} // namespace

result<void> measure_handshake(measurement& m) {
  if (!m.wants("handshake")) return {};
  const auto count = m.size(1'000, 5);
  system_random random;
  const system_clock clock;
  auto a = secret_key::generate(random), b = secret_key::generate(random);
  KITH_TRY(shake_hands(a, b, random, clock.now())); // to warm up
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("handshake", i);
    auto begin = cpu_us();
    for (int n = 0; n < count; ++n) KITH_TRY(shake_hands(a, b, random, clock.now()));
    auto between = cpu_us();
    for (int n = 0; n < count; ++n) KITH_TRY(operations(a, b, random));
    m.add("handshake", (between - begin) / count, (cpu_us() - between) / count);
  }
  m.note("handshake", "X25519 operations (4 keys made, 6 agreements)", 10);
  m.note("handshake", "Ed25519 operations (2 signatures made, 2 verified)", 4);
  return {};
}

} // namespace kith::bench
