/* schedule_disk.c - lanes and their way to disk: which to load next, when, and how much of it.
 *
 * Lanes with something on disk stand in a heap by the time they ask to be loaded; each priority has one of new mail and one of
 * what is tried again. A lane that finds no room is parked; each entry that leaves memory wakes its own lane and one that is
 * parked, of each kind in turn, so all are looked at again in time. Records of lanes are bounded too: when there are too many,
 * one that is due late gives way, and a walk over all lanes on disk finds it again in time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule_own.h"

#include <stdlib.h>
#include <string.h>

#define LANES_PAGE     1000
#define SCAN_REST_MS   10000 /* between two walks over all lanes */
#define LOAD_REST_MS   100   /* between two loads of one lane whose entries become due one by one */
#define LOAD_AGAIN_MS  1000  /* after a failure */
#define CLOCK_SLACK_MS 5000  /* a step back of the clock that is not worth a look at every lane */

static int64_t min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static int64_t max_i64(int64_t a, int64_t b) {
    return a > b ? a : b;
}
static void *zalloc(size_t n) {
    void *p = calloc(1, n);
    if (!p) abort();
    return p;
}

/* ---- heaps by ask_at ---- */

static void heap_set(struct lane_wait *h, size_t i, struct lane *lane) {
    h->items[i] = lane;
    lane->heap_place = i + 1;
}

static void heap_up(struct lane_wait *h, size_t i) {
    struct lane *lane = h->items[i];
    for (; i > 0 && h->items[(i - 1) / 2]->ask_at > lane->ask_at; i = (i - 1) / 2) heap_set(h, i, h->items[(i - 1) / 2]);
    heap_set(h, i, lane);
}

static void heap_down(struct lane_wait *h, size_t i) {
    struct lane *lane = h->items[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && h->items[child + 1]->ask_at < h->items[child]->ask_at) child++;
        if (h->items[child]->ask_at >= lane->ask_at) break;
        heap_set(h, i, h->items[child]);
        i = child;
    }
    heap_set(h, i, lane);
}

static struct lane_wait *wait_of(struct schedule *s, const struct lane *lane) {
    return &s->waits[2 * lane->share->priority + lane->is_tried];
}

static void heap_add(struct schedule *s, struct lane *lane) {
    struct lane_wait *h = lane->wait = wait_of(s, lane);
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->items = reallocarray(h->items, h->cap, sizeof(struct lane *));
        if (!h->items) abort();
    }
    heap_set(h, h->count++, lane);
    heap_up(h, lane->heap_place - 1);
}

static void heap_remove(struct lane *lane) {
    if (lane->heap_place == 0) return;
    struct lane_wait *h = lane->wait;
    size_t i = lane->heap_place - 1;
    struct lane *last = h->items[--h->count];
    lane->heap_place = 0;
    if (last == lane) return;
    heap_set(h, i, last);
    heap_up(h, i);
    heap_down(h, last->heap_place - 1);
}

/* ---- the clock ---- */

/* The wall clock was set back: who asked by the old one would wait for it to come round again (CL01). */
static void clock_went_back(struct schedule *s, int64_t now) {
    s->now = now;
    for (struct lane_wait *h = s->waits; h < s->waits + WAITS; h++) {
        for (size_t i = 0; i < h->count; i++) h->items[i]->ask_at = max_i64(h->items[i]->disk_due_at, now);
        for (size_t i = h->count; i-- > 0;) heap_down(h, i);
    }
    s->scan_rest_until = min_i64(s->scan_rest_until, now + SCAN_REST_MS);
    if (s->scan_at != SCHEDULE_NEVER) s->scan_at = min_i64(s->scan_at, s->scan_rest_until);
}

void schedule_tick(struct schedule *s, int64_t now) {
    if (now < s->now - CLOCK_SLACK_MS) clock_went_back(s, now);
    s->now = max_i64(s->now, now);
}

/* ---- lanes ---- */

static struct str share_key(const struct share *share) {
    return str_make((const char *)share, offsetof(struct share, count));
}

static void lane_key(struct buf *out, const struct queue_lane *key) {
    buf_add_str(out, key->domain);
    buf_add_char(out, '\0');
    buf_add(out, &key->account_id, sizeof key->account_id);
    buf_add_char(out, (char)key->priority);
}

static struct share *share_get(struct schedule *s, const struct queue_lane *key) {
    struct share probe;
    memset(&probe, 0, sizeof probe); /* padding is part of the key */
    probe.account_id = key->account_id;
    probe.priority = key->priority;
    struct share *share = map_find(s->shares, share_key(&probe));
    if (share) return share;
    share = zalloc(sizeof *share);
    share->account_id = key->account_id;
    share->priority = key->priority;
    map_put(s->shares, share_key(share), share);
    return share;
}

static struct domain_record *domain_get(struct schedule *s, struct str name) {
    struct domain_record *domain = map_find(s->domains, name);
    if (domain) return domain;
    domain = zalloc(sizeof *domain);
    char *copy = zalloc(name.n + 1);
    memcpy(copy, name.p, name.n);
    domain->name = str_make(copy, name.n);
    list_init(&domain->in_site);
    list_init(&domain->unrouted);
    list_init(&domain->lanes);
    map_put(s->domains, domain->name, domain);
    return domain;
}

static struct lane *lane_new(struct schedule *s, const struct queue_lane *key) {
    struct lane *lane = zalloc(sizeof *lane);
    lane->domain = domain_get(s, key->domain);
    lane->share = share_get(s, key);
    lane->share->lanes++;
    lane->disk_due_at = SCHEDULE_NEVER;
    list_init(&lane->in_turn);
    list_init(&lane->parked);
    list_init(&lane->ready);
    list_init(&lane->ghosts);
    list_add_tail(&lane->domain->lanes, &lane->in_domain);
    return lane;
}

static void lane_free(struct schedule *s, struct lane *lane) {
    struct domain_record *domain = lane->domain;
    struct queue_lane key = {domain->name, lane->share->account_id, lane->share->priority, 0, false};
    BUF_AUTO text = {0};
    lane_key(&text, &key);
    map_remove(s->lanes, buf_str(&text));
    heap_remove(lane);
    list_remove(&lane->parked);
    list_remove(&lane->in_domain);
    if (--lane->share->lanes == 0) {
        map_remove(s->shares, share_key(lane->share));
        free(lane->share);
    }
    if (list_is_empty(&domain->lanes)) {
        map_remove(s->domains, domain->name);
        list_remove(&domain->in_site);
        list_remove(&domain->unrouted);
        free((char *)(uintptr_t)domain->name.p);
        free(domain);
    }
    free(lane);
}

/* A lane found no record, or lost it: the next walk must come in time for it. */
static void lane_missed(struct schedule *s, int64_t due_at) {
    s->missed_due_at = min_i64(s->missed_due_at, due_at);
    bool is_walking = s->is_scanning || s->has_cursor;
    if (!is_walking) s->scan_at = min_i64(s->scan_at, max_i64(due_at, s->scan_rest_until));
}

/* The last of the heap is a leaf, so it is likely late; exactness does not matter. */
static bool lane_give_way(struct schedule *s, int64_t due_at) {
    const struct lane_wait *h = &s->waits[WAITS - 1];
    while (h > s->waits && h->count == 0) h--;
    struct lane *late = h->count > 0 ? h->items[h->count - 1] : NULL;
    if (!late || late->count > 0 || late->disk_due_at <= max_i64(due_at, s->now)) return false;
    lane_missed(s, late->disk_due_at);
    lane_free(s, late);
    return true;
}

struct lane *schedule_lane(struct schedule *s, const struct queue_lane *key) {
    BUF_AUTO text = {0};
    lane_key(&text, key);
    struct lane *lane = map_find(s->lanes, buf_str(&text));
    if (lane) return lane;
    if (map_count(s->lanes) >= s->lanes_max && !lane_give_way(s, key->first_due_at)) {
        lane_missed(s, key->first_due_at);
        return NULL;
    }
    lane = lane_new(s, key);
    map_put(s->lanes, buf_str(&text), lane);
    return lane;
}

void schedule_lane_tidy(struct schedule *s, struct lane *lane) {
    if (lane->count == 0 && lane->disk_due_at == SCHEDULE_NEVER && !lane->is_loading) lane_free(s, lane);
}

/* What a lane may hold: an eighth of what its account may still take, which is as much as is free for all. So each newcomer
 * finds something left; the last sixteenth is kept from those who would only ask for their first. */
static size_t lane_limit(const struct schedule *s, const struct lane *lane) {
    size_t free_count = s->window_max - s->count, taken = lane->share->count - lane->count;
    size_t limit = free_count + lane->count > taken ? (free_count + lane->count - taken) / 8 : 0;
    if (limit > s->lane_max) limit = s->lane_max;
    return limit > 0 || free_count <= s->window_max / 16 ? limit : 1;
}

size_t schedule_room(const struct schedule *s, const struct lane *lane) {
    size_t limit = lane_limit(s, lane), free_count = s->window_max - s->count;
    if (lane->count >= limit) return 0;
    return limit - lane->count < free_count ? limit - lane->count : free_count;
}

/* When its site may be sent to. */
static int64_t site_opens_at(const struct lane *lane) {
    const struct schedule_site *site = lane->domain->site;
    if (!site) return 0;
    return lane->is_first ? site->parked_until : site->open_at;
}

bool schedule_is_parked(const struct schedule *s, const struct lane *lane) {
    return site_opens_at(lane) > s->now;
}

/* (Re-)enter the heap, if the lane has something on disk and nobody is at it. */
static void lane_ask(struct schedule *s, struct lane *lane) {
    heap_remove(lane);
    if (lane->is_loading || lane->disk_due_at == SCHEDULE_NEVER) return;
    list_remove(&lane->parked);
    lane->ask_at = max_i64(lane->disk_due_at, s->now); /* who asks again stands behind those who wait */
    lane->ask_at = max_i64(lane->ask_at, site_opens_at(lane));
    heap_add(s, lane);
}

void schedule_reask(struct schedule *s, struct lane *lane) {
    if (lane->heap_place) lane_ask(s, lane);
}

/* The earliest on disk. */
static void note_first(struct lane *lane, int64_t due_at, bool is_tried) {
    if (due_at >= lane->disk_due_at) return;
    lane->disk_due_at = due_at;
    lane->is_tried = is_tried;
}

void schedule_on_disk(struct schedule *s, struct lane *lane, int64_t due_at, bool is_tried) {
    if (due_at >= lane->disk_due_at) return;
    note_first(lane, due_at, is_tried);
    if (list_is_empty(&lane->parked)) lane_ask(s, lane);
}

void schedule_wake(struct schedule *s, struct lane *lane) {
    if (!list_is_empty(&lane->parked)) lane_ask(s, lane);
    for (size_t i = 0; i < WAITS; i++) {
        struct list *parked = &s->waits[s->wakes++ % WAITS].parked;
        if (!list_is_empty(parked)) return lane_ask(s, LIST_OWNER(parked->next, struct lane, parked));
    }
}

/* ---- loads ---- */

static bool scan_next(struct schedule *s, struct schedule_load *ret) {
    if (s->is_scanning || s->scan_at > s->now) return false;
    s->is_scanning = true;
    if (!s->has_cursor) s->missed_due_at = SCHEDULE_NEVER;
    *ret = (struct schedule_load){.kind = SCHEDULE_LOAD_LANES, .lane = s->cursor, .limit = LANES_PAGE};
    return true;
}

static bool lane_wants(const struct schedule *s, const struct lane *lane) {
    return lane->ready_count * 4 <= lane_limit(s, lane) && schedule_room(s, lane) > 0;
}

static void load_lane(struct schedule *s, struct lane *lane, struct schedule_load *ret) {
    lane->is_loading = true;
    lane->disk_due_at = SCHEDULE_NEVER; /* what comes from now on is noted anew */
    *ret = (struct schedule_load){
        .kind = SCHEDULE_LOAD_ENTRIES,
        .lane = {lane->domain->name, lane->share->account_id, lane->share->priority, 0, false},
        .due_until = s->now,
        .limit = lane->count + schedule_room(s, lane), /* those in memory may come first */
        .record = lane,
    };
}

/* The lane of this kind that asked first and can take something; the others wait for room. */
static struct lane *heap_next(struct schedule *s, struct lane_wait *h) {
    while (h->count > 0 && h->items[0]->ask_at <= s->now) {
        struct lane *lane = h->items[0];
        heap_remove(lane);
        if (lane_wants(s, lane)) return lane;
        list_add_tail(&h->parked, &lane->parked);
    }
    return NULL;
}

/* What is new and what is tried again, in turn. */
static struct lane *priority_next(struct schedule *s, int priority) {
    bool *prefers_tried = &s->prefers_tried[priority];
    struct lane_wait *waits = &s->waits[2 * priority];
    struct lane *lane = heap_next(s, &waits[*prefers_tried]);
    if (!lane) lane = heap_next(s, &waits[!*prefers_tried]);
    if (lane) *prefers_tried = !lane->is_tried;
    return lane;
}

bool schedule_next_load(struct schedule *s, int64_t now, struct schedule_load *ret) {
    schedule_tick(s, now);
    if (scan_next(s, ret)) return true;
    struct lane *lane = NULL;
    for (int i = 0; i < PRIORITIES && !lane; i++) lane = priority_next(s, i);
    if (lane) load_lane(s, lane, ret);
    return lane != NULL;
}

int64_t schedule_next_due_at(const struct schedule *s) {
    int64_t at = s->is_scanning ? SCHEDULE_NEVER : s->scan_at;
    for (const struct lane_wait *h = s->waits; h < s->waits + WAITS; h++)
        if (h->count > 0) at = min_i64(at, h->items[0]->ask_at);
    return at;
}

static void scan_ended(struct schedule *s) {
    s->has_cursor = false;
    s->cursor = (struct queue_lane){.priority = 0};
    s->scan_rest_until = s->now + SCAN_REST_MS;
    s->scan_at = s->missed_due_at == SCHEDULE_NEVER ? SCHEDULE_NEVER : max_i64(s->missed_due_at, s->scan_rest_until);
}

static void lanes_loaded(struct schedule *s, const struct schedule_load *load, const struct schedule_rows *rows) {
    s->is_scanning = false;
    if (rows->status != STATUS_OK) {
        s->scan_at = s->now + LOAD_AGAIN_MS;
        return;
    }
    for (size_t i = 0; i < rows->count; i++) {
        struct lane *lane = schedule_lane(s, &rows->lanes[i]);
        if (lane) schedule_on_disk(s, lane, rows->lanes[i].first_due_at, rows->lanes[i].is_tried);
    }
    if (rows->count < load->limit) {
        scan_ended(s);
        return;
    }
    s->cursor = rows->lanes[rows->count - 1];
    buf_reset(&s->cursor_name);
    buf_add_str(&s->cursor_name, s->cursor.domain);
    s->cursor.domain = buf_str(&s->cursor_name);
    s->has_cursor = true;
    s->scan_at = s->now;
}

/* Take what there is room for, and note what stays on disk. */
static void rows_take(struct schedule *s, struct lane *lane, const struct schedule_load *load, const struct schedule_rows *rows) {
    const struct queue_entry *stays = NULL;
    if (rows->count > 0 && schedule_is_parked(s, lane)) stays = rows->entries; /* parked since */
    for (size_t i = 0; i < rows->count && !stays; i++) {
        const struct queue_entry *row = &rows->entries[i];
        struct entry *known = schedule_find(s, row->recipient_id);
        if (known && known->state == ENTRY_READY) { /* it was offered late, or moved since */
            known->queue.attempts = row->attempts;
            known->queue.due_at = row->due_at;
        }
        if (known) continue;
        if (schedule_room(s, lane) == 0)
            stays = row;
        else
            schedule_insert(s, lane, row);
    }
    if (!stays && rows->count > 0 && rows->count >= load->limit) stays = &rows->entries[rows->count - 1];
    if (stays)
        note_first(lane, stays->due_at, stays->attempts > 0);
    else if (rows->next_due_at != SCHEDULE_NEVER)
        note_first(lane, max_i64(rows->next_due_at, s->now + LOAD_REST_MS), rows->next_is_tried);
}

void schedule_loaded(struct schedule *s, const struct schedule_load *load, const struct schedule_rows *rows, int64_t now) {
    schedule_tick(s, now);
    if (load->kind == SCHEDULE_LOAD_LANES) {
        lanes_loaded(s, load, rows);
        return;
    }
    struct lane *lane = load->record;
    if (rows->status == STATUS_OK)
        rows_take(s, lane, load, rows);
    else
        note_first(lane, s->now + LOAD_AGAIN_MS, lane->is_tried);
    lane->is_loading = false;
    LIST_FOR_EACH_SAFE (it, &lane->ghosts) schedule_entry_drop(s, LIST_OWNER(it, struct entry, node));
    lane_ask(s, lane);
    schedule_lane_tidy(s, lane);
}
