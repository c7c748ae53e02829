/* groups.c - groups of accounts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/groups.h"

#include "store/rows.h"

void account_limits_fill(struct stmt *s, int column, struct account_limits *ret) {
    int64_t *const limits[ACCOUNT_LIMITS_COUNT] = {&ret->domains,         &ret->sends_per_second, &ret->sends_per_day,
                                                   &ret->sends_per_month, &ret->recipients,       &ret->bcc,
                                                   &ret->reply_to};
    for (int i = 0; i < ACCOUNT_LIMITS_COUNT; i++) *limits[i] = stmt_int(s, column + i);
}
