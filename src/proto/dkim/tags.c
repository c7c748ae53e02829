/* tags.c - tag lists, and what a key record says to us.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dkim/tags.h"

#include "base/encode.h"

#include <string.h>

#define ED25519_PUBLIC_LEN 32

static bool name_is_valid(struct str name) {
    if (name.n == 0 || !ascii_is_alpha(name.p[0])) return false;
    for (size_t i = 1; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '_') return false;
    return true;
}

/* No control characters but those of folding white space; octets beyond ASCII stand in notes of real records. */
static bool value_is_valid(struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (((uint8_t)value.p[i] < 0x20 && !strchr("\t\r\n", value.p[i] ? value.p[i] : 1)) || value.p[i] == 0x7F) return false;
    return true;
}

bool dkim_tags_parse(struct str s, struct dkim_tags *ret) {
    struct str rest = s, part;
    ret->count = 0;
    while (str_next(&rest, ';', &part)) {
        if (str_is_empty(str_trim(part)) && !rest.p) break;
        size_t equals = str_find(part, '=');
        if (equals == STR_NONE || ret->count == DKIM_TAGS_MAX) return false;
        struct dkim_tag tag = {str_trim(str_sub(part, 0, equals)), str_trim(str_sub(part, equals + 1, SIZE_MAX))};
        if (!name_is_valid(tag.name) || !value_is_valid(tag.value) || dkim_tags_find(ret, tag.name)) return false;
        ret->items[ret->count++] = tag;
    }
    return ret->count > 0;
}

const struct dkim_tag *dkim_tags_find(const struct dkim_tags *t, struct str name) {
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(t->items[i].name, name)) return &t->items[i];
    return NULL;
}

bool dkim_tag_base64(struct str value, struct buf *out) {
    BUF_AUTO clean = {0};
    for (size_t i = 0; i < value.n; i++)
        if (!(value.p[i] && strchr(" \t\r\n", value.p[i]))) buf_add_char(&clean, value.p[i]);
    return base64_decode(out, buf_str(&clean));
}

static struct str value_or(const struct dkim_tags *t, const char *name, struct str otherwise) {
    const struct dkim_tag *tag = dkim_tags_find(t, str_from_z(name));
    return tag ? tag->value : otherwise;
}

/* Is `wanted` or "*" in the colon-separated list? */
static bool list_has(struct str list, struct str wanted) {
    struct str item;
    while (str_next(&list, ':', &item))
        if (str_eq_nocase(str_trim(item), wanted) || str_eq(str_trim(item), STR("*"))) return true;
    return false;
}

static bool key_is_usable(const struct dkim_tags *t, enum signkey_type *ret_type) {
    struct str kind = value_or(t, "k", STR("rsa"));
    if (!list_has(value_or(t, "h", STR("*")), STR("sha256")) || !list_has(value_or(t, "s", STR("*")), STR("email"))) return false;
    *ret_type = str_eq_nocase(kind, STR("ed25519")) ? SIGNKEY_ED25519 : SIGNKEY_RSA2048;
    return *ret_type == SIGNKEY_ED25519 || str_eq_nocase(kind, STR("rsa"));
}

static bool public_key_has_form(enum signkey_type type, struct str key) {
    if (type == SIGNKEY_ED25519) return key.n == ED25519_PUBLIC_LEN;
    return key.n > 64 && key.p[0] == 0x30; /* a DER SEQUENCE */
}

static enum dkim_key_state judge(struct str text, struct arena *arena, struct dkim_key_record *ret) {
    struct dkim_tags t;
    BUF_AUTO key = {0};
    bool is_named = str_starts(str_trim(text), STR("v=DKIM1"));
    if (!dkim_tags_parse(text, &t)) return is_named ? DKIM_KEY_MALFORMED : DKIM_KEY_NOT_DKIM;
    const struct dkim_tag *v = dkim_tags_find(&t, STR("v")), *p = dkim_tags_find(&t, STR("p"));
    if (v && (v != t.items || !str_eq(v->value, STR("DKIM1")))) return DKIM_KEY_NOT_DKIM;
    if (!p) return v ? DKIM_KEY_MALFORMED : DKIM_KEY_NOT_DKIM;
    if (str_is_empty(p->value)) return DKIM_KEY_REVOKED;
    if (!key_is_usable(&t, &ret->type)) return DKIM_KEY_UNSUPPORTED;
    if (!dkim_tag_base64(p->value, &key) || !public_key_has_form(ret->type, buf_str(&key))) return DKIM_KEY_MALFORMED;
    ret->public_key = arena_str(arena, buf_str(&key));
    ret->is_testing = list_has(value_or(&t, "t", STR("")), STR("y"));
    return DKIM_KEY_OK;
}

void dkim_key_parse(struct str text, struct arena *arena, struct dkim_key_record *ret) {
    struct dkim_key_record r = {0};
    r.state = judge(text, arena, &r);
    *ret = r;
}

void dkim_key_format(enum signkey_type type, struct str public_key, struct buf *out) {
    buf_addf(out, "v=DKIM1; k=%s; p=", type == SIGNKEY_ED25519 ? "ed25519" : "rsa");
    base64_encode(out, public_key);
}
