/* rollup_read.c - see rollup_read.h. Names of columns and constants are strung together, every number is a parameter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup_read.h"

#include "store/event_facts.h"
#include "store/rows.h"

#include <assert.h>

#define TIME_MAX INT64_C(253370764800000) /* the year 9999 begins: a whole day */

/* A counter's column, and what an event is that counts in it. */
static const struct {
    const char *column, *is;
} counters[ROLLUP_COUNTER_COUNT] = {
    [ROLLUP_OF(EVENT_SEND)] = {"sends", "f.type = 1"},
    [ROLLUP_OF(EVENT_DEFERRED)] = {"deferrals", "f.type = 2"},
    [ROLLUP_OF(EVENT_DELIVERY)] = {"deliveries", "f.type = 3"},
    [ROLLUP_OF(EVENT_BOUNCE)] = {"bounces", "f.type = 4"},
    [ROLLUP_OF(EVENT_FAILED)] = {"failures", "f.type = 5"},
    [ROLLUP_OF(EVENT_SUPPRESSED)] = {"suppressed", "f.type = 6"},
    [ROLLUP_OF(EVENT_OPEN)] = {"opens", "f.type = 7"},
    [ROLLUP_OF(EVENT_CLICK)] = {"clicks", "f.type = 8"},
    [ROLLUP_OF(EVENT_UNSUBSCRIBE)] = {"unsubscribes", "f.type = 9"},
    [ROLLUP_OF(EVENT_COMPLAINT)] = {"complaints", "f.type = 10"},
    [ROLLUP_HARD_BOUNCE] = {"hard_bounces", "f.type = 4 AND f.bounce_hard IN ('1', 'true')"},
    [ROLLUP_FIRST_OPEN] = {"first_opens", "f.type = 7 AND f.is_first = 1"},
    [ROLLUP_FIRST_CLICK] = {"first_clicks", "f.type = 8 AND f.is_first = 1"},
    [ROLLUP_FIRST_UNSUBSCRIBE] = {"first_unsubscribes", "f.type = 9 AND f.is_first = 1"},
    [ROLLUP_FIRST_COMPLAINT] = {"first_complaints", "f.type = 10 AND f.is_first = 1"},
    [ROLLUP_MACHINE_OPEN] = {"machine_opens", "f.type = 7 AND f.is_machine = 1"},
    [ROLLUP_MACHINE_CLICK] = {"machine_clicks", "f.type = 8 AND f.is_machine = 1"},
};

/* Which rows have a field, by hour (0: none do) and by day, and what it is of an event. */
static const struct by {
    enum rollup_kind hour, day;
    const char *value; /* of an event; NULL: its time, or its domain */
    const char *key;   /* what is grouped by, a number; NULL: the value */
    int64_t key_ms;    /* one of its steps, of time */
} bys[] = {
    [ROLLUP_BY_DAY] = {ROLLUP_HOUR, ROLLUP_DAY, NULL, "u.at / 86400000", ROLLUP_DAY_MS},
    [ROLLUP_BY_HOUR] = {ROLLUP_HOUR, 0, NULL, "u.at / 3600000", ROLLUP_HOUR_MS},
    [ROLLUP_BY_TAG] = {ROLLUP_HOUR_TAG, ROLLUP_DAY_TAG, "t.tag", NULL, 0},
    [ROLLUP_BY_RECIPIENT_DOMAIN] = {0, ROLLUP_DAY_RECIPIENT_DOMAIN, "f.recipient_domain", NULL, 0},
    [ROLLUP_BY_LINK] = {0, ROLLUP_DAY_LINK, "f.link", NULL, 0},
    [ROLLUP_BY_BOUNCE_CLASS] = {0, ROLLUP_DAY_BOUNCE_CLASS, "f.bounce_class", NULL, 0},
    [ROLLUP_BY_DEVICE] = {0, ROLLUP_DAY_DEVICE, "f.device", NULL, 0},
    [ROLLUP_BY_COUNTRY] = {0, ROLLUP_DAY_COUNTRY, "f.country", NULL, 0},
    [ROLLUP_BY_DOMAIN] = {ROLLUP_HOUR, ROLLUP_DAY, NULL, "u.domain_id", 0},
};

/* ---- a period in pieces ---- */
struct piece {
    enum rollup_kind kind; /* 0: its events one by one */
    int64_t from_at, before_at;
};
#define PIECES_MAX 5
struct pieces {
    struct piece items[PIECES_MAX];
    int count;
};

static void add_piece(struct pieces *p, enum rollup_kind kind, int64_t from_at, int64_t before_at) {
    if (from_at < before_at) p->items[p->count++] = (struct piece){kind, from_at, before_at};
}

static int64_t round_up(int64_t at, int64_t step) {
    return (at + step - 1) / step * step;
}

static int64_t round_down(int64_t at, int64_t step) {
    return at - at % step;
}

static struct event_period clamp(const struct event_period *period) {
    struct event_period clamped = *period;
    if (clamped.from_at < 0) clamped.from_at = 0;
    if (clamped.before_at > TIME_MAX) clamped.before_at = TIME_MAX;
    if (clamped.before_at < clamped.from_at) clamped.before_at = clamped.from_at;
    return clamped;
}

/* What is inside [from, before) in whole steps of the kind, with the ends around it cut by `next`; without such a step, all of it
 * is an end. */
static void cut_hours(struct pieces *p, enum rollup_kind hour, int64_t from_at, int64_t before_at) {
    int64_t from = round_up(from_at, ROLLUP_HOUR_MS), before = round_down(before_at, ROLLUP_HOUR_MS);
    if (!hour || from >= before) {
        add_piece(p, 0, from_at, before_at);
        return;
    }
    add_piece(p, 0, from_at, from);
    add_piece(p, hour, from, before);
    add_piece(p, 0, before, before_at);
}

static struct pieces cut(const struct by *by, const struct event_period *whole) {
    struct pieces p = {.count = 0};
    const struct event_period period = clamp(whole);
    int64_t from = round_up(period.from_at, ROLLUP_DAY_MS), before = round_down(period.before_at, ROLLUP_DAY_MS);
    if (!by->day || from >= before) {
        cut_hours(&p, by->hour, period.from_at, period.before_at);
        return p;
    }
    cut_hours(&p, by->hour, period.from_at, from);
    add_piece(&p, by->day, from, before);
    cut_hours(&p, by->hour, before, period.before_at);
    return p;
}

/* ---- SQL ---- */
struct sums {
    struct buf sql;
    struct db *tx;
    int64_t domain_id;
    const struct rollup_among *among; /* NULL: the domain */
    int64_t values[6 * PIECES_MAX + 1];
    int count;
};

static void sums_fini(struct sums *q) {
    buf_fini(&q->sql);
}
#define SUMS_AUTO __attribute__((cleanup(sums_fini))) struct sums

static void add_int(struct sums *q, int64_t number) {
    assert(q->count < (int)(sizeof q->values / sizeof q->values[0]));
    q->values[q->count++] = number;
    buf_addf(&q->sql, "?%d", q->count);
}

static void add_time(struct sums *q, const char *column, const struct piece *piece) {
    buf_addf(&q->sql, " AND %s >= ", column);
    add_int(q, piece->from_at);
    buf_addf(&q->sql, " AND %s < ", column);
    add_int(q, piece->before_at);
}

static void add_whose(struct sums *q, const char *column) {
    buf_addf(&q->sql, " WHERE %s", column);
    if (!q->among) {
        buf_add_z(&q->sql, " = ");
        add_int(q, q->domain_id);
        return;
    }
    buf_add_z(&q->sql, " IN (SELECT d.domain_id FROM rollup_domains d WHERE d.account_id = ");
    add_int(q, q->among->account_id);
    buf_add_z(&q->sql, " AND d.domain_id > ");
    add_int(q, q->among->after_id);
    buf_add_z(&q->sql, " AND d.domain_id <= ");
    add_int(q, q->among->last_id);
    buf_add_z(&q->sql, ")");
}

/* Texts of both kinds of pieces must compare alike. */
static const char *bytewise(const struct sums *q) {
    return db_is_sqlite(q->tx) ? "" : " COLLATE \"C\"";
}

static void add_rolled_from(struct sums *q, const struct piece *piece) {
    buf_add_z(&q->sql, " FROM rollups r");
    add_whose(q, "r.domain_id");
    buf_add_z(&q->sql, " AND r.kind = ");
    add_int(q, piece->kind);
    add_time(q, "r.at", piece);
}

static void add_rolled(struct sums *q, const struct piece *piece) {
    buf_addf(&q->sql, "SELECT r.domain_id, r.value%s AS value, r.at", bytewise(q));
    for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++) buf_addf(&q->sql, ", r.%s", counters[i].column);
    add_rolled_from(q, piece);
}

static void add_events(struct sums *q, const struct by *by, const struct piece *piece) {
    buf_addf(&q->sql, "SELECT f.domain_id, %s%s AS value, f.at", by->value ? by->value : "''", bytewise(q));
    for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++)
        buf_addf(&q->sql, ", CASE WHEN %s THEN 1 ELSE 0 END AS %s", counters[i].is, counters[i].column);
    buf_add_z(&q->sql, " FROM event_facts f");
    if (by == &bys[ROLLUP_BY_TAG]) buf_add_z(&q->sql, " JOIN event_tags t ON t.message_id = f.message_id");
    add_whose(q, "f.domain_id");
    add_time(q, "f.at", piece);
    if (by->value) buf_addf(&q->sql, " AND %s <> ''", by->value);
}

static void add_pieces(struct sums *q, const struct by *by, const struct pieces *p) {
    buf_add_z(&q->sql, " FROM (");
    for (int i = 0; i < p->count; i++) {
        if (i) buf_add_z(&q->sql, " UNION ALL ");
        if (p->items[i].kind)
            add_rolled(q, &p->items[i]);
        else
            add_events(q, by, &p->items[i]);
    }
    buf_add_z(&q->sql, ") u");
}

static void add_sums(struct buf *sql) {
    for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++) buf_addf(sql, ", CAST(COALESCE(sum(u.%s), 0) AS BIGINT)", counters[i].column);
}

static void add_zeros(struct buf *sql) {
    for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++) buf_add_z(sql, ", CAST(0 AS BIGINT)");
}

static bool is_of(int64_t types, int type) {
    return types == 0 || (types & EVENT_BIT(type)) != 0;
}

/* "u.sends + u.opens - u.machine_opens" of the types; machines as they are counted in with them. */
static void add_terms(struct buf *sql, int64_t types, bool with_machines) {
    buf_add_z(sql, "0");
    for (int type = EVENT_SEND; type < EVENT_TYPE_COUNT; type++)
        if (is_of(types, type)) buf_addf(sql, " + u.%s", counters[ROLLUP_OF(type)].column);
    if (!with_machines && is_of(types, EVENT_OPEN)) buf_add_z(sql, " - u.machine_opens");
    if (!with_machines && is_of(types, EVENT_CLICK)) buf_add_z(sql, " - u.machine_clicks");
}

static struct stmt *sums_stmt(struct sums *q) {
    struct stmt *s = db_stmt_once(q->tx, buf_str(&q->sql));
    stmt_bind_ints(s, 1, q->values, (size_t)q->count);
    return s;
}

/* ---- how much has to be looked at ---- */
#define ALL_TYPES ((INT64_C(1) << 62) - 1)
/* Events one by one, those that are not counted any more left out by themselves. */
static enum status count_events(struct db *tx, int64_t domain_id, const struct piece *piece, int64_t types, int64_t max,
                                int64_t *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 "
                    "AND (?4 & (CAST(1 AS BIGINT) << CAST(type AS INTEGER))) <> 0 LIMIT ?5) counted");
    STMT_BIND_INTS(s, 1, domain_id, piece->from_at, piece->before_at, types ? types : ALL_TYPES, max);
    return row_int(s, ret);
}

static enum status count_edge(const struct sums *q, const struct piece *piece, int64_t *ret) {
    if (!q->among) return count_events(q->tx, q->domain_id, piece, 0, ROLLUP_EDGE_MAX + 1, ret);
    SUMS_AUTO edge = {.tx = q->tx, .among = q->among};
    buf_add_z(&edge.sql, "SELECT count(*) FROM (SELECT 1 AS one FROM events e");
    add_whose(&edge, "e.domain_id");
    add_time(&edge, "e.at", piece);
    buf_add_z(&edge.sql, " LIMIT ");
    add_int(&edge, ROLLUP_EDGE_MAX + 1);
    buf_add_z(&edge.sql, ") counted");
    return row_int(sums_stmt(&edge), ret);
}

static enum status check_edges(const struct sums *q, const struct pieces *p) {
    int64_t sum = 0;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < p->count; i++) {
        int64_t count = 0;
        if (p->items[i].kind) continue;
        status = count_edge(q, &p->items[i], &count);
        sum += count;
    }
    return status == STATUS_OK && sum > ROLLUP_EDGE_MAX ? STATUS_LIMIT : status;
}

/* The index alone counts. */
static enum status check_rows(const struct sums *q, const struct by *by, const struct pieces *p) {
    int64_t sum = 0;
    enum status status = STATUS_OK;
    for (int i = 0; by->value && status == STATUS_OK && i < p->count; i++) {
        SUMS_AUTO rows = {.tx = q->tx, .domain_id = q->domain_id, .among = q->among};
        int64_t count = 0;
        if (!p->items[i].kind) continue;
        buf_add_z(&rows.sql, "SELECT count(*) FROM (SELECT 1 AS one");
        add_rolled_from(&rows, &p->items[i]);
        buf_add_z(&rows.sql, " LIMIT ");
        add_int(&rows, ROLLUP_ROWS_MAX + 1);
        buf_add_z(&rows.sql, ") counted");
        status = row_int(sums_stmt(&rows), &count);
        sum += count;
    }
    return status == STATUS_OK && sum > ROLLUP_ROWS_MAX ? STATUS_LIMIT : status;
}

/* ---- sums ---- */
static struct rollup_counts counts_of(struct stmt *s, int column) {
    struct rollup_counts counts;
    for (int i = 0; i < ROLLUP_COUNTER_COUNT; i++) counts.n[i] = stmt_int(s, column + i);
    return counts;
}

enum status rollup_sum(struct db *tx, const struct event_period *period, struct rollup_counts *ret) {
    const struct by *by = &bys[ROLLUP_BY_DAY];
    struct pieces p = cut(by, period);
    SUMS_AUTO q = {.tx = tx, .domain_id = period->domain_id};
    enum status status = check_edges(&q, &p);
    if (status != STATUS_OK) return status;
    if (p.count == 0) {
        *ret = (struct rollup_counts){{0}};
        return STATUS_OK;
    }
    event_facts_add(&q.sql, tx);
    buf_add_z(&q.sql, "SELECT 0");
    add_sums(&q.sql);
    add_pieces(&q, by, &p);
    struct stmt *s = sums_stmt(&q);
    status = row_first(s);
    if (status == STATUS_OK) *ret = counts_of(s, 1);
    return status;
}

static void fill_value(struct stmt *s, struct arena *a, void *item) {
    *(struct rollup_row *)item =
        (struct rollup_row){.value = row_text(s, a, 0), .people = stmt_int(s, 1), .counts = counts_of(s, 2)};
}

static void fill_domain(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct rollup_row *)item =
        (struct rollup_row){.value = STR(""), .domain_id = stmt_int(s, 0), .people = stmt_int(s, 1), .counts = counts_of(s, 2)};
}

static void fill_time(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct rollup_row *)item =
        (struct rollup_row){.value = STR(""), .at = stmt_int(s, 0), .people = stmt_int(s, 1), .counts = counts_of(s, 2)};
}

static void add_group(struct sums *q, const struct rollup_query *query, const struct pieces *p) {
    const struct by *by = &bys[query->by];
    event_facts_add(&q->sql, q->tx);
    buf_addf(&q->sql, "SELECT %s, CAST(sum(", by->key ? by->key : "u.value");
    add_terms(&q->sql, query->types, false);
    buf_add_z(&q->sql, ") AS BIGINT)");
    (query->is_brief ? add_zeros : add_sums)(&q->sql);
    add_pieces(q, by, p);
    buf_add_z(&q->sql, " GROUP BY 1");
    if (!query->keeps_zeros) {
        buf_add_z(&q->sql, " HAVING sum(");
        add_terms(&q->sql, query->types, false);
        buf_add_z(&q->sql, ") > 0");
    }
    buf_add_z(&q->sql, " ORDER BY 2 DESC, 1 LIMIT ");
    add_int(q, query->limit);
}

enum status rollup_group(struct db *tx, struct arena *a, const struct rollup_query *query, struct rollup_list *ret) {
    const struct by *by = &bys[query->by];
    struct pieces p = cut(by, &query->period);
    SUMS_AUTO q = {.tx = tx, .domain_id = query->period.domain_id, .among = query->among};
    row_fill_fn fill = query->by == ROLLUP_BY_DOMAIN ? fill_domain : by->key ? fill_time : fill_value;
    struct rollup_list list = {0};
    enum status status = check_edges(&q, &p);
    if (status == STATUS_OK) status = check_rows(&q, by, &p);
    if (status == STATUS_OK && p.count) {
        add_group(&q, query, &p);
        status = rows_collect(sums_stmt(&q), a, sizeof(struct rollup_row), fill, &list);
    }
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < list.count; i++) list.items[i].at *= by->key_ms;
    *ret = list;
    return STATUS_OK;
}

/* ---- what is there to be listed ---- */
/* A step of time with the events that it has left. */
struct step {
    int64_t at, count;
};
struct step_list {
    struct step *items;
    size_t count;
};

static void fill_step(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct step *)item = (struct step){stmt_int(s, 0), stmt_int(s, 1)};
}

static enum rollup_kind gone_of(enum rollup_kind kind) {
    return kind == ROLLUP_DAY ? ROLLUP_DAY_GONE : ROLLUP_HOUR_GONE;
}

/* "CASE WHEN kind is the gone one's THEN - ELSE + END", summed up. */
static void add_left(struct sums *q, enum rollup_kind kind, int64_t types) {
    buf_add_z(&q->sql, "CAST(COALESCE(sum((CASE WHEN u.kind = ");
    add_int(q, kind);
    buf_add_z(&q->sql, " THEN 1 ELSE -1 END) * (");
    add_terms(&q->sql, types, true);
    buf_add_z(&q->sql, ")), 0) AS BIGINT)");
}

static void add_left_from(struct sums *q, const struct piece *piece) {
    buf_add_z(&q->sql, " FROM rollups u WHERE u.domain_id = ");
    add_int(q, q->domain_id);
    buf_add_z(&q->sql, " AND u.kind IN (");
    add_int(q, piece->kind);
    buf_add_z(&q->sql, ", ");
    add_int(q, gone_of(piece->kind));
    buf_add_z(&q->sql, ") AND u.value = ''");
    add_time(q, "u.at", piece);
}

static enum status count_left(struct db *tx, int64_t domain_id, const struct piece *piece, int64_t types, int64_t *ret) {
    SUMS_AUTO q = {.tx = tx, .domain_id = domain_id};
    if (!piece->kind) return count_events(tx, domain_id, piece, types, INT64_MAX, ret);
    buf_add_z(&q.sql, "SELECT ");
    add_left(&q, piece->kind, types);
    add_left_from(&q, piece);
    return row_int(sums_stmt(&q), ret);
}

enum status rollup_kept(struct db *tx, const struct event_period *period, int64_t types, int64_t *ret) {
    struct pieces p = cut(&bys[ROLLUP_BY_DAY], period);
    int64_t sum = 0;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < p.count; i++) {
        int64_t count = 0;
        status = count_left(tx, period->domain_id, &p.items[i], types, &count);
        sum += count;
    }
    if (status == STATUS_OK) *ret = sum;
    return status;
}

/* Days or hours of a time that have something left, newest first. */
static enum status list_steps(struct db *tx, struct arena *a, int64_t domain_id, const struct piece *piece, int64_t types,
                              struct step_list *ret) {
    SUMS_AUTO q = {.tx = tx, .domain_id = domain_id};
    buf_add_z(&q.sql, "SELECT s.at, s.n FROM (SELECT u.at AS at, ");
    add_left(&q, piece->kind, types);
    buf_add_z(&q.sql, " AS n");
    add_left_from(&q, piece);
    buf_add_z(&q.sql, " GROUP BY u.at) s WHERE s.n > 0 ORDER BY s.at DESC");
    return rows_collect(sums_stmt(&q), a, sizeof(struct step), fill_step, ret);
}

struct search {
    struct db *tx;
    struct arena *arena;
    struct event_period period;
    int64_t types;
    int64_t offset; /* what is still to be left out */
    int64_t wanted; /* what is still to be found */
    struct rollup_page page;
};

static bool is_inside(const struct search *s, int64_t at, int64_t span_ms) {
    return at >= s->period.from_at && at + span_ms <= s->period.before_at;
}

static void take_hour(struct search *s, const struct piece *hour, int64_t count) {
    if (s->offset >= count) {
        s->offset -= count;
        return;
    }
    if (s->page.count == 0) s->page.skip = s->offset;
    s->page.hours[s->page.count++] = (struct rollup_hour){hour->from_at, hour->before_at};
    s->wanted -= count - s->offset;
    s->offset = 0;
}

static enum status search_hour(struct search *s, const struct step *step) {
    struct piece hour = {0, step->at, step->at + ROLLUP_HOUR_MS};
    int64_t count = step->count;
    if (!is_inside(s, step->at, ROLLUP_HOUR_MS)) {
        if (hour.from_at < s->period.from_at) hour.from_at = s->period.from_at;
        if (hour.before_at > s->period.before_at) hour.before_at = s->period.before_at;
        enum status status = count_events(s->tx, s->period.domain_id, &hour, s->types, INT64_MAX, &count);
        if (status != STATUS_OK) return status;
    }
    take_hour(s, &hour, count);
    return STATUS_OK;
}

static enum status search_day(struct search *s, const struct step *day) {
    struct step_list hours;
    struct piece piece = {ROLLUP_HOUR, day->at, day->at + ROLLUP_DAY_MS};
    if (is_inside(s, day->at, ROLLUP_DAY_MS) && s->offset >= day->count) {
        s->offset -= day->count;
        return STATUS_OK;
    }
    if (piece.from_at < s->period.from_at) piece.from_at = round_down(s->period.from_at, ROLLUP_HOUR_MS);
    if (piece.before_at > s->period.before_at) piece.before_at = s->period.before_at;
    enum status status = list_steps(s->tx, s->arena, s->period.domain_id, &piece, s->types, &hours);
    for (size_t i = 0; status == STATUS_OK && i < hours.count && s->wanted > 0; i++) status = search_hour(s, &hours.items[i]);
    return status;
}

enum status rollup_find_page(struct db *tx, struct arena *a, const struct rollup_slice *slice, struct rollup_page *ret) {
    struct step_list days;
    struct search s = {.tx = tx,
                       .arena = a,
                       .period = clamp(&slice->period),
                       .types = slice->types,
                       .offset = slice->offset,
                       .wanted = slice->limit};
    struct piece whole = {ROLLUP_DAY, round_down(s.period.from_at, ROLLUP_DAY_MS), s.period.before_at};
    s.page.hours = arena_array(a, (size_t)slice->limit + 1, sizeof *s.page.hours); /* each has one at least */
    enum status status = list_steps(tx, a, s.period.domain_id, &whole, s.types, &days);
    for (size_t i = 0; status == STATUS_OK && i < days.count && s.wanted > 0; i++) status = search_day(&s, &days.items[i]);
    if (status == STATUS_OK) *ret = s.page;
    return status;
}

/* ---- domains ---- */
static void fill_id(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(int64_t *)item = stmt_int(s, 0);
}

enum status rollup_domain_list(struct db *tx, struct arena *a, int64_t account_id, struct rollup_domain_list *ret) {
    struct stmt *s = db_stmt(tx, "SELECT domain_id FROM rollup_domains WHERE account_id = ?1 ORDER BY domain_id");
    stmt_bind_int(s, 1, account_id);
    return rows_collect(s, a, sizeof(int64_t), fill_id, ret);
}

static void fill_known(struct stmt *s, struct arena *a, void *item) {
    *(struct rollup_domain *)item = (struct rollup_domain){stmt_int(s, 0), row_text(s, a, 1), stmt_int(s, 2) != 0};
}

/* Of those that are there and of those that had events no more than the page has, and then the page out of both. */
enum status rollup_domain_page(struct db *tx, struct arena *a, int64_t account_id, int64_t after_id, int limit,
                               struct rollup_domain_page *ret) {
    struct stmt *s = db_stmt(
        tx, "SELECT id, name, gone FROM (SELECT h.id, h.name, CAST(0 AS BIGINT) AS gone FROM (SELECT id, name FROM domains "
            "WHERE account_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3) h UNION ALL SELECT r.domain_id, r.name, 1 FROM "
            "(SELECT domain_id, name FROM rollup_domains WHERE account_id = ?1 AND domain_id > ?2 ORDER BY domain_id "
            "LIMIT ?3) r WHERE NOT EXISTS (SELECT 1 FROM domains d WHERE d.id = r.domain_id)) known ORDER BY id LIMIT ?3");
    STMT_BIND_INTS(s, 1, account_id, after_id, limit);
    return rows_collect(s, a, sizeof(struct rollup_domain), fill_known, ret);
}
