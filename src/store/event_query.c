/* event_query.c - a filter written as SQL: constants strung together, every value a parameter (DB02, DB04).
 *
 * struct sentence is the text with its values; add_int and add_text put "?N" where a value belongs. The sentence of a condition
 * has SQL's own operators and precedence, so it is written item by item. No value is ever NULL in the views, so NOT says
 * what people mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_query.h"

#include "store/event_facts.h"
#include "store/rollup_read.h"
#include "store/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many events may be looked at: about a second's work on the slower engine. One that is read with its message costs a
 * microsecond, each item of a condition one more, and five where it is about JSON. */
#define LOOKS_MAX INT64_C(1000000)
#define COST_JSON 5
#define ESCAPE    " ESCAPE '!'"

enum kind { KIND_WORD, KIND_TEXT, KIND_TAG, KIND_TYPE, KIND_TIME };
static const struct {
    const char *name;
    enum kind kind;
    const char *column;
    int cost; /* 0: one */
} fields[EVENT_FIELD_COUNT] = {
    [EVENT_FIELD_TYPE] = {"eventType", KIND_TYPE, "f.type"},
    [EVENT_FIELD_RECIPIENT] = {"recipient", KIND_WORD, "f.recipient"},
    [EVENT_FIELD_RECIPIENT_DOMAIN] = {"recipientDomain", KIND_WORD, "f.recipient_domain"},
    [EVENT_FIELD_SENDER] = {"sender", KIND_WORD, "f.sender"},
    [EVENT_FIELD_SUBJECT] = {"subject", KIND_TEXT, "f.subject"},
    [EVENT_FIELD_TAG] = {"tag", KIND_TAG, "t.tag", COST_JSON},
    [EVENT_FIELD_MESSAGE] = {"messageId", KIND_WORD, "f.message_hex"},
    [EVENT_FIELD_LINK] = {"link", KIND_WORD, "f.link", COST_JSON},
    [EVENT_FIELD_BOUNCE_CLASS] = {"bounceClass", KIND_WORD, "f.bounce_class", COST_JSON},
    [EVENT_FIELD_SMTP_CODE] = {"smtpCode", KIND_WORD, "f.smtp_code", COST_JSON},
    [EVENT_FIELD_MX_HOST] = {"mxHost", KIND_WORD, "f.mx_host", COST_JSON},
    [EVENT_FIELD_COUNTRY] = {"country", KIND_WORD, "f.country", COST_JSON},
    [EVENT_FIELD_DEVICE] = {"device", KIND_WORD, "f.device", COST_JSON},
    [EVENT_FIELD_USER_AGENT] = {"userAgent", KIND_TEXT, "f.user_agent", COST_JSON},
    [EVENT_FIELD_CLIENT] = {"client", KIND_WORD, "f.client", COST_JSON},
    [EVENT_FIELD_IP] = {"ip", KIND_WORD, "f.ip", COST_JSON},
    [EVENT_FIELD_BOT] = {"bot", KIND_WORD, "f.bot"},
    [EVENT_FIELD_JOURNEY] = {"journeyId", KIND_WORD, "f.journey_id", COST_JSON},
    [EVENT_FIELD_ACTION] = {"actionId", KIND_WORD, "f.action_id", COST_JSON},
    [EVENT_FIELD_LIST] = {"listId", KIND_WORD, "f.list_id", COST_JSON},
    [EVENT_FIELD_SUBSCRIBER] = {"subscriberId", KIND_WORD, "f.subscriber_id", COST_JSON},
    [EVENT_FIELD_DAY] = {"day", KIND_TIME, "f.at / 86400000"},
    [EVENT_FIELD_HOUR] = {"hour", KIND_TIME, "f.at / 3600000"},
    [EVENT_FIELD_DATE] = {"date", KIND_TIME, "f.at"},
};

const char *event_field_name(enum event_field field) {
    return fields[field].name;
}

bool event_field_find(struct str name, enum event_field *ret) {
    for (int i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (!str_eq_nocase(name, str_from_z(fields[i].name))) continue;
        *ret = (enum event_field)i;
        return true;
    }
    return false;
}

/* ---- SQL with its values ---- */
struct sentence {
    struct buf sql;
    struct arena *arena;
    struct {
        bool is_text;
        struct str text;
        int64_t number;
    } values[DB_PARAMS_MAX];
    int count;
};
#define SENTENCE_AUTO __attribute__((cleanup(sentence_fini))) struct sentence

static void sentence_fini(struct sentence *q) {
    buf_fini(&q->sql);
}

static void add(struct sentence *q, const char *constant) {
    buf_add_z(&q->sql, constant);
}

/* A condition has 32 terms at most, of two values each, and the rest needs seven. */
static void add_int(struct sentence *q, int64_t number) {
    assert(q->count < DB_PARAMS_MAX);
    q->values[q->count].is_text = false;
    q->values[q->count++].number = number;
    buf_addf(&q->sql, "?%d", q->count);
}

static void add_text(struct sentence *q, struct str text) {
    assert(q->count < DB_PARAMS_MAX);
    q->values[q->count].is_text = true;
    q->values[q->count++].text = text;
    buf_addf(&q->sql, "?%d", q->count);
}

/* The value just added, once more. */
static void add_again(struct sentence *q) {
    buf_addf(&q->sql, "?%d", q->count);
}

static struct stmt *sentence_stmt(struct db *tx, const struct sentence *q) {
    struct stmt *s = db_stmt_once(tx, buf_str(&q->sql));
    for (int i = 0; i < q->count; i++) {
        if (q->values[i].is_text)
            stmt_bind_text(s, i + 1, q->values[i].text);
        else
            stmt_bind_int(s, i + 1, q->values[i].number);
    }
    return s;
}

/* ---- conditions ---- */
/* A pattern of LIKE around the value, in small letters; its own signs are escaped. */
static struct str pattern(struct sentence *q, const char *before, struct str value, const char *after) {
    BUF_AUTO text = {0};
    buf_add_z(&text, before);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '%' || c == '_' || c == '!') buf_add_char(&text, '!');
        buf_add_char(&text, ascii_lower(c));
    }
    buf_add_z(&text, after);
    return arena_str(q->arena, buf_str(&text));
}

static void add_like(struct sentence *q, const char *column, struct str like) {
    buf_addf(&q->sql, "lower(%s) LIKE ", column);
    add_text(q, like);
    add(q, ESCAPE);
}

static bool is_hex(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = ascii_lower(text.p[i]);
        if (!ascii_is_digit(c) && c != '-' && !(c >= 'a' && c <= 'f')) return false;
    }
    return true;
}

static struct str without_hyphens(struct sentence *q, struct str text) {
    BUF_AUTO out = {0};
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-') buf_add_char(&out, text.p[i]);
    return arena_str(q->arena, buf_str(&out));
}

/* An address in a Message-ID or eight digits of ours, so that a short word finds no message by its id. */
static void add_id(struct sentence *q, struct str value) {
    struct str inner = str_starts(value, STR("<")) && str_ends(value, STR(">")) ? str_sub(value, 1, value.n - 2) : value;
    if (str_find(inner, '@') != STR_NONE) {
        add(q, " OR f.rfc_message_id = ");
        add_text(q, inner);
    } else if (value.n >= 8 && is_hex(value)) {
        add(q, " OR f.message_hex LIKE ");
        add_text(q, pattern(q, "", without_hyphens(q, value), "%"));
        add(q, ESCAPE);
    }
}

static void add_anywhere(struct sentence *q, const struct event_item *it) {
    add(q, "(");
    add_like(q, "f.subject", pattern(q, "%", it->value, "%"));
    add(q, " OR lower(f.sender) LIKE ");
    add_again(q);
    add(q, ESCAPE " OR lower(f.recipient) LIKE ");
    add_again(q);
    add(q, ESCAPE);
    add_id(q, it->value);
    add(q, ")");
}

static void add_compared(struct sentence *q, const char *column, const char *operator, struct str value) {
    if (!value.p) return;
    buf_addf(&q->sql, " AND lower(%s) %s ", column, operator);
    add_text(q, arena_lower(q->arena, value));
}

static void add_prefix(struct sentence *q, const struct event_item *it) {
    const char *column = fields[it->field].column;
    add_like(q, column, pattern(q, "", it->value, "%"));
    if (fields[it->field].kind != KIND_TEXT) return;
    add(q, " OR ");
    add_like(q, column, pattern(q, "% ", it->value, "%"));
}

static void add_text_term(struct sentence *q, const struct event_item *it) {
    const char *column = fields[it->field].column;
    if (it->op == EVENT_PREFIX) {
        add_prefix(q, it);
        return;
    }
    if (it->op == EVENT_IS && fields[it->field].kind == KIND_TEXT) {
        add_like(q, column, pattern(q, "%", it->value, "%"));
        return;
    }
    buf_addf(&q->sql, "%s <> ''", column);
    if (it->op == EVENT_IS) add_compared(q, column, "=", it->value);
    if (it->op == EVENT_RANGE) {
        add_compared(q, column, ">=", it->value);
        add_compared(q, column, "<=", it->to);
    }
}

static void add_term(struct sentence *q, const struct event_item *it) {
    bool is_tag = fields[it->field].kind == KIND_TAG;
    add(q, is_tag ? "EXISTS (SELECT 1 FROM event_tags t WHERE t.message_id = f.message_id AND (" : "(");
    add_text_term(q, it);
    add(q, is_tag ? "))" : ")");
}

static void add_types(struct sentence *q, int64_t types) {
    add(q, "(");
    add_int(q, types);
    add(q, " & (CAST(1 AS BIGINT) << CAST(f.type AS INTEGER))) <> 0");
}

static void add_time(struct sentence *q, int64_t from, int64_t before) {
    add(q, "f.at >= ");
    add_int(q, from);
    add(q, " AND f.at < ");
    add_int(q, before);
}

static void add_item(struct sentence *q, const struct event_item *it) {
    static const char *const signs[] = {[EVENT_AND] = " AND ",
                                        [EVENT_OR] = " OR ",
                                        [EVENT_NOT] = "NOT ",
                                        [EVENT_OPEN_BRACKET] = "(",
                                        [EVENT_CLOSE_BRACKET] = ")"};
    switch (it->op) {
    case EVENT_AND:
    case EVENT_OR:
    case EVENT_NOT:
    case EVENT_OPEN_BRACKET:
    case EVENT_CLOSE_BRACKET:
        add(q, signs[it->op]);
        break;
    case EVENT_ANYWHERE:
        add_anywhere(q, it);
        break;
    case EVENT_IS:
    case EVENT_PREFIX:
    case EVENT_RANGE:
    case EVENT_PRESENT:
        add_term(q, it);
        break;
    case EVENT_TYPES:
        add_types(q, it->from);
        break;
    case EVENT_TIME:
        add(q, "(");
        add_time(q, it->from, it->before);
        add(q, ")");
        break;
    }
}

/* A message's few events are found by its own index: "+" keeps the engine off the domain's. */
static void add_where(struct sentence *q, const struct event_filter *filter) {
    add(q, filter->message_id ? " WHERE +f.domain_id = " : " WHERE f.domain_id = ");
    add_int(q, filter->domain_id);
    add(q, " AND ");
    add_time(q, filter->from_at ? filter->from_at : INT64_MIN, filter->before_at ? filter->before_at : INT64_MAX);
    if (filter->message_id) {
        add(q, " AND f.message_id = ");
        add_int(q, filter->message_id);
    }
    if (filter->types) {
        add(q, " AND ");
        add_types(q, filter->types);
    }
    if (!filter->condition) return;
    add(q, " AND (");
    for (size_t i = 0; i < filter->condition->count; i++) add_item(q, &filter->condition->items[i]);
    add(q, ")");
}

static struct event_period period_of(const struct event_filter *filter) {
    return (struct event_period){filter->domain_id, filter->from_at, filter->before_at ? filter->before_at : INT64_MAX};
}

/* ---- how much there is to look at ---- */
static int64_t cost_of(enum event_field field) {
    return fields[field].cost ? fields[field].cost : 1;
}

/* cost: of what is done with each event besides the condition. The index alone counts. */
static enum status check_work(struct db *tx, const struct event_filter *filter, int64_t cost) {
    const struct event_condition *condition = filter->condition;
    const struct event_period period = period_of(filter);
    int64_t count = 0;
    for (size_t i = 0; condition && i < condition->count; i++) cost += cost_of(condition->items[i].field);
    if (filter->message_id) return STATUS_OK;
    int64_t max = LOOKS_MAX / (1 + cost);
    struct stmt *s =
        db_stmt(tx, "SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 "
                    "LIMIT ?4) counted");
    STMT_BIND_INTS(s, 1, period.domain_id, period.from_at, period.before_at, max + 1);
    enum status status = row_int(s, &count);
    return status == STATUS_OK && count > max ? STATUS_LIMIT : status;
}

/* ---- lists ---- */
/* Where add_where() looks. Without a condition the events' own columns do. */
static void add_source(struct sentence *q, const struct event_filter *filter) {
    add(q, filter->condition ? " FROM event_facts f" : " FROM events f");
}

static enum status count_all(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t *ret) {
    SENTENCE_AUTO q = {.arena = a};
    event_facts_add(&q.sql, tx);
    add(&q, "SELECT count(*)");
    add_source(&q, filter);
    add_where(&q, filter);
    struct stmt *s = sentence_stmt(tx, &q);
    enum status status = row_first(s);
    if (status == STATUS_OK) *ret = stmt_int(s, 0);
    return status;
}

static void fill_row(struct stmt *s, struct arena *a, void *item) {
    *(struct event_row *)item = (struct event_row){
        .event =
            {
                .id = stmt_int(s, 0),
                .at = stmt_int(s, 1),
                .type = (enum event_type)stmt_int(s, 2),
                .account_id = stmt_int(s, 3),
                .domain_id = stmt_int(s, 4),
                .message_id = stmt_int(s, 5),
                .recipient_id = stmt_int(s, 6),
                .recipient = row_text(s, a, 7),
                .detail = row_text(s, a, 8),
            },
        .message_uuid = row_uuid(s, 9),
        .sender = row_text(s, a, 10),
        .subject = row_text(s, a, 11),
        .tags = row_text(s, a, 12),
        .metadata = row_text(s, a, 13),
    };
}

/* The page's ids first, so that what is skipped is never read whole. */
static enum status list_found(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                              struct event_row_list *ret) {
    int64_t total = 0;
    SENTENCE_AUTO q = {.arena = a};
    enum status status = check_work(tx, filter, 0);
    if (status == STATUS_OK) status = count_all(tx, a, filter, &total);
    if (status != STATUS_OK) return status;
    event_facts_add(&q.sql, tx);
    add(&q, "SELECT f.id, f.at, f.type, f.account_id, f.domain_id, f.message_id, f.recipient_id, f.recipient, f.detail, f.uuid, "
            "f.sender, f.subject, f.tags, f.metadata FROM event_facts f WHERE f.id IN (SELECT f.id");
    add_source(&q, filter);
    add_where(&q, filter);
    add(&q, " ORDER BY f.at DESC, f.id DESC LIMIT ");
    add_int(&q, limit);
    add(&q, " OFFSET ");
    add_int(&q, offset);
    add(&q, ") ORDER BY f.at DESC, f.id DESC");
    struct row_list rows;
    status = rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_row), fill_row, &rows);
    if (status == STATUS_OK) *ret = (struct event_row_list){rows.items, rows.count, total};
    return status;
}

struct part { /* of a page: rows in an hour */
    struct rollup_hour hour;
    int64_t skip, limit;
};

static enum status list_hour(struct db *tx, struct arena *a, const struct event_filter *filter, const struct part *part,
                             struct row_list *ret) {
    struct stmt *s =
        db_stmt(tx, "SELECT e.id, e.at, e.type, e.account_id, e.domain_id, e.message_id, e.recipient_id, e.recipient, e.detail, "
                    "m.uuid, COALESCE(m.sender, ''), COALESCE(m.subject, ''), m.tags, m.metadata "
                    "FROM (SELECT id AS page_id FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 "
                    "AND (?4 = 0 OR (?4 & (CAST(1 AS BIGINT) << CAST(type AS INTEGER))) <> 0) "
                    "ORDER BY at DESC, id DESC LIMIT ?5 OFFSET ?6) p JOIN events e ON e.id = p.page_id "
                    "LEFT JOIN messages m ON m.id = e.message_id "
                    "ORDER BY e.at DESC, e.id DESC");
    STMT_BIND_INTS(s, 1, filter->domain_id, part->hour.from_at, part->hour.before_at, filter->types, part->limit, part->skip);
    return rows_collect(s, a, sizeof(struct event_row), fill_row, ret);
}

/* Hour by hour of those that have the page. */
static enum status list_rolled(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                               struct event_row_list *ret) {
    struct rollup_page page;
    const struct rollup_slice slice = {period_of(filter), filter->types, offset, limit};
    struct event_row_list list = {.items = arena_array(a, (size_t)limit + 1, sizeof *list.items)};
    enum status status = rollup_kept(tx, &slice.period, filter->types, &list.total);
    if (status == STATUS_OK) status = rollup_find_page(tx, a, &slice, &page);
    for (size_t i = 0; status == STATUS_OK && i < page.count; i++) {
        struct row_list rows;
        const struct part part = {page.hours[i], i ? 0 : page.skip, limit - (int64_t)list.count};
        status = list_hour(tx, a, filter, &part, &rows);
        if (status != STATUS_OK) break;
        if (rows.count) memcpy(list.items + list.count, rows.items, rows.count * sizeof *list.items);
        list.count += rows.count;
    }
    if (status == STATUS_OK) *ret = list;
    return status;
}

enum status event_list(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t offset, int limit,
                       struct event_row_list *ret) {
    bool is_counted = !filter->message_id && !filter->condition;
    return (is_counted ? list_rolled : list_found)(tx, a, filter, offset, limit, ret);
}

/* ---- groups ---- */
static void fill_text(struct stmt *s, struct arena *a, void *item) {
    *(struct event_bucket *)item = (struct event_bucket){.key = row_text(s, a, 0), .count = stmt_int(s, 1)};
}

static void fill_type(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    struct str noun = str_from_z(event_noun((enum event_type)stmt_int(s, 0)));
    *(struct event_bucket *)item = (struct event_bucket){.key = noun, .count = stmt_int(s, 1)};
}

static void fill_day(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct event_bucket *)item = (struct event_bucket){.at = stmt_int(s, 0) * 86400000, .count = stmt_int(s, 1)};
}

static void fill_hour(struct stmt *s, struct arena *a, void *item) {
    (void)a;
    *(struct event_bucket *)item = (struct event_bucket){.at = stmt_int(s, 0) * 3600000, .count = stmt_int(s, 1)};
}

static row_fill_fn fill_of(enum event_field field) {
    if (field == EVENT_FIELD_TYPE) return fill_type;
    if (field == EVENT_FIELD_DAY) return fill_day;
    return field == EVENT_FIELD_HOUR ? fill_hour : fill_text;
}

static int compare_buckets(const void *x, const void *y) {
    const struct event_bucket *a = x, *b = y;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return a->at != b->at ? (a->at < b->at ? -1 : 1) : str_cmp(a->key, b->key);
}

static struct event_bucket_list sorted(struct event_bucket_list list, int limit) {
    if (list.count) qsort(list.items, list.count, sizeof *list.items, compare_buckets);
    if (list.count > (size_t)limit) list.count = (size_t)limit;
    return list;
}

static bool is_about_machines(const struct event_filter *filter, enum event_field field) {
    const struct event_condition *condition = filter->condition;
    for (size_t i = 0; condition && i < condition->count; i++)
        if (condition->items[i].op >= EVENT_IS && condition->items[i].field == EVENT_FIELD_BOT) return true;
    return field == EVENT_FIELD_BOT;
}

/* Types are ordered here, for SQL knows their numbers alone; there are fewer of them than the least limit asks for. */
static enum status group_events(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                                int limit, struct event_bucket_list *ret) {
    bool is_number = fields[field].kind == KIND_TYPE || fields[field].kind == KIND_TIME;
    const char *column = fields[field].column;
    SENTENCE_AUTO q = {.arena = a};
    enum status status = check_work(tx, filter, cost_of(field));
    if (status != STATUS_OK) return status;
    event_facts_add(&q.sql, tx);
    buf_addf(&q.sql, "SELECT %s, count(*) FROM event_facts f", column);
    if (field == EVENT_FIELD_TAG) add(&q, " JOIN event_tags t ON t.message_id = f.message_id");
    add_where(&q, filter);
    if (!is_number) buf_addf(&q.sql, " AND %s <> ''", column);
    if (!is_about_machines(filter, field)) add(&q, " AND f.is_machine = 0");
    add(&q, " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ");
    add_int(&q, field == EVENT_FIELD_TYPE ? EVENT_TYPE_COUNT : limit);
    struct event_bucket_list list;
    status = rows_collect(sentence_stmt(tx, &q), a, sizeof(struct event_bucket), fill_of(field), &list);
    if (status == STATUS_OK) *ret = sorted(list, limit);
    return status;
}

/* ---- groups out of the roll-ups ---- */
#define NOT_ROLLED (-1)
static int rolled_by(enum event_field field) {
    static const struct {
        enum event_field field;
        enum rollup_by by;
    } rolled[] = {
        {EVENT_FIELD_DAY, ROLLUP_BY_DAY},       {EVENT_FIELD_HOUR, ROLLUP_BY_HOUR},
        {EVENT_FIELD_TAG, ROLLUP_BY_TAG},       {EVENT_FIELD_RECIPIENT_DOMAIN, ROLLUP_BY_RECIPIENT_DOMAIN},
        {EVENT_FIELD_LINK, ROLLUP_BY_LINK},     {EVENT_FIELD_BOUNCE_CLASS, ROLLUP_BY_BOUNCE_CLASS},
        {EVENT_FIELD_DEVICE, ROLLUP_BY_DEVICE}, {EVENT_FIELD_COUNTRY, ROLLUP_BY_COUNTRY},
    };
    for (size_t i = 0; i < sizeof rolled / sizeof rolled[0]; i++)
        if (rolled[i].field == field) return (int)rolled[i].by;
    return NOT_ROLLED;
}

static enum status group_rolled(struct db *tx, struct arena *a, const struct event_filter *filter, enum rollup_by by, int limit,
                                struct event_bucket_list *ret) {
    struct rollup_list rows;
    const struct rollup_query query = {.period = period_of(filter), .by = by, .types = filter->types, .limit = limit};
    enum status status = rollup_group(tx, a, &query, &rows);
    if (status != STATUS_OK) return status;
    struct event_bucket_list list = {arena_array(a, rows.count + 1, sizeof *list.items), rows.count};
    for (size_t i = 0; i < rows.count; i++) {
        const struct rollup_row *row = &rows.items[i];
        list.items[i] = (struct event_bucket){.key = row->value, .at = row->at, .count = row->people};
    }
    *ret = sorted(list, limit);
    return STATUS_OK;
}

static enum status group_types(struct db *tx, struct arena *a, const struct event_filter *filter, int limit,
                               struct event_bucket_list *ret) {
    struct rollup_counts counts;
    const struct event_period period = period_of(filter);
    struct event_bucket_list list = {arena_array(a, EVENT_TYPE_COUNT, sizeof *list.items), 0};
    enum status status = rollup_sum(tx, &period, &counts);
    if (status != STATUS_OK) return status;
    counts.n[ROLLUP_OF(EVENT_OPEN)] -= counts.n[ROLLUP_MACHINE_OPEN];
    counts.n[ROLLUP_OF(EVENT_CLICK)] -= counts.n[ROLLUP_MACHINE_CLICK];
    for (int type = EVENT_SEND; type < EVENT_TYPE_COUNT; type++) {
        int64_t count = counts.n[ROLLUP_OF(type)];
        bool is_asked = !filter->types || (filter->types & EVENT_BIT(type));
        if (!count || !is_asked) continue;
        list.items[list.count++] = (struct event_bucket){.key = str_from_z(event_noun((enum event_type)type)), .count = count};
    }
    *ret = sorted(list, limit);
    return STATUS_OK;
}

enum status event_group(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field, int limit,
                        struct event_bucket_list *ret) {
    int by = rolled_by(field);
    bool is_counted = !filter->message_id && !filter->condition;
    if (is_counted && field == EVENT_FIELD_TYPE) return group_types(tx, a, filter, limit, ret);
    if (is_counted && by != NOT_ROLLED) return group_rolled(tx, a, filter, (enum rollup_by)by, limit, ret);
    return group_events(tx, a, filter, field, limit, ret);
}
