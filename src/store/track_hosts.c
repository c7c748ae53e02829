/* track_hosts.c - see track_hosts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/track_hosts.h"

#include "store/domains.h"
#include "store/rows.h"

static void host_fill(struct stmt *s, struct arena *a, void *item) {
    *(struct track_host *)item =
        (struct track_host){.domain_id = stmt_int(s, 0), .account_id = stmt_int(s, 1), .name = row_text(s, a, 2)};
}

_Static_assert(RECORD_VERIFIED == 1 && DOMAIN_ENABLED == 1 && DOMAIN_SUSPENDED == 2, "they are written out below");

enum status track_host_list(struct db *tx, struct arena *a, int64_t after_id, int limit, struct track_host_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT id, account_id, track_prefix || '.' || subdomain || '.' || name FROM domains "
                                 "WHERE tracking_status = 1 AND state IN (1, 2) AND id > ?1 ORDER BY id LIMIT ?2");
    STMT_BIND_INTS(s, 1, after_id, limit);
    return rows_collect(s, a, sizeof(struct track_host), host_fill, ret);
}
