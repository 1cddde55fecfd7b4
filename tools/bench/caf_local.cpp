// The baselines in one process: two plain CAF actors, and many idle ones.
#include "tools/bench/bench.hpp"
#include "tools/bench/cluster.hpp"

#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>

namespace kith::bench {

namespace {

using go_atom = caf::atom_constant<caf::atom("go")>;
using touch_atom = caf::atom_constant<caf::atom("touch")>;

// As many workers as our nodes have; CAF by itself takes four at least.
caf::actor_system_config as_many_workers_as_cores() {
  caf::actor_system_config config;
  config.set("scheduler.max-threads",
             std::size_t(std::max(1U, std::thread::hardware_concurrency())));
  return config;
}

// Confirms every eighth of a window, as our sink does.
caf::behavior receiver(caf::stateful_actor<std::uint64_t>* self, std::uint64_t confirm_every) {
  self->state = 0;
  return {[=](const std::string&) {
    if (++self->state % confirm_every == 0)
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), confirm_every);
  }};
}

struct sender_state {
  std::uint64_t sent = 0, confirmed = 0;
};

caf::behavior sender(caf::stateful_actor<sender_state>* self, caf::actor to, load l,
                     caf::actor done) {
  std::string payload(l.payload_size, 'x');
  auto fill = [=] {
    auto& s = self->state;
    for (; s.sent < l.count && s.sent - s.confirmed < l.window; ++s.sent) self->send(to, payload);
  };
  return {[=](go_atom) { fill(); },
          [=](std::uint64_t n) {
            self->state.confirmed += n;
            if (self->state.confirmed >= l.count)
              self->send(done, go_atom::value);
            else
              fill();
          }};
}

struct idle_state {
  int value = 0;
};

caf::behavior idle(caf::stateful_actor<idle_state>* self, std::atomic<std::size_t>* touched) {
  return {[=](int n) { self->state.value += n; }, [=](touch_atom) { ++*touched; }};
}

} // namespace

int caf_local(const load& l) {
  auto config = as_many_workers_as_cores();
  caf::actor_system system(config);
  caf::scoped_actor self(system);
  auto to = system.spawn(receiver, l.window / 8);
  // Once to warm up, with an eighth of the messages.
  std::chrono::duration<double> took{};
  for (auto count : {l.count / 8, l.count}) {
    auto part = l;
    part.count = std::max(count / (l.window / 8), std::uint64_t(1)) * (l.window / 8);
    auto begin = std::chrono::steady_clock::now();
    auto from = system.spawn(sender, to, part, caf::actor_cast<caf::actor>(self));
    self->send(from, go_atom::value);
    bool done = false;
    self->receive([&](go_atom) { done = true; }, caf::after(std::chrono::minutes(5)) >> [] {});
    took = std::chrono::steady_clock::now() - begin;
    caf::anon_send_exit(from, caf::exit_reason::user_shutdown);
    if (!done) return 1;
  }
  caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  std::printf("%.0f\n", double(l.count) / took.count());
  return 0;
}

int caf_idle(std::size_t count) {
  auto config = as_many_workers_as_cores();
  caf::actor_system system(config);
  std::atomic<std::size_t> touched{0};
  std::vector<caf::actor> all;
  all.reserve(count + 1);
  auto make = [&] {
    all.push_back(system.spawn(idle, &touched));
    caf::anon_send(all.back(), touch_atom::value);
  };
  auto settle = [&] {
    while (touched < all.size()) pause(std::chrono::milliseconds(1));
  };
  make(); // what is made once is not counted
  settle();
  auto before = resident_bytes(::getpid());
  while (all.size() <= count) make();
  settle();
  auto after = resident_bytes(::getpid());
  for (auto& a : all) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  std::printf("%.1f\n", double(after - std::min(before, after)) / double(count));
  return 0;
}

} // namespace kith::bench
