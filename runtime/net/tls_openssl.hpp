// The inside of TLS, for the sources and tests of this folder that stand on OpenSSL: pointers that
// free, errors in our words, and certificates made here.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace kith::net {

template <auto Free> struct openssl_free {
  template <class T> void operator()(T* p) const { Free(p); }
};
using ssl_context_ptr = std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_free<SSL_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_free<BIO_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_free<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;

// The first error of this thread's queue, as OpenSSL words it; empties the queue.
std::string openssl_reason();
// OpenSSL fails here for want of memory only: std::bad_alloc.
template <class T> T* need(T* p) {
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

// The settings that server and client share.
ssl_context_ptr make_ssl_context(const SSL_METHOD* method);

struct tls_server_context::impl {
  ssl_context_ptr context;
  std::string certificate; // PEM
  wall_ms expires = 0;
  tls_files files;   // empty paths: self-signed
  std::string stamp; // what refresh() saw last of the files

  static result<impl> load(const tls_files& files);
  static impl make_self_signed(wall_ms now);
};

struct tls_client_context::impl {
  ssl_context_ptr context;
};

struct tls_certificate {
  x509_ptr certificate;
  key_ptr key;
  std::string certificate_pem() const;
  std::string key_pem() const;
};

struct tls_certificate_spec {
  std::string name;                  // the subject's common name
  std::vector<std::string> dns, ips; // subject alternative names (RFC 5280 section 4.2.1.6)
  wall_ms from = 0, until = 0;       // whole seconds of them
  bool authority = false;            // it signs others
};
// A fresh ECDSA P-256 key and its certificate, signed by `issuer`, or by itself.
tls_certificate make_certificate(const tls_certificate_spec& spec,
                                 const tls_certificate* issuer = nullptr);

// Every certificate in `pem`, 1 to `count_max`. `where` names it in errors: malformed
// "bad_certificate".
result<std::vector<x509_ptr>> read_certificates(byte_view pem, const std::string& where,
                                                std::size_t count_max);
std::string to_pem(X509* certificate);

} // namespace kith::net
