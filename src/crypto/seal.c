/* seal.c - AES-256-GCM through EVP. A nonce is random; with keys of one installation the number of sealed values stays far
 * below the 2^32 that random nonces allow. A failing encryption is a broken libcrypto and aborts; a failing decryption
 * is what hostile or damaged data looks like.
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"
#include "crypto/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NONCE_LEN = 12, TAG_LEN = 16, HEAD_LEN = 1 + NONCE_LEN, AROUND_LEN = HEAD_LEN + TAG_LEN };

/* RFC 5869 with one block of output: extract under an empty salt, then expand with the purpose. */
struct seal_key seal_derive(const struct seal_key *master, struct str purpose) {
    static const char salt[SHA256_LEN];
    struct sha256 extracted = hmac_sha256(str_make(salt, sizeof salt), str_make((const char *)master->b, SEAL_KEY_LEN));
    SECRET_AUTO info = {0};
    buf_add_str(&info, purpose);
    buf_add_char(&info, 1);
    struct sha256 expanded = hmac_sha256(sha256_str(&extracted), buf_str(&info));
    struct seal_key key;
    memcpy(key.b, expanded.b, sizeof key.b);
    explicit_bzero(&extracted, sizeof extracted);
    explicit_bzero(&expanded, sizeof expanded);
    return key;
}

/* A running AES-256-GCM that has taken key, nonce and context. */
static EVP_CIPHER_CTX *gcm_start(const struct seal_key *key, const char *nonce, struct str context, bool is_seal) {
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || context.n > INT_MAX) abort();
    if (EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key->b, (const unsigned char *)nonce, is_seal, NULL) != 1) abort();
    if (context.n && EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)context.p, (int)context.n) != 1) abort();
    return ctx;
}

/* All of `in`, as many bytes out. */
static bool gcm_run(EVP_CIPHER_CTX *ctx, struct str in, char *out) {
    int n;
    unsigned char *to = (unsigned char *)out;
    if (in.n && EVP_CipherUpdate(ctx, to, &n, (const unsigned char *)in.p, (int)in.n) != 1) return false;
    return EVP_CipherFinal_ex(ctx, to + in.n, &n) == 1;
}

void seal(const struct seal_key *key, struct str context, struct str secret, const struct rand *rand, struct buf *out) {
    if (secret.n > INT_MAX - AROUND_LEN) abort();
    char *to = buf_reserve(out, secret.n + AROUND_LEN);
    to[0] = VERSION;
    rand_fill(rand, to + 1, NONCE_LEN);
    EVP_CIPHER_CTX *ctx = gcm_start(key, to + 1, context, true);
    if (!gcm_run(ctx, secret, to + HEAD_LEN)) abort();
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, to + HEAD_LEN + secret.n) != 1) abort();
    EVP_CIPHER_CTX_free(ctx);
    buf_grew(out, secret.n + AROUND_LEN);
}

enum status seal_open(const struct seal_key *key, struct str context, struct str sealed, struct buf *out) {
    if (sealed.n < AROUND_LEN || sealed.n > INT_MAX || sealed.p[0] != VERSION) return STATUS_CORRUPT;
    struct str hidden = str_sub(sealed, HEAD_LEN, sealed.n - AROUND_LEN);
    char tag[TAG_LEN];
    memcpy(tag, sealed.p + sealed.n - TAG_LEN, TAG_LEN);
    char *to = buf_reserve(out, hidden.n);
    EVP_CIPHER_CTX *ctx = gcm_start(key, sealed.p + 1, context, false);
    bool ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1 && gcm_run(ctx, hidden, to);
    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        explicit_bzero(to, hidden.n);
        return STATUS_CORRUPT;
    }
    buf_grew(out, hidden.n);
    return STATUS_OK;
}
