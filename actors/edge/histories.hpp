// The key histories (protocols/did/rotation.hpp) that this node serves as did:web documents with
// all their keys: of the node's own did:web, and of identities of the operator under the names that
// agents have theirs by. The operator hands them in; what is here is verified and in the store.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "protocols/did/rotation.hpp"
#include "runtime/store/store.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace kith::edge {

// The did:web of a node at "https://node.example:8443", or of an agent of this name there: what
// dids::web_node_did and web_agent_did say.
result<did> web_identity(std::string_view public_url, std::string_view name = {});

// Where they are to be served.
struct web_place {
  std::string public_url;
  did node;
  const agent_directory& agents;
};

// Thread-safe.
class history_book {
public:
  static constexpr std::size_t count_max = 256; // further ones are refused: too_many_histories

  // What the store holds; errors of the store and of key_history::decode.
  result<void> load(store::backend& disk);
  // Null: there is none. Shared, because it may be replaced while it is read.
  std::shared_ptr<const dids::key_history> find(const did& subject) const;
  // Whether `given` is to be put into the store and here; false: what is here says as much. invalid
  // "no_web_name" (this node has no domain name), "not_served" (a DID that is not of this node),
  // "not_yet" (its last key is of the future); conflict "node_key" and "agent_key" (it does not
  // lead to the key of the node, or of the agent that lives here by that name), "rotation_fork";
  // overloaded "too_many_histories".
  result<bool> admits(const web_place& at, const dids::key_history& given, wall_ms now) const;
  void put(dids::key_history h);
  void erase(const did& subject);

private:
  mutable std::mutex mutex_;
  std::map<did, std::shared_ptr<const dids::key_history>> histories_;
};

} // namespace kith::edge
