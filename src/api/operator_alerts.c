/* operator_alerts.c - what the operator was alerted to, and a test of the ways in which he is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/operator.h"

#include "core/alert.h"

#define LIST_DEFAULT 50

static void add_time(struct json_writer *w, const char *key, int64_t at) {
    if (at)
        json_add_time(w, str_from_z(key), at);
    else
        json_add_z(w, str_from_z(key), "");
}

enum status operator_alert_list(struct call *c, struct db *db) {
    struct alert_list list;
    int64_t open;
    enum status status = alert_list_recent(db, c->arena, (int)call_number(c, "Limit", LIST_DEFAULT), &list);
    if (status == STATUS_OK) status = alert_count_open(db, &open);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Open"), open);
    json_add_array(w, STR("Alerts"));
    for (size_t i = 0; i < list.count; i++) {
        const struct alert *row = &list.items[i];
        json_open_object(w);
        json_add_i64(w, STR("ID"), row->id);
        json_add_z(w, STR("Kind"), alert_facts(row->kind)->name);
        json_add_str(w, STR("Key"), row->key);
        json_add_z(w, STR("State"), row->cleared_at ? "over" : "open");
        json_add_str(w, STR("Text"), row->text);
        add_time(w, "Since", row->raised_at);
        add_time(w, "Until", row->cleared_at ? row->quiet_at : 0);
        add_time(w, "Told", row->told_at);
        json_add_i64(w, STR("TimesTold"), row->told_count);
        json_add_str(w, STR("Trouble"), row->trouble);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* ---- the test ---- */
static struct str host_of(struct str url) {
    size_t at = str_find_str(url, STR("://"));
    struct str rest = at == STR_NONE ? url : str_sub(url, at + 3, SIZE_MAX);
    return str_sub(rest, 0, str_find(rest, '/'));
}

enum status operator_alert_test(struct call *c, struct db *db) {
    int64_t id;
    struct str webhook = c->api->alerts_webhook;
    if (c->api->alerts_mail.n == 0 && webhook.n == 0) return call_refuse(c, 1);
    struct alert test = {
        .kind = ALERT_TEST, .text = STR("This is a test, asked for by posthorn alerts test."), .raised_at = c->now};
    enum status status = alert_add(db, &test, &id);
    if (status != STATUS_OK && status != STATUS_EXISTS) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("Mail"), c->api->alerts_mail);
    json_add_str(w, STR("Webhook"), webhook.n ? host_of(webhook) : webhook); /* its path may be a secret (P10) */
    return call_close(c);
}

enum status operator_alert_wake(struct call *c, struct db *db) {
    (void)db;
    if (c->api->alerts_wake) c->api->alerts_wake(c->api->arg);
    return STATUS_OK;
}
