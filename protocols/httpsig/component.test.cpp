// Components and their values: RFC 9421's examples of sections 2.1 and 2.2, and what is refused.
#include "protocols/httpsig/component.hpp"

#include "protocols/httpsig/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::httpsig;
using test::owned_message;

namespace {

result<std::string> value(std::string_view identifier, const owned_message& message) {
  auto item = sf::parse_item(identifier);
  REQUIRE(item);
  KITH_ASSIGN(auto wanted, component::from(*item));
  CHECK(wanted.identifier().value() == identifier);
  return component_value(wanted, message.view());
}
std::string code(std::string_view identifier, const owned_message& message) {
  auto got = value(identifier, message);
  return got ? "a value: " + *got : got.error().code;
}

} // namespace

TEST_CASE("components have the values of RFC 9421's examples", "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-components.json");
  const auto& cases = vectors["components"];
  REQUIRE(cases.size() == 33);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    owned_message message;
    message.structured = {{"example-dict", field_type::dictionary}};
    test::read_into(message, vectors["message"]);
    if (const auto* with = cases[i].find("with")) test::read_into(message, *with);
    const auto identifier = cases[i]["component"].as_string();
    CAPTURE(cases[i]["section"].as_string(), identifier);
    auto got = value(identifier, message);
    REQUIRE(got);
    CHECK(*got == cases[i]["value"].as_string());
  }
}

TEST_CASE("the authority is in lower case and without the default port", "[httpsig][unit]") {
  owned_message m;
  const auto authority_of = [&](std::string scheme, std::string written) {
    m.scheme = scheme, m.authority = written;
    return value("\"@authority\"", m).value();
  };
  CHECK(authority_of("https", "Example.COM") == "example.com");
  CHECK(authority_of("https", "example.com:443") == "example.com");
  CHECK(authority_of("HTTPS", "example.com:443") == "example.com");
  CHECK(authority_of("http", "example.com:443") == "example.com:443");
  CHECK(authority_of("http", "example.com:80") == "example.com");
  CHECK(authority_of("https", "example.com:8443") == "example.com:8443");
  CHECK(authority_of("https", "example.com:") == "example.com");
  CHECK(authority_of("https", "[::1]:443") == "[::1]");
  CHECK(authority_of("https", "[2001:db8::443]") == "[2001:db8::443]");
  m.path.clear(), m.query = "a=b", m.authority = "Example.com:443";
  CHECK(value("\"@target-uri\"", m).value() == "https://example.com/?a=b");
  CHECK(value("\"@path\"", m).value() == "/");
  CHECK(value("\"@request-target\"", m).value() == "/?a=b");
  m.query.reset();
  CHECK(value("\"@target-uri\"", m).value() == "https://example.com/");
  m.query = "";
  CHECK(value("\"@target-uri\"", m).value() == "https://example.com/?");
  CHECK(value("\"@query\"", m).value() == "?");
  CHECK(value("\"@scheme\"", m).value() == "https");
}

TEST_CASE("the lines of a field are joined, and nothing in one can end a line of what is signed",
          "[httpsig][unit]") {
  owned_message m;
  m.headers = {{"X-A", " \t one \t"}, {"x-b", "other"}, {"x-a", ""}, {"X-a", "two\r\n \t three"}};
  CHECK(value("\"x-a\"", m).value() == "one, , two three");
  CHECK(count_field(m.view(), "x-a") == 3);
  const auto alone = [&](std::string written) {
    m.headers = {{"x", std::move(written)}};
    return code("\"x\"", m);
  };
  CHECK(alone("a \t\r\n\tb") == "a value: a b");
  CHECK(alone("a\n b") == "a value: a b");
  CHECK(alone("a\r\n \r\n b") == "a value: a b");
  CHECK(alone("a\r\n") == "a value: a");
  CHECK(alone("\r\n a") == "a value: a");
  CHECK(alone("a\tb") == "a value: a\tb");
  for (const auto* forged : {"a\nb", "a\r\nb", "a\rb", "a\r", "a\r\n\r\nb", "a\x01", "\x7f"}) {
    CAPTURE(forged);
    CHECK(alone(forged) == "bad_field");
  }
  CHECK(alone(std::string("a\0b", 3)) == "bad_field");
  CHECK(alone("caf\xc3\xa9") == "bad_component");      // ASCII only,
  CHECK(value("\"x\";bs", m).value() == ":Y2Fmw6k=:"); // but for bs
  m.headers = {{"x", std::string(field_size_max, 'x')}};
  CHECK(value("\"x\"", m));
  m.add("X", "y");
  CHECK(code("\"x\"", m) == "message_too_large");
}

TEST_CASE("a component that is unknown, or that the message cannot have, is refused",
          "[httpsig][unit]") {
  owned_message m;
  m.headers = {{"content-digest", "sha-256=:YQ==:"},
               {"priority", "u=1"},
               {"x", "1"},
               {"cache-status", "a, b"}};
  m.query = "a=1&b=2&a=3";
  const char* refused[] = {"\"@unknown\"",
                           "\"@query-param\"",
                           "\"@method\";sf",
                           "\"@method\";req",
                           "\"@status\"",
                           "\"x\";req",
                           "\"x\";tr",
                           "\"x\";sf",
                           "\"x\";key=\"a\"",
                           "\"x\";foo",
                           "\"x\";sf=?0",
                           "\"x\";sf=1",
                           "\"x\";bs;sf",
                           "\"priority\";bs;key=\"u\"",
                           "\"x\";name=\"a\"",
                           "\"@path\";bs",
                           "\"@query-param\";name=tok",
                           "\"cache-status\";key=\"a\"",
                           "\"@query-param\";name=\"a\""};
  for (const auto* identifier : refused) {
    CAPTURE(identifier);
    CHECK(code(identifier, m) == "bad_component");
  }
  CHECK(code("\"missing\"", m) == "field_missing");
  CHECK(code("\"priority\";key=\"i\"", m) == "field_missing");
  CHECK(code("\"@query-param\";name=\"c\"", m) == "field_missing");
  CHECK(code("\"@query-param\";name=\"b\"", m) == "a value: 2");
  CHECK(code("\"priority\";key=\"u\"", m) == "a value: 1");
  CHECK(code("\"cache-status\";sf", m) == "a value: a, b");
  m.value_of("priority") = "u=";
  CHECK(code("\"priority\";sf", m) == "bad_structured_field");
  for (const auto* bad : {"\"X\"", "\"\"", "\"@\"", "\"a b\"", "\"a\\\"b\"", "tok", "1"}) {
    CAPTURE(bad);
    CHECK(component::from(*sf::parse_item(bad)).error().code == "bad_component");
  }
}

TEST_CASE("a header that is named like a derived component never stands for it",
          "[httpsig][unit]") {
  owned_message m;
  m.headers = {{"@method", "GET"}, {"@foo", "1"}};
  CHECK(value("\"@method\"", m).value() == "POST");
  CHECK(code("\"@foo\"", m) == "bad_component");
}

TEST_CASE("a derived value has no control characters and no space around it", "[httpsig][unit]") {
  owned_message m;
  for (const auto* path : {"/a\nb", "/a\tb", " /a", "/a ", "/\xc3\xa9"}) {
    m.path = path;
    CAPTURE(path);
    CHECK(code("\"@path\"", m) == "bad_component");
    CHECK(code("\"@target-uri\"", m) ==
          (m.path == " /a" ? "a value: https://example.com /a" : "bad_component"));
  }
  m.method.clear(), m.scheme.clear(), m.authority.clear();
  for (const auto* name : {"\"@method\"", "\"@scheme\"", "\"@authority\"", "\"@target-uri\""})
    CHECK(code(name, m) == "bad_component");
}

TEST_CASE("a response has its status, and its request's parts by req", "[httpsig][unit]") {
  owned_message request, response;
  request.headers = {{"x", "asked"}};
  const auto asked = request.view();
  response.status = 503;
  response.headers = {{"x", "answered"}};
  CHECK(code("\"x\";req", response) == "bad_component"); // the request is not at hand
  response.request = &asked;
  CHECK(value("\"@status\"", response).value() == "503");
  CHECK(value("\"x\"", response).value() == "answered");
  CHECK(value("\"x\";req", response).value() == "asked");
  CHECK(value("\"@method\";req", response).value() == "POST");
  CHECK(value("\"@authority\";req", response).value() == "example.com");
  for (const auto* name : {"\"@method\"", "\"@target-uri\"", "\"@authority\"", "\"@query\"",
                           "\"@status\";req", "\"@query-param\";name=\"a\""})
    CHECK(code(name, response) == "bad_component");
  auto another = request;
  another.request = &asked; // a request answers nothing
  CHECK(code("\"x\";req", another) == "bad_component");
  response.status = 99;
  CHECK(code("\"@status\"", response) == "bad_component");
}

TEST_CASE("a query parameter is decoded and encoded anew, and must be text", "[httpsig][unit]") {
  owned_message m;
  const auto param = [&](std::string query, std::string_view name) {
    m.query = std::move(query);
    auto got = query_param(m.view(), name);
    return got ? *got : got.error().code;
  };
  CHECK(param("a=b+c", "a") == "b%20c");
  CHECK(param("a=%7e*-._", "a") == "%7E*-._");
  CHECK(param("%61=1", "a") == "1");
  CHECK(param("a", "a").empty());
  CHECK(param("&&a=1&", "a") == "1");
  CHECK(param("a=b=c", "a") == "b%3Dc");
  CHECK(param("a=%&b=%4", "a") == "%25");
  CHECK(param("a=%&b=%4", "b") == "%254");
  CHECK(param("=x", "") == "x");
  CHECK(param("a=1&%61=2", "a") == "bad_component");
  for (const auto* text :
       {"%ff", "%c3", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%e0%80%80", "\xff"}) {
    CAPTURE(text);
    CHECK(param("a=" + std::string(text), "a") == "bad_component");
  }
  CHECK(param("a=%c3%bc%e2%82%ac%f0%9f%98%80", "a") == "%C3%BC%E2%82%AC%F0%9F%98%80");
  CHECK(param("a=" + std::string(query_size_max - 2, 'x'), "a").size() == query_size_max - 2);
  CHECK(param("a=" + std::string(query_size_max - 1, 'x'), "a") == "message_too_large");
}

TEST_CASE("components are equal whatever the order of their parameters", "[httpsig][unit]") {
  const component a("x", {{"sf", true}, {"req", true}});
  CHECK(a == component("x", {{"req", true}, {"sf", true}}));
  CHECK_FALSE(a == component("x", {{"req", true}}));
  CHECK_FALSE(a == component("y", {{"req", true}, {"sf", true}}));
  CHECK(a.identifier().value() == "\"x\";sf;req");
}
