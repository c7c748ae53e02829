/* tokens.c - prefix and 20 random bytes in base32.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/tokens.h"

#include "base/encode.h"

#include <string.h>

void token_make(struct str prefix, const struct rand *rand, struct buf *out) {
    uint8_t secret[20];
    rand_fill(rand, secret, sizeof secret);
    buf_add_str(out, prefix);
    base32_encode(out, str_make((const char *)secret, sizeof secret));
    explicit_bzero(secret, sizeof secret);
}

struct sha256 token_hash(struct str token) {
    return sha256(token);
}
