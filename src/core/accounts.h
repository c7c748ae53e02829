/* accounts.h - accounts, their user keys and sessions: the rules on top of store/accounts.h and store/sessions.h.
 * Everything blocks and runs in the transaction it is given.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ACCOUNTS_H
#define POSTHORN_CORE_ACCOUNTS_H

#include "base/clock.h"
#include "store/accounts.h"
#include "store/sessions.h"

#define ACCOUNT_PASSWORD_MIN 8
#define SESSION_LIFE_MS      (24 * INT64_C(3600000))

/* An account's e-mail as it is stored and looked for: a valid address, all lower case. False: not an address. */
bool account_email(struct str text, struct arena *arena, struct str *ret);

/* On the writer: add the account with a user key of its own. account->email is from account_email(). user_key: the token.
 * EXISTS: the e-mail is taken. */
WARN_UNUSED enum status account_create(struct db *tx, const struct account *account, struct str user_key, int64_t *ret_id);

/* On the writer: open a session for an account whose password was right. token: made by the caller. */
WARN_UNUSED enum status account_open_session(struct db *tx, int64_t account_id, struct str token, int64_t now);

/* What a caller of /api.php shows; empty fields are absent. */
struct user_credentials {
    struct str session;
    struct str api_key; /* parameter */
    struct str bearer;  /* header: a user key too */
};
/* On a reader: whose are they? One valid one suffices; valid ones of two accounts, and those of a deactivated account, are
 * DENIED. TIMEOUT: the session has expired and nothing else is valid. */
WARN_UNUSED enum status account_authenticate(struct db *tx, struct arena *arena, const struct user_credentials *given,
                                             int64_t now, struct account *ret);

#endif
