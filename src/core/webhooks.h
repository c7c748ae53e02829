/* webhooks.h - webhooks of a domain, and the key that signs its calls (Standard Webhooks): made on first need, kept sealed, shown
 * to its owner.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_WEBHOOKS_H
#define POSTHORN_CORE_WEBHOOKS_H

#include "base/clock.h"
#include "crypto/seal.h"
#include "store/webhooks.h"

/* Of a domain: an event's transaction writes a row for each, while everybody waits (P6, P8). */
#define WEBHOOKS_MAX           20
#define WEBHOOK_URL_MAX        2048                    /* bytes */
#define WEBHOOK_KEY_BYTES      32                      /* of randomness in a signing key */
#define WEBHOOK_KEY_OVERLAP_MS (INT64_C(86400) * 1000) /* a replaced signing key signs as well for so long */

enum webhook_url_verdict { WEBHOOK_URL_FINE, WEBHOOK_URL_MALFORMED, WEBHOOK_URL_FORBIDDEN };
#define WEBHOOK_OWN_MAX 4
/* Where we are, and what the operator allows. */
struct webhook_rules {
    struct str own_hosts[WEBHOOK_OWN_MAX]; /* names that are ours, on whatever port; "": none */
    struct str own_urls[WEBHOOK_OWN_MAX];  /* where our API and our links are: nothing of theirs is called, never */
    bool allow_private;                    /* any address, name of ours and port otherwise */
};
/* May this URL be called? Forbidden are addresses that are not public (core judges what is written; who calls judges what the
 * name leads to), names of this machine or of private networks, our own (WH23), and ports of other services (WH19). */
enum webhook_url_verdict webhook_url_judge(struct str text, const struct webhook_rules *rules, struct arena *arena);

/* On the writer. NOT_FOUND: the domain is not that account's. LIMIT: it has WEBHOOKS_MAX. */
WARN_UNUSED enum status webhook_create(struct db *tx, struct webhook *webhook);

/* On the writer: a new signing key for the domain, which the caller knows to exist, in place of the old one if there is any. It
 * is appended to out: "whsec_" and base64. */
WARN_UNUSED enum status webhook_make_signing_key(struct db *tx, int64_t domain_id, const struct seal_key *seal,
                                                 const struct rand *rand, struct buf *out);
struct webhook_rotation {
    int64_t domain_id, now;
    const struct seal_key *seal;
    const struct rand *rand;
    bool is_at_once; /* the old key signs no more: somebody knows it who should not */
};
/* The same while receivers change over: the old key signs too for WEBHOOK_KEY_OVERLAP_MS, one that it had replaced no more. */
WARN_UNUSED enum status webhook_rotate_signing_key(struct db *tx, const struct webhook_rotation *rotation, struct buf *out);
/* A sealed key of a domain, appended to out. CORRUPT: it was sealed under another master key. */
WARN_UNUSED enum status webhook_reveal_signing_key(const struct seal_key *seal, int64_t domain_id, struct str sealed,
                                                   struct buf *out);

#endif
