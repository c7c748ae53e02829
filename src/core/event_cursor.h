/* event_cursor.h - where a page of events ended, as a text that callers hand back.
 *
 * Time and id of its last event, and a sum over them and the search that it belongs to: so what was mistyped, or given for
 * another search, is refused and not answered with a page of something else. It is no secret and no credential: whoever makes one
 * up sees a page of his own events. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_EVENT_CURSOR_H
#define POSTHORN_CORE_EVENT_CURSOR_H

#include "store/event_list.h"

#define EVENT_CURSOR_MAX 64 /* bytes of one */

/* `search`: bytes that say what is searched for, all of it. */
struct str event_cursor_format(struct arena *arena, struct event_place place, struct str search);
bool event_cursor_parse(struct str cursor, struct str search, struct event_place *ret);

#endif
