/* send_values.c - see send_values.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/send_values.h"

#include "base/clock.h"

#define NAME_MAX_BYTES 64
#define YEAR_9999_S    INT64_C(253402300800)

const char *send_texts_refuse(const struct json *value, size_t items_max, size_t bytes_max) {
    if (!json_is(value, JSON_ARRAY)) return "must be a list";
    if (items_max && value->count > items_max) return "has too many items";
    JSON_FOR_EACH (it, value) {
        if (!json_is(it, JSON_STRING) || it->text.n == 0 || it->text.n > bytes_max || str_has_control(it->text))
            return "must hold texts only, not empty, not too long, without control characters";
    }
    return NULL;
}

const char *send_object_refuse(const struct json *value, size_t max) {
    if (!json_is(value, JSON_OBJECT)) return "must be an object";
    return max && value->count > max ? "has too many members" : NULL;
}

const char *send_metadata_refuse(const struct json *value, size_t members_max, size_t bytes_max) {
    const char *why = send_object_refuse(value, members_max);
    if (why) return why;
    JSON_FOR_EACH (it, value) {
        bool is_scalar = json_is(it, JSON_STRING) || json_is(it, JSON_NUMBER);
        if (!is_scalar || it->text.n > bytes_max || it->key.n == 0 || it->key.n > NAME_MAX_BYTES || str_has_control(it->key))
            return "must hold texts and numbers only, of 256 bytes at most, under names of 64 at most";
    }
    return NULL;
}

const char *send_metadata_reserved(const struct json *value) {
    static const char *const reserved[] = {"ListID", "SubscriberID", "JourneyID", "ActionID", "TrackLinks", "TrackOpens"};
    JSON_FOR_EACH (it, value) {
        for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
            if (str_eq_nocase(it->key, str_from_z(reserved[i]))) return reserved[i];
    }
    return NULL;
}

bool send_stream_parse(struct str word, enum send_stream *ret) {
    bool is_transactional = str_eq_nocase(word, STR("transactional"));
    if (!is_transactional && !str_eq_nocase(word, STR("broadcast"))) return false;
    *ret = is_transactional ? SEND_TRANSACTIONAL : SEND_BROADCAST;
    return true;
}

bool send_switch_parse(struct str word, bool *ret) {
    static const struct {
        struct str word;
        bool value;
    } words[] = {
        {STR_INIT("1"), true},   {STR_INIT("0"), false},  {STR_INIT("true"), true}, {STR_INIT("false"), false},
        {STR_INIT("yes"), true}, {STR_INIT("no"), false}, {STR_INIT("on"), true},   {STR_INIT("off"), false},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_eq_nocase(word, words[i].word)) continue;
        *ret = words[i].value;
        return true;
    }
    return false;
}

bool send_time_parse(struct str text, int64_t *ret_wall_ms, bool *ret_has_time) {
    int64_t seconds;
    if (!str_to_i64(text, &seconds)) return time_parse_sql(text, ret_wall_ms, ret_has_time);
    if (seconds < 0 || seconds >= YEAR_9999_S) return false;
    *ret_wall_ms = seconds * 1000;
    *ret_has_time = true;
    return true;
}

bool send_at_judge(int64_t at, int64_t now, int64_t *ret_due_at) {
    if (at < now - SEND_PAST_MAX_MS || at > now + SEND_AHEAD_MAX_MS) return false;
    *ret_due_at = at > now ? at : now;
    return true;
}
