/* event_show.h - an event as its owner sees it, in the shape of GET /api/v1/events: there, and in webhook calls.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENT_SHOW_H
#define POSTHORN_CORE_EVENT_SHOW_H

#include "proto/json/json_write.h"
#include "store/event_list.h"

/* Write it as one object. The arena is for what has to be parsed. Pure. */
void event_show(struct json_writer *w, struct arena *arena, const struct event_row *row);
/* "Details" alone: what is particular to the event; the two members that the contract shows are always there, "" where there is
 * nothing to tell. */
void event_show_details(struct json_writer *w, struct arena *arena, struct str name, struct str detail);

#endif
