/* sign.c - a signer's cache of opened keys, and the order of the work: headers chosen and body hashed once, then one signature a
 * key.
 *
 * Cached keys stand in a map by row id and in a list by time of use. Rows of one id never change, so nothing is ever stale; a
 * deleted key just falls out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/sign.h"

#include "base/list.h"
#include "base/map.h"
#include "proto/dkim/canon.h"
#include "proto/dkim/signature.h"

#include <stdlib.h>
#include <string.h>

struct cached_key {
    struct list by_use; /* in signer.keys_by_use, latest first */
    int64_t id;
    struct signkey *key;
};
struct signer {
    struct seal_key seal_key;
    struct canon_body *body;
    struct map *keys;
    struct list keys_by_use;
};

void sign_context(struct str domain, struct str selector, struct buf *out) {
    buf_addf(out, "dkim:%.*s:%.*s", STR_ARG(domain), STR_ARG(selector));
}

struct signer *signer_new(const struct seal_key *key) {
    struct signer *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->seal_key = *key;
    s->body = canon_body_new();
    s->keys = map_new();
    list_init(&s->keys_by_use);
    return s;
}

static struct str map_key_of(const int64_t *id) {
    return str_make((const char *)id, sizeof *id);
}

static void cached_key_free(struct signer *s, struct cached_key *c) {
    list_remove(&c->by_use);
    map_remove(s->keys, map_key_of(&c->id));
    signkey_free(&c->key);
    free(c);
}

void signer_free(struct signer **s) {
    if (!*s) return;
    LIST_FOR_EACH_SAFE (it, &(*s)->keys_by_use) cached_key_free(*s, LIST_OWNER(it, struct cached_key, by_use));
    map_free(&(*s)->keys);
    canon_body_free(&(*s)->body);
    explicit_bzero(&(*s)->seal_key, sizeof(*s)->seal_key);
    free(*s);
    *s = NULL;
}

static enum status open_key(struct signer *s, struct str domain, const struct sign_key *key, struct signkey **ret) {
    SECRET_AUTO private_der = {0};
    BUF_AUTO context = {0};
    sign_context(domain, key->selector, &context);
    enum status st = seal_open(&s->seal_key, buf_str(&context), key->private_sealed, &private_der);
    if (st != STATUS_OK) return st;
    return signkey_open(key->type, buf_str(&private_der), ret) == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

static enum status get_key(struct signer *s, struct str domain, const struct sign_key *key, struct signkey **ret) {
    struct cached_key *c = map_find(s->keys, map_key_of(&key->id));
    if (!c) {
        struct signkey *opened;
        enum status st = open_key(s, domain, key, &opened);
        if (st != STATUS_OK) return st;
        if (map_count(s->keys) == SIGNER_KEYS_MAX) cached_key_free(s, LIST_OWNER(s->keys_by_use.prev, struct cached_key, by_use));
        c = calloc(1, sizeof *c);
        if (!c) abort();
        list_init(&c->by_use);
        c->id = key->id;
        c->key = opened;
        map_put(s->keys, map_key_of(&c->id), c);
    }
    list_remove(&c->by_use);
    list_add_head(&s->keys_by_use, &c->by_use);
    *ret = c->key;
    return STATUS_OK;
}

static enum status add_signature(struct signer *s, const struct sign_request *r, const struct sign_key *key,
                                 const struct signed_headers *headers, const struct sha256 *body_hash, struct buf *out) {
    struct signkey *opened;
    BUF_AUTO signature = {0};
    enum status st = get_key(s, r->domain, key, &opened);
    if (st != STATUS_OK) return st;
    struct signature_params p = {key->type, r->domain, key->selector, r->wall_ms, *body_hash};
    struct sha256 hash = signature_prepare(headers, &p, out);
    st = signkey_sign(opened, &hash, &signature);
    if (st == STATUS_OK) signature_finish(buf_str(&signature), out);
    return st;
}

enum status sign_message(struct signer *s, const struct sign_request *request, struct buf *out) {
    struct signed_headers headers;
    struct str body;
    size_t start = out->n;
    enum status st = signed_headers_init(&headers, request->message, &body);
    if (st != STATUS_OK) return st;
    canon_body_add(s->body, body);
    struct sha256 body_hash = canon_body_finish(s->body);
    for (size_t i = 0; i < request->key_count && st == STATUS_OK; i++)
        st = add_signature(s, request, &request->keys[i], &headers, &body_hash, out);
    if (st != STATUS_OK) buf_cut(out, start);
    signed_headers_fini(&headers);
    return st;
}
