// The bounds of one mailbox. Each says what happens when it is reached.
#pragma once

#include "runtime/base/clock.hpp"

#include <cstddef>
#include <cstdint>

namespace kith {

struct mailbox_limits {
  // Envelopes of all streams waiting in memory. At the limit streams get no further credit (an
  // empty stream keeps credit for one), and what local senders emit stays on disk until there is
  // room.
  std::size_t count_max = 16384;
  std::size_t bytes_max = 32 << 20;
  // The part of it that one stream may take.
  std::size_t stream_count_max = 4096;
  std::size_t stream_bytes_max = 4 << 20;
  // Streams into one mailbox. A further sender's stream is refused and reported.
  std::size_t streams_max = 100'000;
  // Turns and bytes that one commit may gather before it is submitted.
  std::size_t commit_turns_max = 512;
  std::size_t commit_bytes_max = 1 << 20;
  // Commits under way. At the limit no turn runs until one is durable.
  std::size_t commits_in_flight_max = 16;
  // Envelopes of all outgoing streams that wait for another node's ack, or for their turn on this
  // one; past it `tell` and `ask` return overloaded, and what comes from outside is refused. One
  // turn may pass the bytes by what a turn may emit.
  std::size_t outbox_count_max = 1'000'000;
  std::size_t outbox_bytes_max = std::size_t(1) << 30;
  // What waits for an owner outside of any node. At the limit nothing more is taken from streams,
  // so that senders get no credit.
  std::size_t pending_count_max = 100'000;
  std::size_t pending_bytes_max = 256 << 20;
  // Asks that wait for an answer; past it `ask` returns overloaded.
  std::size_t asks_max = 100'000;
  // Agents that one agent watches; a turn that would watch more fails.
  std::size_t watches_max = 1000;
  // Handlers that await something. At the limit no further message is handled until one has ended.
  std::size_t handlers_max = 1'000'000;
  // Of them in memory, and how long one stays there that nothing happens to. Past either it is only
  // on disk, and is run again from its journal when it goes on.
  std::size_t handlers_in_memory_max = 1'000;
  duration handler_idle_max = std::chrono::seconds(60);
  // How long after its asker's deadline a handler is cancelled: the asker's time-out goes first.
  duration deadline_grace = std::chrono::seconds(1);
  // The journal of one handler. Past either it is dead-lettered.
  std::uint32_t handler_segments_max = 10'000;
  std::size_t handler_bytes_max = 16 << 20;
  // Tries of a message before it is dead-lettered, and the delays between them: the first doubles
  // up to the last, each with a jitter of half its length.
  std::uint32_t attempts_max = 5;
  duration retry_delay = std::chrono::milliseconds(100);
  duration retry_delay_max = std::chrono::seconds(30);
};

} // namespace kith
