// Sends and asks from code that is not an agent: a script, a web server, the command line. Talks to
// a node of this machine over its control socket (tools/kith/CONTROL.md).
//
//   auto client = kith::client::connect("./kith-data");
//   if (!client) return report(client.error());
//   auto answer = client->ask("greeter", "greet", "Ada", std::chrono::seconds(5));
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/stream/qos.hpp"

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kith {

// What travels: text, JSON, or bytes of any other type. Takes what kith::encode makes, too:
// client.send(to, "baton", kith::encode(my_described_struct)).
struct client_content {
  static constexpr std::size_t size_max = 16 << 20; // bytes; more is refused

  std::string content_type = "text/plain";
  std::string data;

  client_content() = default;
  client_content(std::string text) : data(std::move(text)) {}
  client_content(std::string_view text) : data(text) {}
  client_content(const char* text) : data(text) {}
  client_content(std::string type, std::string payload)
      : content_type(std::move(type)), data(std::move(payload)) {}
  template <class Encoded>
  requires requires(const Encoded& e) {
    { e.content_type } -> std::convertible_to<std::string_view>;
    { e.payload } -> std::convertible_to<std::string_view>;
  }
  client_content(const Encoded& e)
      : content_type(std::string_view(e.content_type)), data(std::string_view(e.payload)) {}
  // One JSON document; the call that sends it says if it is none.
  static client_content json(std::string_view document) {
    return {"application/json", std::string(document)};
  }
};

struct client_options {
  duration connect_timeout = std::chrono::seconds(2);
  // How long the node may take to answer anything but an ask.
  duration request_timeout = std::chrono::seconds(30);
  // Connections tried in a row for one call, when the node goes away in the middle of it.
  unsigned attempts_max = 6;
  // Before the second attempt; doubles each time, and jitter takes off up to a half.
  duration retry_delay = std::chrono::milliseconds(100);
  duration retry_delay_max = std::chrono::seconds(2);
  // How it waits between attempts; blocks the thread if empty.
  std::function<void(duration)> wait;
};

struct client_send_options {
  uuid id{};                         // nil: a new one
  std::uint64_t time_to_live_ms = 0; // 0: waits for the recipient for ever
  // at_least_once: trying again after a lost connection may double it.
  enum qos qos = qos::exactly_once;
};

struct client_sent {
  uuid id;
  bool duplicate = false; // the node had taken a message of this id before: it was not sent again
                          // (never true for QoS 1)
};

struct client_answer {
  std::string status; // "ok", "refused", "expired", "dead", "timeout"
  std::string reason; // why it is not ok, for a person
  client_content content;
  uuid id; // of the question
  bool ok() const { return status == "ok"; }
};

// Blocking. Not thread-safe: one a thread. Every message gets a UUIDv7 of its own before it is
// first sent, so that trying again after a lost connection, or after an error with the same id,
// never doubles it (but see client_send_options::qos). Reconnects by itself, always to the node
// that it first reached, because that is the one that knows its ids.
class client {
public:
  // `where` is a state directory (then the first of its nodes that answers), a node's directory, or
  // a control socket. Does not wait for a node to come up. Errors: unavailable "node_not_running";
  // not_found "state_dir_missing"; forbidden "socket_forbidden"; timeout "node_busy".
  static result<client> connect(const std::string& where, client_options options = {});

  client(client&&) noexcept;
  client& operator=(client&&) noexcept;
  ~client();

  // Sends; success means that the node's journal holds the message. `to` is a DID or an agent's
  // name. Errors: not_found "unknown_agent"; overloaded "outbox_full"; too_large
  // "payload_too_large"; malformed "bad_json"; unavailable, timeout: nobody knows, try again with
  // the same id.
  result<client_sent> send(std::string_view to, std::string_view kind, const client_content& what,
                           const client_send_options& options = {});
  // Asks, and waits for the answer. That it was refused, or that none came in time, is an answer
  // too. `id` as in client_send_options; with it an ask may be tried again as well. Errors as
  // above, and conflict "answer_gone": answered before, and the answer is no longer kept.
  result<client_answer> ask(std::string_view to, std::string_view kind, const client_content& what,
                            duration timeout, const uuid& id = {});

  // Any verb of CONTROL.md: takes the arguments and gives the result as JSON text. Tried once,
  // since it cannot know whether trying again is harmless. Errors: the node's, and malformed
  // "bad_json".
  result<std::string> call(std::string_view verb, std::string_view arguments, duration timeout);

  // The control socket that it talks to.
  const std::string& socket_path() const;

private:
  struct impl;
  explicit client(std::unique_ptr<impl> inner);
  std::unique_ptr<impl> impl_;
};

// The control socket of a node's directory.
std::string control_socket_of(const std::string& node_dir);

} // namespace kith
