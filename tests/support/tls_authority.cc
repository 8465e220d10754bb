#include "tests/support/tls_authority.h"

#include <cstdio>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace belay::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr long kHour = 3600;

Key make_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  BELAY_CHECK(extension != nullptr, "not a certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(EVP_PKEY* key, const std::string& name, long serial,
                             long ends_in_seconds) {
  Certificate made(X509_new(), &X509_free);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -24 * kHour);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), ends_in_seconds);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return made;
}

void write_key(const std::filesystem::path& path, EVP_PKEY* key) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  BELAY_CHECK(file != nullptr &&
                  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
              "a key could not be written");
  std::fclose(file);
}

void write_certificate(const std::filesystem::path& path, X509* certificate) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  BELAY_CHECK(file != nullptr && PEM_write_X509(file, certificate) == 1,
              "a certificate could not be written");
  std::fclose(file);
}

}  // namespace

struct TlsAuthority::Keys {
  Key key = make_key();
  Certificate certificate = make_certificate(key.get(), "Belay's test authority", 1, 24 * kHour);
};

TlsAuthority::TlsAuthority() : keys_(std::make_unique<Keys>()) {
  X509* own = keys_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  X509_sign(own, keys_->key.get(), EVP_sha256());
  write_certificate(ca_file(), own);
}

TlsAuthority::~TlsAuthority() = default;

TlsAuthority::Issued TlsAuthority::issue(const std::string& names) {
  return issue(names, 24 * kHour);
}

TlsAuthority::Issued TlsAuthority::issue_expired(const std::string& names) {
  return issue(names, -kHour);
}

TlsAuthority::Issued TlsAuthority::issue(const std::string& names, long ends_in_seconds) {
  const std::string stem = "issued-" + std::to_string(++issued_);
  const Key key = make_key();
  const Certificate made = make_certificate(key.get(), stem, 1 + issued_, ends_in_seconds);
  X509* authority = keys_->certificate.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(authority));
  add_extension(made.get(), authority, NID_subject_alt_name, names);
  add_extension(made.get(), authority, NID_authority_key_identifier, "keyid");
  X509_sign(made.get(), keys_->key.get(), EVP_sha256());
  const Issued issued{directory_.path() / (stem + ".pem"), directory_.path() / (stem + ".key")};
  write_certificate(issued.certificate, made.get());
  write_key(issued.key, key.get());
  return issued;
}

}  // namespace belay::test
