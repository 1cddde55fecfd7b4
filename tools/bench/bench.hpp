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

// CAF's own remoting in plaintext (BASP), as two processes: the receiver prints its port and serves
// until its input ends; the sender prints messages a second. Exit codes.
int basp_receiver();
int basp_sender(std::uint16_t port, const load& l);

} // namespace kith::bench
