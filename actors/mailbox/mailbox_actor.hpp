// The actor around a mailbox: it hands messages to the pure class, submits the steps that come back
// to the journal, and lets out what they hold once they are durable.
#pragma once

#include "actors/base/delegation_book.hpp"
#include "actors/base/router.hpp"
#include "actors/base/watch_table.hpp"
#include "actors/mailbox/mailbox.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/store/journal.hpp"

namespace kith {

// What of the node a mailbox actor uses; all of it outlives every actor.
struct mailbox_ports {
  store::journal& journal;
  kith::router& router;
  delegation_book& delegations;
  observe::logger log;
  std::function<void(const mailbox_report&)> active; // the agent is up; on the mailbox's thread
  // This life is over; `culprit` is what the agent was handling, if that made it crash.
  std::function<void(down what, const std::string& culprit)> ended;
  // This life is over because the agent has had nothing to do for `sleep_after`; nothing of it
  // needs memory. `self` gets nothing more once the router has put the agent to sleep, which is for
  // the callee to do; `wake` is when the agent has to be awake again. Empty: it never sleeps.
  std::function<void(caf::actor self, std::optional<time_point> wake)> asleep = {};
  duration sleep_after{};
  // In front of it, if others know it already; shared with them.
  std::shared_ptr<actor_gate> gate = {};
  // Its supervisor, if that did not start it itself: this actor ends with it.
  caf::actor above = {};
};
// To itself: whether the agent may go to sleep; and, asleep, that nothing more comes.
struct drowsy_tick {};
struct last_call {};

class mailbox_actor final : public caf::event_based_actor {
public:
  // `unclean`: the process before this one did not stop in order (semantics.md 4).
  mailbox_actor(caf::actor_config& config, tenant who, mailbox_limits limits,
                kith::mailbox::environment env, mailbox_ports ports, bool unclean);
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "kith.mailbox"; }

private:
  caf::behavior running();
  void activate();
  void arrived(arrival& a);
  void pump();
  void commit(mailbox_step step);
  void deliver_locally(mailbox_step& step);
  void deliver(const route& where, local_arrival a);
  void drowse();
  void look_whether_idle();
  void fall_asleep();
  caf::behavior forwarding();
  template <class Message> void forward(Message& m);
  void schedule();
  void begin_stop(bool drain);
  void end_if_drained();
  void fail_with(const std::string& why);

  kith::mailbox box_; // qualified: CAF's base class has members of these names
  const kith::clock& time_;
  mailbox_ports ports_;
  bool unclean_;
  std::shared_ptr<actor_gate> gate_; // shared with the router, senders and the meter
  time_point busy_at_;               // the last step
  bool drowsy_ = false;              // a look is under way
  bool asleep_ = false;
  std::unordered_map<std::uint64_t, caf::actor> links_; // by session: where acks go
  std::optional<time_point> wake_at_;
  bool stopping_ = false;
  std::string crash_; // why this life ends; empty: in order
  std::string culprit_;
  down ended_{{}, down_reason::crashed, "killed"}; // until it is said otherwise
  std::uint64_t submitted_ = 1;
  std::uint64_t done_ = 1;
};

} // namespace kith

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::drowsy_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::last_call)
