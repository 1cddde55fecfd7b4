// Who we are and whom we trust, for TLS: a certificate with its key for the serving side, roots for
// the dialling side. One serves any number of streams. OpenSSL stays behind these pointers.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kith::net {

// Files in PEM. `chain` has the server's own certificate first, then those between it and a root;
// `key` has its private key, not encrypted. They may be one file.
struct tls_files {
  std::string chain;
  std::string key;
};

// What a server shows. Speaks TLS 1.3 and 1.2 (RFC 8446, RFC 5246 with forward secrecy and AEAD
// only), ALPN "http/1.1" (RFC 7301); no renegotiation, no compression, no resumption. Not
// thread-safe: create it anywhere, then call it on one thread.
class tls_server_context {
public:
  static constexpr std::size_t file_size_max = 1024 * 1024; // a larger file is refused
  static constexpr std::size_t certificates_max = 16;       // of a chain; a longer one is refused
  // What is self-signed is made anew this long before its end.
  static constexpr duration self_signed_renewal = std::chrono::hours(24 * 30);

  // Each error names the file and what is wrong with it: io "tls_file_unreadable"; too_large
  // "tls_file_too_large"; forbidden "tls_key_exposed" (the key's mode is wider than 0640);
  // malformed "bad_certificate" (also a key too short for OpenSSL's security level 2: RSA below
  // 2048 bits) or "bad_key"; conflict "tls_key_mismatch" (the key is of another certificate).
  static result<std::unique_ptr<tls_server_context>> from_files(tls_files files);

  // A new ECDSA P-256 key and a certificate for localhost, 127.0.0.1 and ::1, for a year from
  // `now`; neither is written anywhere. For loopback only: nobody else has a reason to trust it.
  // Key and serial number come from OpenSSL's own random source, not from a random_source.
  static std::unique_ptr<tls_server_context> self_signed(wall_ms now);

  ~tls_server_context();
  tls_server_context(const tls_server_context&) = delete;

  // Call it now and then. Looks whether the files changed (size, time of change, inode) and, if so,
  // takes the new ones for connections from now on: true. If they are no good, the error is that of
  // from_files, the old certificate stays in use, and the same bad files are not looked at again.
  // What is self-signed is made anew when its end is near.
  result<bool> refresh(wall_ms now);

  // The server's own certificate in PEM: what a client may be told to trust.
  const std::string& certificate() const;
  // The end of its validity. An expired certificate is served all the same: say so in time.
  wall_ms expires() const;

  struct impl; // for the sources of this folder
  const impl& inner() const { return *impl_; }

private:
  explicit tls_server_context(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

// Whom a client trusts. There is no way to trust everybody.
struct tls_trust {
  // What the machine trusts: /etc/ssl/certs, or SSL_CERT_FILE. Without any, nobody is trusted.
  bool system_roots = true;
  std::vector<std::string> ca_files; // further roots; every certificate of such a file
  std::string ca_pem;                // further roots, at hand
};

// What a client goes by: the protocol as for the server; the chain must end in a root, the dates
// must hold, and the certificate must name the host. Revocation is not looked up. Immutable after
// make(), so thread-safe.
class tls_client_context {
public:
  // Errors: io "tls_file_unreadable", too_large "tls_file_too_large", malformed "bad_certificate",
  // each naming the file.
  static result<std::unique_ptr<tls_client_context>> make(const tls_trust& trust);

  ~tls_client_context();
  tls_client_context(const tls_client_context&) = delete;

  struct impl; // for the sources of this folder
  const impl& inner() const { return *impl_; }

private:
  explicit tls_client_context(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
