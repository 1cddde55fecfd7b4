// What travels in a message, and how values become it: text as text/plain, bytes as they are,
// everything else as JSON.
#pragma once

#include <kith/describe.hpp>

namespace kith {

inline constexpr std::string_view text_type = "text/plain";
inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view bytes_type = "application/octet-stream";

// For types that travel in a form of their own (<kith/flatbuffers.hpp>): a specialisation has
// `own` true, `content_type`, `write(value) -> std::string` and `read(payload, value, why) ->
// bool`.
template <class T> struct payload_codec { static constexpr bool own = false; };

// A value in the form in which it travels. `content_type` is one of the three above, or a
// payload_codec's.
struct encoded {
  std::string_view content_type = text_type;
  std::string payload;
};

// Text as it is, bytes as they are, everything else as JSON. Throws json_error where json::dump
// does.
template <class T> encoded encode(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return {text_type, std::string(std::string_view(value))};
  } else if constexpr (std::is_same_v<T, bytes>) {
    return {bytes_type, std::string(as_text(value))};
  } else if constexpr (payload_codec<T>::own) {
    return {payload_codec<T>::content_type, payload_codec<T>::write(value)};
  } else {
    static_assert(json_readable<T>,
                  "Kith cannot turn this type into JSON: describe it with KITH_DESCRIBE");
    encoded out{json_type, {}};
    json_writer writer(out.payload);
    json_codec<T>::write(writer, value);
    return out;
  }
}

// What travelled.
class payload_view {
public:
  payload_view(std::string_view content_type, byte_view payload)
      : content_type_(content_type), payload_(payload) {}

  std::string_view content_type() const { return content_type_; }
  byte_view payload() const { return payload_; }
  // The payload's bytes as text, whatever they are.
  std::string_view text() const { return as_text(payload_); }
  // The inverse of encode. Text is also read from a JSON string, bytes from anything. False, and
  // why says so.
  template <class T> bool read(T& v, decode_error& why) const {
    if constexpr (std::is_same_v<T, std::string>) {
      return read_text(v, why);
    } else if constexpr (std::is_same_v<T, bytes>) {
      return v = to_bytes(payload_), true;
    } else if constexpr (payload_codec<T>::own) {
      if (content_type_ != payload_codec<T>::content_type)
        return why.fail("a payload of type " + std::string(payload_codec<T>::content_type));
      return payload_codec<T>::read(payload_, v, why);
    } else {
      static_assert(json_readable<T>,
                    "Kith cannot read this type from JSON: describe it with KITH_DESCRIBE");
      json parsed;
      return read_json(parsed, why) && json_codec<T>::read(parsed, v, why);
    }
  }
  template <class T> std::optional<T> as() const {
    decode_error why;
    std::optional<T> v(std::in_place);
    if (!read(*v, why)) v.reset();
    return v;
  }

private:
  bool read_text(std::string& v, decode_error& why) const;
  bool read_json(json& v, decode_error& why) const;

  std::string_view content_type_;
  byte_view payload_;
};

} // namespace kith
