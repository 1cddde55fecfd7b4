// Creates a state directory, or adds nodes to one.
#pragma once

#include "runtime/crypto/secret.hpp"
#include "tools/kith/state_dir.hpp"

#include <cstdint>
#include <functional>

namespace kith::cli {

struct init_request {
  unsigned nodes = 1; // how many there are to be in the end
  std::string listen; // host:port of the first new one; empty: free ports of 127.0.0.1
  std::string join;   // a seed elsewhere; then secret_file must be given, too
  std::filesystem::path secret_file;
  // Gives what the keys of these new nodes are to be sealed under; they are made then, and not by
  // the first start. Called before anything is written. Empty: no passphrase.
  std::function<result<crypto::secret_buffer>(const std::vector<std::string>& names)> passphrase;
};

// The names of the nodes that were made; those that were there stay as they are. Errors: exists
// "nodes_exist" if there are as many already; invalid "bad_address", "join_needs_secret"; io
// "state_dir" and those of write_secret_file and read_secret_file.
result<std::vector<std::string>> init(const state_dir& dir, const init_request& request);

// `count` TCP ports of 127.0.0.1 that nobody listens on at this moment, all different. io
// "no_free_port".
result<std::vector<std::uint16_t>> free_ports(unsigned count);

} // namespace kith::cli
