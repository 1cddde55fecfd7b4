// The value itself; its parser and writer have files of their own.
#include <algorithm>
#include <kith/json.hpp>

namespace kith {
namespace {

const json null_value;
constexpr auto by_name = [](const json::member& a, std::string_view b) { return a.first < b; };

std::string_view name_of(enum json::type t) {
  switch (t) {
  case json::type::null: return "null";
  case json::type::boolean: return "a boolean";
  case json::type::integer:
  case json::type::positive: return "an integer";
  case json::type::real: return "a number";
  case json::type::string: return "text";
  case json::type::array: return "an array";
  case json::type::object: return "an object";
  }
  return "nothing";
}

[[noreturn]] void mismatch(std::string_view expected, const json& found) {
  throw json_error("expected " + std::string(expected) + ", not " +
                   std::string(name_of(found.type())));
}

} // namespace

json::json(std::string v) : type_(type::string) { at_.string = new std::string(std::move(v)); }

json::json(const json& other) : type_(other.type_), at_(other.at_) {
  switch (type_) {
  case type::string: at_.string = new std::string(*other.at_.string); break;
  case type::array: at_.array = new std::vector<json>(*other.at_.array); break;
  case type::object: at_.object = new std::vector<member>(*other.at_.object); break;
  default: break;
  }
}

void json::clear() noexcept {
  switch (type_) {
  case type::string: delete at_.string; break;
  case type::array: delete at_.array; break;
  case type::object: delete at_.object; break;
  default: break;
  }
  type_ = type::null;
}

json json::array() {
  json v;
  v.at_.array = new std::vector<json>();
  v.type_ = type::array;
  return v;
}

json json::object() {
  json v;
  v.at_.object = new std::vector<member>();
  v.type_ = type::object;
  return v;
}

void json::set_unsigned(std::uint64_t v) noexcept {
  // Every integer has one form only, so that equal ones compare equal.
  if (v <= std::uint64_t(INT64_MAX)) {
    type_ = type::integer, at_.integer = std::int64_t(v);
  } else {
    type_ = type::positive, at_.positive = v;
  }
}

bool json::as_bool() const {
  if (type_ != type::boolean) mismatch("a boolean", *this);
  return at_.boolean;
}

std::int64_t json::as_int() const {
  if (type_ != type::integer) mismatch("an integer below 2^63", *this);
  return at_.integer;
}

std::uint64_t json::as_uint() const {
  if (type_ == type::positive) return at_.positive;
  if (type_ != type::integer || at_.integer < 0) mismatch("an integer from 0 on", *this);
  return std::uint64_t(at_.integer);
}

double json::as_double() const {
  switch (type_) {
  case type::real: return at_.real;
  case type::integer: return double(at_.integer);
  case type::positive: return double(at_.positive);
  default: mismatch("a number", *this);
  }
}

const std::string& json::as_string() const {
  if (type_ != type::string) mismatch("text", *this);
  return *at_.string;
}

std::size_t json::size() const {
  if (type_ == type::array) return at_.array->size();
  if (type_ == type::object) return at_.object->size();
  return 0;
}

const json& json::at(std::size_t index) const {
  if (type_ != type::array && type_ != type::object) mismatch("an array or object", *this);
  if (index >= size())
    throw json_error("expected more than " + std::to_string(index) + " elements");
  return type_ == type::array ? (*at_.array)[index] : (*at_.object)[index].second;
}

const std::string& json::name_at(std::size_t index) const {
  if (type_ != type::object) mismatch("an object", *this);
  if (index >= size()) throw json_error("expected more than " + std::to_string(index) + " members");
  return (*at_.object)[index].first;
}

const json* json::find(std::string_view name) const {
  if (type_ != type::object) return nullptr;
  auto it = std::lower_bound(at_.object->begin(), at_.object->end(), name, by_name);
  return it != at_.object->end() && it->first == name ? &it->second : nullptr;
}

const json& json::at(std::string_view name) const {
  if (type_ != type::object) mismatch("an object", *this);
  if (const auto* found = find(name)) return *found;
  throw json_error("expected an object with member " + std::string(name));
}

const json& json::operator[](std::string_view name) const {
  const auto* found = find(name);
  return found ? *found : null_value;
}

json& json::push_back(json v) {
  if (is_null()) *this = array();
  if (type_ != type::array) mismatch("an array", *this);
  at_.array->push_back(std::move(v));
  return *this;
}

json& json::set(std::string_view name, json v) {
  if (is_null()) *this = object();
  if (type_ != type::object) mismatch("an object", *this);
  auto it = std::lower_bound(at_.object->begin(), at_.object->end(), name, by_name);
  if (it != at_.object->end() && it->first == name) {
    it->second = std::move(v);
  } else {
    at_.object->emplace(it, std::string(name), std::move(v));
  }
  return *this;
}

json& json::append_member(std::string name) {
  return at_.object->emplace_back(std::move(name), json()).second;
}

bool json::sort_members() {
  auto& members = *at_.object;
  std::sort(members.begin(), members.end(),
            [](const member& a, const member& b) { return a.first < b.first; });
  auto twin =
      std::adjacent_find(members.begin(), members.end(),
                         [](const member& a, const member& b) { return a.first == b.first; });
  return twin == members.end();
}

bool json::operator==(const json& other) const {
  if (type_ != other.type_) return false;
  switch (type_) {
  case type::null: return true;
  case type::boolean: return at_.boolean == other.at_.boolean;
  case type::integer: return at_.integer == other.at_.integer;
  case type::positive: return at_.positive == other.at_.positive;
  case type::real: return at_.real == other.at_.real;
  case type::string: return *at_.string == *other.at_.string;
  case type::array: return *at_.array == *other.at_.array;
  case type::object: return *at_.object == *other.at_.object;
  }
  return false;
}

} // namespace kith
