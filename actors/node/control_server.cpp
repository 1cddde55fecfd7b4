#include "actors/node/control_server.hpp"

#include "actors/agent/registry.hpp"
#include "actors/node/auditing.hpp"

#include <boost/json.hpp>

namespace kith {

namespace bj = boost::json;

struct control_server::connection {
  connection(std::unique_ptr<net::byte_stream> s, std::size_t line_max)
      : socket(std::move(s)), lines(line_max) {}
  // "uid=1000,pid=4711", or what else is known of who sits there.
  std::string who() const {
    auto from = socket->remote_address();
    if (from.starts_with("unix:")) from.erase(0, 5);
    return from.empty() ? "operator" : from;
  }
  std::unique_ptr<net::byte_stream> socket;
  net::line_reader lines;
  std::size_t open = 0;
};

result<void> control_server::listen(const std::filesystem::path& socket) {
  KITH_ASSIGN(listener_, parts_.network.listen("unix:" + socket.string(),
                                               [this](std::unique_ptr<net::byte_stream> s) {
                                                 accept(std::move(s));
                                               }));
  return {};
}

void control_server::close() {
  listener_.reset();
  for (const auto& c : connections_) c->socket->abort();
  connections_.clear();
}

void control_server::accept(std::unique_ptr<net::byte_stream> socket) {
  if (connections_.size() >= connections_max) return;
  auto line_max = std::size_t(parts_.options.settings.integer("limits.control_line_max"));
  auto c = std::make_shared<connection>(std::move(socket),
                                        line_max); // shared: answers come later, from other threads
  connections_.insert(c);
  std::weak_ptr<connection> weak = c;
  auto lines = [this, weak](byte_view data) {
    auto self = weak.lock();
    if (!self) return;
    auto fed = self->lines.feed(data, [&](std::string_view text) {
      line(self, text);
      return connections_.count(self) != 0 && self->open < requests_max;
    });
    if (!fed) {
      answer(self, 0,
             fail(errc::malformed, "bad_request", "a line of the control socket is too long"));
      self->socket->close();
    } else if (self->open >= requests_max) {
      self->socket->pause_reading();
    }
  };
  c->socket->start({lines, {}, [this, weak](const error&) {
                      if (auto self = weak.lock()) drop(self);
                    }});
}

void control_server::drop(const std::shared_ptr<connection>& c) {
  // The socket may be calling: it is destroyed when the reactor is done with the call.
  if (connections_.erase(c) != 0) parts_.reactor.post([keep = c] {});
}

void control_server::line(const std::shared_ptr<connection>& c, std::string_view text) {
  boost::system::error_code ec;
  bj::parse_options options;
  options.max_depth = 32;
  auto parsed = bj::parse(text, ec, {}, options);
  auto* request = ec ? nullptr : parsed.if_object();
  std::int64_t id = 0;
  const bj::string* verb = nullptr;
  if (request != nullptr) {
    if (auto* v = request->if_contains("id"))
      if (auto* n = v->if_int64()) id = *n;
    if (auto* v = request->if_contains("verb")) verb = v->if_string();
  }
  if (id < 1 || verb == nullptr) {
    answer(c, 0,
           fail(errc::malformed, "bad_request", "a request is an object with an id and a verb"));
    c->socket->close();
    return;
  }
  bj::object args;
  if (auto* a = request->if_contains("args"))
    if (auto* o = a->if_object()) args = std::move(*o);
  if (*verb == "types") {
    bj::array names;
    for (const auto& name : agent_types::names())
      if (name.rfind("kith.", 0) != 0) names.emplace_back(name);
    return answer(c, id, bj::value(std::move(names)));
  }
  ++c->open;
  std::weak_ptr<connection> weak = c;
  auto& reactor = parts_.reactor;
  const bool stops = *verb == "stop";
  reply answered = [this, weak, id, stops, &reactor](result<bj::value> r) {
    reactor.post([this, weak, id, stops, r = std::move(r)] {
      if (stops) parts_.reactor.post([this] { stop_(); }); // also if nobody waits for the answer
      auto self = weak.lock();
      if (!self || connections_.count(self) == 0) return;
      if (self->open-- == requests_max) self->socket->resume_reading();
      answer(self, id, r);
      // Lines that waited for a free place.
      auto fed = self->lines.feed({}, [&](std::string_view waiting) {
        line(self, waiting);
        return self->open < requests_max;
      });
      if (!fed) self->socket->close();
    });
  };
  if (parts_.audit && is_audited(*verb) && !stops)
    if (auto usable = parts_.audit->usable(); !usable) return answered(fail(usable.error()));
  auto reply_to = audited(parts_, c->who(), *verb, args, std::move(answered));
  if (stops) return reply_to(bj::value(bj::object()));
  control_verb(parts_, *verb, args, std::move(reply_to));
}

void control_server::answer(const std::shared_ptr<connection>& c, std::int64_t id,
                            const result<bj::value>& r) {
  bj::object o;
  o["id"] = id;
  o["ok"] = r.has_value();
  if (r) {
    o["result"] = *r;
  } else {
    const auto& e = r.error();
    o["error"] = {{"category", to_string(e.category)}, {"code", e.code}, {"context", e.context}};
  }
  auto text = bj::serialize(o);
  text += '\n';
  if (c->socket->unsent() > unsent_max) {
    c->socket->close();
    return;
  }
  c->socket->write(to_bytes(as_bytes(text)));
}

void control_verb(node_parts& parts, std::string_view verb, const bj::object& args,
                  control_server::reply reply) {
  using handler = void (*)(node_parts&, const bj::object&, control_server::reply);
  static constexpr std::pair<std::string_view, handler> verbs[] = {
      {"status", control::status},
      {"tree", control::tree},
      {"crashes", control::crashes},
      {"agents", control::agents},
      {"handlers", control::handlers},
      {"handler_cancel", control::handler_cancel},
      {"where", control::where},
      {"send", control::send},
      {"ask", control::ask},
      {"spawn", control::spawn},
      {"own", control::own},
      {"did_publish", control::did_publish},
      {"did_withdraw", control::did_withdraw},
      {"dlq_ls", control::dlq_ls},
      {"dlq_show", control::dlq_show},
      {"config", control::config},
      {"health", control::health},
      {"metrics", control::metrics},
      {"log_level", control::log_level},
      {"inbox", control::inbox},
      {"dlq_replay", control::dlq_replay},
      {"dlq_purge", control::dlq_purge},
      {"timers", control::timers},
      {"timer_cancel", control::timer_cancel},
      {"backup", control::backup},
      {"verify", control::verify},
      {"store_work", control::store_work},
  };
  for (const auto& [name, run] : verbs)
    if (name == verb) return run(parts, args, std::move(reply));
  reply(fail(errc::unsupported, "unknown_verb", "this node has no verb " + std::string(verb)));
}

} // namespace kith
