/* sessions.h - sign-ins of /api.php; only the token's hash is stored.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SESSIONS_H
#define POSTHORN_STORE_SESSIONS_H

#include "base/status.h"
#include "base/str.h"

struct db;

struct session {
    int64_t account_id;
    bool is_admin; /* made by Admin.Login */
    int64_t created_at;
    int64_t expires_at;
};
/* NOT_FOUND: no such account. EXISTS: the same token again. */
WARN_UNUSED enum status session_add(struct db *tx, struct str token_hash, const struct session *session);
/* Also finds an expired one, so that the caller can tell "expired" from "unknown". */
WARN_UNUSED enum status session_find(struct db *tx, struct str token_hash, struct session *ret);
/* End one; NOT_FOUND: there is none. */
WARN_UNUSED enum status session_delete(struct db *tx, struct str token_hash);
/* End all of an account's; OK when there are none. */
WARN_UNUSED enum status session_delete_all(struct db *tx, int64_t account_id);
/* Delete up to `max` that expired before `before`; *ret_deleted tells how many. */
WARN_UNUSED enum status session_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted);

#endif
