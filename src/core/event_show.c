/* event_show.c - see event_show.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/event_show.h"

/* JourneyID of the stored metadata, "" when there is none. */
static struct str campaign_of(struct arena *arena, struct str metadata) {
    const struct json *object;
    struct json_error error;
    if (!json_parse(arena, metadata, &object, &error)) return (struct str){0};
    return json_find_text(object, STR("JourneyID"));
}

void event_show_details(struct json_writer *w, struct arena *arena, struct str name, struct str detail) {
    static const struct str always[] = {STR_INIT("UserAgent"), STR_INIT("IpAddress")};
    const struct json *object = NULL;
    struct json_error error;
    json_add_object(w, name);
    if (!json_parse(arena, detail, &object, &error)) object = NULL;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (!json_find(object, always[i])) json_add_z(w, always[i], "");
    JSON_FOR_EACH (it, object) {
        json_key(w, it->key);
        json_value(w, it);
    }
    json_close_object(w);
}

/* The same under the names that newer clients of the reference look for. */
static void show_newer(struct json_writer *w, const struct event_row *row) {
    json_add_z(w, STR("Event"), event_noun(row->event.type));
    json_add_i64(w, STR("LoggedAt"), row->event.at / 1000);
    json_add_object(w, STR("Message"));
    json_add_object(w, STR("Headers"));
    json_add_str(w, STR("From"), row->sender);
    json_add_str(w, STR("To"), row->event.recipient);
    json_add_str(w, STR("Subject"), row->subject);
    json_close_object(w);
    json_close_object(w);
}

void event_show(struct json_writer *w, struct arena *arena, const struct event_row *row) {
    json_open_object(w);
    json_add_id(w, STR("EventId"), row->event.id);
    json_add_z(w, STR("EventType"), event_noun(row->event.type));
    json_add_iso_time(w, STR("EventTimestamp"), row->event.at);
    json_add_str(w, STR("Recipient"), row->event.recipient);
    json_add_uuid(w, STR("MessageId"), row->message_uuid);
    json_add_str(w, STR("CampaignId"), campaign_of(arena, row->metadata));
    json_add_str(w, STR("Sender"), row->sender);
    json_add_str(w, STR("Subject"), row->subject);
    json_add_raw(w, STR("Tags"), row->tags.n ? row->tags : STR("[]"));
    json_add_raw(w, STR("Metadata"), row->metadata.n ? row->metadata : STR("{}"));
    event_show_details(w, arena, STR("Details"), row->event.detail);
    show_newer(w, row);
    json_close_object(w);
}
