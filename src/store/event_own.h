/* event_own.h - what lists and groups of events share: a filter as SQL, and what it costs. Inside the store room only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENT_OWN_H
#define POSTHORN_STORE_EVENT_OWN_H

#include "store/event_condition.h"
#include "store/event_sentence.h"

/* " FROM ... f": events, or those of event_facts.h that have what the condition asks for, and `field` (EVENT_FIELD_COUNT: none).
 */
void event_add_source(struct sentence *q, const struct event_filter *filter, enum event_field field);
/* " WHERE ..." over that, or over event_facts. */
void event_add_where(struct sentence *q, const struct event_filter *filter, enum event_field field);
/* The condition and `field` (EVENT_FIELD_COUNT: none) ask for what the index events_of_readers has and no other index, of
 * events that it has: then nothing else is read, and whoever says "type IN (7, 8, 9)" reads it. */
bool event_is_of_readers(const struct event_filter *filter, enum event_field field);
struct event_period event_period_of(const struct event_filter *filter);

/* Of event_rows f or, when it is of the message, event_facts f; or of event_tags t; static. */
const char *event_column(enum event_field field);
bool event_is_of_message(enum event_field field);
/* A type or a time, which is kept as a number. */
bool event_is_number(enum event_field field);

/* Makes a struct event_row (event_list.h) of id, at, type, account_id, domain_id, message_id, recipient_id, recipient, detail and
 * the message's uuid, sender, subject, tags and metadata; a row_fill_fn. */
void event_fill_row(struct stmt *s, struct arena *a, void *item);

/* LIMIT: there are more events in the filter's time, or of the messages that its words lead to, than may be looked at, if for
 * each the condition is tested. */
WARN_UNUSED enum status event_check_work(struct db *tx, struct arena *a, const struct event_filter *filter);
/* The same for somebody who reads a field of each, too (EVENT_FIELD_COUNT: none), and may look at looks_max events, divided by
 * what one costs. */
WARN_UNUSED enum status event_check_looks(struct db *tx, struct arena *a, const struct event_filter *filter,
                                          enum event_field field, int64_t looks_max);
/* How many there are, where words lead to them and only time and type are asked besides: so the index alone counts, once. LIMIT:
 * as above. NOT_FOUND: more is asked. */
WARN_UNUSED enum status event_count_led(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t *ret_count);
/* Words lead to the messages whose events are meant, so that no others are looked at. */
bool event_is_led(const struct event_filter *filter, bool is_sqlite);
/* What reading the field of an event costs: half microseconds. */
int64_t event_cost_of(const struct event_filter *filter, enum event_field field);

#endif
