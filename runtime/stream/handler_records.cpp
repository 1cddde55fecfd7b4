#include "runtime/stream/handler_records.hpp"

#include "runtime/stream/record_bytes.hpp"
#include "runtime/stream/text.hpp"

namespace kith::records {

namespace {

void put_ref(bytes& out, const step_ref& r) {
  put_text(out, r.branch);
  put_varint(out, r.ordinal);
}

std::uint32_t get_small(byte_reader& in) {
  auto v = in.varint();
  if (v > 0xffff'ffff) in.fail();
  return std::uint32_t(v);
}
bool get_bool(byte_reader& in) {
  auto v = in.u8();
  if (v > 1) in.fail();
  return v == 1;
}
std::uint8_t get_between(byte_reader& in, std::uint8_t first, std::uint8_t last) {
  auto v = in.u8();
  if (v < first || v > last) in.fail();
  return in.ok() ? v : first;
}
step_ref get_ref(byte_reader& in) {
  step_ref r;
  r.branch = get_text(in, segment::branch_size_max);
  r.ordinal = get_small(in);
  return r;
}
// `each` reads one entry. Nothing is reserved on a count's word: an entry has at least a byte.
template <class Each> void get_list(byte_reader& in, Each&& each) {
  auto count = in.varint();
  if (count > segment::entries_max || count > in.left()) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) each();
}

step_result get_result(byte_reader& in) {
  step_result r;
  r.at = get_ref(in);
  r.status = step_status(get_between(in, 1, std::uint8_t(step_status::deadline)));
  r.reason = get_text(in);
  r.content_type = get_text(in);
  r.payload = to_bytes(in.prefixed(segment::payload_size_max));
  return r;
}
void put_result(bytes& out, const step_result& r) {
  put_ref(out, r.at);
  out.push_back(std::uint8_t(r.status));
  put_text(out, clean_text(r.reason, text_size_max));
  put_text(out, clean_text(r.content_type, text_size_max));
  put_blob(out, r.payload);
}

} // namespace

std::string_view to_string(step_type t) {
  switch (t) {
  case step_type::ask: return "ask";
  case step_type::sleep: return "sleep";
  case step_type::until: return "until";
  case step_type::once: return "once";
  }
  return "step";
}

bytes encode(const segment& s) {
  bytes out{version};
  put_u64(out, std::uint64_t(s.now));
  put_u64(out, s.seed);
  out.push_back(s.resumed ? 1 : 0);
  if (s.resumed) put_result(out, *s.resumed);
  put_varint(out, s.reads.size());
  for (const auto& r : s.reads) put_text(out, r.name), put_blob(out, r.value);
  put_varint(out, s.refused.size());
  for (auto n : s.refused) put_varint(out, n);
  put_varint(out, s.hosted.size());
  for (const auto& h : s.hosted) put_text(out, std::string_view(h).substr(0, text_size_max));
  put_varint(out, s.versions.size());
  for (const auto& v : s.versions) put_text(out, v.name), put_varint(out, v.number);
  put_varint(out, s.begun.size());
  for (const auto& b : s.begun) {
    put_ref(out, b.at);
    out.push_back(std::uint8_t(b.type));
    out.push_back(b.tell_doubt ? 1 : 0);
    put_text(out, b.name);
    append(out, b.request.view());
    put_u64(out, std::uint64_t(b.due));
  }
  put_varint(out, s.dropped.size());
  for (const auto& d : s.dropped) put_ref(out, d);
  return out;
}

template <> result<segment> decode<segment>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  segment s;
  s.now = wall_ms(in.u64());
  s.seed = in.u64();
  if (get_bool(in)) s.resumed = get_result(in);
  get_list(in, [&] {
    auto& r = s.reads.emplace_back();
    r.name = get_text(in);
    r.value = to_bytes(in.prefixed(segment::payload_size_max));
  });
  get_list(in, [&] { s.refused.push_back(get_small(in)); });
  get_list(in, [&] { s.hosted.push_back(get_text(in)); });
  get_list(in, [&] {
    auto& v = s.versions.emplace_back();
    v.name = get_text(in);
    v.number = get_small(in);
  });
  get_list(in, [&] {
    auto& b = s.begun.emplace_back();
    b.at = get_ref(in);
    b.type = step_type(get_between(in, 1, std::uint8_t(step_type::once)));
    b.tell_doubt = get_bool(in);
    b.name = get_text(in);
    get_array(in, b.request.octets);
    b.due = wall_ms(in.u64());
  });
  get_list(in, [&] { s.dropped.push_back(get_ref(in)); });
  if (!in.ok() || !in.at_end()) return fail(errc::corrupt, "bad_record", "segment");
  return s;
}

bytes encode(const handler_start& h) {
  bytes out{version};
  append(out, h.origin);
  put_text(out, h.from.text());
  append(out, h.stream);
  put_varint(out, h.seq);
  put_u64(out, std::uint64_t(h.started));
  put_u64(out, std::uint64_t(h.expires));
  out.push_back(h.dead ? 1 : 0);
  put_text(out, clean_text(h.reason, text_size_max));
  put_varint(out, h.attempts);
  put_u64(out, std::uint64_t(h.when));
  put_blob(out, h.envelope.view());
  out.push_back(h.stuck ? 1 : 0);
  if (h.stuck) put_result(out, *h.stuck);
  put_text(out, h.replay_from.text());
  put_blob(out, h.replay.view());
  out.push_back(h.fired ? 1 : 0);
  if (h.fired) {
    put_text(out, h.fired->timer);
    put_varint(out, h.fired->n);
    put_varint(out, h.fired->missed);
    put_u64(out, std::uint64_t(h.fired->due));
  }
  return out;
}

template <> result<handler_start> decode<handler_start>(byte_view value) {
  KITH_ASSIGN(auto in, open(value));
  handler_start h;
  get_array(in, h.origin);
  auto from = did::parse(as_text(in.prefixed(did::size_max)));
  get_array(in, h.stream);
  h.seq = in.varint();
  h.started = wall_ms(in.u64());
  h.expires = wall_ms(in.u64());
  h.dead = get_bool(in);
  h.reason = get_text(in);
  h.attempts = get_small(in);
  h.when = wall_ms(in.u64());
  auto raw = in.prefixed(segment::payload_size_max);
  if (get_bool(in)) h.stuck = get_result(in);
  auto replay_from = in.prefixed(did::size_max);
  auto replay = in.prefixed(segment::payload_size_max);
  if (get_bool(in)) {
    auto& f = h.fired.emplace();
    f.timer = get_text(in);
    f.n = in.varint();
    f.missed = in.varint();
    f.due = wall_ms(in.u64());
  }
  if (!in.ok() || !in.at_end() || !from) return fail(errc::corrupt, "bad_record", "handler");
  h.from = std::move(*from);
  h.envelope = slice::copy_of(raw);
  if (!envelope::parse(h.envelope))
    return fail(errc::corrupt, "bad_record", "handler without its envelope");
  if (replay.empty()) return h;
  auto whom = did::parse(as_text(replay_from));
  h.replay = slice::copy_of(replay);
  if (!whom || !envelope::parse(h.replay))
    return fail(errc::corrupt, "bad_record", "handler without its replay");
  h.replay_from = std::move(*whom);
  return h;
}

} // namespace kith::records
