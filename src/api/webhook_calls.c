/* webhook_calls.c - AddWebhook, GetWebhooks, DeleteWebhook, RegenerateSigningKey, and POST, GET, DELETE /api/v1/webhooks.
 *
 * A webhook is a URL and the events it is called for. /api.php calls events by their nouns and lists a webhook once, /api/v1 by
 * their participles, a row for each event. The key that signs the calls is a domain's, and made when it is first asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/webhook_calls.h"

#include "core/events.h"
#include "core/webhooks.h"

#define MASK STR("********") /* of a key that was sealed under another master key: nobody can show it any more */

/* ---- making one ---- */
enum status webhook_calls_check_url(struct call *c, struct db *db) {
    (void)db;
    static const int codes[] = {[WEBHOOK_URL_MALFORMED] = 6, [WEBHOOK_URL_FORBIDDEN] = 7};
    const struct arg *url = call_arg(c, "WebhookURL");
    if (!url->is_given) return STATUS_OK;
    enum webhook_url_verdict verdict = webhook_url_judge(url->text, c->api->hostname, c->api->webhook_allow_private, c->arena);
    if (verdict != WEBHOOK_URL_FINE) call_refuse_field(c, codes[verdict], STR("WebhookURL"));
    return STATUS_OK;
}

enum status webhook_calls_check_domain(struct call *c, struct db *db) {
    if (!call_arg(c, "DomainID")->is_given) return STATUS_OK;
    enum status status = domain_is_of(db, c->scope.account_id, call_number(c, "DomainID", 0));
    if (status == STATUS_NOT_FOUND) call_refuse(c, 4);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The domain that is asked about: the sender key's, or DomainID's. */
static int64_t domain_of(const struct call *c) {
    return c->scope.domain_id == SCOPE_ANY ? call_number(c, "DomainID", 0) : c->scope.domain_id;
}

enum status webhook_calls_add(struct call *c, struct db *db) {
    struct webhook webhook = {
        .account_id = c->scope.account_id,
        .domain_id = domain_of(c),
        .url = call_text(c, "WebhookURL", (struct str){0}),
        .events = call_number(c, "Event", 0),
        .is_active = true,
        .created_at = c->now,
    };
    enum status status = webhook_create(db, &webhook);
    if (status == STATUS_NOT_FOUND) call_refuse(c, c->op->style == STYLE_REST ? 13 : 4); /* the domain went meanwhile */
    if (status == STATUS_LIMIT)
        call_refuse_say(c, STR("WebhookURL"), "The domain has as many webhooks as it may have: delete one");
    if (c->refused.count) return STATUS_OK;
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("NewWebhookID"), webhook.id);
    return call_close(c);
}

/* ---- GetWebhooks: on a reader, but for a domain that has no signing key yet ---- */
/* Events as a list, and as newer clients know it: one text, names between commas. */
static void write_events(struct call *c, int64_t events) {
    struct json_writer *w = &c->json;
    BUF_AUTO names = {0};
    json_add_array(w, STR("Events"));
    for (int type = 1; type < EVENT_TYPE_COUNT; type++) {
        if (!(events & EVENT_BIT(type))) continue;
        json_z(w, event_noun((enum event_type)type));
        buf_addf(&names, "%s%s", names.n ? "," : "", event_noun((enum event_type)type));
    }
    json_close_array(w);
    json_add_str(w, STR("Event"), buf_str(&names));
}

static void write_webhook(struct call *c, const struct webhook *webhook) {
    struct json_writer *w = &c->json;
    json_open_object(w);
    json_add_id(w, STR("WebhookID"), webhook->id);
    json_add_str(w, STR("URL"), webhook->url);
    json_add_str(w, STR("WebhookURL"), webhook->url);
    write_events(c, webhook->events);
    json_add_z(w, STR("Status"), webhook->is_active ? "Active" : "Disabled");
    json_add_time(w, STR("CreatedAt"), webhook->created_at);
    json_close_object(w);
}

static enum status answer_list(struct call *c, struct db *db, struct str signing_key) {
    struct webhook_list list;
    enum status status = webhook_list(db, c->arena, c->scope.account_id, domain_of(c), &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SigningKey"), signing_key);
    json_add_array(w, STR("Webhooks"));
    for (size_t i = 0; i < list.count; i++) write_webhook(c, &list.items[i]);
    json_close_array(w);
    return call_close(c);
}

/* The domain's key into out, nothing when it has none; refused with 2 when there is no such domain. */
static enum status load_key(struct call *c, struct db *db, struct buf *out) {
    struct str sealed;
    enum status status = domain_signing_key(db, c->arena, c->scope.account_id, domain_of(c), &sealed);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK || sealed.n == 0) return status;
    status = webhook_reveal_signing_key(&c->api->seal, domain_of(c), sealed, out);
    if (status == STATUS_CORRUPT) buf_add_str(out, MASK);
    return status == STATUS_CORRUPT ? STATUS_OK : status;
}

enum status webhook_calls_load(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    enum status status = load_key(c, db, &key);
    if (call_is_over(c, status) || key.n == 0) return status;
    call_end(c);
    return answer_list(c, db, buf_str(&key));
}

enum status webhook_calls_make_key(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    enum status status = load_key(c, db, &key); /* somebody may have been faster */
    if (call_is_over(c, status)) return status;
    if (key.n == 0) status = webhook_make_signing_key(db, domain_of(c), &c->api->seal, c->api->rand, &key);
    return status == STATUS_OK ? answer_list(c, db, buf_str(&key)) : status;
}

enum status webhook_calls_regenerate(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    enum status status = domain_is_of(db, c->scope.account_id, domain_of(c));
    if (status == STATUS_OK) status = webhook_make_signing_key(db, domain_of(c), &c->api->seal, c->api->rand, &key);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SigningKey"), buf_str(&key));
    return call_close(c);
}

/* ---- DeleteWebhook (decision 17) ---- */
enum status webhook_calls_delete(struct call *c, struct db *db) {
    struct webhook webhook;
    int64_t domain_id = domain_of(c);
    enum status status = domain_is_of(db, c->scope.account_id, domain_id);
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 2, STR("DomainID"));
    if (status == STATUS_OK) status = webhook_get(db, c->arena, c->scope.account_id, call_number(c, "WebhookID", 0), &webhook);
    if (status == STATUS_NOT_FOUND) call_refuse_field(c, 4, STR("WebhookID"));
    if (status == STATUS_OK && webhook.domain_id != domain_id) call_refuse_field(c, 3, STR("DomainID"));
    if (c->refused.count) return STATUS_OK;
    if (status == STATUS_OK) status = webhook_delete(db, c->scope.account_id, domain_id, webhook.id);
    if (status != STATUS_OK) return status;
    return call_done(c);
}

/* ---- /api/v1 ---- */
enum status webhook_calls_rest_list(struct call *c, struct db *db) {
    struct webhook_list list;
    enum status status = webhook_list(db, c->arena, c->scope.account_id, c->scope.domain_id, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Webhooks"));
    for (size_t i = 0; i < list.count; i++) {
        for (int type = 1; type < EVENT_TYPE_COUNT; type++) {
            if (!(list.items[i].events & EVENT_BIT(type))) continue;
            json_open_object(w);
            json_add_id(w, STR("WebhookID"), list.items[i].id);
            json_add_z(w, STR("Event"), event_participle((enum event_type)type));
            json_add_str(w, STR("URL"), list.items[i].url);
            json_add_str(w, STR("WebhookURL"), list.items[i].url);
            json_add_z(w, STR("Status"), list.items[i].is_active ? "Active" : "Disabled");
            json_close_object(w);
        }
    }
    json_close_array(w);
    return call_close(c);
}

enum status webhook_calls_rest_delete(struct call *c, struct db *db) {
    enum status status = webhook_delete(db, c->scope.account_id, c->scope.domain_id, call_number(c, "WebhookID", 0));
    if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 4, STR("WebhookID"));
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_z(w, STR("Message"), "Webhook successfully deleted.");
    return call_close(c);
}
