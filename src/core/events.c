/* events.c - see events.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/events.h"

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

void event_add_key_id(struct json_writer *w, int64_t key_id) {
    BUF_AUTO text = {0};
    if (key_id == 0) return;
    buf_add_i64(&text, key_id);
    json_add_str(w, STR("KeyID"), buf_str(&text));
}

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
