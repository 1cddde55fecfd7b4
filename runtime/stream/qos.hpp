// How surely a message is to arrive. Apart from the envelope, because agents' authors name it too.
#pragma once

#include <cstdint>

namespace kith {

// Stored and sent: never renumber. 1 (at least once) comes with the front door.
enum class qos : std::uint8_t { at_most_once = 0, exactly_once = 2 };

} // namespace kith
