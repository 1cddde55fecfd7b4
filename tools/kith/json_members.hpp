// Reading members of the node's answers: what is missing, or of another type, is empty, so that a
// newer or older node is shown as far as it is understood.
#pragma once

#include "tools/kith/json_fwd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace kith::cli {

// A string as it is, a number or bool as text, all else "".
std::string text_at(const boost::json::object& o, std::string_view name);
std::int64_t int_at(const boost::json::object& o, std::string_view name,
                    std::int64_t otherwise = 0);
// Lives as long as `o`, or for ever if it is none.
const boost::json::array& array_at(const boost::json::object& o, std::string_view name);
// The value itself, or an empty one if it is of another type.
boost::json::array array_of(boost::json::value v);
boost::json::object object_of(boost::json::value v);
// Over lines, by two spaces.
std::string indented_json(const boost::json::value& v);
// Without spaces.
std::string json_text(const boost::json::value& v);

} // namespace kith::cli
