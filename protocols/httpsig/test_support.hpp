// What the tests of this room share: a message that owns its parts, and the vectors' files.
#pragma once

#include "protocols/httpsig/message.hpp"

#include <fstream>
#include <kith/json.hpp>
#include <sstream>
#include <stdexcept>

namespace kith::httpsig::test {

// A message_view points into it: keep it, and take the view anew after a change.
struct owned_message {
  std::string method = "POST", scheme = "https", authority = "example.com", path = "/foo";
  std::optional<std::string> query;
  std::string request_target;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  const message_view* request = nullptr;
  std::vector<structured_field> structured;

  message_view view() const {
    lines_.clear();
    for (const auto& [name, value] : headers) lines_.push_back({name, value});
    message_view out{.method = method,
                     .scheme = scheme,
                     .authority = authority,
                     .path = path,
                     .query = std::nullopt,
                     .request_target = request_target,
                     .status = status,
                     .request = request,
                     .headers = lines_,
                     .body = as_bytes(body),
                     .structured = structured};
    if (query) out.query = *query;
    return out;
  }
  void add(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
  }
  std::string& value_of(std::string_view name) {
    for (auto& [n, value] : headers)
      if (n == name) return value;
    throw std::out_of_range("a test's message has no such header");
  }

private:
  mutable std::vector<header_view> lines_;
};

// Overwrites what the JSON object names.
inline void read_into(owned_message& out, const json& from) {
  const auto text = [&](const char* name, std::string& into) {
    if (const auto* value = from.find(name)) into = value->as_string();
  };
  text("method", out.method);
  text("scheme", out.scheme);
  text("authority", out.authority);
  text("path", out.path);
  text("request_target", out.request_target);
  text("body", out.body);
  if (const auto* query = from.find("query")) {
    out.query.reset();
    if (!query->is_null()) out.query = query->as_string();
  }
  if (const auto* status = from.find("status")) out.status = int(status->as_int());
  if (const auto* headers = from.find("headers")) {
    out.headers.clear();
    for (std::size_t i = 0; i < headers->size(); ++i)
      out.add(headers->at(i)[0].as_string(), headers->at(i)[1].as_string());
  }
}

inline json read_vectors(const std::string& name) {
  std::ifstream file("protocols/httpsig/vectors/" + name);
  std::stringstream text;
  text << file.rdbuf();
  auto parsed = json::parse(text.str());
  if (!parsed) throw std::runtime_error(name + ": " + parsed.error().what());
  return *std::move(parsed);
}

} // namespace kith::httpsig::test
