/* events.h - what happened, for the sender: one row an event, written with the state change it tells (P3), and with the calls to
 * webhooks that ask for it (store/hooks.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_EVENTS_H
#define POSTHORN_STORE_EVENTS_H

#include "base/arena.h"
#include "base/id.h"
#include "base/status.h"

struct db;

/* Stored numbers: never renumber. At most 62 (event_filter.types is a set of bits). */
enum event_type {
    EVENT_SEND = 1,
    EVENT_DEFERRED = 2,
    EVENT_DELIVERY = 3,
    EVENT_BOUNCE = 4,
    EVENT_FAILED = 5,
    EVENT_SUPPRESSED = 6,
    EVENT_OPEN = 7,
    EVENT_CLICK = 8,
    EVENT_UNSUBSCRIBE = 9,
    EVENT_COMPLAINT = 10,
    EVENT_TYPE_COUNT
};
#define EVENT_BIT(type) (INT64_C(1) << (type))
#define EVENT_OF_READERS                                                                                                         \
    (EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CLICK) | EVENT_BIT(EVENT_UNSUBSCRIBE)) /* who they are is known */
/* "delivery" ... as answers show it; static. */
const char *event_noun(enum event_type type);
/* "delivered" ... as /api/v1/webhooks shows it; static. */
const char *event_participle(enum event_type type);
/* Noun ("delivery") or participle ("delivered", "accepted" for send), either case. */
bool event_type_parse(struct str name, enum event_type *ret);

/* What an event is counted under besides its hour and its recipient's domain (store/rollup.h). */
struct event_keys {
    const struct str *tags; /* of its message, each once */
    size_t tag_count;
    struct str link, bounce_class;                               /* "": none */
    struct str mx_host, client, ip, country, device, user_agent; /* kept beside the detail, like the code */
    int64_t smtp_code;                                           /* 0: none */
    bool is_hard;                                                /* a bounce is */
    bool is_timed; /* a delivery, or what ended without one: how long that took, from when it was to go, is known */
    int64_t took_ms;
};
/* A domain's events between two times, Unix ms. */
struct event_period {
    int64_t domain_id; /* always one domain */
    int64_t from_at, before_at;
};

struct event {
    int64_t id;
    int64_t at;
    enum event_type type;
    int64_t account_id;
    int64_t domain_id;
    int64_t message_id;
    int64_t recipient_id;
    struct str recipient; /* address, canonical; its domain is kept beside it */
    struct str detail;    /* JSON object: what is particular to this event; "": nothing is */
    struct event_keys keys;
};
/* What follows the last '@' of the recipient. */
struct str event_recipient_domain(const struct event *event);
/* Add; it is counted in the roll-ups (store/rollup.h) too. id is ignored. The first open, click, unsubscribe and complaint of a
 * recipient is marked as such. */
WARN_UNUSED enum status event_record(struct db *tx, const struct event *event, int64_t *ret_id);
/* Add a recipient's first unsubscribe or complaint. EXISTS: there was one, be it still there or not; nothing is written. */
WARN_UNUSED enum status event_record_once(struct db *tx, const struct event *event, int64_t *ret_id);
/* What is particular to the recipient's first of that type; NOT_FOUND: there was none, or it was removed. */
WARN_UNUSED enum status event_first(struct db *db, struct arena *a, int64_t recipient_id, enum event_type type,
                                    struct str *ret_detail);
/* Add one that is marked as a machine's, and never the first. */
WARN_UNUSED enum status event_record_machine(struct db *tx, const struct event *event, int64_t *ret_id);
/* Remove the event that is where these say, by age or on demand: it is listed no more, and stays counted (store/rollup.h). OK
 * when it had gone already. Writer. */
WARN_UNUSED enum status event_remove(struct db *tx, int64_t domain_id, int64_t at, int64_t id);
/* The same for the oldest EVENT_REMOVE_MAX of a recipient of that message; fewer than that: those were all. */
#define EVENT_REMOVE_MAX 1000
WARN_UNUSED enum status event_remove_all(struct db *tx, int64_t message_id, int64_t recipient_id, int64_t *ret_count);
/* How many events of that type a recipient has had since then, among the newest EVENT_RECENT_MAX of its message. */
#define EVENT_RECENT_MAX 200
WARN_UNUSED enum status event_count_recent(struct db *tx, const struct event *like, int64_t since, int64_t *ret_count);

#endif
