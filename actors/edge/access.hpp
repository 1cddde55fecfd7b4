// Who sends a request: nobody known, the operator by the node's local token, or a DID by a
// signature (RFC 9421). What each may do is decided by the routes.
#pragma once

#include "protocols/httpsig/replay_cache.hpp"
#include "protocols/httpsig/verify.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"
#include "runtime/identity/did.hpp"
#include "runtime/net/http.hpp"

#include <functional>
#include <unordered_set>

namespace kith::edge {

struct principal {
  enum class kind : std::uint8_t { nobody, signer, node_operator } is = kind::nobody;
  did who; // of a signer

  bool known() const { return is != kind::nobody; }
  bool rules() const { return is == kind::node_operator; }
};

// Which DIDs outside may have a mailbox here.
enum class mailbox_policy : std::uint8_t { closed, listed, open };

struct access_options {
  std::string operator_token; // empty: there is none
  mailbox_policy mailboxes = mailbox_policy::listed;
  std::unordered_set<did> listed;
  // What clients see as scheme; empty: as the connection has it. For a proxy that ends TLS.
  std::string scheme;
  httpsig::unix_seconds created_age_max = 300;
  httpsig::unix_seconds clock_skew_max = 30;
  std::size_t replays_max = 1 << 18;
};

// Not thread-safe: it lives on the edge's reactor.
class gatekeeper {
public:
  // `member`: whether a DID has business here, such as a mailbox. Signed requests of others are
  // remembered apart, so that strangers, who can make DIDs for nothing, take no room of members.
  gatekeeper(access_options options, random_source& random, std::function<bool(const did&)> member);

  // nobody, if the request claims nothing. unauthenticated "token_wrong", the errors of
  // httpsig::verify and check_replay; each context is a sentence for the sender.
  result<principal> identify(const net::http_request& request, wall_ms now);
  // Whether this DID may have a mailbox here: forbidden "mailboxes_closed" or "not_listed".
  result<void> admit_mailbox(const did& who) const;

private:
  access_options options_;
  byte_array<32> token_digest_{};
  httpsig::verify_policy policy_;
  std::function<bool(const did&)> member_;
  httpsig::replay_cache members_replays_, strangers_replays_;
};

} // namespace kith::edge
