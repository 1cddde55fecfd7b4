// The parts of reading values that no template is needed for.
#include <kith/json_codec.hpp>

namespace kith {

bool decode_error::fail(std::string_view expected) {
  text_ = "expected " + std::string(expected);
  return false;
}

bool decode_error::missing(std::string_view member) {
  return fail("an object with member " + std::string(member));
}

bool decode_error::within_member(std::string_view name) {
  constexpr std::size_t shown_max = 80; // names of a map's members come from outside
  text_ = "member " + std::string(name.substr(0, shown_max)) + ": " + text_;
  return false;
}

bool decode_error::within_element(std::size_t index) {
  text_ = "element " + std::to_string(index) + ": " + text_;
  return false;
}

namespace detail {

bool read_bool(const json& in, bool& v, decode_error& why) {
  if (!in.is_bool()) return why.fail("a boolean");
  return v = in.as_bool(), true;
}

bool read_int(const json& in, std::int64_t low, std::int64_t high, std::int64_t& v,
              decode_error& why) {
  if (!in.is_integer()) return why.fail("an integer");
  if (in.type() == json::type::positive || in.as_int() < low || in.as_int() > high)
    return why.fail("an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return v = in.as_int(), true;
}

bool read_uint(const json& in, std::uint64_t high, std::uint64_t& v, decode_error& why) {
  if (!in.is_integer()) return why.fail("an integer");
  const bool negative = in.type() == json::type::integer && in.as_int() < 0;
  if (negative || in.as_uint() > high)
    return why.fail("an integer from 0 to " + std::to_string(high));
  return v = in.as_uint(), true;
}

bool read_double(const json& in, double& v, decode_error& why) {
  if (!in.is_number()) return why.fail("a number");
  return v = in.as_double(), true;
}

bool read_string(const json& in, std::string& v, decode_error& why) {
  if (!in.is_string()) return why.fail("text");
  return v = in.as_string(), true;
}

bool read_did(const json& in, did& v, decode_error& why) {
  if (!in.is_string()) return why.fail("a DID");
  if (in.as_string().empty()) return v = did(), true; // as an empty one is written
  auto parsed = did::parse(in.as_string());
  if (!parsed) return why.fail("a DID");
  return v = std::move(*parsed), true;
}

} // namespace detail
} // namespace kith
