// The resolver as a session without I/O: a DID goes in, and out comes its resolution or what must
// be fetched first; what the fetch gave goes in, and the resolution comes out.
#pragma once

#include "protocols/did/cache.hpp"

namespace kith::dids {

// What to fetch, and how far to go. The fetcher uses https only (redirects too), connects to no
// private address, follows at most `redirects_max` redirects, and gives up past the limits. Two
// with the same subject ask for the same: one fetch may answer both.
struct fetch_intent {
  did subject;
  std::string url;
  std::string_view accept = "application/did+ld+json, application/did+json, application/json;q=0.9";
  std::size_t body_size_max = document::size_max;
  duration timeout{};
  unsigned redirects_max = 0;
};

struct fetch_outcome {
  enum class kind : std::uint8_t {
    answered,
    timed_out,
    unreachable,       // no such host, no connection, bad TLS, an answer that is not HTTP
    not_allowed,       // the host is at a private address
    too_large,         // more than body_size_max
    too_many_redirects // or one that leads away from https
  };
  kind what = kind::answered;
  // If it was answered:
  int status = 0;
  std::string content_type;
  std::string body;
};

// What a fetcher's error means here, by its category and code (runtime/net/http_client.hpp).
fetch_outcome failed_fetch(const error& why);

struct resolver_options {
  std::size_t count_max = 4096;           // of cached resolutions: the least recently used go
  std::size_t bytes_max = 32 << 20;       // that they take, about: the same
  duration ttl = std::chrono::minutes(5); // of what was fetched
  duration negative_ttl = std::chrono::seconds(30); // of a fetch that failed
  duration fetch_timeout = std::chrono::seconds(5);
  unsigned redirects_max = 3;
  bool derive_key_agreement = false; // see key_document
};

// Not thread-safe. It knows key, nostr and web; DIDs that the node itself serves are answered
// before it is asked.
class resolver {
public:
  explicit resolver(resolver_options options = {});

  // `text` is whatever somebody asked for.
  std::variant<resolution_ptr, fetch_intent> resolve(std::string_view text, time_point now);
  // What came of an intent; checked and cached. The document must have the DID as its id.
  resolution_ptr fetched(const fetch_intent& intent, const fetch_outcome& outcome, time_point now);
  // The next time it is resolved anew.
  void forget(const did& subject);

  const resolution_cache& fetched_cache() const { return fetched_; }
  const resolution_cache& computed_cache() const { return computed_; }

private:
  resolver_options options_;
  // Two, so that a flood of made-up did:keys does not drive out what costs a fetch.
  resolution_cache fetched_, computed_;
};

// What a fetch's outcome means for `subject`, by itself.
resolution judge_fetch(const did& subject, const fetch_outcome& outcome);

} // namespace kith::dids
