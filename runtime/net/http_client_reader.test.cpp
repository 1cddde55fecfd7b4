// Responses from bytes: whole and cut anywhere, in every framing, and those that are refused.
#include "runtime/net/http_client_reader.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;

namespace {

struct outcome {
  std::string code; // "" if it is complete, "more" if not
  int status = 0;
  std::string body;
  http_headers headers;
  bool operator==(const outcome& o) const {
    return code == o.code && status == o.status && body == o.body;
  }
};

std::ostream& operator<<(std::ostream& out, const outcome& o) {
  return out << "(" << o.code << " " << o.status << " " << o.body.size() << " bytes)";
}

// Fed in pieces; `ends` in an orderly way.
outcome read(std::string_view text, bool ends = true, std::size_t piece = 1 << 30,
             const fetch_limits& limits = {}, bool to_head = false) {
  http_client_reader reader(limits, to_head);
  for (std::size_t at = 0; at < text.size() && !reader.done(); at += piece)
    if (const auto ok = reader.feed(as_bytes(text.substr(at, piece))); !ok)
      return {ok.error().code};
  if (!reader.done() && ends)
    if (const auto ok = reader.end(); !ok) return {ok.error().code};
  if (!reader.done()) return {"more"};
  http_response r = reader.take();
  return {"", r.status, std::string(as_text(r.body)), std::move(r.headers)};
}

std::string code(std::string_view text, const fetch_limits& limits = {}, bool to_head = false) {
  const outcome whole = read(text, true, 1 << 30, limits, to_head);
  const outcome bits = read(text, true, 1, limits, to_head);
  CAPTURE(text.substr(0, 100));
  CHECK(whole == bits);
  return whole.code;
}

const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3;ext=\"a\"\r\nhel\r\n02\r\nlo\r\n0\r\nTrailer: x\r\n\r\n";
const std::string plain_chunks =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
const std::string empty_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
const std::string to_end = "HTTP/1.0 200 OK\r\n\r\nhello";
const std::string interim =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + sized;

} // namespace

TEST_CASE("a response is read in each framing, whole and byte by byte", "[net][unit]") {
  for (const std::string& text : {sized, chunked, to_end, interim})
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
      CAPTURE(text, piece);
      CHECK(read(text, true, piece) == outcome{"", 200, "hello"});
    }
  CHECK(read(plain_chunks) == outcome{"", 200, "a"});
  CHECK(read(empty_chunks) == outcome{"", 200, ""});
  CHECK(read(interim).headers.size() == 2);
  CHECK(read(sized).headers["x"] == "y");
  CHECK(read(chunked).headers.find("trailer") == std::nullopt);
  CHECK(read("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") == outcome{"", 200, ""});
  CHECK(read("HTTP/1.1 599 Strange\r\nContent-Length: 0\r\n\r\n") == outcome{"", 599, ""});
}

TEST_CASE("a response cut at any byte is truncated, and so is seen", "[net][unit]") {
  for (const std::string& text : {sized, chunked, plain_chunks, empty_chunks, interim})
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      for (const std::size_t piece : {1u, 1000u}) {
        CAPTURE(text, cut, piece);
        CHECK(read(text.substr(0, cut), true, piece) == outcome{"truncated"});
        CHECK(read(text.substr(0, cut), false, piece) == outcome{"more"});
      }
  const std::size_t head = to_end.size() - 5;
  for (std::size_t cut = 0; cut < to_end.size(); ++cut) {
    CAPTURE(cut);
    CHECK(read(to_end.substr(0, cut), false) == outcome{"more"});
    if (cut < head) CHECK(read(to_end.substr(0, cut)) == outcome{"truncated"});
    if (cut >= head) CHECK(read(to_end.substr(0, cut)).body == to_end.substr(head, cut - head));
  }
}

TEST_CASE("what follows a complete response is ignored", "[net][unit]") {
  for (const std::string& text : {sized, chunked})
    CHECK(read(text + "HTTP/1.1 500 Evil\r\n\r\n").body == "hello");
}

TEST_CASE("a response without a body ends with its head", "[net][unit]") {
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n", false) == outcome{"", 204, ""});
  CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", false).status == 304);
  const std::string head = sized.substr(0, sized.size() - 5);
  CHECK(read(head, false, 1 << 30, {}, true) == outcome{"", 200, ""});
  CHECK(read("HTTP/1.1 200 OK\r\n\r\n", false, 1, {}, true) == outcome{"", 200, ""});
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 1, {}, true).code ==
        "");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", false, 1, {}, true).code ==
        "");
}

TEST_CASE("a body is bounded in every framing, and at once where its size is said", "[net][unit]") {
  const fetch_limits small{.body_size_max = 4};
  CHECK(code(sized, small) == "too_large");
  CHECK(code(sized.substr(0, sized.size() - 5), small) == "too_large");
  CHECK(code(chunked, small) == "too_large");
  CHECK(code(to_end, small) == "too_large");
  const fetch_limits enough{.body_size_max = 5};
  CHECK(code(sized, enough) == "");
  CHECK(code(chunked, enough) == "");
  CHECK(code(to_end, enough) == "");
  CHECK(code("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n") == "too_large");
}

TEST_CASE("heads, chunk lines and trailers without end are refused", "[net][unit]") {
  const fetch_limits small{.head_size_max = 200};
  const std::string noise(300, 'a');
  CHECK(code("HTTP/1.1 200 OK\r\nX: " + noise, small) == "too_large");
  CHECK(code("HTTP/1.1 200 OK\r\nX: " + noise + "\r\n\r\n", small) == "too_large");
  CHECK(code("HTTP/1.1 200 " + noise, small) == "too_large");
  const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(code(start + "1;" + noise, small) == "too_large");
  CHECK(code(start + "0\r\nX: " + noise, small) == "too_large");
  CHECK(code(start + std::string(300, '0'), small) == "too_large");
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i <= http_client_reader::headers_max; ++i) many += "A: b\r\n";
  CHECK(code(many + "\r\n") == "too_large");
  std::string waits;
  for (int i = 0; i < http_client_reader::interim_max; ++i) waits += "HTTP/1.1 102 Wait\r\n\r\n";
  CHECK(code(waits + sized) == "");
  CHECK(code(waits + "HTTP/1.1 102 Wait\r\n\r\n" + sized) == "bad_response");
}

TEST_CASE("a response that is malformed or ambiguous is refused", "[net][unit]") {
  const auto with = [](const std::string& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\nhello";
  };
  for (const std::string& text : std::vector<std::string>{
           "GET / HTTP/1.1\r\n\r\n",
           "\x16\x03\x01",
           "HTTP/2 200\r\n\r\n",
           "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 Low\r\n\r\n",
           "HTTP/1.1 600 High\r\n\r\n",
           "HTTP/1.1 abc OK\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
           with("Content-Length: 5\r\nContent-Length: 6"),
           with("Content-Length: 5, 5"),
           with("Content-Length: -5"),
           with("Content-Length: +5"),
           with("Content-Length: 0x5"),
           with("Content-Length:"),
           with("Content-Length: 99999999999999999999"),
           with("Content-Length: 5\r\nTransfer-Encoding: chunked"),
           with("Transfer-Encoding: chunked\r\nContent-Length: 5"),
           with("Transfer-Encoding: gzip"),
           with("Transfer-Encoding: gzip, chunked"),
           with("Transfer-Encoding: chunked, chunked"),
           with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
           with("No colon"),
           with("Space : before"),
           with(": no name"),
           with("X: a\rb"),
           with("X: a\x01"
                "b"),
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n0\r\n\r\n",
       }) {
    CAPTURE(text);
    const std::string c = code(text);
    CHECK((c == "bad_response" || c == "too_large"));
    if (text.find("11111111111111111") == text.npos && text.find("9999999999") == text.npos)
      CHECK(c == "bad_response");
  }
}

TEST_CASE("a bad chunk is seen at the same byte however the body is cut", "[net][unit]") {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n\r\n";
  for (const std::size_t piece : {1, 2, 3, 7, 1000})
    CHECK(read(text, false, piece).code == "bad_response");
}

TEST_CASE("after an error nothing more is taken, and an end makes nothing of it", "[net][unit]") {
  http_client_reader reader({}, false);
  CHECK_FALSE(reader.feed(as_bytes("nonsense")));
  CHECK(reader.feed(as_bytes(sized)));
  CHECK_FALSE(reader.done());
  CHECK_FALSE(reader.end());
}
