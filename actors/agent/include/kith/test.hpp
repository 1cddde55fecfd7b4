// Tests one agent without a node, a disk or a clock:
//
//   kith::test::probe<greeter> p;
//   assert(p.ask("greet", "Ada").text() == "hello, Ada");
//
// The same code runs the turns here as in a node; only what is around it is played: what the agent
// sends is kept for sent(), and you say what is answered. Not part of <kith/kith.hpp>. Not
// thread-safe.
#pragma once

#include <kith/test_sent.hpp>
#include <set>

namespace kith::test {

// How one turn ended.
class turn {
public:
  bool handled() const { return how_ == ending::handled; }
  bool refused() const { return how_ == ending::refused; }
  bool threw() const { return how_ == ending::threw; }
  // The agent ended its life by crash(), and has begun another: plain members are new.
  bool crashed() const { return how_ == ending::crashed; }
  // Why it was refused or crashed, or what was thrown.
  const std::string& reason() const { return reason_; }
  // The reply's text and value. Throw std::logic_error, with the reason, unless the turn was
  // handled; as<T> is empty if the reply is not a T.
  const std::string& text() const;
  template <class T> std::optional<T> as() const {
    return payload_view(content_type_, as_bytes(text())).as<T>();
  }
  std::string_view content_type() const { return content_type_; }

private:
  friend class probe_base;
  enum class ending { handled, refused, threw, crashed } how_ = ending::handled;
  std::string reason_;
  std::string_view content_type_;
  std::string payload_;
};

// What is stored of an agent: its cells by name, in their stored form.
using stored_cells = std::map<std::string, bytes>;

class probe_base {
public:
  static constexpr std::int64_t start_ms = 1'700'000'000'000;

  ~probe_base();

  // Delivers a message from `sender()`, with or without a wish for an answer, and runs its turn.
  template <class T = std::string_view> turn ask(std::string_view kind, const T& value = {}) {
    return deliver(kind, encode(value), true);
  }
  template <class T = std::string_view> turn tell(std::string_view kind, const T& value = {}) {
    return deliver(kind, encode(value), false);
  }
  // The same with a payload of any form, fit or not.
  turn ask_raw(std::string_view kind, std::string_view content_type, std::string_view payload);

  // All that committed turns have sent, oldest first; asks answered by an index into it or by their
  // id. Throw std::logic_error for what is no open ask.
  const std::vector<sent_message>& sent() const;
  void clear_sent(); // with the asks that are still open
  template <class T> turn answer_to(std::size_t sent_index, const T& value) {
    return finish_ask(sent_index, ask_status::ok, "", encode(value));
  }
  template <class T> turn answer_to(const uuid& request, const T& value) {
    return answer_to(index_of(request), value);
  }
  turn fail_answer(std::size_t sent_index, ask_status status, std::string_view reason = "");
  turn fail_answer(const uuid& request, ask_status status, std::string_view reason = "");

  // One that the agent watches goes down. Throws std::logic_error if it does not watch it.
  turn go_down(const did& who, down_reason reason, std::string_view why = "");
  const std::set<did>& watched() const;

  // Lets time pass: timers fire, and asks whose deadline it reaches time out. The turns of their
  // handlers, in order; a firing that throws is tried again, as in a node.
  std::vector<turn> advance(std::int64_t ms);
  // The timers that are set, by id; one's next firing now, before its time. Throws
  // std::logic_error if there is none.
  std::vector<timer_info> timers() const;
  turn fire_timer(std::string_view id);
  std::int64_t now() const;

  // Ends the agent in memory, as kill -9 does, and activates it again from its cells: plain members
  // start anew. Throws std::runtime_error if it cannot be activated.
  void restart();
  // As if the node had been down for so long: then what is due fires, as each timer's policy says.
  std::vector<turn> restart_after(std::int64_t ms);
  const stored_cells& cells() const;
  template <class T> std::optional<T> stored(std::string_view cell) const {
    auto value = stored_json(cell);
    return payload_view(json_type, as_bytes(value)).as<T>();
  }

  const std::vector<spawned_agent>& spawned() const;
  bool stopped() const;
  const std::vector<std::string>& logged() const;
  // From now on every tell and ask is refused by the agent's bounds, or no longer.
  void overload(bool on);
  // did:example:agent, did:example:node and did:example:sender.
  const did& self() const;
  const did& node() const;
  const did& sender() const;

protected:
  probe_base(agent_registration::factory make, stored_cells cells, std::string name);
  agent& get() const;

private:
  turn deliver(std::string_view kind, encoded value, bool wants_answer);
  turn finish_ask(std::size_t sent_index, ask_status status, std::string_view reason,
                  encoded value);
  turn settle();
  std::optional<turn> fire(std::string_view id, bool before);
  std::size_t index_of(const uuid& request) const;
  std::string stored_json(std::string_view cell) const;

  struct world;
  std::unique_ptr<world> world_;
};

// `cells`: another probe's, of an older class for one. Throws std::runtime_error as restart does.
template <class Agent> class probe : public probe_base {
public:
  explicit probe(stored_cells cells = {}, std::string name = {})
      : probe_base(
            [](agent_core& core) -> std::unique_ptr<kith::agent> {
              return std::make_unique<Agent>(core);
            },
            std::move(cells), std::move(name)) {}
  // The agent itself, until the next restart.
  Agent& agent() const { return static_cast<Agent&>(get()); }
};

} // namespace kith::test
