/* totp.c - see totp.h. RFC 4226 5.3 makes a code of an HMAC, RFC 6238 4.2 counts the steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/totp.h"

#include "base/encode.h"
#include "crypto/digest.h"

#include <string.h>

#define DIGITS 6

void totp_make(const struct rand *rand, struct buf *out) {
    char *secret = buf_reserve(out, TOTP_SECRET_LEN);
    rand_fill(rand, secret, TOTP_SECRET_LEN);
    buf_grew(out, TOTP_SECRET_LEN);
}

void totp_format(struct str secret, struct buf *out) {
    size_t start = out->n;
    base32_encode(out, secret);
    for (size_t i = start; i < out->n; i++)
        if (ascii_is_alpha(out->p[i])) out->p[i] = (char)(out->p[i] & ~0x20);
}

/* What is not unreserved (RFC 3986 2.3) as %XX. */
static void add_escaped(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (ascii_is_alnum(text.p[i]) || strchr("-._~", text.p[i]))
            buf_add_char(out, text.p[i]);
        else
            buf_addf(out, "%%%02X", (unsigned char)text.p[i]);
    }
}

void totp_format_uri(struct str secret, struct str email, struct str issuer, struct buf *out) {
    buf_add_z(out, "otpauth://totp/");
    add_escaped(out, issuer);
    buf_add_z(out, ":");
    add_escaped(out, email);
    buf_add_z(out, "?secret=");
    totp_format(secret, out);
    buf_add_z(out, "&issuer=");
    add_escaped(out, issuer);
}

static uint32_t code_of(struct str secret, int64_t step) {
    char counter[8];
    for (int i = 0; i < 8; i++) counter[i] = (char)((uint64_t)step >> (56 - 8 * i));
    struct sha1 h = hmac_sha1(secret, str_make(counter, sizeof counter));
    size_t at = h.b[19] & 0x0f;
    uint32_t bits = (uint32_t)(h.b[at] & 0x7f) << 24 | (uint32_t)h.b[at + 1] << 16 | (uint32_t)h.b[at + 2] << 8 | h.b[at + 3];
    return bits % 1000000;
}

static bool parse_code(struct str text, uint32_t *ret) {
    uint32_t code = 0;
    int digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ') continue;
        if (!ascii_is_digit(text.p[i]) || ++digits > DIGITS) return false;
        code = code * 10 + (uint32_t)(text.p[i] - '0');
    }
    *ret = code;
    return digits == DIGITS;
}

bool totp_check(struct str secret, struct str text, int64_t now, int64_t last_step, int64_t *ret_step) {
    uint32_t code;
    int64_t middle = now / TOTP_STEP_MS;
    if (!parse_code(text, &code)) return false;
    for (int64_t step = middle - 1; step <= middle + 1; step++) {
        if (step <= last_step || code_of(secret, step) != code) continue;
        *ret_step = step;
        return true;
    }
    return false;
}

static void add_context(int64_t account_id, struct buf *out) {
    buf_addf(out, "totp:%lld", (long long)account_id);
}

void totp_seal(const struct seal_key *key, int64_t account_id, struct str secret, const struct rand *rand, struct buf *out) {
    BUF_AUTO context = {0};
    add_context(account_id, &context);
    seal(key, buf_str(&context), secret, rand, out);
}

enum status totp_open(const struct seal_key *key, int64_t account_id, struct str sealed, struct buf *out) {
    BUF_AUTO context = {0};
    add_context(account_id, &context);
    return seal_open(key, buf_str(&context), sealed, out);
}
