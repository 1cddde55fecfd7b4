// What `kith doctor` finds: each a verdict, one sentence, and what to do about it.
#pragma once

#include "tools/kith/json_fwd.hpp"

#include <string>
#include <vector>

namespace kith::cli {

enum class verdict : unsigned char { ok, warning, problem };
std::string_view to_string(verdict v);

struct finding {
  verdict is = verdict::ok;
  std::string node;  // empty: of the whole installation
  std::string about; // "keys", "disk": stable, for scripts
  std::string said;
  std::string mend; // a sentence; empty if all is well
};

// Of one node, or of what all share.
class findings {
public:
  explicit findings(std::string node = {}) : node_(std::move(node)) {}
  void ok(std::string about, std::string said);
  void warning(std::string about, std::string said, std::string mend);
  void problem(std::string about, std::string said, std::string mend);
  const std::vector<finding>& all() const { return all_; }

private:
  std::string node_;
  std::vector<finding> all_;
};

boost::json::object as_json(const finding& f);
std::string render_findings(const std::vector<finding>& all, bool colour);

} // namespace kith::cli
