/* alert_look.h - what the database says is wrong: late mail, records of sender domains, rates of bounces and complaints.
 *
 * Looks run on a searcher and only read. Each is bounded: by index entries, by lanes (the walk goes on in the next round), by
 * events of the rare kinds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ALERT_LOOK_H
#define POSTHORN_CORE_ALERT_LOOK_H

#include "core/alert.h"
#include "store/domains.h"

#define ALERT_RATE_WINDOW_MS INT64_C(86400000)
#define ALERT_LATE_MAX       1000   /* lanes; more of them say nothing new */
#define ALERT_RATE_WHOLE     100000 /* rates are parts of it: 0.1 % is 100 */

struct alert_limits {
    int64_t queue_age_ms, site_ms, feed_ms; /* 0 in any of these: no such alert */
    int64_t rate_messages;
    int64_t bounce_warn, bounce_suspend, complaint_warn, complaint_suspend;
    bool suspends; /* the operator says that the second limits suspend a domain */
};

/* Who looks, and what for. */
struct alert_look {
    struct db *db; /* a searcher's */
    struct arena *arena;
    const struct alert_limits *limits;
    int64_t node_id;
    int64_t now;
    struct alert_view *view;
};

struct alert_late {
    struct str domain;
    int64_t due_at;
};
/* A walk over the queue's lanes, round after round. Zeroed: at the beginning. */
struct alert_walk {
    struct buf domain; /* the last lane looked at */
    int64_t account_id;
    int priority;
    bool is_under_way, is_over; /* over: all was looked at, and late holds what is to be judged */
    struct arena arena;
    struct alert_late late[ALERT_LATE_MAX]; /* lanes of transactional mail */
    size_t late_count;
};
void alert_walk_fini(struct alert_walk *walk);
/* Look at up to `max` lanes, and begin anew when the last walk was over. */
WARN_UNUSED enum status alert_look_queue(const struct alert_look *look, struct alert_walk *walk, int max);
/* Judge what a walk that is over found. is_excused: does that domain's mail wait for a site that is paused? Then it is no news
 * that it is late; NULL: none does. */
void alert_judge_queue(const struct alert_look *look, struct alert_walk *walk, bool (*is_excused)(void *arg, struct str domain),
                       void *arg);
/* Sender domains with a record that is wrong. */
WARN_UNUSED enum status alert_look_domains(const struct alert_look *look);

/* Events that wait for the operator's feed. */
WARN_UNUSED enum status alert_look_feed(const struct alert_look *look);

struct alert_suspension {
    int64_t domain_id;
    struct str because;
};
struct alert_suspension_list {
    struct alert_suspension *items;
    size_t count;
};
/* Sender domains above a limit, of ALERT_RATE_WINDOW_MS and since somebody decided about their state; *ret: those to be
 * suspended, when limits say so. */
WARN_UNUSED enum status alert_look_rates(const struct alert_look *look, struct alert_suspension_list *ret);

#endif
