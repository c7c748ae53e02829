/* event_terms.c - see event_terms.h. A condition is the query's sentence with its names looked up.
 *
 * What could never find anything is an error and not an empty answer: a field or an event that nobody knows, a range the wrong
 * way round, a value that is none of the field's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_terms.h"

#include "base/clock.h"
#include "base/word.h"
#include "proto/query/nearest.h"
#include "proto/query/query.h"

_Static_assert(EVENT_ITEMS_MAX >= QUERY_ITEMS_MAX, "a condition holds every query");

bool event_types_parse(struct str text, int64_t *ret_types) {
    int64_t types = 0;
    struct str part;
    while (str_next(&text, ',', &part)) {
        enum event_type type;
        if (!event_type_parse(str_trim(part), &type)) return false;
        types |= EVENT_BIT(type);
    }
    *ret_types = types;
    return types != 0;
}

struct reader {
    struct arena *arena;
    struct buf *why; /* what is wrong, without the place */
};

static bool refuse(const struct reader *r, const char *why) {
    buf_add_z(r->why, why);
    return false;
}

/* ---- events' names ---- */
static bool refuse_type(const struct reader *r, struct str name) {
    const char *nouns[EVENT_TYPE_COUNT];
    size_t count = 0;
    for (int i = EVENT_SEND; i < EVENT_TYPE_COUNT; i++) nouns[count++] = event_noun((enum event_type)i);
    const char *near = nearest_name(name, nouns, count);
    buf_addf(r->why, "there is no event \"%.*s\"; ", STR_ARG(name));
    if (near) buf_addf(r->why, "did you mean %s? ", near);
    buf_add_z(r->why, "eventType is one of ");
    for (size_t i = 0; i < count; i++) buf_addf(r->why, "%s%s", i ? ", " : "", nouns[i]);
    return false;
}

static int64_t types_of_prefix(struct str prefix) {
    int64_t types = 0;
    for (int i = EVENT_SEND; i < EVENT_TYPE_COUNT; i++)
        if (str_starts_nocase(str_from_z(event_noun((enum event_type)i)), prefix)) types |= EVENT_BIT(i);
    return types;
}

static bool fill_types(const struct reader *r, const struct query_item *term, struct event_item *ret) {
    int64_t types = 0;
    if (term->match == QUERY_RANGE) return refuse(r, "eventType has no order, so it takes no range");
    if (term->match == QUERY_PRESENT) types = types_of_prefix((struct str){0});
    if (term->match == QUERY_PREFIX) types = types_of_prefix(term->value);
    if (term->match == QUERY_IS) (void)event_types_parse(term->value, &types);
    if (types == 0) return refuse_type(r, term->value);
    *ret = (struct event_item){.op = EVENT_TYPES, .from = types};
    return true;
}

/* ---- times ---- */
/* A day or a second: where it begins and ends. */
static bool parse_time(struct str text, int64_t *ret_from, int64_t *ret_before) {
    bool has_time;
    if (!time_parse_sql(text, ret_from, &has_time)) return false;
    *ret_before = *ret_from + (has_time ? 1000 : 86400000);
    return true;
}

static bool refuse_order(const struct reader *r, const char *what, const struct query_item *term) {
    buf_addf(r->why, "this range ends before it begins%s: the smaller value comes first, [%.*s TO %.*s]", what, STR_ARG(term->to),
             STR_ARG(term->value));
    return false;
}

static bool fill_time(const struct reader *r, const struct query_item *term, struct event_item *ret) {
    static const char why[] =
        "a date is YYYY-MM-DD, or \"YYYY-MM-DD HH:MM:SS\" in quotes, UTC; from a day on is [YYYY-MM-DD TO *]";
    bool is_range = term->match == QUERY_RANGE;
    struct event_item item = {.op = EVENT_TIME, .from = INT64_MIN, .before = INT64_MAX};
    struct str last = is_range ? term->to : term->value;
    int64_t ignored;
    if (term->match == QUERY_PREFIX) return refuse(r, why);
    if (term->value.p && term->match != QUERY_PRESENT && !parse_time(term->value, &item.from, &ignored)) return refuse(r, why);
    if (last.p && term->match != QUERY_PRESENT && !parse_time(last, &ignored, &item.before)) return refuse(r, why);
    if (item.from >= item.before) return refuse_order(r, "", term);
    *ret = item;
    return true;
}

/* ---- texts ---- */
static struct str without_hyphens(struct arena *arena, struct str text) {
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-') out[n++] = text.p[i];
    return str_make(out, n);
}

static bool is_code(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_digit(text.p[i])) return false;
    return text.n <= 3;
}

/* Signs alone are in no index. */
static bool check_words(const struct reader *r, const struct query_item *term) {
    BUF_AUTO word = {0};
    struct str rest = term->value;
    return word_next(&rest, &word) || refuse(r, "there is no word in this, and words are letters and digits");
}

/* Values that a field cannot have. */
static bool check_value(const struct reader *r, const struct query_item *term, enum event_field field) {
    bool is_whole = term->match == QUERY_IS || term->match == QUERY_RANGE;
    if (field == EVENT_FIELD_BOT) {
        bool is_known = str_eq_nocase(term->value, STR("true")) || str_eq_nocase(term->value, STR("false"));
        return term->match == QUERY_PRESENT || (term->match == QUERY_IS && is_known) || refuse(r, "bot is true or false");
    }
    if (field == EVENT_FIELD_SUBJECT && (term->match == QUERY_IS || term->match == QUERY_PREFIX)) return check_words(r, term);
    if (field != EVENT_FIELD_SMTP_CODE) return true;
    bool is_short = (term->value.p && term->value.n != 3) || (term->to.p && term->to.n != 3);
    if (is_code(term->value) && is_code(term->to) && !(is_whole && is_short)) return true;
    return refuse(r, "smtpCode is a number of three digits, as in smtpCode:550, smtpCode:5* or smtpCode:[400 TO 499]");
}

/* As the store compares them: without regard to ASCII case, by bytes. */
static bool is_reversed(const struct reader *r, const struct query_item *term) {
    if (term->match != QUERY_RANGE || !term->value.p || !term->to.p) return false;
    return str_cmp(arena_lower(r->arena, term->value), arena_lower(r->arena, term->to)) > 0;
}

static bool fill_text(const struct reader *r, const struct query_item *term, enum event_field field, struct event_item *ret) {
    static const enum event_op ops[] = {
        [QUERY_IS] = EVENT_IS, [QUERY_PREFIX] = EVENT_PREFIX, [QUERY_RANGE] = EVENT_RANGE, [QUERY_PRESENT] = EVENT_PRESENT};
    if (!check_value(r, term, field)) return false;
    if (is_reversed(r, term)) return refuse_order(r, " (texts are compared letter by letter)", term);
    *ret = (struct event_item){.op = ops[term->match], .field = field, .value = term->value, .to = term->to};
    if (field != EVENT_FIELD_MESSAGE) return true;
    if (ret->value.p) ret->value = without_hyphens(r->arena, ret->value);
    if (ret->to.p) ret->to = without_hyphens(r->arena, ret->to);
    return true;
}

/* ---- terms ---- */
/* How other products and people's habits call them. */
static const char *other_name(struct str name) {
    static const struct {
        const char *other;
        enum event_field field;
    } names[] = {
        {"type", EVENT_FIELD_TYPE},
        {"event", EVENT_FIELD_TYPE},
        {"to", EVENT_FIELD_RECIPIENT},
        {"email", EVENT_FIELD_RECIPIENT},
        {"rcpt", EVENT_FIELD_RECIPIENT},
        {"from", EVENT_FIELD_SENDER},
        {"domain", EVENT_FIELD_RECIPIENT_DOMAIN},
        {"id", EVENT_FIELD_MESSAGE},
        {"url", EVENT_FIELD_LINK},
        {"code", EVENT_FIELD_SMTP_CODE},
        {"status", EVENT_FIELD_TYPE},
        {"mx", EVENT_FIELD_MX_HOST},
        {"host", EVENT_FIELD_MX_HOST},
        {"agent", EVENT_FIELD_USER_AGENT},
        {"campaign", EVENT_FIELD_JOURNEY},
        {"campaignId", EVENT_FIELD_JOURNEY},
        {"time", EVENT_FIELD_DATE},
        {"timestamp", EVENT_FIELD_DATE},
        {"hour", EVENT_FIELD_DATE},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(name, str_from_z(names[i].other))) return event_field_name(names[i].field);
    return NULL;
}

static bool refuse_field(const struct reader *r, struct str name) {
    const char *names[EVENT_FIELD_COUNT];
    size_t count = 0;
    for (int i = 0; i < EVENT_FIELD_COUNT; i++)
        if (i != EVENT_FIELD_HOUR) names[count++] = event_field_name((enum event_field)i);
    const char *near = other_name(name);
    if (!near) near = nearest_name(name, names, count);
    buf_addf(r->why, "there is no field \"%.*s\"; ", STR_ARG(name));
    if (near) buf_addf(r->why, "did you mean %s? ", near);
    buf_addf(r->why, "%s a value with a colon in quotes, or use one of ", near ? "Put" : "put");
    for (size_t i = 0; i < count; i++) buf_addf(r->why, "%s%s", i ? ", " : "", names[i]);
    return false;
}

static bool fill_term(const struct reader *r, const struct query_item *term, struct event_item *ret) {
    enum event_field field = EVENT_FIELD_HOUR;
    if (!term->field.p) {
        enum event_op op = term->match == QUERY_PREFIX ? EVENT_ANYWHERE_PREFIX : EVENT_ANYWHERE;
        *ret = (struct event_item){.op = op, .value = term->value};
        return check_words(r, term);
    }
    if (!event_field_find(term->field, &field) || field == EVENT_FIELD_HOUR) return refuse_field(r, term->field);
    if (field == EVENT_FIELD_TYPE) return fill_types(r, term, ret);
    if (field == EVENT_FIELD_DAY || field == EVENT_FIELD_DATE) return fill_time(r, term, ret);
    return fill_text(r, term, field, ret);
}

static bool fill_all(const struct reader *r, const struct query *query, struct event_condition *ret, size_t *ret_at) {
    static const enum event_op ops[] = {[QUERY_AND] = EVENT_AND,
                                        [QUERY_OR] = EVENT_OR,
                                        [QUERY_NOT] = EVENT_NOT,
                                        [QUERY_OPEN] = EVENT_OPEN_BRACKET,
                                        [QUERY_CLOSE] = EVENT_CLOSE_BRACKET};
    ret->count = query->count;
    for (size_t i = 0; i < query->count; i++) {
        const struct query_item *it = &query->items[i];
        *ret_at = it->at;
        if (it->kind != QUERY_TERM)
            ret->items[i] = (struct event_item){.op = ops[it->kind]};
        else if (!fill_term(r, it, &ret->items[i]))
            return false;
    }
    return true;
}

bool event_condition_parse(struct str text, struct arena *arena, struct event_condition *ret, struct buf *why) {
    struct query *query = ARENA_NEW(arena, struct query);
    struct query_error error;
    BUF_AUTO words = {0};
    const struct reader reader = {arena, &words};
    if (!query_parse(text, arena, query, &error)) {
        buf_add_z(&words, error.why);
    } else if (fill_all(&reader, query, ret, &error.at)) {
        return true;
    }
    buf_addf(why, "Query is wrong at character %zu: %.*s", query_position(text, error.at), STR_ARG(buf_str(&words)));
    return false;
}
