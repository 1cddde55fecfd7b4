// Any bytes inside of a peer's Noise payload: as all of it, and as extensions or anything else
// behind a good signature. Never a crash, nobody vouched for without a signature, and an offer of
// muxers only within its limits; then a whole handshake with it in either role, on which both sides
// make the same of the two offers.
#include "protocols/libp2p/noise_payload.hpp"
#include "protocols/libp2p/test_pair.hpp"

#include <cstdlib>
#include <set>

using namespace kith;
using namespace kith::libp2p;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

void check_offer(const noise_identity& met, byte_view payload) {
  check(met.muxers.size() <= offered_muxers_max);
  for (const auto& m : met.muxers) check(!m.empty() && m.size() <= offered_muxer_size_max);
  check(std::set(met.muxers.begin(), met.muxers.end()).size() == met.muxers.size());
  check(payload.size() > 100); // a key and a signature at least
}

bytes with_extensions(byte_view payload, byte_view extensions) {
  auto out = to_bytes(payload);
  out.push_back(4 << 3 | 2);
  put_varint(out, extensions.size());
  append(out, extensions);
  return out;
}

// The Noise messages of a peer that says `in` where its extensions belong, against `end`.
void meet(test::end& end, role side, byte_view in) {
  seeded_random random(in.size());
  noise_handshake noise(side, crypto::x25519_key::generate(random),
                        crypto::x25519_key::generate(random));
  auto plain = make_noise_payload(test::key_of(3), noise.static_public(), {});
  auto payload = with_extensions(plain, in);
  auto good = check_noise_payload(payload, noise.static_public());
  auto say = [&](byte_view message) {
    bytes out;
    put_u16(out, std::uint16_t(message.size()));
    append(out, message);
    return end.link.receive(out, test::at(1));
  };
  bytes hello;
  put_multistream_message(hello, multistream_protocol);
  put_multistream_message(hello, noise_protocol);
  if (side == role::listener) (void)end.link.take_output();
  check(end.link.receive(hello, test::at(1)).has_value());
  if (side == role::dialer) check(say(*noise.write({})).has_value());
  auto answer = end.link.take_output();
  auto skipped = (side == role::dialer ? hello.size() : 0) + noise_length_size;
  check(noise.read(byte_view(answer).subspan(skipped)).has_value());
  auto message = noise.write(payload);
  check(message.has_value());
  auto r = say(*message);
  end.collect();
  if (!good || message->size() > handshake_message_max) return check(!r && !end.link.peer());
  const std::vector<std::string> ours{std::string(yamux_protocol)};
  auto agreed =
      side == role::dialer ? common_muxer(good->muxers, ours) : common_muxer(ours, good->muxers);
  check(r.has_value() == agreed.has_value() && end.link.peer().has_value() == r.has_value());
  check(end.link.is_muxed() == (agreed && *agreed));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  byte_view in(data + 1, size - 1);
  if (in.size() > handshake_message_max) return 0;
  byte_array<32> noise_key{};
  if (auto met = check_noise_payload(in, noise_key)) check_offer(*met, in);
  auto behind = make_noise_payload(test::key_of(1), noise_key, {});
  append(behind, in);
  if (auto met = check_noise_payload(behind, noise_key)) check_offer(*met, behind);
  if ((data[0] & 2) != 0) return 0; // a handshake takes most of the time
  auto side = (data[0] & 1) != 0 ? role::dialer : role::listener;
  test::end end(side == role::dialer ? role::listener : role::dialer, test::key_of(2), 1, {});
  meet(end, side, in);
  return 0;
}
