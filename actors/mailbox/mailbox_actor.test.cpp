// The actor around a mailbox, under CAF's deterministic scheduler and with a journal that writes
// when told: what may leave before a commit is synced (nothing), and what happens at its start and
// end.
#include "actors/mailbox/mailbox_actor.hpp"

#include "actors/mailbox/test_support.hpp"

#include <caf/scheduler/test_coordinator.hpp>

using namespace kith;
using namespace kith::testing;

namespace {

struct heard {
  std::vector<stream_position> positions;
  std::vector<outgoing> sent;
  std::size_t loose = 0;
  int overflows = 0;
};

caf::behavior link(caf::event_based_actor*, heard* log) {
  return {[=](const stream_position& p) { log->positions.push_back(p); },
          [=](const outgoing& o) { log->sent.push_back(o); },
          [=](const outgoing_volatile& o) { log->loose += o.envelopes.size(); },
          [=](const queue_overflow&) { ++log->overflows; }};
}

struct fixture {
  fixture() {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    log_link = system->spawn(link, &log);
    router.set_link(peer.did(), log_link, gate);
    router.set_remote(remote.did(), peer.did(), 1);
    router.add_local(who.self);
    journal->load_epoch(who.self, 1);
  }
  ~fixture() {
    router.clear();
    if (box) caf::anon_send_exit(box, caf::exit_reason::kill);
    caf::anon_send_exit(log_link, caf::exit_reason::kill);
    box = log_link = nullptr;
    run();
    journal->abandon();
    run();
  }
  void run() {
    auto& s = dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
    while (s.try_run_once()) {
    }
  }
  void sync() {
    while (journal->pump()) {
    }
    run();
  }
  void start() {
    mailbox::environment env{
        time,
        random,
        *backend,
        [this](const did& d) { return router.is_local(d); },
        [this](const stream_key& s) { return router.flow(s); },
        node.did(),
        [](std::string_view) -> result<did> { return fail(errc::not_found, "x"); },
        [](newborn, mailbox_step&) -> result<void> { return {}; },
        [](mailbox_step&) -> result<void> { return {}; },
        [](log_level, std::string_view) {},
        {}};
    mailbox_ports ports{*journal, router, book, {}, [this](const mailbox_report&) { ++active; }};
    if (sleep_after != duration(0)) {
      ports.sleep_after = sleep_after;
      ports.asleep = [this](const caf::actor&, std::optional<time_point> wake) {
        ++slept;
        wake_at = wake;
        if (before_sleep) std::exchange(before_sleep, nullptr)();
        router.remove_streams_from(who.self);
        router.put_to_sleep(who.self);
      };
    }
    box = system->spawn<mailbox_actor>(who, mailbox_limits{}, env, ports, false);
    box->attach_functor([this](const caf::error& why) { ended.push_back(to_string(why)); });
    run();
  }
  // Both clocks, and all that follows is synced.
  void pass(duration d) {
    time.advance(d);
    dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler())
        .advance_time(std::chrono::duration_cast<caf::timespan>(d));
    run();
    sync();
  }
  // The first two notes of a stream from `remote`.
  arrival from_remote() {
    stream_id id{remote.did(), who.self, lane::request, 3};
    arrival a{id, {}, log_link, 77};
    stream_head head;
    for (int i = 0; i < 2; ++i) {
      envelope_fields f;
      f.id = ids.next(time.wall(), random);
      f.from = id.from.text();
      f.to = id.to.text();
      f.kind = "note";
      f.content_type = text_type;
      f.payload = as_bytes("x");
      f.incarnation = 3;
      f.seq = head.next;
      f.previous = head.last;
      auto e = envelope::build(f);
      head = {f.seq + 1, e.hash()};
      a.items.push_back({verifier::local(std::move(e), head.last)});
    }
    return a;
  }
  ingress to_remote() {
    ingress r{remote.did(), "note", std::string(text_type), "x"};
    r.accepted = [this](const ingress::outcome&) { ++accepted; };
    return r;
  }

  manual_clock time;
  seeded_random random{9};
  uuid_generator ids;
  secret_key node = secret_key::generate(random), peer = secret_key::generate(random),
             remote = secret_key::generate(random);
  std::shared_ptr<const secret_key> key =
      std::make_shared<const secret_key>(secret_key::generate(random));
  tenant who{key->did(), 1, 5, key, "recorder", {}};
  std::shared_ptr<store::memory_disk> disk = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> backend = store::memory_backend::open(disk).value();
  std::unique_ptr<store::journal> journal = std::make_unique<store::journal>(
      *backend, time, store::journal_options{false}, [](const error&) {});
  kith::router router;
  delegation_book book{node.did()};
  heard log;
  int active = 0, accepted = 0;
  duration sleep_after{}; // 0: it does not
  int slept = 0;
  std::optional<time_point> wake_at;
  std::function<void()> before_sleep; // just before it is asleep
  std::vector<std::string> ended;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor log_link, box;
  std::shared_ptr<actor_gate> gate = std::make_shared<actor_gate>(); // shared with the router
};

} // namespace

TEST_CASE_METHOD(fixture, "a mailbox wakes once what its earlier life submitted is in the store",
                 "[mailbox][unit]") {
  start();
  CHECK(active == 0);
  CHECK_FALSE(router.find(who.self).mailbox);
  sync();
  CHECK(active == 1);
  CHECK(router.find(who.self).mailbox == box);
  CHECK(book.get(who.self, time.wall()));
}

TEST_CASE_METHOD(fixture, "an ack leaves once what it acknowledges is synced, not before",
                 "[mailbox][unit]") {
  start();
  sync();
  auto a = from_remote(), again = a;
  caf::anon_send(box, std::move(a));
  run();
  CHECK(journal->stats().submitted > journal->synced());
  CHECK(log.positions.empty());
  sync();
  REQUIRE(log.positions.size() == 1);
  CHECK(log.positions[0].head.next == 3);
  CHECK(log.positions[0].session == 77);

  // Of what came again nothing is stored, and its ack leaves at once: all it depends on is synced.
  caf::anon_send(box, std::move(again));
  run();
  CHECK(journal->stats().submitted == journal->synced());
  CHECK(log.positions.size() == 2);
}

TEST_CASE_METHOD(fixture, "an ack of a duplicate waits for what it would acknowledge with it",
                 "[mailbox][unit]") {
  start();
  sync();
  auto a = from_remote();
  auto again = a;
  caf::anon_send(box, std::move(a));
  run();
  caf::anon_send(box, std::move(again));
  run();
  CHECK(log.positions.empty());
  sync();
  CHECK(log.positions.size() == 2);
}

TEST_CASE_METHOD(
    fixture, "an envelope for another node, and the word that it is accepted, wait for the sync",
    "[mailbox][unit]") {
  start();
  sync();
  caf::anon_send(box, to_remote());
  run();
  CHECK(router.streams_to(remote.did()).size() == 1);
  CHECK(router.streams_to(remote.did())[0]->durable == 0);
  CHECK(log.sent.empty());
  CHECK(accepted == 0);
  sync();
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent[0].first == 1);
  CHECK(log.sent[0].envelopes.size() == 1);
  CHECK(log.sent[0].stream->durable == 1);
  CHECK(accepted == 1);
}

TEST_CASE_METHOD(fixture,
                 "a link whose queue is full is told once to look at the outbox, and gets no more",
                 "[mailbox][unit]") {
  start();
  sync();
  REQUIRE(gate->enter(1, std::size_t(actor_gate::count_max)));
  for (int i = 0; i < 3; ++i) {
    caf::anon_send(box, to_remote());
    run();
    sync();
  }
  CHECK(accepted == 3);
  CHECK(log.sent.empty());
  CHECK(log.overflows == 1);
  CHECK(router.streams_to(remote.did())[0]->durable == 3); // what the link finds when it looks
  auto loose = to_remote();
  loose.quality = qos::at_most_once;
  caf::anon_send(box, std::move(loose));
  run();
  sync();
  CHECK(log.loose == 0);
  CHECK(gate->dropped == 1);

  gate->leave(std::size_t(actor_gate::count_max), 1);
  caf::anon_send(box, to_remote());
  run();
  sync();
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent[0].first == 4); // the link sees the gap
  CHECK(gate->count() == 1);     // taken until the link has handled it
}

TEST_CASE_METHOD(
    fixture,
    "a stop ends the actor when its last commit is synced, and the next life offers the outbox",
    "[mailbox][unit]") {
  start();
  sync();
  caf::anon_send(box, to_remote());
  run();
  caf::anon_send(box, stop_child{});
  run();
  CHECK(ended.empty());
  sync();
  CHECK(ended.size() == 1);
  CHECK_FALSE(router.find(who.self).mailbox);
  CHECK(log.sent.size() == 1);

  router.remove_streams_from(who.self); // as in a new process
  start();
  sync();
  REQUIRE(router.streams_to(remote.did()).size() == 1);
  CHECK(router.streams_to(remote.did())[0]->durable == 1);
  REQUIRE(log.sent.size() == 2); // nothing but a word to the link, which has long been up
  CHECK(log.sent[1].envelopes.empty());
  CHECK(log.sent[1].first == 2);
}

// Of old, the rest waited until something else came.
TEST_CASE_METHOD(fixture,
                 "more QoS 0 messages than one step takes are all handled, though no turn "
                 "leaves anything to commit",
                 "[mailbox][unit]") {
  start();
  sync();
  auto own_gate = router.find(who.self).gate;
  volatile_arrival a;
  for (std::size_t i = 0; i < 3 * mailbox_limits{}.commit_turns_max; ++i) {
    envelope_fields f;
    f.id = ids.next(time.wall(), random);
    auto from = remote.did().text(), to = who.self.text();
    f.from = from;
    f.to = to;
    f.kind = "hum"; // that it has no handler for: refused, and nobody wants to know
    f.content_type = text_type;
    f.qos = qos::at_most_once;
    auto e = envelope::build(f);
    REQUIRE(own_gate->enter(e.size()));
    a.items.push_back({remote.did(), verifier::local(std::move(e), {})});
  }
  auto commits = journal->stats().submitted;
  caf::anon_send(box, std::move(a));
  run();
  CHECK(own_gate->count() == 0);
  CHECK(journal->stats().submitted == commits);
}

TEST_CASE_METHOD(fixture, "a mailbox whose commit is refused ends, and lets nothing out",
                 "[mailbox][unit]") {
  start();
  sync();
  journal->load_epoch(who.self, 2);
  caf::anon_send(box, to_remote());
  run();
  CHECK(ended.size() == 1);
  sync();
  CHECK(log.sent.empty());
  CHECK(accepted == 0);
}

TEST_CASE_METHOD(fixture, "a mailbox that cannot wake its agent ends with the reason",
                 "[mailbox][unit]") {
  who.type = "no such type";
  start();
  sync();
  CHECK(active == 0);
  CHECK(ended.size() == 1);
}

TEST_CASE_METHOD(fixture, "an agent with nothing to do falls asleep, and its actor ends",
                 "[mailbox][unit]") {
  sleep_after = std::chrono::seconds(10);
  start();
  sync();
  pass(std::chrono::seconds(2)); // the look at the disk that follows a start
  caf::anon_send(box, from_remote());
  run();
  sync();
  pass(std::chrono::seconds(9));
  CHECK(slept == 0);
  for (int i = 0; i < 4 && slept == 0; ++i) pass(std::chrono::seconds(10));
  CHECK(slept == 1);
  CHECK_FALSE(wake_at);
  CHECK(router.find(who.self).asleep);
  CHECK(ended.size() == 1);
  CHECK(ended[0] == to_string(caf::error()));
  const auto before = log.positions.size();
  start(); // it goes on where it was: what came is known
  sync();
  caf::anon_send(box, from_remote());
  run();
  sync();
  REQUIRE(log.positions.size() > before);
  CHECK(log.positions.back().head.next == 3);
}

TEST_CASE_METHOD(fixture, "an agent whose recipient has not acknowledged stays awake",
                 "[mailbox][unit]") {
  sleep_after = std::chrono::seconds(10);
  start();
  sync();
  caf::anon_send(box, to_remote());
  run();
  sync();
  for (int i = 0; i < 5; ++i) pass(std::chrono::seconds(10));
  CHECK(slept == 0);
  auto stream = router.streams_to(remote.did()).at(0);
  caf::anon_send(box, stream_acked{stream->id, 1});
  run();
  for (int i = 0; i < 5 && slept == 0; ++i) pass(std::chrono::seconds(10));
  CHECK(slept == 1);
}

TEST_CASE_METHOD(fixture, "what still reaches the actor of an agent that sleeps goes to its next",
                 "[mailbox][unit]") {
  sleep_after = std::chrono::seconds(10);
  start();
  sync();
  const auto stale = box; // somebody asked the router long ago
  caf::actor next;
  router.wake_with([&](const did& agent) {
    auto next_gate = std::make_shared<actor_gate>(); // shared as any mailbox's
    start();
    next = box;
    router.set_mailbox(agent, next, next_gate);
    return true;
  });
  // Sent before it falls asleep, and read after.
  before_sleep = [&] {
    caf::anon_send(stale, from_remote());
    caf::anon_send(stale, to_remote());
  };
  for (int i = 0; i < 5 && slept == 0; ++i) pass(std::chrono::seconds(10));
  CHECK(slept == 1);
  REQUIRE(next);
  sync();
  CHECK(accepted == 1);
  REQUIRE_FALSE(log.positions.empty());
  CHECK(log.positions.back().head.next == 3);
  CHECK(ended.size() == 1); // the first one's
}
