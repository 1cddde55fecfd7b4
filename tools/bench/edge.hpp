// The rows of `kith bench` about the edge: resolution, signed sending, idle followers.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace kith::bench {

// A node of its own with an edge in plain HTTP on loopback, gone with this object.
class edge_node {
public:
  static result<std::unique_ptr<edge_node>> start();
  ~edge_node();

  struct pair {
    double value = 0, baseline = 0;
  };
  // did:key resolutions a second over 32 keep-alive connections, beside a bare Beast server that
  // answers as many bytes.
  result<pair> resolve(double seconds);
  // Presigned POSTs of 128 B messages a second over 32 connections: request and message signature
  // verified, journaled and synced; beside half of the Ed25519 verifications of one core.
  result<pair> post(std::size_t count);
  // Resident bytes that each of `count` idle followers adds.
  result<double> follower_size(std::size_t count);

private:
  edge_node() = default;
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::bench
