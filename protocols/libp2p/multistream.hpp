// multistream-select 1.0: two peers agree on the protocol of a channel. The dialer proposes one
// after the other, the listener echoes what it speaks and says "na" to the rest. (libp2p/specs
// connections/README.md)
#pragma once

#include "protocols/libp2p/varint_frame.hpp"
#include "runtime/base/bytes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kith::libp2p {

inline constexpr std::string_view multistream_protocol = "/multistream/1.0.0";
inline constexpr std::size_t multistream_message_max = 1024; // bytes with the newline
inline constexpr std::size_t protocol_name_max = multistream_message_max - 1;
inline constexpr std::size_t multistream_refusals_max =
    16; // proposals a listener hears before it gives up

// Appends one message: length, text, newline.
void put_multistream_message(bytes& out, std::string_view text);

// Both sides, until they agree. After that the rest of what arrives belongs to the agreed protocol.
// Errors of receive(): malformed "bad_multistream" (wrong header, no newline, unexpected answer),
// "bad_varint"; too_large "frame_too_large"; unsupported "no_common_protocol".
class multistream_dialer {
public:
  // Proposes in this order; must not be empty.
  explicit multistream_dialer(std::vector<std::string> proposals)
      : proposals_(std::move(proposals)) {}

  // The header and the first proposal, at once, which saves a round trip.
  void start(bytes& out);
  // Takes from the front of `in` no more than belongs to the negotiation; appends answers to `out`.
  result<void> receive(byte_view& in, bytes& out);
  const std::optional<std::string>& agreed() const { return agreed_; }

private:
  result<void> handle(std::string_view text, bytes& out);

  std::vector<std::string> proposals_;
  std::size_t proposal_index_ = 0;
  bool header_seen_ = false;
  std::optional<std::string> agreed_;
  varint_frame_reader reader_{multistream_message_max};
};

class multistream_listener {
public:
  // `supported` must outlive the negotiation.
  explicit multistream_listener(const std::vector<std::string>& supported)
      : supported_(&supported) {}

  result<void> receive(byte_view& in, bytes& out);
  const std::optional<std::string>& agreed() const { return agreed_; }

private:
  result<void> handle(std::string_view text, bytes& out);

  const std::vector<std::string>* supported_;
  std::size_t refusal_count_ = 0;
  bool header_seen_ = false;
  std::optional<std::string> agreed_;
  varint_frame_reader reader_{multistream_message_max};
};

} // namespace kith::libp2p
