// The API's contract: every route answers as the description says that it may.
#include "actors/edge/test_support.hpp"

#include <set>

using namespace kith;
using namespace kith::edge;
using namespace kith::edge::testing;

namespace {

// Replaces the parameters of a path.
std::string filled(std::string path, const std::string& value) {
  for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
    path.replace(at, path.find('}') - at + 1, value);
  return path;
}

struct walker {
  // One call, held against the description; what was answered.
  int call(const std::string& path, const std::string& method, const json& op, const request& r,
           bool by_operator) {
    auto a = by_operator ? w.as_operator(r) : w.ask(r);
    INFO(method << " " << r.target << " as " << (by_operator ? "operator" : "nobody") << ": "
                << a.status << " " << a.body);
    const auto* declared = op["responses"].find(std::to_string(a.status));
    REQUIRE(declared != nullptr);
    const auto* content = declared->find("content");
    auto type = a.headers.count("content-type") != 0 ? a.headers.at("content-type") : "";
    if (content == nullptr) {
      CHECK(a.body.empty());
    } else {
      bool known = false;
      for (std::size_t i = 0; i < content->size(); ++i)
        known = known || type.starts_with(content->name_at(i));
      INFO(type);
      CHECK(known);
      if (type.find("json") != std::string::npos) check_schema(content->at(0), a.body);
    }
    answered.insert(method + " " + path + " " + std::to_string(a.status));
    return a.status;
  }
  // Required members, and types of those that are there: as deep as our schemas say.
  void check_schema(const json& media, const std::string& body) {
    auto value = json::parse(body);
    REQUIRE(value);
    if (const auto* schema = media.find("schema")) check_value(*schema, *value);
  }
  void check_value(const json& schema, const json& value) {
    if (const auto* ref = schema.find("$ref")) {
      auto name = ref->as_string().substr(std::string("#/components/schemas/").size());
      return check_value(doc["components"]["schemas"].at(name), value);
    }
    const auto* type = schema.find("type");
    if (type == nullptr) return;
    const auto& t = type->as_string();
    INFO(t << " expected, got " << value.dump());
    CHECK(((t == "object" && value.is_object()) || (t == "array" && value.is_array()) ||
           (t == "string" && value.is_string()) || (t == "integer" && value.is_integer()) ||
           (t == "boolean" && value.is_bool())));
    if (t == "array" && schema.find("items") != nullptr)
      for (std::size_t i = 0; i < value.size(); ++i) check_value(schema["items"], value.at(i));
    if (t != "object") return;
    const auto& required = schema["required"];
    for (std::size_t i = 0; i < required.size(); ++i)
      CHECK(value.find(required.at(i).as_string()) != nullptr);
    const auto* properties = schema.find("properties");
    for (std::size_t i = 0; properties != nullptr && i < properties->size(); ++i)
      if (const auto* v = value.find(properties->name_at(i))) check_value(properties->at(i), *v);
  }

  world w;
  json doc = json::parse(w.ask({"GET", "/openapi.json"}).body).value();
  std::set<std::string> answered;
};

} // namespace

TEST_CASE("every reference in the description leads somewhere", "[edge][unit]") {
  walker k;
  std::function<void(const json&)> visit = [&](const json& v) {
    if (v.is_object())
      if (const auto* ref = v.find("$ref")) {
        constexpr std::string_view prefix = "#/components/schemas/";
        REQUIRE(ref->as_string().starts_with(prefix));
        CHECK(k.doc["components"]["schemas"].find(ref->as_string().substr(prefix.size())) !=
              nullptr);
      }
    for (std::size_t i = 0; i < v.size(); ++i) visit(v.at(i));
  };
  visit(k.doc);
  std::set<std::string> names;
  for (std::size_t i = 0; i < k.doc["paths"].size(); ++i) {
    const auto& item = k.doc["paths"].at(i);
    for (std::size_t m = 0; m < item.size(); ++m) {
      CHECK(names.insert(item.at(m)["operationId"].as_string()).second);
      CHECK(item.at(m)["responses"].size() > 0);
      CHECK_FALSE(item.at(m)["summary"].as_string().empty());
    }
  }
}

TEST_CASE("every route answers as the description says", "[edge][unit]") {
  walker k;
  REQUIRE(k.w.register_mailbox(k.w.bob) == 201);
  const auto bob = k.w.bob.did().text();
  const strings values = {bob,
                          k.w.agent.did().text(),
                          "ada",
                          "nobody",
                          "did:nope",
                          "did:web:kith.example",
                          "01890000-0000-7000-8000-000000000000",
                          "%00",
                          "x%2fy"};
  const strings bodies = {"",
                          "{}",
                          "nonsense",
                          R"({"upto":0})",
                          k.w.registration(k.w.bob),
                          R"({"to":"ada","kind":"note","text":"contract"})"};
  std::size_t routes_seen = 0;
  for (std::size_t i = 0; i < k.doc["paths"].size(); ++i) {
    const auto& path = k.doc["paths"].name_at(i);
    const auto& item = k.doc["paths"].at(i);
    for (std::size_t m = 0; m < item.size(); ++m) {
      ++routes_seen;
      std::string method = item.name_at(m);
      for (auto& c : method) c = char(std::toupper(static_cast<unsigned char>(c)));
      bool follows = path.ends_with("/events"); // its answer never ends
      for (const auto& value : values)
        for (const auto& body : bodies) {
          if (item.at(m).find("requestBody") == nullptr && !body.empty()) continue;
          if (value.starts_with("%") || value.starts_with("x%")) {
            // Not what it seems: found nowhere, or refused before any route.
            auto a = k.w.as_operator({method, filled(path, value), {}, body});
            CHECK((a.status < 500));
            continue;
          }
          if (follows && value == bob) continue;
          for (bool by_operator : {false, true})
            k.call(path, method, item.at(m), {method, filled(path, value), {}, body}, by_operator);
        }
    }
  }
  CHECK(routes_seen == 18);
  // The walk has seen what each is for, not only refusals.
  for (auto good : {"GET /livez 200", "GET /readyz 200", "GET /version 200", "GET /metrics 200",
                    "GET /openapi.json 200", "GET /api/agents 200", "GET /api/agents/{agent} 200",
                    "POST /api/messages 202", "GET /api/messages/{id} 200",
                    "GET /api/messages/{did}/pending 200", "POST /api/messages/{did}/ack 200",
                    "PUT /api/mailboxes/{did} 200", "GET /1.0/identifiers/{did} 200",
                    "GET /api/did/{did} 200", "GET /.well-known/did.json 200",
                    "GET /agents/{name}/did.json 200", "GET /api/messages/{did}/socket 426"})
    CHECK(k.answered.count(good) == 1);
}
