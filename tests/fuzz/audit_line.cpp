// Any bytes as audit logs: what parses is written back as it was, and the check takes lines in any
// order and says a bounded number of things.
#include "runtime/audit/audit_check.hpp"

#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = as_text(byte_view(data, size));
  audit::checker check(audit::chain_head{3, {}});
  check.begin_file("fuzz");
  std::size_t lines = 0, good = 0;
  while (!rest.empty()) {
    const auto text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    ++lines;
    if (const auto l = audit::parse_line(text)) {
      ++good;
      if (audit::text_of(*l) != text) std::abort();
    }
    check.add(text);
  }
  const auto r = check.finish();
  if (r.lines != lines || r.findings.size() > audit::findings_max + 1) std::abort();
  if (good < lines && r.findings.empty()) std::abort(); // what is no line was not noticed
  return 0;
}
