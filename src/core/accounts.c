/* accounts.c - see accounts.h.
 *
 * Tokens are looked up by their hash, so the time a look-up takes says nothing about the token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/accounts.h"

#include "core/tokens.h"
#include "proto/address/address.h"
#include "store/known_clients.h"

bool account_email(struct str text, struct arena *arena, struct str *ret) {
    struct address address;
    if (!address_parse(text, arena, &address)) return false;
    *ret = arena_lower(arena, address.text);
    return true;
}

enum status account_create(struct db *tx, const struct account *account, struct str user_key, int64_t *ret_id) {
    int64_t id, key_id;
    enum status status = account_add(tx, account, &id);
    if (status != STATUS_OK) return status;
    struct sha256 hash = token_hash(user_key);
    struct user_key key = {
        .account_id = id,
        .key_hash = sha256_str(&hash),
        .is_admin = account->is_admin,
        .description = STR("made with the account"),
        .created_at = account->created_at,
    };
    status = user_key_add(tx, &key, &key_id);
    if (status == STATUS_OK) *ret_id = id;
    return status;
}

enum status account_open_session(struct db *tx, int64_t account_id, struct str token, bool is_admin, int64_t now) {
    struct sha256 hash = token_hash(token);
    struct session session = {
        .account_id = account_id, .is_admin = is_admin, .created_at = now, .expires_at = now + SESSION_LIFE_MS};
    int64_t pruned;
    enum status status = session_add(tx, sha256_str(&hash), &session);
    /* Two old ones go for each new one; an ended one stays a life longer, to be told from an unknown one. */
    return status == STATUS_OK ? session_prune(tx, now - SESSION_LIFE_MS, 2, &pruned) : status;
}

enum status account_change_password(struct db *tx, int64_t account_id, struct str password_hash) {
    enum status status = account_set_password(tx, account_id, password_hash);
    if (status == STATUS_OK) status = session_delete_all(tx, account_id);
    return status == STATUS_OK ? account_token_clear(tx, account_id) : status;
}

/* ---- credentials ---- */
/* What one of the things that a caller shows stands for. */
struct found {
    struct account account;
    struct account_credential credential;
};

static bool may_be_token(struct str text) {
    return text.n > 0 && text.n <= TOKEN_MAX;
}

/* OK, DENIED (nobody's), TIMEOUT (expired), or an engine's error. */
static enum status find_by_session(struct db *tx, struct arena *arena, struct str token, int64_t now, struct found *ret) {
    if (!may_be_token(token)) return STATUS_DENIED;
    struct sha256 hash = token_hash(token);
    struct session session;
    enum status status = session_find(tx, sha256_str(&hash), &session);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    if (session.expires_at <= now) return STATUS_TIMEOUT;
    status = account_get(tx, arena, session.account_id, &ret->account);
    ret->credential = (struct account_credential){
        .is_admin = session.is_admin && ret->account.is_admin,
        .session_hash = arena_str(arena, sha256_str(&hash)),
    };
    return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
}

/* A key without networks may come from anywhere. */
static bool may_come_from(const struct user_key *key, struct str client, struct arena *arena) {
    struct network_list list;
    struct ip ip;
    if (key->networks.n == 0) return true;
    return ip_parse(client, &ip) && network_list_parse(arena, key->networks, &list) && network_list_has(&list, &ip);
}

static enum status find_by_key(struct db *tx, struct arena *arena, struct str token, const struct user_credentials *given,
                               struct found *ret, int64_t now) {
    if (!may_be_token(token)) return STATUS_DENIED;
    struct sha256 hash = token_hash(token);
    struct user_key key;
    enum status status = user_key_find(tx, arena, sha256_str(&hash), &key, &ret->account);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    ret->credential = (struct account_credential){
        .is_admin = key.is_admin && ret->account.is_admin,
        .key_id = key.id,
        .is_touched = key.last_used_at > now - USER_KEY_TOUCH_MS,
    };
    return may_come_from(&key, given->client, arena) ? STATUS_OK : STATUS_DENIED;
}

enum status account_authenticate(struct db *tx, struct arena *arena, const struct user_credentials *given, int64_t now,
                                 struct account *ret, struct account_credential *ret_credential) {
    struct found found[3] = {0};
    enum status status[3] = {
        find_by_session(tx, arena, given->session, now, &found[0]),
        find_by_key(tx, arena, given->api_key, given, &found[1], now),
        find_by_key(tx, arena, given->bearer, given, &found[2], now),
    };
    const struct found *best = NULL;
    for (size_t i = 0; i < 3; i++) {
        if (status[i] == STATUS_DENIED || status[i] == STATUS_TIMEOUT) continue;
        if (status[i] != STATUS_OK) return status[i];
        if (best && best->account.id != found[i].account.id) return STATUS_DENIED;
        if (!best || (found[i].credential.is_admin && !best->credential.is_admin)) best = &found[i];
    }
    if (!best) return status[0];
    if (!best->account.is_active) return STATUS_DENIED;
    *ret = best->account;
    *ret_credential = best->credential;
    return STATUS_OK;
}

enum status account_touch(struct db *tx, const struct account_credential *credential, struct str client, int64_t now) {
    return user_key_touch(tx, credential->key_id, now, client);
}

/* ---- known clients ---- */
/* What stands for a client's address: of IPv6 its /64, where one person has many. No address: all such are one. */
static struct sha256 client_hash(const struct ip *client) {
    return sha256(str_make((const char *)client, 1 + (client->family == 6 ? 8 : client->family == 4 ? 4 : 0)));
}

enum status account_knows(struct db *tx, int64_t account_id, const struct ip *client, int64_t now, bool *ret_knows) {
    struct sha256 hash = client_hash(client);
    return known_client_has(tx, account_id, sha256_str(&hash), now - KNOWN_CLIENTS_LIFE_MS, ret_knows);
}

enum status account_remember(struct db *tx, int64_t account_id, const struct ip *client, int64_t now) {
    struct sha256 hash = client_hash(client);
    struct known_client known = {.account_id = account_id, .client_hash = sha256_str(&hash), .seen_at = now};
    return known_client_touch(tx, &known, now - KNOWN_CLIENTS_LIFE_MS, KNOWN_CLIENTS_MAX);
}
