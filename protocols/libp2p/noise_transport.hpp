// What travels after the Noise handshake (noise/README.md "Wire Format"): frames of a 16-bit length
// and a sealed message of at most 65,535 bytes. The sender gathers plaintext in the output itself
// and seals it in place; the receiver opens straight from what the socket gave into pooled buffers.
#pragma once

#include "protocols/libp2p/buffer_pool.hpp"
#include "protocols/libp2p/byte_sink.hpp"
#include "protocols/libp2p/noise.hpp"

namespace kith::libp2p {

inline constexpr std::size_t noise_length_size = 2;
inline constexpr std::size_t plain_buffer_size = 128 << 10; // two whole frames
inline constexpr std::size_t noise_plaintext_max = noise_message_max - noise_tag_size; // 65,519

class noise_sender final : public byte_sink {
public:
  // `unsent` goes out before anything that is sealed.
  noise_sender(noise_cipher cipher, bytes unsent)
      : cipher_(std::move(cipher)), out_(std::move(unsent)) {}

  // One copy, into the open frame; full frames are sealed. After a failure bytes are dropped.
  void append(byte_view b) override;
  std::size_t size() const override { return out_.size(); }
  // Seals the open frame and gives everything; the buffer comes back when the last slice of it is
  // gone.
  slice take();
  // unavailable "noise_nonces_used_up", once it has happened.
  const std::optional<error>& failure() const { return failure_; }

private:
  void seal();

  noise_cipher cipher_;
  buffer_pool pool_{0};
  bytes out_;
  std::optional<std::size_t> frame_begin_; // of the open frame's length field
  std::optional<error> failure_;
};

class noise_receiver {
public:
  explicit noise_receiver(noise_cipher cipher) : cipher_(std::move(cipher)) {}

  // Takes the next frame from the front of `in` and returns its plaintext; nullopt when `in` ended
  // before the frame did (what there is of it is kept). An empty slice for a frame without content.
  // Errors: malformed "bad_noise_message" (shorter than a tag); unauthenticated "noise_decrypt";
  // unavailable "noise_nonces_used_up".
  result<std::optional<slice>> receive(byte_view& in);

private:
  result<slice> open(byte_view sealed);

  noise_cipher cipher_;
  bytes partial_; // the frame under way, from its length on
  buffer_pool pool_{plain_buffer_size};
  std::shared_ptr<bytes> plain_; // what is opened now; earlier slices may lie before plain_used_
  std::size_t plain_used_ = 0;
};

} // namespace kith::libp2p
