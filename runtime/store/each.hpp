// Every entry of a range, read in portions: a range may be larger than memory.
#pragma once

#include "runtime/store/store.hpp"

namespace kith::store {

// From `from` up to `to`, in the order of the keys. `visit` gives a result<void>; its first failure
// ends it and is returned, as are those of the store.
template <class Visit>
result<void> each(backend& disk, table in, bytes from, const bytes& to, Visit&& visit) {
  for (;;) {
    KITH_ASSIGN(const auto found, disk.scan(in, from, to, {}));
    if (found.empty()) return {};
    for (const entry& e : found) KITH_TRY(visit(e));
    from = found.back().key;
    from.push_back(0);
  }
}

} // namespace kith::store
