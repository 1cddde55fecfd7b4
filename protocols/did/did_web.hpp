// did:web (https://w3c-ccg.github.io/did-method-web/, draft of May 2026): a DID that is the place
// of a document on the web. Strict about its path, because the text comes from strangers and ends
// in a request that we make.
#pragma once

#include "protocols/did/document.hpp"
#include "protocols/did/rotation.hpp"

namespace kith::dids {

inline constexpr std::size_t web_segments_max = 16; // of a path; more are refused

// "https://example.com:3000/user/alice/did.json". The host is a domain name, never an address; its
// letters become small. malformed "bad_did": no host, a port out of range, an empty or dot segment,
// and any %-encoded character that could mean something to a server ("/", "\", ".", "%", controls,
// beyond ASCII) or that needs no encoding.
result<std::string> web_url(const did& subject);
// The other way, exactly: malformed "bad_did_url" unless web_url of the result is `url` again. No
// user, query or fragment, and nothing that would have to be encoded first.
result<did> web_did(std::string_view url);

// The DID that a node at `host` (a domain name; port 0: the default) serves at
// /.well-known/did.json. invalid "bad_host".
result<did> web_node_did(std::string_view host, std::uint16_t port);
// The DID of an agent there, served at /agents/{name}/did.json. invalid "bad_name" unless the name
// is 1 to 64 of a-z, A-Z, 0-9, ".", "-", "_" and not dots only; "bad_host".
result<did> web_agent_did(std::string_view host, std::uint16_t port, std::string_view name);

// A way in: what stands as a service of a node or agent.
struct door {
  std::string name; // the service's fragment: "inbox"
  std::string type;
  json endpoint; // a URL, mostly
};

// The document that we serve for `subject`. All keys of the history stand in it by their multibase
// as fragment. Only the last may authenticate and act; one that expired stays an assertion method,
// so that what it signed in its time can be verified; a revoked one is under no relationship.
// alsoKnownAs begins with the did:key of the last.
document web_document(const did& subject, const std::vector<key_period>& history,
                      const std::vector<door>& doors,
                      const std::vector<std::string>& also_known_as = {});

} // namespace kith::dids
