// The mailbox of a DID outside: set up, looked into, acknowledged, and followed by Server-Sent
// Events (https://html.spec.whatwg.org/multipage/server-sent-events.html) or a WebSocket.
#include "actors/edge/acting.hpp"
#include "actors/edge/inbox_hub.hpp"
#include "actors/edge/message_json.hpp"
#include "actors/edge/problem.hpp"
#include "actors/edge/server.hpp"
#include "actors/mailbox/keys.hpp"
#include "runtime/base/base64.hpp"

#include <charconv>

namespace kith::edge {

namespace {

constexpr std::string_view json_content = "application/json";
constexpr std::size_t page_max = 1000;
constexpr std::size_t page_bytes_max = 4 << 20;

result<std::optional<std::uint64_t>> number(std::string_view what,
                                            std::optional<std::string> text) {
  if (!text) return std::nullopt;
  std::uint64_t n = 0;
  auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (ec != std::errc{} || end != text->data() + text->size())
    return fail(errc::invalid, "bad_number", std::string(what) + " must be a whole number");
  return n;
}

result<records::pending_state> state_of(const services& of, const did& who) {
  KITH_ASSIGN(auto stored, of.disk.get(store::table::state, keys::pending_state(keys::of(who))));
  if (!stored) return records::pending_state{};
  return records::decode<records::pending_state>(*stored);
}

// The mailbox of a DID outside, and that the caller may look into it.
result<did> own_mailbox(const services& of, const call& c) {
  KITH_ASSIGN(auto who, may_act_as(of, c.who, c.param(0)));
  KITH_ASSIGN(auto record, mailbox_record(of, who));
  if (record.delegation.empty())
    return fail(errc::conflict, "not_outside", "an agent takes its messages itself");
  return who;
}

// From where a follower or reader begins: behind what it says it has, or else behind what it has
// acknowledged. conflict "cursor_ahead": nothing has that position, so it is of another mailbox.
result<sequence> cursor(const services& of, const call& c, const did& who) {
  KITH_ASSIGN(auto state, state_of(of, who));
  std::optional<std::string> said;
  if (auto last = c.request.headers.find("last-event-id")) said = std::string(*last);
  if (!said) said = net::query_value(c.request.query(), "after");
  KITH_ASSIGN(auto after, number("the cursor", std::move(said)));
  if (after && *after >= state.next)
    return fail(errc::conflict, "cursor_ahead", "nothing has come at this position yet");
  return std::max<sequence>(after.value_or(0), state.acked);
}

void open(const context& with, const call& c, net::http_responder answer) {
  const auto& of = with.of;
  auto checked = [&]() -> result<delegation> {
    KITH_ASSIGN(auto who, did::parse(c.param(0)));
    if (c.who.is == principal::kind::signer) {
      if (c.who.who != who)
        return fail(errc::forbidden, "not_yours", "a DID sets up its own mailbox");
      KITH_TRY(with.access.admit_mailbox(who));
    }
    KITH_ASSIGN(auto body, read_object(c.request.body, {"delegation"}));
    if (!body["delegation"].is_string())
      return fail(errc::invalid, "bad_message", "\"delegation\" must be a string in base64");
    KITH_ASSIGN(auto raw, from_base64(body["delegation"].as_string()));
    KITH_ASSIGN(auto made, delegation::decode(as_bytes(raw)));
    if (made.agent != who)
      return fail(errc::invalid, "wrong_delegation", "the delegation is another DID's");
    if (made.node != of.self)
      return fail(errc::invalid, "wrong_node",
                  "the delegation names another node; this is " + of.self.text());
    KITH_TRY(made.check_signature());
    return made;
  }();
  if (!checked) return answer.respond(problem(checked.error()));
  auto later = share(std::move(answer));
  of.open_mailbox(std::move(*checked), [later, self = of.self](result<mailbox_status> done) {
    if (!done) return later->respond(problem(done.error()));
    auto o = json::object();
    o.set("did", done->who.text()), o.set("node", self.text());
    o.set("epoch", done->at), o.set("expires", done->expires);
    later->respond(json_response(done->created ? 201 : 200, o));
  });
}

void pending(const services& of, const call& c, net::http_responder answer) {
  auto said = [&]() -> result<json> {
    KITH_ASSIGN(auto who, own_mailbox(of, c));
    KITH_ASSIGN(auto after, cursor(of, c, who));
    KITH_ASSIGN(auto limit, number("limit", net::query_value(c.request.query(), "limit")));
    KITH_ASSIGN(auto state, state_of(of, who));
    auto from = keys::pending(keys::of(who), after + 1);
    auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
    auto count = std::min<std::size_t>(limit.value_or(100), page_max);
    auto list = json::array();
    if (count > 0) {
      KITH_ASSIGN(auto found,
                  of.disk.scan(store::table::queue, from, end, {count, page_bytes_max}));
      for (const auto& e : found) {
        KITH_ASSIGN(auto parsed, envelope::parse(e.value));
        list.push_back(message_json(parsed, keys::queue_seq(e.key)));
      }
    }
    auto o = json::object();
    o.set("messages", std::move(list));
    o.set("newest", state.next - 1), o.set("acked", state.acked);
    return o;
  }();
  answer.respond(said ? json_response(200, *said) : problem(said.error()));
}

void ack(const services& of, const call& c, net::http_responder answer) {
  auto upto = [&]() -> result<std::pair<did, sequence>> {
    KITH_ASSIGN(auto who, own_mailbox(of, c));
    KITH_ASSIGN(auto body, read_object(c.request.body, {"upto"}));
    const auto& v = body["upto"];
    if (v.type() != json::type::integer || v.as_int() < 0)
      return fail(errc::invalid, "bad_message", "\"upto\" must be a position");
    return std::pair(who, sequence(v.as_int()));
  }();
  if (!upto) return answer.respond(problem(upto.error()));
  auto later = share(std::move(answer));
  auto done = [later, at = upto->second](const result<void>& r) {
    if (!r) return later->respond(problem(r.error()));
    auto o = json::object();
    o.set("acked", at);
    later->respond(json_response(200, o));
  };
  if (auto handed = hand_to(of, upto->first, pending_ack{upto->second, done}); !handed)
    later->respond(problem(handed.error()));
}

// Followers hold their connection; its handlers hold their ticket.
struct event_follower final : follower {
  explicit event_follower(std::shared_ptr<net::http_stream> s) : stream(std::move(s)) {}
  bool take(const envelope& e, sequence position) override {
    std::string event = "id: " + std::to_string(position) + "\nevent: message\ndata: ";
    event += message_json(e, position).dump(); // JSON text has no line ends
    event += "\n\n";
    return stream->write(event);
  }
  void still_there() override { stream->write(std::string_view(":\n\n")); }
  std::shared_ptr<net::http_stream> stream; // shared with the connection
};

struct socket_follower final : follower {
  explicit socket_follower(std::shared_ptr<net::websocket> s) : socket(std::move(s)) {}
  bool take(const envelope& e, sequence position) override {
    return socket->send_text(message_json(e, position).dump());
  }
  void still_there() override {}          // the socket pings by itself
  std::shared_ptr<net::websocket> socket; // shared with the connection
};

void follow_events(const services& of, const call& c, net::http_responder answer) {
  auto who = own_mailbox(of, c);
  if (!who) return answer.respond(problem(who.error()));
  auto after = cursor(of, c, *who);
  if (!after) return answer.respond(problem(after.error()));
  net::http_response head;
  head.headers.set("Content-Type", "text/event-stream");
  head.headers.set("Cache-Control", "no-store");
  head.headers.set("X-Accel-Buffering", "no"); // nginx would hold events back
  auto stream = answer.stream(std::move(head));
  if (!stream) return;
  auto f = std::make_shared<event_follower>(*stream); // shared with the hub
  auto ticket = of.hub.follow(*who, *after, f);
  if (!ticket) {
    (*stream)->write("event: refused\ndata: " + std::string(ticket.error().code) + "\n\n");
    return (*stream)->close();
  }
  f->still_there(); // so that the client sees that it is connected
  (*stream)->on_drained([&hub = of.hub, t = *ticket] { hub.wake(t); });
  (*stream)->on_closed([&hub = of.hub, t = *ticket](const error&) { hub.leave(t); });
}

// What comes from the client: {"ack": position}.
void heard(const services& of, const did& who, const std::shared_ptr<net::websocket>& socket,
           byte_view message) {
  auto said = read_object(message, {"ack"});
  if (!said || (*said)["ack"].type() != json::type::integer || (*said)["ack"].as_int() < 0)
    return socket->close(1007, "a message is {\"ack\": position}");
  auto upto = sequence((*said)["ack"].as_int());
  auto done = [weak = std::weak_ptr(socket), upto](const result<void>& r) {
    auto o = json::object();
    if (r)
      o.set("acked", upto);
    else
      o.set("error", r.error().code), o.set("detail", r.error().context);
    if (auto live = weak.lock()) live->send_text(o.dump());
  };
  if (auto handed = hand_to(of, who, pending_ack{upto, done}); !handed) done(handed);
}

void follow_socket(const services& of, const call& c, net::http_responder answer) {
  auto who = own_mailbox(of, c);
  if (!who) return answer.respond(problem(who.error()));
  auto after = cursor(of, c, *who);
  if (!after) return answer.respond(problem(after.error()));
  auto socket = answer.upgrade({.message_size_max = 4096});
  if (!socket) return;
  auto ticket = of.hub.follow(*who, *after, std::make_shared<socket_follower>(*socket));
  if (!ticket) return (*socket)->close(1013, ticket.error().code);
  (*socket)->on_drained([&hub = of.hub, t = *ticket] { hub.wake(t); });
  (*socket)->on_closed([&hub = of.hub, t = *ticket](const error&) { hub.leave(t); });
  (*socket)->on_message([&of, id = *who, weak = std::weak_ptr(*socket)](auto, byte_view message) {
    if (auto live = weak.lock()) heard(of, id, live, message);
  });
}

const std::vector<outcome> looking = {{400, "a cursor that is none"},
                                      {401, "not signed, or wrongly"},
                                      {403, "not the caller's mailbox"},
                                      {404, "no such mailbox here"},
                                      {409, "an agent's mailbox, or a cursor ahead of it"},
                                      {429, "too often"}};

std::vector<outcome> with_common(std::vector<outcome> first) {
  first.insert(first.end(), looking.begin(), looking.end());
  return first;
}

} // namespace

void add_mailboxes(routes& to, const context& with) {
  const auto& of = with.of;
  to.add({.method = "PUT",
          .pattern = "/api/mailboxes/{did}",
          .name = "openMailbox",
          .needs = need::known,
          .summary = "Sets up the mailbox of a DID outside of any node, or renews its delegation",
          .body_schema = "Register",
          .outcomes = {{200, "renewed", json_content, "Mailbox"},
                       {201, "set up", json_content, "Mailbox"},
                       {400, "not a delegation to this node"},
                       {401, "not signed, or wrongly"},
                       {403, "not the caller's, or the node keeps none for it"},
                       {409, "the DID lives elsewhere"},
                       {429, "too often, or too many mailboxes"}},
          .run = [&with](call c, net::http_responder a) { open(with, c, std::move(a)); }});
  to.add({.method = "GET",
          .pattern = "/api/messages/{did}/pending",
          .name = "pendingMessages",
          .needs = need::known,
          .summary = "What waits in a mailbox, oldest first",
          .query = {{"after", "integer", "only what is behind this position"},
                    {"limit", "integer", "at most so many; 100 if not said, 1000 at most"}},
          .outcomes = with_common({{200, "a page", json_content, "Pending"}}),
          .run = [&of](call c, net::http_responder a) { pending(of, c, std::move(a)); }});
  to.add({.method = "POST",
          .pattern = "/api/messages/{did}/ack",
          .name = "ackMessages",
          .needs = need::known,
          .summary = "The owner has everything up to a position: it is erased here",
          .body_schema = "Ack",
          .outcomes = with_common({{200, "erased, and synced", json_content, "Acked"},
                                   {503, "the node is starting or stopping"}}),
          .run = [&of](call c, net::http_responder a) { ack(of, c, std::move(a)); }});
  to.add({.method = "GET",
          .pattern = "/api/messages/{did}/events",
          .name = "followEvents",
          .needs = need::known,
          .summary =
              "Follows a mailbox: Server-Sent Events whose ids are positions. Goes on behind "
              "Last-Event-ID, or ?after=",
          .query = {{"after", "integer", "only what is behind this position"}},
          .outcomes = with_common(
              {{200, "for as long as it takes", "text/event-stream"}, {503, "too many streams"}}),
          .run = [&of](call c, net::http_responder a) { follow_events(of, c, std::move(a)); }});
  to.add({.method = "GET",
          .pattern = "/api/messages/{did}/socket",
          .name = "followSocket",
          .needs = need::known,
          .summary = "The same by a WebSocket, which takes {\"ack\": position} too",
          .query = {{"after", "integer", "only what is behind this position"}},
          .outcomes = with_common({{101, "the protocol is switched"},
                                   {426, "not asked for a WebSocket"},
                                   {503, "too many streams"}}),
          .run = [&of](call c, net::http_responder a) { follow_socket(of, c, std::move(a)); }});
}

} // namespace kith::edge
