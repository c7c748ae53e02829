/* keys.c - see keys.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/keys.h"

#include "base/encode.h"
#include "core/tokens.h"

static const struct {
    struct str name;
    int bit;
} scope_names[] = {
    {STR_INIT("send"), SENDER_SCOPE_SEND},
    {STR_INIT("events"), SENDER_SCOPE_EVENTS},
    {STR_INIT("webhooks"), SENDER_SCOPE_WEBHOOKS},
};
#define SCOPE_COUNT (sizeof scope_names / sizeof scope_names[0])

bool sender_scopes_parse(struct str text, int *ret_scopes) {
    int scopes = 0;
    struct str part;
    while (str_next(&text, ',', &part)) {
        size_t i = 0;
        while (i < SCOPE_COUNT && !str_eq_nocase(str_trim(part), scope_names[i].name)) i++;
        if (i == SCOPE_COUNT) return false;
        scopes |= scope_names[i].bit;
    }
    *ret_scopes = scopes;
    return scopes != 0;
}

void sender_scopes_format(int scopes, struct buf *out) {
    const char *comma = "";
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (!(scopes & scope_names[i].bit)) continue;
        buf_add_z(out, comma);
        buf_add_str(out, scope_names[i].name);
        comma = ",";
    }
}

static void seal_context(struct str key_hash, struct buf *out) {
    buf_add_z(out, "sender-key:");
    hex_encode(out, key_hash);
}

enum status sender_key_create(struct db *tx, struct sender_key *key, struct str token, const struct seal_key *seal_with,
                              const struct rand *rand) {
    struct sha256 hash = token_hash(token);
    BUF_AUTO context = {0};
    BUF_AUTO sealed = {0};
    struct sender_key row = *key;
    int64_t count;
    enum status status = sender_key_count(tx, key->domain_id, &count);
    if (status == STATUS_OK) status = domain_is_of(tx, key->account_id, key->domain_id);
    if (status != STATUS_OK) return status;
    if (count >= SENDER_KEYS_MAX) return STATUS_LIMIT;
    seal_context(sha256_str(&hash), &context);
    seal(seal_with, buf_str(&context), token, rand, &sealed);
    row.key_hash = sha256_str(&hash);
    row.key_sealed = buf_str(&sealed);
    return sender_key_add(tx, &row, &key->id);
}

enum status sender_key_replace(struct db *tx, struct sender_key *key, int64_t old_id, struct str token,
                               const struct seal_key *seal_with, const struct rand *rand) {
    enum status status = old_id ? sender_key_delete(tx, key->account_id, key->domain_id, old_id)
                                : sender_key_delete_all(tx, key->account_id, key->domain_id);
    return status == STATUS_OK ? sender_key_create(tx, key, token, seal_with, rand) : status;
}

enum status sender_key_reveal(const struct seal_key *seal_with, const struct sender_key *key, struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(key->key_hash, &context);
    return seal_open(seal_with, buf_str(&context), key->key_sealed, out);
}

enum status sender_authenticate(struct db *tx, struct arena *arena, struct str token, unsigned scope, struct sender_login *ret) {
    if (token.n == 0 || token.n > TOKEN_MAX) return STATUS_DENIED;
    struct sha256 hash = token_hash(token);
    struct sender_login login;
    enum status status = sender_key_login(tx, arena, sha256_str(&hash), &login);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    if (((unsigned)login.key.scopes & scope) != scope) return STATUS_DENIED;
    *ret = login;
    return STATUS_OK;
}
