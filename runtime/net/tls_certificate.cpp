// Certificates: made here, read from PEM and written to it.
#include "runtime/net/tls_openssl.hpp"

namespace kith::net {
namespace {

constexpr int serial_bits = 127; // RFC 5280 section 4.1.2.2 takes at most 20 octets
constexpr long version_3 = 2;

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, std::size_t(size)};
}

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION_free>> made(
      need(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())));
  X509_add_ext(to, made.get(), -1);
}

void set_serial(X509* to) {
  const std::unique_ptr<BIGNUM, openssl_free<BN_free>> number(need(BN_new()));
  BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to));
}

} // namespace

std::string openssl_reason() {
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(first);
  return text != nullptr ? text : first == 0 ? "no reason given" : "error " + std::to_string(first);
}

tls_certificate make_certificate(const tls_certificate_spec& spec, const tls_certificate* issuer) {
  tls_certificate out{x509_ptr(need(X509_new())), key_ptr(need(EVP_EC_gen("P-256")))};
  X509* const made = out.certificate.get();
  X509_set_version(made, version_3);
  set_serial(made);
  ASN1_TIME_set(X509_getm_notBefore(made), time_t(spec.from / 1000));
  ASN1_TIME_set(X509_getm_notAfter(made), time_t(spec.until / 1000));
  X509_set_pubkey(made, out.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.name.c_str()), -1, -1, 0);
  X509* const signer = issuer != nullptr ? issuer->certificate.get() : made;
  X509_set_issuer_name(made, X509_get_subject_name(signer));

  add_extension(made, signer, NID_basic_constraints,
                spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(made, signer, NID_key_usage,
                spec.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!spec.authority) add_extension(made, signer, NID_ext_key_usage, "serverAuth");
  add_extension(made, signer, NID_subject_key_identifier, "hash");
  std::string names;
  for (const std::string& name : spec.dns) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& ip : spec.ips) names += (names.empty() ? "IP:" : ",IP:") + ip;
  if (!names.empty()) add_extension(made, signer, NID_subject_alt_name, names);

  EVP_PKEY* const signing = issuer != nullptr ? issuer->key.get() : out.key.get();
  if (X509_sign(made, signing, EVP_sha256()) == 0) throw std::bad_alloc();
  return out;
}

std::string to_pem(X509* certificate) {
  const bio_ptr memory(need(BIO_new(BIO_s_mem())));
  PEM_write_bio_X509(memory.get(), certificate);
  return text_of(memory.get());
}

std::string tls_certificate::certificate_pem() const { return to_pem(certificate.get()); }

std::string tls_certificate::key_pem() const {
  const bio_ptr memory(need(BIO_new(BIO_s_mem())));
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory.get());
}

result<std::vector<x509_ptr>> read_certificates(byte_view pem, const std::string& where,
                                                std::size_t count_max) {
  const bio_ptr memory(need(BIO_new_mem_buf(pem.data(), int(pem.size()))));
  std::vector<x509_ptr> out;
  ERR_clear_error();
  while (x509_ptr one{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)}) {
    if (out.size() == count_max)
      return fail(errc::malformed, "bad_certificate",
                  where + " has more than " + std::to_string(count_max) + " certificates");
    out.push_back(std::move(one));
  }
  // The end of the file is the one good reason to stop.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = openssl_reason();
  if (!at_end)
    return fail(errc::malformed, "bad_certificate",
                where + " has a certificate that does not decode: " + why);
  if (out.empty())
    return fail(errc::malformed, "bad_certificate", where + " has no certificate in PEM");
  return out;
}

} // namespace kith::net
