/* subscriber_calls.c - people on a list: subscribe, get, browse, change, unsubscribe, delete.
 *
 * Whoever left a list comes back only when the caller says so (UpdateIfUnsubscribed, or a Status in so many words); what is
 * suppressed stays so whatever stands on a list, for sending asks the suppressions too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/subscriber_calls.h"

#include "api/list_calls.h"
#include "core/suppressions.h"

/* ---- what operations share ---- */
static enum status open_list(struct call *c, struct db *db, struct mailing_list *ret) {
    return list_call_open(c, db, SUBSCRIBER_LIST_MISSING, SUBSCRIBER_LIST_UNKNOWN, ret);
}

/* The subscriber that SubscriberID or EmailAddress names; refused when there is none. */
static enum status open_subscriber(struct call *c, struct db *db, struct subscriber *ret) {
    struct mailing_list list;
    struct str email = call_text(c, "EmailAddress", (struct str){0});
    int64_t id = call_number(c, "SubscriberID", 0);
    enum status status = open_list(c, db, &list);
    if (call_is_over(c, status)) return status;
    if (!id && !email.n) return call_refuse_field(c, SUBSCRIBER_MISSING, STR("SubscriberID"));
    if (id)
        status = subscriber_get(db, c->arena, list.account_id, list.id, id, ret);
    else
        status = subscriber_find(db, c->arena, list.account_id, list.id, arena_lower(c->arena, email), ret);
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, SUBSCRIBER_UNKNOWN, id ? STR("SubscriberID") : STR("EmailAddress"));
}

/* Status or SubscriptionStatus. False: refused. */
static bool read_status(struct call *c, enum subscriber_status *status) {
    struct str text = call_text(c, "Status", call_text(c, "SubscriptionStatus", (struct str){0}));
    if (text.n == 0 || subscriber_status_parse(text, status)) return true;
    call_refuse_field(c, SUBSCRIBER_STATUS_INVALID, STR("Status"));
    return false;
}

/* CustomFields or Fields over what was there. False: refused. */
static bool read_fields(struct call *c, struct str *fields) {
    const struct arg *arg = call_arg(c, "CustomFields"), *other = call_arg(c, "Fields");
    if (!arg->is_given) arg = other;
    const char *why = subscriber_fields_merge(c->arena, *fields, arg->is_given ? arg->raw : NULL, fields);
    if (!why) return true;
    refused_say(&c->refused, c->arena, SUBSCRIBER_FIELDS_INVALID, STR("CustomFields"),
                arena_strf(c->arena, "CustomFields: %s", why).p);
    return false;
}

static void write_subscriber(struct call *c, const struct subscriber *s) {
    struct json_writer *w = &c->json;
    bool has_left = s->status == SUBSCRIBER_UNSUBSCRIBED || s->status == SUBSCRIBER_COMPLAINED;
    json_open_object(w);
    json_add_i64(w, STR("SubscriberID"), s->id);
    json_add_i64(w, STR("ListID"), s->list_id);
    json_add_str(w, STR("EmailAddress"), s->email);
    json_add_z(w, STR("Status"), subscriber_status_text(s->status));
    json_add_z(w, STR("SubscriptionStatus"), has_left ? "Unsubscribed" : "Subscribed");
    json_add_z(w, STR("BounceType"), s->status == SUBSCRIBER_BOUNCED ? "Hard" : "Not Bounced");
    json_add_time(w, STR("SubscriptionDate"), s->created_at);
    json_add_time(w, STR("ChangedOn"), s->changed_at);
    json_add_raw(w, STR("CustomFields"), s->fields);
    json_close_object(w);
}

static enum status answer_subscriber(struct call *c, struct db *db, const struct subscriber *s) {
    struct suppression_scope scope = {c->scope.account_id, s->list_id};
    enum suppression_source source = SUPPRESSION_NONE;
    enum status status = suppressions_check(db, &scope, &s->email, 1, &source);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("SubscriberID"), s->id);
    json_key(w, STR("SubscriberInformation"));
    write_subscriber(c, s);
    json_add_bool(w, STR("Suppressed"), source != SUPPRESSION_NONE);
    return call_close(c);
}

/* ---- subscribe ---- */
/* Who is on the list already is changed only when the caller asked for that. */
static enum status change_old(struct call *c, struct db *db, struct subscriber *old, enum subscriber_status wanted) {
    bool has_left = old->status != SUBSCRIBER_ACTIVE, comes_back = call_number(c, "UpdateIfUnsubscribed", 0) != 0;
    if (has_left && !comes_back)
        call_refuse_field(c, SUBSCRIBER_WAS_UNSUBSCRIBED, STR("EmailAddress"));
    else if (!has_left && !call_number(c, "UpdateIfDuplicate", 0))
        call_refuse_field(c, SUBSCRIBER_DUPLICATE, STR("EmailAddress"));
    if (c->refused.count || !read_fields(c, &old->fields)) return STATUS_OK;
    old->status = wanted;
    old->changed_at = c->now;
    enum status status = subscriber_set(db, old);
    return status == STATUS_OK ? answer_subscriber(c, db, old) : status;
}

enum status subscriber_calls_create(struct call *c, struct db *db) {
    struct mailing_list list;
    struct subscriber s = {.created_at = c->now, .changed_at = c->now}, old;
    enum status status = open_list(c, db, &list);
    if (call_is_over(c, status)) return status;
    s.list_id = list.id;
    s.email = call_text(c, "EmailAddress", (struct str){0});
    s.email_key = arena_lower(c->arena, s.email);
    if (!read_status(c, &s.status)) return STATUS_OK;
    status = subscriber_find(db, c->arena, list.account_id, list.id, s.email_key, &old);
    if (status == STATUS_OK) return change_old(c, db, &old, s.status);
    if (status != STATUS_NOT_FOUND) return status;
    if (!read_fields(c, &s.fields)) return STATUS_OK;
    status = subscriber_add(db, &s, &s.id);
    return status == STATUS_OK ? answer_subscriber(c, db, &s) : status;
}

/* ---- read ---- */
enum status subscriber_calls_get(struct call *c, struct db *db) {
    struct subscriber s;
    enum status status = open_subscriber(c, db, &s);
    return call_is_over(c, status) ? status : answer_subscriber(c, db, &s);
}

enum status subscriber_calls_browse(struct call *c, struct db *db) {
    struct mailing_list list;
    struct subscriber_page page;
    struct str segment = call_text(c, "SubscriberSegment", (struct str){0});
    enum subscriber_status wanted = SUBSCRIBER_ACTIVE;
    int64_t total, last;
    enum status status = open_list(c, db, &list);
    if (call_is_over(c, status)) return status;
    bool is_any = segment.n == 0 || str_eq_nocase(segment, STR("All"));
    if (!is_any && !subscriber_status_parse(segment, &wanted))
        return call_refuse_field(c, SUBSCRIBER_STATUS_INVALID, STR("SubscriberSegment"));
    struct subscriber_query query = {
        .account_id = list.account_id,
        .list_id = list.id,
        .status = is_any ? -1 : (int)wanted,
        .after_id = call_number(c, "AfterID", 0),
        .offset = call_number(c, "RecordsFrom", 0),
        .limit = (int)call_number(c, "RecordsPerRequest", 25),
    };
    status = subscriber_count(db, &query, &total, &last);
    if (status == STATUS_OK) status = subscriber_page(db, c->arena, &query, &page);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("TotalSubscribers"), total);
    json_add_array(w, STR("Subscribers"));
    for (size_t i = 0; i < page.count; i++) write_subscriber(c, &page.items[i]);
    json_close_array(w);
    return call_close(c);
}

/* ---- change ---- */
static enum status save(struct call *c, struct db *db, struct subscriber *s) {
    s->changed_at = c->now;
    enum status status = subscriber_set(db, s);
    if (status == STATUS_EXISTS) return call_refuse_field(c, SUBSCRIBER_DUPLICATE, STR("EmailAddress"));
    return status == STATUS_OK ? answer_subscriber(c, db, s) : status;
}

/* Found by SubscriberID alone: EmailAddress is the new one. */
enum status subscriber_calls_update(struct call *c, struct db *db) {
    struct subscriber s;
    enum status status = open_subscriber(c, db, &s);
    if (call_is_over(c, status)) return status;
    s.email = call_text(c, "EmailAddress", s.email);
    s.email_key = arena_lower(c->arena, s.email);
    if (!read_status(c, &s.status) || !read_fields(c, &s.fields)) return STATUS_OK;
    return save(c, db, &s);
}

enum status subscriber_calls_unsubscribe(struct call *c, struct db *db) {
    struct subscriber s;
    bool is_new;
    enum status status = open_subscriber(c, db, &s);
    if (call_is_over(c, status)) return status;
    if (s.status == SUBSCRIBER_UNSUBSCRIBED) return call_refuse_field(c, SUBSCRIBER_WAS_UNSUBSCRIBED, STR("SubscriberID"));
    if (call_number(c, "AddToGlobalSuppression", 0)) {
        struct suppression entry = {.account_id = c->scope.account_id,
                                    .address = s.email,
                                    .source = SUPPRESSION_UNSUBSCRIBE,
                                    .reason = STR("Unsubscribed by the account"),
                                    .created_at = c->now};
        status = suppression_add(db, &entry, &is_new);
    }
    s.status = SUBSCRIBER_UNSUBSCRIBED;
    return status == STATUS_OK ? save(c, db, &s) : status;
}

enum status subscriber_calls_delete(struct call *c, struct db *db) {
    struct subscriber s;
    enum status status = open_subscriber(c, db, &s);
    if (call_is_over(c, status)) return status;
    status = subscriber_delete(db, c->scope.account_id, s.list_id, s.id);
    return status == STATUS_OK ? call_done(c) : status;
}
