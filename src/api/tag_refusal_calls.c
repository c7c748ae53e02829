/* tag_refusal_calls.c - tags that people refused, listed and taken back: what they chose on the unsubscribe page short of
 * leaving.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/tag_refusal_calls.h"

#include "core/suppressions.h"

#define PAGE 100 /* entries, where no number is given */

static void add_entry(struct json_writer *w, const struct tag_refusal *r) {
    json_open_object(w);
    json_add_id(w, STR("TagRefusalID"), r->id);
    json_add_str(w, STR("EmailAddress"), r->address);
    json_add_str(w, STR("Tag"), r->tag);
    json_add_id(w, STR("EventID"), r->event_id);
    json_add_time(w, STR("CreatedAt"), r->created_at);
    json_close_object(w);
}

enum status tag_refusal_calls_browse(struct call *c, struct db *db) {
    struct str address = call_text(c, "EmailAddress", STR(""));
    struct sha256 hash = suppression_hash(address);
    struct tag_refusal_list list;
    const struct tag_refusal_filter filter = {.account_id = c->scope.account_id,
                                              .address_hash = address.n ? sha256_str(&hash) : STR(""),
                                              .tag = call_text(c, "Tag", STR("")),
                                              .after_id = call_number(c, "AfterID", 0),
                                              .limit = (int)call_number(c, "RetrieveCount", PAGE)};
    enum status status = tag_refusal_browse(db, c->arena, &filter, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    if (list.count == (size_t)filter.limit)
        json_add_id(w, STR("NextAfterID"), list.items[list.count - 1].id);
    else
        json_add_z(w, STR("NextAfterID"), "");
    json_add_array(w, STR("TagRefusals"));
    for (size_t i = 0; i < list.count; i++) add_entry(w, &list.items[i]);
    json_close_array(w);
    return call_close(c);
}

enum status tag_refusal_calls_remove(struct call *c, struct db *db) {
    struct sha256 hash = suppression_hash(call_text(c, "EmailAddress", STR("")));
    int64_t count = 0;
    enum status status = tag_refusal_delete(db, c->scope.account_id, sha256_str(&hash), call_text(c, "Tag", STR("")), &count);
    if (status != STATUS_OK) return status;
    if (count == 0) return call_refuse_field(c, 3, STR("EmailAddress"));
    json_add_i64(call_open(c), STR("TotalDeleted"), count);
    return call_close(c);
}
