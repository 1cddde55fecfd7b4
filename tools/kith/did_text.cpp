#include "tools/kith/did_text.hpp"
#include "protocols/did/did_key.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

// Where a method stands by itself, and the relationships that embed one.
std::vector<const dids::verification_method*> methods_of(const dids::document& d) {
  std::vector<const dids::verification_method*> all;
  for (const auto& m : d.methods) all.push_back(&m);
  for (const auto& relation : d.relations)
    for (const auto& ref : relation)
      if (const auto* embedded = std::get_if<dids::verification_method>(&ref))
        all.push_back(embedded);
  return all;
}

} // namespace

boost::json::array keys_of(const dids::document& d) {
  boost::json::array out;
  for (const auto* m : methods_of(d)) {
    boost::json::array uses;
    for (std::size_t i = 0; i < dids::relationship_count; ++i)
      if (d.allows(dids::relationship(i), m->id))
        uses.emplace_back(to_string(dids::relationship(i)));
    boost::json::object o{{"id", m->id}, {"type", m->type}, {"for", uses}};
    if (m->key) {
      o["type"] = to_string(m->key->type());
      o["multibase"] = m->spelling.empty() ? m->key->multibase() : m->spelling;
    }
    out.push_back(std::move(o));
  }
  return out;
}

boost::json::array periods_of(const dids::key_history& h) {
  boost::json::array out;
  for (const auto& p : h.periods()) {
    boost::json::object o{{"key", p.key.multibase()},
                          {"did", dids::key_did(p.key).text()},
                          {"from_ms", p.from},
                          {"state", p.revoked ? "revoked"
                                    : p.until ? "past"
                                              : "current"}};
    if (p.until) o["until_ms"] = *p.until;
    out.push_back(std::move(o));
  }
  return out;
}

std::string render_document(const dids::document& d, bool colour) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : keys_of(d)) {
    const auto& k = v.get_object();
    std::string uses;
    for (const auto& use : array_at(k, "for"))
      uses += (uses.empty() ? "" : ", ") + std::string(use.get_string());
    rows.push_back({harmless(text_at(k, "type")), harmless(text_at(k, "multibase")),
                    uses.empty() ? "-" : uses});
  }
  auto out = tinted(harmless(d.id), tint::strong, colour) + "\n";
  if (!rows.empty()) out += table({"KEY", "MULTIBASE", "FOR"}, rows, colour);
  boost::system::error_code ec;
  const auto value = boost::json::parse(d.to_json().dump(), ec);
  return out + harmless_payload(indented_json(value)) + "\n";
}

std::string render_history(const dids::key_history& h, bool colour) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : periods_of(h)) {
    const auto& p = v.get_object();
    const auto until = int_at(p, "until_ms", -1);
    rows.push_back({text_at(p, "key"), text_at(p, "state"), utc_time(int_at(p, "from_ms")),
                    until < 0 ? "-" : utc_time(until)});
  }
  return tinted(harmless(h.subject().text()), tint::strong, colour) + "\n" +
         table({"KEY", "STATE", "FROM", "UNTIL"}, rows, colour, 1);
}

} // namespace kith::cli
