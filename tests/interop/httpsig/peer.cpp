// Kith's side of the httpsig interop test: a line of JSON in says what to sign or verify, a line
// out what came of it. Keys and the time come with the line, so that the other side decides about
// everything.
#include "protocols/httpsig/content_digest.hpp"
#include "protocols/httpsig/replay_cache.hpp"
#include "protocols/httpsig/sign.hpp"
#include "protocols/httpsig/verify.hpp"

#include <iostream>
#include <kith/json.hpp>

using namespace kith;
using namespace kith::httpsig;

namespace {

// A message as the line has it; the views point into the JSON value, which must outlive it.
struct message {
  std::vector<header_view> lines;
  message_view view;

  explicit message(const json& from) {
    const auto text = [&](const char* name) -> std::string_view {
      const auto* value = from.find(name);
      return value ? std::string_view(value->as_string()) : std::string_view();
    };
    view.method = text("method");
    view.scheme = text("scheme");
    view.authority = text("authority");
    view.path = text("path");
    view.body = as_bytes(text("body"));
    if (from.find("query")) view.query = text("query");
    if (const auto* status = from.find("status")) view.status = int(status->as_int());
    const auto& headers = from["headers"];
    for (std::size_t i = 0; i < headers.size(); ++i)
      lines.push_back({headers[i][0].as_string(), headers[i][1].as_string()});
    view.headers = lines;
  }
};

json failure(const error& e) {
  json out = json::object();
  out.set("error", e.code);
  out.set("context", e.context);
  return out;
}

crypto::ed25519_key key_of(const json& line) {
  auto seed = from_hex(line["seed"].as_string());
  byte_array<32> fixed{};
  if (seed && seed->size() == fixed.size()) std::copy(seed->begin(), seed->end(), fixed.begin());
  return crypto::ed25519_key::from_seed(fixed);
}

json do_key(const json& line) {
  const auto key = key_of(line);
  json out = json::object();
  out.set("keyid", did_key_url(key.public_key()));
  out.set("public", to_hex(key.public_key()));
  return out;
}

json do_digest(const json& line) {
  const auto algorithm = line["algorithm"].as_string() == "sha-512" ? digest_algorithm::sha512
                                                                    : digest_algorithm::sha256;
  json out = json::object();
  out.set("digest", make_content_digest(as_bytes(line["body"].as_string()), algorithm));
  return out;
}

json do_sign(const json& line) {
  const message m(line["message"]);
  message_view view = m.view;
  std::optional<message> request;
  if (const auto* asked = line.find("request")) {
    request.emplace(*asked);
    view.request = &request->view;
  }
  std::vector<component> covered;
  for (std::size_t i = 0; i < line["covered"].size(); ++i) {
    auto item = sf::parse_item(line["covered"][i].as_string());
    if (!item) return failure(item.error());
    auto read = component::from(*item);
    if (!read) return failure(read.error());
    covered.push_back(*std::move(read));
  }
  const auto key = key_of(line);
  signature_params params;
  params.keyid = did_key_url(key.public_key());
  if (const auto* v = line.find("created")) params.created = v->as_int();
  if (const auto* v = line.find("expires")) params.expires = v->as_int();
  if (const auto* v = line.find("alg")) params.alg = v->as_string();
  if (const auto* v = line.find("nonce")) params.nonce = v->as_string();
  if (const auto* v = line.find("tag")) params.tag = v->as_string();
  auto fields = sign(view, line["label"].as_string(), covered, params, ed25519_signer(key));
  if (!fields) return failure(fields.error());
  json out = json::object();
  out.set("signature-input", fields->signature_input);
  out.set("signature", fields->signature);
  return out;
}

json do_verify(const json& line, replay_cache& cache) {
  const message m(line["message"]);
  verify_policy policy;
  if (const auto* tag = line.find("tag")) policy.tag = tag->as_string();
  const auto now = line["now"].as_int();
  auto verified = verify(m.view, policy, now, resolve_did_key);
  if (!verified) return failure(verified.error());
  if (auto fresh = check_replay(cache, *verified, now); !fresh) return failure(fresh.error());
  json out = json::object(), covered = json::array();
  for (const auto& c : verified->covered()) covered.push_back(c.identifier().value_or(c.name()));
  out.set("keyid", verified->keyid());
  out.set("label", verified->label());
  out.set("created", verified->created());
  out.set("nonce", verified->nonce() ? json(*verified->nonce()) : json());
  out.set("covered", std::move(covered));
  return out;
}

json answer(const std::string& text, replay_cache& cache) {
  auto line = json::parse(text);
  if (!line) return failure(line.error());
  const auto& what = (*line)["do"].as_string();
  if (what == "key") return do_key(*line);
  if (what == "digest") return do_digest(*line);
  if (what == "sign") return do_sign(*line);
  if (what == "verify") return do_verify(*line, cache);
  return failure({errc::invalid, "unknown_verb", what});
}

} // namespace

int main() {
  system_random chance;
  replay_cache cache({}, chance);
  for (std::string text; std::getline(std::cin, text);) {
    try {
      std::cout << answer(text, cache).dump() << std::endl;
    } catch (const json_error& e) {
      std::cout << failure({errc::invalid, "bad_line", e.what()}).dump() << std::endl;
    }
  }
}
