// The part of the tests' support that needs Boost.JSON.
#include "tools/kith/test_cluster.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace kith::test {

namespace json = boost::json;

json::value outcome::document() const { return json::parse(out); }

std::string ok(const std::string& result) {
  auto line = "\"ok\":true,\"result\":" + result;
  std::replace(line.begin(), line.end(), '\n', ' '); // tests write over several lines
  return line;
}
std::string failed(const char* category, const char* code) {
  return std::string(R"("ok":false,"error":{"category":")") + category + R"(","code":")" + code +
         R"(","context":"what happened"})";
}

cluster::cluster(unsigned count) {
  REQUIRE(kith({"init", "--nodes", std::to_string(count)}).code == 0);
}

void cluster::serve(const std::string& name, results answers) {
  serve_by(name, [answers](const std::string& verb, const json::object&) {
    const auto found = answers.find(verb);
    return found == answers.end() ? failed("unsupported", "unknown_verb") : found->second;
  });
}

void cluster::serve_by(const std::string& name, handler answer) {
  nodes_[name] = std::make_unique<fake_node>(
      dir_ / "nodes/" + name + "/control.sock", [answer](const std::string& line) {
        const auto request = json::parse(line).as_object();
        const std::string verb = request.at("verb").as_string().c_str();
        return "{\"id\":" + json::serialize(request.at("id")) + "," +
               answer(verb, request.at("args").as_object()) + "}";
      });
}

json::object cluster::last_args(const std::string& name) const {
  return json::parse(nodes_.at(name)->lines().back()).at("args").as_object();
}

} // namespace kith::test
