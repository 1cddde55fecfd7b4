// Reads audit logs: the lines, and whether they are the chain that was written. For tools, beside a
// node that may be writing.
#pragma once

#include "runtime/audit/audit_line.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace kith::audit {

// A point of the chain that was kept elsewhere: "17:<64 hex digits>".
struct chain_head {
  std::uint64_t seq = 0;
  digest at{};
  std::string text() const;
  // invalid "bad_audit_head".
  static result<chain_head> parse(std::string_view text);
};

struct finding {
  std::string file;
  std::size_t line = 0; // in the file, from 1
  std::string what;     // "line 7 (seq 7) was changed: ..."
};

struct report {
  std::size_t files = 0, lines = 0;
  std::uint64_t first = 0; // seq of the first line that is there; more than 1: older ones are gone
  chain_head head;         // of the last; seq 0: there is none
  bool unfinished = false; // a line without an end: being written, or left by a crash
  std::vector<finding> findings; // at most findings_max
  std::size_t more_findings = 0;
};

inline constexpr std::size_t findings_max = 100;

// What was written, one line after the other. Pure; fed with what files hold.
class checker {
public:
  // `keep`: a head from elsewhere, which must be in the chain.
  explicit checker(std::optional<chain_head> keep = std::nullopt) : keep_(std::move(keep)) {}
  void begin_file(std::string name);
  // Without its LF.
  void add(std::string_view text);
  void unfinished() { report_.unfinished = true; }
  report finish();

private:
  void found(std::string what);
  report report_;
  std::optional<chain_head> keep_;
  bool kept_seen_ = false;
  std::string file_;
  std::size_t line_ = 0;
  std::uint64_t seq_ = 0; // of the last line; 0: there was none
  digest last_{};         // its digest
};

// All lines of a node's directory, the oldest first. `see` gets each as it stands there; an
// unfinished last one does not count. not_found "no_audit_log"; io "audit_failed". A line that is
// longer than any is cut, and so is none.
result<void> read_all(const std::filesystem::path& dir,
                      const std::function<void(const std::string& file)>& begin,
                      const std::function<void(std::string_view text)>& see, bool& unfinished);

result<report> verify(const std::filesystem::path& dir, std::optional<chain_head> keep);

} // namespace kith::audit
