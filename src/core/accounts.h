/* accounts.h - accounts, their user keys, sessions, mailed tokens and known clients: the rules on top of the store's verbs.
 * Everything blocks and runs in the transaction it is given.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ACCOUNTS_H
#define POSTHORN_CORE_ACCOUNTS_H

#include "base/clock.h"
#include "crypto/digest.h"
#include "proto/address/network.h"
#include "store/account_tokens.h"
#include "store/sessions.h"
#include "store/user_keys.h"

#define ACCOUNT_PASSWORD_MIN  8
#define ACCOUNT_KEYS_MAX      100 /* user keys of an account */
#define SESSION_LIFE_MS       (24 * INT64_C(3600000))
#define ACCOUNT_VERIFY_MS     (3 * INT64_C(86400000)) /* life of a token that proves an address */
#define ACCOUNT_RESET_MS      INT64_C(3600000)        /* ... that sets a password anew */
#define ACCOUNT_MAIL_EVERY_MS INT64_C(300000)         /* how often an account is mailed a token of a purpose */

/* An account's e-mail as it is stored and looked for: a valid address, all lower case. False: not an address. */
bool account_email(struct str text, struct arena *arena, struct str *ret);

/* On the writer: add the account with a user key of its own (an AdminAPIKey when it is an administrator). account->email is from
 * account_email(). user_key: the token. EXISTS: the e-mail is taken. */
WARN_UNUSED enum status account_create(struct db *tx, const struct account *account, struct str user_key, int64_t *ret_id);

/* On the writer: open a session for an account whose password was right. token: made by the caller. is_admin: by Admin.Login. */
WARN_UNUSED enum status account_open_session(struct db *tx, int64_t account_id, struct str token, bool is_admin, int64_t now);
/* On the writer: a new password. All its sessions and mailed tokens end (UI13). */
WARN_UNUSED enum status account_change_password(struct db *tx, int64_t account_id, struct str password_hash);

/* What a caller of /api.php shows; empty fields are absent. */
struct user_credentials {
    struct str session;
    struct str api_key; /* parameter: APIKey or AdminAPIKey */
    struct str bearer;  /* header: a user key too */
    struct str client;  /* the caller's address as text, for keys bound to networks; "": none (the operator's socket) */
};
/* What was valid of it. */
struct account_credential {
    bool is_admin;           /* it may call admin commands: an AdminAPIKey or an administrator's session, of an administrator */
    int64_t key_id;          /* the user key; 0: a session */
    bool is_touched;         /* the key's use was noted within the last minute: nothing to do */
    struct str session_hash; /* the session; "": a key */
};
/* On a reader: whose are they? One valid one suffices; valid ones of two accounts, those of a deactivated account, and a key from
 * outside its networks are DENIED. TIMEOUT: the session has expired and nothing else is valid. */
WARN_UNUSED enum status account_authenticate(struct db *tx, struct arena *arena, const struct user_credentials *given,
                                             int64_t now, struct account *ret, struct account_credential *ret_credential);
/* On the writer, after a call with a user key: note its use. Not for credentials that are touched or sessions. */
WARN_UNUSED enum status account_touch(struct db *tx, const struct account_credential *credential, struct str client, int64_t now);

/* ---- known clients ---- */
#define KNOWN_CLIENTS_MAX     50
#define KNOWN_CLIENTS_LIFE_MS (90 * INT64_C(86400000))
/* Did the account log in from this address (IPv6: its /64) lately? On a reader. */
WARN_UNUSED enum status account_knows(struct db *tx, int64_t account_id, const struct ip *client, int64_t now, bool *ret_knows);
/* On the writer: it just did. */
WARN_UNUSED enum status account_remember(struct db *tx, int64_t account_id, const struct ip *client, int64_t now);

#endif
