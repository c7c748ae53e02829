/* event_condition.c - a filter written as SQL.
 *
 * The sentence of a condition has SQL's own operators and precedence, so it is written item by item. No value is ever NULL in
 * the facts, so NOT says what people mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_own.h"

#include "store/rows.h"

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

const char *event_column(enum event_field field) {
    return fields[field].column;
}

bool event_is_number(enum event_field field) {
    return fields[field].kind == KIND_TYPE || fields[field].kind == KIND_TIME;
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
    sentence_add_text(q, like);
    sentence_add(q, ESCAPE);
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
        sentence_add(q, " OR f.rfc_message_id = ");
        sentence_add_text(q, inner);
    } else if (value.n >= 8 && is_hex(value)) {
        sentence_add(q, " OR f.message_hex LIKE ");
        sentence_add_text(q, pattern(q, "", without_hyphens(q, value), "%"));
        sentence_add(q, ESCAPE);
    }
}

static void add_anywhere(struct sentence *q, const struct event_item *it) {
    sentence_add(q, "(");
    add_like(q, "f.subject", pattern(q, "%", it->value, "%"));
    sentence_add(q, " OR lower(f.sender) LIKE ");
    sentence_add_again(q);
    sentence_add(q, ESCAPE " OR lower(f.recipient) LIKE ");
    sentence_add_again(q);
    sentence_add(q, ESCAPE);
    add_id(q, it->value);
    sentence_add(q, ")");
}

static void add_compared(struct sentence *q, const char *column, const char *operator, struct str value) {
    if (!value.p) return;
    buf_addf(&q->sql, " AND lower(%s) %s ", column, operator);
    sentence_add_text(q, arena_lower(q->arena, value));
}

static void add_prefix(struct sentence *q, const struct event_item *it) {
    const char *column = fields[it->field].column;
    add_like(q, column, pattern(q, "", it->value, "%"));
    if (fields[it->field].kind != KIND_TEXT) return;
    sentence_add(q, " OR ");
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
    sentence_add(q, is_tag ? "EXISTS (SELECT 1 FROM event_tags t WHERE t.message_id = f.message_id AND (" : "(");
    add_text_term(q, it);
    sentence_add(q, is_tag ? "))" : ")");
}

static void add_types(struct sentence *q, int64_t types) {
    sentence_add(q, "(");
    sentence_add_int(q, types);
    sentence_add(q, " & (CAST(1 AS BIGINT) << CAST(f.type AS INTEGER))) <> 0");
}

static void add_time(struct sentence *q, int64_t from, int64_t before) {
    sentence_add(q, "f.at >= ");
    sentence_add_int(q, from);
    sentence_add(q, " AND f.at < ");
    sentence_add_int(q, before);
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
        sentence_add(q, signs[it->op]);
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
        sentence_add(q, "(");
        add_time(q, it->from, it->before);
        sentence_add(q, ")");
        break;
    }
}

/* A message's few events are found by its own index: "+" keeps the engine off the domain's. */
void event_add_where(struct sentence *q, const struct event_filter *filter) {
    sentence_add(q, filter->message_id ? " WHERE +f.domain_id = " : " WHERE f.domain_id = ");
    sentence_add_int(q, filter->domain_id);
    sentence_add(q, " AND ");
    add_time(q, filter->from_at ? filter->from_at : INT64_MIN, filter->before_at ? filter->before_at : INT64_MAX);
    if (filter->message_id) {
        sentence_add(q, " AND f.message_id = ");
        sentence_add_int(q, filter->message_id);
    }
    if (filter->types) {
        sentence_add(q, " AND ");
        add_types(q, filter->types);
    }
    if (!filter->condition) return;
    sentence_add(q, " AND (");
    for (size_t i = 0; i < filter->condition->count; i++) add_item(q, &filter->condition->items[i]);
    sentence_add(q, ")");
}

struct event_period event_period_of(const struct event_filter *filter) {
    return (struct event_period){filter->domain_id, filter->from_at, filter->before_at ? filter->before_at : INT64_MAX};
}

/* ---- how much there is to look at ---- */
int64_t event_cost_of(enum event_field field) {
    return fields[field].cost ? fields[field].cost : 1;
}

enum status event_check_work(struct db *tx, const struct event_filter *filter, int64_t cost) {
    const struct event_condition *condition = filter->condition;
    const struct event_period period = event_period_of(filter);
    int64_t count = 0;
    for (size_t i = 0; condition && i < condition->count; i++) cost += event_cost_of(condition->items[i].field);
    if (filter->message_id) return STATUS_OK;
    int64_t max = LOOKS_MAX / (1 + cost);
    struct stmt *s =
        db_stmt(tx, "SELECT count(*) FROM (SELECT 1 AS one FROM events WHERE domain_id = ?1 AND at >= ?2 AND at < ?3 "
                    "LIMIT ?4) counted");
    STMT_BIND_INTS(s, 1, period.domain_id, period.from_at, period.before_at, max + 1);
    enum status status = row_int(s, &count);
    return status == STATUS_OK && count > max ? STATUS_LIMIT : status;
}
