#include "runtime/stream/envelope.hpp"

#include "fbs/envelope.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/stream/text.hpp"

#include <cassert>

namespace kith {

namespace {

using table = fbs::Envelope;
namespace fb = flatbuffers;

// An envelope is one table; anything deeper is not ours.
constexpr fb::uoffset_t depth_max = 4;
constexpr fb::uoffset_t tables_max = 4;
// Payloads up to this size are built in a builder that the thread keeps; for larger ones keeping it
// would hold memory.
constexpr std::size_t kept_builder_size_max = 64 << 10;
// Everything of an envelope but the payload, at its largest.
constexpr std::size_t overhead_max = 3072;

const table* root(const slice& raw) { return fb::GetSizePrefixedRoot<table>(raw.data()); }

std::string_view view(const fb::String* s) {
  return s ? std::string_view(s->c_str(), s->size()) : std::string_view{};
}

template <class Octets, std::size_t N> const Octets* octets(const byte_array<N>& from) {
  static_assert(sizeof(Octets) == N && alignof(Octets) == 1);
  return from == byte_array<N>{} ? nullptr : reinterpret_cast<const Octets*>(from.data());
}

template <class Array, class Octets> Array array(const Octets* from) {
  Array out{};
  if (from) std::memcpy(out.data(), from, out.size());
  return out;
}

uuid id_of(const fbs::Octets16* from) { return uuid{array<byte_array<16>>(from)}; }

tl::unexpected<error> bad(const char* what) { return fail(errc::malformed, "bad_envelope", what); }

bool is_address(std::string_view s) {
  return s.size() > 4 && s.size() <= did::size_max && s.substr(0, 4) == "did:" &&
         is_graphic_ascii(s);
}

bytes finish(fb::FlatBufferBuilder& builder, const envelope_fields& f) {
  // Built from the end: what is made first lies last.
  builder.ForceVectorAlignment(f.payload.size(), 1, 8);
  auto payload = f.payload.empty() ? 0 : builder.CreateVector(f.payload.data(), f.payload.size());
  auto text = [&](std::string_view s) { return builder.CreateString(s.data(), s.size()); };
  fb::Offset<fb::String> trace = f.trace.empty() ? 0 : text(f.trace);
  fb::Offset<fb::String> content_type = f.content_type.empty() ? 0 : text(f.content_type);
  auto kind = text(f.kind), to = text(f.to), from = text(f.from);
  fb::Offset<fb::Vector<const fbs::Octets16*>> chain = 0;
  if (!f.chain.empty())
    chain = builder.CreateVectorOfStructs(reinterpret_cast<const fbs::Octets16*>(f.chain.data()),
                                          f.chain.size());

  fbs::EnvelopeCore core(*reinterpret_cast<const fbs::Octets16*>(f.id.octets.data()), f.created,
                         f.incarnation, f.seq, f.time_to_live_ms, envelope::version,
                         std::uint8_t(f.qos), std::uint8_t(f.lane), std::uint8_t(f.status),
                         f.wants_answer ? 1 : 0, 0, 0);
  fbs::EnvelopeBuilder e(builder);
  e.add_core(&core);
  e.add_signature(octets<fbs::Octets64>(f.signature));
  e.add_tombstone_of(octets<fbs::Octets32>(f.tombstone_of));
  e.add_previous(octets<fbs::Octets32>(f.previous));
  e.add_correlation(octets<fbs::Octets16>(f.correlation.octets));
  e.add_replay_of(octets<fbs::Octets16>(f.replay_of.octets));
  e.add_from(from);
  e.add_to(to);
  e.add_kind(kind);
  e.add_content_type(content_type);
  e.add_payload(payload);
  e.add_trace(trace);
  e.add_chain(chain);
  builder.FinishSizePrefixed(e.Finish());
  auto* begin = builder.GetBufferPointer();
  return {begin, begin + builder.GetSize()};
}

} // namespace

envelope envelope::build(const envelope_fields& f) {
  if (f.payload.size() > kept_builder_size_max) {
    fb::FlatBufferBuilder builder(f.payload.size() + overhead_max);
    return envelope(slice(finish(builder, f)));
  }
  // A scratch buffer that each thread reuses: no state outlives the call.
  thread_local fb::FlatBufferBuilder builder(4096);
  builder.Clear();
  return envelope(slice(finish(builder, f)));
}

result<void> envelope::check(const envelope_fields& f) {
  if (f.payload.size() > payload_size_max)
    return fail(errc::too_large, "envelope_too_large", "the payload is over 16 MiB");
  if (!is_address(f.from)) return bad("from is not a DID");
  if (!is_address(f.to)) return bad("to is not a DID");
  if (f.kind.empty() || f.kind.size() > kind_size_max || !is_text(f.kind))
    return bad("kind is not 1 to 255 bytes of text");
  if (f.content_type.size() > content_type_size_max || !is_text(f.content_type))
    return bad("content_type");
  if (f.trace.size() > trace_size_max || !is_text(f.trace)) return bad("trace");
  if (f.qos > qos::exactly_once) return bad("qos is not 0, 1 or 2");
  if (f.lane != lane::request && f.lane != lane::answer) return bad("lane");
  if (f.status > answer_status::dead) return bad("status");
  bool chained = is_chained(f.qos);
  if (chained != (f.seq != 0) || chained != (f.incarnation != 0))
    return bad("seq and incarnation do not fit the qos");
  if (!chained && f.previous != digest{}) return bad("previous outside of a chain");
  if (f.tombstone_of != digest{} &&
      (!chained || !f.payload.empty() || f.signature != byte_array<64>{}))
    return bad("not a possible tombstone");
  if (!f.chain.empty() &&
      (f.chain.size() > chain_count_max || !f.wants_answer || f.signature != byte_array<64>{}))
    return bad("a chain that is too long, or not an ask's");
  return {};
}

result<envelope> envelope::parse(slice raw) {
  if (raw.size() > size_max)
    return fail(errc::too_large, "envelope_too_large", "an envelope over 16 MiB");
  assert(reinterpret_cast<std::uintptr_t>(raw.data()) % 8 == 0);
  fb::Verifier verifier(raw.data(), raw.size(), depth_max, tables_max);
  if (!verifier.VerifySizePrefixedBuffer<table>(nullptr))
    return bad("not an envelope, or a part of one");
  const auto* core = root(raw)->core();
  if (core->version() != version)
    return fail(errc::unsupported, "envelope_version",
                "envelope version " + std::to_string(core->version()));
  if (core->wants_answer() > 1 || core->reserved_a() != 0 || core->reserved_b() != 0)
    return bad("reserved bits");
  envelope out(std::move(raw));
  auto fields = out.fields();
  // So that a payload that is a FlatBuffer can be read in place; the verifier does not look at it.
  if (!fields.payload.empty() && reinterpret_cast<std::uintptr_t>(fields.payload.data()) % 8 != 0)
    return bad("payload is not 8-aligned");
  KITH_TRY(check(fields));
  return out;
}

envelope_fields envelope::fields() const {
  envelope_fields f;
  f.id = id();
  f.from = from();
  f.to = to();
  f.kind = kind();
  f.content_type = content_type();
  f.payload = payload();
  f.created = created();
  f.time_to_live_ms = time_to_live_ms();
  f.correlation = correlation();
  f.replay_of = replay_of();
  f.qos = qos();
  f.lane = lane();
  f.status = status();
  f.wants_answer = wants_answer();
  f.incarnation = incarnation();
  f.seq = seq();
  f.previous = previous();
  f.trace = trace();
  f.tombstone_of = tombstone_of();
  f.signature = signature();
  f.chain = chain();
  return f;
}

envelope envelope::tombstone() const {
  assert(is_chained(qos()) && !is_tombstone());
  auto f = fields();
  f.payload = {};
  f.signature = {};
  f.tombstone_of = hash();
  return build(f);
}

bytes signed_content(const envelope_fields& f) {
  bytes out;
  out.reserve(256 + f.payload.size());
  auto part = [&](byte_view what) {
    put_u32(out, std::uint32_t(what.size()));
    append(out, what);
  };
  auto text = [&](std::string_view what) { part(as_bytes(what)); };
  text("kith message 1");
  text(f.id.text());
  text(f.from);
  text(f.to);
  text(f.kind);
  text(f.content_type);
  part(f.payload);
  text(std::to_string(f.created));
  text(std::to_string(f.time_to_live_ms));
  text(f.correlation.is_nil() ? std::string() : f.correlation.text());
  text(f.wants_answer ? "1" : "0");
  return out;
}

result<void> envelope::check_signature() const {
  auto f = fields();
  auto signer = did::parse(f.from);
  if (!signer || !verify_signature(*signer, signed_content(f), f.signature))
    return fail(errc::unauthenticated, "bad_envelope_signature",
                "the message is not signed by its sender, or something of it was changed");
  return {};
}

digest envelope::hash() const {
  if (auto kept = tombstone_of(); kept != digest{}) return kept;
  return crypto::blake2b_256(raw_.view());
}

uuid envelope::id() const { return id_of(&root(raw_)->core()->id()); }
std::string_view envelope::from() const { return view(root(raw_)->from()); }
std::string_view envelope::to() const { return view(root(raw_)->to()); }
std::string_view envelope::kind() const { return view(root(raw_)->kind()); }
std::string_view envelope::content_type() const { return view(root(raw_)->content_type()); }
byte_view envelope::payload() const {
  const auto* p = root(raw_)->payload();
  return p ? byte_view(p->data(), p->size()) : byte_view{};
}
wall_ms envelope::created() const { return root(raw_)->core()->created(); }
std::uint64_t envelope::time_to_live_ms() const { return root(raw_)->core()->time_to_live_ms(); }
uuid envelope::correlation() const { return id_of(root(raw_)->correlation()); }
uuid envelope::replay_of() const { return id_of(root(raw_)->replay_of()); }
enum qos envelope::qos() const { return kith::qos(root(raw_)->core()->qos()); }
enum lane envelope::lane() const { return kith::lane(root(raw_)->core()->lane()); }
answer_status envelope::status() const { return answer_status(root(raw_)->core()->status()); }
bool envelope::wants_answer() const { return root(raw_)->core()->wants_answer() != 0; }
kith::incarnation envelope::incarnation() const { return root(raw_)->core()->incarnation(); }
sequence envelope::seq() const { return root(raw_)->core()->seq(); }
digest envelope::previous() const { return array<digest>(root(raw_)->previous()); }
std::string_view envelope::trace() const { return view(root(raw_)->trace()); }
digest envelope::tombstone_of() const { return array<digest>(root(raw_)->tombstone_of()); }
byte_array<64> envelope::signature() const {
  return array<byte_array<64>>(root(raw_)->signature());
}
std::span<const uuid> envelope::chain() const {
  static_assert(sizeof(uuid) == sizeof(fbs::Octets16) && alignof(uuid) == 1);
  const auto* c = root(raw_)->chain();
  if (c == nullptr) return {};
  return {reinterpret_cast<const uuid*>(c->Data()), c->size()};
}

} // namespace kith
