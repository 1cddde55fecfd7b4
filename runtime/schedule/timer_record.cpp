#include "runtime/schedule/timer_record.hpp"

namespace kith::records {

namespace {

constexpr std::uint8_t timer_version = 1;

void put_blob(bytes& out, byte_view b) {
  put_varint(out, b.size());
  append(out, b);
}
std::string get_text(byte_reader& in, std::size_t size_max) {
  return std::string(as_text(in.prefixed(size_max)));
}
wall_ms get_time(byte_reader& in) {
  const auto v = in.u64();
  if (v > std::uint64_t(schedule::time_max)) in.fail();
  return in.ok() ? wall_ms(v) : 0;
}

schedule_spec get_schedule(byte_reader& in) {
  schedule_spec s;
  const auto type = in.u8();
  if (type < std::uint8_t(schedule_type::once) || type > std::uint8_t(schedule_type::cron))
    in.fail();
  if (!in.ok()) return s;
  s.type = schedule_type(type);
  switch (s.type) {
  case schedule_type::once: s.first = get_time(in); break;
  case schedule_type::every:
    s.first = get_time(in);
    s.period_ms = in.u64();
    if (s.period_ms < schedule::period_ms_min || s.period_ms > schedule::period_ms_max) in.fail();
    break;
  case schedule_type::cron:
    s.cron = get_text(in, cron_expression::size_max);
    s.zone = get_text(in, time_zone::name_size_max);
    break;
  }
  return s;
}

void put_schedule(bytes& out, const schedule_spec& s) {
  out.push_back(std::uint8_t(s.type));
  if (s.type == schedule_type::cron) {
    put_blob(out, as_bytes(s.cron));
    put_blob(out, as_bytes(s.zone));
    return;
  }
  put_u64(out, std::uint64_t(s.first));
  if (s.type == schedule_type::every) put_u64(out, s.period_ms);
}

} // namespace

bytes encode(const timer_record& r) {
  bytes out;
  out.reserve(128 + r.id.size() + r.kind.size() + r.payload.size() + r.when.cron.size());
  out.push_back(timer_version);
  put_blob(out, as_bytes(r.id));
  put_blob(out, as_bytes(r.kind));
  put_blob(out, as_bytes(r.content_type));
  put_blob(out, r.payload);
  put_schedule(out, r.when);
  out.push_back(r.missed);
  append(out, r.set.view());
  put_u64(out, std::uint64_t(r.due));
  put_u64(out, r.fired);
  put_u32(out, r.marks);
  return out;
}

result<timer_record> decode_timer(byte_view value) {
  byte_reader in(value);
  const auto version = in.u8();
  if (in.ok() && version > timer_version)
    return fail(errc::unsupported, "record_version",
                "written by a newer Kith, version " + std::to_string(version));
  if (version != timer_version) in.fail();
  timer_record r;
  r.id = get_text(in, timer_record::id_size_max);
  r.kind = get_text(in, timer_record::kind_size_max);
  r.content_type = get_text(in, timer_record::content_type_size_max);
  r.payload = to_bytes(in.prefixed(timer_record::payload_size_max));
  r.when = get_schedule(in);
  r.missed = in.u8();
  const auto set = in.take(r.set.octets.size());
  if (in.ok()) std::copy(set.begin(), set.end(), r.set.octets.begin());
  r.due = get_time(in);
  r.fired = in.u64();
  r.marks = in.u32();
  if (!in.ok() || !in.at_end() || r.id.empty() || r.kind.empty() ||
      r.missed > timer_record::missed_max)
    return fail(errc::corrupt, "bad_record", "timer");
  return r;
}

} // namespace kith::records
