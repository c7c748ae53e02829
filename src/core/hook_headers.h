/* hook_headers.h - header fields that an owner wants in the calls of his webhook: judged once, kept sealed, for they are secrets
 * as a rule (P10).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HOOK_HEADERS_H
#define POSTHORN_CORE_HOOK_HEADERS_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/seal.h"

#define HOOK_HEADERS_MAX      20
#define HOOK_HEADER_NAME_MAX  100  /* bytes */
#define HOOK_HEADER_VALUE_MAX 2048 /* bytes */

struct hook_header {
    struct str name, value;
};
struct hook_headers {
    struct hook_header items[HOOK_HEADERS_MAX];
    size_t count;
};
/* {"Name":"value"}, at most HOOK_HEADERS_MAX; "" is none. Names are tokens (RFC 9110 5.1) that are not ours to set; values are
 * printable ASCII. False: *why is a sentence. Strings live in the text and the arena. Pure. */
bool hook_headers_parse(struct str json, struct arena *arena, struct hook_headers *ret, struct buf *why);
/* What is stored of them, and back (appended to out). CORRUPT: sealed under another master key, or for another webhook. */
void hook_headers_seal(const struct seal_key *key, int64_t webhook_id, struct str json, const struct rand *rand, struct buf *out);
WARN_UNUSED enum status hook_headers_open(const struct seal_key *key, int64_t webhook_id, struct str sealed, struct buf *out);

#endif
