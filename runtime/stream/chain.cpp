#include "runtime/stream/chain.hpp"

namespace kith {

std::string_view to_string(chain_verdict v) {
  switch (v) {
  case chain_verdict::accept: return "accept";
  case chain_verdict::duplicate: return "duplicate";
  case chain_verdict::gap: return "gap";
  case chain_verdict::fork: return "fork";
  }
  return "?";
}

chain_verdict stream_chain::check(const envelope& e, const digest& d) const {
  if (e.seq() > head_.next) return chain_verdict::gap;
  if (e.seq() == head_.next)
    return e.previous() == head_.last ? chain_verdict::accept : chain_verdict::fork;
  // last is zero where a restored chain knows its position alone; then there is nothing to compare
  // with.
  bool known = head_.last != digest{};
  if (e.seq() + 1 == head_.next && known && d != head_.last) return chain_verdict::fork;
  return chain_verdict::duplicate;
}

chain_verdict stream_chain::take(const envelope& e, const digest& d) {
  auto verdict = check(e, d);
  if (verdict == chain_verdict::accept) advance(d);
  return verdict;
}

} // namespace kith
