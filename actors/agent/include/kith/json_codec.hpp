// How C++ values become JSON and come back: numbers, text, vectors, optionals, maps, DIDs and json;
// structs follow in describe.hpp. A type of your own that needs a form of its own specialises
// kith::json_codec.
#pragma once

#include "runtime/identity/did.hpp"

#include <kith/decode_error.hpp>
#include <kith/json_writer.hpp>
#include <limits>
#include <map>
#include <optional>

namespace kith {

// Specialisations have:
//   static void write(json_writer& out, const T& v);
//   static bool read(const json& in, T& v, decode_error& why);   // false, and why says so
template <class T> struct json_codec;

namespace detail {

bool read_bool(const json& in, bool& v, decode_error& why);
bool read_int(const json& in, std::int64_t low, std::int64_t high, std::int64_t& v,
              decode_error& why);
bool read_uint(const json& in, std::uint64_t high, std::uint64_t& v, decode_error& why);
bool read_double(const json& in, double& v, decode_error& why);
bool read_string(const json& in, std::string& v, decode_error& why);
bool read_did(const json& in, did& v, decode_error& why);

} // namespace detail

// What can be written as JSON.
template <class T>
concept json_readable = requires(const json& in, T& v, decode_error& why) {
  json_codec<T>::read(in, v, why);
};

template <> struct json_codec<bool> {
  static void write(json_writer& out, bool v) { out.boolean(v); }
  static bool read(const json& in, bool& v, decode_error& why) {
    return detail::read_bool(in, v, why);
  }
};

template <std::signed_integral T> struct json_codec<T> {
  static void write(json_writer& out, T v) { out.integer(v); }
  static bool read(const json& in, T& v, decode_error& why) {
    std::int64_t wide = 0;
    if (!detail::read_int(in, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), wide,
                          why))
      return false;
    v = T(wide);
    return true;
  }
};

template <std::unsigned_integral T> struct json_codec<T> {
  static void write(json_writer& out, T v) { out.positive(v); }
  static bool read(const json& in, T& v, decode_error& why) {
    std::uint64_t wide = 0;
    if (!detail::read_uint(in, std::numeric_limits<T>::max(), wide, why)) return false;
    v = T(wide);
    return true;
  }
};

template <std::floating_point T> struct json_codec<T> {
  static void write(json_writer& out, T v) { out.real(double(v)); }
  static bool read(const json& in, T& v, decode_error& why) {
    double wide = 0;
    if (!detail::read_double(in, wide, why)) return false;
    v = T(wide);
    return true;
  }
};

template <> struct json_codec<std::string> {
  static void write(json_writer& out, const std::string& v) { out.string(v); }
  static bool read(const json& in, std::string& v, decode_error& why) {
    return detail::read_string(in, v, why);
  }
};

template <> struct json_codec<json> {
  static void write(json_writer& out, const json& v) { out.value(v); }
  static bool read(const json& in, json& v, decode_error&) { return v = in, true; }
};

// As text.
template <> struct json_codec<did> {
  static void write(json_writer& out, const did& v) {
    out.string(v.empty() ? std::string_view() : v.text());
  }
  static bool read(const json& in, did& v, decode_error& why) {
    return detail::read_did(in, v, why);
  }
};

template <class T> struct json_codec<std::vector<T>> {
  static void write(json_writer& out, const std::vector<T>& v) {
    out.begin_array();
    for (const auto& item : v) json_codec<T>::write(out, item);
    out.end_array();
  }
  static bool read(const json& in, std::vector<T>& v, decode_error& why) {
    if (!in.is_array()) return why.fail("an array");
    v.clear();
    v.reserve(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
      T item{};
      if (!json_codec<T>::read(in.at(i), item, why)) return why.within_element(i);
      v.push_back(std::move(item));
    }
    return true;
  }
};

// null is no value.
template <class T> struct json_codec<std::optional<T>> {
  static void write(json_writer& out, const std::optional<T>& v) {
    if (v) return json_codec<T>::write(out, *v);
    out.null();
  }
  static bool read(const json& in, std::optional<T>& v, decode_error& why) {
    if (in.is_null()) return v.reset(), true;
    return json_codec<T>::read(in, v.emplace(), why);
  }
};

template <class T> struct json_codec<std::map<std::string, T>> {
  static void write(json_writer& out, const std::map<std::string, T>& v) {
    out.begin_object();
    for (const auto& [name, item] : v) out.key(name), json_codec<T>::write(out, item);
    out.end_object();
  }
  static bool read(const json& in, std::map<std::string, T>& v, decode_error& why) {
    if (!in.is_object()) return why.fail("an object");
    v.clear();
    for (std::size_t i = 0; i < in.size(); ++i)
      if (!json_codec<T>::read(in.at(i), v[in.name_at(i)], why))
        return why.within_member(in.name_at(i));
    return true;
  }
};

} // namespace kith
