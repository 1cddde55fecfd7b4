// Where a node's durable state lives. A backend keeps sorted tables; the one journal in front of it
// turns everybody's batches into a few synced writes (group commit) and says when each is durable.
// Two backends stand behind this interface: RocksDB, and a twin in memory that can lose what was
// not synced, for tests and simulation.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/identity/did.hpp"
#include "runtime/stream/stream_id.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kith::store {

// Sorted by key as unsigned bytes. Stored by name: never reuse one.
enum class table : std::uint8_t {
  state,  // point records: node, agents, cells, stream heads, asks, keys
  queue,  // envelopes by stream and position
  ledger, // message id -> position and disposition; dead letters
};
inline constexpr std::size_t table_count = 3;

struct entry {
  bytes key;
  slice value;
};

// One atomic change. Moves cheaply. Also carries the epochs that it relies on.
class write_batch {
public:
  struct operation {
    enum class kind : std::uint8_t { put, erase, erase_range } what;
    table in;
    bytes key;
    slice value; // put: the value; erase_range: the exclusive end
  };
  struct guard {
    did agent;
    epoch at;
  };

  void put(table in, byte_view key, slice value);
  void put(table in, byte_view key, byte_view value) { put(in, key, slice::copy_of(value)); }
  void erase(table in, byte_view key);
  // [from, to)
  void erase_range(table in, byte_view from, byte_view to);
  // The batch is refused unless `agent`'s epoch is exactly `at` when it is submitted (semantics.md
  // 20).
  void require_epoch(const did& agent, epoch at);
  // Sets the agent's epoch once the batch is submitted; refused unless it is higher than the
  // present one.
  void raise_epoch(const did& agent, epoch to);

  bool empty() const { return operations_.empty() && raised_.empty(); }
  std::size_t size_bytes() const { return size_bytes_; }
  const std::vector<operation>& operations() const { return operations_; }
  const std::vector<guard>& required() const { return required_; }
  const std::vector<guard>& raised() const { return raised_; }

private:
  std::vector<operation> operations_;
  std::vector<guard> required_;
  std::vector<guard> raised_;
  std::size_t size_bytes_ = 0;
};

struct scan_limits {
  std::size_t count_max = 1024;
  std::size_t bytes_max = 4 << 20; // stops after the entry that crosses it
};

// Thread-safe.
class backend {
public:
  virtual ~backend() = default;
  virtual result<std::optional<slice>> get(table in, byte_view key) = 0;
  // Ascending, [from, to), by seeking to `from`.
  virtual result<std::vector<entry>> scan(table in, byte_view from, byte_view to,
                                          scan_limits limits) = 0;
  // Applies all batches as one write, in order, synced before it returns; `last` is stored with it
  // as the journal position reached. On an error nothing may be assumed: the journal stops for
  // good.
  virtual result<void> commit(std::span<const write_batch> batches, journal_position last) = 0;
  // The position that the last commit stored.
  virtual journal_position recovered() const = 0;
  // Writes and syncs the witness file: "the store held `position`, synced". Called now and then,
  // after commits.
  virtual result<void> bear_witness(journal_position position) = 0;
};

} // namespace kith::store
