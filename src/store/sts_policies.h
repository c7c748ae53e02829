/* sts_policies.h - MTA-STS policies of recipients' domains, kept while they hold (RFC 8461 5.1).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_STS_POLICIES_H
#define POSTHORN_STORE_STS_POLICIES_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct sts_row {
    struct str domain; /* lower case A-labels */
    struct str id;     /* of the record that it was fetched for */
    struct str policy; /* a policy file */
    int64_t fetched_at, expires_at;
};
/* NOT_FOUND: none, expired ones included. */
WARN_UNUSED enum status sts_row_find(struct db *tx, struct arena *a, struct str domain, int64_t now, struct sts_row *ret);
/* Makes or replaces it. */
WARN_UNUSED enum status sts_row_put(struct db *tx, const struct sts_row *row);
/* Delete up to `max` that expired before. */
WARN_UNUSED enum status sts_row_prune(struct db *tx, int64_t before, int64_t max, int64_t *ret_deleted);

#endif
