#include "tools/kith/finding.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::cli {

std::string_view to_string(verdict v) {
  return v == verdict::ok ? "ok" : v == verdict::warning ? "warning" : "problem";
}

void findings::ok(std::string about, std::string said) {
  all_.push_back({verdict::ok, node_, std::move(about), sentence(std::move(said)), {}});
}
void findings::warning(std::string about, std::string said, std::string mend) {
  all_.push_back({verdict::warning, node_, std::move(about), sentence(std::move(said)),
                  sentence(std::move(mend))});
}
void findings::problem(std::string about, std::string said, std::string mend) {
  all_.push_back({verdict::problem, node_, std::move(about), sentence(std::move(said)),
                  sentence(std::move(mend))});
}

boost::json::object as_json(const finding& f) {
  boost::json::object o{{"verdict", to_string(f.is)}, {"about", f.about}, {"said", f.said}};
  if (!f.node.empty()) o["node"] = f.node;
  if (!f.mend.empty()) o["mend"] = f.mend;
  return o;
}

std::string render_findings(const std::vector<finding>& all, bool colour) {
  constexpr std::size_t verdict_size = 7;
  std::size_t width = 0;
  const auto name_of = [](const finding& f) {
    return f.node.empty() ? f.about : f.node + " " + f.about;
  };
  for (const auto& f : all) width = std::max(width, name_of(f).size());
  std::string out;
  for (const auto& f : all) {
    const auto t = f.is == verdict::ok        ? tint::good
                   : f.is == verdict::warning ? tint::warn
                                              : tint::bad;
    auto shown = std::string(to_string(f.is));
    shown.resize(verdict_size, ' ');
    auto name = name_of(f);
    name.resize(width, ' ');
    out += tinted(shown, t, colour) + "  " + name + "  " + harmless(f.said) + "\n";
    if (!f.mend.empty())
      out += std::string(verdict_size + 2 + width + 2, ' ') + harmless(f.mend) + "\n";
  }
  return out;
}

} // namespace kith::cli
