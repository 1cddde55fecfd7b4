// What fsck knows of a store while it reads it. Internal to this room; fsck.cpp looks at single
// records, fsck_queues.cpp at queues.
#pragma once

#include "actors/mailbox/keys.hpp"
#include "actors/upkeep/fsck.hpp"
#include "runtime/stream/records.hpp"

#include <optional>
#include <set>

namespace kith::upkeep {

inline constexpr std::size_t id_size = 16;          // of agents, streams, messages, origins
inline constexpr std::size_t one_key = 1 + id_size; // kind and one of these
inline constexpr std::size_t two_keys = 1 + 2 * id_size;

// The 16 bytes at `offset`; zero if the key is shorter.
inline byte_array<16> id_at(byte_view key, std::size_t offset) {
  byte_array<16> out{};
  if (key.size() >= offset + out.size())
    std::copy_n(key.begin() + std::ptrdiff_t(offset), 16, out.begin());
  return out;
}

// Where a stream's queue must begin and end: all of (from, head.next) is there.
struct extent {
  std::optional<sequence> from; // acked or consumed; nothing: this side has no record
  std::optional<stream_head> head;
};
struct stream_sides {
  extent out, in;
  bool announced = false; // by a sender of this node
};

class checker {
public:
  explicit checker(store::backend& disk) : disk_(disk) {}
  result<fsck_report> run();

private:
  using visit = void (checker::*)(const store::entry&);
  void state(const store::entry& e);
  void queue(const store::entry& e);
  void ledger(const store::entry& e);

  void agent(const store::entry& e);
  void cell(const store::entry& e);
  void out_stream(const store::entry& e);
  void in_stream(const store::entry& e, bool local);
  void ask(const store::entry& e);
  void timer(const store::entry& e);
  void lost(const store::entry& e);
  void handler(const store::entry& e);
  void journal(const store::entry& e);
  void small(const store::entry& e);
  void begin_queue(std::uint8_t kind, const stream_key& s);
  void end_queue();
  // What must be there behind `last`, of a queue that was read or has no entries at all.
  void check_end(std::uint8_t kind, const stream_key& s, sequence last, const store::entry& at);
  void check_empty_queues();
  void stream_entry(const store::entry& e, const kith::envelope& found);
  void pending_entry(const store::entry& e);

  void found(const store::entry& e, std::string code, std::string what);
  bool shaped(const store::entry& e, std::size_t least, std::size_t most, const char* what);
  // Decodes; a finding if it does not.
  template <class Record> std::optional<Record> decoded(const store::entry& e);
  void placed(const store::entry& e, byte_view own, const char* what);
  void needs_agent(const store::entry& e, const char* what);

  store::backend& disk_;
  fsck_report report_;
  store::table in_ = store::table::state;
  std::set<byte_array<16>> agents_;
  std::set<std::pair<byte_array<16>, byte_array<16>>> handlers_;
  std::map<stream_key, stream_sides> streams_;
  std::set<std::pair<std::uint8_t, stream_key>> read_; // queues that have entries
  std::map<byte_array<16>, records::pending_state> pending_;
  // The journal, and the queue, that is being read.
  bytes journal_;
  std::uint32_t segment_ = 0;
  struct {
    std::uint8_t kind = 0; // 0: none
    stream_key stream{};
    sequence last = 0; // read so far; 0: nothing
    digest last_digest{};
    bytes last_key;
  } queue_;
};

} // namespace kith::upkeep
