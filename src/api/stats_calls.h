/* stats_calls.h - steps of the operations on statistics; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_STATS_CALLS_H
#define POSTHORN_API_STATS_CALLS_H

#include "api/operation.h"

/* A domain, in this order: dates, the period beside the one before, tags, each of them counted in a snapshot of its own. */
enum status stats_calls_check(struct call *call, struct db *db);
enum status stats_calls_compare(struct call *call, struct db *db);
enum status stats_calls_by_tag(struct call *call, struct db *db);
/* An account's domains, and its days (stats_account_calls.c). */
enum status stats_calls_check_account(struct call *call, struct db *db);
enum status stats_calls_account(struct call *call, struct db *db);
enum status stats_calls_check_days(struct call *call, struct db *db);
enum status stats_calls_days_domain(struct call *call, struct db *db);
enum status stats_calls_days(struct call *call, struct db *db);
/* Where mail went (stats_recipient_calls.c). */
enum status stats_calls_check_recipients(struct call *call, struct db *db);
enum status stats_calls_check_recipient(struct call *call, struct db *db);
enum status stats_calls_recipients_domain(struct call *call, struct db *db);
enum status stats_calls_recipients(struct call *call, struct db *db);
enum status stats_calls_recipient(struct call *call, struct db *db);

/* The domain a call is about: the sender key's; or the one that DomainID names, which must be the account's, and the key's when
 * it is one that calls. SCOPE_ANY: none is named. Without one, `needs_one` refuses with 1; an unknown one with 2. */
enum status stats_ask_domain(struct call *call, struct db *db, bool needs_one, int64_t *ret_domain_id);

#endif
