// The lines of the control socket, by Boost.JSON, which stays in here.
#include "actors/client/wire.hpp"
#include "runtime/base/base64.hpp"

#include <boost/json.hpp>

namespace kith::control {
namespace {

namespace json = boost::json;

constexpr std::string_view text_type = "text/plain";
constexpr std::string_view json_type = "application/json";

result<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  boost::system::error_code ec;
  json::value v = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
  if (ec) return fail(errc::malformed, "bad_json", "this is not JSON: " + ec.message());
  return v;
}

std::string text_of(const json::value& v) {
  const auto s = json::serialize(v);
  return {s.data(), s.size()};
}

// A string member, or "" where there is none.
std::string string_member(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v && v->is_string() ? std::string(v->get_string().c_str(), v->get_string().size()) : "";
}

tl::unexpected<error> bad_answer(std::string_view what) {
  return fail(errc::malformed, "bad_answer",
              "the node's answer " + std::string(what) + "; are node and client of one version?");
}

result<json::object> parse_object(std::string_view text) {
  auto v = parse(text);
  if (!v || !v->is_object()) return bad_answer("is not a JSON object");
  return std::move(v->get_object());
}

bool is_utf8(std::string_view s) {
  // Boost.JSON checks what it reads, not what it writes: so let it read this as a string.
  json::parser p;
  boost::system::error_code ec;
  p.write(json::serialize(json::string(s)), ec);
  return !ec;
}

result<> put_content(json::object& args, const client_content& what) {
  if (what.data.size() > client_content::size_max)
    return fail(errc::too_large, "payload_too_large",
                "a payload has at most " + std::to_string(client_content::size_max) +
                    " bytes, and this one has " + std::to_string(what.data.size()));
  if (what.content_type == json_type) {
    KITH_ASSIGN(args["json"], parse(what.data));
  } else if (what.content_type == text_type) {
    if (!is_utf8(what.data))
      return fail(errc::invalid, "not_utf8", "text must be UTF-8; send bytes as another type");
    args["text"] = what.data;
  } else {
    args["base64"] = to_base64(as_bytes(what.data));
    args["content_type"] = what.content_type;
  }
  return {};
}

result<json::object> message_arguments(std::string_view to, std::string_view kind,
                                       const client_content& what, const uuid& id) {
  if (!is_utf8(to) || !is_utf8(kind))
    return fail(errc::invalid, "not_utf8", "recipients and kinds must be UTF-8");
  json::object args;
  args["to"] = to;
  args["kind"] = kind;
  args["id"] = id.text();
  KITH_TRY(put_content(args, what));
  return args;
}

} // namespace

errc category_of(std::string_view name) {
  for (auto c = errc::invalid; c < errc::internal; c = errc(unsigned(c) + 1))
    if (to_string(c) == name) return c;
  return errc::internal;
}

result<std::string> request_line(std::uint64_t id, std::string_view verb,
                                 std::string_view arguments) {
  // Spliced and not built anew: the arguments may be a payload of megabytes. Checked by parsing, so
  // that no line feed or second request hides in them.
  if (arguments.empty()) arguments = "{}";
  KITH_ASSIGN(const auto parsed, parse(arguments));
  if (!parsed.is_object()) return fail(errc::malformed, "bad_json", "arguments are an object");
  std::string line = "{\"id\":" + std::to_string(id) + ",\"verb\":" + text_of(json::string(verb)) +
                     ",\"args\":" + text_of(parsed) + "}";
  if (line.size() > line_size_max)
    return fail(errc::too_large, "payload_too_large",
                "a request has at most " + std::to_string(line_size_max) + " bytes as JSON");
  return line;
}

result<answer_line> parse_answer(std::string_view line) {
  KITH_ASSIGN(const auto o, parse_object(line));
  const auto* id = o.if_contains("id");
  const auto* ok = o.if_contains("ok");
  if (!id || !id->is_number() || !ok || !ok->is_bool()) return bad_answer("has no id or no ok");
  boost::system::error_code ec;
  const auto number = id->to_number<std::uint64_t>(ec);
  if (ec) return bad_answer("has an id that is no number");
  if (ok->get_bool()) {
    const auto* value = o.if_contains("result");
    if (!value) return bad_answer("has no result");
    return answer_line{number, text_of(*value)};
  }
  const auto* e = o.if_contains("error");
  if (!e || !e->is_object()) return bad_answer("has no error");
  const auto& what = e->get_object();
  return answer_line{number, fail(category_of(string_member(what, "category")),
                                  string_member(what, "code"), string_member(what, "context"))};
}

result<std::string> send_arguments(std::string_view to, std::string_view kind,
                                   const client_content& what, const client_send_options& options) {
  KITH_ASSIGN(auto args, message_arguments(to, kind, what, options.id));
  if (options.time_to_live_ms > 0) args["ttl_ms"] = options.time_to_live_ms;
  if (options.qos != qos::exactly_once) args["qos"] = unsigned(options.qos);
  return text_of(args);
}

result<std::string> ask_arguments(std::string_view to, std::string_view kind,
                                  const client_content& what, std::uint64_t timeout_ms,
                                  const uuid& id) {
  KITH_ASSIGN(auto args, message_arguments(to, kind, what, id));
  args["timeout_ms"] = timeout_ms;
  return text_of(args);
}

result<client_sent> parse_sent(std::string_view text) {
  KITH_ASSIGN(const auto o, parse_object(text));
  const auto id = uuid::parse(string_member(o, "id"));
  if (!id) return bad_answer("has no message id");
  const auto* duplicate = o.if_contains("duplicate");
  return client_sent{*id, duplicate && duplicate->is_bool() && duplicate->get_bool()};
}

result<client_answer> parse_asked(std::string_view text) {
  KITH_ASSIGN(const auto o, parse_object(text));
  client_answer out;
  out.status = string_member(o, "status");
  if (out.status.empty()) return bad_answer("has no status");
  out.reason = string_member(o, "reason");
  if (const auto id = uuid::parse(string_member(o, "id"))) out.id = *id;
  if (auto type = string_member(o, "content_type"); !type.empty())
    out.content.content_type = std::move(type);
  if (const auto* value = o.if_contains("json")) {
    out.content.content_type = json_type;
    out.content.data = text_of(*value);
  } else if (o.if_contains("base64")) {
    KITH_ASSIGN(out.content.data, from_base64(string_member(o, "base64")));
  } else {
    out.content.data = string_member(o, "text");
  }
  return out;
}

} // namespace kith::control
