/* sign.h - DKIM signatures for a message that is ready to go out.
 *
 * One `signer` belongs to one signer thread: it keeps the domains' keys opened (unsealing and parsing cost more than the hash of
 * a message) in a bounded cache, least recently used out first. The body is hashed once, whatever the number of keys. Headers
 * signed, oversigned: see proto/dkim/signature.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SIGN_H
#define POSTHORN_CORE_SIGN_H

#include "base/buf.h"
#include "base/status.h"
#include "crypto/seal.h"
#include "crypto/signkey.h"

#define SIGNER_KEYS_MAX 1024 /* opened keys a signer keeps */
#define SIGN_KEYS_MAX   4    /* keys of one message */

struct sign_key {
    int64_t id; /* of the row; keys of one id never change */
    struct str selector;
    enum signkey_type type;
    struct str private_sealed; /* PKCS#8 sealed under sign_context() */
};
struct sign_request {
    struct str message; /* the whole RFC 5322 message, CRLF lines */
    struct str domain;  /* d=, canonical */
    const struct sign_key *keys;
    size_t key_count; /* 1..SIGN_KEYS_MAX */
    int64_t wall_ms;  /* t= */
};

/* The seal context of a domain's private key, "dkim:<domain>:<selector>", appended to out. Whoever seals uses it too. */
void sign_context(struct str domain, struct str selector, struct buf *out);

struct signer;
/* `key` opens the sealed private keys; it is copied. */
struct signer *signer_new(const struct seal_key *key);
/* Wipes the copy of the key and frees the opened ones. NULL inside is fine. */
void signer_free(struct signer **s);

/* Append one DKIM-Signature header field a key to out, each ended by CRLF, in the order of the keys; they go in front of the
 * message. On failure nothing is appended: STATUS_INVALID when the message has no proper header block, STATUS_CORRUPT when a key
 * does not open. CPU-bound, about 1 ms an RSA key: signer threads only. */
WARN_UNUSED enum status sign_message(struct signer *s, const struct sign_request *request, struct buf *out);

#endif
