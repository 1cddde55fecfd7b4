#include "actors/edge/message_json.hpp"

#include "runtime/base/base64.hpp"
#include "runtime/stream/text.hpp"

#include <algorithm>
#include <kith/payload.hpp>

namespace kith::edge {

namespace {

error bad(std::string_view member, std::string_view expected) {
  return {errc::invalid, "bad_message",
          "\"" + std::string(member) + "\" must be " + std::string(expected)};
}

// The member as a string; nullptr if it is not there.
result<const std::string*> text_of(const json& o, std::string_view name) {
  const auto* v = o.find(name);
  if (v == nullptr || v->is_null()) return nullptr;
  if (!v->is_string()) return fail(bad(name, "a string"));
  return &v->as_string();
}

result<std::int64_t> number_of(const json& o, std::string_view name, std::int64_t otherwise) {
  const auto* v = o.find(name);
  if (v == nullptr || v->is_null()) return otherwise;
  if (v->type() != json::type::integer || v->as_int() < 0)
    return fail(bad(name, "a whole number, not negative"));
  return v->as_int();
}

result<uuid> id_of(const json& o, std::string_view name) {
  KITH_ASSIGN(const auto* text, text_of(o, name));
  if (text == nullptr) return uuid{};
  auto id = uuid::parse(*text);
  if (!id || id->is_nil()) return fail(bad(name, "a UUID"));
  return *id;
}

result<void> read_payload(const json& o, ingress& in) {
  KITH_ASSIGN(const auto* type, text_of(o, "content_type"));
  KITH_ASSIGN(const auto* text, text_of(o, "text"));
  KITH_ASSIGN(const auto* base64, text_of(o, "base64"));
  const auto* value = o.find("json");
  if ((text != nullptr) + (base64 != nullptr) + (value != nullptr) > 1)
    return fail(errc::invalid, "bad_message", "the payload is one of text, json and base64");
  if (text != nullptr) {
    in.content_type = text_type;
    in.payload = *text;
  } else if (base64 != nullptr) {
    auto decoded = from_base64(*base64);
    if (!decoded) return fail(bad("base64", "base64 (RFC 4648 section 4)"));
    in.content_type = bytes_type;
    in.payload = std::move(*decoded);
  } else if (value != nullptr) {
    in.content_type = json_type;
    in.payload = value->dump();
  }
  if (type != nullptr) in.content_type = *type;
  return {};
}

} // namespace

result<json> read_object(byte_view body, std::initializer_list<std::string_view> members) {
  KITH_ASSIGN(auto o, json::parse(as_text(body)));
  if (!o.is_object()) return fail(errc::invalid, "bad_message", "the body is a JSON object");
  for (std::size_t i = 0; i < o.size(); ++i)
    if (std::find(members.begin(), members.end(), o.name_at(i)) == members.end())
      return fail(errc::invalid, "bad_message",
                  "there is no member \"" + clean_text(o.name_at(i), 64) + "\" here");
  return o;
}

result<wanted_message> read_message(byte_view body, std::size_t payload_size_max) {
  KITH_ASSIGN(auto o, read_object(body, {"id", "from", "to", "kind", "content_type", "text", "json",
                                         "base64", "created", "ttl_ms", "qos", "wants_answer",
                                         "in_reply_to", "signature"}));
  wanted_message m;
  auto& in = m.what;
  KITH_ASSIGN(const auto* to, text_of(o, "to"));
  if (to == nullptr) return fail(bad("to", "a DID or the name of an agent"));
  m.to = *to;
  KITH_ASSIGN(const auto* from, text_of(o, "from"));
  if (from != nullptr) m.from = *from;
  KITH_ASSIGN(const auto* kind, text_of(o, "kind"));
  if (kind == nullptr) return fail(bad("kind", "a string"));
  in.kind = *kind;
  KITH_TRY(read_payload(o, in));
  if (in.payload.size() > payload_size_max)
    return fail(errc::too_large, "payload_too_large",
                "a payload is at most " + std::to_string(payload_size_max) + " bytes");
  KITH_ASSIGN(in.id, id_of(o, "id"));
  KITH_ASSIGN(in.correlation, id_of(o, "in_reply_to"));
  KITH_ASSIGN(in.created, number_of(o, "created", 0));
  KITH_ASSIGN(auto ttl, number_of(o, "ttl_ms", 0));
  in.time_to_live_ms = std::uint64_t(ttl);
  KITH_ASSIGN(auto quality, number_of(o, "qos", 2));
  if (quality > std::int64_t(qos::exactly_once)) return fail(bad("qos", "0, 1 or 2"));
  in.quality = qos(quality);
  if (const auto* wants = o.find("wants_answer")) {
    if (wants->type() != json::type::boolean) return fail(bad("wants_answer", "true or false"));
    in.wants_answer = wants->as_bool();
  }
  in.timeout_ms = in.time_to_live_ms; // nobody here waits for the answer
  KITH_ASSIGN(const auto* signature, text_of(o, "signature"));
  if (signature != nullptr) {
    auto raw = from_base64(*signature);
    if (!raw || raw->size() != in.signature.size())
      return fail(bad("signature", "64 bytes in base64"));
    std::copy(raw->begin(), raw->end(), in.signature.begin());
  }
  return m;
}

json message_json(const envelope& e, sequence position) {
  auto o = json::object();
  if (position != 0) o.set("position", position);
  o.set("id", e.id().text());
  o.set("from", e.from());
  o.set("to", e.to());
  o.set("kind", e.kind());
  o.set("created", e.created());
  o.set("content_type", e.content_type());
  auto payload = as_text(e.payload());
  if (e.content_type() != bytes_type && is_utf8(payload))
    o.set("text", payload);
  else
    o.set("base64", to_base64(e.payload()));
  if (e.wants_answer()) o.set("wants_answer", true);
  if (!e.correlation().is_nil()) o.set("in_reply_to", e.correlation().text());
  switch (e.status()) {
  case answer_status::none: break;
  case answer_status::ok: o.set("status", "ok"); break;
  case answer_status::refused: o.set("status", "refused"); break;
  case answer_status::expired: o.set("status", "expired"); break;
  case answer_status::dead: o.set("status", "dead"); break;
  }
  if (e.time_to_live_ms() != 0) o.set("ttl_ms", e.time_to_live_ms());
  if (e.qos() != qos::exactly_once) o.set("qos", std::int64_t(e.qos()));
  if (e.signature() != byte_array<64>{}) o.set("signature", to_base64(e.signature()));
  return o;
}

} // namespace kith::edge
