/* schedule_own.h - the scheduler's inside, shared by schedule.c (memory, sites) and schedule_disk.c (lanes, loads) only.
 *
 * Where an entry is, is its state; where a lane is, is which list or heap it is in:
 *
 *      entry   READY (lane->ready) --take--> FLYING --settle--> freed, or GHOST while its lane is being loaded
 *      lane    in a turn of its site while it has READY entries;
 *              for disk: in the heap by ask_at | LOADING | parked (no room; woken when room appears) | none (nothing on disk)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SCHEDULE_OWN_H
#define POSTHORN_CORE_SCHEDULE_OWN_H

#include "base/buf.h"
#include "base/map.h"
#include "core/schedule.h"

#define PRIORITIES 2
#define WAITS      (2 * PRIORITIES)

enum entry_state { ENTRY_READY, ENTRY_FLYING, ENTRY_GHOST };
struct entry {
    struct list node; /* lane->ready or lane->ghosts */
    struct queue_entry queue;
    struct lane *lane;
    enum entry_state state;
};
struct domain_record {
    struct str name; /* owned */
    struct schedule_site *site;
    struct list in_site;  /* site->domains */
    struct list unrouted; /* schedule->unrouted */
    bool is_asked;        /* somebody looks for its route */
    struct list lanes;
};
/* What one account has in memory in one priority. */
struct share {
    int64_t account_id;
    int priority;
    size_t count;
    size_t lanes;
};
/* An account's place in a site's round: its lanes that have something ready. */
struct turn {
    struct list node; /* site->turns[priority] */
    struct list lanes;
    struct schedule_site *site;
    int64_t account_id;
    int priority;
};
struct lane {
    struct domain_record *domain;
    struct share *share;
    struct turn *turn;
    struct list in_domain, in_turn, parked;
    struct list ready;  /* by (due_at, id) */
    struct list ghosts; /* settled since the load began */
    size_t ready_count;
    size_t count;        /* ready and flying */
    int64_t disk_due_at; /* earliest on disk, as far as we know */
    bool is_tried;       /* something of it was tried before, as far as we know */
    int64_t ask_at;      /* key in the heap */
    struct lane_wait *wait;
    size_t heap_place; /* in its wait's: 0 not in it, else index + 1 */
    bool is_loading;
    bool is_first; /* of its parked site's lanes: asks before the others */
};
/* Lanes of a kind that want to be loaded: a heap by ask_at, and those that found no room. */
struct lane_wait {
    struct lane **items;
    size_t count, cap;
    struct list parked;
};
struct schedule {
    size_t window_max, lane_max, lanes_max;
    size_t count, flying;
    struct map *entries; /* by recipient id */
    struct map *domains; /* by name */
    struct map *lanes;   /* by domain, account, priority */
    struct map *shares;  /* by account, priority */
    struct map *turns;   /* by site, account, priority */
    struct list unrouted;
    struct lane_wait waits[WAITS]; /* of a priority: new mail, then what is tried again. Loaded in turn; transactional first */
    bool prefers_tried[PRIORITIES];
    size_t wakes;
    int64_t now; /* the latest we were told */
    /* the walk over all lanes on disk */
    int64_t scan_at;       /* next page; SCHEDULE_NEVER: nothing is missing */
    int64_t missed_due_at; /* earliest lane that found no record here */
    int64_t scan_rest_until;
    bool is_scanning; /* a page is being read */
    bool has_cursor;
    struct buf cursor_name;
    struct queue_lane cursor;
};

/* schedule.c */
struct entry *schedule_find(const struct schedule *s, int64_t recipient_id);
/* Put a new READY entry into its lane; the lane's room was checked. */
void schedule_insert(struct schedule *s, struct lane *lane, const struct queue_entry *queue);
void schedule_entry_drop(struct schedule *s, struct entry *e);

/* schedule_disk.c */
void schedule_tick(struct schedule *s, int64_t now);
/* The lane, made if new; NULL: no room for another record, remembered for a later walk. */
struct lane *schedule_lane(struct schedule *s, const struct queue_lane *key);
/* Free the lane when nothing needs it. */
void schedule_lane_tidy(struct schedule *s, struct lane *lane);
/* Entries the lane may still take. */
size_t schedule_room(const struct schedule *s, const struct lane *lane);
/* Something of the lane due at `due_at` is on disk; was it tried before? */
void schedule_on_disk(struct schedule *s, struct lane *lane, int64_t due_at, bool is_tried);
/* Its site cannot be sent to just now. */
bool schedule_is_parked(const struct schedule *s, const struct lane *lane);
/* When it asks for its disk part has changed by its site. */
void schedule_reask(struct schedule *s, struct lane *lane);
/* Room may have appeared for this lane and for one that is parked. */
void schedule_wake(struct schedule *s, struct lane *lane);

#endif
