// How Kith reports what may go wrong: values, not exceptions. An expected failure (bad bytes, a
// full queue, a peer that went away) is an error of a category that code can act on, a short stable
// code that scripts can match, and a context that a person can read.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace kith {

// What a caller can do about it. Each maps to one exit code of the command line and, at the edge,
// one HTTP status.
enum class errc : unsigned char {
  invalid,         // the caller asked for something that makes no sense: mend the request
  malformed,       // bytes from outside that do not decode: drop them, tell the sender
  too_large,       // over a named limit
  unauthenticated, // who it is could not be verified
  forbidden,       // verified, and not allowed
  not_found,
  exists,
  conflict,    // a fork, a stale epoch, a version that moved on
  overloaded,  // a bound was reached: try later
  unavailable, // a peer, node or resource is away: try later
  timeout,
  cancelled,
  corrupt, // stored data is not what was written
  io,      // the disk or the network failed
  unsupported,
  internal, // a defect of Kith
};

std::string_view to_string(errc category);

struct error {
  errc category = errc::internal;
  std::string code;    // stable, snake_case: "bad_signature"
  std::string context; // for a person: what happened, to what, what to do next

  // "bad_signature: envelope 0190... from did:key:z6Mk...".
  std::string what() const;
  bool operator==(const error&) const = default;
};

template <class T = void> using result = tl::expected<T, error>;

[[nodiscard]] inline tl::unexpected<error> fail(errc category, std::string code,
                                                std::string context = {}) {
  return tl::unexpected<error>(error{category, std::move(code), std::move(context)});
}
[[nodiscard]] inline tl::unexpected<error> fail(error e) {
  return tl::unexpected<error>(std::move(e));
}

} // namespace kith

// Returns the error of `expr` from the enclosing function; for calls whose value is not needed.
#define KITH_TRY(expr)                                                                             \
  do {                                                                                             \
    if (auto kith_try_ = (expr); !kith_try_) return ::kith::fail(std::move(kith_try_).error());    \
  } while (false)

#define KITH_CONCAT_(a, b) a##b
#define KITH_CONCAT(a, b) KITH_CONCAT_(a, b)
// Declares `decl` from the value of `expr`, or returns its error: KITH_ASSIGN(auto did,
// did::parse(text));
#define KITH_ASSIGN(decl, expr)                                                                    \
  auto KITH_CONCAT(kith_assign_, __LINE__) = (expr);                                               \
  if (!KITH_CONCAT(kith_assign_, __LINE__))                                                        \
    return ::kith::fail(std::move(KITH_CONCAT(kith_assign_, __LINE__)).error());                   \
  decl = std::move(*KITH_CONCAT(kith_assign_, __LINE__))
