// Any bytes as identify's message, as a multiaddr and as a peer id, and any text as the latter two:
// never a crash, and what was read is the same once written and read again.
#include "protocols/libp2p/identify.hpp"
#include "protocols/libp2p/peer_id.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::libp2p;

static void check(bool ok) {
  if (!ok) std::abort();
}

static void check_addr(const multiaddr& a) {
  auto again = multiaddr::decode(a.encode());
  check(again && *again == a);
  auto text = a.text();
  if (text.size() > multiaddr::size_max)
    return; // a text may be longer than the bytes that it stands for
  again = multiaddr::parse(text);
  check(again && *again == a);
  (void)a.host();
  (void)a.tcp_port();
  (void)a.peer_text();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_view in(data, size);
  if (auto m = decode_identify(in)) {
    auto again = decode_identify(encode(*m));
    if (again) {
      check(again->protocols == m->protocols && again->listen_addrs == m->listen_addrs);
      check(again->observed_addr == m->observed_addr && again->agent_version == m->agent_version);
    }
    for (auto& a : m->listen_addrs) check_addr(a);
  }
  if (auto a = multiaddr::decode(in)) check_addr(*a);
  if (auto a = multiaddr::parse(as_text(in))) check_addr(*a);
  for (auto id : {peer_id::from_multihash(in), peer_id::parse(as_text(in))})
    if (id) {
      auto again = peer_id::parse(id->text());
      check(again && *again == *id);
      if (auto d = id->to_did()) check(*peer_id::from_did(*d) == *id);
    }
  (void)parse_public_key_message(in);
  return 0;
}
