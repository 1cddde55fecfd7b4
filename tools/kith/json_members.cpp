// Members of the node's answers.
#include "tools/kith/json_members.hpp"

#include <boost/json.hpp>

namespace kith::cli {

std::string text_at(const boost::json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null() || v->is_object() || v->is_array()) return {};
  if (v->is_string()) return {v->get_string().data(), v->get_string().size()};
  return json_text(*v);
}

std::int64_t int_at(const boost::json::object& o, std::string_view name, std::int64_t otherwise) {
  const auto* v = o.if_contains(name);
  if (!v || !v->is_number()) return otherwise;
  boost::system::error_code ec;
  const auto n = v->to_number<std::int64_t>(ec);
  return ec ? otherwise : n;
}

const boost::json::array& array_at(const boost::json::object& o, std::string_view name) {
  static const boost::json::array none;
  const auto* v = o.if_contains(name);
  return v && v->is_array() ? v->get_array() : none;
}

boost::json::array array_of(boost::json::value v) {
  return v.is_array() ? std::move(v.get_array()) : boost::json::array{};
}

boost::json::object object_of(boost::json::value v) {
  return v.is_object() ? std::move(v.get_object()) : boost::json::object{};
}

namespace {

void indent(const boost::json::value& v, const std::string& margin, std::string& out) {
  const auto deeper = margin + "  ";
  bool first = true;
  const auto next = [&] {
    out += (first ? "\n" : ",\n") + deeper;
    first = false;
  };
  if (v.is_object() && !v.get_object().empty()) {
    out += '{';
    for (const auto& [name, value] : v.get_object()) {
      next();
      out += json_text(boost::json::value(name)) + ": ";
      indent(value, deeper, out);
    }
    out += "\n" + margin + "}";
  } else if (v.is_array() && !v.get_array().empty()) {
    out += '[';
    for (const auto& value : v.get_array()) {
      next();
      indent(value, deeper, out);
    }
    out += "\n" + margin + "]";
  } else {
    out += json_text(v);
  }
}

} // namespace

std::string indented_json(const boost::json::value& v) {
  std::string out;
  indent(v, "", out);
  return out;
}

std::string json_text(const boost::json::value& v) {
  const auto s = boost::json::serialize(v);
  return {s.data(), s.size()};
}

} // namespace kith::cli
