/* signkey.c - one table entry a key type; the rest is libcrypto. An RSA signature starts from a kept EVP_PKEY_CTX that has
 * its padding and digest set; Ed25519 has no such context and starts a one-shot EVP_DigestSign in a kept EVP_MD_CTX.
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signkey.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define RSA_BITS        2048
#define ED25519_LEN     32
#define SIGNATURE_BYTES 256 /* RSA-2048; Ed25519 needs 64 */

struct signkey {
    enum signkey_type type;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *rsa;   /* RSA: ready to sign a SHA-256 hash */
    EVP_MD_CTX *ed25519; /* Ed25519 */
};

static bool is_type(const EVP_PKEY *pkey, enum signkey_type type) {
    return type == SIGNKEY_RSA2048 ? EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == RSA_BITS
                                   : EVP_PKEY_is_a(pkey, "ED25519");
}

/* DER that libcrypto allocated, into out. */
static bool add_der(struct buf *out, unsigned char *der, int n) {
    if (n <= 0) return false;
    buf_add(out, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    return true;
}

static bool add_private(struct buf *out, const EVP_PKEY *pkey) {
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *pkcs8 = EVP_PKEY2PKCS8(pkey);
    int n = pkcs8 ? i2d_PKCS8_PRIV_KEY_INFO(pkcs8, &der) : 0;
    PKCS8_PRIV_KEY_INFO_free(pkcs8);
    return add_der(out, der, n);
}

static bool add_public(struct buf *out, const EVP_PKEY *pkey, enum signkey_type type) {
    if (type == SIGNKEY_RSA2048) {
        unsigned char *der = NULL;
        int n = i2d_PUBKEY(pkey, &der);
        return add_der(out, der, n);
    }
    size_t n = ED25519_LEN;
    if (EVP_PKEY_get_raw_public_key(pkey, (unsigned char *)buf_reserve(out, n), &n) != 1) return false;
    buf_grew(out, n);
    return true;
}

enum status signkey_generate(enum signkey_type type, struct buf *ret_private, struct buf *ret_public) {
    EVP_PKEY *pkey = type == SIGNKEY_RSA2048 ? EVP_RSA_gen(RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!pkey) return STATUS_IO;
    struct buf private = {0}, public = {0};
    bool ok = add_private(&private, pkey) && add_public(&public, pkey, type);
    EVP_PKEY_free(pkey);
    if (!ok) {
        buf_wipe(&private);
        buf_fini(&public);
        return STATUS_IO;
    }
    buf_wipe(ret_private);
    buf_fini(ret_public);
    *ret_private = private;
    *ret_public = public;
    return STATUS_OK;
}

/* RSASSA-PKCS1-v1_5 with SHA-256, to sign or to verify. */
static bool rsa_set_up(EVP_PKEY_CTX *ctx, int (*init)(EVP_PKEY_CTX *)) {
    return ctx && init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
}

enum status signkey_open(enum signkey_type type, struct str private_der, struct signkey **ret) {
    const unsigned char *at = (const unsigned char *)private_der.p;
    if (private_der.n == 0 || private_der.n > INT_MAX) return STATUS_CORRUPT;
    struct signkey *k = calloc(1, sizeof *k);
    if (!k) abort();
    k->type = type;
    k->pkey = d2i_AutoPrivateKey(NULL, &at, (long)private_der.n);
    bool ok = k->pkey && at == (const unsigned char *)private_der.p + private_der.n && is_type(k->pkey, type);
    if (ok && type == SIGNKEY_RSA2048) {
        k->rsa = EVP_PKEY_CTX_new(k->pkey, NULL);
        ok = rsa_set_up(k->rsa, EVP_PKEY_sign_init);
    } else if (ok) {
        k->ed25519 = EVP_MD_CTX_new();
        ok = k->ed25519 != NULL;
    }
    if (!ok) {
        ERR_clear_error(); /* or a TLS connection of this thread would take the blame */
        signkey_free(&k);
        return STATUS_CORRUPT;
    }
    *ret = k;
    return STATUS_OK;
}

void signkey_free(struct signkey **k) {
    if (!*k) return;
    EVP_PKEY_CTX_free((*k)->rsa);
    EVP_MD_CTX_free((*k)->ed25519);
    EVP_PKEY_free((*k)->pkey);
    free(*k);
    *k = NULL;
}

enum signkey_type signkey_type(const struct signkey *k) {
    return k->type;
}

enum status signkey_sign(struct signkey *k, const struct sha256 *hash, struct buf *out) {
    size_t n = SIGNATURE_BYTES;
    unsigned char *to = (unsigned char *)buf_reserve(out, n);
    bool ok = k->rsa ? EVP_PKEY_sign(k->rsa, to, &n, hash->b, SHA256_LEN) == 1
                     : EVP_DigestSignInit(k->ed25519, NULL, NULL, NULL, k->pkey) == 1 &&
                           EVP_DigestSign(k->ed25519, to, &n, hash->b, SHA256_LEN) == 1;
    if (!ok) return STATUS_IO;
    buf_grew(out, n);
    return STATUS_OK;
}

static bool verify_rsa(EVP_PKEY *pkey, const struct sha256 *hash, struct str signature) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = rsa_set_up(ctx, EVP_PKEY_verify_init) &&
              EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n, hash->b, SHA256_LEN) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool verify_ed25519(EVP_PKEY *pkey, const struct sha256 *hash, struct str signature) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, hash->b, SHA256_LEN) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool signkey_verify(enum signkey_type type, struct str public_key, const struct sha256 *hash, struct str signature) {
    if (public_key.n == 0 || public_key.n > INT_MAX || signature.n == 0) return false;
    const unsigned char *at = (const unsigned char *)public_key.p;
    EVP_PKEY *pkey = type == SIGNKEY_RSA2048 ? d2i_PUBKEY(NULL, &at, (long)public_key.n)
                                             : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, at, public_key.n);
    bool ok = pkey && is_type(pkey, type);
    ok = ok && (type == SIGNKEY_RSA2048 ? verify_rsa(pkey, hash, signature) : verify_ed25519(pkey, hash, signature));
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return ok;
}
