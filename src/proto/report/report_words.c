/* report_words.c - strangers' words: cleaned, taken out of HTML, searched. Every scan goes forward only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"
#include "proto/mime/encoded_word.h"
#include "proto/report/report_own.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str report_clean(struct arena *arena, struct str raw) {
    BUF_AUTO line = {0};
    BUF_AUTO text = {0};
    size_t n = 0;
    buf_add_str(&line, str_sub(raw, 0, 4 * REPORT_FIELD_MAX));
    for (size_t i = 0; i < line.n; i++)
        if (is_blank(line.p[i])) line.p[i] = ' ';
    encoded_words_decode(&text, buf_str(&line));
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' && (n == 0 || text.p[n - 1] == ' ')) continue;
        text.p[n++] = text.p[i];
    }
    if (n > REPORT_FIELD_MAX) n = REPORT_FIELD_MAX;
    while (n && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80 && !str_is_utf8(str_make(text.p, n))) n--;
    return arena_str(arena, str_trim(str_make(text.p, n)));
}

bool report_has(struct str text, const char *part) {
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* ---- HTML ---- */
static bool is_tag(struct str inner, const char *name) {
    struct str wanted = str_from_z(name);
    if (str_starts(inner, STR("/"))) inner = str_sub(inner, 1, SIZE_MAX);
    if (!str_starts_nocase(inner, wanted)) return false;
    return inner.n == wanted.n || !ascii_is_alnum(inner.p[wanted.n]);
}

static bool is_block(struct str inner) {
    static const char *const blocks[] = {"br", "p", "div", "tr", "td", "li", "h1", "h2", "h3", "pre", "table", "title"};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (is_tag(inner, blocks[i])) return true;
    return false;
}

/* Append what the entity at the start of s means; its length, 0 when it is none that is known. */
static size_t add_entity(struct buf *out, struct str s) {
    static const struct {
        struct str name;
        char c;
    } entities[] = {{STR_INIT("&lt;"), '<'},     {STR_INIT("&gt;"), '>'},    {STR_INIT("&amp;"), '&'}, {STR_INIT("&quot;"), '"'},
                    {STR_INIT("&nbsp;"), ' '},   {STR_INIT("&#39;"), '\''},  {STR_INIT("&#64;"), '@'}, {STR_INIT("&apos;"), '\''},
                    {STR_INIT("&#8217;"), '\''}, {STR_INIT("&rsquo;"), '\''}};
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (!str_starts(s, entities[i].name)) continue;
        buf_add_char(out, entities[i].c);
        return entities[i].name.n;
    }
    return 0;
}

/* Where the tag at s[at] ends, behind its '>'. An address in angles is no tag. */
static size_t pass_tag(struct buf *out, struct str s, size_t at) {
    size_t close = str_find(str_sub(s, at, SIZE_MAX), '>');
    if (close == STR_NONE) return s.n;
    struct str inner = str_sub(s, at + 1, close - 1);
    if (str_find(inner, '@') != STR_NONE && str_find(inner, ' ') == STR_NONE) buf_add_str(out, str_sub(s, at, close + 1));
    if (is_block(inner)) buf_add_char(out, '\n');
    if (!is_tag(inner, "style") && !is_tag(inner, "script")) return at + close + 1;
    if (str_starts(inner, STR("/"))) return at + close + 1;
    const char *end = memmem(s.p + at + close, s.n - at - close, "</", 2);
    return end ? (size_t)(end - s.p) : s.n;
}

void report_add_html(struct buf *out, struct str html) {
    for (size_t at = 0; at < html.n;) {
        char c = html.p[at];
        size_t n = c == '&' ? add_entity(out, str_sub(html, at, SIZE_MAX)) : 0;
        if (c == '<') {
            at = pass_tag(out, html, at);
        } else if (n) {
            at += n;
        } else {
            buf_add_char(out, c == '\r' || c == '\n' ? ' ' : c);
            at++;
        }
    }
}

/* ---- addresses ---- */
static bool is_local(char c) {
    return address_is_atext(c) || c == '.' || (unsigned char)c >= 0x80;
}
static bool is_domain(char c) {
    return ascii_is_alnum(c) || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

struct str report_find_address(struct str text, size_t from, size_t *ret_at) {
    for (size_t at = from; at < text.n; at++) {
        size_t sign = str_find(str_sub(text, at, SIZE_MAX), '@');
        if (sign == STR_NONE) break;
        at += sign;
        size_t begin = at, end = at + 1;
        while (begin > from && at - begin < ADDRESS_LOCAL_MAX && is_local(text.p[begin - 1])) begin--;
        while (begin < at && (text.p[begin] == '.' || text.p[begin] == '\'')) begin++;
        while (end < text.n && end - at <= ADDRESS_DOMAIN_MAX && is_domain(text.p[end])) end++;
        while (end > at + 1 && !ascii_is_alnum(text.p[end - 1]) && (unsigned char)text.p[end - 1] < 0x80) end--;
        if (begin == at || end == at + 1) continue;
        *ret_at = begin;
        return str_sub(text, begin, end - begin);
    }
    return STR("");
}

/* ---- codes ---- */
size_t report_status_length(struct str s) {
    if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5')) return 0;
    size_t at = 1;
    for (int part = 0; part < 2; part++) {
        if (at >= s.n || s.p[at++] != '.') return 0;
        size_t digits = 0;
        while (at < s.n && digits < 4 && ascii_is_digit(s.p[at])) at++, digits++;
        if (digits < 1 || digits > 3) return 0;
    }
    if (at == s.n) return at;
    bool goes_on = ascii_is_alnum(s.p[at]) || (unsigned char)s.p[at] >= 0x80 ||
                   (s.p[at] == '.' && at + 1 < s.n && ascii_is_digit(s.p[at + 1]));
    return goes_on ? 0 : at;
}

static unsigned code_at(struct str s) {
    if (s.n < 3 || s.p[0] < '2' || s.p[0] > '5' || s.p[0] == '3' || !ascii_is_digit(s.p[1]) || !ascii_is_digit(s.p[2])) return 0;
    if (s.p[1] > '5' && s.p[1] != '7') return 0;
    if (s.n > 3 && (ascii_is_alnum(s.p[3]) || s.p[3] == '.' || s.p[3] == '%')) return 0;
    if (s.n > 4 && s.p[3] == ':' && s.p[4] != ' ') return 0;
    return (unsigned)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0'));
}

static bool begins_word(struct str text, size_t at) {
    return at == 0 ||
           (!ascii_is_alnum(text.p[at - 1]) && text.p[at - 1] != '.' && text.p[at - 1] != '-' && text.p[at - 1] != '_');
}

/* 2xx counts at the start only: elsewhere it is a number like any other. */
static unsigned find_code(struct str text) {
    for (size_t at = 0; at < text.n; at++) {
        if (!ascii_is_digit(text.p[at]) || !begins_word(text, at)) continue;
        unsigned code = code_at(str_sub(text, at, SIZE_MAX));
        if (code >= 400 || (code && at == 0)) return code;
    }
    return 0;
}

static struct str find_enhanced(struct str text, unsigned code) {
    for (size_t at = 0; at < text.n; at++) {
        if (!ascii_is_digit(text.p[at])) continue;
        bool is_behind_code = at >= 4 && text.p[at - 1] == '-' && ascii_is_digit(text.p[at - 2]); /* "550-5.1.1" */
        if (!begins_word(text, at) && !is_behind_code) continue;
        size_t n = report_status_length(str_sub(text, at, SIZE_MAX));
        if (n == 0) continue;
        char class = text.p[at];
        if (code ? class == (char)('0' + code / 100) : class != '2' || at == 0) return str_sub(text, at, n);
    }
    return STR("");
}

void report_find_codes(struct str text, unsigned *ret_code, struct str *ret_enhanced) {
    *ret_code = find_code(text);
    *ret_enhanced = find_enhanced(text, *ret_code);
}
