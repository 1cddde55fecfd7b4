// See multiaddr.hpp. Codes and value sizes are those of multiformats/multiaddr protocols.csv.
#include "protocols/libp2p/multiaddr.hpp"

#include "protocols/libp2p/peer_id.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace kith::libp2p {

using protocol = multiaddr::protocol;

namespace {

enum class shape : std::uint8_t { fixed, prefixed, none };
struct protocol_row {
  protocol code;
  std::string_view name;
  shape form;
  std::size_t size; // of a fixed value; the most of a prefixed one
};
constexpr std::size_t host_size_max = 253; // RFC 1035, without the root's dot
constexpr protocol_row rows[] = {
    {protocol::ip4, "ip4", shape::fixed, 4},
    {protocol::tcp, "tcp", shape::fixed, 2},
    {protocol::ip6, "ip6", shape::fixed, 16},
    {protocol::dns, "dns", shape::prefixed, host_size_max},
    {protocol::dns4, "dns4", shape::prefixed, host_size_max},
    {protocol::dns6, "dns6", shape::prefixed, host_size_max},
    {protocol::p2p, "p2p", shape::prefixed, peer_id::multihash_size_max},
    {protocol::ws, "ws", shape::none, 0},
    {protocol::wss, "wss", shape::none, 0},
};

const protocol_row* find_row(std::string_view name) {
  if (name == "ipfs") name = "p2p"; // its name before 2019
  auto it = std::find_if(std::begin(rows), std::end(rows), [&](auto& r) { return r.name == name; });
  return it == std::end(rows) ? nullptr : it;
}
const protocol_row* find_row(std::uint64_t code) {
  auto it = std::find_if(std::begin(rows), std::end(rows),
                         [&](auto& r) { return std::uint64_t(r.code) == code; });
  return it == std::end(rows) ? nullptr : it;
}

auto bad(std::string why) { return fail(errc::malformed, "bad_multiaddr", std::move(why)); }

bool is_name_of_host(byte_view value) {
  return !value.empty() && value.size() <= host_size_max &&
         std::all_of(value.begin(), value.end(),
                     [](auto c) { return c > 0x20 && c < 0x7f && c != '/'; });
}

result<bytes> value_of_text(protocol code, std::string_view text) {
  std::string copy(text); // inet_pton wants a terminated one
  bytes value;
  switch (code) {
  case protocol::ip4:
    value.resize(4);
    if (inet_pton(AF_INET, copy.c_str(), value.data()) != 1)
      return bad("not an IPv4 address: " + copy);
    return value;
  case protocol::ip6:
    value.resize(16);
    if (inet_pton(AF_INET6, copy.c_str(), value.data()) != 1)
      return bad("not an IPv6 address: " + copy);
    return value;
  case protocol::tcp: {
    std::uint16_t port = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || end != text.data() + text.size()) return bad("not a port: " + copy);
    put_u16(value, port);
    return value;
  }
  case protocol::p2p: {
    KITH_ASSIGN(auto id, peer_id::parse(text));
    return to_bytes(id.multihash());
  }
  default: return to_bytes(as_bytes(text));
  }
}

std::string text_of_value(protocol code, byte_view value) {
  char buffer[INET6_ADDRSTRLEN] = {};
  switch (code) {
  case protocol::ip4: return inet_ntop(AF_INET, value.data(), buffer, sizeof buffer);
  case protocol::ip6: return inet_ntop(AF_INET6, value.data(), buffer, sizeof buffer);
  case protocol::tcp: return std::to_string(get_u16(value.data()));
  case protocol::p2p: return peer_id::from_multihash(value)->text(); // checked when it was added
  default: return std::string(as_text(value));
  }
}

} // namespace

result<void> multiaddr::add(protocol code, bytes value) {
  if (parts_.size() == parts_max) return bad("more than " + std::to_string(parts_max) + " parts");
  auto is_name = code == protocol::dns || code == protocol::dns4 || code == protocol::dns6;
  if (is_name && !is_name_of_host(value)) return bad("not a host name");
  if (code == protocol::p2p) KITH_TRY(peer_id::from_multihash(value));
  parts_.push_back({code, std::move(value)});
  return {};
}

result<multiaddr> multiaddr::parse(std::string_view text) {
  if (text.size() > size_max) return bad("too long");
  multiaddr out;
  auto next = [&]() -> std::optional<std::string_view> {
    if (text.empty() || text.front() != '/') return std::nullopt;
    text.remove_prefix(1);
    auto word = text.substr(0, text.find('/'));
    text.remove_prefix(word.size());
    return word;
  };
  while (!text.empty()) {
    auto name = next();
    if (!name) return bad("must begin with a slash");
    auto* row = find_row(*name);
    if (row == nullptr) return fail(errc::unsupported, "multiaddr_protocol", std::string(*name));
    bytes value;
    if (row->form != shape::none) {
      auto word = next();
      if (!word) return bad(std::string(*name) + " without a value");
      KITH_ASSIGN(value, value_of_text(row->code, *word));
    }
    KITH_TRY(out.add(row->code, std::move(value)));
  }
  if (out.empty()) return bad("empty");
  return out;
}

result<multiaddr> multiaddr::decode(byte_view encoded) {
  if (encoded.size() > size_max) return bad("too long");
  byte_reader in(encoded);
  multiaddr out;
  while (in.ok() && !in.at_end()) {
    auto code = in.varint();
    if (!in.ok()) break;
    auto* row = find_row(code);
    if (row == nullptr) return fail(errc::unsupported, "multiaddr_protocol", std::to_string(code));
    byte_view value;
    if (row->form == shape::fixed) value = in.take(row->size);
    if (row->form == shape::prefixed) value = in.prefixed(row->size);
    if (!in.ok()) break;
    KITH_TRY(out.add(row->code, to_bytes(value)));
  }
  if (!in.ok()) return bad("cut short");
  if (out.empty()) return bad("empty");
  return out;
}

result<multiaddr> multiaddr::tcp(std::string_view host, std::uint16_t port) {
  multiaddr out;
  auto code = protocol::ip4;
  auto value = value_of_text(code, host);
  if (!value) value = value_of_text(code = protocol::ip6, host);
  if (!value) value = value_of_text(code = protocol::dns, host);
  KITH_TRY(out.add(code, std::move(*value)));
  bytes port_value;
  put_u16(port_value, port);
  KITH_TRY(out.add(protocol::tcp, std::move(port_value)));
  return out;
}

std::string multiaddr::text() const {
  std::string out;
  for (auto& p : parts_) {
    auto* row = find_row(std::uint64_t(p.code));
    out.append("/").append(row->name);
    if (row->form != shape::none) out.append("/").append(text_of_value(p.code, p.value));
  }
  return out;
}

bytes multiaddr::encode() const {
  bytes out;
  for (auto& p : parts_) {
    put_varint(out, std::uint64_t(p.code));
    if (find_row(std::uint64_t(p.code))->form == shape::prefixed) put_varint(out, p.value.size());
    append(out, p.value);
  }
  return out;
}

std::optional<std::string> multiaddr::host() const {
  for (auto& p : parts_)
    if (p.code == protocol::ip4 || p.code == protocol::ip6 || p.code == protocol::dns ||
        p.code == protocol::dns4 || p.code == protocol::dns6)
      return text_of_value(p.code, p.value);
  return std::nullopt;
}

std::optional<std::uint16_t> multiaddr::tcp_port() const {
  for (auto& p : parts_)
    if (p.code == protocol::tcp) return get_u16(p.value.data());
  return std::nullopt;
}

std::optional<std::string> multiaddr::peer_text() const {
  for (auto& p : parts_)
    if (p.code == protocol::p2p) return text_of_value(p.code, p.value);
  return std::nullopt;
}

} // namespace kith::libp2p
