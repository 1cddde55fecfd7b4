// Bytes to a response, on Beast's parser.
#include "runtime/net/http_client_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cassert>
#include <optional>

namespace kith::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view response_start = "HTTP/1.";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t empty_chunked_size = 5; // "0\r\n\r\n"
constexpr std::size_t content_length_digits_max = 18;
constexpr std::size_t body_reserve_max = 64 * 1024; // before any of the body is there

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

error bad_response(std::string why) { return {errc::malformed, "bad_response", std::move(why)}; }
error too_large(std::string what, std::size_t size_max) {
  return {errc::too_large, "too_large",
          what + " of more than " + std::to_string(size_max) + " bytes"};
}

// Beast's parser, filling in a response. What it refuses is left in `refused`.
class parser final : public http::basic_parser<false> {
public:
  parser(const fetch_limits& limits, bool to_head) : limits_(limits) {
    header_limit(std::uint32_t(std::min<std::size_t>(limits.head_size_max, 1 << 30)) + 1);
    body_limit(std::uint64_t(limits.body_size_max));
    eager(true);
    skip(to_head);
  }

  http_response response;
  bytes body;
  std::optional<error> refused;
  bool chunk_begun = false; // the line of a first chunk was read

private:
  void refuse(beast::error_code& ec, error why) {
    refused = std::move(why);
    ec = http::error::bad_value;
  }

  void on_response_impl(int status, beast::string_view, int version,
                        beast::error_code& ec) override {
    response.status = status;
    if (status < 100 || status > 599 || (version != 10 && version != 11))
      refuse(ec, bad_response("the status line is none of HTTP/1.1"));
  }

  void on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                     beast::error_code& ec) override {
    if (is_header_done()) return; // a trailer: checked, and dropped
    if (response.headers.size() == http_client_reader::headers_max)
      return refuse(ec, {errc::too_large, "too_large", "a response with too many header fields"});
    const std::string_view v = view(value);
    if (name == http::field::content_length &&
        (v.size() > content_length_digits_max ||
         !std::all_of(v.begin(), v.end(), [](char c) { return c >= '0' && c <= '9'; })))
      return refuse(ec, bad_response("Content-Length is not a number"));
    if (name == http::field::transfer_encoding && !equal_ignoring_case(v, "chunked"))
      return refuse(ec, bad_response("a transfer coding that was not asked for"));
    response.headers.add(view(text), v);
  }

  void on_header_impl(beast::error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>& size, beast::error_code&) override {
    if (size) body.reserve(std::size_t(std::min<std::uint64_t>(*size, body_reserve_max)));
  }

  std::size_t on_body_impl(beast::string_view part, beast::error_code&) override {
    append(body, as_bytes(view(part)));
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
  void on_request_impl(http::verb, beast::string_view, beast::string_view, int,
                       beast::error_code&) override {}

  const fetch_limits& limits_;
};

} // namespace

struct http_client_reader::impl {
  impl(const fetch_limits& l, bool head) : limits(l), to_head(head) {}

  result<bool> read_head();
  result<void> read_body();
  result<std::size_t> put(byte_view in);

  const fetch_limits limits;
  const bool to_head;
  std::optional<parser> beast; // once a head is whole
  bytes rest;                  // came, and is not parsed yet
  std::size_t scanned = 0;     // of a head that is not whole
  int interim_count = 0;
  bool done = false, failed = false;
};

// Beast gets a head as a whole, so that its limit counts all of it. False: more must come.
result<bool> http_client_reader::impl::read_head() {
  const std::string_view text = as_text(rest);
  const std::size_t known = std::min(text.size(), response_start.size());
  if (text.substr(0, known) != response_start.substr(0, known))
    return fail(bad_response("it does not begin as an HTTP/1 response does"));
  const auto end = text.find(head_end, scanned);
  const std::size_t size = end == text.npos ? text.size() : end + head_end.size();
  if (size > limits.head_size_max) return fail(too_large("a head", limits.head_size_max));
  if (end == text.npos) {
    scanned = text.size() - std::min(text.size(), head_end.size() - 1);
    return false;
  }
  beast.emplace(limits, to_head);
  KITH_TRY(put(byte_view(rest).first(size)));
  if (!beast->is_header_done()) return fail(bad_response("its head is malformed"));
  rest.erase(rest.begin(), rest.begin() + std::ptrdiff_t(size));
  scanned = 0;
  const int status = beast->response.status;
  if (status >= 200) return true;
  // RFC 9110 section 15.2: what is interim is followed by the response itself.
  if (status == 101 || ++interim_count > interim_max)
    return fail(bad_response("an unexpected interim response, " + std::to_string(status)));
  beast.reset();
  return read_head();
}

result<void> http_client_reader::impl::read_body() {
  while (!done) {
    // As many come at least; Beast asserts on fewer if the first chunk is the last. Not after it:
    // what is wrong there is to be seen at the same byte however the body is cut.
    const bool waits = beast->chunked() && !beast->chunk_begun && rest.size() < empty_chunked_size;
    if (rest.empty() || waits) return {};
    KITH_ASSIGN(const std::size_t used, put(rest));
    rest.erase(rest.begin(), rest.begin() + std::ptrdiff_t(used));
    if (rest.size() > limits.head_size_max && !done)
      return fail(too_large("a chunk's line or trailers", limits.head_size_max));
    if (used == 0) return {};
  }
  return {};
}

result<std::size_t> http_client_reader::impl::put(byte_view in) {
  beast::error_code ec;
  const std::size_t used = beast->put(boost::asio::buffer(in.data(), in.size()), ec);
  if (beast->refused) return fail(*beast->refused);
  if (ec == http::error::body_limit) return fail(too_large("a body", limits.body_size_max));
  if (ec == http::error::header_limit) return fail(too_large("a head", limits.head_size_max));
  if (ec && ec != http::error::need_more) return fail(bad_response(ec.message()));
  done = beast->is_done() && beast->response.status >= 200;
  return used;
}

http_client_reader::http_client_reader(const fetch_limits& limits, bool to_head)
    : impl_(std::make_unique<impl>(limits, to_head)) {}
http_client_reader::~http_client_reader() = default;

result<void> http_client_reader::feed(byte_view in) {
  impl& r = *impl_;
  if (r.done || r.failed) return {};
  append(r.rest, in);
  const auto parse = [&]() -> result<void> {
    if (!r.beast) {
      KITH_ASSIGN(const bool whole, r.read_head());
      if (!whole) return {};
    }
    return r.read_body();
  };
  auto outcome = parse();
  r.failed = !outcome;
  return outcome;
}

result<void> http_client_reader::end() {
  impl& r = *impl_;
  if (r.done) return {};
  beast::error_code ec;
  if (r.beast && !r.failed && r.beast->need_eof()) r.beast->put_eof(ec);
  r.done = r.beast && !r.failed && r.beast->is_done() && !ec;
  if (r.done) return {};
  return fail(errc::malformed, "truncated", "the connection ended before the response did");
}

bool http_client_reader::done() const { return impl_->done; }

http_response http_client_reader::take() {
  assert(impl_->done);
  http_response out = std::move(impl_->beast->response);
  out.body = slice(std::move(impl_->beast->body));
  return out;
}

} // namespace kith::net
