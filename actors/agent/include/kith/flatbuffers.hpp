// FlatBuffers tables as what handlers take and agents send:
//
//   on("order", [](const kith::flat<shop::Order>& o) { return o->quantity() * 3; });
//   tell(to, "order", kith::flat<shop::Order>(builder));
//
// Not in <kith/kith.hpp>: whoever includes it needs libflatbuffers-dev. Format and verifier:
// https://flatbuffers.dev/
#pragma once

#include <flatbuffers/flatbuffers.h>
#include <kith/payload.hpp>

namespace kith {

inline constexpr std::string_view flatbuffers_type = "application/x-flatbuffers";

// A buffer whose root is a T, and that was verified: every field may be read. Empty by default;
// then nothing may. Owns its bytes. Not size-prefixed; a file identifier is neither needed nor
// looked at.
template <class T> class flat {
public:
  // What travels is verified before any field is read; past these it is refused.
  static constexpr std::size_t depth_max = 64;
  static constexpr std::size_t tables_max = 1'000'000;

  flat() = default;
  // Of a builder that is finished, with a T as its root.
  explicit flat(const flatbuffers::FlatBufferBuilder& finished)
      : bytes_(finished.GetBufferPointer(), finished.GetBufferPointer() + finished.GetSize()) {}
  // Nothing if the bytes are no such table.
  static std::optional<flat> verified(byte_view raw) {
    flat made;
    made.bytes_ = to_bytes(raw); // where the allocator puts it, it is aligned
    flatbuffers::Verifier verifier(made.bytes_.data(), made.bytes_.size(), depth_max, tables_max);
    if (!verifier.VerifyBuffer<T>(nullptr)) return std::nullopt;
    return made;
  }

  bool empty() const { return bytes_.empty(); }
  const T& operator*() const { return *flatbuffers::GetRoot<T>(bytes_.data()); }
  const T* operator->() const { return &**this; }
  byte_view raw() const { return bytes_; }

private:
  bytes bytes_;
};

template <class T> struct payload_codec<flat<T>> {
  static constexpr bool own = true;
  static constexpr std::string_view content_type = flatbuffers_type;
  static std::string write(const flat<T>& value) { return std::string(as_text(value.raw())); }
  static bool read(byte_view payload, flat<T>& value, decode_error& why) {
    auto made = flat<T>::verified(payload);
    if (!made) return why.fail("a FlatBuffers table of the type that the handler takes");
    value = std::move(*made);
    return true;
  }
};

} // namespace kith
