/* track_token.c - see track_token.h. Nothing is read of a token before its MAC was judged, but for the number of the key.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/track_token.h"

#include "base/encode.h"
#include "proto/html/href.h"
#include "proto/url/url.h"

#include <string.h>

_Static_assert(TRACK_TARGET_MAX == HREF_MAX, "a link that may be replaced fits into a token");

#define MAC_BYTES  12
#define HEAD_BYTES 2
#define EXPIRES    4 /* bit of byte 0 */
#define DAY_MS     INT64_C(86400000)
#define DAYS_MAX   (INT64_MAX / DAY_MS)

struct track_keys track_keys_derive(const struct seal_key *master, uint8_t current, uint8_t oldest) {
    struct track_keys keys = {.count = 0};
    for (unsigned version = current; version >= 1 && version >= oldest && keys.count < TRACK_KEYS_MAX; version--) {
        BUF_AUTO purpose = {0};
        buf_addf(&purpose, "track-%u", version);
        keys.items[keys.count++] = (struct track_key){(uint8_t)version, seal_derive(master, buf_str(&purpose))};
    }
    return keys;
}

/* ---- targets ---- */
bool track_target(struct str link, struct arena *arena, struct str *ret) {
    static const struct href no_base = {.scheme = {0}};
    struct href href;
    if (href_resolve(link, &no_base, true, arena, &href) != HREF_OURS) return false;
    *ret = href_str(&href, arena);
    return true;
}

/* ---- bytes ---- */
static void add_number(struct buf *out, int64_t number) {
    uint64_t n = (uint64_t)number;
    for (; n >= 0x80; n >>= 7) buf_add_char(out, (char)(0x80 | (n & 0x7F)));
    buf_add_char(out, (char)n);
}

static bool take_number(struct str *in, int64_t *ret) {
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 63 && in->n > 0; shift += 7) {
        uint8_t byte = (uint8_t)in->p[0];
        *in = str_sub(*in, 1, SIZE_MAX);
        n |= (uint64_t)(byte & 0x7F) << shift;
        if (byte >= 0x80) continue;
        *ret = (int64_t)n;
        return true;
    }
    return false;
}

/* What a key says of some bytes for one of its two uses. */
static struct sha256 digest_of(const struct track_key *key, char use, struct str bytes) {
    BUF_AUTO input = {0};
    buf_add_char(&input, use);
    buf_add_str(&input, bytes);
    return hmac_sha256(str_make((const char *)key->key.b, SEAL_KEY_LEN), buf_str(&input));
}

static struct sha256 mac_of(const struct track_key *key, struct str bytes) {
    return digest_of(key, 'm', bytes);
}

/* On with the veil, or off: what stands in front, with the ids, is never the same for two addresses. */
static struct sha256 veil(const struct track_key *key, struct str front, struct sha256 hash) {
    struct sha256 mask = digest_of(key, 'v', front);
    for (size_t i = 0; i < SHA256_LEN; i++) hash.b[i] ^= mask.b[i];
    return hash;
}

/* ---- tokens ---- */
static void add_fields(const struct track_key *key, const struct track_token *t, struct buf *out) {
    buf_add_char(out, (char)((unsigned)t->kind | (t->expires_at ? EXPIRES : 0)));
    buf_add_char(out, (char)key->version);
    add_number(out, t->domain_id);
    add_number(out, t->message_id);
    add_number(out, t->recipient_id);
    if (t->expires_at) add_number(out, (t->expires_at - 1) / DAY_MS + 1);
    if (t->kind == TRACK_CLICK) {
        add_number(out, t->link);
        buf_add_str(out, t->target);
    }
    if (t->kind == TRACK_UNSUBSCRIBE) {
        add_number(out, t->list_id);
        struct sha256 veiled = veil(key, buf_str(out), t->address_hash);
        buf_add_str(out, sha256_str(&veiled));
    }
}

enum status track_token_make(const struct track_keys *keys, const struct track_token *token, struct buf *out) {
    ARENA_AUTO arena = {0};
    BUF_AUTO bytes = {0};
    const struct track_key *key = &keys->items[0];
    struct str target;
    if (token->kind == TRACK_CLICK && (!track_target(token->target, &arena, &target) || !str_eq(target, token->target)))
        return STATUS_INVALID;
    add_fields(key, token, &bytes);
    struct sha256 mac = mac_of(key, buf_str(&bytes));
    buf_add(&bytes, mac.b, MAC_BYTES);
    base32_encode(out, buf_str(&bytes));
    return STATUS_OK;
}

static const struct track_key *find_key(const struct track_keys *keys, uint8_t version) {
    for (size_t i = 0; i < keys->count; i++)
        if (keys->items[i].version == version) return &keys->items[i];
    return NULL;
}

/* The bytes that a key of ours signed, without the MAC; the key. NULL: they are not. */
static const struct track_key *open_bytes(const struct track_keys *keys, struct str text, struct buf *bytes) {
    BUF_AUTO letters = {0};
    if (text.n > TRACK_TOKEN_MAX) return NULL;
    for (size_t i = 0; i < text.n; i++) buf_add_char(&letters, ascii_lower(text.p[i]));
    if (!base32_decode(bytes, buf_str(&letters)) || bytes->n < HEAD_BYTES + MAC_BYTES) return NULL;
    const struct track_key *key = find_key(keys, (uint8_t)bytes->p[1]);
    if (!key) return NULL;
    struct str body = str_sub(buf_str(bytes), 0, bytes->n - MAC_BYTES);
    struct sha256 mac = mac_of(key, body);
    if (!str_eq_secret(str_sub(buf_str(bytes), body.n, MAC_BYTES), str_make((const char *)mac.b, MAC_BYTES))) return NULL;
    buf_cut(bytes, body.n);
    return key;
}

static bool take_click(struct str rest, struct arena *arena, struct track_token *t) {
    struct str target;
    if (!take_number(&rest, &t->link) || !track_target(rest, arena, &target) || !str_eq(target, rest)) return false; /* TR04 */
    t->target = arena_str(arena, rest);
    return true;
}

static bool take_unsubscribe(const struct track_key *key, struct str whole, struct str rest, struct track_token *t) {
    if (!take_number(&rest, &t->list_id) || rest.n != SHA256_LEN) return false;
    memcpy(t->address_hash.b, rest.p, SHA256_LEN);
    t->address_hash = veil(key, str_sub(whole, 0, whole.n - SHA256_LEN), t->address_hash);
    return true;
}

static bool take_fields(const struct track_key *key, struct str whole, struct arena *arena, struct track_token *ret) {
    struct track_token t = {.kind = (enum track_kind)((uint8_t)whole.p[0] & (EXPIRES - 1))};
    struct str rest = str_sub(whole, HEAD_BYTES, SIZE_MAX);
    bool expires = (uint8_t)whole.p[0] & EXPIRES, is_right = false;
    int64_t day = 0;
    if ((uint8_t)whole.p[0] & ~(2 * EXPIRES - 1)) return false; /* a form to come */
    if (!take_number(&rest, &t.domain_id) || !take_number(&rest, &t.message_id) || !take_number(&rest, &t.recipient_id))
        return false;
    if (expires && (!take_number(&rest, &day) || day < 1 || day > DAYS_MAX)) return false;
    t.expires_at = day * DAY_MS;
    if (t.kind == TRACK_OPEN) is_right = rest.n == 0;
    if (t.kind == TRACK_CLICK) is_right = take_click(rest, arena, &t);
    if (t.kind == TRACK_UNSUBSCRIBE) is_right = take_unsubscribe(key, whole, rest, &t);
    if (is_right) *ret = t;
    return is_right;
}

bool track_token_parse(const struct track_keys *keys, enum track_kind kind, struct str text, int64_t now, struct arena *arena,
                       struct track_token *ret) {
    BUF_AUTO bytes = {0};
    struct track_token t;
    const struct track_key *key = open_bytes(keys, text, &bytes);
    if (!key || !take_fields(key, buf_str(&bytes), arena, &t) || t.kind != kind) return false;
    if (t.expires_at && now >= t.expires_at) return false;
    *ret = t;
    return true;
}

/* ---- paths ---- */
static const struct str paths[TRACK_KIND_COUNT] = {
    [TRACK_OPEN] = STR_INIT("/o/"), [TRACK_CLICK] = STR_INIT("/c/"), [TRACK_UNSUBSCRIBE] = STR_INIT("/u/")};

struct str track_path(enum track_kind kind) {
    return paths[kind];
}

/* Up to the first byte that no token has. */
static struct str letters_of(struct str text) {
    size_t n = 0;
    while (n < text.n && ascii_is_alnum(text.p[n])) n++;
    return str_sub(text, 0, n);
}

bool track_path_parse(struct str path, struct arena *arena, enum track_kind *ret_kind, struct str *ret_token) {
    struct str token;
    for (int i = 0; i < TRACK_KIND_COUNT; i++) {
        if (!str_starts_nocase(path, paths[i])) continue;
        if (!url_decode(arena, str_sub(path, paths[i].n, SIZE_MAX), &token)) return false;
        *ret_token = letters_of(token);
        *ret_kind = (enum track_kind)i;
        return true;
    }
    return false;
}
