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

/* Below 1024 only the web's. Above, none where something else takes lines of text for commands: a POST is lines of text. */
static bool is_web_port(uint16_t port) {
    static const uint16_t others[] = {1080, 1433, 1521, 2049, 2375, 2525, 2376, 2379, 3306, 4190, 5060,  5061,  5432,
                                      5672, 5900, 6000, 6379, 6380, 6566, 6667, 6697, 9092, 9418, 11211, 27017, 50000};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (port == others[i]) return false;
    return port == 80 || port == 443 || port >= 1024;
}

static bool is_own_host(const struct webhook_rules *rules, struct str host) {
    for (size_t i = 0; i < WEBHOOK_OWN_MAX; i++)
        if (rules->own_hosts[i].n && str_eq_nocase(host, rules->own_hosts[i])) return true;
    return false;
}

static bool is_same_place(const struct web_url *a, const struct web_url *b) {
    if (a->port != b->port || a->ip.family != b->ip.family) return false;
    return a->ip.family ? memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0 : str_eq(a->host, b->host);
}

static bool is_own_url(const struct webhook_rules *rules, const struct web_url *url, struct arena *arena) {
    struct web_url own;
    for (size_t i = 0; i < WEBHOOK_OWN_MAX; i++)
        if (rules->own_urls[i].n && web_url_parse(rules->own_urls[i], arena, &own) && is_same_place(&own, url)) return true;
    return false;
}

static bool is_public(const struct webhook_rules *rules, const struct web_url *url) {
    if (!is_web_port(url->port)) return false;
    if (url->ip.family) return ip_reach(&url->ip) == IP_PUBLIC;
    return !is_own_host(rules, url->host) && !is_local_name(url->host);
}

enum webhook_url_verdict webhook_url_judge(struct str text, const struct webhook_rules *rules, struct arena *arena) {
    struct web_url url;
    if (text.n > WEBHOOK_URL_MAX || !web_url_parse(text, arena, &url)) return WEBHOOK_URL_MALFORMED;
    if (is_own_url(rules, &url, arena)) return WEBHOOK_URL_FORBIDDEN;
    return rules->allow_private || is_public(rules, &url) ? WEBHOOK_URL_FINE : WEBHOOK_URL_FORBIDDEN;
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
    int64_t old_until = r->is_at_once ? 0 : r->now + WEBHOOK_KEY_OVERLAP_MS;
    enum status status = hook_key_rotate(tx, r->domain_id, buf_str(&sealed), old_until);
    if (status == STATUS_OK) buf_add_str(out, buf_str(&key));
    return status;
}

enum status webhook_reveal_signing_key(const struct seal_key *seal_with, int64_t domain_id, struct str sealed, struct buf *out) {
    BUF_AUTO context = {0};
    seal_context(domain_id, &context);
    return seal_open(seal_with, buf_str(&context), sealed, out);
}
