/* param.c - parameters are first read as they stand, then grouped by name.
 *
 * With PARAM_MAX of them at most, grouping by search is cheap, so a field of a million ';' costs no more than its length (MI11).
 * A name's best form wins: RFC 2231's segments joined in order and decoded, else the plain value with RFC 2047 words read, which
 * are not allowed there but common. Mail that breaks the rules is shown as well as can be, never refused, here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/param.h"

#include "base/buf.h"
#include "proto/mime/encoded_word.h"

#include <string.h>

bool param_is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"/[]?=", s.p[i])) return false;
    return s.n > 0;
}

bool media_type_is_valid(struct str type) {
    size_t slash = str_find(type, '/');
    return slash != STR_NONE && param_is_token(str_sub(type, 0, slash)) && param_is_token(str_sub(type, slash + 1, SIZE_MAX));
}

/* A parameter as it stands: `name`, `name*`, `name*3`, `name*3*`. */
struct raw {
    struct str name, value;
    uint64_t section; /* SINGLE when there is no number */
    bool is_extended;
};
#define SINGLE UINT64_MAX

/* Drop blanks, line ends and comments in front; an open comment swallows the rest. */
static struct str skip_blanks(struct str s) {
    size_t i = 0, depth = 0;
    for (; i < s.n; i++) {
        if (s.p[i] == '\\' && depth) {
            i++;
        } else if (s.p[i] == '(') {
            depth++;
        } else if (s.p[i] == ')' && depth) {
            depth--;
        } else if (!depth && !strchr(" \t\r\n", s.p[i])) {
            break;
        }
    }
    return str_sub(s, i, SIZE_MAX);
}

static bool take_quoted(struct str *s, struct arena *arena, struct str *ret) {
    BUF_AUTO text = {0};
    for (size_t i = 1; i < s->n; i++) {
        if (s->p[i] == '"') {
            *ret = arena_str(arena, buf_str(&text));
            *s = str_sub(*s, i + 1, SIZE_MAX);
            return true;
        }
        if (s->p[i] == '\\' && i + 1 < s->n) i++;
        if (s->p[i] != '\r' && s->p[i] != '\n') buf_add_char(&text, s->p[i]);
    }
    return false;
}

/* Octets until a ';', a blank or a '(' . Lenient: other specials may stand in an unquoted value. */
static struct str take_bare(struct str *s) {
    size_t n = 0;
    while (n < s->n && !(s->p[n] && strchr("; \t\r\n(", s->p[n]))) n++;
    struct str value = str_sub(*s, 0, n);
    *s = str_sub(*s, n, SIZE_MAX);
    return value;
}

static void split_name(struct str name, struct raw *ret) {
    ret->section = SINGLE;
    ret->is_extended = str_ends(name, STR("*"));
    if (ret->is_extended) name.n--;
    size_t star = str_find(name, '*');
    if (star != STR_NONE && str_to_u64(str_sub(name, star + 1, SIZE_MAX), &ret->section)) name.n = star;
    ret->name = name;
}

/* Take one `; name=value` off *rest. */
static bool take_raw(struct str *rest, struct arena *arena, struct raw *ret) {
    struct str s = skip_blanks(*rest);
    while (s.n && s.p[0] == ';') s = skip_blanks(str_sub(s, 1, SIZE_MAX));
    size_t equals = str_find(str_sub(s, 0, 128), '=');
    if (equals == STR_NONE) return false;
    struct str name = str_trim(str_sub(s, 0, equals));
    if (!param_is_token(name)) return false;
    split_name(arena_lower(arena, name), ret);
    s = skip_blanks(str_sub(s, equals + 1, SIZE_MAX));
    if (s.n && s.p[0] == '"') {
        if (!take_quoted(&s, arena, &ret->value)) return false;
    } else {
        ret->value = take_bare(&s);
    }
    *rest = s;
    return true;
}

static const struct raw *find_raw(const struct raw *raws, size_t count, struct str name, uint64_t section) {
    for (size_t i = 0; i < count; i++)
        if (raws[i].section == section && str_eq(raws[i].name, name)) return &raws[i];
    return NULL;
}

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, ascii_lower(c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void add_percent_decoded(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        buf_add_char(out, low >= 0 ? (char)(high << 4 | low) : s.p[i]);
        if (low >= 0) i += 2;
    }
}

/* Join a value from its segments: charset'language'text in the first when it is extended. */
static struct str join_extended(const struct raw *raws, size_t count, const struct raw *first, struct arena *arena) {
    BUF_AUTO bytes = {0};
    BUF_AUTO text = {0};
    struct str charset = {0}, value = first->value;
    if (first->is_extended) {
        struct str rest = value, language;
        if (str_next(&rest, '\'', &charset) && str_next(&rest, '\'', &language) && rest.p) value = rest;
    }
    for (const struct raw *r = first; r; r = r->section == SINGLE ? NULL : find_raw(raws, count, first->name, r->section + 1)) {
        if (r != first) value = r->value;
        if (r->is_extended) {
            add_percent_decoded(&bytes, value);
        } else {
            buf_add_str(&bytes, value);
        }
    }
    charset_to_utf8(&text, charset, buf_str(&bytes));
    for (size_t i = 0; i < text.n; i++)
        if ((uint8_t)text.p[i] < 0x20 || text.p[i] == 0x7F) text.p[i] = ' ';
    return arena_str(arena, buf_str(&text));
}

/* The value of a name, from its best form. */
static struct str value_of(const struct raw *raws, size_t count, struct str name, struct arena *arena) {
    const struct raw *single = find_raw(raws, count, name, SINGLE);
    const struct raw *first = find_raw(raws, count, name, 0);
    for (size_t i = 0; i < count; i++)
        if (raws[i].is_extended && raws[i].section == SINGLE && str_eq(raws[i].name, name)) single = &raws[i];
    if (single && single->is_extended) return join_extended(raws, count, single, arena);
    if (first) return join_extended(raws, count, first, arena);
    if (!single) return STR("");
    BUF_AUTO text = {0};
    encoded_words_decode(&text, single->value);
    return arena_str(arena, buf_str(&text));
}

void params_parse(struct str value, struct arena *arena, struct params *ret) {
    struct raw raws[PARAM_MAX];
    size_t count = 0;
    struct params p = {0};
    struct str rest = skip_blanks(value);
    p.value = arena_lower(arena, take_bare(&rest));
    while (count < PARAM_MAX && take_raw(&rest, arena, &raws[count])) count++;
    if (count) p.items = arena_array(arena, count, sizeof *p.items);
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < p.count && !is_known; k++) is_known = str_eq(p.items[k].name, raws[i].name);
        if (!is_known) p.items[p.count++] = (struct param){raws[i].name, value_of(raws, count, raws[i].name, arena)};
    }
    *ret = p;
}

struct str params_find(const struct params *p, struct str name) {
    for (size_t i = 0; i < p->count; i++)
        if (str_eq(p->items[i].name, name)) return p->items[i].value;
    return STR("");
}
