#include "actors/node/auditing.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith {

namespace bj = boost::json;

namespace {

constexpr std::string_view audited_verbs[] = {
    "spawn",        "own",       "did_publish", "did_withdraw",
    "dlq_replay",   "dlq_purge", "stop",        "handler_cancel",
    "timer_cancel", "log_level", "backup",
};
constexpr std::size_t value_size_max = 120; // of one argument; a key history is longer

std::string text_of(const bj::value& v) {
  if (const auto* s = v.if_string()) return std::string(s->data(), s->size());
  return v.is_primitive() ? bj::serialize(v) : std::string();
}

} // namespace

bool is_audited(std::string_view verb) {
  return std::find(std::begin(audited_verbs), std::end(audited_verbs), verb) !=
         std::end(audited_verbs);
}

std::string audit_subject(const bj::object& args) {
  std::string out;
  const auto put = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    if (!out.empty()) out += ' ';
    out += name;
    out += '=';
    out += value.size() <= value_size_max ? value : value.substr(0, value_size_max) + "...";
  };
  for (const auto& m : args) {
    const std::string_view name(m.key().data(), m.key().size());
    if (const auto* list = m.value().if_array()) {
      if (!list->empty()) put(name, text_of(list->front()));
      if (list->size() > 1) out += " and " + std::to_string(list->size() - 1) + " more";
    } else {
      put(name, text_of(m.value()));
    }
  }
  return out;
}

control_server::reply audited(node_parts& parts, std::string who, std::string_view verb,
                              const bj::object& args, control_server::reply reply) {
  if (!parts.audit || !is_audited(verb)) return reply;
  audit::act what{std::string(verb), audit_subject(args), {}, std::move(who)};
  return [&log = *parts.audit, what = std::move(what),
          reply = std::move(reply)](result<bj::value> r) mutable {
    what.outcome = r ? "ok" : r.error().code;
    log.append(what, [reply, r = std::move(r)](result<void> written) {
      reply(written ? r : result<bj::value>(fail(written.error())));
    });
  };
}

} // namespace kith
