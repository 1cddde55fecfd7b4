// Bytes to requests, on Beast's parser.
#include "runtime/net/http_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cassert>
#include <optional>

namespace kith::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t method_size_max = 32; // longer: 501
// Of a request line without its target and line feed: "<method> " and " HTTP/1.1\r".
constexpr std::size_t request_line_room = method_size_max + 11;
constexpr std::size_t body_reserve_max = 16 * 1024; // before any of the body is there
constexpr int empty_lines_max = 2;                  // before a request line (RFC 9112 section 2.2)
constexpr std::size_t content_length_digits_max = 18;
constexpr std::size_t empty_chunked_size = 5; // "0\r\n\r\n"

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Beast's parser with the request as it is built. What it calls refuses by leaving a refusal and
// setting any error.
class parser final : public http::basic_parser<true> {
public:
  parser(const http_options& options, http_request& request)
      : options_(options), request_(request) {
    header_limit(std::uint32_t(options.head_size_max) + 1); // kept by the reader, and for trailers
    body_limit(std::uint64_t(options.body_size_max));
    eager(true);
  }

  std::optional<http_refusal> refused;
  bool head_done = false;
  bool expects_continue = false;
  bool chunk_begun = false; // the line of a first chunk was read

private:
  void refuse(beast::error_code& ec, http_refusal why) {
    refused = why;
    ec = http::error::bad_value;
  }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code& ec) override {
    if (method.size() > method_size_max || method == "CONNECT")
      return refuse(ec, {501, "method_not_supported", "this method is not supported"});
    if (target.size() > options_.target_size_max)
      return refuse(ec, {414, "target_too_long", "the request target is too long"});
    const std::string_view t = view(target);
    const bool printable = std::all_of(t.begin(), t.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != '#'; // Beast lets bytes past 0x7f through
    });
    const bool absolute = has_scheme(t, "http://") || has_scheme(t, "https://");
    if (!printable || !(t.front() == '/' || absolute || (t == "*" && method == "OPTIONS")))
      return refuse(ec, {400, "bad_target", "the request target is malformed"});
    request_.method = view(method);
    request_.target = t;
    request_.version = version;
  }

  static bool has_scheme(std::string_view target, std::string_view scheme) {
    return target.size() > scheme.size() &&
           equal_ignoring_case(target.substr(0, scheme.size()), scheme) &&
           target[scheme.size()] != '/' && target[scheme.size()] != '?';
  }

  void on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                     beast::error_code& ec) override {
    if (head_done) return; // a trailer: checked, and dropped
    if (request_.headers.size() >= options_.headers_max)
      return refuse(ec, {431, "too_many_headers", "the request has too many header fields"});
    switch (name) {
    case http::field::host: ++host_count_; break;
    case http::field::content_length: // Beast would take lists; the values were compared by it
      if (value.size() > content_length_digits_max ||
          !std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return refuse(ec, {400, "bad_content_length", "Content-Length is not a number"});
      break;
    case http::field::transfer_encoding:
      // A coding that is not understood would leave the end of the body to guessing.
      if (!equal_ignoring_case(view(value), "chunked"))
        return refuse(ec, {501, "transfer_coding_not_supported",
                           "the only transfer coding supported is chunked"});
      if (request_.version < 11)
        return refuse(ec, {400, "bad_transfer_encoding", "HTTP/1.0 knows no transfer coding"});
      break;
    case http::field::expect:
      if (request_.version < 11) break;
      if (!equal_ignoring_case(view(value), "100-continue"))
        return refuse(ec, {417, "unknown_expectation", "the only expectation is 100-continue"});
      expects_continue = true;
      break;
    default: break;
    }
    request_.headers.add(view(text), view(value));
  }

  void on_header_impl(beast::error_code& ec) override {
    head_done = true;
    // RFC 9112 section 3.2: exactly one with HTTP/1.1, and never two.
    if (host_count_ > 1 || (host_count_ == 0 && request_.version >= 11))
      refuse(ec, {400, "bad_host", "a request has exactly one Host field"});
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& size, beast::error_code&) override {
    if (size) request_.body.reserve(std::size_t(std::min<std::uint64_t>(*size, body_reserve_max)));
  }

  std::size_t on_body_impl(beast::string_view part, beast::error_code&) override {
    append(request_.body, as_bytes(view(part)));
    return part.size();
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {
    chunk_begun = true;
  }

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                 beast::error_code& ec) override {
    return on_body_impl(part, ec);
  }

  void on_finish_impl(beast::error_code&) override {}
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

  const http_options& options_;
  http_request& request_;
  int host_count_ = 0;
};

http_refusal refusal_of(beast::error_code ec) {
  if (ec == http::error::body_limit)
    return {413, "body_too_large", "the body is larger than this server takes"};
  if (ec == http::error::header_limit)
    return {431, "head_too_large", "the header section is larger than this server takes"};
  if (ec == http::error::bad_version)
    return {505, "version_not_supported", "this server speaks HTTP/1.1 and HTTP/1.0"};
  if (ec == http::error::bad_content_length || ec == http::error::multiple_content_length ||
      ec == http::error::bad_transfer_encoding)
    return {400, "ambiguous_length", "the length of the body is not clear"};
  if (ec == http::error::bad_chunk || ec == http::error::bad_chunk_extension)
    return {400, "bad_chunk", "the body is not well chunked"};
  return {400, "malformed_request", "the request is not well-formed HTTP"};
}

} // namespace

struct http_reader::impl {
  explicit impl(const http_options& o) : options(o) {}

  void reset() {
    beast.reset();
    request = {};
    rest.clear();
    if (rest.capacity() > body_reserve_max) rest.shrink_to_fit();
    scanned = line_begin = begin = 0;
    lines = empty_lines = 0;
    where = state::nothing;
  }
  void refuse(http_refusal why) {
    where = state::failed;
    refused = why;
  }
  std::size_t parse(byte_view in);
  std::size_t read_head(byte_view in);
  bool end_line(std::string_view text, std::size_t line_feed);
  std::size_t put(byte_view in);

  const http_options& options;
  std::optional<parser> beast;
  http_request request;
  bytes rest; // came, but cannot be parsed before more comes
  http_refusal refused;
  state where = state::nothing;
  // Of a head that is not complete: how far its lines were looked at, and where it begins.
  std::size_t scanned = 0, line_begin = 0, begin = 0;
  int lines = 0, empty_lines = 0;
};

// Parses from the front of `in`; what is left of it could not be parsed, unless the end came.
std::size_t http_reader::impl::parse(byte_view in) {
  std::size_t used = 0;
  if (where == state::head) used = read_head(in);
  while (where == state::body && used < in.size()) {
    byte_view left = in.subspan(used);
    const bool chunked = beast->chunked();
    // As many come at least; Beast asserts on fewer if the first chunk is the last. Not after it:
    // what is wrong there is to be seen at the same byte however the body is cut.
    if (chunked && !beast->chunk_begun && left.size() < empty_chunked_size) break;
    // A chunk's line, or the trailers, must fit; so the limit is the same however they are cut.
    if (chunked) left = left.first(std::min(left.size(), options.head_size_max + 1));
    const std::size_t n = put(left);
    used += n;
    if (n > 0) continue;
    if (chunked && where == state::body && left.size() > options.head_size_max)
      refuse({431, "trailers_too_large", "a chunk's line or the trailers are too large"});
    break;
  }
  return used;
}

// Beast gets a head only as a whole: so its limit counts all of it, and lines that Beast would
// mend are seen before.
std::size_t http_reader::impl::read_head(byte_view in) {
  const std::string_view text = as_text(in);
  while (scanned < text.size()) {
    const auto line_feed = text.find('\n', scanned);
    if (line_feed == text.npos) break;
    scanned = line_feed + 1;
    const bool at_end = end_line(text, line_feed);
    if (where == state::failed) return 0;
    if (at_end) {
      beast.emplace(options, request);
      request.headers.reserve(std::size_t(lines), scanned - begin);
      return begin + put(in.subspan(begin, scanned - begin));
    }
    line_begin = scanned;
    if (lines == 0) begin = scanned; // an empty line before the request
  }
  scanned = text.size();
  if (lines == 0 && text.size() - line_begin > options.target_size_max + request_line_room)
    refuse({414, "target_too_long", "the request line is too long"});
  else if (text.size() > options.head_size_max)
    refuse({431, "head_too_large", "the header section is larger than this server takes"});
  return 0;
}

// Looks at the line from line_begin up to its line feed; true if it is the empty one.
bool http_reader::impl::end_line(std::string_view text, std::size_t line_feed) {
  const std::string_view line = text.substr(line_begin, line_feed + 1 - line_begin);
  const bool first = lines == 0;
  if (line.size() < 2 || line[line.size() - 2] != '\r') {
    refuse({400, "bare_line_feed", "a line of the head does not end with CR LF"});
  } else if (line_feed + 1 > options.head_size_max) {
    refuse({431, "head_too_large", "the header section is larger than this server takes"});
  } else if (line.size() == 2) {
    if (!first) return true;
    if (++empty_lines > empty_lines_max)
      refuse({400, "malformed_request", "the request begins with empty lines"});
  } else if (first && line.size() > 1 + request_line_room + options.target_size_max) {
    refuse({414, "target_too_long", "the request line is too long"});
  } else if (first && line.find(" HTTP/") == line.npos) {
    refuse({400, "malformed_request", "the request line has no HTTP version"});
    ++lines;
  } else if (!first && (line.front() == ' ' || line.front() == '\t')) {
    refuse({400, "folded_header", "a header field goes over several lines"});
  } else {
    ++lines;
  }
  return false;
}

// Gives `in` to Beast.
std::size_t http_reader::impl::put(byte_view in) {
  beast::error_code ec;
  const std::size_t used = beast->put(boost::asio::buffer(in.data(), in.size()), ec);
  if (beast->refused)
    refuse(*beast->refused);
  else if (ec && ec != http::error::need_more)
    refuse(refusal_of(ec));
  else if (beast->is_done())
    where = state::complete;
  else if (where == state::head && !beast->head_done)
    refuse({400, "malformed_request", "the request is not well-formed HTTP"});
  else
    where = state::body;
  return used;
}

http_reader::http_reader(const http_options& options) : impl_(std::make_unique<impl>(options)) {}
http_reader::~http_reader() = default;

std::size_t http_reader::feed(byte_view in) {
  impl& r = *impl_;
  std::size_t used = 0;
  if (r.where == state::nothing && !in.empty()) {
    const auto first = in.front();
    // So that a TLS hello on a plain port, say, does not wait for its time to be up.
    if (first != '\r' && first != '\n' && (first <= ' ' || first >= 0x7f)) {
      r.refuse({400, "malformed_request", "this is not HTTP"});
      return 0;
    }
    r.where = state::head;
  }
  while (used < in.size() && (r.where == state::head || r.where == state::body)) {
    const byte_view left = in.subspan(used);
    if (r.rest.empty()) {
      const std::size_t n = r.parse(left);
      used += n;
      if (r.where == state::complete || r.where == state::failed) break;
      // Part of a head, of a chunk's line or of the trailers.
      append(r.rest, left.subspan(n, std::min(left.size() - n, r.options.head_size_max + 1)));
      used += r.rest.size();
      continue;
    }
    const std::size_t before = r.rest.size();
    const std::size_t room =
        r.options.head_size_max + 1 - std::min(before, r.options.head_size_max);
    const std::size_t added = std::min(left.size(), room);
    append(r.rest, left.first(added));
    const std::size_t n = r.parse(r.rest);
    if (n > before || r.where == state::complete || r.where == state::failed) {
      used += n - std::min(n, before);
      r.rest.clear();
      continue;
    }
    used += added;
    r.rest.erase(r.rest.begin(), r.rest.begin() + std::ptrdiff_t(n));
  }
  return used;
}

http_reader::state http_reader::at() const { return impl_->where; }

bool http_reader::wants_continue() const {
  return impl_->where == state::body && impl_->beast->expects_continue &&
         impl_->request.body.empty() && impl_->rest.empty();
}

bool http_reader::keep_alive() const { return impl_->beast && impl_->beast->keep_alive(); }

std::size_t http_reader::held() const { return impl_->request.body.size() + impl_->rest.size(); }

std::size_t http_reader::body_size() const { return impl_->request.body.size(); }

http_request http_reader::take() {
  assert(impl_->where == state::complete);
  http_request out = std::move(impl_->request);
  impl_->reset();
  return out;
}

http_refusal http_reader::refusal() const { return impl_->refused; }

bool http_reader::is_head_request() const { return impl_->request.method == "HEAD"; }

void http_reader::reset() { impl_->reset(); }

} // namespace kith::net
