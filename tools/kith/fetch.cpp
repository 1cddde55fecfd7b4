#include "tools/kith/fetch.hpp"
#include "runtime/net/asio_network.hpp"

#include <future>

namespace kith::cli {

result<net::fetch_answer> fetch(const std::string& url, const fetch_options& how) {
  KITH_ASSIGN(const auto trust, net::tls_client_context::make(how.trust));
  system_clock time;
  net::asio_reactor reactor;
  reactor.start();
  net::asio_network network(reactor);
  std::unique_ptr<net::http_client> client;
  std::promise<result<net::fetch_answer>> said;
  reactor.call([&] {
    client = std::make_unique<net::http_client>(
        reactor, network, time, *trust,
        net::http_client_options{.allow_private = how.allow_private});
    net::fetch_request request;
    request.url = url;
    request.headers.add("Accept", how.accept);
    client->fetch(std::move(request), how.limits,
                  [&said](result<net::fetch_answer> r) { said.set_value(std::move(r)); });
  });
  auto answer = said.get_future().get(); // the limits bound it
  reactor.call([&] { client.reset(); });
  reactor.stop();
  return answer;
}

} // namespace kith::cli
