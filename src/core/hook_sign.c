/* hook_sign.c - see hook_sign.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hook_sign.h"

#include "base/encode.h"
#include "crypto/digest.h"

#define PREFIX STR("whsec_")

static bool key_decode(struct str text, struct buf *out) {
    if (str_starts(text, PREFIX)) text = str_sub(text, PREFIX.n, SIZE_MAX);
    return text.n > 0 && base64_decode(out, text);
}

enum status hook_sign(const struct hook_letter *letter, const struct str *keys, size_t key_count, struct buf *out) {
    BUF_AUTO content = {0};
    BUF_AUTO value = {0};
    buf_add_str(&content, letter->id);
    buf_add_char(&content, '.');
    buf_add_i64(&content, letter->at_s);
    buf_add_char(&content, '.');
    buf_add_str(&content, letter->body);
    for (size_t i = 0; i < key_count; i++) {
        SECRET_AUTO key = {0};
        if (!key_decode(keys[i], &key)) return STATUS_INVALID;
        struct sha256 mac = hmac_sha256(buf_str(&key), buf_str(&content));
        buf_add_z(&value, i ? " v1," : "v1,");
        base64_encode(&value, sha256_str(&mac));
    }
    buf_add_str(out, buf_str(&value));
    return STATUS_OK;
}
