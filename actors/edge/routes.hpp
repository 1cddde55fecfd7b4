// The table of everything that the edge answers. A route says what it is, who may call it and what
// it may answer; the OpenAPI document is made from the same table, so that it cannot say anything
// else.
#pragma once

#include "actors/edge/access.hpp"
#include "runtime/net/http_server.hpp"

#include <kith/json.hpp>

namespace kith::edge {

enum class need : std::uint8_t {
  nothing,
  known,    // a signature or the operator's token
  rule,     // the operator's token
  loopback, // the operator's token, or a connection from this machine
};

// One request on its way through a route.
struct call {
  net::http_request request;
  principal who;
  std::vector<std::string> params; // of the pattern, decoded, in order
  std::string_view param(std::size_t index) const { return params.at(index); }
};
using handler = std::function<void(call, net::http_responder)>;

struct parameter {
  std::string_view name, type, about; // type: of JSON Schema
};
struct outcome {
  int status;
  std::string_view about;
  // One or several, separated by commas; empty: nothing, or a problem document for an error.
  std::string_view content_type = {};
  std::string_view schema = {}; // of components/schemas
};

struct route {
  std::string_view method;
  std::string_view pattern; // "/api/messages/{did}/pending"; a last "{rest...}" takes slashes too
  std::string_view name;    // short, for metrics and as operationId
  need needs = need::nothing;
  std::string_view summary;
  std::vector<parameter> query = {};
  std::string_view body_schema = {};
  std::vector<outcome> outcomes;
  handler run;
  bool writes() const { return method != "GET" && method != "HEAD"; }
};

class routes {
public:
  static constexpr std::size_t segments_max = 16; // of a path; a longer one is not found

  void add(route r);
  struct match {
    const route* found = nullptr;
    std::vector<std::string> params;
    std::string allowed; // the methods there are, if it is only the method that does not fit
  };
  // invalid "bad_path" for what is not well encoded, or holds a dot segment, an empty segment or an
  // encoded slash where none may be.
  result<match> find(std::string_view method, std::string_view path) const;
  const std::vector<route>& all() const { return routes_; }

private:
  std::vector<route> routes_;
};

// OpenAPI 3.1.
json openapi(const routes& all, std::string_view version, std::string_view server_url);

} // namespace kith::edge
