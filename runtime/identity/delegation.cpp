// What is signed and what is sent share their fields; the tag in front keeps a signature made here
// from meaning anything elsewhere.
#include "runtime/identity/delegation.hpp"

#include "runtime/identity/keys.hpp"

namespace kith {
namespace {

constexpr std::string_view domain = "kith.delegation";
constexpr std::uint8_t version = 1;

void put_text(bytes& out, const did& d) {
  put_varint(out, d.text().size());
  append(out, as_bytes(d.text()));
}

// Version, agent, node, epoch, expiry.
void put_fields(bytes& out, const delegation& d) {
  out.push_back(version);
  put_text(out, d.agent);
  put_text(out, d.node);
  put_u64(out, d.epoch);
  put_u64(out, std::uint64_t(d.expires));
}

} // namespace

delegation delegation::make(const secret_key& agent_key, const did& node, std::uint64_t epoch,
                            wall_ms expires) {
  delegation made;
  made.agent = agent_key.did();
  made.node = node;
  made.epoch = epoch;
  made.expires = expires;
  made.signature = agent_key.sign(made.to_sign());
  return made;
}

result<void> delegation::check_signature() const {
  if (verify_signature(agent, to_sign(), signature)) return {};
  return fail(errc::unauthenticated, "bad_delegation",
              "the delegation of " + agent.text() + " to " + node.text() +
                  " is not signed by that agent");
}

bytes delegation::to_sign() const {
  bytes out;
  out.reserve(domain.size() + encoded_size_max);
  append(out, as_bytes(domain));
  put_fields(out, *this);
  return out;
}

bytes delegation::encode() const {
  bytes out;
  put_fields(out, *this);
  append(out, signature);
  return out;
}

result<delegation> delegation::decode(byte_view b) {
  auto malformed = [](const char* why) { return fail(errc::malformed, "bad_delegation", why); };
  if (b.empty() || b.size() > encoded_size_max) return malformed("its size is out of bounds");
  if (b[0] != version)
    return fail(errc::unsupported, "delegation_version", "version " + std::to_string(b[0]));
  byte_reader in(b.subspan(1));
  auto agent = in.prefixed(did::size_max);
  auto node = in.prefixed(did::size_max);
  delegation out;
  out.epoch = in.u64();
  out.expires = wall_ms(in.u64());
  auto signature = in.take(out.signature.size());
  if (!in.ok() || !in.at_end()) return malformed("it is cut short or too long");
  if (out.epoch == 0 || out.expires < 0) return malformed("its epoch or expiry is out of range");
  KITH_ASSIGN(out.agent, did::parse(as_text(agent)));
  KITH_ASSIGN(out.node, did::parse(as_text(node)));
  std::memcpy(out.signature.data(), signature.data(), signature.size());
  return out;
}

} // namespace kith
