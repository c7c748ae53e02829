/* key_calls.c - AddAPI, ReplaceAPI, GetAPIs, DeleteAPI: sender keys of a domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/key_calls.h"

#include "core/domains.h"
#include "core/tokens.h"

#define MASK STR("********") /* of a key that was sealed under another master key: nobody can show it any more */

static void write_key(struct call *c, const struct sender_key *key, struct str token) {
    struct json_writer *w = &c->json;
    BUF_AUTO scopes = {0};
    sender_scopes_format(key->scopes, &scopes);
    json_add_id(w, STR("KeyID"), key->id);
    json_add_id(w, STR("APIKeyID"), key->id);
    json_add_id(w, STR("DomainID"), key->domain_id);
    json_add_id(w, STR("UserID"), key->account_id);
    json_add_str(w, STR("Key"), token);
    json_add_str(w, STR("APIKey"), token);
    json_add_str(w, STR("Permissions"), buf_str(&scopes));
    json_add_str(w, STR("Description"), key->description);
    json_add_z(w, STR("Status"), "Enabled");
    json_add_time(w, STR("CreationDate"), key->created_at);
    json_add_time(w, STR("CreatedAt"), key->created_at);
    json_add_time(w, STR("LastUsedDate"), key->last_used_at);
    json_add_object(w, STR("Options"));
    json_add_str(w, STR("ListID"), key->list_id);
    json_add_str(w, STR("SubscriberID"), key->subscriber_id);
    json_add_str(w, STR("JourneyID"), key->journey_id);
    json_add_str(w, STR("ActionID"), key->action_id);
    json_close_object(w);
}

/* ---- AddAPI, ReplaceAPI ---- */
/* The key as the parameters have it; what they leave out is taken from `old`. */
static struct sender_key requested(const struct call *c, const struct sender_key *old) {
    return (struct sender_key){
        .account_id = c->scope.account_id,
        .domain_id = call_number(c, "DomainID", 0),
        .description = call_text(c, "Description", old->description),
        .scopes = (int)call_number(c, "Permissions", old->scopes),
        .list_id = call_text(c, "ListID", old->list_id),
        .subscriber_id = call_text(c, "SubscriberID", old->subscriber_id),
        .journey_id = call_text(c, "JourneyID", old->journey_id),
        .action_id = call_text(c, "ActionID", old->action_id),
        .pool = old->pool,
        .created_at = c->now,
    };
}

/* Refuse what may be the caller's doing; else answer with the key. */
static enum status answer_made(struct call *c, enum status status, const struct sender_key *key, struct str token) {
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 3);
    if (status == STATUS_LIMIT)
        return call_refuse_say(c, STR("DomainID"), "The domain has as many keys as it may have: delete one first");
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("NewAPIKeyID"), key->id);
    json_add_object(w, STR("APIKey"));
    write_key(c, key, token);
    json_close_object(w);
    return call_close(c);
}

enum status key_calls_add(struct call *c, struct db *db) {
    static const struct sender_key none = {.scopes = SENDER_SCOPES_ALL};
    SECRET_AUTO token = {0};
    struct sender_key key = requested(c, &none);
    token_make(TOKEN_SENDER_KEY, c->api->rand, &token);
    enum status status = sender_key_create(db, &key, buf_str(&token), &c->api->seal, c->api->rand);
    return answer_made(c, status, &key, buf_str(&token));
}

/* One key of the domain ends, whose permissions and defaults the new one gets; without ApiKeyId all of them, as in the reference,
 * where a domain has one. */
enum status key_calls_replace(struct call *c, struct db *db) {
    SECRET_AUTO token = {0};
    struct sender_key old = {.scopes = SENDER_SCOPES_ALL};
    int64_t old_id = call_number(c, "ApiKeyId", 0), domain_id = call_number(c, "DomainID", 0);
    enum status status = domain_is_of(db, c->scope.account_id, domain_id);
    if (status == STATUS_OK && old_id) {
        status = sender_key_get(db, c->arena, c->scope.account_id, domain_id, old_id, &old);
        if (status == STATUS_NOT_FOUND) return call_refuse_field(c, 5, STR("ApiKeyId"));
    }
    struct sender_key key = requested(c, &old);
    token_make(TOKEN_SENDER_KEY, c->api->rand, &token);
    if (status == STATUS_OK) status = sender_key_replace(db, &key, old_id, buf_str(&token), &c->api->seal, c->api->rand);
    return answer_made(c, status, &key, buf_str(&token));
}

/* ---- GetAPIs ---- */
static enum status write_revealed(struct call *c, const struct sender_key *key) {
    SECRET_AUTO token = {0};
    enum status status = sender_key_reveal(&c->api->seal, key, &token);
    if (status != STATUS_OK && status != STATUS_CORRUPT) return status;
    json_open_object(&c->json);
    write_key(c, key, status == STATUS_OK ? buf_str(&token) : MASK);
    json_close_object(&c->json);
    return STATUS_OK;
}

enum status key_calls_list(struct call *c, struct db *db) {
    struct sender_key_list list;
    int64_t domain_id = call_number(c, "DomainID", 0);
    enum status status = domain_is_of(db, c->scope.account_id, domain_id);
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status == STATUS_OK) status = sender_key_list(db, c->arena, c->scope.account_id, domain_id, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("APIKeys"));
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) status = write_revealed(c, &list.items[i]);
    json_close_array(w);
    call_close(c);
    return status;
}

enum status key_calls_delete(struct call *c, struct db *db) {
    enum status status = sender_key_delete(db, c->scope.account_id, SCOPE_ANY, call_number(c, "ApiKeyId", 0));
    if (status == STATUS_NOT_FOUND) return call_refuse(c, 2);
    if (status != STATUS_OK) return status;
    return call_done(c);
}
