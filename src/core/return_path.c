/* return_path.c - the token is 20 octets, so its 32 base32 letters have no spare bits and one spelling.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/return_path.h"

#include "base/encode.h"
#include "crypto/digest.h"

#include <string.h>

#define ID_BYTES  8
#define MAC_BYTES 12

static const struct str prefix = STR_INIT("b+");

/* The id and its MAC. */
static void make_token(const struct seal_key *key, uint64_t id, char ret_token[ID_BYTES + MAC_BYTES]) {
    for (size_t i = 0; i < ID_BYTES; i++) ret_token[i] = (char)(id >> (8 * (ID_BYTES - 1 - i)) & 0xFF);
    struct sha256 mac = hmac_sha256(str_make((const char *)key->b, SEAL_KEY_LEN), str_make(ret_token, ID_BYTES));
    memcpy(ret_token + ID_BYTES, mac.b, MAC_BYTES);
}

void return_path_make(const struct seal_key *key, int64_t recipient_id, struct buf *out) {
    char token[ID_BYTES + MAC_BYTES];
    make_token(key, (uint64_t)recipient_id, token);
    buf_add_str(out, prefix);
    base32_encode(out, str_make(token, sizeof token));
}

bool return_path_parse(const struct seal_key *key, struct str local, int64_t *ret_recipient_id) {
    char letters[RETURN_PATH_LOCAL_LEN], right[ID_BYTES + MAC_BYTES];
    BUF_AUTO token = {0};
    uint64_t id = 0;
    if (local.n != RETURN_PATH_LOCAL_LEN || !str_starts_nocase(local, prefix)) return false;
    for (size_t i = 0; i < local.n; i++) letters[i] = ascii_lower(local.p[i]);
    if (!base32_decode(&token, str_sub(str_make(letters, local.n), prefix.n, SIZE_MAX)) || token.n != sizeof right) return false;
    for (size_t i = 0; i < ID_BYTES; i++) id = id << 8 | (uint8_t)token.p[i];
    make_token(key, id, right);
    if (!str_eq_secret(buf_str(&token), str_make(right, sizeof right))) return false;
    *ret_recipient_id = (int64_t)id;
    return true;
}
