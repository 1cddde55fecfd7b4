// The rarer records: version byte, seven zero bytes (so that the table stays 8-aligned), then a
// FlatBuffer.
#include "runtime/stream/records.hpp"

#include "fbs/record.hpp"
#include "runtime/stream/text.hpp"

#include <algorithm>

namespace kith::records {

namespace {

namespace fb = flatbuffers;
using fbs::record::Octets16;

constexpr std::size_t prefix_size = 8;
constexpr std::size_t peer_addresses_max = 64;
constexpr fb::uoffset_t depth_max = 4, tables_max = 4;

tl::unexpected<error> bad(const char* what) { return fail(errc::corrupt, "bad_record", what); }

template <class Table> bytes finish(fb::FlatBufferBuilder& builder, fb::Offset<Table> root) {
  builder.Finish(root);
  bytes out(prefix_size + builder.GetSize());
  out[0] = version;
  std::memcpy(out.data() + prefix_size, builder.GetBufferPointer(), builder.GetSize());
  return out;
}

// A checked table, and the aligned copy of its bytes if the store handed them out unaligned.
template <class Table> struct opened {
  bytes aligned;
  const Table* table = nullptr;
};

template <class Table> result<opened<Table>> open(byte_view value) {
  if (value.empty()) return bad("empty");
  if (value[0] > version)
    return fail(errc::unsupported, "record_version",
                "written by a newer Kith, version " + std::to_string(value[0]));
  if (value[0] != version || value.size() <= prefix_size) return bad("no version");
  if (!std::all_of(value.begin() + 1, value.begin() + prefix_size, [](auto b) { return b == 0; }))
    return bad("prefix");
  opened<Table> out;
  auto body = value.subspan(prefix_size);
  if (reinterpret_cast<std::uintptr_t>(body.data()) % 8 != 0) {
    out.aligned = to_bytes(body);
    body = out.aligned;
  }
  fb::Verifier verifier(body.data(), body.size(), depth_max, tables_max);
  if (!verifier.VerifyBuffer<Table>(nullptr)) return bad("table");
  out.table = fb::GetRoot<Table>(body.data());
  return out;
}

fb::Offset<fb::String> put(fb::FlatBufferBuilder& b, std::string_view s) {
  return s.empty() ? 0 : b.CreateString(s.data(), s.size());
}
fb::Offset<fb::Vector<std::uint8_t>> put(fb::FlatBufferBuilder& b, byte_view v) {
  return b.CreateVector(v.data(), v.size());
}
const Octets16* put(const uuid& id) { return reinterpret_cast<const Octets16*>(id.octets.data()); }

uuid get(const Octets16* from) {
  uuid out;
  if (from) std::memcpy(out.octets.data(), from, out.octets.size());
  return out;
}

// Reads what may be absent; remembers whether anything was wrong.
struct checker {
  bool ok = true;

  std::string text(const fb::String* s) {
    if (!s) return {};
    ok = ok && s->size() <= text_size_max;
    return ok ? s->str() : std::string();
  }
  did address(const fb::String* s) {
    if (!s) return {};
    auto parsed = did::parse({s->c_str(), s->size()});
    ok = ok && parsed.has_value();
    return parsed ? *parsed : did();
  }
  bytes blob(const fb::Vector<std::uint8_t>* v) {
    if (!v) return {};
    ok = ok && v->size() <= blob_size_max;
    return ok ? bytes(v->begin(), v->end()) : bytes();
  }
};

} // namespace

bytes encode(const node_record& r) {
  fb::FlatBufferBuilder b(512);
  auto node = put(b, r.node.text());
  return finish(b, fbs::record::CreateNode(b, node, r.boot_epoch, r.created, r.format));
}

template <> result<node_record> decode<node_record>(byte_view value) {
  KITH_ASSIGN(auto in, open<fbs::record::Node>(value));
  checker check;
  node_record r{check.address(in.table->node()), in.table->boot_epoch(), in.table->created(),
                in.table->format()};
  if (!check.ok) return bad("node");
  return r;
}

bytes encode(const agent_record& r) {
  fb::FlatBufferBuilder b(1024);
  auto agent = put(b, r.agent.text()), type = put(b, clean_text(r.type, text_size_max));
  auto name = put(b, clean_text(r.name, text_size_max)), home = put(b, r.home.text());
  auto key = put(b, r.sealed_key), delegated = put(b, r.delegation);
  auto owner = put(b, r.owner.text());
  auto supervisor = put(b, clean_text(r.supervisor, text_size_max));
  return finish(b, fbs::record::CreateAgent(b, agent, type, name, r.epoch, r.incarnation, r.created,
                                            key, home, r.stopped, delegated, owner, supervisor,
                                            r.restart, r.order));
}

template <> result<agent_record> decode<agent_record>(byte_view value) {
  KITH_ASSIGN(auto in, open<fbs::record::Agent>(value));
  checker check;
  const auto& t = *in.table;
  agent_record r{check.address(t.agent()),
                 check.text(t.type()),
                 check.text(t.name()),
                 t.epoch(),
                 t.incarnation(),
                 t.created(),
                 check.blob(t.sealed_key()),
                 check.address(t.home()),
                 t.stopped(),
                 check.blob(t.delegation()),
                 check.address(t.owner()),
                 check.text(t.supervisor()),
                 t.restart(),
                 t.order()};
  if (!check.ok || r.restart > 2) return bad("agent");
  return r;
}

bytes encode(const dead_letter& r) {
  fb::FlatBufferBuilder b(r.envelope.size() + 1024);
  b.ForceVectorAlignment(r.envelope.size(), 1, 8);
  auto envelope = put(b, r.envelope.view());
  auto reason = put(b, clean_text(r.reason, text_size_max)), agent = put(b, r.agent.text());
  return finish(
      b, fbs::record::CreateDeadLetter(b, put(r.id), envelope, reason, r.attempts, r.when, agent));
}

template <> result<dead_letter> decode<dead_letter>(byte_view value) {
  KITH_ASSIGN(auto in, open<fbs::record::DeadLetter>(value));
  checker check;
  const auto& t = *in.table;
  auto raw = slice::copy_of({t.envelope()->data(), t.envelope()->size()});
  if (!envelope::parse(raw)) return bad("dead letter holds no envelope");
  dead_letter r{get(t.id()),  raw,      check.text(t.reason()),
                t.attempts(), t.when(), check.address(t.agent())};
  if (!check.ok) return bad("dead letter");
  return r;
}

bytes encode(const ask_record& r) {
  fb::FlatBufferBuilder b(r.context.size() + 1024);
  auto to = put(b, r.to.text()), handler = put(b, clean_text(r.handler, text_size_max));
  auto kind = put(b, clean_text(r.kind, text_size_max));
  auto context = put(b, r.context);
  return finish(
      b, fbs::record::CreateAsk(b, put(r.request), to, handler, context, r.deadline, kind, r.seq));
}

template <> result<ask_record> decode<ask_record>(byte_view value) {
  KITH_ASSIGN(auto in, open<fbs::record::Ask>(value));
  checker check;
  const auto& t = *in.table;
  ask_record r{get(t.request()),
               check.address(t.to()),
               check.text(t.handler()),
               check.blob(t.context()),
               t.deadline(),
               check.text(t.kind()),
               t.seq()};
  if (!check.ok) return bad("ask");
  return r;
}

bytes encode(const peer_record& r) {
  fb::FlatBufferBuilder b(1024);
  std::vector<fb::Offset<fb::String>> list;
  for (const auto& a : r.addresses)
    if (list.size() < peer_addresses_max)
      list.push_back(b.CreateString(clean_text(a, text_size_max)));
  auto node = put(b, r.node.text());
  auto addresses = b.CreateVector(list);
  return finish(b, fbs::record::CreatePeer(b, node, addresses, r.seen, r.boot_epoch));
}

template <> result<peer_record> decode<peer_record>(byte_view value) {
  KITH_ASSIGN(auto in, open<fbs::record::Peer>(value));
  checker check;
  const auto& t = *in.table;
  peer_record r{check.address(t.node()), {}, t.seen(), t.boot_epoch()};
  if (t.addresses()) {
    if (t.addresses()->size() > peer_addresses_max) return bad("peer with too many addresses");
    for (const auto* a : *t.addresses()) r.addresses.push_back(check.text(a));
  }
  if (!check.ok) return bad("peer");
  return r;
}

} // namespace kith::records
