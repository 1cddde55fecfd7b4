// `kith bench`: each figure beside its baseline, taken in turn in the same run, because these
// machines are shared and noisy and only the ratio means something.
#pragma once

#include "tools/kith/cli.hpp"

#include <vector>

namespace kith::bench {

// The visible command and the hidden ones that it runs as processes of their own.
std::vector<cli::command> commands();

// What both sides of a row send: how many messages of how many bytes, and how many may be
// unconfirmed.
struct load {
  std::uint64_t count = 0;
  std::size_t payload_size = 128;
  std::uint64_t window = 16'384;
};

// The baselines, as processes; what each gives is an exit code, and what it measured it prints.

// CAF's own remoting in plaintext (BASP): the receiver prints its port and serves until its input
// ends; the sender prints messages a second, the pinger microseconds a request, p50.
int basp_receiver();
int basp_sender(std::uint16_t port, const load& l);
int basp_pinger(std::uint16_t port, const load& l);
// Two CAF actors in one process: messages a second.
int caf_local(const load& l);
// Resident bytes of each of so many idle CAF actors with two handlers.
int caf_idle(std::size_t count);

// Ours: messages over one libp2p stream between two processes. The listener prints its address and
// serves until its input ends; the dialer prints messages a second.
int libp2p_listener();
int libp2p_dialer(const std::string& address, const load& l);

} // namespace kith::bench
