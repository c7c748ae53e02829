/* stats_show.h - statistics as answers show them, alike in all operations; and the time that they are asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_STATS_SHOW_H
#define POSTHORN_API_STATS_SHOW_H

#include "api/call.h"
#include "core/stats.h"

/* StartDate and EndDate; `days` up to today when neither is given, and one alone says where the other is. False: refused. */
bool stats_ask_period(struct call *call, int days, struct event_period *ret);
/* The same as answers of the reference repeat it: the first and the last second. */
void stats_show_period(struct json_writer *w, const struct event_period *period);

/* Members of the open object: counters and rates. */
void stats_show_counts(struct json_writer *w, const struct event_counts *counts);
/* The same for the recipient domains' list, where the reference calls Sent what was delivered. */
void stats_show_outcomes(struct json_writer *w, const struct event_counts *counts);
/* An object of counters and rates. */
void stats_show_named(struct json_writer *w, struct str name, const struct event_counts *counts);
/* Hundredths or thousandths, as a number. */
void stats_show_rate(struct json_writer *w, const char *name, int64_t part, int64_t whole);
void stats_show_seconds(struct json_writer *w, const char *name, int64_t ms);

#endif
