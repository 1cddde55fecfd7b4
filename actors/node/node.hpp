// One node: its store, links, supervision tree, agents and control socket, assembled from settings
// and started. The command line's `run` is a thin shell around it; tests start it in their own
// process.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/crypto/secret.hpp"
#include "runtime/identity/did.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace kith {

struct node_options {
  config::settings settings;
  // The node's own directory, <state directory>/nodes/<name>: kith.toml, keys/, store/,
  // control.sock.
  std::filesystem::path dir;
  // Called at most once, on a thread of the node's, when it cannot go on (a failed sync:
  // semantics.md 12). It must only take note; whoever started the node ends it.
  std::function<void(const error&)> on_fatal;
  // What the key is, or is to be, sealed under; stands above keys.passphrase_file.
  std::optional<crypto::secret_buffer> passphrase = std::nullopt;
};

// Destroying it stops at once, which loses nothing that was acknowledged. Thread-safe but for the
// destructor.
class node {
public:
  // Opens the store, listens, joins the cluster, and returns when the control socket is up. Errors,
  // each a sentence for a person: unavailable "state_dir_locked", "address_in_use"; not_found
  // "state_dir_missing"; unauthenticated "wrong_cluster_secret"; corrupt "store_corrupt"; invalid
  // for settings that make no sense.
  static result<std::unique_ptr<node>> start(node_options options);
  node(const node&) = delete;
  node& operator=(const node&) = delete;
  ~node();

  const did& id() const;
  std::string name() const;
  // Where others reach it, with the port that is really bound: "127.0.0.1:4711".
  std::string link_address() const;

  // Begins the ordered stop: takes no new work, drains until shutdown.deadline_ms, closes. Returns
  // at once; calling it again changes nothing. The control socket's verb `stop` does the same.
  void begin_stop();
  // True once it has stopped, by begin_stop or by the control socket; waits for that at most
  // `patience`.
  bool wait_stopped(duration patience);

private:
  struct impl;
  explicit node(std::unique_ptr<impl> inner);
  std::unique_ptr<impl> impl_;
};

} // namespace kith
