/* macro.c - SPF's macros (RFC 7208 7): a name written by a stranger, filled in with what we know.
 *
 * Each %{...} is a letter's value, cut into parts, perhaps turned round, and joined with dots. The outcome is asked of DNS as a
 * name, so whole labels are cut off its left until it fits 253 characters. Letters that belong to explanations only (c, r, t) are
 * errors: no explanation is fetched here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/spf/record.h"

#include <arpa/inet.h>

#define PARTS_MAX 128

struct transform {
    unsigned keep; /* parts from the right; 0: all */
    bool is_reversed;
    struct str delimiters;
};

static struct str local_part(struct str sender) {
    return str_sub(sender, 0, str_find_last(sender, '@'));
}

static struct str domain_part(struct str sender) {
    return str_sub(sender, str_find_last(sender, '@') + 1, SIZE_MAX);
}

/* IPv4 as usual, IPv6 as 32 nibbles with dots between (7.3). */
static void add_ip(struct buf *out, const struct spf_ip *ip) {
    if (!ip->is_v6) {
        buf_addf(out, "%u.%u.%u.%u", ip->b[0], ip->b[1], ip->b[2], ip->b[3]);
        return;
    }
    for (int i = 0; i < 16; i++) buf_addf(out, "%s%x.%x", i ? "." : "", ip->b[i] >> 4, ip->b[i] & 15);
}

/* The value of a letter; false for those that have none here (c, r and t belong to exp). */
static bool add_letter(struct buf *out, char letter, const struct spf_macros *m) {
    const struct spf_input *in = m->input;
    switch (letter) {
    case 's':
        buf_add_str(out, in->sender);
        return true;
    case 'l':
        buf_add_str(out, local_part(in->sender));
        return true;
    case 'o':
        buf_add_str(out, domain_part(in->sender));
        return true;
    case 'd':
        buf_add_str(out, m->domain);
        return true;
    case 'i':
        add_ip(out, &in->ip);
        return true;
    case 'p':
        buf_add_z(out, "unknown");
        return true;
    case 'v':
        buf_add_z(out, in->ip.is_v6 ? "ip6" : "in-addr");
        return true;
    case 'h':
        buf_add_str(out, in->helo);
        return true;
    default:
        return false;
    }
}

static bool is_delimiter(char c, struct str delimiters) {
    return str_find(delimiters, c) != STR_NONE;
}

static size_t split(struct str value, struct str delimiters, struct str *ret_parts) {
    size_t count = 0, start = 0;
    for (size_t i = 0; i <= value.n && count < PARTS_MAX; i++) {
        if (i < value.n && !is_delimiter(value.p[i], delimiters)) continue;
        ret_parts[count++] = str_sub(value, start, i - start);
        start = i + 1;
    }
    return count;
}

static void add_transformed(struct buf *out, struct str value, const struct transform *t) {
    struct str parts[PARTS_MAX];
    size_t count = split(value, t->delimiters, parts);
    size_t first = t->keep && t->keep < count ? count - t->keep : 0;
    for (size_t i = first; i < count; i++) {
        if (i > first) buf_add_char(out, '.');
        /* Reversing comes before cutting: what is kept are the right-hand parts of the reversed list. */
        buf_add_str(out, t->is_reversed ? parts[count - 1 - i] : parts[i]);
    }
}

static void add_escaped(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (ascii_is_alnum(c) || is_delimiter(c, STR("-._~")))
            buf_add_char(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned char)c);
    }
}

/* The inside of %{...}: letter, digits, r, delimiters. */
static bool add_macro(struct buf *out, struct str inside, const struct spf_macros *m) {
    BUF_AUTO value = {0}, changed = {0};
    struct transform t = {.delimiters = STR(".")};
    if (str_is_empty(inside) || !add_letter(&value, ascii_lower(inside.p[0]), m)) return false;
    size_t i = 1;
    for (; i < inside.n && ascii_is_digit(inside.p[i]); i++) {
        t.keep = t.keep * 10 + (unsigned)(inside.p[i] - '0');
        if (t.keep > PARTS_MAX) t.keep = PARTS_MAX;
        if (i + 1 == inside.n || !ascii_is_digit(inside.p[i + 1])) {
            if (t.keep == 0) return false;
        }
    }
    if (i < inside.n && ascii_lower(inside.p[i]) == 'r') {
        t.is_reversed = true;
        i++;
    }
    if (i < inside.n) t.delimiters = str_sub(inside, i, SIZE_MAX);
    for (size_t d = 0; d < t.delimiters.n; d++)
        if (!is_delimiter(t.delimiters.p[d], STR(".-+,/_="))) return false;
    add_transformed(&changed, buf_str(&value), &t);
    if (ascii_lower(inside.p[0]) != inside.p[0])
        add_escaped(out, buf_str(&changed));
    else
        buf_add_str(out, buf_str(&changed));
    return true;
}

/* At a '%': expand, move *at behind. */
static bool add_percent(struct buf *out, struct str spec, size_t *at, const struct spf_macros *m) {
    static const struct {
        char c;
        const char *text;
    } escapes[] = {{'%', "%"}, {'_', " "}, {'-', "%20"}};
    if (*at + 1 >= spec.n) return false;
    char c = spec.p[*at + 1];
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (escapes[i].c != c) continue;
        buf_add_z(out, escapes[i].text);
        *at += 2;
        return true;
    }
    struct str rest = str_sub(spec, *at + 2, SIZE_MAX);
    size_t close = str_find(rest, '}');
    if (c != '{' || close == STR_NONE) return false;
    *at += close + 3;
    return add_macro(out, str_sub(rest, 0, close), m);
}

bool spf_expand(struct str spec, const struct spf_macros *m, struct buf *out) {
    BUF_AUTO text = {0};
    for (size_t i = 0; i < spec.n;) {
        if (spec.p[i] == '%') {
            if (!add_percent(&text, spec, &i, m)) return false;
        } else if (spec.p[i] > ' ' && spec.p[i] < 0x7f) {
            buf_add_char(&text, spec.p[i++]);
        } else {
            return false;
        }
    }
    struct str name = buf_str(&text);
    if (str_ends(name, STR("."))) name.n--;
    while (name.n > DNS_NAME_MAX) {
        size_t dot = str_find(name, '.');
        if (dot == STR_NONE) return false;
        name = str_sub(name, dot + 1, SIZE_MAX);
    }
    buf_add_str(out, name);
    return true;
}
