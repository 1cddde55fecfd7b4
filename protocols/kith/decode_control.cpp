// The control frames: the FlatBuffers verifier first, then every limit of frames.hpp.
#include "fbs/wire.hpp"
#include "protocols/kith/layout.hpp"
#include "runtime/stream/text.hpp"

namespace kith::wire {

namespace {

namespace fb = flatbuffers;
namespace w = kith::fbs::wire;

// A frame of 64 KiB holds at most about 2,700 tables that do not share their bytes; sharing would
// let a small frame become a large one here.
constexpr fb::uoffset_t depth_max = 8, tables_max = 4096;

// Reads what the verifier has passed; remembers the first thing that is wrong.
class reader {
public:
  std::string text(const fb::String* s, std::size_t size_max) {
    if (!s) return {};
    std::string_view v(s->c_str(), s->size());
    if (v.size() > size_max || !is_text(v)) {
      set("a text that is too long or none");
      return {};
    }
    return std::string(v);
  }
  did address(const fb::String* s) {
    auto parsed = did::parse({s->c_str(), s->size()});
    if (!parsed) set("not a DID");
    return parsed ? *parsed : did();
  }
  byte_array<32> octets(const w::Digest* d) {
    byte_array<32> out;
    std::memcpy(out.data(), d, out.size());
    return out;
  }
  stream_id stream(const w::Stream* s) {
    stream_id out{address(s->from()), address(s->to()), kith::lane(s->lane()), s->incarnation()};
    if (s->lane() > std::uint8_t(lane::answer)) set("no such lane");
    if (out.incarnation == 0) set("a stream without incarnation");
    return out;
  }
  stream_head head(const w::Head* h) {
    if (h->next() == 0) set("positions count from 1");
    return {h->next(), octets(&h->last())};
  }
  stream_number number(std::uint32_t n) {
    if (n == 0) set("stream number 0");
    return n;
  }
  std::vector<std::string> addresses(const fb::Vector<fb::Offset<fb::String>>* list) {
    std::vector<std::string> out;
    if (!list || !count(list->size(), addresses_max)) return out;
    for (const auto* a : *list) out.push_back(text(a, address_size_max));
    return out;
  }
  // False past the limit.
  bool count(std::size_t n, std::size_t n_max) {
    if (n > n_max) too_large_ = true;
    return n <= n_max;
  }
  template <class Number> Number at_most(Number v, Number last, const char* what) {
    if (v > last) set(what);
    return v;
  }
  void set(const char* what) {
    if (!wrong_) wrong_ = what;
  }
  template <class Frame> result<frame> done(Frame f) const {
    if (too_large_) return list_too_large("in a control frame");
    if (wrong_) return bad_frame(wrong_);
    return f;
  }

private:
  const char* wrong_ = nullptr;
  bool too_large_ = false;
};

result<frame> read(const w::Hello& t) {
  reader in;
  hello f;
  f.version_min = t.version_min();
  f.version_max = t.version_max();
  if (f.version_min == 0 || f.version_min > f.version_max) in.set("version range");
  f.node = in.address(t.node());
  f.boot_epoch = t.boot_epoch();
  f.proof = in.octets(t.proof());
  f.name = in.text(t.name(), name_size_max);
  f.addresses = in.addresses(t.addresses());
  f.synced = t.synced();
  f.seen_of_you = t.seen_of_you();
  return in.done(std::move(f));
}

result<frame> read(const w::Welcome& t) { return welcome{t.version()}; }

// Codes of refused, goodbye and not_here may be newer than ours: an unknown one is "other".
result<frame> read(const w::Refused& t) {
  reader in;
  auto code = t.code() <= std::uint16_t(refusal::duplicate) ? refusal(t.code()) : refusal::other;
  return in.done(refused{code, in.text(t.text(), text_size_max)});
}

result<frame> read(const w::Goodbye& t) {
  reader in;
  auto code = t.code() <= std::uint16_t(parting::rewound) ? parting(t.code()) : parting::other;
  return in.done(goodbye{code, in.text(t.text(), text_size_max)});
}

result<frame> read(const w::Ping& t) { return ping{t.nonce()}; }
result<frame> read(const w::Pong& t) { return pong{t.nonce()}; }

result<frame> read(const w::Delegations& t) {
  reader in;
  delegations f;
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  for (const auto* e : *t.list()) {
    if (e->encoded()->size() > delegation_size_max) return bad_frame("delegation too large");
    f.encoded.emplace_back(e->encoded()->begin(), e->encoded()->end());
  }
  return in.done(std::move(f));
}

result<frame> read(const w::Streams& t) {
  reader in;
  streams f;
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  for (const auto* e : *t.list()) f.list.push_back({in.stream(e->stream()), in.head(e->head())});
  return in.done(std::move(f));
}

result<frame> read(const w::Positions& t) {
  reader in;
  positions f;
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  for (const auto* e : *t.list())
    f.list.push_back(
        {in.stream(e->stream()), in.head(e->head()), e->credit_seq(), e->credit_bytes()});
  return in.done(std::move(f));
}

result<frame> read(const w::StreamOpen& t) {
  reader in;
  stream_open f{in.number(t.number()), in.stream(t.stream()), in.head(t.head())};
  if (t.kept()) f.kept = in.head(t.kept());
  return in.done(std::move(f));
}

result<frame> read(const w::Ack& t) {
  reader in;
  ack f;
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  // FlatBuffers 2.0.8 verifies the bounds of a vector of structs and not its alignment.
  if (t.list()->size() > 0 && reinterpret_cast<std::uintptr_t>(t.list()->Data()) % 8 != 0)
    return bad_frame("ack with a list that is not aligned");
  for (const auto* e : *t.list())
    f.list.push_back({in.number(e->number()), e->acked(), e->credit_seq(), e->credit_bytes()});
  f.synced = t.synced();
  return in.done(std::move(f));
}

result<frame> read(const w::BackfillRequest& t) {
  reader in;
  if (t.from() == 0 || t.from() > t.to()) in.set("backfill of nothing");
  return in.done(backfill_request{in.number(t.number()), t.from(), t.to()});
}

result<frame> read(const w::NotHere& t) {
  reader in;
  auto reason =
      t.reason() <= std::uint8_t(absence::not_delegated) ? absence(t.reason()) : absence::unknown;
  return in.done(not_here{in.number(t.number()), reason});
}

result<frame> read(const w::Fork& t) {
  reader in;
  if (t.seq() == 0) in.set("positions count from 1");
  return in.done(fork{in.number(t.number()), t.seq(), in.octets(t.have()), in.octets(t.got())});
}

result<frame> read(const w::Directory& t) {
  reader in;
  directory f;
  f.node = in.address(t.node());
  f.full = t.full();
  f.more = t.more();
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  for (const auto* e : *t.list()) {
    auto& to = f.list.emplace_back();
    to.agent = in.address(e->agent());
    to.type = in.text(e->type(), name_size_max);
    to.name = in.text(e->name(), name_size_max);
    to.epoch = e->epoch();
    to.removed = e->removed();
    if (!e->advertised() || !in.count(e->advertised()->size(), advertised_max)) continue;
    for (const auto* c : *e->advertised())
      to.advertised.push_back(
          {in.text(c->kind(), name_size_max), in.text(c->about(), text_size_max)});
  }
  return in.done(std::move(f));
}

result<frame> read(const w::Members& t) {
  reader in;
  members f;
  if (!in.count(t.list()->size(), list_count_max)) return in.done(f);
  for (const auto* e : *t.list()) {
    auto state = in.at_most(e->state(), std::uint8_t(member_state::left), "no such member state");
    f.list.push_back({in.address(e->node()), in.text(e->name(), name_size_max),
                      in.addresses(e->addresses()), e->boot_epoch(), member_state(state),
                      e->counter()});
  }
  return in.done(std::move(f));
}

template <class Table> result<frame> check_and_read(byte_view body) {
  fb::Verifier verifier(body.data(), body.size(), depth_max, tables_max);
  if (!verifier.VerifyBuffer<Table>(nullptr))
    return bad_frame("control frame that does not verify");
  return read(*fb::GetRoot<Table>(body.data()));
}

} // namespace

result<frame> decode_control(frame_type type, byte_view body) {
  switch (type) {
  case frame_type::hello: return check_and_read<w::Hello>(body);
  case frame_type::welcome: return check_and_read<w::Welcome>(body);
  case frame_type::refused: return check_and_read<w::Refused>(body);
  case frame_type::goodbye: return check_and_read<w::Goodbye>(body);
  case frame_type::ping: return check_and_read<w::Ping>(body);
  case frame_type::pong: return check_and_read<w::Pong>(body);
  case frame_type::delegations: return check_and_read<w::Delegations>(body);
  case frame_type::streams: return check_and_read<w::Streams>(body);
  case frame_type::positions: return check_and_read<w::Positions>(body);
  case frame_type::stream_open: return check_and_read<w::StreamOpen>(body);
  case frame_type::ack: return check_and_read<w::Ack>(body);
  case frame_type::backfill_request: return check_and_read<w::BackfillRequest>(body);
  case frame_type::not_here: return check_and_read<w::NotHere>(body);
  case frame_type::fork: return check_and_read<w::Fork>(body);
  case frame_type::directory: return check_and_read<w::Directory>(body);
  case frame_type::members: return check_and_read<w::Members>(body);
  default:
    return fail(errc::unsupported, "unknown_frame", "type " + std::to_string(unsigned(type)));
  }
}

} // namespace kith::wire
