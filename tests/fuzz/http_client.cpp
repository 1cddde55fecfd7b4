// Any bytes as a response to a fetch, whole and in pieces: never a crash, never past a limit, the
// same response however it was cut, and a Location that resolves to what may be fetched or to
// nothing. The first byte chooses: 1 a HEAD, 2 small limits, 4 an end right after it.
#include "runtime/net/http_client_reader.hpp"
#include "runtime/net/http_client_url.hpp"

#include <cstdlib>
#include <optional>

using namespace kith;
using namespace kith::net;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

struct outcome {
  std::string code; // "" or "more" without an error
  std::optional<http_response> response;
};

outcome read(byte_view in, std::size_t piece, const fetch_limits& limits, bool to_head, bool ends) {
  http_client_reader reader(limits, to_head);
  while (!in.empty() && !reader.done()) {
    const byte_view part = in.first(std::min(in.size(), piece));
    in = in.subspan(part.size());
    if (const auto ok = reader.feed(part); !ok) return {ok.error().code, {}};
  }
  if (ends && !reader.done())
    if (const auto ok = reader.end(); !ok) return {ok.error().code, {}};
  if (!reader.done()) return {"more", {}};
  return {"", reader.take()};
}

bool same(const http_response& a, const http_response& b) {
  if (a.status != b.status || !equal(a.body, b.body) || a.headers.size() != b.headers.size())
    return false;
  for (std::size_t i = 0; i < a.headers.size(); ++i)
    if (a.headers.at(i).name != b.headers.at(i).name ||
        a.headers.at(i).value != b.headers.at(i).value)
      return false;
  return true;
}

void follow(const http_response& r) {
  const auto where = r.headers.find("location");
  if (!where) return;
  const http_url base = parse_http_url("https://h.example/a/b?c").value();
  const auto next = resolve_http_url(base, *where);
  if (!next)
    return require(next.error().code == "bad_url" || next.error().code == "scheme_refused");
  const auto again = parse_http_url(next->text());
  require(again && again->text() == next->text() && again->host == next->host);
  require(next->target.starts_with('/') && next->port != 0 && !next->host.empty());
  for (const char c : next->text()) require(c > ' ' && c < 0x7f);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  fetch_limits limits;
  if (data[0] & 2) limits.head_size_max = 100, limits.body_size_max = 10;
  const bool to_head = data[0] & 1, ends = data[0] & 4;
  const byte_view in(data + 1, size - 1);
  const outcome whole = read(in, size, limits, to_head, ends);
  for (const std::size_t piece : {1, 7}) {
    const outcome bits = read(in, piece, limits, to_head, ends);
    // A chunk's line that is too long is only seen to be so while it is not whole.
    if (bits.code == "too_large") continue;
    // And a bad chunk may be seen up to four bytes later.
    if (whole.code == "more") require(bits.code == "more");
    require(whole.response.has_value() == bits.response.has_value());
    if (whole.response) require(same(*whole.response, *bits.response));
  }
  if (!whole.response) return 0;
  require(whole.response->status >= 200 && whole.response->status <= 599);
  require(whole.response->body.size() <= limits.body_size_max);
  require(!to_head || whole.response->body.empty());
  follow(*whole.response);
  return 0;
}
