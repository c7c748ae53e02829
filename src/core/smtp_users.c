/* smtp_users.c - see smtp_users.h. Passwords are random (core/tokens.h), so a plain SHA-256 keeps them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/smtp_users.h"

#include "base/encode.h"
#include "core/tokens.h"

#define NAME_MAX_BYTES 320
#define NAME_TRIES     4 /* 40 random bits: the second is never needed */

static struct str make_name(struct arena *arena, struct str domain, const struct rand *rand) {
    uint8_t random[5];
    BUF_AUTO text = {0};
    rand_fill(rand, random, sizeof random);
    base32_encode(&text, str_make((const char *)random, sizeof random));
    buf_add_char(&text, '@');
    buf_add_str(&text, domain);
    return arena_str(arena, buf_str(&text));
}

enum status smtp_user_create(struct db *tx, struct arena *arena, struct smtp_user *user, struct str password,
                             const struct rand *rand) {
    struct domain domain;
    struct sha256 hash = token_hash(password);
    int64_t count;
    enum status status = domain_get(tx, arena, user->account_id, user->domain_id, &domain);
    if (status == STATUS_OK) status = smtp_user_count(tx, user->domain_id, &count);
    if (status != STATUS_OK) return status;
    if (count >= SMTP_USERS_MAX) return STATUS_LIMIT;
    struct smtp_user row = *user;
    row.password_hash = sha256_str(&hash);
    status = STATUS_EXISTS;
    for (int i = 0; i < NAME_TRIES && status == STATUS_EXISTS; i++) {
        row.username = make_name(arena, domain.name, rand);
        status = smtp_user_add(tx, &row, &user->id);
    }
    if (status == STATUS_OK) user->username = row.username;
    return status;
}

enum status smtp_user_reset(struct db *tx, struct arena *arena, int64_t account_id, int64_t id, struct str password,
                            struct smtp_user *ret) {
    struct sha256 hash = token_hash(password);
    enum status status = smtp_user_set_password(tx, account_id, id, sha256_str(&hash));
    return status == STATUS_OK ? smtp_user_get(tx, arena, account_id, id, ret) : status;
}

enum status smtp_authenticate(struct db *tx, struct arena *arena, struct str username, struct str password,
                              struct smtp_login *ret) {
    struct smtp_login login;
    if (username.n == 0 || username.n > NAME_MAX_BYTES || password.n == 0 || password.n > TOKEN_MAX) return STATUS_DENIED;
    struct sha256 hash = token_hash(password);
    enum status status = smtp_user_login(tx, arena, arena_lower(arena, username), &login);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    if (!str_eq_secret(login.user.password_hash, sha256_str(&hash)) || !login.user.is_active) return STATUS_DENIED;
    *ret = login;
    return STATUS_OK;
}

enum status smtp_renew(struct db *tx, struct arena *arena, const struct smtp_login *login, struct smtp_login *ret) {
    struct smtp_login now;
    enum status status = smtp_user_login(tx, arena, login->user.username, &now);
    if (status == STATUS_NOT_FOUND) return STATUS_DENIED;
    if (status != STATUS_OK) return status;
    bool is_same = now.user.id == login->user.id && str_eq(now.user.password_hash, login->user.password_hash);
    if (!is_same || !now.user.is_active) return STATUS_DENIED;
    *ret = now;
    return STATUS_OK;
}

struct str smtp_login_refuse(const struct smtp_login *login, struct arena *arena) {
    if (!login->account_is_active) return STR("The account is deactivated");
    if (!login->account_is_verified) return STR("The account is not verified");
    if (login->domain_state == DOMAIN_ENABLED) return (struct str){0};
    return arena_strf(arena, "Sender domain %.*s is not enabled", STR_ARG(login->domain_name));
}
