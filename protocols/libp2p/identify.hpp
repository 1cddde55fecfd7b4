// /ipfs/id/1.0.0 (identify/README.md): what a peer speaks and where it listens, as one protobuf
// message with a varint length before it, after which the answering side closes.
#pragma once

#include "protocols/libp2p/multiaddr.hpp"
#include "protocols/libp2p/varint_frame.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kith::libp2p {

inline constexpr std::string_view identify_protocol = "/ipfs/id/1.0.0";
inline constexpr std::size_t identify_message_max = 64 << 10; // bytes of protobuf
inline constexpr std::size_t identify_protocols_max = 1000;
inline constexpr std::size_t identify_addrs_max = 256;
inline constexpr std::size_t identify_text_max = 1024; // of a version or a protocol's name

struct identify_message {
  bytes public_key; // the PublicKey message; empty if not sent
  std::vector<std::string> protocols;
  std::string agent_version;
  std::string protocol_version;
  std::vector<multiaddr> listen_addrs;
  std::optional<multiaddr> observed_addr;
};

bytes encode(const identify_message& m);
// Addresses of kinds we do not know are left out. Errors: malformed "bad_identify"; too_large
// "identify_too_large".
result<identify_message> decode_identify(byte_view b);

} // namespace kith::libp2p
