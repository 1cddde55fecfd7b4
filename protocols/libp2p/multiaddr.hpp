// Self-describing network addresses (https://github.com/multiformats/multiaddr): a chain of
// (protocol, value) parts, as text "/ip4/127.0.0.1/tcp/4001/p2p/12D3Koo..." and as bytes.
#pragma once

#include "runtime/base/bytes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kith::libp2p {

class multiaddr {
public:
  static constexpr std::size_t size_max = 1024; // bytes, encoded
  static constexpr std::size_t parts_max = 16;

  // Codes of the multiformats table.
  enum class protocol : std::uint32_t {
    ip4 = 4,
    tcp = 6,
    ip6 = 41,
    dns = 53,
    dns4 = 54,
    dns6 = 55,
    p2p = 421,
    ws = 477,
    wss = 478
  };
  struct part {
    protocol code;
    bytes value; // as encoded, without a length prefix
    bool operator==(const part&) const = default;
  };

  multiaddr() = default;
  // Errors: malformed "bad_multiaddr"; unsupported "multiaddr_protocol".
  static result<multiaddr> parse(std::string_view text);
  static result<multiaddr> decode(byte_view encoded);
  // "/ip4/<host>/tcp/<port>", or ip6, or dns for what is no numeric address. Errors as parse().
  static result<multiaddr> tcp(std::string_view host, std::uint16_t port);

  std::string text() const;
  bytes encode() const;
  const std::vector<part>& parts() const { return parts_; }
  bool empty() const { return parts_.empty(); }
  // The first of "host" (an address or a name) and the first TCP port, as a resolver wants them.
  std::optional<std::string> host() const;
  std::optional<std::uint16_t> tcp_port() const;
  // The text of the peer id in it.
  std::optional<std::string> peer_text() const;

  bool operator==(const multiaddr&) const = default;

private:
  result<void> add(protocol code, bytes value);

  std::vector<part> parts_;
};

} // namespace kith::libp2p
