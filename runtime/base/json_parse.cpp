// JSON text to value: Boost.JSON's parser without its values. Boost keeps the last of two members
// of one name silently and rounds numbers a little off, so both are done here.
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <kith/json.hpp>

namespace kith {

namespace bj = boost::json;

// Receives what the parser finds, and builds the value from it. `stack_` holds the arrays and
// objects that are open.
class json_builder {
public:
  static constexpr std::size_t max_array_size = json::size_max;
  static constexpr std::size_t max_object_size = json::size_max;
  static constexpr std::size_t max_string_size = json::size_max;
  static constexpr std::size_t max_key_size = json::size_max;

  json root;
  std::string_view problem; // ours; empty if the parser itself found fault

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code&) { return open(json::array()); }
  bool on_array_end(std::size_t, bj::error_code& ec) { return add(close(), ec); }
  bool on_object_begin(bj::error_code&) { return open(json::object()); }
  bool on_object_end(std::size_t, bj::error_code& ec) {
    if (!stack_.back().sort_members()) return stop("a name stands twice in an object", ec);
    return add(close(), ec);
  }
  bool on_string_part(bj::string_view s, std::size_t, bj::error_code&) { return gather(s); }
  bool on_string(bj::string_view s, std::size_t, bj::error_code& ec) {
    gather(s);
    return add(json(std::exchange(text_, {})), ec);
  }
  bool on_key_part(bj::string_view s, std::size_t, bj::error_code&) { return gather(s); }
  bool on_key(bj::string_view s, std::size_t, bj::error_code&) {
    gather(s);
    stack_.back().append_member(std::exchange(text_, {}));
    return true;
  }
  bool on_number_part(bj::string_view s, bj::error_code&) { return gather(s); }
  bool on_int64(std::int64_t v, bj::string_view, bj::error_code& ec) {
    return text_.clear(), add(v, ec);
  }
  bool on_uint64(std::uint64_t v, bj::string_view, bj::error_code& ec) {
    return text_.clear(), add(v, ec);
  }
  bool on_double(double v, bj::string_view s, bj::error_code& ec) {
    gather(s);
    double exact = 0;
    auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), exact);
    if (error == std::errc())
      v = exact; // otherwise too small or too large: the parser's own 0 or infinity
    text_.clear();
    return std::isfinite(v) ? add(v, ec) : stop("a number is too large", ec);
  }
  bool on_bool(bool v, bj::error_code& ec) { return add(v, ec); }
  bool on_null(bj::error_code& ec) { return add(json(), ec); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

private:
  bool gather(bj::string_view s) { return text_.append(s.data(), s.size()), true; }

  bool open(json v) { return stack_.push_back(std::move(v)), true; }
  json close() {
    auto v = std::move(stack_.back());
    stack_.pop_back();
    return v;
  }

  bool add(json v, bj::error_code& ec) {
    if (++count_ > json::values_max) return stop("too many values", ec);
    if (stack_.empty()) {
      root = std::move(v);
    } else if (auto& top = stack_.back(); top.is_array()) {
      top.at_.array->push_back(std::move(v));
    } else {
      top.at_.object->back().second = std::move(v);
    }
    return true;
  }

  bool stop(std::string_view why, bj::error_code& ec) {
    problem = why;
    ec = bj::error::exception;
    return false;
  }

  std::vector<json> stack_;
  std::string text_;
  std::size_t count_ = 0;
};

result<json> json::parse(std::string_view text) {
  if (text.size() > size_max)
    return fail(errc::too_large, "json_too_large", std::to_string(text.size()) + " bytes of JSON");
  bj::parse_options options;
  options.max_depth = depth_max;
  bj::basic_parser<json_builder> parser(options);
  bj::error_code ec;
  auto used = parser.write_some(false, text.data(), text.size(), ec);
  auto& built = parser.handler();
  if (!ec && used == text.size()) return std::move(built.root);
  auto why = !built.problem.empty() ? std::string(built.problem)
             : ec                   ? ec.message()
                                    : "more behind the value";
  return fail(errc::malformed, "bad_json", why + " at byte " + std::to_string(used));
}

} // namespace kith
