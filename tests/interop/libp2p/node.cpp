// interop_libp2p_node: our side of the interop test. It listens and serves whoever comes, or dials
// one peer, until its standard input ends; so it never outlives the script that started it.
//
//   interop_libp2p_node listen [--late-muxer] [--expect PEER]
//     prints {"event":"listening","address":...}
//   interop_libp2p_node dial IP PORT [--late-muxer] --expect PEER
//     exit code 0 when it pinged and was echoed
//
// With --late-muxer it offers no muxer inside of the Noise handshake.
#include "protocols/libp2p/peer_id.hpp"
#include "runtime/net/asio_network.hpp"
#include "tests/interop/libp2p/session.hpp"

#include <cstdio>
#include <future>
#include <iostream>
#include <list>

using namespace kith;
using namespace kith::interop;

namespace {

struct program {
  system_clock time;
  system_random random;
  secret_key key = secret_key::generate(random);
  std::optional<did> expected_peer;
  bool early_muxer = true;
  net::asio_reactor reactor;
  std::optional<net::asio_network> network;
  std::unique_ptr<net::listener> listener;
  std::list<std::unique_ptr<session>> sessions;
  bool succeeded = false;

  std::string peer_text() const { return libp2p::peer_id::from_key(key.public_key()).text(); }

  void serve(libp2p::role side, std::unique_ptr<net::byte_stream> stream) {
    auto at = sessions.emplace(sessions.end());
    *at = std::make_unique<session>(reactor, time, random, key, side, expected_peer, early_muxer,
                                    std::move(stream), [this, at](bool all_done) {
                                      succeeded = succeeded || all_done;
                                      reactor.post([this, at] { sessions.erase(at); });
                                    });
  }

  result<void> listen() {
    KITH_ASSIGN(listener,
                network->listen("127.0.0.1:0", [this](std::unique_ptr<net::byte_stream> stream) {
                  serve(libp2p::role::listener, std::move(stream));
                }));
    std::printf("{\"event\":\"listening\",\"address\":\"/ip4/127.0.0.1/tcp/%d/p2p/%s\"}\n",
                int(listener->local_port()), peer_text().c_str());
    std::fflush(stdout);
    return {};
  }

  void dial(const std::string& where) {
    network->connect(where, std::chrono::seconds(10), [this](auto stream) {
      if (stream) return serve(libp2p::role::dialer, std::move(*stream));
      std::printf("{\"event\":\"failed\",\"code\":\"%s\"}\n", stream.error().code.c_str());
      std::fflush(stdout);
    });
  }
};

int complain(const std::string& why) {
  std::fprintf(stderr, "interop_libp2p_node: %s\n", why.c_str());
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  program p;
  if (words.size() >= 2 && words[words.size() - 2] == "--expect") {
    auto id = libp2p::peer_id::parse(words.back());
    if (!id || !id->to_did()) return complain("no peer id: " + words.back());
    p.expected_peer = *id->to_did();
    words.resize(words.size() - 2);
  }
  if (!words.empty() && words.back() == "--late-muxer") {
    p.early_muxer = false;
    words.pop_back();
  }
  bool dials = words.size() == 3 && words[0] == "dial";
  if (!dials && words != std::vector<std::string>{"listen"}) return complain("listen or dial?");
  p.network.emplace(p.reactor);
  p.reactor.start();
  result<void> begun;
  p.reactor.call([&] {
    if (dials)
      p.dial(words[1] + ":" + words[2]);
    else
      begun = p.listen();
  });
  if (!begun) return complain(begun.error().what());
  for (std::string line; std::getline(std::cin, line);) {
  }
  p.reactor.call([&] {
    p.listener.reset();
    p.sessions.clear();
  });
  p.reactor.stop();
  return p.succeeded || !dials ? 0 : 1;
}
