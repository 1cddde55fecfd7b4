// The baseline: CAF's remoting between two processes, with the same payload and the same window as
// our agents.
#include "tools/bench/bench.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>

namespace kith::bench {

namespace {

using go_atom = caf::atom_constant<caf::atom("go")>;
using ping_atom = caf::atom_constant<caf::atom("ping")>;

// Confirms every eighth of a window, as our sink does; and answers requests with what they hold.
caf::behavior receiver(caf::event_based_actor* self) {
  auto received = std::make_shared<std::uint64_t>(0); // shared by copies of the handler
  return {[=](const std::string&, std::uint64_t confirm_every) {
            if (++*received % confirm_every == 0)
              self->send(caf::actor_cast<caf::actor>(self->current_sender()), *received);
          },
          [](ping_atom, const std::string& payload) { return payload; }};
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

struct pinger_state {
  std::uint64_t gone = 0;
  std::vector<double> times;
  std::chrono::steady_clock::time_point begun;
};

// One request after the other; the p50 of their times goes to `done`.
caf::behavior pinger(caf::stateful_actor<pinger_state>* self, caf::actor to, load l,
                     caf::actor done) {
  std::string payload(l.payload_size, 'x');
  return {[=](go_atom) {
    auto& s = self->state;
    s.begun = std::chrono::steady_clock::now();
    self->request(to, caf::infinite, ping_atom::value, payload).then([=](const std::string&) {
      auto& s = self->state;
      std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - s.begun;
      if (s.gone++ >= l.count / 10) s.times.push_back(took.count()); // the first warm up
      if (s.gone < l.count + l.count / 10) return self->send(self, go_atom::value);
      std::sort(s.times.begin(), s.times.end());
      self->send(done, s.times[s.times.size() / 2]);
    });
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
  self->receive([&](go_atom) { done = true; }, caf::after(std::chrono::minutes(5)) >> [] {});
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  if (!done) return 1;
  std::printf("%.0f\n", double(l.count) / took.count());
  return 0;
}

int basp_pinger(std::uint16_t port, const load& l) {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  caf::actor_system system(config);
  auto remote = system.middleman().remote_actor("127.0.0.1", port);
  if (!remote) return 1;
  caf::scoped_actor self(system);
  auto actor = system.spawn(pinger, *remote, l, caf::actor_cast<caf::actor>(self));
  self->send(actor, go_atom::value);
  double p50 = 0;
  self->receive([&](double us) { p50 = us; }, caf::after(std::chrono::minutes(5)) >> [] {});
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  if (p50 == 0) return 1;
  std::printf("%.1f\n", p50);
  return 0;
}

} // namespace kith::bench
