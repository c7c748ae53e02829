/* lists.c - see lists.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/lists.h"

#include "proto/address/address.h"

static const struct {
    const char *name, *reference;
} statuses[SUBSCRIBER_STATUS_COUNT] = {
    [SUBSCRIBER_ACTIVE] = {"Active", "Subscribed"},
    [SUBSCRIBER_UNSUBSCRIBED] = {"Unsubscribed", ""},
    [SUBSCRIBER_BOUNCED] = {"Bounced", "Hard bounced"},
    [SUBSCRIBER_COMPLAINED] = {"Complained", ""},
};

const char *subscriber_status_text(enum subscriber_status status) {
    return statuses[status].name;
}

bool subscriber_status_parse(struct str text, enum subscriber_status *ret) {
    for (size_t i = 0; text.n && i < SUBSCRIBER_STATUS_COUNT; i++) {
        if (!str_eq_nocase(text, str_from_z(statuses[i].name)) && !str_eq_nocase(text, str_from_z(statuses[i].reference)))
            continue;
        *ret = (enum subscriber_status)i;
        return true;
    }
    return false;
}

enum status list_audience(struct db *tx, int64_t account_id, int64_t list_id, struct list_audience *ret) {
    ARENA_AUTO arena = {0};
    struct mailing_list list;
    struct list_audience audience;
    struct subscriber_query query = {.account_id = account_id, .list_id = list_id, .status = SUBSCRIBER_ACTIVE};
    enum status status = mailing_list_get(tx, &arena, account_id, list_id, &list);
    if (status == STATUS_OK) status = subscriber_count(tx, &query, &audience.total, &audience.up_to);
    if (status == STATUS_OK) *ret = audience;
    return status;
}

enum status list_of_message(struct db *tx, const struct message *message, int64_t *ret_list_id) {
    ARENA_AUTO arena = {0};
    const struct json *labels;
    struct json_error error;
    struct mailing_list list;
    int64_t id = 0;
    *ret_list_id = 0;
    if (!json_parse(&arena, message->metadata, &labels, &error)) return STATUS_OK;
    if (!str_to_i64(json_find_text(labels, STR("ListID")), &id)) return STATUS_OK;
    enum status status = mailing_list_get(tx, &arena, message->account_id, id, &list);
    if (status == STATUS_OK) *ret_list_id = id;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status list_drop(struct db *tx, int64_t account_id, int64_t list_id, struct str address, enum subscriber_status why,
                      int64_t now) {
    ARENA_AUTO arena = {0};
    struct subscriber who;
    enum status status = subscriber_find(tx, &arena, account_id, list_id, arena_lower(&arena, address), &who);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK || who.status != SUBSCRIBER_ACTIVE) return status;
    who.status = why;
    who.changed_at = now;
    return subscriber_set(tx, &who);
}

/* ---- fields ---- */
static const char *judge_field(const struct json *field) {
    if (field->key.n == 0 || field->key.n > SUBSCRIBER_FIELD_NAME_MAX) return "a field's name must have 1 to 64 bytes";
    if (str_has_control(field->key)) return "a field's name must not hold control characters";
    if (field->type == JSON_ARRAY || field->type == JSON_OBJECT) return "a field must be a text, a number or a boolean";
    return NULL;
}

static size_t add_fields(struct json_writer *w, const struct json *fields, const struct json *unless_in) {
    size_t count = 0;
    JSON_FOR_EACH (it, fields) {
        if (it->type == JSON_NULL || json_find(unless_in, it->key)) continue;
        json_key(w, it->key);
        json_value(w, it);
        count++;
    }
    return count;
}

const char *subscriber_fields_merge(struct arena *a, struct str old, const struct json *given, struct str *ret) {
    const struct json *before = NULL;
    struct json_error error;
    BUF_AUTO text = {0};
    struct json_writer w = {.out = &text};
    if (given && given->type != JSON_OBJECT) return "fields must be an object";
    JSON_FOR_EACH (it, given) {
        const char *why = judge_field(it);
        if (why) return why;
    }
    if (old.n && !json_parse(a, old, &before, &error)) before = NULL;
    json_open_object(&w);
    size_t count = add_fields(&w, before, given);
    count += add_fields(&w, given, NULL);
    json_close_object(&w);
    if (count > SUBSCRIBER_FIELDS_MAX) return "a subscriber may have at most 100 fields";
    if (text.n > SUBSCRIBER_FIELDS_BYTES_MAX) return "a subscriber's fields may have at most 8 KiB";
    *ret = arena_str(a, buf_str(&text));
    return NULL;
}

bool subscriber_address(struct arena *a, struct str text, struct str *ret_email, struct str *ret_key) {
    struct address address;
    if (!address_parse(str_trim(text), a, &address)) return false;
    *ret_email = address.text;
    *ret_key = arena_lower(a, address.text);
    return true;
}
