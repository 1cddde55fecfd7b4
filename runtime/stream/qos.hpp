// How surely a message is to arrive. Apart from the envelope, because agents' authors name it too.
#pragma once

#include <cstdint>

namespace kith {

// Stored and sent: never renumber.
//
// at_most_once: may be lost anywhere, is not retried, and has no order.
// at_least_once: stored, ordered and redelivered until its turn is taken, like exactly_once; but no
// node keeps its id. So the same id sent again is handled again, and `where` knows of it only what
// went wrong (docs/adr/0014). Cheaper in every commit.
// exactly_once: the ledgers of both nodes remember it as well.
enum class qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

// It has a place in a stream, and so on the disk of both nodes.
constexpr bool is_chained(qos q) { return q != qos::at_most_once; }

} // namespace kith
