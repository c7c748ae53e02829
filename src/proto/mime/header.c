/* header.c - walking a header block: a field is its first line and all lines after it that begin with a blank.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/header.h"

#include <string.h>

/* Octets of the first line of s with its line end. */
static size_t line_length(struct str s) {
    const char *end = memchr(s.p, '\n', s.n);
    return end ? (size_t)(end - s.p) + 1 : s.n;
}

static bool line_is_blank(struct str s) {
    return s.p[0] == '\n' || (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n');
}

bool header_name_is_valid(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':') return false;
    return name.n > 0;
}

enum header_step header_next(struct str *rest, struct header_field *ret) {
    if (rest->n == 0) return HEADER_END;
    size_t n = line_length(*rest);
    if (line_is_blank(*rest)) {
        *rest = str_sub(*rest, n, SIZE_MAX);
        return HEADER_END;
    }
    struct str first = str_sub(*rest, 0, n);
    size_t colon = str_find(first, ':');
    if (colon == STR_NONE) return HEADER_BAD;
    struct str name = str_sub(first, 0, colon);
    while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t')) name.n--;
    if (!header_name_is_valid(name)) return HEADER_BAD;
    while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t')) n += line_length(str_sub(*rest, n, SIZE_MAX));
    ret->name = name;
    ret->raw = str_sub(*rest, 0, n);
    ret->value = str_sub(ret->raw, colon + 1, SIZE_MAX);
    if (str_ends(ret->value, STR("\n"))) ret->value.n--;
    if (str_ends(ret->value, STR("\r"))) ret->value.n--;
    *rest = str_sub(*rest, n, SIZE_MAX);
    return HEADER_FIELD;
}

bool header_find(struct str message, struct str name, struct header_field *ret) {
    struct header_field field;
    while (header_next(&message, &field) == HEADER_FIELD) {
        if (!str_eq_nocase(field.name, name)) continue;
        *ret = field;
        return true;
    }
    return false;
}

void header_unfold(struct buf *out, struct str value) {
    value = str_trim(value);
    char *to = buf_reserve(out, value.n);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n') to[n++] = value.p[i];
    buf_grew(out, n);
}
