// What the records in fixed binary are made of (records_hot.cpp, handler_records.cpp): a version
// byte, texts and blobs behind their size as a varint. For this folder only.
#pragma once

#include "runtime/stream/records.hpp"

#include <cstring>

namespace kith::records {

inline void put_blob(bytes& out, byte_view b) {
  put_varint(out, b.size());
  append(out, b);
}
inline void put_text(bytes& out, std::string_view s) { put_blob(out, as_bytes(s)); }

// Behind the version byte. corrupt "bad_record", unsupported "record_version".
inline result<byte_reader> open(byte_view value) {
  byte_reader in(value);
  const auto v = in.u8();
  if (!in.ok() || v == 0) return fail(errc::corrupt, "bad_record", "no version");
  if (v > version)
    return fail(errc::unsupported, "record_version",
                "written by a newer Kith, version " + std::to_string(v));
  return in;
}
inline std::string get_text(byte_reader& in, std::size_t size_max = text_size_max) {
  return std::string(as_text(in.prefixed(size_max)));
}
template <std::size_t N> void get_array(byte_reader& in, byte_array<N>& out) {
  auto b = in.take(N);
  if (in.ok()) std::memcpy(out.data(), b.data(), N);
}

} // namespace kith::records
