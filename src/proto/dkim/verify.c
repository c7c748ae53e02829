/* verify.c - the other side of signature.c, for self-checks and tests.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dkim/signature.h"

#include "proto/dkim/canon.h"
#include "proto/dkim/tags.h"
#include "proto/mime/header.h"

#include <string.h>

struct claim {
    struct dkim_tags tags;
    struct str algorithm, names, body_hash, signature;
};

static bool read_claim(struct str value, struct claim *ret) {
    const struct {
        struct str name;
        struct str *to;
    } needed[] = {
        {STR("a"), &ret->algorithm}, {STR("h"), &ret->names}, {STR("bh"), &ret->body_hash}, {STR("b"), &ret->signature}};
    if (!dkim_tags_parse(value, &ret->tags)) return false;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        const struct dkim_tag *tag = dkim_tags_find(&ret->tags, needed[i].name);
        if (!tag) return false;
        *needed[i].to = tag->value;
    }
    const struct dkim_tag *canonical = dkim_tags_find(&ret->tags, STR("c"));
    return canonical && str_eq(canonical->value, STR("relaxed/relaxed")) && !dkim_tags_find(&ret->tags, STR("l"));
}

/* Append the fields that h= names: of each name the last one that was not taken yet. */
static bool add_named_fields(struct str message, struct str names, struct buf *out) {
    struct header_field fields[SIGNATURE_FIELDS_MAX];
    bool is_taken[SIGNATURE_FIELDS_MAX] = {false};
    size_t count = 0;
    struct str name;
    while (count < SIGNATURE_FIELDS_MAX && header_next(&message, &fields[count]) == HEADER_FIELD) count++;
    for (size_t asked = 0; str_next(&names, ':', &name); asked++) {
        size_t i = count;
        while (i > 0 && (is_taken[i - 1] || !str_eq_nocase(fields[i - 1].name, str_trim(name)))) i--;
        if (asked > SIGNATURE_FIELDS_MAX) return false;
        if (i == 0) continue;
        is_taken[i - 1] = true;
        canon_header(out, fields[i - 1].name, fields[i - 1].value);
    }
    return true;
}

/* The value of b= and the blanks around it leave the field. */
static void add_without_signature(struct str value, struct str signature, struct buf *out) {
    size_t from = (size_t)(signature.p - value.p), to = from + signature.n;
    while (from > 0 && value.p[from - 1] != '=') from--;
    while (to < value.n && value.p[to] != ';') to++;
    buf_add_str(out, str_sub(value, 0, from));
    buf_add_str(out, str_sub(value, to, SIZE_MAX));
}

static struct sha256 body_hash_of(struct str body) {
    struct canon_body *canon = canon_body_new();
    canon_body_add(canon, body);
    struct sha256 hash = canon_body_finish(canon);
    canon_body_free(&canon);
    return hash;
}

static struct str body_of(struct str message) {
    struct header_field field;
    while (header_next(&message, &field) == HEADER_FIELD) continue;
    return message;
}

static bool body_matches(struct str message, struct str claimed) {
    BUF_AUTO hash = {0};
    struct sha256 actual = body_hash_of(body_of(message));
    return dkim_tag_base64(claimed, &hash) && str_eq(buf_str(&hash), sha256_str(&actual));
}

bool signature_verify(struct str message, struct str raw_field, struct str key_record) {
    struct header_field field;
    struct claim claim;
    struct dkim_key_record key;
    ARENA_AUTO arena = {0};
    BUF_AUTO signed_bytes = {0};
    BUF_AUTO value = {0};
    BUF_AUTO signature = {0};
    if (header_next(&raw_field, &field) != HEADER_FIELD || !read_claim(field.value, &claim)) return false;
    dkim_key_parse(key_record, &arena, &key);
    struct str algorithm = key.type == SIGNKEY_ED25519 ? STR("ed25519-sha256") : STR("rsa-sha256");
    if (key.state != DKIM_KEY_OK || !str_eq(claim.algorithm, algorithm) || !body_matches(message, claim.body_hash)) return false;
    if (!dkim_tag_base64(claim.signature, &signature) || !add_named_fields(message, claim.names, &signed_bytes)) return false;
    add_without_signature(field.value, claim.signature, &value);
    canon_header(&signed_bytes, field.name, buf_str(&value));
    buf_cut(&signed_bytes, signed_bytes.n - 2);
    struct sha256 hash = sha256(buf_str(&signed_bytes));
    return signkey_verify(key.type, key.public_key, &hash, buf_str(&signature));
}
