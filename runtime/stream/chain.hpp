// The rule of a stream: positions rise by one and each envelope names the digest of the one before
// (semantics.md 1). Pure; both ends keep one a stream.
#pragma once

#include "runtime/stream/envelope.hpp"

namespace kith {

enum class chain_verdict : std::uint8_t {
  accept,    // the next one, and it follows from the last
  duplicate, // a position that is already held; whether with the same bytes, only the store can
             // tell
  gap,       // a later position: ask for what is missing
  fork,      // another history: quarantine (semantics.md 1)
};
std::string_view to_string(chain_verdict v);

// Not thread-safe.
class stream_chain {
public:
  stream_chain() = default;
  explicit stream_chain(stream_head head) : head_(head) {}

  const stream_head& head() const { return head_; }
  // What `e`, whose digest is `d`, is to this chain. The last accepted position is compared by
  // digest, so that the same seq with another digest is a fork; older ones are duplicates as far as
  // a head can tell.
  chain_verdict check(const envelope& e, const digest& d) const;
  // After accept: `d` is the digest of the envelope at head().next.
  void advance(const digest& d) {
    ++head_.next;
    head_.last = d;
  }
  // The two in one; advances only on accept.
  chain_verdict take(const envelope& e, const digest& d);

private:
  stream_head head_;
};

} // namespace kith
