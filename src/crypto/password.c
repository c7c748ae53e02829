/* password.c - argon2id by libargon2. Verifying against nobody costs what verifying against somebody costs, so that the time
 * of an answer does not tell which users exist.
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"

#include <argon2.h>
#include <stdlib.h>

enum { PASSES = 2, MEMORY_KIB = 19 * 1024, LANES = 1, SALT_LEN = 16, HASH_LEN = 32 };

enum status password_hash(struct str password, const struct rand *rand, struct buf *out) {
    if (password.n == 0 || password.n > PASSWORD_MAX_BYTES) return STATUS_INVALID;
    char salt[SALT_LEN];
    rand_fill(rand, salt, sizeof salt);
    size_t room = argon2_encodedlen(PASSES, MEMORY_KIB, LANES, SALT_LEN, HASH_LEN, Argon2_id); /* with the NUL */
    char *to = buf_reserve(out, room);
    int ended = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.p, password.n, salt, sizeof salt, HASH_LEN, to, room);
    if (ended != ARGON2_OK) abort(); /* the parameters are fixed: only memory can be short */
    buf_grew(out, str_from_z(to).n);
    return STATUS_OK;
}

/* The work of a verification whose answer nobody wants. */
static enum status verify_nobody(struct str password) {
    static const char salt[SALT_LEN];
    char hash[HASH_LEN];
    if (argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password.p, password.n, salt, sizeof salt, hash, sizeof hash) != ARGON2_OK)
        abort();
    return STATUS_DENIED;
}

enum status password_verify(struct str password, struct str encoded) {
    if (password.n == 0 || password.n > PASSWORD_MAX_BYTES) return STATUS_DENIED;
    if (encoded.n == 0) return verify_nobody(password);
    BUF_AUTO z = {0};
    buf_add_str(&z, encoded);
    int ended = argon2id_verify(z.p, password.p, password.n);
    if (ended == ARGON2_MEMORY_ALLOCATION_ERROR) abort();
    return ended == ARGON2_OK ? STATUS_OK : STATUS_DENIED;
}
