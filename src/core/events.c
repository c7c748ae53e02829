/* events.c - see events.h. A condition is the query's sentence with its names looked up: what fields there are is the store's
 * table, what a date and an event's name are is decided here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/events.h"

#include "base/clock.h"
#include "proto/json/json.h"
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

void event_add_sender(struct json_writer *w, const struct message *message) {
    if (message->key_id) json_add_id(w, STR("KeyID"), message->key_id);
    if (message->smtp_user_id) json_add_id(w, STR("SMTPID"), message->smtp_user_id);
}

/* ---- what is written ---- */
static bool has_tag(const struct str *tags, size_t count, struct str tag) {
    for (size_t i = 0; i < count; i++)
        if (str_eq(tags[i], tag)) return true;
    return false;
}

static void read_tags(struct arena *arena, struct str text, struct event_keys *keys) {
    const struct json *list;
    struct json_error error;
    if (text.n <= STR("[]").n || !json_parse(arena, text, &list, &error) || list->type != JSON_ARRAY) return;
    struct str *tags = arena_array(arena, list->count + 1, sizeof *tags);
    size_t count = 0;
    JSON_FOR_EACH (tag, list)
        if (tag->type == JSON_STRING && !has_tag(tags, count, tag->text)) tags[count++] = tag->text;
    keys->tags = tags;
    keys->tag_count = count;
}

/* The frequent ones have none. */
static bool has_keys(enum event_type type) {
    return type != EVENT_SEND && type != EVENT_DEFERRED && type != EVENT_DELIVERY;
}

static void read_detail(struct arena *arena, struct str text, struct event_keys *keys) {
    const struct json *detail;
    struct json_error error;
    if (!json_parse(arena, text, &detail, &error)) return;
    const struct json *bounce = json_find(detail, STR("Bounce")), *hard = json_find(bounce, STR("Hard"));
    keys->link = json_find_text(detail, STR("Link"));
    keys->device = json_find_text(detail, STR("Device"));
    keys->country = json_find_text(detail, STR("Country"));
    keys->bounce_class = json_find_text(bounce, STR("Class"));
    keys->is_hard = json_is(hard, JSON_BOOL) && hard->boolean;
}

enum status event_write(struct db *tx, const struct event *event, struct str tags, enum event_how how, int64_t *ret_id) {
    static enum status (*const record[])(struct db *, const struct event *, int64_t *) = {
        [EVENT_AS_IT_COMES] = event_record, [EVENT_ONCE] = event_record_once, [EVENT_BY_MACHINE] = event_record_machine};
    ARENA_AUTO arena = {0};
    struct event filed = *event;
    read_tags(&arena, tags, &filed.keys);
    if (has_keys(event->type)) read_detail(&arena, event->detail, &filed.keys);
    return record[how](tx, &filed, ret_id);
}

/* ---- conditions ---- */
/* Each fills an item from a term, or says what is wrong with it. */
static const char *fill_types(const struct query_item *term, struct event_item *ret) {
    int64_t types = 0;
    if (term->match == QUERY_RANGE) return "eventType has no order, so it takes no range";
    for (int i = EVENT_SEND; i < EVENT_TYPE_COUNT; i++) {
        bool is_meant =
            term->match == QUERY_PRESENT ||
            (term->match == QUERY_PREFIX && str_starts_nocase(str_from_z(event_noun((enum event_type)i)), term->value));
        if (is_meant) types |= EVENT_BIT(i);
    }
    if (term->match == QUERY_IS) (void)event_types_parse(term->value, &types);
    if (types == 0)
        return "eventType is one of send, deferred, delivery, bounce, failed, suppressed, open, click, unsubscribe, complaint";
    *ret = (struct event_item){.op = EVENT_TYPES, .from = types};
    return NULL;
}

/* A day or a second: where it begins and ends. */
static bool parse_time(struct str text, int64_t *ret_from, int64_t *ret_before) {
    bool has_time;
    if (!time_parse_sql(text, ret_from, &has_time)) return false;
    *ret_before = *ret_from + (has_time ? 1000 : 86400000);
    return true;
}

static const char *fill_time(const struct query_item *term, struct event_item *ret) {
    static const char why[] = "a date is YYYY-MM-DD, or \"YYYY-MM-DD HH:MM:SS\" in quotes, UTC";
    bool is_range = term->match == QUERY_RANGE;
    struct event_item item = {.op = EVENT_TIME, .from = INT64_MIN, .before = INT64_MAX};
    struct str last = is_range ? term->to : term->value;
    int64_t ignored;
    if (term->match == QUERY_PREFIX) return why;
    if (term->value.p && term->match != QUERY_PRESENT && !parse_time(term->value, &item.from, &ignored)) return why;
    if (last.p && term->match != QUERY_PRESENT && !parse_time(last, &ignored, &item.before)) return why;
    if (item.from >= item.before) return "this range ends before it begins";
    *ret = item;
    return NULL;
}

static struct str without_hyphens(struct arena *arena, struct str text) {
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-') out[n++] = text.p[i];
    return str_make(out, n);
}

static void fill_text(const struct query_item *term, enum event_field field, struct arena *arena, struct event_item *ret) {
    static const enum event_op ops[] = {
        [QUERY_IS] = EVENT_IS, [QUERY_PREFIX] = EVENT_PREFIX, [QUERY_RANGE] = EVENT_RANGE, [QUERY_PRESENT] = EVENT_PRESENT};
    *ret = (struct event_item){.op = ops[term->match], .field = field, .value = term->value, .to = term->to};
    if (field != EVENT_FIELD_MESSAGE) return;
    if (ret->value.p) ret->value = without_hyphens(arena, ret->value);
    if (ret->to.p) ret->to = without_hyphens(arena, ret->to);
}

static void add_fields(struct buf *why, struct str name) {
    buf_addf(why, "there is no field \"%.*s\"; put a value with a colon in quotes, or use one of ", STR_ARG(name));
    for (int i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (i == EVENT_FIELD_HOUR) continue;
        if (i) buf_add_z(why, ", ");
        buf_add_z(why, event_field_name((enum event_field)i));
    }
}

static bool fill_term(const struct query_item *term, struct arena *arena, struct event_item *ret, struct buf *why) {
    enum event_field field = EVENT_FIELD_HOUR;
    const char *wrong = NULL;
    if (!term->field.p) {
        *ret = (struct event_item){.op = EVENT_ANYWHERE, .value = term->value};
        return true;
    }
    if (!event_field_find(term->field, &field) || field == EVENT_FIELD_HOUR) {
        add_fields(why, term->field);
        return false;
    }
    if (field == EVENT_FIELD_TYPE)
        wrong = fill_types(term, ret);
    else if (field == EVENT_FIELD_DAY || field == EVENT_FIELD_DATE)
        wrong = fill_time(term, ret);
    else
        fill_text(term, field, arena, ret);
    if (wrong) buf_add_z(why, wrong);
    return !wrong;
}

static bool fill_all(const struct query *query, struct arena *arena, struct event_condition *ret, struct buf *why,
                     size_t *ret_at) {
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
        else if (!fill_term(it, arena, &ret->items[i], why))
            return false;
    }
    return true;
}

bool event_condition_parse(struct str text, struct arena *arena, struct event_condition *ret, struct buf *why) {
    struct query *query = ARENA_NEW(arena, struct query);
    struct query_error error;
    BUF_AUTO words = {0};
    if (!query_parse(text, arena, query, &error)) {
        buf_add_z(&words, error.why);
    } else if (fill_all(query, arena, ret, &words, &error.at)) {
        return true;
    }
    buf_addf(why, "Query is wrong at character %zu: %.*s", query_position(text, error.at), STR_ARG(buf_str(&words)));
    return false;
}

/* ---- searches ---- */
enum status event_search(struct db *tx, struct arena *arena, const struct event_query *query, struct event_row_list *ret) {
    struct event_filter filter = query->filter;
    if (query->message_uuid.n) {
        struct id uuid;
        struct message message;
        enum status status = STATUS_NOT_FOUND;
        if (id_parse(query->message_uuid, &uuid)) status = message_find(tx, arena, filter.domain_id, uuid, &message);
        if (status == STATUS_NOT_FOUND) {
            *ret = (struct event_row_list){0};
            return STATUS_OK;
        }
        if (status != STATUS_OK) return status;
        filter.message_id = message.id;
    }
    return event_list(tx, arena, &filter, query->offset, query->limit, ret);
}

static struct str key_of(struct arena *arena, enum event_field field, const struct event_bucket *bucket) {
    BUF_AUTO text = {0};
    struct str hex = bucket->key;
    if (field == EVENT_FIELD_MESSAGE && hex.n == 2 * sizeof(struct id))
        return arena_strf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.p, hex.p + 8, hex.p + 12, hex.p + 16, hex.p + 20);
    if (field != EVENT_FIELD_DAY && field != EVENT_FIELD_HOUR) return bucket->key;
    time_add_sql(&text, bucket->at);
    return arena_str(arena, str_sub(buf_str(&text), 0, field == EVENT_FIELD_DAY ? STR("YYYY-MM-DD").n : SIZE_MAX));
}

enum status event_aggregate(struct db *tx, struct arena *arena, const struct event_filter *filter, enum event_field field,
                            int limit, struct event_bucket_list *ret) {
    enum status status = event_group(tx, arena, filter, field, limit, ret);
    for (size_t i = 0; status == STATUS_OK && i < ret->count; i++) ret->items[i].key = key_of(arena, field, &ret->items[i]);
    return status;
}
