/* event_narrow.h - types and times that a condition asks of every event stand in the filter's own fields: there the index and the
 * roll-ups answer them, so "eventType:click AND day:2026-03-01" costs what the parameters Event and StartDate do. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENT_NARROW_H
#define POSTHORN_CORE_EVENT_NARROW_H

#include "base/arena.h"
#include "store/event_condition.h"

/* The same events are meant before and after. What is left of the condition lives in the arena; nothing left: NULL. */
void event_narrow(struct event_filter *filter, struct arena *arena);

#endif
