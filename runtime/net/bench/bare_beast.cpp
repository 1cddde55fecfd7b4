// The baseline: the smallest server that Beast's own examples would make, one thread, no limits.
#include "runtime/net/bench/http_bench.hpp"
#include "runtime/net/http.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <thread>

namespace kith::net::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

struct session : std::enable_shared_from_this<session> {
  session(tcp::socket s, const std::string& b) : socket(std::move(s)), body(b) {}

  void read() {
    request = {};
    http::async_read(socket, buffer, request,
                     [self = shared_from_this()](error_code ec, std::size_t) {
                       if (!ec) self->write();
                     });
  }

  void write() {
    response = {};
    response.version(request.version());
    response.result(http::status::ok);
    response.set(http::field::content_type, "application/did+ld+json");
    response.set(http::field::date, date);
    response.keep_alive(request.keep_alive());
    response.body() = body;
    response.prepare_payload();
    http::async_write(socket, response, [self = shared_from_this()](error_code ec, std::size_t) {
      if (!ec) self->read();
    });
  }

  tcp::socket socket;
  const std::string& body;
  const std::string date = http_date(0);
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::response<http::string_body> response;
};

void accept(tcp::acceptor& acceptor, const std::string& body) {
  acceptor.async_accept([&](error_code ec, tcp::socket socket) {
    if (ec) return;
    socket.set_option(tcp::no_delay(true));
    std::make_shared<session>(std::move(socket), body)->read();
    accept(acceptor, body);
  });
}

} // namespace

http_speed measure_bare_beast(const http_load& load) {
  const std::string body(load.body_size, 'x');
  asio::io_context io(1);
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  accept(acceptor, body);
  double cpu = 0;
  std::thread server([&] {
    pin_thread(0);
    const double before = thread_cpu_seconds();
    io.run();
    cpu = thread_cpu_seconds() - before;
  });
  const auto done = run_load(acceptor.local_endpoint().port(), load);
  asio::post(io, [&] { acceptor.close(); });
  server.join();
  return {double(done.answers) / done.seconds, cpu / double(done.answers) * 1e6, done.answer_size};
}

} // namespace kith::net::bench
