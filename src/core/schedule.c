/* schedule.c - entries in memory: taking them in, handing them out by site, letting them go.
 *
 * A lane with something ready stands in its turn (site, priority, account), and a turn with lanes stands at its site; taking the
 * first of the first and putting it last is the round robin, so handing out costs the same however much waits. lane_place is
 * the one function that moves a lane, called after whatever changes its entries. The rules are told in schedule.h; the way to
 * and from disk is in schedule_disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule_own.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_DEFAULT 10000
#define LANE_DEFAULT   500
#define LANES_DEFAULT  100000
#define PARKED_FIRST   8 /* lanes of a parked site that ask first: enough to find out whether it works */

static void *zalloc(size_t n) {
    void *p = calloc(1, n);
    if (!p) abort();
    return p;
}

struct schedule *schedule_new(const struct schedule_options *options) {
    struct schedule *s = zalloc(sizeof *s);
    s->window_max = options->window_max ? options->window_max : WINDOW_DEFAULT;
    s->lane_max = options->lane_max ? options->lane_max : LANE_DEFAULT;
    s->lanes_max = options->lanes_max ? options->lanes_max : LANES_DEFAULT;
    s->entries = map_new();
    s->domains = map_new();
    s->lanes = map_new();
    s->shares = map_new();
    s->turns = map_new();
    list_init(&s->unrouted);
    for (int i = 0; i < WAITS; i++) list_init(&s->waits[i].parked);
    s->missed_due_at = SCHEDULE_NEVER;
    return s;
}

static void values_free(struct map *m, void (*release)(void *)) {
    struct str key;
    void *value = NULL;
    for (size_t cursor = 0; map_next(m, &cursor, &key, &value);) release(value);
}

static void domain_release(void *domain) {
    free((char *)(uintptr_t)((struct domain_record *)domain)->name.p);
    free(domain);
}

void schedule_free(struct schedule **s) {
    if (!*s) return;
    values_free((*s)->entries, free);
    values_free((*s)->domains, domain_release);
    values_free((*s)->lanes, free);
    values_free((*s)->shares, free);
    values_free((*s)->turns, free);
    map_free(&(*s)->entries);
    map_free(&(*s)->domains);
    map_free(&(*s)->lanes);
    map_free(&(*s)->shares);
    map_free(&(*s)->turns);
    buf_fini(&(*s)->cursor_name);
    for (int i = 0; i < WAITS; i++) free((*s)->waits[i].items);
    free(*s);
    *s = NULL;
}

/* ---- turns: what a site can hand out ---- */

struct turn_key {
    const struct schedule_site *site;
    int64_t account_id;
    int64_t priority;
};
static struct str turn_key_str(const struct turn_key *key) {
    return str_make((const char *)key, sizeof *key);
}

static struct turn *turn_get(struct schedule *s, struct schedule_site *site, const struct share *share) {
    struct turn_key key = {site, share->account_id, share->priority};
    struct turn *turn = map_find(s->turns, turn_key_str(&key));
    if (turn) return turn;
    turn = zalloc(sizeof *turn);
    *turn = (struct turn){.site = site, .account_id = share->account_id, .priority = share->priority};
    list_init(&turn->lanes);
    list_add_tail(&site->turns[share->priority], &turn->node);
    map_put(s->turns, turn_key_str(&key), turn);
    return turn;
}

static void turn_tidy(struct schedule *s, struct turn *turn) {
    if (!list_is_empty(&turn->lanes)) return;
    struct turn_key key = {turn->site, turn->account_id, turn->priority};
    map_remove(s->turns, turn_key_str(&key));
    list_remove(&turn->node);
    free(turn);
}

static void turn_leave(struct schedule *s, struct lane *lane) {
    if (!lane->turn) return;
    list_remove(&lane->in_turn);
    turn_tidy(s, lane->turn);
    lane->turn = NULL;
}

/* Where a lane belongs that has something ready, or has not. */
static void lane_place(struct schedule *s, struct lane *lane) {
    struct domain_record *domain = lane->domain;
    if (lane->ready_count == 0) {
        turn_leave(s, lane);
    } else if (!domain->site) {
        if (list_is_empty(&domain->unrouted) && !domain->is_asked) list_add_tail(&s->unrouted, &domain->unrouted);
    } else if (!lane->turn) {
        lane->turn = turn_get(s, domain->site, lane->share);
        list_add_tail(&lane->turn->lanes, &lane->in_turn);
        if (domain->site->on_ready) domain->site->on_ready(domain->site);
    }
}

/* ---- entries ---- */

static struct str id_key(const int64_t *id) {
    return str_make((const char *)id, sizeof *id);
}

struct entry *schedule_find(const struct schedule *s, int64_t recipient_id) {
    return map_find(s->entries, id_key(&recipient_id));
}

static bool entry_is_before(const struct entry *a, const struct entry *b) {
    if (a->queue.due_at != b->queue.due_at) return a->queue.due_at < b->queue.due_at;
    return a->queue.recipient_id < b->queue.recipient_id;
}

/* New ones come mostly last, those put back first: look from the end that is likely nearer. */
static void ready_add(struct schedule *s, struct entry *e, bool from_front) {
    struct list *head = &e->lane->ready, *at = head;
    if (from_front) {
        for (at = head->next; at != head && entry_is_before(LIST_OWNER(at, struct entry, node), e);) at = at->next;
    } else {
        while (at->prev != head && entry_is_before(e, LIST_OWNER(at->prev, struct entry, node))) at = at->prev;
    }
    list_add_tail(at, &e->node);
    e->state = ENTRY_READY;
    e->lane->ready_count++;
    lane_place(s, e->lane);
}

void schedule_insert(struct schedule *s, struct lane *lane, const struct queue_entry *queue) {
    struct entry *e = zalloc(sizeof *e);
    e->queue = *queue;
    e->queue.domain = lane->domain->name;
    e->lane = lane;
    list_init(&e->node);
    map_put(s->entries, id_key(&e->queue.recipient_id), e);
    lane->count++;
    lane->share->count++;
    s->count++;
    ready_add(s, e, false);
}

void schedule_entry_drop(struct schedule *s, struct entry *e) {
    map_remove(s->entries, id_key(&e->queue.recipient_id));
    list_remove(&e->node);
    free(e);
}

void schedule_offer(struct schedule *s, const struct queue_entry *entry, int64_t now) {
    assert(entry->priority >= 0 && entry->priority < PRIORITIES);
    schedule_tick(s, now);
    if (schedule_find(s, entry->recipient_id)) return;
    struct queue_lane key = {entry->domain, entry->account_id, entry->priority, entry->due_at, entry->attempts > 0};
    struct lane *lane = schedule_lane(s, &key);
    if (!lane) return;
    bool is_next = entry->due_at <= now && !lane->is_loading && lane->disk_due_at > now;
    if (is_next && !schedule_is_parked(s, lane) && schedule_room(s, lane) > 0) {
        schedule_insert(s, lane, entry);
    } else {
        schedule_on_disk(s, lane, entry->due_at, key.is_tried);
    }
}

bool schedule_take(struct schedule *s, struct schedule_site *site, const struct queue_entry **ret) {
    int priority = list_is_empty(&site->turns[0]) ? 1 : 0;
    if (list_is_empty(&site->turns[priority])) return false;
    struct turn *turn = LIST_OWNER(site->turns[priority].next, struct turn, node);
    struct lane *lane = LIST_OWNER(turn->lanes.next, struct lane, in_turn);
    struct entry *e = LIST_OWNER(list_pop(&lane->ready), struct entry, node);
    list_remove(&turn->node);
    list_add_tail(&site->turns[priority], &turn->node);
    list_remove(&lane->in_turn);
    list_add_tail(&turn->lanes, &lane->in_turn);
    lane->ready_count--;
    lane_place(s, lane);
    e->state = ENTRY_FLYING;
    s->flying++;
    schedule_wake(s, lane);
    *ret = &e->queue;
    return true;
}

void schedule_settle(struct schedule *s, int64_t recipient_id, int64_t next_due_at) {
    struct entry *e = schedule_find(s, recipient_id);
    assert(e && e->state == ENTRY_FLYING);
    struct lane *lane = e->lane;
    s->flying--;
    s->count--;
    lane->count--;
    lane->share->count--;
    if (lane->is_loading) { /* the load may have seen it as it was before */
        e->state = ENTRY_GHOST;
        list_add_tail(&lane->ghosts, &e->node);
    } else {
        schedule_entry_drop(s, e);
    }
    if (next_due_at != SCHEDULE_NEVER) schedule_on_disk(s, lane, next_due_at, true);
    schedule_wake(s, lane);
    schedule_lane_tidy(s, lane);
}

void schedule_put_back(struct schedule *s, int64_t recipient_id) {
    struct entry *e = schedule_find(s, recipient_id);
    assert(e && e->state == ENTRY_FLYING);
    if (schedule_is_parked(s, e->lane)) return schedule_settle(s, recipient_id, e->queue.due_at);
    s->flying--;
    ready_add(s, e, true);
}

/* ---- sites ---- */

void schedule_site_init(struct schedule_site *site, void (*on_ready)(struct schedule_site *)) {
    *site = (struct schedule_site){.on_ready = on_ready};
    for (int i = 0; i < PRIORITIES; i++) list_init(&site->turns[i]);
    list_init(&site->domains);
}

bool schedule_site_has_ready(const struct schedule_site *site) {
    return !list_is_empty(&site->turns[0]) || !list_is_empty(&site->turns[1]);
}

/* What is ready goes back to disk. */
static void lane_empty(struct schedule *s, struct lane *lane) {
    if (lane->ready_count == 0) return;
    int64_t due_at = LIST_OWNER(lane->ready.next, struct entry, node)->queue.due_at;
    size_t n = lane->ready_count;
    LIST_FOR_EACH_SAFE (it, &lane->ready) schedule_entry_drop(s, LIST_OWNER(it, struct entry, node));
    s->count -= n;
    lane->count -= n;
    lane->share->count -= n;
    lane->ready_count = 0;
    turn_leave(s, lane);
    schedule_on_disk(s, lane, due_at, true);
    for (; n > 0; n--) schedule_wake(s, lane);
}

static void domain_park(struct schedule *s, struct domain_record *domain, size_t *first_count) {
    LIST_FOR_EACH (it, &domain->lanes) {
        struct lane *lane = LIST_OWNER(it, struct lane, in_domain);
        lane->is_first = *first_count > 0;
        *first_count -= lane->is_first;
        lane_empty(s, lane);
        schedule_reask(s, lane);
    }
}

static void domain_move(struct schedule *s, struct domain_record *domain, struct schedule_site *site) {
    LIST_FOR_EACH (it, &domain->lanes) turn_leave(s, LIST_OWNER(it, struct lane, in_domain));
    list_remove(&domain->in_site);
    list_remove(&domain->unrouted);
    domain->is_asked = false;
    domain->site = site;
    if (site) list_add_tail(&site->domains, &domain->in_site);
    size_t none = 0;
    if (site && site->parked_until > s->now) return domain_park(s, domain, &none);
    LIST_FOR_EACH (it, &domain->lanes) {
        struct lane *lane = LIST_OWNER(it, struct lane, in_domain);
        lane_place(s, lane);
        schedule_reask(s, lane);
    }
}

void schedule_site_park(struct schedule *s, struct schedule_site *site, int64_t until) {
    size_t first_count = PARKED_FIRST;
    site->parked_until = until;
    site->open_at = until < SCHEDULE_NEVER - SCHEDULE_PROOF_MS ? until + SCHEDULE_PROOF_MS : SCHEDULE_NEVER;
    LIST_FOR_EACH (it, &site->domains) domain_park(s, LIST_OWNER(it, struct domain_record, in_site), &first_count);
}

void schedule_site_unpark(struct schedule *s, struct schedule_site *site) {
    if (site->open_at == 0) return;
    site->parked_until = site->open_at = 0;
    LIST_FOR_EACH (it, &site->domains) {
        struct domain_record *domain = LIST_OWNER(it, struct domain_record, in_site);
        LIST_FOR_EACH (node, &domain->lanes) schedule_reask(s, LIST_OWNER(node, struct lane, in_domain));
    }
}

void schedule_route(struct schedule *s, struct str domain, struct schedule_site *site) {
    struct domain_record *record = map_find(s->domains, domain);
    if (record) domain_move(s, record, site);
}

void schedule_site_fini(struct schedule *s, struct schedule_site *site) {
    LIST_FOR_EACH_SAFE (it, &site->domains) domain_move(s, LIST_OWNER(it, struct domain_record, in_site), NULL);
}

bool schedule_next_unrouted(struct schedule *s, struct str *ret_domain) {
    struct list *node = list_pop(&s->unrouted);
    if (!node) return false;
    struct domain_record *domain = LIST_OWNER(node, struct domain_record, unrouted);
    domain->is_asked = true;
    *ret_domain = domain->name;
    return true;
}

struct schedule_site *schedule_site_of(const struct schedule *s, struct str domain) {
    const struct domain_record *record = map_find(s->domains, domain);
    return record ? record->site : NULL;
}

bool schedule_holds(const struct schedule *s, int64_t recipient_id) {
    return schedule_find(s, recipient_id) != NULL;
}

size_t schedule_site_count(const struct schedule_site *site) {
    size_t count = 0;
    LIST_FOR_EACH (it, &site->domains)
        LIST_FOR_EACH (node, &LIST_OWNER(it, struct domain_record, in_site)->lanes)
            count += LIST_OWNER(node, struct lane, in_domain)->count;
    return count;
}

void schedule_site_domains(const struct schedule_site *site, void (*fn)(void *arg, struct str domain), void *arg) {
    LIST_FOR_EACH (it, &site->domains) fn(arg, LIST_OWNER(it, struct domain_record, in_site)->name);
}

size_t schedule_count(const struct schedule *s) {
    return s->count;
}
size_t schedule_in_flight(const struct schedule *s) {
    return s->flying;
}
size_t schedule_lane_count(const struct schedule *s) {
    return map_count(s->lanes);
}
