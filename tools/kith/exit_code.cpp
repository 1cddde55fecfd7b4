// Errors, as a person and as a script read them.
#include "tools/kith/exit_code.hpp"
#include "runtime/stream/text.hpp"

#include <boost/json.hpp>
#include <ostream>
#include <utility>

namespace kith::cli {
namespace {

constexpr std::size_t sentence_size_max = 2000; // bytes; the rest is cut

// What to do next, by the error's code.
constexpr std::pair<std::string_view, std::string_view> hints[] = {
    {"node_not_running", "Start it with `kith up`."},
    {"node_went_away", "`kith ps` shows which nodes run; what it last said is in its node.log."},
    {"state_dir_missing",
     "Create a cluster with `kith init`, or name its directory with --dir or KITH_DIR."},
    {"state_dir_locked", "`kith ps` shows which nodes run; `kith stop` stops them."},
    {"address_in_use",
     "Stop what listens there, or give the node another link.listen in its kith.toml."},
    {"unknown_agent", "`kith agents --all` lists those that there are."},
    {"unknown_type", "An agent's type is known to a node only if it is compiled into its program."},
    {"unknown_node", "`kith ps` lists the nodes."},
    {"unknown_dead_letter", "`kith dlq ls` lists those that there are."},
    {"wrong_cluster_secret",
     "Give this node the cluster.secret of the cluster that it is to join."},
    {"outbox_full", "Try again later with the same --id."},
    {"node_busy", "Try again later."},
};

} // namespace

exit_code exit_code_of(errc category) {
  switch (category) {
  case errc::invalid: return exit_usage;
  case errc::malformed: return exit_failed;
  case errc::too_large: return exit_failed;
  case errc::unauthenticated: return exit_forbidden;
  case errc::forbidden: return exit_forbidden;
  case errc::not_found: return exit_not_found;
  case errc::exists: return exit_failed;
  case errc::conflict: return exit_failed;
  case errc::overloaded: return exit_overloaded;
  case errc::unavailable: return exit_unavailable;
  case errc::timeout: return exit_timeout;
  case errc::cancelled: return exit_failed;
  case errc::corrupt: return exit_corrupt;
  case errc::io: return exit_corrupt;
  case errc::unsupported: return exit_failed;
  case errc::internal: return exit_failed;
  }
  return exit_failed;
}

errc category_of_exit_code(int code) {
  switch (code) {
  case exit_usage: return errc::invalid;
  case exit_unavailable: return errc::unavailable;
  case exit_not_found: return errc::not_found;
  case exit_forbidden: return errc::unauthenticated;
  case exit_timeout: return errc::timeout;
  case exit_overloaded: return errc::overloaded;
  case exit_corrupt: return errc::io;
  default: return errc::internal;
  }
}

exit_code exit_code_of_answer(std::string_view status) {
  if (status == "ok") return exit_ok;
  return status == "timeout" ? exit_timeout : exit_failed;
}

std::string sentence_of(const error& e) {
  auto text = clean_text(e.context.empty() ? to_string(e.category) : e.context, sentence_size_max);
  while (!text.empty() && text.back() == '.') text.pop_back();
  if (!e.code.empty()) text += " (" + e.code + ")";
  text += ".";
  if (text.find("`kith ") != text.npos) return text; // it says already what to do
  for (const auto& [code, hint] : hints)
    if (code == e.code) return text + " " + std::string(hint);
  return text;
}

std::string document_of(const error& e) {
  const boost::json::object what{{"category", to_string(e.category)},
                                 {"code", e.code},
                                 {"context", clean_text(e.context, sentence_size_max)},
                                 {"exit_code", int(exit_code_of(e.category))}};
  const auto text = boost::json::serialize(boost::json::object{{"error", what}});
  return {text.data(), text.size()};
}

int report(const console& io, bool json, const error& e) {
  io.err << "kith: " << sentence_of(e) << std::endl;
  if (json) io.out << document_of(e) << std::endl;
  return exit_code_of(e.category);
}

} // namespace kith::cli
