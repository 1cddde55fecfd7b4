// JSON as a value (RFC 8259): what an agent reads when it wants no struct, and what structs are
// turned into. Small, and without the parser in it: that one stays in json.cpp, so that including
// this costs an agent's author nothing.
#pragma once

#include "runtime/base/result.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith {

// A value was asked for what it is not, or text is not UTF-8. Thrown inside a handler it refuses
// the message: trying again would not change it.
class json_error : public std::exception {
public:
  explicit json_error(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

private:
  std::string what_;
};

// A value that owns all it holds. Members of an object are kept sorted by name, so that equal
// values have equal text. Not thread-safe; copy it.
class json {
public:
  static constexpr std::size_t size_max = 16 << 20; // bytes of a document; longer is refused
  static constexpr std::size_t depth_max = 32; // of nesting; deeper is refused, read or written
  static constexpr std::size_t values_max = 4 << 20; // values in a document; more are refused
  enum class type : std::uint8_t { null, boolean, integer, positive, real, string, array, object };
  using member = std::pair<std::string, json>;

  json() noexcept = default;
  json(std::nullptr_t) noexcept {}
  json(bool v) noexcept : type_(type::boolean) { at_.boolean = v; }
  template <std::integral T>
  requires(!std::same_as<T, bool>) json(T v)
  noexcept {
    if constexpr (std::is_signed_v<T>) {
      type_ = type::integer, at_.integer = v;
    } else {
      set_unsigned(v);
    }
  }
  json(double v) noexcept : type_(type::real) { at_.real = v; }
  json(std::string v);
  json(std::string_view v) : json(std::string(v)) {}
  json(const char* v) : json(std::string(v)) {}
  json(const json& other);
  json(json&& other) noexcept : type_(other.type_), at_(other.at_) { other.type_ = type::null; }
  json& operator=(json other) noexcept {
    std::swap(type_, other.type_);
    std::swap(at_, other.at_);
    return *this;
  }
  ~json() {
    if (type_ >= type::string) clear();
  }
  static json array();
  static json object();

  // malformed "bad_json" (also for a name that stands twice, text that is not UTF-8, and too deep a
  // nesting), too_large "json_too_large".
  static result<json> parse(std::string_view text);
  // Without spaces. Throws json_error for text that is not UTF-8, a number that is not finite, and
  // past depth_max.
  std::string dump() const;

  enum type type() const { return type_; }
  bool is_null() const { return type_ == type::null; }
  bool is_bool() const { return type_ == type::boolean; }
  bool is_integer() const { return type_ == type::integer || type_ == type::positive; }
  bool is_number() const { return is_integer() || type_ == type::real; }
  bool is_string() const { return type_ == type::string; }
  bool is_array() const { return type_ == type::array; }
  bool is_object() const { return type_ == type::object; }

  // Each throws json_error if it is something else (or, an integer, does not fit); as_double takes
  // integers too.
  bool as_bool() const;
  std::int64_t as_int() const;
  std::uint64_t as_uint() const;
  double as_double() const;
  const std::string& as_string() const;

  // Of an array or object; 0 for everything else.
  std::size_t size() const;
  // An element, or the value of a member by its place in the order of names; json_error past the
  // end.
  const json& at(std::size_t index) const;
  const std::string& name_at(std::size_t index) const;
  // A member: json_error, nullptr, and a null value if there is none.
  const json& at(std::string_view name) const;
  const json* find(std::string_view name) const;
  const json& operator[](std::string_view name) const;
  const json& operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  template <std::integral I> // exact, because a literal 0 is also a null pointer
  const json& operator[](I index) const {
    return at(std::size_t(index));
  }

  // Build. A null value becomes an array or object by it; json_error on anything else. `set`
  // replaces.
  json& push_back(json v);
  json& set(std::string_view name, json v);

  bool operator==(const json& other) const;

private:
  friend class json_builder;
  void clear() noexcept;
  void set_unsigned(std::uint64_t v) noexcept;
  json& append_member(std::string name); // unsorted, for the parser
  bool sort_members();                   // false if a name stands twice

  enum type type_ = type::null;
  union {
    bool boolean;
    std::int64_t integer;
    std::uint64_t positive; // only what an int64 cannot hold
    double real;
    std::string* string;
    std::vector<json>* array;
    std::vector<member>* object;
  } at_{};
};

} // namespace kith
