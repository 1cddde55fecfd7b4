// Reading members of the node's answers: what is missing, or of another type, is empty, so that a
// newer or older node is shown as far as it is understood.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace kith::cli {

// A string as it is, a number or bool as text, all else "".
inline std::string text_at(const boost::json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v || v->is_null() || v->is_object() || v->is_array()) return {};
  if (v->is_string()) return {v->get_string().data(), v->get_string().size()};
  const auto s = boost::json::serialize(*v);
  return {s.data(), s.size()};
}
inline std::int64_t int_at(const boost::json::object& o, std::string_view name,
                           std::int64_t otherwise = 0) {
  const auto* v = o.if_contains(name);
  if (!v || !v->is_number()) return otherwise;
  boost::system::error_code ec;
  const auto n = v->to_number<std::int64_t>(ec);
  return ec ? otherwise : n;
}
inline const boost::json::array& array_at(const boost::json::object& o, std::string_view name) {
  static const boost::json::array none;
  const auto* v = o.if_contains(name);
  return v && v->is_array() ? v->get_array() : none;
}
inline std::string json_text(const boost::json::value& v) {
  const auto s = boost::json::serialize(v);
  return {s.data(), s.size()};
}

} // namespace kith::cli
