/* event_calls.h - steps of the operations on events; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_EVENT_CALLS_H
#define POSTHORN_API_EVENT_CALLS_H

#include "api/operation.h"

/* First of all of them: dates and Query, which need nothing from the store. */
enum status event_calls_check(struct call *call, struct db *db);
enum status event_calls_search(struct call *call, struct db *db);
/* Aggregates: what event_calls_check does, and then pieces of the count, each a run of its own. */
enum status event_calls_group(struct call *call, struct db *db);
enum status event_calls_aggregate(struct call *call, struct db *db);

/* StartDate and EndDate as the time from *ret_from up to *ret_before; what was not given stays as it is. False: refused, for a
 * day before 1970, after 9998, or the end before the start. */
bool event_calls_dates(struct call *call, int64_t *ret_from, int64_t *ret_before);
/* The domain a call is about: the sender key's, or the one named by DomainID, if it is the account's. 0: refused with 2. */
enum status event_calls_domain(struct call *call, struct db *db, int64_t *ret_domain_id);
/* LIMIT, more events than can be looked at, is refused with what to do; any other status stays. */
enum status event_calls_refuse_many(struct call *call, enum status status);

#endif
