// Contexts of OpenSSL: the settings of the protocol, certificates and keys from files, and roots.
#include "runtime/net/sockets.hpp"
#include "runtime/net/tls_openssl.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::net {
namespace {

constexpr mode_t key_mode_max = 0640;
constexpr std::size_t roots_max = 1024; // of one file of extra roots
constexpr wall_ms day_ms = 24 * 60 * 60 * 1000;
constexpr wall_ms clock_skew_ms = day_ms; // of those who look at a fresh self-signed certificate
constexpr int security_level = 2;         // 112 bits: RSA of 2048, no SHA-1
// RFC 9325 section 4.2; the suites of TLS 1.3 are all fine as they are.
constexpr const char* ciphers_tls_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";
constexpr unsigned char alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Bytes that are wiped: they may hold a key.
struct file_bytes {
  bytes data;
  mode_t mode = 0;
  file_bytes() = default;
  file_bytes(file_bytes&&) = default;
  ~file_bytes() { OPENSSL_cleanse(data.data(), data.size()); }
};

result<file_bytes> read_file(const std::string& path) {
  const auto unreadable = [&](const std::string& why) {
    return fail(errc::io, "tls_file_unreadable", path + " cannot be read: " + why);
  };
  // A pipe without a writer must not hold us up.
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return unreadable(errno_text(errno));
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return unreadable(errno_text(errno));
  if (!S_ISREG(about.st_mode)) return unreadable("it is not a file");
  file_bytes out;
  out.mode = about.st_mode & 07777;
  out.data.resize(tls_server_context::file_size_max + 1); // once: growing would leave copies behind
  std::size_t have = 0;
  while (have < out.data.size()) {
    const ssize_t n = ::read(fd.get(), out.data.data() + have, out.data.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(errno_text(errno));
    if (n == 0) break;
    have += std::size_t(n);
  }
  if (have > tls_server_context::file_size_max)
    return fail(errc::too_large, "tls_file_too_large", path + " is larger than 1 MiB");
  out.data.resize(have);
  return out;
}

// Changes whenever one of the files does.
std::string stamp_of(const tls_files& files) {
  std::string out;
  for (const std::string& path : {files.chain, files.key}) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) about = {};
    for (const auto part :
         {std::uint64_t(about.st_dev), std::uint64_t(about.st_ino), std::uint64_t(about.st_size),
          std::uint64_t(about.st_mode), std::uint64_t(about.st_mtim.tv_sec),
          std::uint64_t(about.st_mtim.tv_nsec)})
      out += std::to_string(part) + ' ';
  }
  return out;
}

// Without it OpenSSL asks on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

result<key_ptr> read_key(const std::string& path) {
  KITH_ASSIGN(const file_bytes file, read_file(path));
  if ((file.mode & ~key_mode_max) != 0) {
    char mode[16];
    std::snprintf(mode, sizeof mode, "%04o", unsigned(file.mode));
    return fail(errc::forbidden, "tls_key_exposed",
                path + " has mode " + mode + "; others may read the key: chmod 0640 or 0600");
  }
  const bio_ptr memory(need(BIO_new_mem_buf(file.data.data(), int(file.data.size()))));
  ERR_clear_error();
  key_ptr key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr));
  if (key) return key;
  const std::string_view text = as_text(file.data);
  const bool encrypted = text.find("ENCRYPTED") != text.npos;
  return fail(errc::malformed, "bad_key",
              path + (encrypted ? " has an encrypted key; store it without a passphrase"
                                : " has no private key in PEM: " + openssl_reason()));
}

wall_ms end_of(const X509* certificate) {
  tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return 0;
  return wall_ms(::timegm(&at)) * 1000;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn, sizeof alpn, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL; // RFC 7301 section 3.2: no_application_protocol
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

ssl_context_ptr make_server_context() {
  ssl_context_ptr out = make_ssl_context(TLS_server_method());
  SSL_CTX_set_options(out.get(), SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_num_tickets(out.get(), 0);
  SSL_CTX_set_alpn_select_cb(out.get(), select_alpn, nullptr);
  return out;
}

result<void> use(SSL_CTX* context, const std::vector<x509_ptr>& chain, EVP_PKEY* key,
                 const tls_files& files) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return fail(errc::malformed, "bad_certificate",
                files.chain + " has a certificate that cannot be used: " + openssl_reason());
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
      return fail(errc::malformed, "bad_certificate",
                  files.chain + ": certificate " + std::to_string(i + 1) +
                      " cannot be used: " + openssl_reason());
  if (X509_check_private_key(chain.front().get(), key) != 1)
    return fail(errc::conflict, "tls_key_mismatch",
                "the key in " + files.key + " does not belong to the first certificate in " +
                    files.chain);
  if (SSL_CTX_use_PrivateKey(context, key) != 1)
    return fail(errc::malformed, "bad_key",
                files.key + " has a key that cannot be used: " + openssl_reason());
  return {};
}

result<void> trust_all(SSL_CTX* context, byte_view pem, const std::string& where) {
  KITH_ASSIGN(const auto roots, read_certificates(pem, where, roots_max));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const x509_ptr& one : roots)
    if (X509_STORE_add_cert(store, one.get()) != 1)
      return fail(errc::malformed, "bad_certificate", where + ": " + openssl_reason());
  return {};
}

} // namespace

ssl_context_ptr make_ssl_context(const SSL_METHOD* method) {
  ssl_context_ptr out(need(SSL_CTX_new(method)));
  SSL_CTX* const c = out.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(c, 0);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle streams give their record buffers back.
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_security_level(c, security_level);
  SSL_CTX_set_cipher_list(c, ciphers_tls_1_2);
  return out;
}

result<tls_server_context::impl> tls_server_context::impl::load(const tls_files& files) {
  impl out;
  out.files = files;
  out.stamp = stamp_of(files); // before reading: what changes meanwhile is seen the next time
  KITH_ASSIGN(const file_bytes pem, read_file(files.chain));
  KITH_ASSIGN(const auto chain, read_certificates(pem.data, files.chain, certificates_max));
  KITH_ASSIGN(const key_ptr key, read_key(files.key));
  out.context = make_server_context();
  KITH_TRY(use(out.context.get(), chain, key.get(), files));
  out.certificate = to_pem(chain.front().get());
  out.expires = end_of(chain.front().get());
  return out;
}

tls_server_context::impl tls_server_context::impl::make_self_signed(wall_ms now) {
  const tls_certificate made = make_certificate({.name = "Kith on this machine",
                                                 .dns = {"localhost"},
                                                 .ips = {"127.0.0.1", "::1"},
                                                 .from = now - clock_skew_ms,
                                                 .until = now + 365 * day_ms});
  impl out;
  out.context = make_server_context();
  SSL_CTX_use_certificate(out.context.get(), made.certificate.get());
  SSL_CTX_use_PrivateKey(out.context.get(), made.key.get());
  out.certificate = made.certificate_pem();
  out.expires = end_of(made.certificate.get());
  return out;
}

result<std::unique_ptr<tls_server_context>> tls_server_context::from_files(tls_files files) {
  KITH_ASSIGN(auto loaded, impl::load(files));
  return std::unique_ptr<tls_server_context>(
      new tls_server_context(std::make_unique<impl>(std::move(loaded))));
}

std::unique_ptr<tls_server_context> tls_server_context::self_signed(wall_ms now) {
  return std::unique_ptr<tls_server_context>(
      new tls_server_context(std::make_unique<impl>(impl::make_self_signed(now))));
}

tls_server_context::tls_server_context(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
tls_server_context::~tls_server_context() = default;

result<bool> tls_server_context::refresh(wall_ms now) {
  if (impl_->files.chain.empty()) {
    const wall_ms margin =
        std::chrono::floor<std::chrono::milliseconds>(self_signed_renewal).count();
    if (now < impl_->expires - margin) return false;
    *impl_ = impl::make_self_signed(now);
    return true;
  }
  std::string seen = stamp_of(impl_->files);
  if (seen == impl_->stamp) return false;
  impl_->stamp = std::move(seen);
  KITH_ASSIGN(*impl_, impl::load(impl_->files));
  return true;
}

const std::string& tls_server_context::certificate() const { return impl_->certificate; }
wall_ms tls_server_context::expires() const { return impl_->expires; }

result<std::unique_ptr<tls_client_context>> tls_client_context::make(const tls_trust& trust) {
  auto made = std::make_unique<impl>();
  made->context = make_ssl_context(TLS_client_method());
  SSL_CTX* const context = made->context.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn);
  if (trust.system_roots && SSL_CTX_set_default_verify_paths(context) != 1) throw std::bad_alloc();
  for (const std::string& path : trust.ca_files) {
    KITH_ASSIGN(const file_bytes pem, read_file(path));
    KITH_TRY(trust_all(context, pem.data, path));
  }
  if (!trust.ca_pem.empty())
    KITH_TRY(trust_all(context, as_bytes(trust.ca_pem), "the given root certificate"));
  return std::unique_ptr<tls_client_context>(new tls_client_context(std::move(made)));
}

tls_client_context::tls_client_context(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
tls_client_context::~tls_client_context() = default;

} // namespace kith::net
