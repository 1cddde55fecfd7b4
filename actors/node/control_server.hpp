// The node's side of the control socket (tools/kith/CONTROL.md): JSON lines over a Unix socket that
// only its owner can open. Lives on the reactor's thread.
#pragma once

#include "actors/node/parts.hpp"
#include "runtime/net/line_reader.hpp"

#include <set>

namespace boost::json {
class object;
class value;
} // namespace boost::json

namespace kith {

class control_server {
public:
  static constexpr std::size_t connections_max = 256; // further ones are closed at once
  static constexpr std::size_t requests_max = 64;     // open on one connection; more wait unread
  static constexpr std::size_t unsent_max = 64 << 20; // a client that does not read is cut off

  // The answer to one request; any thread, once.
  using reply = std::function<void(result<boost::json::value>)>;

  explicit control_server(node_parts& parts) : parts_(parts) {}
  // On the reactor's thread; the errors of network::listen.
  result<void> listen(const std::filesystem::path& socket);
  void close();
  // What the verb `stop` does, after it was answered.
  void on_stop(std::function<void()> stop) { stop_ = std::move(stop); }

private:
  struct connection;
  void accept(std::unique_ptr<net::byte_stream> socket);
  void line(const std::shared_ptr<connection>& c, std::string_view text);
  void answer(const std::shared_ptr<connection>& c, std::int64_t id,
              const result<boost::json::value>& r);
  void drop(const std::shared_ptr<connection>& c);

  node_parts& parts_;
  std::function<void()> stop_;
  std::unique_ptr<net::listener> listener_;
  std::set<std::shared_ptr<connection>> connections_; // shared with the answers under way
};

// What the verbs do (control_*.cpp). Runs on the reactor's thread; must not
// block for long.
void control_verb(node_parts& parts, std::string_view verb, const boost::json::object& args,
                  control_server::reply reply);

namespace control {

// Arguments: invalid "bad_argument" if missing or of another type.
result<std::string> text_argument(const boost::json::object& args, std::string_view name);
result<std::string> optional_text(const boost::json::object& args, std::string_view name);
result<std::int64_t> optional_number(const boost::json::object& args, std::string_view name,
                                     std::int64_t otherwise);

// A DID, or the name of one agent of the cluster: not_found "unknown_agent", conflict
// "ambiguous_name".
result<did> agent_reference(node_parts& parts, const std::string& text);
// not_found "unknown_node".
result<did> node_reference(node_parts& parts, const std::string& text);
// Who is to own an agent, empty: nobody. invalid "bad_owner".
result<did> owner_argument(const boost::json::object& args);
// Adds text, json or base64 to `o`.
void put_payload(boost::json::object& o, std::string_view content_type, std::string_view payload);

void status(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void tree(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void agents(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void crashes(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void handlers(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void handler_cancel(node_parts& parts, const boost::json::object& args,
                    control_server::reply reply);
// What takes long with the store (store_work.hpp).
void backup(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void verify(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void store_work(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void health(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void metrics(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void log_level(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void config(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void where(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void dlq_ls(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void dlq_show(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void dlq_replay(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void dlq_purge(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void inbox(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void timers(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void timer_cancel(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void send(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void ask(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void did_publish(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void did_withdraw(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void spawn(node_parts& parts, const boost::json::object& args, control_server::reply reply);
void own(node_parts& parts, const boost::json::object& args, control_server::reply reply);

// Hands an ingress to the node's own agent; while that is starting, a little later. `accepted`
// hears of the rest: unavailable "not_ready". On the reactor's thread.
void through_node(node_parts& parts, ingress request, unsigned attempt = 0);

} // namespace control

} // namespace kith
