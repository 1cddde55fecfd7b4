// Any text as a request (method, scheme, authority, path, query, each a line; header lines; an
// empty line; the body): reading, verifying and signing it never crash; what verifies was signed by
// the key that it names over the base that we make; and what we sign, we verify.
#include "protocols/httpsig/replay_cache.hpp"
#include "protocols/httpsig/sign.hpp"
#include "protocols/httpsig/verify.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::httpsig;

namespace {

constexpr unix_seconds now = 1'700'000'000;

void check(bool ok) {
  if (!ok) std::abort();
}

struct request {
  std::vector<header_view> lines;
  message_view view;
};

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

request read(std::string_view rest) {
  request out;
  for (auto* part : {&out.view.method, &out.view.scheme, &out.view.authority, &out.view.path})
    *part = take_line(rest);
  if (const auto query = take_line(rest); !query.empty()) out.view.query = query.substr(1);
  while (true) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    const auto colon = line.find(':');
    out.lines.push_back(
        {line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
  }
  out.view.headers = out.lines;
  out.view.body = as_bytes(rest);
  return out;
}

void check_verified(const message_view& message, const verified_request& verified) {
  const auto all = read_signatures(message);
  check(all.has_value());
  for (const auto& s : *all) {
    if (s.label != verified.label()) continue;
    const auto base = signature_base(message, s.input);
    check(base && s.params.keyid == verified.keyid());
    check(algorithms()[0].verify(verified.key(), as_bytes(*base), s.signature));
    return;
  }
  check(false);
}

// Signs what the message asks to be signed, with our key, and verifies it.
void sign_again(request& r) {
  const auto claims = read_signatures(r.view);
  if (!claims) return;
  std::vector<header_view> kept;
  for (const auto& line : r.lines)
    if (const auto name = to_lower(line.name); name != "signature" && name != "signature-input")
      kept.push_back(line);
  r.view.headers = kept;
  const auto key = crypto::ed25519_key::from_seed(byte_array<32>{1});
  auto params = claims->front().params;
  params.created = now;
  params.expires.reset();
  params.alg.reset();
  params.keyid = did_key_url(key.public_key());
  const auto fields =
      sign(r.view, claims->front().label, claims->front().covered, params, ed25519_signer(key));
  if (!fields || fields->signature_input.size() > signature_field_size_max) return;
  kept.push_back({"Signature-Input", fields->signature_input});
  kept.push_back({"Signature", fields->signature});
  r.view.headers = kept;
  verify_policy policy;
  policy.required.clear();
  policy.digest_required = false;
  const auto verified = verify(r.view, policy, now, resolve_did_key);
  check(verified && verified->covered() == claims->front().covered);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto r = read(as_text({data, size}));
  static seeded_random chance(1);
  replay_cache cache({.count_max = 2, .window_max = 400}, chance);
  if (auto verified = verify(r.view, {}, now, resolve_did_key)) {
    check_verified(r.view, *verified);
    check(verified->covers("@method"));
    check(check_replay(cache, *verified, now).has_value());
    check(!check_replay(cache, *verified, now));
  }
  (void)wanted_keyids(r.view, {}, now);
  sign_again(r);
  return 0;
}
