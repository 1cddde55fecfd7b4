// Structs that are described once, with KITH_DESCRIBE, and then travel and are stored as JSON
// objects.
#pragma once

#include <kith/json_codec.hpp>

namespace kith {
namespace detail {

struct any_visitor {
  template <class C, class M> void operator()(const char*, M C::*) const {}
};

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

} // namespace detail

// A struct named in a KITH_DESCRIBE.
template <class T>
concept described = requires(T* t) {
  kith_describe_members(detail::any_visitor{}, t);
};

// A JSON object with a member for each one described. A member that is an empty optional is left
// out; one that is missing is refused unless it is an optional; members that are not described are
// ignored, so that a newer sender may say more.
template <described T> struct json_codec<T> {
  static void write(json_writer& out, const T& v) {
    out.begin_object();
    kith_describe_members(
        [&]<class M>(const char* name, M T::*member) {
          if constexpr (detail::is_optional<M>)
            if (!(v.*member)) return;
          out.key(name);
          json_codec<M>::write(out, v.*member);
        },
        static_cast<T*>(nullptr));
    out.end_object();
  }
  static bool read(const json& in, T& v, decode_error& why) {
    if (!in.is_object()) return why.fail("an object");
    bool ok = true;
    kith_describe_members(
        [&]<class M>(const char* name, M T::*member) {
          if (!ok) return;
          if (const auto* found = in.find(name)) {
            ok = json_codec<M>::read(*found, v.*member, why) || why.within_member(name);
          } else if constexpr (detail::is_optional<M>) {
            (v.*member).reset();
          } else {
            ok = why.missing(name);
          }
        },
        static_cast<T*>(nullptr));
    return ok;
  }
};

} // namespace kith

#define KITH_EXPAND_(...) KITH_EXPAND3_(KITH_EXPAND3_(KITH_EXPAND3_(KITH_EXPAND3_(__VA_ARGS__))))
#define KITH_EXPAND3_(...) KITH_EXPAND2_(KITH_EXPAND2_(KITH_EXPAND2_(KITH_EXPAND2_(__VA_ARGS__))))
#define KITH_EXPAND2_(...) KITH_EXPAND1_(KITH_EXPAND1_(KITH_EXPAND1_(KITH_EXPAND1_(__VA_ARGS__))))
#define KITH_EXPAND1_(...) __VA_ARGS__
#define KITH_PARENS_ ()
#define KITH_MEMBERS_(type, member, ...)                                                           \
  kith_visitor_(#member, &type::member);                                                           \
  __VA_OPT__(KITH_MEMBERS_AGAIN_ KITH_PARENS_(type, __VA_ARGS__))
#define KITH_MEMBERS_AGAIN_() KITH_MEMBERS_

// KITH_DESCRIBE(point, x, y): at namespace scope, in the struct's own namespace, once, after the
// struct. Up to 64 members, all public.
#define KITH_DESCRIBE(type, ...)                                                                   \
  template <class KithVisitor>                                                                     \
  constexpr void kith_describe_members([[maybe_unused]] KithVisitor&& kith_visitor_, type*) {      \
    __VA_OPT__(KITH_EXPAND_(KITH_MEMBERS_(type, __VA_ARGS__)))                                     \
  }                                                                                                \
  static_assert(true)
