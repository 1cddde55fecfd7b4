// Which verbs of the control socket are administrative acts, and how these come into the audit log
// before they are answered (runtime/audit).
#pragma once

#include "actors/node/control_server.hpp"

namespace kith {

// It changes something on this node, or has another change it.
bool is_audited(std::string_view verb);

// Gives `reply` what it is given, once that is in the audit log. If it cannot be, the answer is
// what kept it from that: then the act was done.
control_server::reply audited(node_parts& parts, std::string who, std::string_view verb,
                              const boost::json::object& args, control_server::reply reply);

// "type=counter name=c": the arguments that are texts, numbers or flags, each cut.
std::string audit_subject(const boost::json::object& args);

} // namespace kith
