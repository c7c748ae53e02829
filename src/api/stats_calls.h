/* stats_calls.h - steps of the operations on statistics, in this order: dates, the period beside the one before, tags, each of
 * them counted in a snapshot of its own; see struct step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_STATS_CALLS_H
#define POSTHORN_API_STATS_CALLS_H

#include "api/operation.h"

enum status stats_calls_check(struct call *call, struct db *db);
enum status stats_calls_compare(struct call *call, struct db *db);
enum status stats_calls_by_tag(struct call *call, struct db *db);

#endif
