/* accounts.c - see accounts.h.
 *
 * Tokens are looked up by their hash, so the time a look-up takes says nothing about the token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/accounts.h"

#include "core/tokens.h"
#include "proto/address/address.h"

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
    status = user_key_add(tx, id, sha256_str(&hash), account->created_at, &key_id);
    if (status == STATUS_OK) *ret_id = id;
    return status;
}

enum status account_open_session(struct db *tx, int64_t account_id, struct str token, int64_t now) {
    struct sha256 hash = token_hash(token);
    struct session session = {.account_id = account_id, .created_at = now, .expires_at = now + SESSION_LIFE_MS};
    int64_t pruned;
    enum status status = session_add(tx, sha256_str(&hash), &session);
    /* Two old ones go for each new one; an ended one stays a life longer, to be told from an unknown one. */
    return status == STATUS_OK ? session_prune(tx, now - SESSION_LIFE_MS, 2, &pruned) : status;
}

static bool may_be_token(struct str text) {
    return text.n > 0 && text.n <= TOKEN_MAX;
}

/* OK, DENIED (nobody's), TIMEOUT (expired), or an engine's error. */
static enum status find_by_session(struct db *tx, struct arena *arena, struct str token, int64_t now, struct account *ret) {
    if (!may_be_token(token)) return STATUS_DENIED;
    struct sha256 hash = token_hash(token);
    struct session session;
    enum status status = session_find(tx, sha256_str(&hash), &session);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    if (session.expires_at <= now) return STATUS_TIMEOUT;
    status = account_get(tx, arena, session.account_id, ret);
    return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
}

static enum status find_by_key(struct db *tx, struct arena *arena, struct str key, struct account *ret) {
    if (!may_be_token(key)) return STATUS_DENIED;
    struct sha256 hash = token_hash(key);
    enum status status = user_key_find(tx, arena, sha256_str(&hash), ret);
    return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
}

enum status account_authenticate(struct db *tx, struct arena *arena, const struct user_credentials *given, int64_t now,
                                 struct account *ret) {
    struct account found[3];
    enum status status[3] = {
        find_by_session(tx, arena, given->session, now, &found[0]),
        find_by_key(tx, arena, given->api_key, &found[1]),
        find_by_key(tx, arena, given->bearer, &found[2]),
    };
    const struct account *account = NULL;
    for (size_t i = 0; i < 3; i++) {
        if (status[i] == STATUS_DENIED || status[i] == STATUS_TIMEOUT) continue;
        if (status[i] != STATUS_OK) return status[i];
        if (account && account->id != found[i].id) return STATUS_DENIED;
        account = &found[i];
    }
    if (!account) return status[0];
    if (!account->is_active) return STATUS_DENIED;
    *ret = *account;
    return STATUS_OK;
}
