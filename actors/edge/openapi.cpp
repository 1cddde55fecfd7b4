// The description of the API (OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0), made from the
// routes.
#include "actors/edge/routes.hpp"

namespace kith::edge {

namespace {

// JSON Schema (2020-12) of what goes in and out.
constexpr std::string_view schemas = R"({
  "Problem": {"type": "object", "description": "RFC 9457",
    "required": ["title", "status"],
    "properties": {"type": {"type": "string"}, "title": {"type": "string"},
      "status": {"type": "integer"}, "detail": {"type": "string"},
      "code": {"type": "string", "description": "stable, for programs"}}},
  "Send": {"type": "object", "required": ["to", "kind"],
    "description": "A signer outside of any node gives id, created and signature; the payload is one of text, json, base64.",
    "properties": {
      "id": {"type": "string", "format": "uuid", 
        "description": "a UUIDv7 of the last 24 hours; the same id again is the same message"},
      "from": {"type": "string", 
        "description": "whom the caller acts as; the signer itself if it is not given"},
      "to": {"type": "string",
        "description": "a DID, or the name of an agent"},
      "kind": {"type": "string"},
      "content_type": {"type": "string"},
      "text": {"type": "string"}, "json": {}, "base64": {"type": "string"},
      "created": {"type": "integer", "description": "milliseconds since the Unix epoch"},
      "ttl_ms": {"type": "integer", "minimum": 0},
      "qos": {"type": "integer", "enum": [0, 2]},
      "wants_answer": {"type": "boolean",
        "description": "the answer comes into the sender's mailbox"},
      "in_reply_to": {"type": "string", "format": "uuid"},
      "signature": {"type": "string",
        "description": "base64, Ed25519 over the signed content of the message"}}},
  "Accepted": {"type": "object", "required": ["id", "duplicate"],
    "properties": {"id": {"type": "string", "format": "uuid"}, "duplicate": {"type": "boolean"}}},
  "Message": {"type": "object", "required": ["position", "id", "from", "to", "kind", "created"],
    "properties": {"position": {"type": "integer"}, "id": {"type": "string", "format": "uuid"},
      "from": {"type": "string"}, "to": {"type": "string"}, "kind": {"type": "string"},
      "content_type": {"type": "string"}, "text": {"type": "string"}, "base64": {"type": "string"},
      "created": {"type": "integer"}, "wants_answer": {"type": "boolean"},
      "in_reply_to": {"type": "string", "format": "uuid"},
      "status": {"type": "string", "enum": ["ok", "refused", "expired", "dead"]},
      "signature": {"type": "string"}}},
  "Pending": {"type": "object", "required": ["messages", "newest", "acked"],
    "properties": {"messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
      "newest": {"type": "integer"}, "acked": {"type": "integer"}}},
  "Ack": {"type": "object", "required": ["upto"],
    "properties": {"upto": {"type": "integer", "minimum": 0}}},
  "Acked": {"type": "object", "required": ["acked"], "properties": {"acked": {"type": "integer"}}},
  "Register": {"type": "object", "required": ["delegation"],
    "properties": {"delegation": {"type": "string", "description": "base64: the DID's own word that this node speaks for it"}}},
  "Mailbox": {"type": "object", "required": ["did", "node", "epoch", "expires"],
    "properties": {"did": {"type": "string"}, "node": {"type": "string"}, "epoch": {"type": "integer"},
      "expires": {"type": "integer"}}},
  "History": {"type": "object", "required": ["id", "history"],
    "properties": {"id": {"type": "string"}, "history": {"type": "array", "items": {"type": "object"}}}},
  "Agent": {"type": "object", "required": ["did", "node", "type"],
    "properties": {"did": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"},
      "node": {"type": "string"},
      "capabilities": {"type": "array", "items": {"type": "object"}}}},
  "Agents": {"type": "object", "required": ["agents"],
    "properties": {"agents": {"type": "array", "items": {"$ref": "#/components/schemas/Agent"}}}},
  "Node": {"type": "object", "required": ["node", "now"],
    "properties": {"node": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "string"},
      "now": {"type": "integer"}}},
  "Health": {"type": "object", "required": ["status"],
    "properties": {"status": {"type": "string"}, "why": {"type": "string"}}}
})";

// "/agents/{name}" has no "..." in OpenAPI.
std::string path_of(std::string_view pattern) {
  std::string path(pattern);
  if (auto at = path.find("...}"); at != std::string::npos) path.erase(at, 3);
  return path;
}

json parameters_of(const route& r) {
  auto all = json::array();
  for (std::string_view rest = r.pattern; rest.find('{') != std::string_view::npos;) {
    rest.remove_prefix(rest.find('{') + 1);
    auto name = rest.substr(0, rest.find('}'));
    if (name.ends_with("...")) name.remove_suffix(3);
    auto p = json::object();
    p.set("name", name), p.set("in", "path"), p.set("required", true);
    auto schema = json::object();
    schema.set("type", "string");
    p.set("schema", schema);
    all.push_back(p);
  }
  for (const auto& q : r.query) {
    auto p = json::object();
    p.set("name", q.name), p.set("in", "query"), p.set("required", false);
    p.set("description", q.about);
    auto schema = json::object();
    schema.set("type", q.type);
    p.set("schema", schema);
    all.push_back(p);
  }
  return all;
}

json content(std::string_view types, std::string_view schema) {
  auto media = json::object(), of = json::object(), all = json::object();
  if (!schema.empty()) {
    of.set("$ref", "#/components/schemas/" + std::string(schema));
    media.set("schema", of);
  }
  for (;;) {
    auto comma = types.find(',');
    all.set(types.substr(0, comma), media);
    if (comma == std::string_view::npos) return all;
    types.remove_prefix(comma + 1);
  }
}

json operation_of(const route& r) {
  auto op = json::object();
  op.set("operationId", r.name);
  op.set("summary", r.summary);
  op.set("parameters", parameters_of(r));
  if (!r.body_schema.empty()) {
    auto body = json::object();
    body.set("required", true);
    body.set("content", content("application/json", r.body_schema));
    op.set("requestBody", body);
  }
  auto responses = json::object();
  for (const auto& o : r.outcomes) {
    auto one = json::object();
    one.set("description", o.about);
    if (!o.content_type.empty())
      one.set("content", content(o.content_type, o.schema));
    else if (o.status >= 400)
      one.set("content", content("application/problem+json", "Problem"));
    responses.set(std::to_string(o.status), one);
  }
  op.set("responses", responses);
  auto security = json::array();
  auto none = json::array();
  auto may = [&](const char* scheme) {
    auto one = json::object();
    one.set(scheme, none);
    security.push_back(one);
  };
  if (r.needs == need::known) may("signature");
  if (r.needs != need::nothing) may("operator");
  if (r.needs == need::loopback) security.push_back(json::object());
  op.set("security", security);
  return op;
}

} // namespace

json openapi(const routes& all, std::string_view version, std::string_view server_url) {
  auto doc = json::object(), info = json::object(), server = json::object();
  doc.set("openapi", "3.1.0");
  info.set("title", "Kith"), info.set("version", version);
  info.set("description", "The edge of a Kith node: mailboxes, agents, DID resolution.");
  doc.set("info", info);
  server.set("url", server_url);
  auto servers = json::array();
  servers.push_back(server);
  doc.set("servers", servers);
  auto paths = json::object();
  for (const auto& r : all.all()) {
    auto path = path_of(r.pattern);
    auto item = paths.find(path) != nullptr ? *paths.find(path) : json::object();
    std::string method(r.method);
    for (auto& c : method) c = char(std::tolower(static_cast<unsigned char>(c)));
    item.set(method, operation_of(r));
    paths.set(path, item);
  }
  doc.set("paths", paths);
  auto components = json::object(), security = json::object();
  components.set("schemas", json::parse(schemas).value());
  auto signature = json::object(), token = json::object();
  signature.set("type", "apiKey"), signature.set("in", "header"),
      signature.set("name", "Signature");
  signature.set("description",
                "HTTP Message Signatures (RFC 9421), Ed25519, keyid is the signer's did:key");
  token.set("type", "http"), token.set("scheme", "bearer");
  security.set("signature", signature), security.set("operator", token);
  components.set("securitySchemes", security);
  doc.set("components", components);
  return doc;
}

} // namespace kith::edge
