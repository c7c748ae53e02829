/* href.c - see href.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/href.h"

#include "base/buf.h"
#include "proto/address/address.h"

/* ---- text ---- */
/* Without controls and blanks around it, and without tabs and line breaks (WHATWG URL 4.4). */
static struct str clean(struct str text, struct arena *arena) {
    while (text.n && (unsigned char)text.p[0] <= ' ') text = str_sub(text, 1, SIZE_MAX);
    while (text.n && (unsigned char)text.p[text.n - 1] <= ' ') text.n--;
    if (str_find(text, '\t') == STR_NONE && str_find(text, '\n') == STR_NONE && str_find(text, '\r') == STR_NONE) return text;
    char *p = arena_alloc(arena, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\t' && text.p[i] != '\n' && text.p[i] != '\r') p[n++] = text.p[i];
    return str_make(p, n);
}

/* A '<' is a quote that was forgotten, and the next tag in the URL. */
static bool is_doubtful(struct str text, bool is_utf8) {
    return text.n == 0 || text.p[0] == '#' || str_has_control(text) || str_find(text, '\\') != STR_NONE ||
           str_find(text, '<') != STR_NONE || str_find_str(text, STR("{{")) != STR_NONE ||
           !(is_utf8 ? str_is_utf8(text) : str_is_ascii(text));
}

/* As browsers send it: what may not stand in a URL as %XX. */
static struct str escape(struct str text, struct arena *arena) {
    static const char digits[] = "0123456789ABCDEF";
    BUF_AUTO out = {0};
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c > ' ' && c < 0x7f && c != '"' && c != '>' && c != '`') {
            buf_add_char(&out, text.p[i]);
        } else {
            buf_add_char(&out, '%');
            buf_add_char(&out, digits[c >> 4]);
            buf_add_char(&out, digits[c & 15]);
        }
    }
    return out.n == text.n ? text : arena_str(arena, buf_str(&out));
}

/* ---- parts ---- */
/* How many bytes at the start are none of `ends`. */
static size_t run_until(struct str text, struct str ends) {
    size_t n = 0;
    while (n < text.n && str_find(ends, text.p[n]) == STR_NONE) n++;
    return n;
}

/* "abc:" in front; STR_NONE: no scheme. */
static size_t scheme_end(struct str text) {
    size_t n = 0;
    while (n < text.n && (ascii_is_alnum(text.p[n]) || str_find(STR("+-."), text.p[n]) != STR_NONE)) n++;
    return n > 0 && n < text.n && text.p[n] == ':' && ascii_is_alpha(text.p[0]) ? n : STR_NONE;
}

static bool is_port(struct str port) {
    uint64_t number;
    return port.n == 0 || (port.n <= 5 && str_to_u64(port, &number) && number <= UINT16_MAX);
}

static bool is_ipv6(struct str host) {
    if (host.n < 4 || host.p[0] != '[' || host.p[host.n - 1] != ']') return false;
    for (size_t i = 1; i + 1 < host.n; i++)
        if (!ascii_is_alnum(host.p[i]) && host.p[i] != ':' && host.p[i] != '.') return false;
    return true;
}

static bool is_name(struct str host) {
    for (size_t i = 0; i < host.n; i++)
        if (!ascii_is_alnum(host.p[i]) && str_find(STR("-._"), host.p[i]) == STR_NONE) return false;
    return host.n > 0 && ascii_is_alnum(host.p[0]);
}

static bool parse_authority(struct str text, struct arena *arena, struct str *ret) {
    size_t colon = str_find_last(text, ':'), bracket = str_find_last(text, ']');
    if (colon != STR_NONE && bracket != STR_NONE && colon < bracket) colon = STR_NONE;
    struct str host = str_sub(text, 0, colon), port = colon == STR_NONE ? STR("") : str_sub(text, colon + 1, SIZE_MAX), ascii;
    if (!is_port(port)) return false;
    if (str_is_ascii(host)) {
        *ret = text;
        return is_name(host) || is_ipv6(host);
    }
    if (!domain_parse(host, arena, &ascii)) return false;
    *ret = colon == STR_NONE ? ascii : arena_strf(arena, "%.*s:%.*s", STR_ARG(ascii), STR_ARG(port));
    return true;
}

/* ---- resolving (RFC 3986 5.2) ---- */
/* Without "." and ".." (5.2.4). */
static struct str without_dots(struct str path, struct arena *arena) {
    BUF_AUTO out = {0};
    struct str rest = str_sub(path, 1, SIZE_MAX), segment;
    while (str_next(&rest, '/', &segment)) {
        bool is_last = rest.p == NULL, is_up = str_eq(segment, STR(".."));
        if (is_up || str_eq(segment, STR("."))) {
            if (is_up && out.n) buf_cut(&out, str_find_last(buf_str(&out), '/'));
            if (is_last) buf_add_char(&out, '/');
        } else {
            buf_add_char(&out, '/');
            buf_add_str(&out, segment);
        }
    }
    return arena_str(arena, buf_str(&out));
}

/* The path, perhaps empty, of a link that has neither scheme nor host. */
static void merge_path(const struct href *base, struct str path, struct arena *arena, struct href *href) {
    href->scheme = base->scheme;
    href->authority = base->authority;
    href->path = base->path;
    if (path.n == 0) {
        if (href->query.n == 0) href->query = base->query;
        return;
    }
    size_t slash = str_find_last(base->path, '/');
    struct str folder = slash == STR_NONE ? STR("/") : str_sub(base->path, 0, slash + 1);
    if (path.p[0] == '/') folder = STR("");
    href->path = without_dots(arena_strf(arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(path)), arena);
}

static void split(struct str text, struct arena *arena, struct str *ret_path, struct href *ret) {
    text = escape(text, arena);
    size_t hash = str_find(text, '#');
    ret->fragment = hash == STR_NONE ? STR("") : str_sub(text, hash, SIZE_MAX);
    text = str_sub(text, 0, hash);
    size_t mark = str_find(text, '?');
    ret->query = mark == STR_NONE ? STR("") : str_sub(text, mark, SIZE_MAX);
    *ret_path = str_sub(text, 0, mark);
}

static bool resolve(struct str text, const struct href *base, struct arena *arena, struct href *href) {
    size_t colon = scheme_end(text);
    href->scheme = base->scheme;
    if (colon != STR_NONE) {
        bool is_https = str_eq_nocase(str_sub(text, 0, colon), STR("https"));
        if (!is_https && !str_eq_nocase(str_sub(text, 0, colon), STR("http"))) return false;
        href->scheme = is_https ? STR("https") : STR("http");
        text = str_sub(text, colon + 1, SIZE_MAX);
        if (!str_starts(text, STR("//"))) return false;
    }
    if (href->scheme.n == 0) return false;
    struct str path;
    if (!str_starts(text, STR("//"))) {
        split(text, arena, &path, href);
        merge_path(base, path, arena, href);
        return true;
    }
    text = str_sub(text, 2, SIZE_MAX);
    size_t n = run_until(text, STR("/?#"));
    split(str_sub(text, n, SIZE_MAX), arena, &href->path, href);
    return parse_authority(str_sub(text, 0, n), arena, &href->authority);
}

static size_t length(const struct href *h) {
    return h->scheme.n + 3 + h->authority.n + h->path.n + h->query.n + h->fragment.n;
}

enum href_answer href_resolve(struct str text, const struct href *base, bool is_utf8, struct arena *arena, struct href *ret) {
    struct href href = {0};
    text = clean(text, arena);
    if (is_doubtful(text, is_utf8)) return HREF_NOT_OURS;
    bool is_long = text.n > HREF_MAX;
    /* Whether it would be ours is in its beginning. */
    if (!resolve(str_sub(text, 0, HREF_MAX), base, arena, &href)) return HREF_NOT_OURS;
    if (is_long || length(&href) > HREF_MAX) return HREF_LONG;
    *ret = href;
    return HREF_OURS;
}

struct str href_str(const struct href *href, struct arena *arena) {
    return arena_strf(arena, "%.*s://%.*s%.*s%.*s%.*s", STR_ARG(href->scheme), STR_ARG(href->authority), STR_ARG(href->path),
                      STR_ARG(href->query), STR_ARG(href->fragment));
}
