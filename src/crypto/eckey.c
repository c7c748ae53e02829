/* eckey.c - libcrypto's P-256 in the forms that ACME wants. libcrypto signs in DER; ES256 is the two numbers side by side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/eckey.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define DER_SIGNATURE_MAX 80
#define HOST_MAX          253

struct eckey {
    EVP_PKEY *pkey;
};

static enum status adopt(EVP_PKEY *pkey, struct eckey **ret) {
    struct eckey *k = calloc(1, sizeof *k);
    if (!k) abort();
    k->pkey = pkey;
    *ret = k;
    return STATUS_OK;
}

enum status eckey_generate(struct eckey **ret) {
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    return pkey ? adopt(pkey, ret) : STATUS_IO;
}

static bool is_p256(const EVP_PKEY *pkey) {
    char group[32];
    size_t n;
    return EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
           str_eq(str_make(group, n), STR("prime256v1"));
}

/* Nobody is asked for a pass phrase. */
static int no_phrase(char *to, int size, int writing, void *arg) {
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return 0;
}

enum status eckey_read(struct str pem, struct eckey **ret) {
    BIO *in = pem.n > 0 && pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *pkey = in ? PEM_read_bio_PrivateKey(in, NULL, no_phrase, NULL) : NULL;
    BIO_free(in);
    ERR_clear_error(); /* or a TLS connection of this thread would take the blame */
    if (pkey && is_p256(pkey)) return adopt(pkey, ret);
    EVP_PKEY_free(pkey);
    return STATUS_CORRUPT;
}

enum status eckey_write(const struct eckey *k, struct buf *out) {
    BIO *to = BIO_new(BIO_s_secmem());
    char *text;
    bool ok = to && PEM_write_bio_PrivateKey(to, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
    long n = ok ? BIO_get_mem_data(to, &text) : 0;
    if (n > 0) buf_add(out, text, (size_t)n);
    BIO_free(to);
    return n > 0 ? STATUS_OK : STATUS_IO;
}

void eckey_free(struct eckey **k) {
    if (!*k) return;
    EVP_PKEY_free((*k)->pkey);
    free(*k);
    *k = NULL;
}

static bool coordinate(const struct eckey *k, const char *name, uint8_t to[ECKEY_COORDINATE]) {
    BIGNUM *number = NULL;
    bool ok =
        EVP_PKEY_get_bn_param(k->pkey, name, &number) == 1 && BN_bn2binpad(number, to, ECKEY_COORDINATE) == ECKEY_COORDINATE;
    BN_free(number);
    return ok;
}

enum status eckey_point(const struct eckey *k, uint8_t ret_x[ECKEY_COORDINATE], uint8_t ret_y[ECKEY_COORDINATE]) {
    bool ok = coordinate(k, OSSL_PKEY_PARAM_EC_PUB_X, ret_x) && coordinate(k, OSSL_PKEY_PARAM_EC_PUB_Y, ret_y);
    return ok ? STATUS_OK : STATUS_IO;
}

/* DER to r and s. */
static bool add_numbers(struct buf *out, const unsigned char *der, size_t n) {
    uint8_t pair[ECKEY_SIGNATURE];
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = numbers && BN_bn2binpad(ECDSA_SIG_get0_r(numbers), pair, ECKEY_COORDINATE) == ECKEY_COORDINATE &&
              BN_bn2binpad(ECDSA_SIG_get0_s(numbers), pair + ECKEY_COORDINATE, ECKEY_COORDINATE) == ECKEY_COORDINATE;
    ECDSA_SIG_free(numbers);
    if (ok) buf_add(out, pair, sizeof pair);
    return ok;
}

enum status eckey_sign(const struct eckey *k, struct str data, struct buf *out) {
    unsigned char der[DER_SIGNATURE_MAX];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
              EVP_DigestSign(ctx, der, &n, (const unsigned char *)data.p, data.n) == 1 && add_numbers(out, der, n);
    EVP_MD_CTX_free(ctx);
    return ok ? STATUS_OK : STATUS_IO;
}

bool eckey_verify(const struct eckey *k, struct str data, struct str signature) {
    if (signature.n != ECKEY_SIGNATURE) return false;
    const uint8_t *bytes = (const uint8_t *)signature.p;
    unsigned char *der = NULL;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    ECDSA_SIG_set0(numbers, BN_bin2bn(bytes, ECKEY_COORDINATE, NULL),
                   BN_bin2bn(bytes + ECKEY_COORDINATE, ECKEY_COORDINATE, NULL));
    int n = i2d_ECDSA_SIG(numbers, &der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = n > 0 && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
              EVP_DigestVerify(ctx, der, (size_t)n, (const unsigned char *)data.p, data.n) == 1;
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(numbers);
    OPENSSL_free(der);
    ERR_clear_error();
    return ok;
}

/* A name goes into an extension written in a small language of OpenSSL's: only what a host name holds may get there. */
static bool is_host_name(struct str host) {
    for (size_t i = 0; i < host.n; i++)
        if (!ascii_is_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '.') return false;
    return host.n > 0 && host.n <= HOST_MAX;
}

static bool add_alternative_name(X509_REQ *request, struct str host) {
    BUF_AUTO value = {0};
    buf_addf(&value, "DNS:%.*s", STR_ARG(host));
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *name = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value.p);
    bool is_pushed = extensions && name && sk_X509_EXTENSION_push(extensions, name) > 0;
    if (!is_pushed) X509_EXTENSION_free(name);
    bool ok = is_pushed && X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return ok;
}

enum status eckey_request(const struct eckey *k, struct str host, struct buf *out) {
    if (!is_host_name(host)) return STATUS_INVALID;
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    bool ok = request && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 && X509_REQ_set_pubkey(request, k->pkey) == 1 &&
              add_alternative_name(request, host) && X509_REQ_sign(request, k->pkey, EVP_sha256()) > 0;
    int n = ok ? i2d_X509_REQ(request, &der) : 0;
    if (n > 0) buf_add(out, der, (size_t)n);
    OPENSSL_free(der);
    X509_REQ_free(request);
    ERR_clear_error();
    return n > 0 ? STATUS_OK : STATUS_IO;
}
