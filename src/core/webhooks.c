/* webhooks.c - see webhooks.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/webhooks.h"

#include "base/encode.h"
#include "proto/address/address.h"
#include "proto/address/reach.h"
#include "proto/url/web_url.h"
#include "store/hooks.h"

#include <string.h>

/* Names that lead nowhere but to this machine or a network of one's own. */
static bool is_local_name(struct str name) {
    static const struct str ends[] = {STR_INIT("localhost"), STR_INIT("local"), STR_INIT("localdomain"), STR_INIT("internal"),
                                      STR_INIT("home.arpa")};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (domain_is_within(name, ends[i])) return true;
    return str_find(name, '.') == STR_NONE;
}

static bool is_open_port(uint16_t port) {
    return port == 80 || port == 443 || port >= 1024;
}

enum webhook_url_verdict webhook_url_judge(struct str text, struct str own, bool allow_private, struct arena *arena) {
    struct web_url url;
    if (text.n > WEBHOOK_URL_MAX || !web_url_parse(text, arena, &url)) return WEBHOOK_URL_MALFORMED;
    if (allow_private) return WEBHOOK_URL_FINE;
    if (!is_open_port(url.port)) return WEBHOOK_URL_FORBIDDEN;
    if (url.ip.family) return ip_reach(&url.ip) == IP_PUBLIC ? WEBHOOK_URL_FINE : WEBHOOK_URL_FORBIDDEN;
    return str_eq_nocase(url.host, own) || is_local_name(url.host) ? WEBHOOK_URL_FORBIDDEN : WEBHOOK_URL_FINE;
}

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

/* "whsec_" and base64 into key, its sealed form into sealed. */
static void make_key(int64_t domain_id, const struct seal_key *seal_with, const struct rand *rand, struct buf *key,
                     struct buf *sealed) {
    uint8_t secret[WEBHOOK_KEY_BYTES];
    BUF_AUTO context = {0};
    rand_fill(rand, secret, sizeof secret);
    buf_add_z(key, "whsec_");
    base64_encode(key, str_make((const char *)secret, sizeof secret));
    explicit_bzero(secret, sizeof secret);
    seal_context(domain_id, &context);
    seal(seal_with, buf_str(&context), buf_str(key), rand, sealed);
}

enum status webhook_make_signing_key(struct db *tx, int64_t domain_id, const struct seal_key *seal_with, const struct rand *rand,
                                     struct buf *out) {
    SECRET_AUTO key = {0};
    BUF_AUTO sealed = {0};
    make_key(domain_id, seal_with, rand, &key, &sealed);
    enum status status = domain_set_signing_key(tx, domain_id, buf_str(&sealed));
    if (status == STATUS_OK) buf_add_str(out, buf_str(&key));
    return status;
}

enum status webhook_rotate_signing_key(struct db *tx, const struct webhook_rotation *r, struct buf *out) {
    SECRET_AUTO key = {0};
    BUF_AUTO sealed = {0};
    make_key(r->domain_id, r->seal, r->rand, &key, &sealed);
    enum status status = hook_key_rotate(tx, r->domain_id, buf_str(&sealed), r->now + WEBHOOK_KEY_OVERLAP_MS);
    if (status == STATUS_OK) buf_add_str(out, buf_str(&key));
    return status;
}

enum status webhook_reveal_signing_key(const struct seal_key *seal_with, int64_t domain_id, struct str sealed, struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(domain_id, &context);
    return seal_open(seal_with, buf_str(&context), sealed, out);
}
