/* keys.h - sender keys: made once, found by their hash, shown again to their owner from the sealed form.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_KEYS_H
#define POSTHORN_CORE_KEYS_H

#include "crypto/seal.h"
#include "store/sender_keys.h"

#define SENDER_SCOPES_ALL (SENDER_SCOPE_SEND | SENDER_SCOPE_EVENTS | SENDER_SCOPE_WEBHOOKS)
#define SENDER_KEYS_MAX   1000 /* of a domain (P8) */

/* "send,events,webhooks" -> bits; blanks are allowed, an empty list or an unknown name is not. */
bool sender_scopes_parse(struct str text, int *ret_scopes);
void sender_scopes_format(int scopes, struct buf *out);

/* On the writer: add a key. `key` says whose it is and what it may; hash and sealed form are filled from `token`.
 * NOT_FOUND: the domain is not that account's. LIMIT: it has SENDER_KEYS_MAX. */
WARN_UNUSED enum status sender_key_create(struct db *tx, struct sender_key *key, struct str token, const struct seal_key *seal,
                                          const struct rand *rand);
/* On the writer: sender_key_create() in place of the domain's key `old_id`, or of all its keys (0), which end. */
WARN_UNUSED enum status sender_key_replace(struct db *tx, struct sender_key *key, int64_t old_id, struct str token,
                                           const struct seal_key *seal, const struct rand *rand);
/* The token of a stored key, appended to out. CORRUPT: it was sealed under another master key. */
WARN_UNUSED enum status sender_key_reveal(const struct seal_key *seal, const struct sender_key *key, struct buf *out);

/* On a reader. DENIED: no such key, or it lacks the scope. */
WARN_UNUSED enum status sender_authenticate(struct db *tx, struct arena *arena, struct str token, unsigned scope,
                                            struct sender_login *ret);

#endif
