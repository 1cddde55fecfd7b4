// What an agent that watches another one is told when that one goes down.
#pragma once

#include "runtime/identity/did.hpp"

#include <string>
#include <string_view>

namespace kith {

enum class down_reason : std::uint8_t {
  crashed,     // `why` is what it gave as its reason; its supervisor may start it again
  stopped,     // it ended itself, or was stopped with its siblings
  unreachable, // nothing connects with its node now, or nobody knows where it lives
  refused      // its node watches for nobody any more, or does not know it
};

constexpr std::string_view to_string(down_reason r) {
  switch (r) {
  case down_reason::crashed: return "crashed";
  case down_reason::stopped: return "stopped";
  case down_reason::unreachable: return "unreachable";
  case down_reason::refused: break;
  }
  return "refused";
}

struct down {
  did who;
  down_reason reason = down_reason::crashed;
  std::string why; // may be empty
};

} // namespace kith
