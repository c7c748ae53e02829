/* event_count.c - see event_count.h.
 *
 * The engine gives values, and they are counted here: an engine that groups sorts all rows first, which took three times as long.
 * PostgreSQL counts those of a piece itself, for there each row is a message on a socket. Numbers are values of eight bytes,
 * the highest first, so that they sort like texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_count.h"

#include "store/event_facts.h"
#include "store/event_own.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include "base/clock.h"

/* Of work, in the unit of event_cost_of(), half a microsecond or less: a count's, and a piece's. */
#define LOOKS_MAX   INT64_C(24000000)
#define PIECE_LOOKS INT64_C(40000)
#define PASSED_MAX  8

static const char *column_of(enum event_field field) {
    return field == EVENT_FIELD_MESSAGE ? "f.message_id" : event_column(field);
}

static bool is_number(enum event_field field) {
    return field == EVENT_FIELD_MESSAGE || event_is_number(field);
}

/* ---- begin ---- */
/* The field as a column of event_messages; NULL: it is no matter of the message. */
static const char *message_column(enum event_field field) {
    static const char *const columns[EVENT_FIELD_COUNT] = {
        [EVENT_FIELD_SUBJECT] = "m.subject",          [EVENT_FIELD_SENDER] = "m.sender",    [EVENT_FIELD_MESSAGE] = "m.id",
        [EVENT_FIELD_JOURNEY] = "m.journey_id",       [EVENT_FIELD_ACTION] = "m.action_id", [EVENT_FIELD_LIST] = "m.list_id",
        [EVENT_FIELD_SUBSCRIBER] = "m.subscriber_id",
    };
    return columns[field];
}

/* By message all events of the domain are passed, so only where those that are meant are a good part of them. */
static enum status judge_by_message(struct db *tx, struct event_count *c) {
    const struct event_period all = {c->filter.domain_id, 0, INT64_MAX}, asked = event_period_of(&c->filter);
    int64_t kept = 0, meant = 0;
    enum status status = rollup_kept(tx, &all, 0, &kept);
    if (status == STATUS_OK) status = rollup_kept(tx, &asked, 0, &meant);
    if (status != STATUS_OK && status != STATUS_LIMIT) return status;
    c->is_by_message = status == STATUS_LIMIT || kept <= PASSED_MAX * meant;
    return STATUS_OK;
}

enum status event_count_begin(struct db *tx, struct event_count *c) {
    ARENA_AUTO arena = {0};
    enum status status = STATUS_OK;
    enum event_field read = c->field;
    c->tally = (struct tally){0};
    if (event_field_types(c->field)) (void)event_take_types(&c->filter, event_field_types(c->field));
    c->is_whole = c->filter.message_id != 0;
    c->is_by_message = c->is_of_message = false;
    if (!c->is_whole && !c->filter.condition && message_column(c->field)) {
        status = judge_by_message(tx, c);
        c->is_of_message = c->is_by_message;
        if (c->is_of_message) read = EVENT_FIELD_COUNT;
    }
    c->looks = PIECE_LOOKS / (1 + event_cost_of(&c->filter, read));
    if (status == STATUS_OK && !c->is_whole) status = event_check_looks(tx, &arena, &c->filter, read, PIECE_LOOKS);
    c->is_whole = status == STATUS_OK;
    if (status == STATUS_LIMIT) status = event_check_looks(tx, &arena, &c->filter, read, LOOKS_MAX);
    if (!c->is_whole && event_is_led(&c->filter, db_is_sqlite(tx))) c->is_by_message = true;
    c->place = c->is_by_message ? 0 : c->filter.from_at;
    return status;
}

/* ---- pieces ---- */
/* Where the piece ends: the first time or message that is not of it; INT64_MAX: there is none. */
static enum status find_end(struct db *tx, const struct event_count *c, int64_t *ret) {
    const struct event_period period = event_period_of(&c->filter);
    struct stmt *s =
        c->is_by_message ? db_stmt(tx, "SELECT message_id FROM events WHERE domain_id = ?1 AND message_id > ?2 ORDER BY "
                                       "message_id LIMIT 1 OFFSET ?3")
        : event_is_of_readers(&c->filter, c->field)
            ? db_stmt(tx, "SELECT at FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?4 AND type IN (7, 8, 9) ORDER BY at "
                          "LIMIT 1 OFFSET ?3")
            : db_stmt(tx, "SELECT at FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?4 ORDER BY at LIMIT 1 OFFSET ?3");
    STMT_BIND_INTS(s, 1, period.domain_id, c->place, c->looks);
    if (!c->is_by_message) stmt_bind_int(s, 4, period.before_at);
    enum status status = row_int(s, ret);
    if (status == STATUS_NOT_FOUND)
        *ret = INT64_MAX;
    else if (status == STATUS_OK && *ret <= c->place)
        *ret = c->place + 1;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool is_about_machines(const struct event_count *c) {
    const struct event_condition *condition = c->filter.condition;
    for (size_t i = 0; condition && i < condition->count; i++)
        if (condition->items[i].op >= EVENT_IS && condition->items[i].field == EVENT_FIELD_BOT) return true;
    return c->field == EVENT_FIELD_BOT;
}

/* The piece as a filter; what is by message is told by add_messages(). */
static struct event_filter filter_of(const struct event_count *c, int64_t end) {
    struct event_filter filter = c->filter;
    if (c->is_whole || c->is_by_message) return filter;
    filter.from_at = c->place;
    if (end != INT64_MAX) filter.before_at = end;
    return filter;
}

static void add_messages(struct sentence *q, const struct event_count *c, int64_t end) {
    if (c->is_whole || !c->is_by_message) return;
    sentence_add(q, " AND f.message_id > ");
    sentence_add_int(q, c->place);
    sentence_add(q, " AND f.message_id <= ");
    sentence_add_int(q, end);
}

static void add_events(struct sentence *q, struct db *tx, const struct event_count *c, int64_t end) {
    const char *column = column_of(c->field);
    const struct event_filter filter = filter_of(c, end);
    event_facts_add(&q->sql, tx);
    buf_addf(&q->sql, "SELECT %s, %s", column, q->is_sqlite ? "1" : "count(*)");
    event_add_source(q, &filter, c->field);
    if (c->field == EVENT_FIELD_TAG) sentence_add(q, " JOIN event_tags t ON t.message_id = f.message_id");
    event_add_where(q, &filter, c->field);
    add_messages(q, c, end);
    if (!is_number(c->field)) buf_addf(&q->sql, " AND %s <> ''", column);
    if (!is_about_machines(c)) sentence_add(q, " AND f.is_machine = 0");
    if (!q->is_sqlite) sentence_add(q, " GROUP BY 1");
}

/* CROSS JOIN: message by message, in the order of the index. */
static void add_of_messages(struct sentence *q, struct db *tx, const struct event_count *c, int64_t end) {
    const char *column = message_column(c->field);
    event_messages_add(&q->sql, tx);
    buf_addf(&q->sql, "SELECT %s, c.times FROM (SELECT f.message_id, count(*) AS times FROM events f%s", column,
             q->is_sqlite ? " INDEXED BY events_by_message" : "");
    event_add_where(q, &c->filter, EVENT_FIELD_COUNT);
    add_messages(q, c, end);
    sentence_add(q, " AND f.is_machine = 0 GROUP BY f.message_id) c CROSS JOIN event_messages m WHERE m.id = c.message_id AND "
                    "m.domain_id = ");
    sentence_add_int(q, c->filter.domain_id);
    if (!is_number(c->field)) buf_addf(&q->sql, " AND %s <> ''", column);
}

static struct str number_value(int64_t number, char ret[static 8]) {
    for (int i = 0; i < 8; i++) ret[i] = (char)((uint64_t)number >> (56 - 8 * i));
    return str_make(ret, 8);
}

static int64_t value_number(struct str value) {
    uint64_t number = 0;
    for (size_t i = 0; i < value.n; i++) number = number << 8 | (unsigned char)value.p[i];
    return (int64_t)number;
}

static enum status count_rows(struct stmt *s, struct event_count *c) {
    enum status status;
    char bytes[8];
    while ((status = stmt_step(s)) == STATUS_ROW) {
        struct str value = is_number(c->field) ? number_value(stmt_int(s, 0), bytes) : stmt_text(s, 0);
        if (!tally_add(&c->tally, value, stmt_int(s, 1))) return STATUS_LIMIT;
    }
    return status;
}

enum status event_count_next(struct db *tx, struct event_count *c, bool *ret_is_end) {
    ARENA_AUTO arena = {0};
    SENTENCE_AUTO q = {.arena = &arena, .is_sqlite = db_is_sqlite(tx)};
    int64_t end = INT64_MAX;
    enum status status = c->is_whole ? STATUS_OK : find_end(tx, c, &end);
    if (status != STATUS_OK) return status;
    (c->is_of_message ? add_of_messages : add_events)(&q, tx, c, end);
    status = count_rows(sentence_stmt(tx, &q), c);
    if (status != STATUS_OK) return status;
    c->place = end;
    *ret_is_end = end == INT64_MAX;
    return STATUS_OK;
}

/* ---- the biggest ---- */
static bool is_before(const struct event_bucket *a, const struct event_bucket *b) {
    return a->count != b->count ? a->count > b->count : str_cmp(a->key, b->key) < 0;
}

/* In their order; values come in none, so few of them find a place once there are enough. */
static void add_sorted(struct event_bucket_list *list, size_t limit, const struct event_bucket *bucket) {
    size_t i = list->count < limit ? list->count++ : limit;
    if (i == limit && !is_before(bucket, &list->items[--i])) return;
    for (; i > 0 && is_before(bucket, &list->items[i - 1]); i--) list->items[i] = list->items[i - 1];
    list->items[i] = *bucket;
}

static enum status name_message(struct db *tx, struct arena *a, int64_t id, struct str *ret) {
    static const char digits[] = "0123456789abcdef";
    struct stmt *s = db_stmt(tx, "SELECT uuid FROM messages WHERE id = ?1");
    stmt_bind_int(s, 1, id);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct id uuid = row_uuid(s, 0);
    char *hex = arena_alloc(a, 2 * sizeof uuid.b);
    for (size_t i = 0; i < sizeof uuid.b; i++) {
        hex[2 * i] = digits[uuid.b[i] >> 4];
        hex[2 * i + 1] = digits[uuid.b[i] & 15];
    }
    *ret = str_make(hex, 2 * sizeof uuid.b);
    return STATUS_OK;
}

/* The value as callers read it. */
static enum status name_bucket(struct db *tx, struct arena *a, enum event_field field, struct event_bucket *bucket) {
    struct str value = bucket->key;
    bucket->key = (struct str){0};
    if (field == EVENT_FIELD_MESSAGE) return name_message(tx, a, value_number(value), &bucket->key);
    if (field == EVENT_FIELD_TYPE)
        bucket->key = str_from_z(event_noun((enum event_type)value_number(value)));
    else if (field == EVENT_FIELD_DAY)
        bucket->at = value_number(value) * CLOCK_DAY_MS;
    else if (field == EVENT_FIELD_HOUR)
        bucket->at = value_number(value) * ROLLUP_HOUR_MS;
    else
        bucket->key = arena_str(a, value);
    return STATUS_OK;
}

enum status event_count_top(struct db *tx, struct arena *a, const struct event_count *c, int limit,
                            struct event_bucket_list *ret) {
    struct event_bucket_list list = {.items = arena_array(a, (size_t)limit, sizeof *list.items)};
    for (size_t i = 0; i < c->tally.room; i++) {
        const struct tally_item *item = &c->tally.items[i];
        if (!item->count) continue;
        const struct event_bucket bucket = {.key = tally_value(&c->tally, item), .count = item->count};
        add_sorted(&list, (size_t)limit, &bucket);
    }
    for (size_t i = 0; i < list.count; i++) {
        enum status status = name_bucket(tx, a, c->field, &list.items[i]);
        if (status != STATUS_OK) return status;
    }
    *ret = list;
    return STATUS_OK;
}

void event_count_fini(struct event_count *c) {
    tally_fini(&c->tally);
}
