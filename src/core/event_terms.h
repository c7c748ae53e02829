/* event_terms.h - the search language in terms of events: what fields there are is the store's table, what a date and an event's
 * name are is decided here. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENT_TERMS_H
#define POSTHORN_CORE_EVENT_TERMS_H

#include "base/buf.h"
#include "store/event_condition.h"

/* "open", "opened" or a comma list of either -> EVENT_BIT()s. False: an unknown name, or none. */
bool event_types_parse(struct str text, int64_t *ret_types);

/* The search language (proto/query) over the fields of event_condition.h. False: *why is the sentence that tells it, with the
 * place and what would be right. Strings of *ret live in the text and the arena. */
bool event_condition_parse(struct str text, struct arena *arena, struct event_condition *ret, struct buf *why);

#endif
