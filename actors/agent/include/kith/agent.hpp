// The class that an agent derives from, and the whole of what it may do. Everything here takes
// effect when the turn commits and not before: if the handler throws or refuses, nothing was sent,
// spawned or changed (semantics.md 10, 11).
//
// All of it belongs to the thread that runs the turn; a handler must not hand it to another thread.
#pragma once

#include <functional>
#include <kith/down.hpp>
#include <kith/handler.hpp>
#include <kith/sending.hpp>
#include <kith/supervision.hpp>
#include <kith/timers.hpp>

namespace kith {

enum class log_level : std::uint8_t { debug, info, warn, error };
// The version of a durable's stored form: raise it when the form changes (durable.hpp).
struct cell_version {
  std::uint16_t number = 1;
};
using version = cell_version;
namespace detail {
class cell;
}
// What a handler that is a coroutine awaits (kith/steps.hpp).
template <class R> class ask_step;
class time_step;

class agent : protected timer_calls {
public:
  // The names that an agent's class uses, without kith:: before them.
  using then = kith::then;
  using message = kith::message;
  using answer = kith::answer;
  using down = kith::down;
  using json = kith::json;
  using did = kith::did;
  using version = kith::cell_version;
  using level = kith::log_level;

  explicit agent(agent_core& core) : timer_calls(core), core_(core) {}
  agent(const agent&) = delete;
  agent& operator=(const agent&) = delete;
  virtual ~agent() = default;

  // Runs each time the agent is activated, after its durable state was read: registers handlers. It
  // may set durable state, but not send.
  virtual void setup() = 0;

protected:
  // `f` takes (), (T), (T, const message&) or (const message&), where T is text, bytes, or anything
  // that JSON can be read into (describe.hpp); it returns nothing or the reply. One handler a kind;
  // in setup only.
  template <class F> void on(std::string_view kind, F f) {
    add(kind, std::make_unique<detail::message_handler_of<F>>(std::move(f)));
  }
  template <class C, class R, class... A> void on(std::string_view kind, C* self, R (C::*f)(A...)) {
    on(kind, [self, f](A... a) -> R { return (self->*f)(static_cast<A&&>(a)...); });
  }
  // `f` takes (const answer&). The name is stored with every ask that names it: keep it over
  // releases.
  template <class F> void on_answer(std::string_view name, F f) {
    add(name, std::make_unique<detail::answer_handler_of<F>>(std::move(f)));
  }
  template <class C> void on_answer(std::string_view name, C* self, void (C::*f)(const answer&)) {
    on_answer(name, [self, f](const answer& a) { (self->*f)(a); });
  }
  // `f` takes (const down&): a turn of its own for each time that one of those watched goes down.
  template <class F> void on_down(F f) { add_down(std::move(f)); }
  // Tells people and other agents what this one takes.
  void advertise(std::string_view kind, std::string_view description);

  // Sends. Text travels as text/plain, everything else as JSON; at most 16 MiB.
  template <class T = std::string_view>
  send_result tell(const recipient& to, std::string_view kind, const T& value = {},
                   const tell_options& o = {}) {
    return send_tell(to.get(), kind, encode(value), o);
  }
  // Sends, and has the named handler run with the answer, in a later turn, also after a restart.
  template <class T>
  send_result ask(const recipient& to, std::string_view kind, const T& value, then next,
                  const ask_options& o = {}) {
    return send_ask(to.get(), kind, encode(value), next, o);
  }
  // For handlers that are coroutines (kith/task.hpp), to be awaited: an answer, as asked<R>; the
  // end of a while or an instant (milliseconds since the Unix epoch); what `fn` returned. `fn`
  // takes the step's idempotency key or nothing, is run on the agent's own thread once its intent
  // is synced, and again, with the same key, if the process stops meanwhile.
  template <class R, class T = std::string_view>
  ask_step<R> ask(const recipient& to, std::string_view kind, const T& value = {},
                  timespan limit = 30'000);
  time_step sleep(timespan t);
  time_step until(std::int64_t instant);
  template <class F>
  auto once(std::string_view name, F fn, if_in_doubt policy = if_in_doubt::retry);
  // `number` in handlers that get here for the first time now, what it was then in those that did
  // before, and 0 in those that passed this place when it did not say so yet.
  std::uint32_t code_version(std::string_view name, std::uint32_t number);

  // Gives up this turn: nothing of it takes effect, and the sender is told why.
  [[noreturn]] void refuse(std::string reason);
  // Ends this life of the agent: nothing of the turn takes effect, its message is a dead letter
  // (the asker is told), and the agent's supervisor starts it again, with others or not, by its
  // strategy. Durables are kept, plain members are new.
  [[noreturn]] void crash(std::string reason);
  // The answer, for a handler that returns nothing; once. If nobody asked, nothing happens.
  template <class T> void reply(const T& value) { detail::reply(core_, encode(value)); }

  const did& self() const;
  const did& node() const;
  // The name that it was spawned with; may be empty.
  const std::string& name() const;
  // Milliseconds since the Unix epoch; the same all through a turn.
  std::int64_t now() const;
  std::uint64_t random();

  // Makes an agent of a registered type on this node, which exists once the turn has committed.
  // Throws if there is no such type or no such supervisor.
  did spawn(std::string_view type, std::string_view name = {});
  did spawn(std::string_view type, const spawn_options& o);
  // Asks another node, by DID or name, to make one; the answer's text is the new agent's DID.
  send_result spawn_on(std::string_view node, std::string_view type, then next,
                       const ask_options& o = {});
  send_result spawn_on(std::string_view node, std::string_view type, const spawn_options& what,
                       then next, const ask_options& o = {});
  // Watches an agent, here or on another node, until unwatch: on_down hears of each time that it
  // goes down, and of its being down already. Stored with the turn; at most 1000. What happens
  // while this agent itself does not run is not told but for the state that is found afterwards.
  void watch(const recipient& who);
  void unwatch(const recipient& who);
  // Ends this agent once the turn has committed; what is sent to it then waits. One that was
  // spawned as permanent is started again.
  void stop();
  void log(level l, std::string_view text);

private:
  friend class detail::cell;

  void add(std::string_view kind, std::unique_ptr<detail::message_handler> h);
  void add(std::string_view name, std::unique_ptr<detail::answer_handler> h);
  void add_down(std::function<void(const down&)> f);
  send_result send_tell(const did& to, std::string_view kind, encoded value, const tell_options& o);
  send_result send_ask(const did& to, std::string_view kind, encoded value, then next,
                       const ask_options& o);

  agent_core& core_;
};

} // namespace kith
