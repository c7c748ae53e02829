/* hook_sign.h - how a webhook call proves where it comes from: Standard Webhooks 1.0 (standardwebhooks.com).
 *
 * webhook-id names the call and stays the same when it is tried again; webhook-timestamp is the time of the attempt in seconds;
 * webhook-signature is "v1," and the base64 HMAC-SHA-256 of "id.timestamp.body", one for each key that is valid, a blank between
 * them: receivers take any. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HOOK_SIGN_H
#define POSTHORN_CORE_HOOK_SIGN_H

#include "base/buf.h"
#include "base/status.h"

#define HOOK_SIGN_KEYS_MAX 2 /* the one in use, and the one before it while that lasts */

struct hook_letter {
    struct str id;
    int64_t at_s;
    struct str body;
};
/* Append the value of webhook-signature. keys: "whsec_" and base64, or that base64 alone. INVALID: one is no such key; then
 * nothing is appended. */
WARN_UNUSED enum status hook_sign(const struct hook_letter *letter, const struct str *keys, size_t key_count, struct buf *out);

#endif
