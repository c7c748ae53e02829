/* digest.h - SHA-256 and HMAC-SHA-256, one-shot and running, and HMAC-SHA-1 for second factors alone. libcrypto's EVP_MD is
 * fetched once per process. Any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CRYPTO_DIGEST_H
#define POSTHORN_CRYPTO_DIGEST_H

#include "base/str.h"

#define SHA256_LEN 32
struct sha256 {
    uint8_t b[SHA256_LEN];
};
struct sha256 sha256(struct str data);
struct sha256 hmac_sha256(struct str key, struct str data);

/* For RFC 6238, whose apps know no other; HMAC does not lean on what SHA-1 lost. */
struct sha1 {
    uint8_t b[20];
};
struct sha1 hmac_sha1(struct str key, struct str data);

struct digest; /* a running SHA-256 */
struct digest *digest_new(void);
void digest_add(struct digest *d, struct str data);
/* The digest of all added; the object is ready for a new run. */
struct sha256 digest_finish(struct digest *d);
void digest_free(struct digest **d);

static inline struct str sha256_str(const struct sha256 *h) {
    return (struct str){(const char *)h->b, SHA256_LEN};
}

#endif
