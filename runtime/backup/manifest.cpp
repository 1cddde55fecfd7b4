// "KBAK", version (2 bytes), the fields in their order (texts behind their size as a varint,
// numbers big-endian), and BLAKE2b-256 of all that precedes.
#include "runtime/backup/manifest.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith::backup {

namespace {

constexpr std::string_view magic = "KBAK";
constexpr std::size_t digest_size = 32;

void put_text(bytes& out, std::string_view s) {
  put_varint(out, s.size());
  append(out, as_bytes(s));
}

void take_digest(byte_reader& in, byte_array<32>& out) {
  const auto b = in.take(out.size());
  if (in.ok()) std::copy(b.begin(), b.end(), out.begin());
}

bool is_word(std::string_view word) {
  return !word.empty() && word.front() != '.' && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

} // namespace

bool is_file_name(std::string_view name) {
  if (name.size() > manifest::text_size_max) return false;
  const auto slash = name.find('/');
  if (slash == name.npos) return is_word(name);
  return is_word(name.substr(0, slash)) && is_word(name.substr(slash + 1));
}

bytes encode(const manifest& m) {
  bytes out = to_bytes(as_bytes(magic));
  put_u16(out, manifest::version);
  put_u32(out, m.id);
  put_text(out, m.node.text());
  put_text(out, m.node_name);
  put_text(out, m.kith);
  put_u64(out, std::uint64_t(m.when));
  put_u64(out, m.position);
  put_u64(out, m.bytes);
  put_u64(out, m.bytes_new);
  append(out, m.store_digest);
  put_varint(out, m.files.size());
  for (const auto& f : m.files) {
    put_text(out, f.name);
    put_u64(out, f.size);
    append(out, f.digest);
  }
  append(out, crypto::blake2b_256(out));
  return out;
}

result<manifest> decode_manifest(byte_view all) {
  auto bad = [](const char* what) { return fail(errc::corrupt, "bad_manifest", what); };
  if (all.size() > manifest::size_max) return bad("it is too long");
  byte_reader in(all);
  if (as_text(in.take(magic.size())) != magic) return bad("it does not begin as one");
  const auto version = in.u16();
  if (in.ok() && version > manifest::version)
    return fail(errc::unsupported, "manifest_version",
                "written by a newer Kith, version " + std::to_string(version));
  if (!in.ok() || version == 0 || all.size() < digest_size) return bad("it is too short");
  const auto body = all.first(all.size() - digest_size);
  if (!equal(crypto::blake2b_256(body), all.last(digest_size)))
    return bad("its checksum is not the one that it was written with");
  in = byte_reader(body.subspan(magic.size() + 2));
  manifest m;
  auto text = [&] { return std::string(as_text(in.prefixed(manifest::text_size_max))); };
  m.id = in.u32();
  auto node = did::parse(text());
  m.node_name = text();
  m.kith = text();
  m.when = wall_ms(in.u64());
  m.position = in.u64();
  m.bytes = in.u64();
  m.bytes_new = in.u64();
  take_digest(in, m.store_digest);
  const auto count = in.varint();
  if (!in.ok() || count > manifest::files_max) return bad("it lists too many files");
  for (std::uint64_t i = 0; i < count; ++i) {
    file_entry f;
    f.name = text();
    f.size = in.u64();
    take_digest(in, f.digest);
    if (!is_file_name(f.name)) return bad("a file in it has a name that it may not have");
    m.files.push_back(std::move(f));
  }
  if (!in.ok() || !in.at_end()) return bad("it does not end where it should");
  if (!node || m.id == 0) return bad("it is of no node");
  m.node = std::move(*node);
  return m;
}

} // namespace kith::backup
