/* account_columns.h - an account as part of a query. Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ACCOUNT_COLUMNS_H
#define POSTHORN_STORE_ACCOUNT_COLUMNS_H

#include "store/accounts.h"
#include "store/rows.h"

#define ACCOUNT_COLUMNS                                                                                                          \
    "a.id, a.email, a.first_name, a.last_name, a.password_hash, a.totp_sealed, a.totp_is_on, a.totp_step, a.is_admin,"           \
    " a.is_active, a.is_verified, a.created_at, a.group_id, g.name, a.unsubscribes_block_all, " ACCOUNT_LIMITS_COLUMNS
#define ACCOUNT_FROM "accounts a JOIN account_groups g ON g.id = a.group_id"
/* Read them, beginning with `column`. */
void account_fill(struct stmt *s, int column, struct arena *a, struct account *ret);

#endif
