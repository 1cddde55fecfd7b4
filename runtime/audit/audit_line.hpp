// One line of the audit log.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"

namespace kith::audit {

using digest = byte_array<32>;

struct act {
  std::string name;    // "spawn"
  std::string subject; // what it was done to: "type=counter name=c"
  std::string outcome; // "ok", or the code of the error
  std::string who;     // "uid 1000, pid 4711"
};

struct line {
  std::uint64_t seq = 0;
  wall_ms at = 0;
  act what;
  digest previous{};
};

inline constexpr std::size_t line_size_max = 4096; // without the LF
inline constexpr std::size_t value_size_max = 512; // bytes of each text; longer ones are cut

// Without the LF. Texts are made UTF-8 and cut.
std::string text_of(const line& l);
// malformed "bad_audit_line" for what text_of would not have written.
result<line> parse_line(std::string_view text);
digest digest_of(std::string_view text);

} // namespace kith::audit
