#include "actors/upkeep/stopped.hpp"

#include "actors/mailbox/keys.hpp"
#include "runtime/stream/records.hpp"

namespace kith::upkeep {

result<did> owner_of(store::backend& disk) {
  KITH_ASSIGN(const auto stored, disk.get(store::table::state, keys::node()));
  if (!stored)
    return fail(errc::corrupt, "no_node_record", "the store says of no node that it is its");
  KITH_ASSIGN(auto r, records::decode<records::node_record>(*stored));
  return std::move(r.node);
}

result<backup::manifest> back_up_stopped(backup::subject of, const backup::take_options& how,
                                         const clock& time, random_source& random) {
  KITH_ASSIGN(const auto disk, store::rocks_backend::open(of.dir / "store", {.upkeep = true}));
  KITH_ASSIGN(of.node, owner_of(*disk));
  auto made = backup::take(*disk, of, how, time, random);
  auto closed = disk->close();
  if (made && !closed) return fail(closed.error());
  return made;
}

} // namespace kith::upkeep
