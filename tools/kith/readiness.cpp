// Who sees whom.
#include "tools/kith/readiness.hpp"
#include "tools/kith/json_members.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

// The entry of `list` about the node `who`, by DID.
const json::object* entry_of(const json::array& list, const std::string& who) {
  for (const auto& v : list)
    if (v.is_object() && text_at(v.get_object(), "did") == who) return &v.get_object();
  return nullptr;
}

bool sees(const json::object& one, const json::object& other) {
  const auto* member = entry_of(array_at(one, "members"), text_at(other, "node"));
  return member && text_at(*member, "state") == "alive";
}

} // namespace

readiness judge(const std::vector<json::object>& statuses) {
  readiness out;
  for (const auto& status : statuses) {
    const auto name = text_at(status, "name");
    for (const auto& v : array_at(status, "peers")) {
      if (!v.is_object() || text_at(v.get_object(), "state") != "refused") continue;
      const auto& peer = v.get_object();
      const auto other =
          text_at(peer, "name").empty() ? text_at(peer, "address") : text_at(peer, "name");
      const auto reason = text_at(peer, "reason");
      out.hopeless = fail(errc::unauthenticated, "wrong_cluster_secret",
                          "node " + name + " and node " + other + " refuse each other" +
                              (reason.empty() ? "" : ": " + reason));
    }
    const auto state = text_at(status, "state");
    if (out.waiting_for.empty() && state != "ready") out.waiting_for = name + " is " + state;
  }
  for (const auto& one : statuses)
    for (const auto& other : statuses)
      if (out.waiting_for.empty() && &one != &other && !sees(one, other))
        out.waiting_for = text_at(one, "name") + " does not see " + text_at(other, "name") + " yet";
  out.ready = out.waiting_for.empty() && out.hopeless.has_value();
  return out;
}

} // namespace kith::cli
