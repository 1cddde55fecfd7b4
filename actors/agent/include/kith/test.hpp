// Tests one agent without a node, a disk or a clock:
//
//   kith::test::probe<greeter> p;
//   assert(p.ask("greet", "Ada").text() == "hello, Ada");
//
// The same code runs the turns here as in a node; only what is around it is played: what the agent
// sends is kept for sent(), and you say what is answered. Not part of <kith/kith.hpp>. Not
// thread-safe.
#pragma once

#include <kith/test_turn.hpp>
#include <set>

namespace kith::test {

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

  // Handlers that are coroutines and await something.
  std::size_t suspended_count() const;
  // Lets time pass: timers fire, sleeps end, and asks whose deadline it reaches time out. The turns
  // of their handlers, in order; a firing that throws is tried again, as in a node.
  std::vector<turn> advance(std::int64_t ms);
  // The timers that are set, by id; one's next firing now, before its time. Throws
  // std::logic_error if there is none.
  std::vector<timer_info> timers() const;
  turn fire_timer(std::string_view id);
  std::int64_t now() const;

  // Ends the agent in memory, as kill -9 does, and activates it again from its cells: plain members
  // start anew, and handlers that await something are run again from their start. Throws
  // std::runtime_error if it cannot be activated.
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
  turn settle(std::uint64_t handler = 0);
  turn resume(std::uint64_t handler, std::string_view step, std::uint8_t status,
              std::string_view reason, const encoded& value);
  turn run_once(std::uint64_t handler, turn last);
  turn wake(std::uint64_t handler, std::int64_t due);
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
