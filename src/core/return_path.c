/* return_path.c - the token is 20 octets, so its 32 base32 letters have no spare bits and one spelling.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/return_path.h"

#include "base/encode.h"
#include "crypto/digest.h"

#include <string.h>

#define ID_BYTES     8
#define MAC_BYTES    12
#define PREFIX_BYTES 2

static const char prefixes[RETURN_PATH_USE_COUNT][PREFIX_BYTES + 1] = {"b+", "u+"};

/* The id and the MAC of prefix and id. */
static void make_token(const struct seal_key *key, enum return_path_use use, uint64_t id, char ret_token[ID_BYTES + MAC_BYTES]) {
    char input[PREFIX_BYTES + ID_BYTES];
    memcpy(input, prefixes[use], PREFIX_BYTES);
    for (size_t i = 0; i < ID_BYTES; i++) ret_token[i] = (char)(id >> (8 * (ID_BYTES - 1 - i)) & 0xFF);
    memcpy(input + PREFIX_BYTES, ret_token, ID_BYTES);
    struct sha256 mac = hmac_sha256(str_make((const char *)key->b, SEAL_KEY_LEN), str_make(input, sizeof input));
    memcpy(ret_token + ID_BYTES, mac.b, MAC_BYTES);
}

void return_path_make(const struct seal_key *key, enum return_path_use use, int64_t recipient_id, struct buf *out) {
    char token[ID_BYTES + MAC_BYTES];
    make_token(key, use, (uint64_t)recipient_id, token);
    buf_add_z(out, prefixes[use]);
    base32_encode(out, str_make(token, sizeof token));
}

static bool parse_use(struct str local, enum return_path_use *ret) {
    for (int i = 0; i < RETURN_PATH_USE_COUNT; i++) {
        if (!str_starts_nocase(local, str_from_z(prefixes[i]))) continue;
        *ret = (enum return_path_use)i;
        return true;
    }
    return false;
}

bool return_path_parse(const struct seal_key *key, struct str local, struct return_path *ret) {
    char letters[RETURN_PATH_LOCAL_LEN], right[ID_BYTES + MAC_BYTES];
    BUF_AUTO token = {0};
    enum return_path_use use;
    uint64_t id = 0;
    if (local.n != RETURN_PATH_LOCAL_LEN || !parse_use(local, &use)) return false;
    for (size_t i = 0; i < local.n; i++) letters[i] = ascii_lower(local.p[i]);
    struct str text = str_sub(str_make(letters, local.n), PREFIX_BYTES, SIZE_MAX);
    if (!base32_decode(&token, text) || token.n != sizeof right) return false;
    for (size_t i = 0; i < ID_BYTES; i++) id = id << 8 | (uint8_t)token.p[i];
    make_token(key, use, id, right);
    if (!str_eq_secret(buf_str(&token), str_make(right, sizeof right))) return false;
    *ret = (struct return_path){.use = use, .recipient_id = (int64_t)id};
    return true;
}
