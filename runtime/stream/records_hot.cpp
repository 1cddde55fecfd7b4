// The records that every turn writes, in fixed binary: a version byte, then the fields as they
// stand in the struct. Numbers are unsigned varints where they are small as a rule, big-endian
// otherwise; texts and DIDs have their size before them as a varint. Never change: a new version
// gets a new version byte.
#include "runtime/stream/record_bytes.hpp"
#include "runtime/stream/text.hpp"

namespace kith::records {

namespace {

void put_stream(bytes& out, const stream_id& s) {
  put_text(out, s.from.text());
  put_text(out, s.to.text());
  out.push_back(std::uint8_t(s.lane));
  put_u64(out, s.incarnation);
}

// With the version byte and room for everything of usual size, so that there is one allocation.
bytes begin(std::size_t text_size) {
  bytes out;
  out.reserve(192 + text_size);
  out.push_back(version);
  return out;
}

std::size_t text_size(const stream_id& s) { return s.from.text().size() + s.to.text().size(); }

did get_did(byte_reader& in, bool may_be_empty = false) {
  auto text = in.prefixed(did::size_max);
  if (!in.ok() || (text.empty() && may_be_empty)) return {};
  auto parsed = did::parse(as_text(text));
  if (!parsed) in.fail();
  return parsed ? *parsed : did();
}

// A number that may be 0 to `last`.
std::uint8_t get_below(byte_reader& in, std::uint8_t last) {
  auto v = in.u8();
  if (v > last) in.fail();
  return v;
}

stream_id get_stream(byte_reader& in) {
  stream_id s;
  s.from = get_did(in);
  s.to = get_did(in);
  s.lane = kith::lane(get_below(in, 1));
  s.incarnation = in.u64();
  return s;
}

// One that has no rest and no failure behind it.
template <class Record> result<Record> done(const byte_reader& in, Record r, const char* what) {
  if (!in.ok() || !in.at_end()) return fail(errc::corrupt, "bad_record", what);
  return r;
}

} // namespace

bytes encode(const stream_out& r) {
  auto out = begin(text_size(r.stream));
  put_stream(out, r.stream);
  put_varint(out, r.head.next);
  append(out, r.head.last);
  put_varint(out, r.acked);
  put_varint(out, r.trimmed_to);
  put_varint(out, r.expired);
  out.push_back(r.signed_at ? 1 : 0);
  if (r.signed_at) {
    put_varint(out, r.signed_at->seq);
    append(out, r.signed_at->last);
    append(out, r.signed_at->signature);
  }
  return out;
}

template <> result<stream_out> decode<stream_out>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  stream_out r;
  r.stream = get_stream(in);
  r.head.next = in.varint();
  get_array(in, r.head.last);
  r.acked = in.varint();
  r.trimmed_to = in.varint();
  r.expired = in.varint();
  if (get_below(in, 1) == 1) {
    auto& head = r.signed_at.emplace();
    head.seq = in.varint();
    get_array(in, head.last);
    get_array(in, head.signature);
  }
  return done(in, std::move(r), "outgoing stream");
}

bytes encode(const stream_in& r) {
  auto reason = clean_text(r.quarantine_reason, text_size_max);
  auto out = begin(text_size(r.stream) + reason.size());
  put_stream(out, r.stream);
  put_varint(out, r.head.next);
  append(out, r.head.last);
  put_varint(out, r.consumed);
  out.push_back(r.quarantined ? 1 : 0);
  put_text(out, reason);
  return out;
}

template <> result<stream_in> decode<stream_in>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  stream_in r;
  r.stream = get_stream(in);
  r.head.next = in.varint();
  get_array(in, r.head.last);
  r.consumed = in.varint();
  r.quarantined = get_below(in, 1) == 1;
  r.quarantine_reason = get_text(in);
  return done(in, std::move(r), "incoming stream");
}

bytes encode(const ledger_entry& r) {
  auto reason = clean_text(r.reason, text_size_max);
  auto out = begin(reason.size() + r.node.text().size());
  append(out, r.id.view());
  append(out, r.stream);
  put_varint(out, r.seq);
  out.push_back(std::uint8_t(r.direction));
  out.push_back(std::uint8_t(r.disposition));
  put_u64(out, std::uint64_t(r.when));
  put_text(out, reason);
  put_text(out, r.node.text());
  append(out, r.owner);
  return out;
}

template <> result<ledger_entry> decode<ledger_entry>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  ledger_entry r;
  get_array(in, r.id.octets);
  get_array(in, r.stream);
  r.seq = in.varint();
  r.direction = direction(get_below(in, std::uint8_t(direction::in)));
  r.disposition = kith::disposition(get_below(in, std::uint8_t(disposition::dead)));
  r.when = wall_ms(in.u64());
  r.reason = get_text(in);
  r.node = get_did(in, true);
  get_array(in, r.owner);
  return done(in, std::move(r), "ledger entry");
}

bytes encode(const attempt_mark& r) {
  bytes out{version};
  put_u32(out, r.count);
  put_u64(out, r.from);
  put_u64(out, r.to);
  return out;
}

template <> result<attempt_mark> decode<attempt_mark>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  attempt_mark r{in.u32(), in.u64(), in.u64()};
  return done(in, r, "attempt mark");
}

bytes encode(const lost_range& r) {
  auto out = begin(text_size(r.stream));
  put_stream(out, r.stream);
  put_varint(out, r.from);
  put_varint(out, r.to);
  put_u64(out, std::uint64_t(r.when));
  return out;
}

template <> result<lost_range> decode<lost_range>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  lost_range r;
  r.stream = get_stream(in);
  r.from = in.varint();
  r.to = in.varint();
  r.when = wall_ms(in.u64());
  if (in.ok() && (r.from == 0 || r.to < r.from)) in.fail();
  return done(in, std::move(r), "lost range");
}

bytes encode(const pending_state& r) {
  bytes out{version};
  put_u64(out, r.next);
  put_u64(out, r.acked);
  put_u64(out, r.bytes);
  return out;
}

template <> result<pending_state> decode<pending_state>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  pending_state r{in.u64(), in.u64(), in.u64()};
  if (in.ok() && r.acked >= r.next) in.fail();
  return done(in, r, "pending state");
}

} // namespace kith::records
