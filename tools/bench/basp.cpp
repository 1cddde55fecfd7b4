// The baseline: CAF's remoting between two processes, with the same payload and the same window as
// our agents.
#include "tools/bench/bench.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>

namespace kith::bench {

namespace {

using go_atom = caf::atom_constant<caf::atom("go")>;

// Confirms every eighth of a window, as our sink does.
caf::behavior receiver(caf::event_based_actor* self) {
  auto received = std::make_shared<std::uint64_t>(0); // shared by copies of the handler
  return {[=](const std::string&, std::uint64_t confirm_every) {
    if (++*received % confirm_every == 0)
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), *received);
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
    while (s.sent < l.count && s.sent - s.confirmed < l.window) {
      self->send(to, payload, l.window / 8);
      ++s.sent;
    }
  };
  auto confirmed_before =
      std::make_shared<std::uint64_t>(0); // the receiver counts over several runs
  return {[=](go_atom) { fill(); },
          [=](std::uint64_t) {
            self->state.confirmed += l.window / 8;
            if (self->state.confirmed >= l.count)
              self->send(done, go_atom::value);
            else
              fill();
          }};
}

} // namespace

int basp_receiver() {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  caf::actor_system system(config);
  auto actor = system.spawn(receiver);
  auto port = system.middleman().publish(actor, 0, "127.0.0.1");
  if (!port) return 1;
  std::printf("%u\n", unsigned(*port));
  std::fflush(stdout);
  std::string rest;
  while (std::getline(std::cin, rest)) {
  }
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  return 0;
}

int basp_sender(std::uint16_t port, const load& l) {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  caf::actor_system system(config);
  auto remote = system.middleman().remote_actor("127.0.0.1", port);
  if (!remote) return 1;
  caf::scoped_actor self(system);
  auto begin = std::chrono::steady_clock::now();
  auto actor = system.spawn(sender, *remote, l, caf::actor_cast<caf::actor>(self));
  self->send(actor, go_atom::value);
  bool done = false;
  self->receive([&](go_atom) { done = true; }, caf::after(std::chrono::seconds(60)) >> [] {});
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  if (!done) return 1;
  std::printf("%.0f\n", double(l.count) / took.count());
  return 0;
}

} // namespace kith::bench
