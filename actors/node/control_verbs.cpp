// The verbs of the control socket that act: send, ask, spawn. All go through the node's own agent,
// so that what comes from outside is journaled, retried and accounted for like everything else.
#include "actors/agent/registry.hpp"
#include "actors/node/control_server.hpp"
#include "runtime/base/base64.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

error bad_argument(std::string_view name, std::string_view expected) {
  return {errc::invalid, "bad_argument",
          "argument " + std::string(name) + " must be " + std::string(expected)};
}

struct payload {
  std::string content_type{text_type};
  std::string bytes;
};

result<payload> payload_argument(node_parts& parts, const bj::object& args) {
  payload p;
  if (auto* text = args.if_contains("text")) {
    if (!text->is_string()) return fail(bad_argument("text", "a string"));
    p.bytes = std::string(text->as_string());
  } else if (auto* value = args.if_contains("json")) {
    p.content_type = json_type;
    p.bytes = bj::serialize(*value);
  } else if (args.if_contains("base64") != nullptr) {
    KITH_ASSIGN(auto encoded_text, text_argument(args, "base64"));
    auto decoded = from_base64(encoded_text);
    if (!decoded) return fail(bad_argument("base64", "base64"));
    p.bytes = std::string(*decoded);
    KITH_ASSIGN(auto type, optional_text(args, "content_type"));
    p.content_type = type.empty() ? std::string(bytes_type) : type;
  }
  auto max = std::size_t(parts.options.settings.integer("limits.payload_max"));
  if (p.bytes.size() > max)
    return fail(errc::too_large, "payload_too_large",
                "a payload is at most " + std::to_string(max) + " bytes");
  return p;
}

std::string_view status_text(const ingress::answer& a) {
  if (a.timed_out) return "timeout";
  switch (a.status) {
  case answer_status::ok: return "ok";
  case answer_status::refused: return "refused";
  case answer_status::expired: return "expired";
  case answer_status::dead: return "dead";
  case answer_status::none: break;
  }
  return "timeout";
}

result<ingress> request_of(node_parts& parts, const bj::object& args) {
  ingress in;
  KITH_ASSIGN(auto to, text_argument(args, "to"));
  KITH_ASSIGN(in.kind, text_argument(args, "kind"));
  KITH_ASSIGN(auto p, payload_argument(parts, args));
  KITH_ASSIGN(auto id, optional_text(args, "id"));
  KITH_ASSIGN(in.to, agent_reference(parts, to));
  in.content_type = std::move(p.content_type);
  in.payload = std::move(p.bytes);
  if (!id.empty()) {
    KITH_ASSIGN(in.id, uuid::parse(id));
  }
  auto free = parts.free_bytes();
  auto reserve = std::uint64_t(parts.options.settings.integer("store.disk_reserve_mb")) << 20;
  if (free && *free < reserve)
    return fail(errc::overloaded, "disk_reserve",
                "the disk has less room than store.disk_reserve_mb; make some");
  return in;
}

} // namespace

result<std::string> text_argument(const bj::object& args, std::string_view name) {
  auto* v = args.if_contains(name);
  if (v == nullptr || !v->is_string()) return fail(bad_argument(name, "a string"));
  return std::string(v->as_string());
}

result<std::string> optional_text(const bj::object& args, std::string_view name) {
  auto* v = args.if_contains(name);
  if (v == nullptr || v->is_null()) return std::string();
  return text_argument(args, name);
}

result<std::int64_t> optional_number(const bj::object& args, std::string_view name,
                                     std::int64_t otherwise) {
  auto* v = args.if_contains(name);
  if (v == nullptr || v->is_null()) return otherwise;
  if (!v->is_int64() || v->as_int64() < 0)
    return fail(bad_argument(name, "a number, not negative"));
  return v->as_int64();
}

void through_node(node_parts& parts, ingress request, unsigned attempt) {
  static constexpr unsigned attempts_max = 100;
  static constexpr duration pause = std::chrono::milliseconds(20);
  auto where = parts.router.find(parts.self());
  if (where.mailbox) {
    caf::anon_send(where.mailbox, std::move(request));
    return;
  }
  bool draining = false;
  {
    std::lock_guard lock(parts.mutex);
    draining = parts.draining;
  }
  if (draining || attempt >= attempts_max) {
    error why{errc::unavailable, "not_ready",
              "the node is starting or stopping; try again in a moment"};
    return request.accepted({request.id, false, std::move(why)});
  }
  parts.reactor.after(pause, [&parts, request = std::move(request), attempt] {
    through_node(parts, request, attempt + 1);
  });
}

void send(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto in = request_of(parts, args);
  if (!in) return reply(fail(in.error()));
  auto ttl = optional_number(args, "ttl_ms", 0);
  auto quality = optional_number(args, "qos", 2);
  if (!ttl) return reply(fail(ttl.error()));
  if (!quality || *quality > std::int64_t(qos::exactly_once))
    return reply(fail(bad_argument("qos", "0, 1 or 2")));
  in->time_to_live_ms = std::uint64_t(*ttl);
  in->quality = qos(*quality);
  in->accepted = [reply](const ingress::outcome& o) {
    if (!o.problem.code.empty()) return reply(fail(o.problem));
    reply(bj::value{{"id", o.id.text()}, {"duplicate", o.duplicate}});
  };
  through_node(parts, std::move(*in));
}

void ask(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto in = request_of(parts, args);
  if (!in) return reply(fail(in.error()));
  auto timeout = optional_number(args, "timeout_ms", 30'000);
  if (!timeout) return reply(fail(timeout.error()));
  if (auto quality = optional_number(args, "qos", 2); !quality || *quality != 2)
    return reply(fail(bad_argument("qos", "2, if anything: an ask is sent once")));
  in->timeout_ms = std::uint64_t(*timeout);
  in->wants_answer = true;
  auto id = std::make_shared<std::string>(); // shared by the two callbacks; the first runs before
                                             // the second
  in->accepted = [reply, id](const ingress::outcome& o) {
    *id = o.id.text();
    if (!o.problem.code.empty()) return reply(fail(o.problem));
    if (o.duplicate)
      reply(fail(errc::conflict, "answer_gone",
                 "message " + *id + " was asked before; its answer went to that asker"));
  };
  in->answered = [reply, id](const ingress::answer& a) {
    bj::object o;
    o["status"] = status_text(a);
    o["id"] = *id;
    if (a.status == answer_status::ok && !a.timed_out)
      put_payload(o, a.content_type, a.payload);
    else
      o["reason"] = a.payload;
    reply(std::move(o));
  };
  through_node(parts, std::move(*in));
}

void spawn(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto type = text_argument(args, "type");
  auto name = optional_text(args, "name");
  auto node = optional_text(args, "node");
  auto under = optional_text(args, "under");
  auto again = optional_text(args, "restart");
  for (const auto* argument : {&type, &name, &node, &under, &again})
    if (!*argument) return reply(fail(argument->error()));
  auto owner = owner_argument(args);
  if (!owner) return reply(fail(owner.error()));
  if (!again->empty() && !parse_restart(*again))
    return reply(fail(bad_argument("restart", "permanent, transient or temporary")));
  if (!name->empty() && !parts.directory.named(*name).empty())
    return reply(fail(errc::exists, "name_taken",
                      "an agent of this cluster is named " + *name + " already"));
  if (did::parse(*name)) return reply(fail(bad_argument("name", "no DID")));
  ingress in;
  in.to = parts.self();
  if (!node->empty()) {
    auto to = node_reference(parts, *node);
    if (!to) return reply(fail(to.error()));
    in.to = *to;
  }
  in.kind = "kith.spawn";
  in.content_type = json_type;
  bj::object order{{"type", *type}, {"name", *name}};
  if (!owner->empty()) order["owner"] = owner->text();
  if (!under->empty()) order["under"] = *under;
  if (!again->empty()) order["restart"] = *again;
  in.payload = bj::serialize(order);
  in.wants_answer = true;
  in.accepted = [reply](const ingress::outcome& o) {
    if (!o.problem.code.empty()) reply(fail(o.problem));
  };
  in.answered = [reply, to = in.to, type = *type](const ingress::answer& a) {
    if (a.timed_out)
      return reply(fail(errc::timeout, "no_answer", "the node did not answer in time"));
    if (a.status == answer_status::refused)
      return reply(fail(
          errc::not_found,
          a.payload.starts_with(no_supervisor) ? "unknown_supervisor" : "unknown_type", a.payload));
    if (a.status != answer_status::ok)
      return reply(fail(errc::internal, "spawn_failed", a.payload));
    reply(bj::value{{"did", a.payload}, {"node", to.text()}});
  };
  through_node(parts, std::move(in));
}

} // namespace kith::control
