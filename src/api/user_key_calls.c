/* user_key_calls.c - User.APIKey.*: an account's own keys. A key is shown when it is made and never again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/user_calls.h"

#include "core/tokens.h"

#define NOT_FOUND 2

static void write_key(struct call *c, const struct user_key *key) {
    struct json_writer *w = &c->json;
    json_add_str(w, STR("Note"), key->description);
    json_add_str(w, STR("BoundIPAddress"), key->networks);
    json_add_bool(w, STR("IsAdmin"), key->is_admin);
    json_add_time(w, STR("CreatedAt"), key->created_at);
    json_add_time(w, STR("LastUsedAt"), key->last_used_at);
    json_add_str(w, STR("LastUsedIP"), key->last_used_ip);
}

/* BoundIPAddress: addresses and networks, or "any". */
static struct str read_networks(struct call *c, struct str otherwise) {
    struct network_list list;
    struct str text = call_text(c, "BoundIPAddress", otherwise);
    if (str_eq_nocase(text, STR("any"))) return (struct str){0};
    if (!network_list_parse(c->arena, text, &list))
        call_refuse_say(c, STR("BoundIPAddress"),
                        "BoundIPAddress must be addresses or networks like 192.0.2.7, 10.0.0.0/8, 2001:db8::/32, or \"any\"");
    return text;
}

static void judge_admin(struct call *c, bool is_admin) {
    if (!is_admin || (user_call_is_admin(c) && c->account.is_admin)) return;
    call_refuse_say(c, STR("IsAdmin"), "IsAdmin can be set by an administrator for his own keys only");
}

enum status user_key_calls_create(struct call *c, struct db *db) {
    SECRET_AUTO token = {0};
    int64_t count;
    token_make(TOKEN_USER_KEY, c->api->rand, &token);
    struct sha256 hash = token_hash(buf_str(&token));
    struct user_key key = {
        .account_id = c->scope.account_id,
        .key_hash = sha256_str(&hash),
        .is_admin = call_number(c, "IsAdmin", 0) != 0,
        .description = call_text(c, "Note", (struct str){0}),
        .networks = read_networks(c, (struct str){0}),
        .created_at = c->now,
    };
    judge_admin(c, key.is_admin);
    if (c->refused.count) return STATUS_OK;
    enum status status = user_key_count(db, key.account_id, &count);
    if (status == STATUS_OK && count >= ACCOUNT_KEYS_MAX) return call_refuse(c, 3);
    if (status == STATUS_OK) status = user_key_add(db, &key, &key.id);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_id(w, STR("APIKeyID"), key.id);
    json_add_object(w, STR("APIKey"));
    json_add_str(w, STR("APIKey"), buf_str(&token));
    write_key(c, &key);
    json_close_object(w);
    return call_close(c);
}

enum status user_key_calls_list(struct call *c, struct db *db) {
    struct user_key_list list;
    enum status status = user_key_list(db, c->arena, c->scope.account_id, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("APIKeys"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        json_add_i64(w, STR("APIKeyID"), list.items[i].id);
        write_key(c, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

static enum status refuse_unknown(struct call *c, enum status status) {
    if (status != STATUS_NOT_FOUND) return status;
    return call_refuse_field(c, NOT_FOUND, STR("APIKeyID"));
}

enum status user_key_calls_update(struct call *c, struct db *db) {
    struct user_key key;
    enum status status = user_key_get(db, c->arena, c->scope.account_id, call_number(c, "APIKeyID", 0), &key);
    if (status != STATUS_OK) return refuse_unknown(c, status);
    key.description = call_text(c, "Note", key.description);
    key.networks = read_networks(c, key.networks);
    if (c->refused.count) return STATUS_OK;
    status = user_key_update(db, &key);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("APIKey"));
    json_add_i64(w, STR("APIKeyID"), key.id);
    write_key(c, &key);
    json_close_object(w);
    return call_close(c);
}

enum status user_key_calls_delete(struct call *c, struct db *db) {
    enum status status = user_key_delete(db, c->scope.account_id, call_number(c, "APIKeyID", 0));
    return status == STATUS_OK ? call_done(c) : refuse_unknown(c, status);
}
