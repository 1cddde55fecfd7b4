// The description of the API (OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0), made from the
// routes.
#include "actors/edge/routes.hpp"

namespace kith::edge {

// JSON Schema (2020-12) of what goes in and out: schemas.json, put in by the build.
extern const std::string_view schemas_text;

namespace {

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
  components.set("schemas", json::parse(schemas_text).value());
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
