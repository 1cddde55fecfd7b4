// See identify.hpp.
#include "protocols/libp2p/identify.hpp"

#include "protocols/libp2p/messages.pb.h"

namespace kith::libp2p {

bytes encode(const identify_message& m) {
  wire::Identify out;
  auto encoded = [](const multiaddr& a) { return std::string(as_text(a.encode())); };
  if (!m.public_key.empty()) out.set_publickey(std::string(as_text(m.public_key)));
  for (auto& a : m.listen_addrs) out.add_listenaddrs(encoded(a));
  for (auto& p : m.protocols) out.add_protocols(p);
  if (m.observed_addr) out.set_observedaddr(encoded(*m.observed_addr));
  out.set_protocolversion(m.protocol_version);
  out.set_agentversion(m.agent_version);
  return to_bytes(as_bytes(out.SerializeAsString()));
}

static tl::unexpected<error> too_large(const char* what) {
  return fail(errc::too_large, "identify_too_large", what);
}

result<identify_message> decode_identify(byte_view b) {
  if (b.size() > identify_message_max) return too_large("more than 64 KiB");
  wire::Identify in;
  if (!in.ParseFromArray(b.data(), int(b.size())))
    return fail(errc::malformed, "bad_identify", "not an Identify");
  if (std::size_t(in.protocols_size()) > identify_protocols_max)
    return too_large("too many protocols");
  if (std::size_t(in.listenaddrs_size()) > identify_addrs_max)
    return too_large("too many addresses");
  if (in.agentversion().size() > identify_text_max ||
      in.protocolversion().size() > identify_text_max)
    return too_large("a version is too long");
  identify_message m;
  m.public_key = to_bytes(as_bytes(in.publickey()));
  m.agent_version = in.agentversion();
  m.protocol_version = in.protocolversion();
  for (auto& p : in.protocols()) {
    if (p.size() > identify_text_max) return too_large("a protocol's name is too long");
    m.protocols.push_back(p);
  }
  for (auto& encoded : in.listenaddrs())
    if (auto a = multiaddr::decode(as_bytes(encoded))) m.listen_addrs.push_back(std::move(*a));
  if (in.has_observedaddr())
    if (auto a = multiaddr::decode(as_bytes(in.observedaddr()))) m.observed_addr = std::move(*a);
  return m;
}

} // namespace kith::libp2p
