/* list_calls.c - lists of an account: create, get, browse, rename, delete. A list goes with its people, in slices.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/list_calls.h"

#define DELETE_SLICE 500

enum status list_call_open(struct call *c, struct db *db, int missing, int unknown, struct mailing_list *ret) {
    *ret = (struct mailing_list){0};
    int64_t id = call_number(c, "ListID", call_number(c, "SubscriberListID", 0));
    if (id == 0) return call_refuse_field(c, missing, STR("ListID"));
    enum status status = mailing_list_get(db, c->arena, c->scope.account_id, id, ret);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, unknown, STR("ListID"));
}

static enum status write_list(struct call *c, struct db *db, const struct mailing_list *list) {
    struct json_writer *w = &c->json;
    struct list_audience audience;
    enum status status = list_audience(db, list->account_id, list->id, &audience);
    if (status != STATUS_OK) return status;
    json_open_object(w);
    json_add_i64(w, STR("ListID"), list->id);
    json_add_str(w, STR("Name"), list->name);
    json_add_i64(w, STR("RelOwnerUserID"), list->account_id);
    json_add_i64(w, STR("SubscriberCount"), audience.total);
    json_add_time(w, STR("CreatedOn"), list->created_at);
    json_close_object(w);
    return STATUS_OK;
}

static enum status answer_list(struct call *c, struct db *db, const struct mailing_list *list) {
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("ListID"), list->id);
    json_key(w, STR("List"));
    enum status status = write_list(c, db, list);
    call_close(c);
    return status;
}

enum status list_calls_create(struct call *c, struct db *db) {
    struct mailing_list list = {
        .account_id = c->scope.account_id,
        .name = call_text(c, "SubscriberListName", call_text(c, "Name", (struct str){0})),
        .created_at = c->now,
    };
    if (list.name.n == 0) return call_refuse_field(c, 1, STR("SubscriberListName"));
    enum status status = mailing_list_add(db, &list, &list.id);
    if (status == STATUS_EXISTS) return call_refuse_field(c, 2, STR("SubscriberListName"));
    return status == STATUS_OK ? answer_list(c, db, &list) : status;
}

enum status list_calls_get(struct call *c, struct db *db) {
    struct mailing_list list;
    enum status status = list_call_open(c, db, 1, 2, &list);
    return call_is_over(c, status) ? status : answer_list(c, db, &list);
}

enum status list_calls_browse(struct call *c, struct db *db) {
    struct mailing_list_page page;
    int64_t total;
    enum status status = mailing_list_count(db, c->scope.account_id, &total);
    if (status == STATUS_OK)
        status = mailing_list_page(db, c->arena, c->scope.account_id, call_number(c, "AfterID", 0),
                                   (int)call_number(c, "RecordsPerRequest", 100), &page);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalListCount"), total);
    json_add_array(w, STR("Lists"));
    for (size_t i = 0; status == STATUS_OK && i < page.count; i++) status = write_list(c, db, &page.items[i]);
    json_close_array(w);
    call_close(c);
    return status;
}

enum status list_calls_update(struct call *c, struct db *db) {
    struct mailing_list list;
    enum status status = list_call_open(c, db, 1, 2, &list);
    if (call_is_over(c, status)) return status;
    list.name = call_text(c, "Name", list.name);
    status = mailing_list_rename(db, list.account_id, list.id, list.name);
    if (status == STATUS_EXISTS) return call_refuse_field(c, 3, STR("Name"));
    return status == STATUS_OK ? answer_list(c, db, &list) : status;
}

/* Its people first, some in each transaction; the list's own row with the last of them. */
enum status list_calls_delete(struct call *c, struct db *db) {
    struct mailing_list list;
    int64_t gone = 0;
    enum status status = list_call_open(c, db, 1, 2, &list);
    if (call_is_over(c, status)) return status;
    status = subscriber_delete_some(db, list.account_id, list.id, DELETE_SLICE, &gone);
    if (status != STATUS_OK) return status;
    if (gone == DELETE_SLICE) {
        call_again(c);
        return STATUS_OK;
    }
    status = mailing_list_delete(db, list.account_id, list.id);
    return status == STATUS_OK ? call_done(c) : status;
}
