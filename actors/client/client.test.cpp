#include "actors/client/test_support.hpp"
#include "actors/client/wire.hpp"
#include "runtime/base/base64.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace kith;
using test::fake_node;
using test::temporary_directory;

namespace {

boost::json::object parsed(const std::string& line) { return boost::json::parse(line).as_object(); }
std::string answer_to(const std::string& line, const std::string& outcome) {
  return "{\"id\":" + boost::json::serialize(parsed(line).at("id")) + "," + outcome + "}";
}
std::string id_in(const std::string& line) {
  return parsed(line).at("args").at("id").as_string().c_str();
}
// Takes every message, and remembers their ids as a node does.
struct mailbox {
  std::map<std::string, int> taken;
  std::string take(const std::string& line) {
    const auto id = id_in(line);
    const bool duplicate = taken[id]++ > 0;
    return answer_to(line, R"("ok":true,"result":{"id":")" + id + R"(","duplicate":)" +
                               (duplicate ? "true" : "false") + "}");
  }
};
client_options patient(std::vector<duration>* waits = nullptr) {
  client_options o;
  o.wait = [waits](duration d) {
    if (waits) waits->push_back(d);
  };
  return o;
}

} // namespace

TEST_CASE("client sends text and learns that the journal has it", "[client][unit]") {
  temporary_directory dir;
  mailbox node_mailbox;
  fake_node node(dir / "control.sock", [&](const auto& line) { return node_mailbox.take(line); });
  auto c = client::connect(dir.path().string());
  REQUIRE(c);
  const auto sent = c->send("greeter", "greet", "Ada");
  REQUIRE(sent);
  CHECK_FALSE(sent->duplicate);
  const auto request = parsed(node.lines().at(0));
  CHECK(request.at("verb") == "send");
  CHECK(request.at("args").at("to") == "greeter");
  CHECK(request.at("args").at("kind") == "greet");
  CHECK(request.at("args").at("text") == "Ada");
  CHECK(request.at("args").at("id").as_string() == sent->id.text());
  CHECK_FALSE(request.at("args").as_object().contains("ttl_ms"));
  CHECK_FALSE(request.at("args").as_object().contains("qos"));
  REQUIRE(c->send("greeter", "greet", "Ada", {.qos = qos::at_least_once}));
  CHECK(parsed(node.lines().at(1)).at("args").at("qos") == 1);
  REQUIRE(c->send("greeter", "greet", "Ada", {.qos = qos::at_most_once}));
  CHECK(parsed(node.lines().at(2)).at("args").at("qos") == 0);
}

TEST_CASE("client says a message again with the same id after the node went away in between",
          "[client][unit]") {
  temporary_directory dir;
  mailbox node_mailbox;
  int lost = 2; // answers that never arrive, though the message did
  fake_node node(dir / "control.sock", [&](const auto& line) -> std::optional<std::string> {
    auto answer = node_mailbox.take(line);
    if (lost-- > 0) return std::nullopt;
    return answer;
  });
  std::vector<duration> waits;
  auto c = client::connect(dir.path().string(), patient(&waits));
  REQUIRE(c);
  const auto sent = c->send("greeter", "greet", "Ada");
  REQUIRE(sent);
  CHECK(sent->duplicate);
  CHECK(node_mailbox.taken.size() == 1);
  CHECK(node_mailbox.taken.at(sent->id.text()) == 3);
  CHECK(node.connections() == 3);
  REQUIRE(waits.size() == 2);
  CHECK(waits[0] >= std::chrono::milliseconds(50));
  CHECK(waits[0] <= std::chrono::milliseconds(100));
  CHECK(waits[1] <= std::chrono::milliseconds(200));
}

TEST_CASE("client gives up after attempts_max and gives every message an id of its own",
          "[client][unit]") {
  temporary_directory dir;
  fake_node node(dir / "control.sock", [](const auto&) { return std::nullopt; });
  auto options = patient();
  options.attempts_max = 3;
  auto c = client::connect(dir.path().string(), options);
  REQUIRE(c);
  const auto sent = c->send("greeter", "greet", "Ada");
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == "node_went_away");
  CHECK(node.lines().size() == 3);
  REQUIRE_FALSE(c->send("greeter", "greet", "Ada"));
  REQUIRE(node.lines().size() == 6);
  CHECK(id_in(node.lines()[0]) == id_in(node.lines()[2]));
  CHECK(id_in(node.lines()[0]) != id_in(node.lines()[3]));
}

TEST_CASE("client does not say an unknown verb twice, nor anything that the node answered",
          "[client][unit]") {
  temporary_directory dir;
  fake_node node(dir / "control.sock", [](const auto& line) -> std::optional<std::string> {
    if (parsed(line).at("verb") == "stop") return std::nullopt;
    return answer_to(line, R"("ok":false,"error":{"category":"unavailable",)"
                           R"("code":"draining","context":"the node is stopping"})");
  });
  auto c = client::connect(dir.path().string(), patient());
  REQUIRE(c);
  REQUIRE_FALSE(c->call("stop", "{}", std::chrono::seconds(5)));
  CHECK(node.lines().size() == 1);
  const auto sent = c->send("greeter", "greet", "Ada");
  REQUIRE_FALSE(sent);
  CHECK(sent.error() == error{errc::unavailable, "draining", "the node is stopping"});
  CHECK(node.lines().size() == 2);
}

TEST_CASE("client asks and reads answers as text, JSON and bytes, and refusals", "[client][unit]") {
  temporary_directory dir;
  const std::map<std::string, std::string> answers{
      {"text", R"("status":"ok","content_type":"text/plain","text":"hello, Ada")"},
      {"json", R"("status":"ok","content_type":"application/json","json":{"n":1})"},
      {"bytes", R"("status":"ok","content_type":"application/octet-stream","base64":"AP8=")"},
      {"no", R"("status":"refused","reason":"not today")"}};
  fake_node node(dir / "control.sock", [&](const auto& line) {
    const std::string kind = parsed(line).at("args").at("kind").as_string().c_str();
    return answer_to(line, "\"ok\":true,\"result\":{" + answers.at(kind) + ",\"id\":\"" +
                               id_in(line) + "\"}");
  });
  auto c = client::connect(dir / "control.sock");
  REQUIRE(c);
  const auto ask = [&](const char* kind) {
    return c->ask("a", kind, client_content::json(R"({"b":[1]})"), std::chrono::seconds(3)).value();
  };
  CHECK(ask("text").content.data == "hello, Ada");
  CHECK(ask("json").content.data == R"({"n":1})");
  CHECK(ask("json").content.content_type == "application/json");
  CHECK(ask("bytes").content.data == std::string("\0\xff", 2));
  const auto refused = ask("no");
  CHECK_FALSE(refused.ok());
  CHECK(refused.reason == "not today");
  const auto request = parsed(node.lines().at(0));
  CHECK(request.at("args").at("timeout_ms") == 3000);
  CHECK(request.at("args").at("json").at("b").at(0) == 1);
}

TEST_CASE("client skips late answers to requests that it no longer waits for", "[client][unit]") {
  temporary_directory dir;
  fake_node node(dir / "control.sock", [](const auto& line) {
    return "{\"id\":4000,\"ok\":true,\"result\":1}\n" + answer_to(line, R"("ok":true,"result":2)");
  });
  auto c = client::connect(dir.path().string());
  REQUIRE(c);
  CHECK(c->call("status", "", std::chrono::seconds(5)) == "2");
}

TEST_CASE("client of a state directory takes the first node that answers", "[client][unit]") {
  temporary_directory dir;
  std::filesystem::create_directories(dir.path() / "nodes" / "n1");
  mailbox node_mailbox;
  {
    const auto none = client::connect(dir.path().string());
    REQUIRE_FALSE(none);
    CHECK(none.error().code == "node_not_running");
    CHECK(none.error().category == errc::unavailable);
  }
  fake_node node(dir / "nodes/n2/control.sock",
                 [&](const auto& line) { return node_mailbox.take(line); });
  auto c = client::connect(dir.path().string());
  REQUIRE(c);
  CHECK(c->socket_path() == dir / "nodes/n2/control.sock");
  const auto missing = client::connect(dir / "elsewhere");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == "state_dir_missing");
}

TEST_CASE("client refuses what cannot travel, before it says anything", "[client][unit]") {
  const client_send_options o;
  CHECK(control::send_arguments("a", "k", "\xff", o).error().code == "not_utf8");
  CHECK(control::send_arguments("a\xff", "k", "", o).error().code == "not_utf8");
  CHECK(control::send_arguments("a", "k", client_content::json("{"), o).error().code == "bad_json");
  const std::string large(client_content::size_max + 1, 'x');
  CHECK(control::send_arguments("a", "k", large, o).error().code == "payload_too_large");
  const std::string full(client_content::size_max, '\x01'); // six bytes each as JSON
  const auto arguments = control::send_arguments("a", "k", full, o);
  REQUIRE(arguments);
  CHECK(control::request_line(1, "send", *arguments).error().code == "payload_too_large");
  CHECK(control::request_line(1, "send", "{}}\n{").error().code == "bad_json");
  CHECK(control::request_line(7, "status", "") == R"({"id":7,"verb":"status","args":{}})");
}

TEST_CASE("answers that are cut off or of another shape are refused", "[client][unit]") {
  const std::string good = R"({"id":3,"ok":true,"result":{"a":[1,"é"]}})";
  const auto whole = control::parse_answer(good);
  REQUIRE(whole);
  CHECK(whole->id == 3);
  CHECK(whole->outcome == R"({"a":[1,"é"]})");
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(control::parse_answer(good.substr(0, size)));
  for (const auto* bad : {"[]", "1", R"({"id":-1,"ok":true,"result":1})", R"({"id":1,"ok":true})",
                          R"({"ok":true,"result":1})", R"({"id":1,"ok":1,"result":1})",
                          R"({"id":1,"ok":false})", R"({"id":1,"ok":false,"error":"x"})"})
    CHECK_FALSE(control::parse_answer(bad));
  const std::string deep(control::depth_max + 1, '[');
  CHECK_FALSE(control::parse_answer(R"({"id":1,"ok":true,"result":)" + deep +
                                    std::string(deep.size(), ']') + "}"));
  const auto odd = control::parse_answer(
      R"({"id":1,"ok":false,"error":{"category":"from_the_future","code":"x","context":"y"}})");
  REQUIRE(odd);
  CHECK(odd->outcome.error() == error{errc::internal, "x", "y"});
  CHECK_FALSE(control::parse_sent(R"({"duplicate":false})"));
  CHECK_FALSE(control::parse_asked(R"({"text":"x"})"));
  CHECK_FALSE(control::parse_asked(R"({"status":"ok","base64":"?"})"));
}

TEST_CASE("base64 holds to the examples of RFC 4648 section 10 and refuses all else",
          "[client][vector]") {
  const std::vector<std::pair<std::string, std::string>> examples{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    CHECK(to_base64(as_bytes(plain)) == coded);
    CHECK(from_base64(coded) == plain);
  }
  for (const auto* bad :
       {"Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v\n", "Zm 9", "Zg==Zg==", "Zm9_"})
    CHECK_FALSE(from_base64(bad));
}
