#include "actors/edge/routes.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::edge;

namespace {

routes sample() {
  routes r;
  auto add = [&](std::string_view method, std::string_view pattern, std::string_view name) {
    r.add({.method = method,
           .pattern = pattern,
           .name = name,
           .summary = name,
           .outcomes = {{200, "fine", "application/json", "Health"}, {404, "not"}},
           .run = {}});
  };
  add("GET", "/a", "a");
  add("POST", "/a", "post_a");
  add("GET", "/a/{x}/b", "ab");
  add("GET", "/rest/{what...}", "rest");
  return r;
}

std::string found(std::string_view method, std::string_view path) {
  auto r = sample();
  auto m = r.find(method, path);
  if (!m) return m.error().code;
  if (m->found == nullptr) return m->allowed.empty() ? "none" : "allowed:" + m->allowed;
  std::string s(m->found->name);
  for (const auto& p : m->params) s += "|" + p;
  return s;
}

} // namespace

TEST_CASE("a path finds its route and its parts", "[edge][unit]") {
  CHECK(found("GET", "/a") == "a");
  CHECK(found("HEAD", "/a") == "a");
  CHECK(found("POST", "/a") == "post_a");
  CHECK(found("PUT", "/a") == "allowed:GET, POST");
  CHECK(found("GET", "/a/did:key:z/b") == "ab|did:key:z");
  CHECK(found("GET", "/a/did%3Akey%3Az/b") == "ab|did:key:z");
  CHECK(found("GET", "/rest/did:web:h%3A1:x") == "rest|did:web:h%3A1:x"); // decoded by who takes it
  CHECK(found("GET", "/rest/a/b") == "rest|a/b");
  CHECK(found("GET", "/A") == "none");
  CHECK(found("GET", "/a/") == "none");
  CHECK(found("GET", "/a//b") == "none");
  CHECK(found("GET", "/rest") == "none");
}

TEST_CASE("tricks with paths are refused", "[edge][unit]") {
  for (auto path : {"/a/../b", "/a/./b", "/a/%2e%2e/b", "/a/%2E/b", "/a/%zz/b", "/a/%4/b",
                    "/a/x%00/b", "a", "", "*"})
    CHECK(found("GET", path) ==
          (std::string_view(path).find("%z") != std::string_view::npos ||
                   std::string_view(path).find("%4/") != std::string_view::npos
               ? "bad_percent_encoding"
               : "bad_path"));
  CHECK(found("GET", "/a/x%2fy/b") == "none"); // an encoded slash is no part of a name
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "/a";
  CHECK(found("GET", deep) == "none");
}

TEST_CASE("the description has every route, and nothing else", "[edge][unit]") {
  auto doc = openapi(sample(), "1.2", "https://x");
  CHECK(doc["openapi"].as_string() == "3.1.0");
  CHECK(doc["paths"].size() == 3);
  CHECK(doc["paths"]["/a"].size() == 2);
  CHECK(doc["paths"]["/a/{x}/b"]["get"]["parameters"].at(0)["name"].as_string() == "x");
  CHECK(doc["paths"]["/rest/{what}"]["get"]["operationId"].as_string() == "rest");
  const auto& answers = doc["paths"]["/a"]["get"]["responses"];
  CHECK(answers["200"]["content"]["application/json"]["schema"]["$ref"].as_string() ==
        "#/components/schemas/Health");
  CHECK(answers["404"]["content"].find("application/problem+json") != nullptr);
}
