/* account_tokens.h - what is mailed to prove an address or to set a password anew: used once, the newest wins, and only the hash
 * is stored.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ACCOUNT_TOKENS_H
#define POSTHORN_STORE_ACCOUNT_TOKENS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

/* Stored numbers: never renumber. */
enum account_token_purpose { TOKEN_FOR_ADDRESS = 0, TOKEN_FOR_PASSWORD = 1 };

struct account_token {
    int64_t account_id;
    enum account_token_purpose purpose;
    struct str email; /* FOR_ADDRESS: the address it proves */
    int64_t created_at;
    int64_t expires_at;
};
/* Add, in place of the account's others of this purpose. NOT_FOUND: no such account. */
WARN_UNUSED enum status account_token_add(struct db *tx, struct str token_hash, const struct account_token *token);
/* Writes about as much, and changes nothing: so the time that an answer takes tells nobody whether there is such an account. */
WARN_UNUSED enum status account_token_pretend(struct db *tx);
/* When the account's newest of this purpose was made; 0: there is none. */
WARN_UNUSED enum status account_token_newest(struct db *tx, int64_t account_id, enum account_token_purpose purpose,
                                             int64_t *ret_at);
/* NOT_FOUND: unknown, used, expired, or for another purpose. */
WARN_UNUSED enum status account_token_find(struct db *tx, struct arena *a, struct str token_hash,
                                           enum account_token_purpose purpose, int64_t now, struct account_token *ret);
/* Use it up; NOT_FOUND when somebody did. */
WARN_UNUSED enum status account_token_delete(struct db *tx, struct str token_hash);
/* Drop the account's tokens, whatever for. */
WARN_UNUSED enum status account_token_clear(struct db *tx, int64_t account_id);
/* Delete up to `max` that expired before `before`. */
WARN_UNUSED enum status account_token_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted);

#endif
