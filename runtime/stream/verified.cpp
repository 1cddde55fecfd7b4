#include "runtime/stream/verified.hpp"

#include "runtime/identity/keys.hpp"

namespace kith {

bytes signed_head::to_sign(const stream_id& stream, sequence seq, const digest& last) {
  static constexpr std::string_view tag = "kith stream head v1";
  bytes out;
  out.reserve(tag.size() + stream.from.text().size() + stream.to.text().size() + 64);
  append(out, as_bytes(tag));
  for (const auto* d : {&stream.from, &stream.to}) {
    put_varint(out, d->text().size());
    append(out, as_bytes(d->text()));
  }
  out.push_back(std::uint8_t(stream.lane));
  put_u64(out, stream.incarnation);
  put_u64(out, seq);
  append(out, last);
  return out;
}

result<void> verifier::accept(const delegation& d, wall_ms now, epoch epoch_floor) {
  if (d.node != peer_)
    return fail(errc::unauthenticated, "bad_delegation",
                d.agent.text() + " delegated to another node");
  if (d.expires <= now) return fail(errc::unauthenticated, "delegation_expired", d.agent.text());
  auto held = delegations_.find(d.agent);
  if (d.epoch < epoch_floor || (held != delegations_.end() && d.epoch < held->second.epoch))
    return fail(errc::conflict, "stale_epoch",
                d.agent.text() + " has moved on from epoch " + std::to_string(d.epoch));
  if (held == delegations_.end() && delegations_.size() >= delegations_max)
    return fail(errc::too_large, "too_many_delegations", "from " + peer_.text());
  KITH_TRY(d.check_signature());
  if (held == delegations_.end())
    delegations_.emplace(d.agent, d);
  else if (d.epoch > held->second.epoch || d.expires > held->second.expires)
    held->second = d;
  return {};
}

void verifier::raise_floor(const did& agent, epoch floor) {
  auto held = delegations_.find(agent);
  if (held != delegations_.end() && held->second.epoch < floor) delegations_.erase(held);
}

const delegation* verifier::find(const did& agent) const {
  auto held = delegations_.find(agent);
  return held == delegations_.end() ? nullptr : &held->second;
}

result<verified_envelope> verifier::verify(const stream_id& stream, envelope e, wall_ms now) const {
  if (e.from() != stream.from.text() || e.to() != stream.to.text() || e.lane() != stream.lane ||
      e.incarnation() != stream.incarnation)
    return fail(errc::malformed, "wrong_stream", e.id().text() + " is not of " + stream.text());
  if (stream.from != peer_) {
    const auto* held = find(stream.from);
    if (!held)
      return fail(errc::unauthenticated, "no_delegation",
                  stream.from.text() + " did not delegate to " + peer_.text());
    if (held->expires <= now)
      return fail(errc::unauthenticated, "delegation_expired", stream.from.text());
  }
  auto d = is_chained(e.qos()) ? e.hash() : digest{};
  return verified_envelope(std::move(e), d, vouched::delegation);
}

result<void> verifier::verify_head(const stream_id& stream, const signed_head& head) const {
  if (!verify_signature(stream.from, signed_head::to_sign(stream, head.seq, head.last),
                        head.signature))
    return fail(errc::unauthenticated, "bad_head_signature", stream.text());
  return {};
}

} // namespace kith
