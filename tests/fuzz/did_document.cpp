// Any bytes as a DID document: what is read can be written, reads the same again, and is served in
// every form as JSON.
#include "protocols/did/accept.hpp"
#include "protocols/did/resolution.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::dids;

static void check(bool ok) {
  if (!ok) std::abort();
}

static void check_method(const document& doc, const verification_method& m) {
  check(m.id.starts_with(doc.id + "#"));
  check(doc.find(m.id) == &m);
  if (!m.key) return;
  check(public_key::from_multibase(m.key->multibase()).value() == *m.key);
  check(public_key::from_jwk(m.key->jwk()).value() == *m.key);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = as_text({data, size});
  if (auto t = parse_datetime(text)) check(parse_datetime(format_datetime(*t)).has_value());
  auto value = json::parse(text);
  auto doc = document::parse(text);
  check(!doc || value);
  if (!doc) return 0;
  for (const auto& m : doc->methods) check_method(*doc, m);
  for (const auto& list : doc->relations)
    for (const auto& ref : list)
      if (const auto* m = std::get_if<verification_method>(&ref)) check_method(*doc, *m);
  // Once it was written by us, nothing about it changes any more.
  auto ours = document::from_json(doc->to_json()).value();
  check(document::from_json(ours.to_json()).value() == ours);
  auto served = resolved_foreign(*doc, *value);
  for (int i = 0; i <= int(representation::result_ld); ++i) {
    auto sent = respond(served, media_type_of(representation(i)));
    check(sent.status == 200 && sent.content_type == media_type_of(representation(i)));
    check(json::parse(sent.body).has_value());
  }
  return 0;
}
