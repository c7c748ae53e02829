/* digest.c - libcrypto's SHA-256 behind plain values. Fetching an algorithm looks providers up under locks and costs more
 * than hashing a short text, so it happens once; a failure here is a broken libcrypto and aborts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

static EVP_MD *md; /* both written once, before their first reader */
static EVP_MAC_CTX *mac;

static void must(int ok) {
    if (ok != 1) abort();
}

static void fetch(void) {
    char name[] = "SHA256";
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    md = EVP_MD_fetch(NULL, name, NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    mac = EVP_MAC_CTX_new(hmac); /* the pattern that each HMAC copies */
    EVP_MAC_free(hmac);
    must(md && mac && EVP_MAC_CTX_set_params(mac, digest) == 1);
}

static void need_libcrypto(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
}

static const unsigned char *bytes_of(struct str s) {
    return (const unsigned char *)(s.n ? s.p : ""); /* never NULL: libcrypto takes NULL for "no key" */
}

struct sha256 sha256(struct str data) {
    struct sha256 h;
    need_libcrypto();
    must(EVP_Digest(bytes_of(data), data.n, h.b, NULL, md, NULL));
    return h;
}

struct sha256 hmac_sha256(struct str key, struct str data) {
    struct sha256 h;
    need_libcrypto();
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(mac);
    must(ctx && EVP_MAC_init(ctx, bytes_of(key), key.n, NULL) == 1);
    must(EVP_MAC_update(ctx, bytes_of(data), data.n));
    must(EVP_MAC_final(ctx, h.b, NULL, sizeof h.b));
    EVP_MAC_CTX_free(ctx);
    return h;
}

struct sha1 hmac_sha1(struct str key, struct str data) {
    struct sha1 h;
    char name[] = "SHA1";
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    need_libcrypto();
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(mac);
    must(ctx && EVP_MAC_init(ctx, bytes_of(key), key.n, digest) == 1);
    must(EVP_MAC_update(ctx, bytes_of(data), data.n));
    must(EVP_MAC_final(ctx, h.b, NULL, sizeof h.b));
    EVP_MAC_CTX_free(ctx);
    return h;
}

/* `struct digest` is libcrypto's context and nothing else. */
static EVP_MD_CTX *ctx_of(struct digest *d) {
    return (EVP_MD_CTX *)d;
}

struct digest *digest_new(void) {
    need_libcrypto();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1);
    return (struct digest *)ctx;
}

void digest_add(struct digest *d, struct str data) {
    must(EVP_DigestUpdate(ctx_of(d), bytes_of(data), data.n));
}

struct sha256 digest_finish(struct digest *d) {
    struct sha256 h;
    must(EVP_DigestFinal_ex(ctx_of(d), h.b, NULL));
    must(EVP_DigestInit_ex2(ctx_of(d), md, NULL));
    return h;
}

void digest_free(struct digest **d) {
    EVP_MD_CTX_free(ctx_of(*d));
    *d = NULL;
}
