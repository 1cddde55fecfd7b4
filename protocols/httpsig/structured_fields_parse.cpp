// The parser of structured fields (RFC 9651 section 4.2): one pass, no recursion, every count
// bounded before anything is kept.
#include "protocols/httpsig/structured_fields.hpp"

#include "runtime/base/base64.hpp"

#include <algorithm>

namespace kith::httpsig::sf {
namespace {

class parser {
public:
  parser(std::string_view text, const limits& limits) : text_(text), limits_(limits) {}

  result<dictionary> read_dictionary();
  result<list> read_list();
  result<item> read_item();
  void skip_spaces() {
    while (next_is(' ')) ++at_;
  }
  // Of the whole value.
  result<> begin();
  result<> end();

private:
  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  template <class Predicate> bool next_fits(Predicate p) const {
    return !at_end() && p(text_[at_]);
  }
  void skip_whitespace() {
    while (next_is(' ') || next_is('\t')) ++at_;
  }
  tl::unexpected<error> bad(std::string_view what) const {
    return fail(errc::malformed, "bad_structured_field",
                "at byte " + std::to_string(at_) + ": " + std::string(what));
  }
  tl::unexpected<error> too_many(std::string_view what, std::size_t max) const {
    return fail(errc::too_large, "structured_field_too_large",
                "more than " + std::to_string(max) + " " + std::string(what));
  }

  result<std::string> read_key();
  result<bare_item> read_bare_item();
  result<bare_item> read_number();
  result<bare_item> read_string();
  result<bare_item> read_token();
  result<bare_item> read_bytes();
  result<bare_item> read_boolean();
  result<parameters> read_parameters();
  result<member> read_member();
  result<inner_list> read_inner_list();
  // To the next member of a list or dictionary; false at the end.
  result<bool> read_comma();

  std::string_view text_;
  const limits& limits_;
  std::size_t at_ = 0;
};

result<> parser::begin() {
  if (text_.size() > limits_.size_max) return too_many("bytes in a field", limits_.size_max);
  skip_spaces();
  return {};
}

result<> parser::end() {
  skip_spaces();
  if (!at_end()) return bad("something stands behind the value");
  return {};
}

result<std::string> parser::read_key() {
  if (!next_fits(is_key_start)) return bad("a key begins with a to z or *");
  const auto begin = at_;
  while (next_fits(is_key_char)) ++at_;
  if (at_ - begin > limits_.key_size_max) return too_many("bytes in a key", limits_.key_size_max);
  return std::string(text_.substr(begin, at_ - begin));
}

result<bare_item> parser::read_number() {
  const bool negative = next_is('-');
  if (negative) ++at_;
  if (!next_fits(is_digit)) return bad("a number has digits");
  std::int64_t value = 0; // at most 15 digits: cannot overflow
  int digits = 0;
  for (; next_fits(is_digit); ++at_) {
    if (++digits > integer_digits_max) return bad("a number has at most 15 digits");
    value = value * 10 + (text_[at_] - '0');
  }
  if (!next_is('.')) return bare_item(negative ? -value : value);
  if (digits > decimal_digits_max) return bad("a decimal has at most 12 digits before its point");
  ++at_;
  int fraction_digits = 0;
  for (; next_fits(is_digit); ++at_) {
    if (++fraction_digits > fraction_digits_max)
      return bad("a decimal has at most 3 digits behind its point");
    value = value * 10 + (text_[at_] - '0');
  }
  if (fraction_digits == 0) return bad("a decimal does not end with its point");
  for (; fraction_digits < fraction_digits_max; ++fraction_digits) value *= 10;
  return bare_item(decimal{negative ? -value : value});
}

result<bare_item> parser::read_string() {
  std::string out;
  for (++at_; !at_end(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      return bare_item(std::move(out));
    }
    if (c == '\\') {
      if (++at_; at_end() || (text_[at_] != '"' && text_[at_] != '\\'))
        return bad("only \\ and \" are escaped in a string");
      c = text_[at_];
    } else if (!is_printable(c)) {
      return bad("a string is printable ASCII");
    }
    out += c;
  }
  return bad("a string does not end");
}

result<bare_item> parser::read_token() {
  const auto begin = at_;
  while (next_fits(is_token_char)) ++at_;
  return bare_item(token{std::string(text_.substr(begin, at_ - begin))});
}

result<bare_item> parser::read_bytes() {
  const auto begin = ++at_;
  const auto end = text_.find(':', begin);
  if (end == std::string_view::npos) return bad("a byte sequence does not end");
  auto decoded = from_base64(text_.substr(begin, end - begin));
  if (!decoded) return bad("a byte sequence is not base64");
  at_ = end + 1;
  return bare_item(to_bytes(as_bytes(*decoded)));
}

result<bare_item> parser::read_boolean() {
  ++at_;
  if (!next_is('0') && !next_is('1')) return bad("a boolean is ?0 or ?1");
  return bare_item(text_[at_++] == '1');
}

result<bare_item> parser::read_bare_item() {
  if (at_end()) return bad("a value is missing");
  const char c = text_[at_];
  if (c == '-' || is_digit(c)) return read_number();
  if (c == '"') return read_string();
  if (c == ':') return read_bytes();
  if (c == '?') return read_boolean();
  if (is_token_start(c)) return read_token();
  if (c == '@' || c == '%') return bad("dates and display strings are not supported");
  return bad("no value begins like this");
}

result<parameters> parser::read_parameters() {
  parameters out;
  while (next_is(';')) {
    ++at_;
    skip_spaces();
    KITH_ASSIGN(auto key, read_key());
    bare_item value = true;
    if (next_is('=')) {
      ++at_;
      KITH_ASSIGN(value, read_bare_item());
    }
    auto known = std::find_if(out.begin(), out.end(), [&](auto& p) { return p.key == key; });
    if (known != out.end()) {
      if (!limits_.duplicates_allowed) return bad("a parameter stands twice");
      known->value = std::move(value);
      continue;
    }
    if (out.size() == limits_.params_max) return too_many("parameters", limits_.params_max);
    out.push_back({std::move(key), std::move(value)});
  }
  return out;
}

result<item> parser::read_item() {
  KITH_ASSIGN(auto value, read_bare_item());
  KITH_ASSIGN(auto params, read_parameters());
  return item{std::move(value), std::move(params)};
}

result<inner_list> parser::read_inner_list() {
  inner_list out;
  ++at_;
  while (true) {
    skip_spaces();
    if (next_is(')')) break;
    if (at_end()) return bad("an inner list does not end");
    if (out.items.size() == limits_.items_max)
      return too_many("items in an inner list", limits_.items_max);
    KITH_ASSIGN(auto read, read_item());
    out.items.push_back(std::move(read));
    if (!next_is(' ') && !next_is(')')) return bad("a space or ) follows an item of an inner list");
  }
  ++at_;
  KITH_ASSIGN(out.params, read_parameters());
  return out;
}

result<member> parser::read_member() {
  if (next_is('(')) {
    KITH_ASSIGN(auto inner, read_inner_list());
    return member(std::move(inner));
  }
  KITH_ASSIGN(auto single, read_item());
  return member(std::move(single));
}

result<bool> parser::read_comma() {
  skip_whitespace();
  if (at_end()) return false;
  if (!next_is(',')) return bad("a comma separates members");
  ++at_;
  skip_whitespace();
  if (at_end()) return bad("a comma ends the value");
  return true;
}

result<list> parser::read_list() {
  list out;
  for (bool more = !at_end(); more;) {
    if (out.size() == limits_.members_max) return too_many("members", limits_.members_max);
    KITH_ASSIGN(auto read, read_member());
    out.push_back(std::move(read));
    KITH_ASSIGN(more, read_comma());
  }
  return out;
}

result<dictionary> parser::read_dictionary() {
  dictionary out;
  for (bool more = !at_end(); more;) {
    KITH_ASSIGN(auto key, read_key());
    member value = item{true, {}};
    if (next_is('=')) {
      ++at_;
      KITH_ASSIGN(value, read_member());
    } else {
      KITH_ASSIGN(std::get<item>(value).params, read_parameters());
    }
    auto known = std::find_if(out.begin(), out.end(), [&](auto& m) { return m.key == key; });
    if (known != out.end()) {
      if (!limits_.duplicates_allowed) return bad("a key stands twice");
      known->value = std::move(value);
    } else {
      if (out.size() == limits_.members_max) return too_many("members", limits_.members_max);
      out.push_back({std::move(key), std::move(value)});
    }
    KITH_ASSIGN(more, read_comma());
  }
  return out;
}

template <class T>
result<T> parse(std::string_view text, const limits& l, result<T> (parser::*read)()) {
  parser p(text, l);
  KITH_TRY(p.begin());
  KITH_ASSIGN(auto out, (p.*read)());
  KITH_TRY(p.end());
  return out;
}

} // namespace

const bare_item* find(const parameters& params, std::string_view key) {
  for (const auto& p : params)
    if (p.key == key) return &p.value;
  return nullptr;
}

const member* find(const dictionary& members, std::string_view key) {
  for (const auto& m : members)
    if (m.key == key) return &m.value;
  return nullptr;
}

result<dictionary> parse_dictionary(std::string_view text, const limits& limits) {
  return parse(text, limits, &parser::read_dictionary);
}

result<list> parse_list(std::string_view text, const limits& limits) {
  return parse(text, limits, &parser::read_list);
}

result<item> parse_item(std::string_view text, const limits& limits) {
  return parse(text, limits, &parser::read_item);
}

} // namespace kith::httpsig::sf
