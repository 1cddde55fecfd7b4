#include "actors/simulation/invariants.hpp"

#include "actors/mailbox/keys.hpp"
#include "runtime/stream/handler_records.hpp"
#include "runtime/stream/records.hpp"

#include <map>

namespace kith::simulation {

namespace {

using store::table;

// Every record under the kind byte of an example key.
template <class Visit>
void each(store::backend& disk, table in, const bytes& example, Visit visit) {
  auto from = keys::prefix(example, 1);
  const auto to = keys::end_of(from);
  for (;;) {
    const auto found = disk.scan(in, from, to, {}).value();
    if (found.empty()) return;
    for (const auto& e : found) visit(e);
    from = found.back().key;
    from.push_back(0);
  }
}

struct ends {
  std::optional<records::stream_out> out;
  std::optional<records::stream_in> in;
  bool local = false;  // both on one disk
  bool closed = false; // of an incarnation that its sender no longer has, or its sender forgot it
};
using by_stream = std::map<stream_key, ends>;

by_stream streams_of(std::span<store::backend* const> disks) {
  by_stream all;
  std::map<stream_key, std::size_t> out_on;
  for (std::size_t d = 0; d < disks.size(); ++d) {
    each(*disks[d], table::state, keys::out_stream({}, {}), [&](const store::entry& e) {
      auto r = records::decode<records::stream_out>(e.value).value();
      const auto key = r.stream.key();
      out_on[key] = d;
      auto& both = all[key];
      auto agent = disks[d]->get(table::state, keys::agent(keys::of(r.stream.from))).value();
      both.closed = agent && records::decode<records::agent_record>(*agent).value().incarnation !=
                                 r.stream.incarnation;
      both.out = std::move(r);
    });
  }
  for (std::size_t d = 0; d < disks.size(); ++d)
    each(*disks[d], table::state, keys::in_stream({}, {}), [&](const store::entry& e) {
      auto r = records::decode<records::stream_in>(e.value).value();
      const auto key = r.stream.key();
      auto from = out_on.find(key);
      auto& both = all[key];
      both.local = from != out_on.end() && from->second == d;
      both.in = std::move(r);
    });
  return all;
}

std::string name_of(const stream_id& s) {
  return "the stream from " + s.from.text() + " to " + s.to.text() +
         (s.lane == lane::answer ? ", answers," : "");
}

std::string at(sequence n) { return std::to_string(n); }

} // namespace

std::vector<std::string> broken_invariants(std::span<store::backend* const> disks) {
  std::vector<std::string> broken;
  for (const auto& [key, s] : streams_of(disks)) {
    if (!s.in) continue;
    const auto name = name_of(s.in->stream);
    if (s.in->quarantined) broken.push_back(name + " is quarantined: " + s.in->quarantine_reason);
    if (!s.out || s.local) continue; // its sender is down; or one queue, which both write
    if (s.in->consumed >= s.in->head.next)
      broken.push_back(name + " was consumed to " + at(s.in->consumed) + ", and came to " +
                       at(s.in->head.next - 1));
    if (s.in->head.next > s.out->head.next && !s.closed)
      broken.push_back(name + " came to " + at(s.in->head.next - 1) +
                       ", and its sender has it to " + at(s.out->head.next - 1));
    else if (s.in->head.next == s.out->head.next && s.in->head.last != s.out->head.last)
      broken.push_back(name + " has two histories");
    if (s.out->acked >= s.in->head.next)
      broken.push_back(name + " was acked to " + at(s.out->acked) + ", and came to " +
                       at(s.in->head.next - 1));
  }
  return broken;
}

std::vector<std::string> unfinished(std::span<store::backend* const> disks) {
  std::vector<std::string> open;
  for (const auto& [key, s] : streams_of(disks)) {
    const auto made = s.out ? s.out->head.next - 1 : s.in->head.next - 1;
    const auto consumed = s.in ? s.in->consumed : 0;
    if (s.closed && s.in && consumed > made && consumed + 1 == s.in->head.next) continue;
    if (made != consumed)
      open.push_back(name_of(s.out ? s.out->stream : s.in->stream) + " was consumed to " +
                     at(consumed) + " of " + at(made));
  }
  for (auto* disk : disks) {
    each(*disk, table::state, keys::handler({}, {}), [&](const store::entry& e) {
      auto h = records::decode<records::handler_start>(e.value).value();
      if (!h.dead) open.push_back("a handler of a message from " + h.from.text() + " still waits");
    });
    each(*disk, table::state, keys::ask({}, {}), [&](const store::entry& e) {
      auto r = records::decode<records::ask_record>(e.value).value();
      open.push_back("an ask " + r.kind + " of " + r.to.text() + " is not answered");
    });
  }
  return open;
}

lost_sums lost_ranges(std::span<store::backend* const> disks, const did& from, const did& to) {
  lost_sums sums;
  for (auto* disk : disks)
    each(*disk, table::state, keys::lost({}, {}, 0), [&](const store::entry& e) {
      auto r = records::decode<records::lost_range>(e.value).value();
      if (r.stream.from != from || r.stream.to != to || r.stream.lane != lane::request) return;
      ++sums.ranges;
      sums.positions += r.to - r.from + 1;
    });
  return sums;
}

std::size_t dead_letters(std::span<store::backend* const> disks) {
  std::size_t count = 0;
  for (auto* disk : disks)
    each(*disk, table::ledger, keys::dead_begin(), [&](const store::entry&) { ++count; });
  return count;
}

} // namespace kith::simulation
