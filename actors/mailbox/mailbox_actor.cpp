#include "actors/mailbox/mailbox_actor.hpp"

namespace kith {

namespace {

// What one durable step lets out. Runs on the journal's thread, or on the mailbox's if nothing had
// to be synced.
struct release {
  mailbox_step step;
  std::vector<std::pair<caf::actor, stream_position>> positions; // with the links they go to
  did self;
  kith::router& router;

  void remote() {
    for (std::size_t i = 0; i < step.remote.size();) {
      auto& first = step.remote[i];
      outgoing out{first.shared, first.what.seq(), {}};
      for (; i < step.remote.size() && step.remote[i].shared == out.stream; ++i)
        out.envelopes.push_back(std::move(step.remote[i].what));
      out.stream->durable = out.first + out.envelopes.size() - 1;
      auto to = router.find(out.stream->id.to);
      if (to.where != route::kind::remote)
        continue; // waits in the outbox until the recipient appears
      auto link = router.link_of(to.node);
      if (!link.actor) continue;
      if (link.gate->enter(out.size_bytes(), out.envelopes.size()))
        caf::anon_send(link.actor, std::move(out));
      else if (link.gate->raise_overflow()) // it is in the outbox, where the link will look
        caf::anon_send(link.actor, queue_overflow{});
    }
  }

  void unchained() {
    // Order matters only between the same two, and those mostly stand together.
    for (std::size_t i = 0; i < step.unchained.size();) {
      auto to = step.unchained[i].first;
      std::vector<envelope> list;
      for (; i < step.unchained.size() && step.unchained[i].first == to; ++i)
        list.push_back(std::move(step.unchained[i].second));
      auto where = router.find(to);
      if (where.where == route::kind::local && where.mailbox) {
        volatile_arrival a;
        for (auto& e : list) {
          if (!where.gate->enter(e.size()))
            ++where.gate->dropped;
          else
            a.items.push_back({self, verifier::local(std::move(e), {})});
        }
        if (!a.items.empty()) caf::anon_send(where.mailbox, std::move(a));
      } else if (where.where == route::kind::remote) {
        auto link = router.link_of(where.node);
        if (!link.actor) continue;
        outgoing_volatile out{std::move(list)};
        if (link.gate->enter(out.size_bytes(), out.envelopes.size()))
          caf::anon_send(link.actor, std::move(out));
        else
          link.gate->dropped += out.envelopes.size();
      }
    }
  }

  void run() {
    remote();
    unchained();
    for (auto& [link, p] : positions) caf::anon_send(link, std::move(p));
    for (auto& f : step.released) f();
  }
};

} // namespace

mailbox_actor::mailbox_actor(caf::actor_config& config, tenant who, mailbox_limits limits,
                             kith::mailbox::environment env, mailbox_ports ports, bool unclean)
    : caf::event_based_actor(config), box_(std::move(who), limits, env), time_(env.time),
      ports_(std::move(ports)), unclean_(unclean),
      gate_(env.meter ? std::shared_ptr<actor_gate>(env.meter, &env.meter->gate)
                      : std::make_shared<actor_gate>()) {}

caf::behavior mailbox_actor::make_behavior() {
  // Before the store is read, whatever an earlier life of this mailbox submitted must be in it.
  auto self = caf::actor_cast<caf::actor>(this);
  auto submitted = ports_.journal.submit({}, [self](const result<journal_position>& r) {
    if (r) caf::anon_send<caf::message_priority::high>(self, commit_done{0});
  });
  if (!submitted) throw std::runtime_error(submitted.error().what());
  set_default_handler(caf::skip); // what arrives meanwhile waits
  return {[this](commit_done&) { activate(); }, [this](stop_child&) { begin_stop(false); }};
}

// However it ended: what is sent from now on stays on disk for the next life, which does not begin
// before the supervisor has heard of this end.
void mailbox_actor::on_exit() {
  ports_.router.set_mailbox(box_.who().self, {}, nullptr);
  ended_.who = box_.who().self;
  if (ports_.ended) ports_.ended(ended_, culprit_);
  links_.clear(); // they may know us
}

void mailbox_actor::fail_with(const std::string& why) {
  ended_.why = why;
  quit(caf::make_error(caf::sec::runtime_error, why));
}

void mailbox_actor::activate() {
  if (auto active = box_.activate(unclean_); !active) {
    ports_.log.error("agent cannot be activated",
                     {{"agent", box_.who().self.text()}, {"why", active.error().what()}});
    return fail_with(active.error().what());
  }
  const auto& who = box_.who();
  if (who.spoken_for)
    ports_.delegations.add(*who.spoken_for);
  else
    ports_.delegations.add(who.self, who.key, who.epoch);
  ports_.router.set_mailbox(who.self, caf::actor_cast<caf::actor>(this), gate_);
  if (ports_.active) ports_.active(box_.report());
  box_.watch_again();
  // What the last life left in the outbox: the link may have come up before this mailbox did.
  for (auto& opened : box_.take_opened()) {
    ports_.router.add_stream(opened);
    auto to = ports_.router.find(opened->id.to);
    if (to.where != route::kind::remote) continue;
    if (auto link = ports_.router.link_of(to.node); link.actor)
      send(link.actor, outgoing{opened, opened->durable + 1, {}});
  }
  set_default_handler(caf::print_and_drop);
  become(running());
  // A local sender may have told the life before this one; look again once it cannot any more.
  delayed_send(this, std::chrono::seconds(1), queue_overflow{});
  pump();
}

caf::behavior mailbox_actor::running() {
  return {
      [this](arrival& a) {
        gate_->leave(a.items.size(), a.size_bytes());
        arrived(a);
        pump();
      },
      [this](local_arrival& a) {
        gate_->leave(a.items.size(), a.size_bytes());
        box_.arrived(a);
        pump();
      },
      [this](volatile_arrival& a) { box_.arrived(a), pump(); },
      [this](commit_done& d) {
        done_ = std::max(done_, d.position);
        box_.durable(d.position);
        pump();
      },
      [this](mailbox_tick&) {
        wake_at_.reset();
        pump();
      },
      [this](stream_acked& a) { box_.acknowledged(a), pump(); },
      [this](position_query& q) {
        links_[q.session] = q.link;
        box_.asked_position(q);
        pump();
      },
      [this](queue_overflow&) {
        gate_->clear_overflow();
        box_.overflowed();
        pump();
      },
      [this](ingress& r) { box_.ingress(std::move(r)), pump(); },
      [this](down_notice& n) { box_.went_down(std::move(n.what)), pump(); },
      [this](timer_cancel& c) { box_.cancel_timer(std::move(c)), pump(); },
      [this](dead_purge& p) { box_.purge(std::move(p)), pump(); },
      [this](pending_ack& a) { box_.taken_by_owner(std::move(a)), pump(); },
      [this](mailbox_inquiry& q) { q.reply(box_.report()); },
      [this](handlers_inquiry& q) { q.reply(box_.waiting(q.only, q.max)); },
      [this](handler_cancel& c) { box_.cancel(std::move(c)), pump(); },
      [this](stop_child& s) { begin_stop(s.drain); },
  };
}

void mailbox_actor::arrived(arrival& a) {
  if (links_.emplace(a.session, a.link).second)
    std::erase_if(links_,
                  [&](const auto& l) { return l.second == a.link && l.first != a.session; });
  box_.arrived(a);
}

void mailbox_actor::pump() {
  auto step = box_.run();
  auto taken = box_.take_unchained_taken();
  if (taken.count > 0) gate_->leave(taken.count, taken.size);
  gate_->dropped += taken.dropped;
  if (!step.empty()) {
    commit(std::move(step));
    send(this, mailbox_tick{}); // more may be ready; others' messages come first
  }
  schedule();
  if (stopping_) end_if_drained();
}

void mailbox_actor::deliver_locally(mailbox_step& step) {
  std::unordered_map<did, local_arrival> by_recipient;
  for (auto& [to, item] : step.local) by_recipient[to].items.push_back(std::move(item));
  for (auto& [to, a] : by_recipient) {
    auto where = ports_.router.find(to);
    if (!where.mailbox) continue; // it finds the queue on disk when it starts
    local_arrival admitted;
    for (auto& item : a.items) {
      if (!where.gate->enter(item.envelope->size())) {
        if (where.gate->raise_overflow()) send(where.mailbox, queue_overflow{});
        break; // a gap: the recipient reads the rest from disk
      }
      admitted.items.push_back(std::move(item));
    }
    if (!admitted.items.empty()) send(where.mailbox, std::move(admitted));
  }
  step.local.clear();
}

void mailbox_actor::commit(mailbox_step step) {
  for (auto& opened : box_.take_opened()) ports_.router.add_stream(opened);
  auto number = step.number;
  submitted_ = number;
  auto batch = std::move(step.batch);
  bool stop = step.stop || !step.crash.empty(), barrier = step.barrier;
  if (!step.crash.empty()) crash_ = step.crash, culprit_ = step.culprit;
  auto local = std::move(step);
  // The journal's thread runs it once, and std::function must be copyable: hence shared.
  auto out = std::make_shared<release>(release{{}, {}, box_.who().self, ports_.router});
  for (auto& p : local.positions)
    if (auto link = links_.find(p.session); link != links_.end())
      out->positions.emplace_back(link->second, p);
  out->step.remote = std::move(local.remote);
  out->step.unchained = std::move(local.unchained);
  out->step.released = std::move(local.released);

  if (batch.empty() && !barrier && done_ + 1 == number) { // depends on nothing that is not durable
    out->run();
    done_ = number;
    box_.durable(number);
  } else {
    auto self = caf::actor_cast<caf::actor>(this);
    auto submitted = ports_.journal.submit(
        std::move(batch), [out, self, number](const result<journal_position>& r) {
          if (!r) return; // the node stops; nothing is let out
          out->run();
          caf::anon_send<caf::message_priority::high>(self, commit_done{number});
        });
    if (!submitted) {
      ports_.log.error("commit refused",
                       {{"agent", box_.who().self.text()}, {"why", submitted.error().what()}});
      return fail_with(submitted.error().what());
    }
    deliver_locally(local);
  }
  if (stop) begin_stop(true);
}

void mailbox_actor::schedule() {
  auto wake = box_.next_wake();
  if (!wake || (wake_at_ && *wake_at_ <= *wake)) return;
  wake_at_ = wake;
  auto now = time_.now();
  delayed_send(this, *wake > now ? *wake - now : duration(0), mailbox_tick{});
}

void mailbox_actor::begin_stop(bool drain) {
  if (!drain) {
    ended_ = {{}, down_reason::stopped, "stopped at once"};
    quit();
    return;
  }
  if (stopping_) return;
  stopping_ = true;
  box_.stop();
  auto last = box_.settle();
  if (!last.batch.empty()) commit(std::move(last));
  end_if_drained();
}

void mailbox_actor::end_if_drained() {
  if (done_ < submitted_) return;
  if (!crash_.empty()) return fail_with(crash_);
  ended_ = {{}, down_reason::stopped, {}};
  quit();
}

} // namespace kith
