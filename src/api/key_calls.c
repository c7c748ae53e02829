/* key_calls.c - AddAPI, GetAPIs, DeleteAPI: sender keys of a domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/key_calls.h"

#include "core/domains.h"
#include "core/tokens.h"

static struct str id_text(struct call *c, int64_t id) {
    return arena_strf(c->arena, "%lld", (long long)id);
}

static struct str time_text(struct call *c, int64_t at) {
    BUF_AUTO text = {0};
    if (at) time_add_sql(&text, at);
    return arena_str(c->arena, buf_str(&text));
}

static void write_key(struct call *c, const struct sender_key *key, struct str token) {
    struct json_writer *w = &c->json;
    BUF_AUTO scopes = {0};
    sender_scopes_format(key->scopes, &scopes);
    json_add_str(w, STR("KeyID"), id_text(c, key->id));
    json_add_str(w, STR("APIKeyID"), id_text(c, key->id));
    json_add_str(w, STR("DomainID"), id_text(c, key->domain_id));
    json_add_str(w, STR("UserID"), id_text(c, key->account_id));
    json_add_str(w, STR("Key"), token);
    json_add_str(w, STR("APIKey"), token);
    json_add_str(w, STR("Permissions"), buf_str(&scopes));
    json_add_str(w, STR("Description"), key->description);
    json_add_z(w, STR("Status"), "Enabled");
    json_add_str(w, STR("CreationDate"), time_text(c, key->created_at));
    json_add_str(w, STR("LastUsedDate"), time_text(c, key->last_used_at));
    json_add_object(w, STR("Options"));
    json_add_str(w, STR("ListID"), key->list_id);
    json_add_str(w, STR("SubscriberID"), key->subscriber_id);
    json_add_str(w, STR("JourneyID"), key->journey_id);
    json_add_str(w, STR("ActionID"), key->action_id);
    json_close_object(w);
}

static enum status create(struct call *c, struct db *db, struct sender_key *key, struct buf *token) {
    token_make(TOKEN_SENDER_KEY, c->api->rand, token);
    key->created_at = c->now;
    return sender_key_create(db, key, buf_str(token), &c->api->seal, c->api->rand);
}

enum status key_calls_add(struct call *c, struct db *db) {
    struct str none = {0};
    SECRET_AUTO token = {0};
    struct sender_key key = {
        .account_id = c->account.id,
        .domain_id = call_number(c, "DomainID", 0),
        .description = call_text(c, "Description", none),
        .scopes = (int)call_number(c, "Permissions", SENDER_SCOPES_ALL),
        .list_id = call_text(c, "ListID", none),
        .subscriber_id = call_text(c, "SubscriberID", none),
        .journey_id = call_text(c, "JourneyID", none),
        .action_id = call_text(c, "ActionID", none),
    };
    enum status status = create(c, db, &key, &token);
    if (status == STATUS_NOT_FOUND) {
        call_refuse(c, 3);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_str(w, STR("NewAPIKeyID"), id_text(c, key.id));
    json_add_object(w, STR("APIKey"));
    write_key(c, &key, buf_str(&token));
    json_close_object(w);
    call_close(c);
    return STATUS_OK;
}

static enum status write_revealed(struct call *c, const struct sender_key *key) {
    SECRET_AUTO token = {0};
    enum status status = sender_key_reveal(&c->api->seal, key, &token);
    if (status != STATUS_OK) return status;
    json_open_object(&c->json);
    write_key(c, key, buf_str(&token));
    json_close_object(&c->json);
    return STATUS_OK;
}

enum status key_call_answer_list(struct call *c, struct db *db, const struct domain *domain) {
    struct sender_key_list list;
    enum status status = sender_key_list(db, c->arena, domain->account_id, domain->id, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("APIKeys"));
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) status = write_revealed(c, &list.items[i]);
    json_close_array(w);
    call_close(c);
    return status;
}

enum status key_calls_list(struct call *c, struct db *db) {
    struct domain domain;
    enum status status = domain_get(db, c->arena, c->account.id, call_number(c, "DomainID", 0), &domain);
    if (status == STATUS_NOT_FOUND) {
        call_refuse(c, 2);
        return STATUS_OK;
    }
    return status == STATUS_OK ? key_call_answer_list(c, db, &domain) : status;
}

enum status key_calls_delete(struct call *c, struct db *db) {
    enum status status = sender_key_delete(db, c->account.id, SCOPE_ANY, call_number(c, "ApiKeyId", 0));
    if (status == STATUS_NOT_FOUND) {
        call_refuse(c, 2);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;
    call_open(c);
    call_close(c);
    return STATUS_OK;
}
