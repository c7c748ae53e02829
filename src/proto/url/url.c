/* url.c - percent-encoding undone, paths judged, parameters taken apart.
 *
 * Each text is decoded once, and judged by what its escapes stand for: a path is refused when it would need resolving, so that
 * no proxy before us and no code behind can read another path out of it (HT33). Parameters keep their order and their
 * doubles; what a double means is the caller's to say. Host names and schemes are not read here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/url/url.h"

#include <string.h>

static int hex_value(char c) {
    if (ascii_is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at s.p[i] stands for; -1 when broken. */
static int escape_value(struct str s, size_t i) {
    if (s.n - i < 3) return -1;
    int high = hex_value(s.p[i + 1]), low = hex_value(s.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool decode(struct arena *arena, struct str in, bool is_form, struct str *ret) {
    struct str text = in;
    if (memchr(in.p ? in.p : "", '%', in.n) || (is_form && memchr(in.p ? in.p : "", '+', in.n))) {
        char *out = arena_alloc(arena, in.n + 1);
        size_t n = 0;
        for (size_t i = 0; i < in.n; i++) {
            int c = in.p[i];
            if (c == '%') {
                if ((c = escape_value(in, i)) < 0) return false;
                i += 2;
            } else if (is_form && c == '+') {
                c = ' ';
            }
            out[n++] = (char)c;
        }
        text = str_make(out, n);
    }
    if (str_find(text, 0) != STR_NONE || !str_is_utf8(text)) return false;
    *ret = text;
    return true;
}

bool url_decode(struct arena *arena, struct str in, struct str *ret) {
    return decode(arena, in, false, ret);
}

bool url_decode_form(struct arena *arena, struct str in, struct str *ret) {
    return decode(arena, in, true, ret);
}

/* One segment, its escapes judged by what they stand for. */
static bool segment_is_safe(struct str s) {
    char plain[3];
    size_t n = 0; /* decoded length; the first bytes are in plain */
    for (size_t i = 0; i < s.n; i++) {
        int c = (unsigned char)s.p[i];
        bool escaped = c == '%';
        if (escaped) {
            if ((c = escape_value(s, i)) < 0) return false;
            i += 2;
        }
        if (c < 0x20 || c == 0x7F || c == '\\' || c == '/' || (!escaped && (c >= 0x80 || c == ';' || c == ' '))) return false;
        if (n < sizeof(plain)) plain[n] = (char)c;
        n++;
    }
    bool dots = (n == 1 && plain[0] == '.') || (n >= 2 && plain[0] == '.' && plain[1] == '.' && (n == 2 || plain[2] == ';'));
    return !dots;
}

bool url_path_is_safe(struct str path) {
    if (!path.n || path.p[0] != '/') return false;
    struct str rest = str_sub(path, 1, SIZE_MAX), segment;
    while (str_next(&rest, '/', &segment)) {
        if (segment.n == 0 && rest.p) return false;
        if (!segment_is_safe(segment)) return false;
    }
    ARENA_AUTO scratch = {0};
    return url_decode(&scratch, path, &segment); /* what the escapes spell has to be UTF-8 (%c0%ae) */
}

enum status url_params_add(struct arena *arena, struct url_params *params, struct str name, struct str value) {
    if (params->count >= URL_PARAMS_MAX) return STATUS_LIMIT;
    struct url_param *p = ARENA_NEW(arena, struct url_param);
    *p = (struct url_param){name, value, NULL};
    if (params->last) {
        params->last->next = p;
    } else {
        params->first = p;
    }
    params->last = p;
    params->count++;
    return STATUS_OK;
}

enum status url_params_parse(struct arena *arena, struct str text, struct url_params *ret) {
    struct str rest = text, piece;
    while (rest.n && str_next(&rest, '&', &piece)) {
        if (!piece.n) continue;
        size_t equals = str_find(piece, '=');
        struct str name, value = {"", 0};
        if (!url_decode_form(arena, str_sub(piece, 0, equals), &name)) return STATUS_INVALID;
        if (equals != STR_NONE && !url_decode_form(arena, str_sub(piece, equals + 1, SIZE_MAX), &value)) return STATUS_INVALID;
        enum status s = url_params_add(arena, ret, name, value);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}
