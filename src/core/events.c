/* events.c - see events.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/events.h"

#include "base/clock.h"
#include "core/event_cursor.h"
#include "proto/json/json.h"

#define HOST_MAX  255
#define AGENT_MAX 1500 /* what core/track keeps, each of its bytes written as a sign of three */

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

/* Reports name hosts, and anybody writes reports: an index takes no key of any length. */
static struct str short_text(const struct json *detail, struct str name) {
    struct str text = json_find_text(detail, name);
    return text.n <= HOST_MAX && !str_has_control(text) ? text : STR("");
}

static void read_detail(struct arena *arena, struct str text, struct event_keys *keys) {
    const struct json *detail;
    struct json_error error;
    if (!json_parse(arena, text, &detail, &error)) return;
    const struct json *bounce = json_find(detail, STR("Bounce")), *hard = json_find(bounce, STR("Hard"));
    const struct json *code = json_find(json_find(detail, STR("Reply")), STR("Code"));
    keys->link = json_find_text(detail, STR("Link"));
    keys->bounce_class = json_find_text(bounce, STR("Class"));
    keys->mx_host = short_text(detail, STR("MXHost"));
    keys->client = short_text(detail, STR("Client"));
    keys->ip = short_text(detail, STR("IpAddress"));
    keys->country = short_text(detail, STR("Country"));
    keys->device = short_text(detail, STR("Device"));
    struct str agent = json_find_text(detail, STR("UserAgent"));
    keys->user_agent = agent.n <= AGENT_MAX ? agent : STR("");
    if (!json_is(code, JSON_NUMBER) || !str_to_i64(code->text, &keys->smtp_code)) keys->smtp_code = 0;
    keys->is_hard = json_is(hard, JSON_BOOL) && hard->boolean;
}

enum status event_write(struct db *tx, const struct event *event, struct str tags, enum event_how how, int64_t *ret_id) {
    static enum status (*const record[])(struct db *, const struct event *, int64_t *) = {
        [EVENT_AS_IT_COMES] = event_record, [EVENT_ONCE] = event_record_once, [EVENT_BY_MACHINE] = event_record_machine};
    ARENA_AUTO arena = {0};
    struct event filed = *event;
    read_tags(&arena, tags, &filed.keys);
    if (event->type != EVENT_SEND) read_detail(&arena, event->detail, &filed.keys);
    return record[how](tx, &filed, ret_id);
}

/* ---- searches ---- */
static struct str search_of(struct arena *arena, const struct event_query *query) {
    const struct event_filter *f = &query->filter;
    return arena_strf(arena, "%lld %lld %lld %lld %.*s %.*s", (long long)f->domain_id, (long long)f->types, (long long)f->from_at,
                      (long long)f->before_at, STR_ARG(query->message_uuid), STR_ARG(query->text));
}

/* One row more than is shown says whether there are more. */
static enum status find_page(struct db *tx, struct arena *arena, const struct event_query *query,
                             const struct event_filter *filter, struct event_found *ret) {
    struct event_found found = {.next = STR("")};
    struct event_place place;
    struct str search = search_of(arena, query);
    enum status status;
    if (query->cursor.n == 0) {
        status = event_list(tx, arena, filter, query->offset, query->limit + 1, &found.list);
    } else {
        if (!event_cursor_parse(query->cursor, search, &place)) return STATUS_INVALID;
        status = event_list_after(tx, arena, filter, place, query->limit + 1, &found.list);
    }
    if (status != STATUS_OK) return status;
    if (found.list.count > (size_t)query->limit) {
        const struct event *last = &found.list.items[query->limit - 1].event;
        found.list.count = (size_t)query->limit;
        found.next = event_cursor_format(arena, (struct event_place){last->at, last->id}, search);
    }
    *ret = found;
    return STATUS_OK;
}

enum status event_search(struct db *tx, struct arena *arena, const struct event_query *query, struct event_found *ret) {
    struct event_filter filter = query->filter;
    struct id uuid;
    struct message message;
    enum status status = STATUS_NOT_FOUND;
    if (query->message_uuid.n == 0) return find_page(tx, arena, query, &filter, ret);
    if (id_parse(query->message_uuid, &uuid)) status = message_find(tx, arena, filter.domain_id, uuid, &message);
    if (status == STATUS_OK) {
        filter.message_id = message.id;
        return find_page(tx, arena, query, &filter, ret);
    }
    if (status != STATUS_NOT_FOUND) return status;
    *ret = (struct event_found){.next = STR("")};
    return STATUS_OK;
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

enum status event_aggregate(struct db *tx, struct arena *arena, struct event_grouping *g, bool *ret_is_end,
                            struct event_bucket_list *ret) {
    struct event_bucket_list list = {0};
    enum status status = event_group_next(tx, arena, g, ret_is_end, &list);
    if (status != STATUS_OK || !*ret_is_end) return status;
    for (size_t i = 0; i < list.count; i++) list.items[i].key = key_of(arena, g->field, &list.items[i]);
    *ret = list;
    return STATUS_OK;
}
