// Requests from bytes, without a server: what is wrong is seen at the same byte however they came.
#include "runtime/net/http_reader.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;

namespace {

// What the reader says after `text` came in pieces; "" as long as it waits for more.
std::string said(std::string_view text, std::size_t piece_size) {
  const http_options options;
  http_reader reader(options);
  for (std::size_t at = 0; at < text.size(); at += piece_size) {
    reader.feed(as_bytes(text.substr(at, piece_size)));
    if (reader.at() == http_reader::state::failed) return reader.refusal().code;
    if (reader.at() == http_reader::state::complete)
      return "complete: " + std::string(as_text(reader.take().body));
  }
  return "";
}

} // namespace

TEST_CASE("reader sees a bad chunk at the same byte however the body is cut", "[net][unit]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string bodies[] = {
      "1\r\n \r\n\r\n",      // an empty line where the next chunk's belongs
      "1\r\nabcde",          // no line's end after the data
      "1\r\na\r\nx\r\n",     // not a number
      "1\r\na\r\n0\r\n\r\n", // nothing is wrong
      "0\r\n\r\n",           // nothing at all
      "000\r\nX: y\r\n\r\n", // a trailer
  };
  for (const auto& body : bodies) {
    const std::string text = head + body;
    for (std::size_t size = head.size(); size <= text.size(); ++size)
      for (std::size_t piece_size = 1; piece_size < 8; ++piece_size) {
        CAPTURE(body, size - head.size(), piece_size);
        CHECK(said(text.substr(0, size), piece_size) == said(text.substr(0, size), size));
      }
  }
  CHECK(said(head + bodies[0], 1) == "bad_chunk");
  CHECK(said(head + bodies[1], 1) == "bad_chunk");
  CHECK(said(head + bodies[2], 1) == "bad_chunk");
  CHECK(said(head + bodies[3], 1) == "complete: a");
  CHECK(said(head + bodies[4], 1) == "complete: ");
  CHECK(said(head + bodies[5], 1) == "complete: ");
}
