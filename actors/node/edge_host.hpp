// What the edge of a real node stands on: a thread of its own, so that the web does not slow links
// down. Internal to this room.
#pragma once

#include "actors/edge/server.hpp"
#include "runtime/net/asio_network.hpp"

namespace kith {

struct edge_host {
  net::asio_reactor reactor;
  net::asio_network network{reactor};
  std::unique_ptr<edge::server> server;
};

} // namespace kith
