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

std::string json_text(const boost::json::value& v) {
  const auto s = boost::json::serialize(v);
  return {s.data(), s.size()};
}

} // namespace kith::cli
