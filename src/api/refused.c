/* refused.c - see refused.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/refused.h"

static void add(struct refused_list *list, int code, struct str field, struct str message) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].code == code && (code != REFUSAL_FIELD || str_eq(list->items[i].field, field))) return;
    }
    if (list->count == REFUSED_MAX) return;
    list->items[list->count++] = (struct refused){.code = code, .field = field, .message = message};
}

void refused_add(struct refused_list *list, const struct operation *op, int code, struct str field) {
    const struct refusal *refusal = operation_refusal(op, code);
    add(list, code, field, str_from_z(refusal ? refusal->message : "Refused"));
}

void refused_say(struct refused_list *list, struct arena *arena, int code, struct str field, const char *why) {
    add(list, code, arena_str(arena, field), arena_str(arena, str_from_z(why)));
}

static size_t place_of(const struct operation *op, int code) {
    size_t i = 0;
    while (op && i < op->refusal_count && op->refusals[i].code != code) i++;
    return i;
}

void refused_sort(struct refused_list *list, const struct operation *op) {
    for (size_t i = 1; i < list->count; i++) { /* insertion: stable, and the list is short */
        struct refused item = list->items[i];
        size_t place = op ? place_of(op, item.code) : 0, at = i;
        while (op && at > 0 && place_of(op, list->items[at - 1].code) > place) {
            list->items[at] = list->items[at - 1];
            at--;
        }
        list->items[at] = item;
    }
}

int refused_http(const struct refused_list *list, const struct operation *op) {
    for (size_t i = 0; i < list->count; i++) {
        const struct refusal *refusal = operation_refusal(op, list->items[i].code);
        if (refusal && refusal->http && refusal->http != 422) return refusal->http;
    }
    return 422;
}

void refused_format_rest(const struct refused_list *list, struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_array(&w, STR("Errors"));
    for (size_t i = 0; i < list->count; i++) {
        json_open_object(&w);
        json_add_i64(&w, STR("Code"), list->items[i].code);
        json_add_str(&w, STR("Message"), list->items[i].message);
        if (list->items[i].field.n) json_add_str(&w, STR("Field"), list->items[i].field);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
}

static void format_codes(struct json_writer *w, const struct refused_list *list) {
    json_add_array(w, STR("ErrorCode"));
    for (size_t i = 0; i < list->count; i++) json_i64(w, list->items[i].code);
    json_close_array(w);
}

void refused_format_command(const struct refused_list *list, const struct operation *op, struct buf *out) {
    const struct refused *first = &list->items[0];
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_bool(&w, STR("Success"), false);
    if (op && op->lists_all_codes && place_of(op, first->code) < op->refusal_count) {
        format_codes(&w, list);
    } else {
        json_add_i64(&w, STR("ErrorCode"), first->code);
    }
    json_add_str(&w, STR("ErrorMessage"), first->message);
    json_add_str(&w, STR("ErrorText"), first->message);
    if (first->field.n) json_add_str(&w, STR("Field"), first->field);
    json_close_object(&w);
}
