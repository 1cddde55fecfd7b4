// The serializer of structured fields (RFC 9651 section 4.1).
#include "protocols/httpsig/structured_fields.hpp"

#include "runtime/base/base64.hpp"

#include <algorithm>

namespace kith::httpsig::sf {
namespace {

tl::unexpected<error> bad(std::string_view what) {
  return fail(errc::invalid, "bad_structured_value", std::string(what));
}

result<> write_key(std::string& out, std::string_view key) {
  if (key.empty() || !is_key_start(key[0]) || !std::all_of(key.begin(), key.end(), is_key_char))
    return bad("a key is made of a to z, 0 to 9, _ - . and *, and begins with a letter or *");
  out += key;
  return {};
}

struct bare_item_writer {
  std::string& out;

  result<> operator()(bool v) {
    out += v ? "?1" : "?0";
    return {};
  }
  result<> operator()(std::int64_t v) {
    if (v > integer_max || v < -integer_max) return bad("an integer has at most 15 digits");
    out += std::to_string(v);
    return {};
  }
  result<> operator()(const decimal& v) {
    constexpr std::int64_t thousand = 1000;
    if (v.thousandths > integer_max || v.thousandths < -integer_max)
      return bad("a decimal has at most 12 digits before its point");
    const auto size = v.thousandths < 0 ? -v.thousandths : v.thousandths;
    auto fraction = std::to_string(thousand + size % thousand).substr(1);
    while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
    if (v.thousandths < 0) out += '-';
    out += std::to_string(size / thousand) + "." + fraction;
    return {};
  }
  result<> operator()(const std::string& v) {
    if (!std::all_of(v.begin(), v.end(), is_printable)) return bad("a string is printable ASCII");
    out += '"';
    for (char c : v) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    return {};
  }
  result<> operator()(const token& v) {
    if (v.text.empty() || !is_token_start(v.text[0]) ||
        !std::all_of(v.text.begin(), v.text.end(), is_token_char))
      return bad("a token begins with a letter or * and has no spaces or separators");
    out += v.text;
    return {};
  }
  result<> operator()(const bytes& v) {
    out += ":" + to_base64(v) + ":";
    return {};
  }
};

result<> write(std::string& out, const bare_item& v) {
  return std::visit(bare_item_writer{out}, v);
}

result<> write(std::string& out, const parameters& params) {
  for (const auto& p : params) {
    out += ';';
    KITH_TRY(write_key(out, p.key));
    if (const auto* flag = std::get_if<bool>(&p.value); flag && *flag) continue;
    out += '=';
    KITH_TRY(write(out, p.value));
  }
  return {};
}

result<> write(std::string& out, const item& v) {
  KITH_TRY(write(out, v.value));
  return write(out, v.params);
}

result<> write(std::string& out, const inner_list& v) {
  out += '(';
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    if (i != 0) out += ' ';
    KITH_TRY(write(out, v.items[i]));
  }
  out += ')';
  return write(out, v.params);
}

result<> write(std::string& out, const member& v) {
  return std::visit([&](const auto& held) { return write(out, held); }, v);
}

result<> write(std::string& out, const list& v) {
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i != 0) out += ", ";
    KITH_TRY(write(out, v[i]));
  }
  return {};
}

result<> write(std::string& out, const dictionary& v) {
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i != 0) out += ", ";
    KITH_TRY(write_key(out, v[i].key));
    const auto* single = std::get_if<item>(&v[i].value);
    const auto* flag = single ? std::get_if<bool>(&single->value) : nullptr;
    if (flag && *flag) {
      KITH_TRY(write(out, single->params));
    } else {
      out += '=';
      KITH_TRY(write(out, v[i].value));
    }
  }
  return {};
}

template <class T> result<std::string> written(const T& v) {
  std::string out;
  KITH_TRY(write(out, v));
  return out;
}

} // namespace

result<std::string> serialize(const bare_item& value) { return written(value); }
result<std::string> serialize(const parameters& params) { return written(params); }
result<std::string> serialize(const item& single) { return written(single); }
result<std::string> serialize(const inner_list& inner) { return written(inner); }
result<std::string> serialize(const member& either) { return written(either); }
result<std::string> serialize(const list& members) { return written(members); }
result<std::string> serialize(const dictionary& members) { return written(members); }

} // namespace kith::httpsig::sf
