/* content.c - see content.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/content.h"

#include "proto/gzip/pack.h"

#include <string.h>

/* ---- chance ---- */

static void chance_fill(void *ctx, void *p, size_t n) {
    struct content_chance *c = ctx;
    for (size_t at = 0; at < n; at += SHA256_LEN, c->count++) {
        struct sha256 block = hmac_sha256(sha256_str(&c->seed), str_make((const char *)&c->count, sizeof c->count));
        memcpy((char *)p + at, block.b, n - at < SHA256_LEN ? n - at : SHA256_LEN);
    }
}

struct rand content_chance(struct content_chance *chance, struct str html, struct str text) {
    struct sha256 first = sha256(html);
    *chance = (struct content_chance){.seed = hmac_sha256(sha256_str(&first), text)};
    return (struct rand){chance_fill, chance};
}

/* ---- to the store ---- */

static enum content_packing pack_one(struct str bytes, struct buf *out) {
    if (bytes.n >= CONTENT_PACKED_MIN && pack(out, bytes)) return CONTENT_PACKED;
    buf_add_str(out, bytes);
    return CONTENT_PLAIN;
}

void content_pack(struct str whole, size_t share_min, struct content *ret) {
    *ret = (struct content){.is_made = true};
    size_t end = str_find_str(whole, STR("\r\n\r\n"));
    struct str part = end == STR_NONE ? (struct str){0} : str_sub(whole, end + 4, SIZE_MAX);
    ret->has_part = part.n >= share_min;
    if (!ret->has_part) part = (struct str){0};
    ret->packing = pack_one(str_sub(whole, 0, whole.n - part.n), &ret->bytes);
    if (!ret->has_part) return;
    ret->part_packing = pack_one(part, &ret->part);
    ret->part_hash = sha256(part);
}

void content_fini(struct content *content) {
    buf_fini(&content->bytes);
    buf_fini(&content->part);
    *content = (struct content){0};
}

enum status content_write(struct db *tx, const struct message *message, struct str whole, const struct content *packed) {
    struct body body = {.message_id = message->id,
                        .account_id = message->account_id,
                        .created_at = message->created_at,
                        .packing = packed->packing,
                        .content = packed->is_made ? buf_str(&packed->bytes) : whole};
    if (packed->has_part) {
        body.part_hash = sha256_str(&packed->part_hash);
        body.part_packing = packed->part_packing;
        body.part = buf_str(&packed->part);
    }
    return body_add(tx, &body);
}

/* ---- from the store ---- */

/* No bytes of text pack so badly, even where a run of them stands before the others. */
static size_t packed_max(size_t max) {
    return max < SIZE_MAX / 4 ? max * 2 + 1024 : SIZE_MAX;
}

static bool add_one(struct buf *out, int packing, const struct buf *bytes, size_t max) {
    switch ((enum content_packing)packing) {
    case CONTENT_PACKED:
        return unpack(out, buf_str(bytes), max);
    case CONTENT_PLAIN:
        buf_add_str(out, str_sub(buf_str(bytes), 0, max));
        return true;
    }
    return false;
}

enum status content_load_start(struct db *tx, int64_t message_id, size_t max, struct buf *out) {
    struct body_bytes bytes = {0};
    enum status status = body_read(tx, message_id, packed_max(max), &bytes);
    if (status != STATUS_OK) return status;
    size_t before = out->n;
    bool is_good = add_one(out, bytes.packing, &bytes.content, max);
    size_t left = max - (out->n - before);
    if (is_good && bytes.has_part && left) is_good = add_one(out, bytes.part_packing, &bytes.part, left);
    if (!is_good) buf_cut(out, before);
    body_bytes_fini(&bytes);
    return is_good ? STATUS_OK : STATUS_CORRUPT;
}

enum status content_load(struct db *tx, int64_t message_id, struct buf *out) {
    return content_load_start(tx, message_id, SIZE_MAX, out);
}
