/* rollup.c - see rollup.h.
 *
 * Most rows are there already, so a row is first updated, and inserted when there was none. A new value takes a place of its
 * kind's bound with one statement that does nothing when it is full.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup.h"

#include "base/map.h"
#include "store/rollup_times.h"
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(EVENT_TYPE_COUNT == 11 && ROLLUP_COUNTER_COUNT == 17, "the columns below are these counters in this order");

#define TAGS_MAX   200
#define VALUES_MAX 1000

static const struct {
    int64_t span_ms;
    int values_max; /* 0: no value */
} kinds[ROLLUP_KIND_COUNT] = {
    [ROLLUP_HOUR] = {ROLLUP_HOUR_MS, 0},
    [ROLLUP_DAY] = {ROLLUP_DAY_MS, 0},
    [ROLLUP_HOUR_GONE] = {ROLLUP_HOUR_MS, 0},
    [ROLLUP_DAY_GONE] = {ROLLUP_DAY_MS, 0},
    [ROLLUP_HOUR_TAG] = {ROLLUP_HOUR_MS, TAGS_MAX},
    [ROLLUP_DAY_TAG] = {ROLLUP_DAY_MS, TAGS_MAX},
    [ROLLUP_DAY_RECIPIENT_DOMAIN] = {ROLLUP_DAY_MS, VALUES_MAX},
    [ROLLUP_DAY_LINK] = {ROLLUP_DAY_MS, VALUES_MAX},
    [ROLLUP_DAY_BOUNCE_CLASS] = {ROLLUP_DAY_MS, VALUES_MAX},
    [ROLLUP_DAY_DEVICE] = {ROLLUP_DAY_MS, VALUES_MAX},
    [ROLLUP_DAY_COUNTRY] = {ROLLUP_DAY_MS, VALUES_MAX},
};

int rollup_values_max(enum rollup_kind kind) {
    return kinds[kind].values_max;
}

/* ---- the tally ---- */
struct place {
    int64_t domain_id, kind, at;
};
struct row {
    struct place place;
    struct str value;
    int64_t account_id;
    int64_t n[ROLLUP_COUNTER_COUNT];
    struct rollup_times *times; /* of a recipient domain, an item an outcome; NULL: nothing ended */
};
struct tally {
    struct db_late late; /* first */
    struct arena arena;
    struct map *rows; /* by place and value */
};

static void tally_free(struct db_late *late) {
    struct tally *t = (struct tally *)(void *)late;
    map_free(&t->rows);
    arena_fini(&t->arena);
    free(t);
}

static enum status tally_write(struct db_late *late, struct db *tx);

static struct tally *tally_of(struct db *tx) {
    struct tally *t = (struct tally *)(void *)db_find_late(tx, tally_write);
    if (t) return t;
    t = calloc(1, sizeof *t);
    if (!t) abort();
    t->late = (struct db_late){.write = tally_write, .free = tally_free};
    t->rows = map_new();
    db_add_late(tx, &t->late);
    return t;
}

/* What came with an event, in a shape that a row can have. */
static struct str value_of(struct str text) {
    bool is_fit = text.n <= ROLLUP_VALUE_MAX && str_is_utf8(text) && str_find(text, '\0') == STR_NONE;
    return is_fit ? text : STR(ROLLUP_OTHER);
}

static struct row *row_of(struct tally *t, const struct place *place, struct str value) {
    char key[sizeof *place + ROLLUP_VALUE_MAX];
    memcpy(key, place, sizeof *place);
    if (value.n) memcpy(key + sizeof *place, value.p, value.n);
    struct str bytes = str_make(key, sizeof *place + value.n);
    struct row *row = map_find(t->rows, bytes);
    if (row) return row;
    row = ARENA_NEW(&t->arena, struct row);
    row->place = *place;
    row->value = arena_str(&t->arena, value);
    map_put(t->rows, bytes, row);
    return row;
}

/* Which counters an event is in. */
struct marks {
    int which[3], count;
};

static struct marks marks_of(const struct event *event, enum rollup_mark mark) {
    static const int firsts[EVENT_TYPE_COUNT] = {[EVENT_OPEN] = ROLLUP_FIRST_OPEN,
                                                 [EVENT_CLICK] = ROLLUP_FIRST_CLICK,
                                                 [EVENT_UNSUBSCRIBE] = ROLLUP_FIRST_UNSUBSCRIBE,
                                                 [EVENT_COMPLAINT] = ROLLUP_FIRST_COMPLAINT};
    static const int machines[EVENT_TYPE_COUNT] = {[EVENT_OPEN] = ROLLUP_MACHINE_OPEN, [EVENT_CLICK] = ROLLUP_MACHINE_CLICK};
    struct marks marks = {.which = {ROLLUP_OF(event->type)}, .count = 1};
    if (mark == ROLLUP_FIRST && firsts[event->type]) marks.which[marks.count++] = firsts[event->type];
    if (mark == ROLLUP_MACHINE && machines[event->type]) marks.which[marks.count++] = machines[event->type];
    if (event->type == EVENT_BOUNCE && event->keys.is_hard) marks.which[marks.count++] = ROLLUP_HARD_BOUNCE;
    return marks;
}

/* Where it is counted; NULL: there is nothing to count it under. */
static struct row *count(struct tally *t, enum rollup_kind kind, const struct event *event, struct str value,
                         const struct marks *marks) {
    const struct place place = {event->domain_id, kind, event->at - event->at % kinds[kind].span_ms};
    if (kinds[kind].values_max && !value.n) return NULL;
    struct row *row = row_of(t, &place, value_of(value));
    row->account_id = event->account_id;
    for (int i = 0; i < marks->count; i++) row->n[marks->which[i]]++;
    return row;
}

static void add_time(struct tally *t, struct row *row, const struct event *event) {
    if (!row->times) row->times = arena_array(&t->arena, ROLLUP_OUTCOME_COUNT, sizeof *row->times);
    rollup_times_add(&row->times[rollup_outcome_of(event)], event->keys.took_ms);
}

void rollup_add(struct db *tx, const struct event *event, enum rollup_mark mark) {
    struct tally *t = tally_of(tx);
    const struct event_keys *keys = &event->keys;
    const struct marks marks = marks_of(event, mark);
    count(t, ROLLUP_HOUR, event, STR(""), &marks);
    count(t, ROLLUP_DAY, event, STR(""), &marks);
    for (size_t i = 0; i < keys->tag_count; i++) {
        count(t, ROLLUP_HOUR_TAG, event, keys->tags[i], &marks);
        count(t, ROLLUP_DAY_TAG, event, keys->tags[i], &marks);
    }
    struct row *domain = count(t, ROLLUP_DAY_RECIPIENT_DOMAIN, event, event_recipient_domain(event), &marks);
    if (domain && rollup_outcome_of(event) != ROLLUP_UNDECIDED) add_time(t, domain, event);
    count(t, ROLLUP_DAY_LINK, event, keys->link, &marks);
    count(t, ROLLUP_DAY_BOUNCE_CLASS, event, keys->bounce_class, &marks);
    count(t, ROLLUP_DAY_DEVICE, event, keys->device, &marks);
    count(t, ROLLUP_DAY_COUNTRY, event, keys->country, &marks);
}

void rollup_remove(struct db *tx, int64_t domain_id, enum event_type type, int64_t at) {
    struct tally *t = tally_of(tx);
    const struct event event = {.domain_id = domain_id, .type = type, .at = at};
    const struct marks marks = {.which = {ROLLUP_OF(type)}, .count = 1};
    count(t, ROLLUP_HOUR_GONE, &event, STR(""), &marks);
    count(t, ROLLUP_DAY_GONE, &event, STR(""), &marks);
}

/* ---- its rows ---- */
static enum status run_with(struct db *tx, struct stmt *s, const struct row *row, struct str value) {
    STMT_BIND_INTS(s, 1, row->place.domain_id, row->place.kind, row->place.at);
    stmt_bind_text(s, 4, value);
    stmt_bind_ints(s, 5, row->n, ROLLUP_COUNTER_COUNT);
    return row_change(tx, s);
}

static enum status update(struct db *tx, const struct row *row, struct str value) {
    return run_with(
        tx,
        db_stmt(tx, "UPDATE rollups SET sends = sends + ?5, deferrals = deferrals + ?6, deliveries = deliveries + ?7, "
                    "bounces = bounces + ?8, failures = failures + ?9, suppressed = suppressed + ?10, opens = opens + ?11, "
                    "clicks = clicks + ?12, unsubscribes = unsubscribes + ?13, complaints = complaints + ?14, "
                    "hard_bounces = hard_bounces + ?15, first_opens = first_opens + ?16, first_clicks = first_clicks + ?17, "
                    "first_unsubscribes = first_unsubscribes + ?18, first_complaints = first_complaints + ?19, "
                    "machine_opens = machine_opens + ?20, machine_clicks = machine_clicks + ?21 "
                    "WHERE domain_id = ?1 AND kind = ?2 AND at = ?3 AND value = ?4"),
        row, value);
}

static enum status insert(struct db *tx, const struct row *row, struct str value) {
    return run_with(
        tx,
        db_stmt(tx,
                "INSERT INTO rollups (domain_id, kind, at, value, sends, deferrals, deliveries, bounces, failures, suppressed, "
                "opens, clicks, unsubscribes, complaints, hard_bounces, first_opens, first_clicks, first_unsubscribes, "
                "first_complaints, machine_opens, machine_clicks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                "?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"),
        row, value);
}

/* NOT_FOUND: there is none. */
static enum status take_place(struct db *tx, const struct place *place) {
    struct stmt *s = db_stmt(tx, "INSERT INTO rollup_sizes (domain_id, kind, at, size) VALUES (?1, ?2, ?3, 1) "
                                 "ON CONFLICT (domain_id, kind, at) DO UPDATE SET size = rollup_sizes.size + 1 "
                                 "WHERE rollup_sizes.size < ?4");
    STMT_BIND_INTS(s, 1, place->domain_id, place->kind, place->at, kinds[place->kind].values_max);
    return row_change(tx, s);
}

/* Once a day and domain. */
static enum status remember_domain(struct db *tx, const struct row *row) {
    struct stmt *s = db_stmt(tx, "INSERT INTO rollup_domains (domain_id, account_id, name) VALUES (?1, ?2, "
                                 "COALESCE((SELECT d.name FROM domains d WHERE d.id = ?1), '')) "
                                 "ON CONFLICT (domain_id) DO NOTHING");
    STMT_BIND_INTS(s, 1, row->place.domain_id, row->account_id);
    return stmt_run(s);
}

static enum status add_other(struct db *tx, const struct row *row) {
    enum status status = update(tx, row, STR(ROLLUP_OTHER));
    return status == STATUS_NOT_FOUND ? insert(tx, row, STR(ROLLUP_OTHER)) : status;
}

/* *value becomes the one that it is counted under. */
static enum status add_new(struct db *tx, const struct row *row, struct str *value) {
    bool is_bounded = row->value.n && !str_eq(row->value, STR(ROLLUP_OTHER));
    enum status status = is_bounded ? take_place(tx, &row->place) : STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        *value = STR(ROLLUP_OTHER);
        return add_other(tx, row);
    }
    if (status == STATUS_OK && row->place.kind == ROLLUP_DAY) status = remember_domain(tx, row);
    return status == STATUS_OK ? insert(tx, row, row->value) : status;
}

static enum status write_row(struct db *tx, const struct row *row) {
    struct str value = row->value;
    enum status status = update(tx, row, value);
    if (status == STATUS_NOT_FOUND) status = add_new(tx, row, &value);
    for (int i = 0; row->times && status == STATUS_OK && i < ROLLUP_OUTCOME_COUNT; i++) {
        const struct rollup_time_place place = {row->place.domain_id, row->place.at, value, (enum rollup_outcome)i};
        if (row->times[i].letters) status = rollup_times_write(tx, &place, &row->times[i]);
    }
    return status;
}

static int compare_rows(const void *x, const void *y) {
    const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
    const struct place *p = &a->place, *q = &b->place;
    if (p->domain_id != q->domain_id) return p->domain_id < q->domain_id ? -1 : 1;
    if (p->kind != q->kind) return p->kind < q->kind ? -1 : 1;
    if (p->at != q->at) return p->at < q->at ? -1 : 1;
    return str_cmp(a->value, b->value);
}

static enum status tally_write(struct db_late *late, struct db *tx) {
    struct tally *t = (struct tally *)(void *)late;
    size_t count = map_count(t->rows), n = 0, cursor = 0;
    struct row **rows = arena_array(&t->arena, count + 1, sizeof *rows);
    struct str key;
    void *value;
    while (map_next(t->rows, &cursor, &key, &value)) rows[n++] = value;
    qsort(rows, n, sizeof *rows, compare_rows);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < n; i++) status = write_row(tx, rows[i]);
    return status;
}
