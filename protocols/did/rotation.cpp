// The bytes of a record, and the rules that make records a chain.
#include "protocols/did/rotation.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

constexpr std::string_view domain = "kith.rotation";
constexpr std::uint8_t record_version = 1, history_version = 1;

void put_text(bytes& out, std::string_view text) {
  put_varint(out, text.size());
  append(out, as_bytes(text));
}

// All but the signature.
void put_fields(bytes& out, const rotation& r) {
  out.push_back(record_version);
  put_text(out, r.subject.text());
  put_u32(out, r.index);
  put_text(out, r.key ? r.key->multibase() : "");
  put_u64(out, std::uint64_t(r.valid_from));
  out.push_back(r.revokes);
  append(out, r.previous);
}

// What a record must be to follow `before` (nullptr: to begin), but for its signature.
result<void> check_place(const rotation& r, const std::vector<rotation>& before) {
  auto broken = [](const char* why) { return fail(errc::conflict, "rotation_chain", why); };
  if (!r.key || r.key->type() != key_type::ed25519) return broken("a key is not Ed25519");
  if (r.subject.empty() || r.valid_from < 0) return broken("a record has no subject or time");
  if (r.index != before.size()) return broken("a record is missing or out of order");
  if (before.empty()) {
    if (r.previous != record_hash{} || r.revokes) return broken("the first record follows another");
    return {};
  }
  const auto& last = before.back();
  if (r.subject != last.subject) return broken("a record is about another DID");
  if (r.previous != last.hash()) return broken("a record does not follow the one before");
  if (r.valid_from <= last.valid_from) return broken("a key is valid no later than the one before");
  bool again = std::any_of(before.begin(), before.end(),
                           [&](const rotation& old) { return old.key == r.key; });
  return again ? result<void>(broken("a key comes back")) : result<void>();
}

result<void> check_signature(const rotation& r, const public_key& signer) {
  if (verify_signature(*signer.ed25519(), r.to_sign(), r.signature)) return {};
  return fail(errc::unauthenticated, "bad_rotation_signature",
              "record " + std::to_string(r.index) + " of " + r.subject.text() +
                  " is not signed by the key before it");
}

result<void> check_next(const rotation& r, const std::vector<rotation>& before) {
  if (before.size() >= key_history::records_max)
    return fail(errc::too_large, "rotation_count", "a key history is too long");
  KITH_TRY(check_place(r, before));
  return check_signature(r, before.empty() ? *r.key : *before.back().key);
}

} // namespace

bytes rotation::to_sign() const {
  auto out = to_bytes(as_bytes(domain));
  put_fields(out, *this);
  return out;
}

bytes rotation::encode() const {
  bytes out;
  put_fields(out, *this);
  append(out, signature);
  return out;
}

record_hash rotation::hash() const { return crypto::blake2b_256(encode()); }

result<rotation> rotation::decode(byte_view b) {
  auto malformed = [](const char* why) { return fail(errc::malformed, "bad_rotation", why); };
  if (b.empty() || b.size() > encoded_size_max) return malformed("its size is out of bounds");
  if (b[0] != record_version)
    return fail(errc::unsupported, "rotation_version", "version " + std::to_string(b[0]));
  byte_reader in(b.subspan(1));
  auto subject = in.prefixed(did::size_max);
  rotation out;
  out.index = in.u32();
  auto key = in.prefixed(public_key::multibase_size_max);
  out.valid_from = wall_ms(in.u64());
  auto revokes = in.u8();
  auto previous = in.take(out.previous.size());
  auto signature = in.take(out.signature.size());
  if (!in.ok() || !in.at_end()) return malformed("it is cut short or too long");
  if (revokes > 1 || out.valid_from < 0) return malformed("a field is out of range");
  out.revokes = revokes == 1;
  KITH_ASSIGN(out.subject, did::parse(as_text(subject)));
  KITH_ASSIGN(out.key, public_key::from_multibase(as_text(key)));
  if (out.key->type() != key_type::ed25519 || out.key->multibase() != as_text(key))
    return malformed("its key is not Ed25519 in base58btc");
  std::memcpy(out.previous.data(), previous.data(), previous.size());
  std::memcpy(out.signature.data(), signature.data(), signature.size());
  return out;
}

key_history key_history::begin(const did& subject, const secret_key& first, wall_ms valid_from) {
  rotation r;
  r.subject = subject;
  r.key = public_key::from_raw(key_type::ed25519, first.public_key()).value();
  r.valid_from = valid_from;
  r.signature = first.sign(r.to_sign());
  return key_history({std::move(r)});
}

result<key_history> key_history::verify(std::vector<rotation> records) {
  if (records.empty()) return fail(errc::malformed, "bad_rotation", "a key history is empty");
  std::vector<rotation> good;
  for (auto& r : records) {
    KITH_TRY(check_next(r, good));
    good.push_back(std::move(r));
  }
  return key_history(std::move(good));
}

result<key_history> key_history::decode(byte_view b) {
  auto malformed = [](const char* why) { return fail(errc::malformed, "bad_rotation", why); };
  if (b.empty() || b.size() > encoded_size_max) return malformed("its size is out of bounds");
  if (b[0] != history_version)
    return fail(errc::unsupported, "rotation_version", "version " + std::to_string(b[0]));
  byte_reader in(b.subspan(1));
  auto count = in.varint();
  if (count > records_max) return fail(errc::too_large, "rotation_count", "too many records");
  std::vector<rotation> records;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    auto part = in.prefixed(rotation::encoded_size_max);
    if (!in.ok()) break;
    KITH_ASSIGN(auto r, rotation::decode(part));
    records.push_back(std::move(r));
  }
  if (!in.ok() || !in.at_end()) return malformed("it is cut short or too long");
  return verify(std::move(records));
}

bytes key_history::encode() const {
  bytes out{history_version};
  put_varint(out, records_.size());
  for (const auto& r : records_) {
    auto b = r.encode();
    put_varint(out, b.size());
    append(out, b);
  }
  return out;
}

result<void> key_history::rotate(const secret_key& old, const public_key& next, wall_ms valid_from,
                                 bool revoke_old) {
  if (current().ed25519() != old.public_key())
    return fail(errc::invalid, "rotation_key", "only the current key can name the next one");
  rotation r;
  r.subject = subject();
  r.index = std::uint32_t(records_.size());
  r.key = next;
  r.valid_from = valid_from;
  r.revokes = revoke_old;
  r.previous = records_.back().hash();
  r.signature = old.sign(r.to_sign());
  KITH_TRY(check_next(r, records_));
  records_.push_back(std::move(r));
  return {};
}

result<void> key_history::extend(const key_history& longer) {
  auto common = std::min(records_.size(), longer.records_.size());
  if (!std::equal(records_.begin(), records_.begin() + std::ptrdiff_t(common),
                  longer.records_.begin()))
    return fail(errc::conflict, "rotation_fork", "two key histories of " + subject().text());
  if (longer.records_.size() > records_.size()) records_ = longer.records_;
  return {};
}

std::optional<key_period> key_history::key_at(wall_ms t) const {
  for (auto& period : periods())
    if (t >= period.from && (!period.until || t < *period.until)) return period;
  return std::nullopt;
}

std::vector<key_period> key_history::periods() const {
  std::vector<key_period> out;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    key_period p{*records_[i].key, records_[i].valid_from, std::nullopt, false};
    if (i + 1 < records_.size()) {
      p.until = records_[i + 1].valid_from;
      p.revoked = records_[i + 1].revokes;
    }
    out.push_back(std::move(p));
  }
  return out;
}

bool key_history::verify_at(wall_ms t, byte_view message, const byte_array<64>& signature) const {
  auto period = key_at(t);
  return period && verify_signature(*period->key.ed25519(), message, signature);
}

} // namespace kith::dids
