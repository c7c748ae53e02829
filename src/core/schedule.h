/* schedule.h - the scheduler's memory: which recipient is handed out next, and what to fetch from disk for it. Pure: no threads,
 * no sockets, no database; time comes in. Owned by mta's loop.
 *
 * The queue is on disk; here is a window of it that is bounded however long the queue grows (P8). Its unit is the *lane*: one
 * recipient domain, one account, one priority, in order of due time. A waiting lane costs one small record, which knows when its
 * disk part is next due. Entries in memory are due; what is due later lives on disk only. Lanes
 * of new mail and lanes in which something is tried again are loaded in turn, so nobody new stands behind all that fails (P6).
 * All lanes of an account in one priority may hold as much as is left for everybody else; a lane an eighth of that, but its first
 * at least: so some room always stays, and no domain, account or dead site fills the window.
 *
 * Domains get a site by schedule_route; a site hands out transactional lanes first, within a priority round robin over accounts,
 * within an account round robin over domains. An entry in flight is known by its id until schedule_settle, and rows read while
 * one settled are ignored, so that nothing is handed out twice (P2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SCHEDULE_H
#define POSTHORN_CORE_SCHEDULE_H

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"
#include "store/queue.h" /* struct queue_entry, struct queue_lane */

#define SCHEDULE_NEVER INT64_MAX

struct schedule;
struct schedule_options {
    size_t window_max; /* entries in memory, in flight included; 0: 10,000 */
    size_t lane_max;   /* of them in one lane; 0: 500 */
    size_t lanes_max;  /* lane records; 0: 100,000. What is beyond stays on disk, found again when lanes run dry */
};
struct schedule *schedule_new(const struct schedule_options *options);
void schedule_free(struct schedule **s);

/* Tell of an entry that was just committed. Its strings are copied. Taken when due and its lane has room and nothing older on
 * disk; otherwise remembered as "on disk". Offering what is already here changes nothing. */
void schedule_offer(struct schedule *s, const struct queue_entry *entry, int64_t now);

/* ---- sites ---- */
/* Embedded in the owner's site; the owner is told when entries become ready. */
struct schedule_site {
    struct list turns[2];                     /* by priority; schedule's */
    struct list domains;                      /* schedule's */
    int64_t parked_until, open_at;            /* schedule's; 0: not parked */
    void (*on_ready)(struct schedule_site *); /* one of its lanes had nothing ready and now has; may be NULL; must not call
                                                 schedule_* (post or flag) */
};
void schedule_site_init(struct schedule_site *site, void (*on_ready)(struct schedule_site *));
/* Let the site go: its domains are unrouted again. Entries in flight stay in flight. */
void schedule_site_fini(struct schedule *s, struct schedule_site *site);
/* A domain that has ready entries and no site; it is given once until schedule_route or schedule_site_fini touches it. The name
 * is valid until then. False: none. */
bool schedule_next_unrouted(struct schedule *s, struct str *ret_domain);
/* Attach the domain to the site, moving it away from another. NULL: unrouted (it is offered for routing again when it has
 * entries). A verdict (no such domain, DNS down) is a site too, whose owner settles what it takes. */
void schedule_route(struct schedule *s, struct str domain, struct schedule_site *site);
bool schedule_site_has_ready(const struct schedule_site *site);
/* Nothing can be sent there before `until` (wall): what is ready goes back to disk, what is in flight stays. From then on its
 * lanes ask for it again: a few of them at once, to find out, the others SCHEDULE_PROOF_MS later unless schedule_site_unpark says
 * before that it works. Domains that are routed to it meanwhile likewise. Costs a look at each lane, and nothing while it lasts.
 */
void schedule_site_park(struct schedule *s, struct schedule_site *site, int64_t until);
void schedule_site_unpark(struct schedule *s, struct schedule_site *site);
#define SCHEDULE_PROOF_MS 15000
/* Hand out the next entry; it is in flight until schedule_settle. *ret (its strings too) is valid until then. False: nothing
 * ready. */
bool schedule_take(struct schedule *s, struct schedule_site *site, const struct queue_entry **ret);
/* The entry's attempt has ended and is committed. next_due_at: when it is due again, SCHEDULE_NEVER when it no longer waits; when
 * the caller does not know (load failed, write failed), a time a little ahead: disk is asked again. */
void schedule_settle(struct schedule *s, int64_t recipient_id, int64_t next_due_at);
/* Put an entry in flight back to the front of its lane, untouched (the connection ended before its turn). */
void schedule_put_back(struct schedule *s, int64_t recipient_id);

/* ---- disk ---- */
enum schedule_load_kind { SCHEDULE_LOAD_LANES, SCHEDULE_LOAD_ENTRIES };
/* What to read next; run it on a reader with queue_fetch (core/queue.h), then feed the result to schedule_loaded. */
struct schedule_load {
    enum schedule_load_kind kind;
    struct queue_lane lane; /* ENTRIES: of this lane. LANES: those behind it; domain "": from the beginning. Valid until loaded */
    int64_t due_until;      /* ENTRIES: rows due at or before */
    size_t limit;           /* rows at most */
    void *record;           /* schedule's */
};
struct schedule_rows {
    enum status status;
    const struct queue_entry *entries; /* ENTRIES: by (due_at, id) */
    const struct queue_lane *lanes;    /* LANES: by name, with first_due_at */
    size_t count;
    int64_t next_due_at; /* ENTRIES: earliest due of the lane after due_until, SCHEDULE_NEVER if none */
    bool next_is_tried;  /* that one was tried before */
};
/* True: a load is to be made now; several may be under way, never two of one lane. At start the first loads are of lanes. */
bool schedule_next_load(struct schedule *s, int64_t now, struct schedule_load *ret);
/* A failed status asks again a second later. */
void schedule_loaded(struct schedule *s, const struct schedule_load *load, const struct schedule_rows *rows, int64_t now);
/* When schedule_next_load will have something (for a timer); SCHEDULE_NEVER: not by time alone. */
int64_t schedule_next_due_at(const struct schedule *s);

/* For operators. The site of a domain; NULL: not routed, or nothing of it is known. The site's entries in memory, in flight
 * included; its domains. Whether an entry is in memory. */
struct schedule_site *schedule_site_of(const struct schedule *s, struct str domain);
size_t schedule_site_count(const struct schedule_site *site);
void schedule_site_domains(const struct schedule_site *site, void (*fn)(void *arg, struct str domain), void *arg);
bool schedule_holds(const struct schedule *s, int64_t recipient_id);
/* Gauges. */
size_t schedule_count(const struct schedule *s);
size_t schedule_in_flight(const struct schedule *s);
size_t schedule_lane_count(const struct schedule *s);

#endif
