// The control frames: a header, and a FlatBuffer of fbs/wire.fbs. Batches and fragments are in
// batch.cpp.
#include "protocols/kith/encode.hpp"

#include "fbs/wire.hpp"
#include "protocols/kith/layout.hpp"
#include "runtime/stream/text.hpp"

#include <algorithm>

namespace kith::wire {

namespace {

namespace fb = flatbuffers;
namespace w = kith::fbs::wire;
using builder = fb::FlatBufferBuilder;

template <class Table> bytes finish(frame_type type, builder& b, fb::Offset<Table> root) {
  b.Finish(root);
  bytes out(header_size + b.GetSize());
  put_header(out.data(), type, b.GetSize());
  std::memcpy(out.data() + header_size, b.GetBufferPointer(), b.GetSize());
  return out;
}

fb::Offset<fb::String> put(builder& b, std::string_view s, std::size_t size_max) {
  return s.empty() ? 0 : b.CreateString(clean_text(s, size_max));
}
fb::Offset<fb::String> put(builder& b, const did& d) { return b.CreateString(d.text()); }
const w::Digest* put(const byte_array<32>& d) {
  return reinterpret_cast<const w::Digest*>(d.data());
}
w::Head put(const stream_head& h) { return {h.next, *put(h.last)}; }
fb::Offset<w::Stream> put(builder& b, const stream_id& s) {
  auto from = put(b, s.from), to = put(b, s.to);
  return w::CreateStream(b, from, to, std::uint8_t(s.lane), s.incarnation);
}

// Addresses are for machines: one that is too long is left out, not cut.
fb::Offset<fb::Vector<fb::Offset<fb::String>>> put(builder& b,
                                                   const std::vector<std::string>& addresses) {
  std::vector<fb::Offset<fb::String>> list;
  for (const auto& a : addresses)
    if (a.size() <= address_size_max && is_text(a) && list.size() < addresses_max)
      list.push_back(b.CreateString(a));
  return b.CreateVector(list);
}

} // namespace

bytes encode(const hello& f) {
  builder b(1024);
  auto node = put(b, f.node);
  auto name = put(b, f.name, name_size_max);
  auto addresses = put(b, f.addresses);
  return finish(frame_type::hello, b,
                w::CreateHello(b, f.version_min, f.version_max, node, f.boot_epoch, put(f.proof),
                               name, addresses, f.synced, f.seen_of_you));
}

bytes encode(const welcome& f) {
  builder b(64);
  return finish(frame_type::welcome, b, w::CreateWelcome(b, f.version));
}

bytes encode(const refused& f) {
  builder b(256);
  auto text = put(b, f.text, text_size_max);
  return finish(frame_type::refused, b, w::CreateRefused(b, std::uint16_t(f.code), text));
}

bytes encode(const goodbye& f) {
  builder b(256);
  auto text = put(b, f.text, text_size_max);
  return finish(frame_type::goodbye, b, w::CreateGoodbye(b, std::uint16_t(f.code), text));
}

bytes encode(const ping& f) {
  builder b(64);
  return finish(frame_type::ping, b, w::CreatePing(b, f.nonce));
}

bytes encode(const pong& f) {
  builder b(64);
  return finish(frame_type::pong, b, w::CreatePong(b, f.nonce));
}

bytes encode(const delegations& f) {
  builder b(1024);
  std::vector<fb::Offset<w::Delegation>> list;
  for (const auto& d : f.encoded) list.push_back(w::CreateDelegation(b, b.CreateVector(d)));
  return finish(frame_type::delegations, b, w::CreateDelegations(b, b.CreateVector(list)));
}

bytes encode(const streams& f) {
  builder b(1024);
  std::vector<fb::Offset<w::StreamsEntry>> list;
  for (const auto& e : f.list) {
    auto head = put(e.head);
    list.push_back(w::CreateStreamsEntry(b, put(b, e.stream), &head));
  }
  return finish(frame_type::streams, b, w::CreateStreams(b, b.CreateVector(list)));
}

bytes encode(const positions& f) {
  builder b(1024);
  std::vector<fb::Offset<w::PositionsEntry>> list;
  for (const auto& e : f.list) {
    auto head = put(e.head);
    list.push_back(
        w::CreatePositionsEntry(b, put(b, e.stream), &head, e.credit_seq, e.credit_bytes));
  }
  return finish(frame_type::positions, b, w::CreatePositions(b, b.CreateVector(list)));
}

bytes encode(const stream_open& f) {
  builder b(512);
  auto stream = put(b, f.stream);
  auto head = put(f.head);
  auto kept = put(f.kept.value_or(stream_head{}));
  return finish(frame_type::stream_open, b,
                w::CreateStreamOpen(b, f.number, stream, &head, f.kept ? &kept : nullptr));
}

bytes encode(const ack& f) {
  builder b(64 + f.list.size() * sizeof(w::AckEntry));
  w::AckEntry* to = nullptr;
  auto list = b.CreateUninitializedVectorOfStructs(f.list.size(), &to);
  for (const auto& e : f.list)
    *to++ = w::AckEntry(e.acked, e.credit_seq, e.credit_bytes, e.number, 0);
  return finish(frame_type::ack, b, w::CreateAck(b, list, f.synced));
}

bytes encode(const backfill_request& f) {
  builder b(64);
  return finish(frame_type::backfill_request, b,
                w::CreateBackfillRequest(b, f.number, f.from, f.to));
}

bytes encode(const not_here& f) {
  builder b(64);
  return finish(frame_type::not_here, b, w::CreateNotHere(b, f.number, std::uint8_t(f.reason)));
}

bytes encode(const fork& f) {
  builder b(256);
  return finish(frame_type::fork, b, w::CreateFork(b, f.number, f.seq, put(f.have), put(f.got)));
}

bytes encode(const directory& f) {
  builder b(1024);
  std::vector<fb::Offset<w::DirectoryEntry>> list;
  for (const auto& e : f.list) {
    std::vector<fb::Offset<w::Capability>> advertised;
    for (const auto& c : e.advertised) {
      if (advertised.size() == advertised_max) break;
      auto kind = b.CreateString(clean_text(c.kind, name_size_max));
      auto about = put(b, c.about, text_size_max);
      advertised.push_back(w::CreateCapability(b, kind, about));
    }
    auto capabilities = advertised.empty() ? 0 : b.CreateVector(advertised);
    auto agent = put(b, e.agent), type = put(b, e.type, name_size_max),
         name = put(b, e.name, name_size_max);
    list.push_back(w::CreateDirectoryEntry(b, agent, type, name, e.epoch, e.removed, capabilities));
  }
  auto node = put(b, f.node);
  auto entries = b.CreateVector(list);
  return finish(frame_type::directory, b, w::CreateDirectory(b, node, f.full, f.more, entries));
}

bytes encode(const members& f) {
  builder b(1024);
  std::vector<fb::Offset<w::Member>> list;
  for (const auto& e : f.list) {
    auto node = put(b, e.node), name = put(b, e.name, name_size_max);
    auto addresses = put(b, e.addresses);
    list.push_back(
        w::CreateMember(b, node, name, addresses, e.boot_epoch, std::uint8_t(e.state), e.counter));
  }
  return finish(frame_type::members, b, w::CreateMembers(b, b.CreateVector(list)));
}

bytes encode(const frame& f) {
  return std::visit([](const auto& x) { return encode(x); }, f);
}

namespace {

// Halves the list until every part fits; `list` names the member.
template <class Frame, class List>
void split(const Frame& f, List Frame::*list, std::vector<bytes>& out) {
  const auto& all = f.*list;
  if (all.size() <= list_count_max) {
    auto whole = encode(f);
    if (whole.size() <= frame_size_max || all.size() <= 1) {
      out.push_back(std::move(whole));
      return;
    }
  }
  auto middle = all.begin() + std::ptrdiff_t(all.size() / 2);
  Frame first = f, second = f;
  first.*list = List(all.begin(), middle);
  second.*list = List(middle, all.end());
  if constexpr (std::is_same_v<Frame, directory>) {
    first.more = true;
    second.full = false;
  }
  split(first, list, out);
  split(second, list, out);
}

template <class Frame, class List> std::vector<bytes> split(const Frame& f, List Frame::*list) {
  std::vector<bytes> out;
  split(f, list, out);
  return out;
}

} // namespace

std::vector<bytes> encode_split(const delegations& f) { return split(f, &delegations::encoded); }
std::vector<bytes> encode_split(const streams& f) { return split(f, &streams::list); }
std::vector<bytes> encode_split(const positions& f) { return split(f, &positions::list); }
std::vector<bytes> encode_split(const ack& f) { return split(f, &ack::list); }
std::vector<bytes> encode_split(const directory& f) { return split(f, &directory::list); }
std::vector<bytes> encode_split(const members& f) { return split(f, &members::list); }

} // namespace kith::wire
