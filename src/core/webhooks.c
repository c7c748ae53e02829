/* webhooks.c - see webhooks.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/webhooks.h"

#include "base/encode.h"

#include <string.h>

enum status webhook_create(struct db *tx, struct webhook *webhook) {
    int64_t count;
    enum status status = domain_is_of(tx, webhook->account_id, webhook->domain_id);
    if (status == STATUS_OK) status = webhook_count(tx, webhook->domain_id, &count);
    if (status != STATUS_OK) return status;
    return count < WEBHOOKS_MAX ? webhook_add(tx, webhook, &webhook->id) : STATUS_LIMIT;
}

static void seal_context(int64_t domain_id, struct buf *out) {
    buf_add_z(out, "webhook:");
    buf_add_i64(out, domain_id);
}

enum status webhook_make_signing_key(struct db *tx, int64_t domain_id, const struct seal_key *seal_with, const struct rand *rand,
                                     struct buf *out) {
    uint8_t secret[WEBHOOK_KEY_BYTES];
    SECRET_AUTO key = {0};
    BUF_AUTO context = {0};
    BUF_AUTO sealed = {0};
    rand_fill(rand, secret, sizeof secret);
    buf_add_z(&key, "whsec_");
    base64_encode(&key, str_make((const char *)secret, sizeof secret));
    explicit_bzero(secret, sizeof secret);
    seal_context(domain_id, &context);
    seal(seal_with, buf_str(&context), buf_str(&key), rand, &sealed);
    enum status status = domain_set_signing_key(tx, domain_id, buf_str(&sealed));
    if (status == STATUS_OK) buf_add_str(out, buf_str(&key));
    return status;
}

enum status webhook_reveal_signing_key(const struct seal_key *seal_with, int64_t domain_id, struct str sealed, struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(domain_id, &context);
    return seal_open(seal_with, buf_str(&context), sealed, out);
}
