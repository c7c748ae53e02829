/* import_calls.c - a file of people for a list: judged, stored whole, answered; the driver (work.h) does the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/import_calls.h"

#include "api/list_calls.h"
#include "api/subscriber_calls.h"
#include "api/work.h"
#include "core/import.h"

#define IMPORT_CONTENT_MISSING 2
#define IMPORT_CONTENT_INVALID 3
#define IMPORT_UNKNOWN         4
#define IMPORT_TOO_MANY        5
#define IMPORTS_AT_ONCE        10 /* of an account: their files are kept whole */

static struct str content_of(struct call *c) {
    return call_text(c, "Content", call_text(c, "File", (struct str){0}));
}

enum status import_calls_find_list(struct call *c, struct db *db) {
    struct mailing_list list;
    struct import *import = ARENA_NEW(c->arena, struct import);
    enum status status = list_call_open(c, db, SUBSCRIBER_LIST_MISSING, SUBSCRIBER_LIST_UNKNOWN, &list);
    if (status == STATUS_OK && content_of(c).n == 0) call_refuse_field(c, IMPORT_CONTENT_MISSING, STR("Content"));
    import->list_id = list.id;
    c->state = import;
    return status;
}

enum status import_calls_judge(struct call *c, struct db *db) {
    (void)db;
    struct import *import = c->state;
    struct import_wishes wishes = {.updates = call_number(c, "UpdateDuplicates", 1) != 0,
                                   .resubscribes = call_number(c, "Resubscribe", 0) != 0};
    const char *why = import_judge(c->arena, content_of(c), &wishes, import);
    if (why) refused_say(&c->refused, c->arena, IMPORT_CONTENT_INVALID, STR("Content"), why);
    import->uuid = id_make(c->now, c->api->rand);
    import->account_id = c->scope.account_id;
    import->size_bytes = (int64_t)content_of(c).n;
    import->errors = STR("[]");
    import->created_at = c->now;
    return STATUS_OK;
}

static int64_t percent(const struct import *import) {
    if (import->state == IMPORT_DONE) return 100;
    return import->size_bytes ? import->position * 100 / import->size_bytes : 0;
}

static void write_import(struct call *c, const struct import *import) {
    struct json_writer *w = &c->json;
    json_add_object(w, STR("ImportJob"));
    json_add_uuid(w, STR("ImportID"), import->uuid);
    json_add_i64(w, STR("ListID"), import->list_id);
    json_add_z(w, STR("ImportStatus"), import_state_text(import->state));
    json_add_time(w, STR("ImportDate"), import->created_at);
    json_add_time(w, STR("FinishedAt"), import->finished_at);
    json_add_i64(w, STR("Progress"), percent(import));
    json_add_i64(w, STR("TotalSubscribers"), import->total);
    json_add_i64(w, STR("TotalImported"), import->added);
    json_add_i64(w, STR("TotalDuplicates"), import->changed);
    json_add_i64(w, STR("TotalFailed"), import->refused);
    json_add_raw(w, STR("Errors"), import->errors);
    json_close_object(w);
}

static enum status answer_import(struct call *c, const struct import *import) {
    struct json_writer *w = call_open(c);
    json_add_uuid(w, STR("ImportID"), import->uuid);
    write_import(c, import);
    return call_close(c);
}

enum status import_calls_store(struct call *c, struct db *db) {
    struct import *import = c->state;
    int64_t open = 0;
    enum status status = import_count_open(db, import->account_id, &open);
    if (status == STATUS_OK && open >= IMPORTS_AT_ONCE) return call_refuse(c, IMPORT_TOO_MANY);
    if (status == STATUS_OK) status = import_add(db, import, content_of(c), &import->id);
    return status == STATUS_OK ? answer_import(c, import) : status;
}

enum status import_calls_wake(struct call *c, struct db *db) {
    (void)db;
    work_wake(c->api->work);
    return STATUS_OK;
}

enum status import_calls_get(struct call *c, struct db *db) {
    struct import import;
    enum status status = import_find(db, c->arena, c->scope.account_id, call_uuid(c, "ImportID"), &import);
    if (status == STATUS_OK) return answer_import(c, &import);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, IMPORT_UNKNOWN, STR("ImportID"));
}
