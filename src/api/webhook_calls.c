/* webhook_calls.c - webhooks are made, shown, set and deleted, and the key that signs their calls.
 *
 * A webhook is a URL and the events it is called for. /api.php calls events by their nouns and lists a webhook once, /api/v1 by
 * their participles, a row for each event. The key that signs the calls is a domain's, and made when it is first asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/webhook_calls.h"

#include "core/events.h"
#include "core/hook_headers.h"

#define NUMBER_OF(n) #n
#define SAY_MAX(n)   "The domain has " NUMBER_OF(n) " webhooks already, which is what one may have: delete one"
#define TOO_MANY     SAY_MAX(WEBHOOKS_MAX)
#define MASK         STR("********") /* of a key that was sealed under another master key: nobody can show it any more */

/* ---- what is set ---- */
static void check_url(struct call *c, struct webhook_settings *settings) {
    static const int codes[] = {[WEBHOOK_URL_MALFORMED] = 6, [WEBHOOK_URL_FORBIDDEN] = 7};
    const struct arg *url = call_arg(c, "WebhookURL");
    if (!url->is_given) return;
    enum webhook_url_verdict verdict = webhook_url_judge(url->text, &c->api->webhooks, c->arena);
    if (verdict != WEBHOOK_URL_FINE) call_refuse_field(c, codes[verdict], STR("WebhookURL"));
    settings->url = url->text;
}

static void check_headers(struct call *c, struct webhook_settings *settings) {
    const struct arg *headers = call_arg(c, "Headers");
    struct hook_headers list;
    SECRET_AUTO text = {0};
    BUF_AUTO why = {0};
    struct json_writer w = {.out = &text};
    if (!headers->is_given) return;
    json_value(&w, headers->raw);
    settings->headers = arena_str(c->arena, buf_str(&text));
    settings->has_headers = true;
    if (!hook_headers_parse(settings->headers, c->arena, &list, &why))
        call_refuse_say(c, STR("Headers"), arena_str(c->arena, buf_str(&why)).p);
}

enum status webhook_calls_check(struct call *c, struct db *db) {
    (void)db;
    struct webhook_settings *settings = ARENA_NEW(c->arena, struct webhook_settings);
    settings->is_active = WEBHOOK_AS_IT_IS;
    settings->batch_max = call_number(c, "BatchSize", WEBHOOK_AS_IT_IS);
    settings->events = call_number(c, "Event", 0);
    check_url(c, settings);
    check_headers(c, settings);
    if (settings->batch_max == 1)
        call_refuse_say(c, STR("BatchSize"), "BatchSize must be 0, for an event a call, or from 2 to 100");
    c->state = settings;
    return STATUS_OK;
}

static struct webhook_keeper keeper_of(const struct call *c) {
    return (struct webhook_keeper){&c->api->seal, c->api->rand, c->api->owner.node_id, c->now};
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
    if (status == STATUS_LIMIT) call_refuse_say(c, STR("WebhookURL"), TOO_MANY);
    if (c->refused.count) return STATUS_OK;
    const struct webhook_keeper keeper = keeper_of(c);
    if (status == STATUS_OK) status = webhook_set(db, &webhook, c->state, &keeper);
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

/* Members of an object that is open. */
static void write_webhook(struct call *c, const struct webhook *webhook) {
    struct json_writer *w = &c->json;
    BUF_AUTO headers = {0};
    json_add_id(w, STR("WebhookID"), webhook->id);
    json_add_id(w, STR("DomainID"), webhook->domain_id);
    json_add_str(w, STR("URL"), webhook->url);
    json_add_str(w, STR("WebhookURL"), webhook->url);
    write_events(c, webhook->events);
    json_add_z(w, STR("Status"), webhook->is_active ? "Active" : "Disabled");
    json_add_time(w, STR("CreatedAt"), webhook->created_at);
    webhook_show_headers(webhook, &c->api->seal, c->arena, &headers);
    json_add_raw(w, STR("Headers"), buf_str(&headers));
    json_add_i64(w, STR("BatchSize"), webhook->batch_max);
    json_add_i64(w, STR("Failures"), webhook->failures);
    json_add_time(w, STR("FailingSince"), webhook->failing_since);
    json_add_time(w, STR("PausedUntil"), webhook->paused_until > c->now ? webhook->paused_until : 0);
    json_add_time(w, STR("DisabledAt"), webhook->disabled_at);
    json_add_str(w, STR("DisabledReason"), webhook->disabled_why);
}

static enum status answer_list(struct call *c, struct db *db, struct str signing_key) {
    struct webhook_list list;
    enum status status = webhook_list(db, c->arena, c->scope.account_id, domain_of(c), &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SigningKey"), signing_key);
    json_add_array(w, STR("Webhooks"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        write_webhook(c, &list.items[i]);
        json_close_object(w);
    }
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

/* ---- the key alone ---- */
static enum status answer_key(struct call *c, struct str key, int64_t old_until) {
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("SigningKey"), key);
    if (old_until >= 0) json_add_time(w, STR("OldKeyUntil"), old_until);
    return call_close(c);
}

enum status webhook_calls_load_key(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    enum status status = load_key(c, db, &key);
    if (call_is_over(c, status) || key.n == 0) return status;
    call_end(c);
    return answer_key(c, buf_str(&key), -1);
}

enum status webhook_calls_show_key(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    enum status status = load_key(c, db, &key); /* somebody may have been faster */
    if (call_is_over(c, status)) return status;
    if (key.n == 0) status = webhook_make_signing_key(db, domain_of(c), &c->api->seal, c->api->rand, &key);
    return status == STATUS_OK ? answer_key(c, buf_str(&key), -1) : status;
}

enum status webhook_calls_regenerate(struct call *c, struct db *db) {
    SECRET_AUTO key = {0};
    struct str sealed;
    const struct webhook_rotation rotation = {.domain_id = domain_of(c),
                                              .now = c->now,
                                              .seal = &c->api->seal,
                                              .rand = c->api->rand,
                                              .is_at_once = call_number(c, "EndOld", 0) != 0};
    enum status status = domain_signing_key(db, c->arena, c->scope.account_id, rotation.domain_id, &sealed);
    if (status == STATUS_OK) status = webhook_rotate_signing_key(db, &rotation, &key);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK) return status;
    return answer_key(c, buf_str(&key), sealed.n == 0 || rotation.is_at_once ? 0 : c->now + WEBHOOK_KEY_OVERLAP_MS);
}

/* ---- one ---- */
enum status webhook_calls_find(struct call *c, struct db *db, struct webhook *ret) {
    enum status status = webhook_get(db, c->arena, c->scope.account_id, call_number(c, "WebhookID", 0), ret);
    bool is_seen = status == STATUS_OK && (c->scope.domain_id == SCOPE_ANY || c->scope.domain_id == ret->domain_id);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !is_seen)) return call_refuse_field(c, 4, STR("WebhookID"));
    return status;
}

static enum status answer_one(struct call *c, const struct webhook *webhook) {
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("Webhook"));
    write_webhook(c, webhook);
    json_close_object(w);
    return call_close(c);
}

enum status webhook_calls_get(struct call *c, struct db *db) {
    struct webhook webhook;
    enum status status = webhook_calls_find(c, db, &webhook);
    return call_is_over(c, status) ? status : answer_one(c, &webhook);
}

enum status webhook_calls_update(struct call *c, struct db *db) {
    struct webhook webhook;
    struct webhook_settings settings = *(struct webhook_settings *)c->state;
    const struct webhook_keeper keeper = keeper_of(c);
    const struct arg *state = call_arg(c, "Status");
    if (state->is_given) settings.is_active = state->number == 0;
    enum status status = webhook_calls_find(c, db, &webhook);
    if (call_is_over(c, status)) return status;
    status = webhook_set(db, &webhook, &settings, &keeper);
    if (status == STATUS_OK) status = webhook_calls_find(c, db, &webhook);
    return status == STATUS_OK ? answer_one(c, &webhook) : status;
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
