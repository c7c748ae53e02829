/* event_condition.c - a filter written as SQL.
 *
 * The sentence of a condition has SQL's own operators and precedence, so it is written item by item. No value is ever NULL in
 * the facts, so NOT says what people mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_own.h"

#include "base/id.h"
#include "base/word.h"
#include "store/rollup_read.h"
#include "store/rows.h"
#include "store/words.h"

/* How many events may be looked at: about a second's work on the slower engine. One in the index costs half a microsecond, each
 * item of a condition one more, and what is not in that index as many as these. */
#define LOOKS_MAX    INT64_C(2000000)
#define LED_MAX      INT64_C(1000000) /* that words lead to, and the index alone counts */
#define COST_MESSAGE 3
#define COST_JSON    11
#define ESCAPE       " ESCAPE '!'"

enum kind { KIND_WORD, KIND_TEXT, KIND_TAG, KIND_TYPE, KIND_TIME };
static const struct {
    const char *name;
    enum kind kind;
    const char *column;
    int cost;           /* 0: one */
    int64_t types;      /* no others have it; 0: any may */
    bool is_of_readers; /* the index events_of_readers has it */
} fields[EVENT_FIELD_COUNT] = {
    [EVENT_FIELD_TYPE] = {"eventType", KIND_TYPE, "f.type"},
    [EVENT_FIELD_RECIPIENT] = {"recipient", KIND_WORD, "f.recipient"},
    [EVENT_FIELD_RECIPIENT_DOMAIN] = {"recipientDomain", KIND_WORD, "f.recipient_domain"},
    [EVENT_FIELD_SENDER] = {"sender", KIND_WORD, "f.sender", COST_MESSAGE},
    [EVENT_FIELD_SUBJECT] = {"subject", KIND_TEXT, "f.subject", COST_MESSAGE},
    [EVENT_FIELD_TAG] = {"tag", KIND_TAG, "t.tag", COST_JSON},
    [EVENT_FIELD_MESSAGE] = {"messageId", KIND_WORD, "f.message_hex", COST_MESSAGE},
    [EVENT_FIELD_LINK] = {"link", KIND_WORD, "f.link", COST_JSON, EVENT_BIT(EVENT_CLICK)},
    [EVENT_FIELD_BOUNCE_CLASS] = {"bounceClass", KIND_WORD, "f.bounce_class", COST_JSON},
    [EVENT_FIELD_SMTP_CODE] = {"smtpCode", KIND_WORD, "f.smtp_code"},
    [EVENT_FIELD_MX_HOST] = {"mxHost", KIND_WORD, "f.mx_host"},
    [EVENT_FIELD_COUNTRY] = {"country", KIND_WORD, "f.country", COST_JSON, EVENT_OF_READERS, true},
    [EVENT_FIELD_DEVICE] = {"device", KIND_WORD, "f.device", COST_JSON, EVENT_OF_READERS, true},
    [EVENT_FIELD_USER_AGENT] = {"userAgent", KIND_TEXT, "f.user_agent", COST_JSON, EVENT_OF_READERS, true},
    [EVENT_FIELD_CLIENT] = {"client", KIND_WORD, "f.client", COST_JSON, EVENT_OF_READERS, true},
    [EVENT_FIELD_IP] = {"ip", KIND_WORD, "f.ip", COST_JSON, EVENT_OF_READERS, true},
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

bool event_is_of_message(enum event_field field) {
    static const bool is_of[EVENT_FIELD_COUNT] = {
        [EVENT_FIELD_SENDER] = true, [EVENT_FIELD_SUBJECT] = true, [EVENT_FIELD_MESSAGE] = true,   [EVENT_FIELD_JOURNEY] = true,
        [EVENT_FIELD_ACTION] = true, [EVENT_FIELD_LIST] = true,    [EVENT_FIELD_SUBSCRIBER] = true};
    return field < EVENT_FIELD_COUNT && is_of[field];
}

int64_t event_field_types(enum event_field field) {
    return field < EVENT_FIELD_COUNT ? fields[field].types : 0;
}

bool event_take_types(struct event_filter *filter, int64_t types) {
    int64_t both = filter->types ? filter->types & types : types;
    if (both) filter->types = both;
    return both != 0;
}

static bool is_anywhere(const struct event_item *it) {
    return it->op == EVENT_ANYWHERE || it->op == EVENT_ANYWHERE_PREFIX;
}

static bool is_beside_readers(enum event_field field) {
    return fields[field].is_of_readers || fields[field].kind == KIND_TYPE || fields[field].kind == KIND_TIME ||
           field == EVENT_FIELD_BOT;
}

bool event_is_of_readers(const struct event_filter *filter, enum event_field field) {
    const struct event_condition *condition = filter->condition;
    bool is_asked = field < EVENT_FIELD_COUNT && fields[field].is_of_readers;
    if (!filter->types || (filter->types & ~EVENT_OF_READERS) || filter->message_id) return false;
    if (field < EVENT_FIELD_COUNT && !is_beside_readers(field)) return false;
    for (size_t i = 0; condition && i < condition->count; i++) {
        const struct event_item *it = &condition->items[i];
        bool is_term = it->op >= EVENT_IS && it->op <= EVENT_PRESENT;
        if (is_anywhere(it) || (is_term && !is_beside_readers(it->field))) return false;
        is_asked = is_asked || (is_term && fields[it->field].is_of_readers);
    }
    return is_asked;
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

/* ---- terms that the words answer (words.h) ---- */
static bool is_prefix(const struct event_item *it) {
    return it->op == EVENT_PREFIX || it->op == EVENT_ANYWHERE_PREFIX;
}

/* 0: they know nothing of the field. */
static enum word_kind kind_of(enum event_field field) {
    static const enum word_kind kinds[EVENT_FIELD_COUNT] = {[EVENT_FIELD_SUBJECT] = WORD_SUBJECT,
                                                            [EVENT_FIELD_SENDER] = WORD_SENDER,
                                                            [EVENT_FIELD_RECIPIENT] = WORD_RECIPIENT,
                                                            [EVENT_FIELD_MESSAGE] = WORD_UUID};
    return kinds[field];
}

static bool is_wordy(const struct event_item *it) {
    return is_anywhere(it) || ((it->op == EVENT_IS || it->op == EVENT_PREFIX) && kind_of(it->field));
}

/* The words say whether an event has it; for an address they only lead to those that may. */
static bool is_exact(const struct event_item *it) {
    return is_wordy(it) && (is_anywhere(it) || it->field == EVENT_FIELD_SUBJECT || it->field == EVENT_FIELD_MESSAGE);
}

static bool is_hex(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = ascii_lower(text.p[i]);
        if (!ascii_is_digit(c) && c != '-' && !(c >= 'a' && c <= 'f')) return false;
    }
    return true;
}

static void find_uuid(struct words_search *search, struct str value, enum words_how how) {
    BUF_AUTO digits = {0};
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '-') buf_add_char(&digits, value.p[i]);
    if (digits.n == 0) return;
    words_or(search);
    (void)words_find(search, WORD_UUID, buf_str(&digits), how);
}

/* A Message-ID, or eight digits of ours, so that a short word finds no message by its id. */
static void find_id(struct words_search *search, struct str value) {
    struct str inner = str_starts(value, STR("<")) && str_ends(value, STR(">")) ? str_sub(value, 1, value.n - 2) : value;
    size_t at = str_find(inner, '@');
    if (at == STR_NONE) {
        if (value.n >= 8 && is_hex(value)) find_uuid(search, value, WORDS_PREFIX);
        return;
    }
    words_or(search);
    (void)words_find(search, WORD_ID, inner, WORDS_WHOLE);
    if (at == ID_TEXT_LEN && is_hex(str_sub(inner, 0, at))) find_uuid(search, str_sub(inner, 0, at), WORDS_WHOLE);
}

/* Messages that have what the term says; with_recipients: or that perhaps do, for a recipient is the event's. False: no word is
 * in it. */
static bool find_item(struct words_search *search, const struct event_item *it, bool with_recipients) {
    enum words_how how = is_prefix(it) ? WORDS_PREFIX : WORDS_WHOLE;
    if (!is_anywhere(it)) return words_find(search, kind_of(it->field), it->value, how);
    buf_add_char(&search->text, '(');
    bool has_words = words_find(search, WORD_SUBJECT, it->value, how);
    if (!has_words) return false;
    words_or(search);
    (void)words_find(search, WORD_SENDER, it->value, how);
    if (with_recipients) {
        words_or(search);
        (void)words_find(search, WORD_RECIPIENT, it->value, how);
    }
    find_id(search, it->value);
    buf_add_char(&search->text, ')');
    return true;
}

static void add_found(struct sentence *q, const struct words_search *search) {
    const struct words_select select = words_select(search->is_sqlite);
    sentence_add(q, "f.message_id IN (");
    sentence_add(q, select.before);
    sentence_add_text(q, arena_str(q->arena, buf_str(&search->text)));
    sentence_add(q, select.after);
    sentence_add(q, ")");
}

/* Of an event's own recipient, the words one behind the other, with one sign between two: SQLite has patterns for that, and for
 * PostgreSQL all signs are blanks. */
static void add_recipient_words(struct sentence *q, const struct event_item *it) {
    static const char sign[] = "[^a-z0-9\xC2\x80-\xF4\x8F\xBF\xBF]";
    const char *any = q->is_sqlite ? "*" : "%", *one = q->is_sqlite ? sign : " ";
    BUF_AUTO like = {0};
    struct str rest = it->value;
    size_t end = 0;
    for (buf_addf(&like, "%s%s", any, one); word_next(&rest, &like); buf_add_z(&like, one)) end = like.n;
    if (is_prefix(it)) buf_cut(&like, end);
    buf_add_z(&like, any);
    sentence_add(q, q->is_sqlite ? " OR f.recipient_words GLOB " : " OR f.recipient_words LIKE ");
    sentence_add_text(q, arena_str(q->arena, buf_str(&like)));
}

static void add_wordy(struct sentence *q, const struct event_item *it, int64_t domain_id) {
    WORDS_SEARCH_AUTO search = {.domain_id = domain_id, .is_sqlite = q->is_sqlite};
    if (!find_item(&search, it, false)) {
        sentence_add(q, "1 = 0");
        return;
    }
    sentence_add(q, "(");
    add_found(q, &search);
    if (is_anywhere(it)) add_recipient_words(q, it);
    sentence_add(q, ")");
}

/* What every event that is meant must have: the terms that stand at the top, joined by AND. */
struct lead {
    struct words_search search;
    bool is_enough[EVENT_ITEMS_MAX]; /* of a term: whoever is found has it */
};
#define LEAD_AUTO __attribute__((cleanup(lead_fini))) struct lead

static void lead_fini(struct lead *lead) {
    words_search_fini(&lead->search);
}

static bool is_either_or(const struct event_condition *condition) {
    int depth = 0;
    for (size_t i = 0; i < condition->count; i++) {
        enum event_op op = condition->items[i].op;
        depth += (op == EVENT_OPEN_BRACKET) - (op == EVENT_CLOSE_BRACKET);
        if (op == EVENT_OR && depth == 0) return true;
    }
    return false;
}

static void find_lead(const struct event_filter *filter, bool is_sqlite, struct lead *lead) {
    const struct event_condition *condition = filter->condition;
    int depth = 0;
    lead->search = (struct words_search){.domain_id = filter->domain_id, .is_sqlite = is_sqlite};
    if (!condition || filter->message_id || is_either_or(condition)) return;
    for (size_t i = 0; i < condition->count; i++) {
        const struct event_item *it = &condition->items[i];
        bool is_denied = i > 0 && it[-1].op == EVENT_NOT;
        depth += (it->op == EVENT_OPEN_BRACKET) - (it->op == EVENT_CLOSE_BRACKET);
        if (depth || is_denied || !is_wordy(it)) continue;
        size_t length = lead->search.text.n;
        if (length) words_and(&lead->search);
        bool is_found = find_item(&lead->search, it, true);
        if (!is_found) buf_cut(&lead->search.text, length);
        lead->is_enough[i] = is_found && is_exact(it) && !is_anywhere(it);
    }
}

/* ---- other terms ---- */
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

static void add_time(struct sentence *q, const char *column, int64_t from, int64_t before) {
    sentence_add(q, column);
    sentence_add(q, " >= ");
    sentence_add_int(q, from);
    buf_addf(&q->sql, " AND %s < ", column);
    sentence_add_int(q, before);
}

static void add_item(struct sentence *q, const struct event_item *it) {
    static const char *const signs[] = {[EVENT_AND] = " AND ",
                                        [EVENT_OR] = " OR ",
                                        [EVENT_NOT] = "NOT ",
                                        [EVENT_OPEN_BRACKET] = "(",
                                        [EVENT_CLOSE_BRACKET] = ")"};
    if (it->op <= EVENT_CLOSE_BRACKET) {
        sentence_add(q, signs[it->op]);
    } else if (it->op == EVENT_TYPES) {
        add_types(q, it->from);
    } else if (it->op == EVENT_TIME) {
        sentence_add(q, "(");
        add_time(q, "f.at", it->from, it->before);
        sentence_add(q, ")");
    } else {
        add_term(q, it);
    }
}

/* Whatever leads, "+" keeps the engine off the other index. */
static void add_frame(struct sentence *q, const struct event_filter *filter, enum event_field field, const struct lead *lead) {
    bool is_led = filter->message_id || lead->search.text.n;
    sentence_add(q, " WHERE f.domain_id = ");
    sentence_add_int(q, filter->domain_id);
    sentence_add(q, " AND ");
    add_time(q, is_led ? "+f.at" : "f.at", filter->from_at ? filter->from_at : INT64_MIN,
             filter->before_at ? filter->before_at : INT64_MAX);
    if (event_is_of_readers(filter, field)) sentence_add(q, " AND f.type IN (7, 8, 9)"); /* as the index says it */
    if (filter->message_id) {
        sentence_add(q, " AND f.message_id = ");
        sentence_add_int(q, filter->message_id);
    }
    if (lead->search.text.n) {
        sentence_add(q, " AND ");
        add_found(q, &lead->search);
    }
}

void event_add_source(struct sentence *q, const struct event_filter *filter, enum event_field field) {
    const struct event_condition *condition = filter->condition;
    bool needs_message = event_is_of_message(field);
    for (size_t i = 0; condition && i < condition->count; i++) {
        const struct event_item *it = &condition->items[i];
        needs_message = needs_message || (it->op >= EVENT_IS && it->op <= EVENT_PRESENT && event_is_of_message(it->field));
    }
    sentence_add(q, needs_message ? " FROM event_facts f" : " FROM event_rows f");
}

void event_add_where(struct sentence *q, const struct event_filter *filter, enum event_field field) {
    LEAD_AUTO lead = {0};
    if (!q->is_by_time) find_lead(filter, q->is_sqlite, &lead);
    add_frame(q, filter, field, &lead);
    if (filter->types) {
        sentence_add(q, " AND ");
        add_types(q, filter->types);
    }
    if (!filter->condition) return;
    sentence_add(q, " AND (");
    for (size_t i = 0; i < filter->condition->count; i++) {
        const struct event_item *it = &filter->condition->items[i];
        if (lead.is_enough[i])
            sentence_add(q, "1 = 1");
        else if (is_exact(it))
            add_wordy(q, it, filter->domain_id);
        else
            add_item(q, it);
    }
    sentence_add(q, ")");
}

struct event_period event_period_of(const struct event_filter *filter) {
    return (struct event_period){filter->domain_id, filter->from_at, filter->before_at ? filter->before_at : INT64_MAX};
}

/* ---- how much there is to look at ---- */
int64_t event_cost_of(const struct event_filter *filter, enum event_field field) {
    if (field == EVENT_FIELD_COUNT) return 0;
    return fields[field].cost && !event_is_of_readers(filter, field) ? fields[field].cost : 1;
}

/* Free words are about the message; and where words lead, no event is read in the index by domain. */
static int64_t cost_of(const struct event_item *it, bool is_led, bool is_of_readers) {
    int64_t cost = is_anywhere(it) ? COST_MESSAGE : fields[it->field].cost;
    if (is_led && cost < COST_MESSAGE) return COST_MESSAGE;
    return is_of_readers || cost == 0 ? 1 : cost;
}

/* The roll-ups know it, unless words lead, or the time begins or ends within an hour of very many; then the index counts. */
static enum status count_looks(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                               const struct lead *lead, int64_t max) {
    int64_t count = 0, types = event_is_of_readers(filter, field) ? EVENT_OF_READERS : 0;
    const struct event_period period = event_period_of(filter);
    enum status rolled = lead->search.text.n ? STATUS_LIMIT : rollup_kept(tx, &period, types, &count);
    if (rolled != STATUS_LIMIT) return rolled == STATUS_OK && count > max ? STATUS_LIMIT : rolled;
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    sentence_add(&q, "SELECT count(*) FROM (SELECT 1 AS one FROM events f");
    add_frame(&q, filter, field, lead);
    sentence_add(&q, " LIMIT ");
    sentence_add_int(&q, max + 1);
    sentence_add(&q, ") counted");
    enum status status = row_int(sentence_stmt(tx, &q), &count);
    return status == STATUS_OK && count > max ? STATUS_LIMIT : status;
}

bool event_is_led(const struct event_filter *filter, bool is_sqlite) {
    LEAD_AUTO lead = {0};
    find_lead(filter, is_sqlite, &lead);
    return lead.search.text.n > 0;
}

enum status event_check_looks(struct db *tx, struct arena *a, const struct event_filter *filter, enum event_field field,
                              int64_t looks_max) {
    const struct event_condition *condition = filter->condition;
    int64_t cost = event_cost_of(filter, field);
    bool is_of_readers = event_is_of_readers(filter, field);
    LEAD_AUTO lead = {0};
    if (filter->message_id) return STATUS_OK;
    find_lead(filter, db_is_sqlite(tx), &lead);
    for (size_t i = 0; condition && i < condition->count; i++)
        if (!lead.is_enough[i]) cost += cost_of(&condition->items[i], lead.search.text.n > 0, is_of_readers);
    return count_looks(tx, a, filter, field, &lead, looks_max / (1 + cost));
}

enum status event_check_work(struct db *tx, struct arena *a, const struct event_filter *filter) {
    return event_check_looks(tx, a, filter, EVENT_FIELD_COUNT, LOOKS_MAX);
}

/* The types that are asked for are in the index, too. */
static enum status count_led(struct db *tx, struct arena *a, const struct event_filter *filter, const struct lead *lead,
                             int64_t *ret_count) {
    SENTENCE_AUTO q = {.arena = a, .is_sqlite = db_is_sqlite(tx)};
    sentence_add(&q, "SELECT count(*), COALESCE(SUM(CASE WHEN ");
    add_types(&q, filter->types ? filter->types : ~INT64_C(0));
    sentence_add(&q, " THEN 1 ELSE 0 END), 0) FROM (SELECT f.type FROM events f");
    add_frame(&q, filter, EVENT_FIELD_COUNT, lead);
    sentence_add(&q, " LIMIT ");
    sentence_add_int(&q, LED_MAX + 1);
    sentence_add(&q, ") f");
    struct stmt *s = sentence_stmt(tx, &q);
    enum status status = row_first(s);
    if (status != STATUS_OK) return status;
    if (stmt_int(s, 0) > LED_MAX) return STATUS_LIMIT;
    *ret_count = stmt_int(s, 1);
    return STATUS_OK;
}

enum status event_count_led(struct db *tx, struct arena *a, const struct event_filter *filter, int64_t *ret_count) {
    const struct event_condition *condition = filter->condition;
    LEAD_AUTO lead = {0};
    if (filter->message_id) return STATUS_NOT_FOUND;
    find_lead(filter, db_is_sqlite(tx), &lead);
    for (size_t i = 0; condition && i < condition->count; i++)
        if (condition->items[i].op != EVENT_AND && !lead.is_enough[i]) return STATUS_NOT_FOUND;
    return lead.search.text.n ? count_led(tx, a, filter, &lead, ret_count) : STATUS_NOT_FOUND;
}
