/* timeline.h - a message's whole story, in order: accepted, each attempt with host, reply and TLS, why it waits, delivered or
 * not, opens, clicks, bounces, what was suppressed and which webhooks were told, and last who still waits.
 *
 * It comes in pages, so a message to a thousand people is told like one to one. What was removed is said, and not made up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TIMELINE_H
#define POSTHORN_CORE_TIMELINE_H

#include "base/buf.h"
#include "core/messages.h"
#include "store/hooks.h"

struct timeline_query {
    struct message_scope scope;
    struct id uuid;
    struct str recipient; /* "": all */
    struct str cursor;    /* of the page before; "": from the beginning */
    int limit;
    int64_t now;
};
/* Something that happened: an event, or, without one, the acceptance or who waits now. */
struct timeline_entry {
    int64_t at;
    const char *what; /* "accepted", an event's noun, or "scheduled", "queued", "held"; static */
    struct str recipient;
    int64_t event_id;           /* 0: none */
    struct str detail;          /* JSON object */
    struct str says;            /* it in words */
    bool is_suppressed;         /* the event put the address among those who are not written to, and it is there still */
    struct hook_attempt *calls; /* that told of it first of all */
    size_t call_count;
};
struct timeline {
    struct message message;
    struct str domain_name;                /* "" when it was deleted */
    int64_t counts[RECIPIENT_STATE_COUNT]; /* of recipients, by state */
    bool lacks_events;                     /* known on the first page: some were removed, by age */
    bool lacks_content;
    struct timeline_entry *entries;
    size_t count;
    struct str cursor; /* of the next page; "": there is none */
};
/* On a searcher. NOT_FOUND: no such message in that scope. INVALID: the cursor is none. DENIED: nobody of that address is among
 * its recipients. */
WARN_UNUSED enum status timeline_show(struct db *db, struct arena *arena, const struct timeline_query *query,
                                      struct timeline *ret);

/* Where a page ended: "e<time>-<event>" or "w<recipient>"; one spelling alone. A place in the caller's own message, so it needs
 * no signature. Pure. */
struct timeline_place {
    bool is_waiting; /* among those who wait, behind the events */
    int64_t at;      /* of an event */
    int64_t id;      /* of the event, or recipient */
};
bool timeline_place_parse(struct str text, struct timeline_place *ret);
void timeline_place_format(struct buf *out, const struct timeline_place *place);

/* What an event says, a sentence or two for people. Pure. */
void timeline_say(enum event_type type, struct str detail, struct arena *arena, struct buf *out);

#endif
