/* reference.c - see reference.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/html/reference.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 32

static const struct name {
    const char *text;
    uint16_t code;
    bool is_bare; /* also without a semicolon */
} names[] = {{"AElig", 0xc6, true},
             {"AMP", 0x26, true},
             {"Aacute", 0xc1, true},
             {"Acirc", 0xc2, true},
             {"Agrave", 0xc0, true},
             {"Aring", 0xc5, true},
             {"Atilde", 0xc3, true},
             {"Auml", 0xc4, true},
             {"COPY", 0xa9, true},
             {"Ccedil", 0xc7, true},
             {"DiacriticalGrave", 0x60, false},
             {"ETH", 0xd0, true},
             {"Eacute", 0xc9, true},
             {"Ecirc", 0xca, true},
             {"Egrave", 0xc8, true},
             {"Euml", 0xcb, true},
             {"GT", 0x3e, true},
             {"Hat", 0x5e, false},
             {"Iacute", 0xcd, true},
             {"Icirc", 0xce, true},
             {"Igrave", 0xcc, true},
             {"Iuml", 0xcf, true},
             {"LT", 0x3c, true},
             {"NewLine", 0xa, false},
             {"Ntilde", 0xd1, true},
             {"Oacute", 0xd3, true},
             {"Ocirc", 0xd4, true},
             {"Ograve", 0xd2, true},
             {"Oslash", 0xd8, true},
             {"Otilde", 0xd5, true},
             {"Ouml", 0xd6, true},
             {"QUOT", 0x22, true},
             {"REG", 0xae, true},
             {"THORN", 0xde, true},
             {"Tab", 0x9, false},
             {"Uacute", 0xda, true},
             {"Ucirc", 0xdb, true},
             {"Ugrave", 0xd9, true},
             {"UnderBar", 0x5f, false},
             {"Uuml", 0xdc, true},
             {"VerticalLine", 0x7c, false},
             {"Yacute", 0xdd, true},
             {"aacute", 0xe1, true},
             {"acirc", 0xe2, true},
             {"acute", 0xb4, true},
             {"aelig", 0xe6, true},
             {"agrave", 0xe0, true},
             {"amp", 0x26, true},
             {"apos", 0x27, false},
             {"aring", 0xe5, true},
             {"ast", 0x2a, false},
             {"atilde", 0xe3, true},
             {"auml", 0xe4, true},
             {"brvbar", 0xa6, true},
             {"bsol", 0x5c, false},
             {"ccedil", 0xe7, true},
             {"cedil", 0xb8, true},
             {"cent", 0xa2, true},
             {"colon", 0x3a, false},
             {"comma", 0x2c, false},
             {"commat", 0x40, false},
             {"copy", 0xa9, true},
             {"curren", 0xa4, true},
             {"deg", 0xb0, true},
             {"divide", 0xf7, true},
             {"dollar", 0x24, false},
             {"eacute", 0xe9, true},
             {"ecirc", 0xea, true},
             {"egrave", 0xe8, true},
             {"equals", 0x3d, false},
             {"eth", 0xf0, true},
             {"euml", 0xeb, true},
             {"excl", 0x21, false},
             {"frac12", 0xbd, true},
             {"frac14", 0xbc, true},
             {"frac34", 0xbe, true},
             {"grave", 0x60, false},
             {"gt", 0x3e, true},
             {"iacute", 0xed, true},
             {"icirc", 0xee, true},
             {"iexcl", 0xa1, true},
             {"igrave", 0xec, true},
             {"iquest", 0xbf, true},
             {"iuml", 0xef, true},
             {"laquo", 0xab, true},
             {"lbrace", 0x7b, false},
             {"lbrack", 0x5b, false},
             {"lcub", 0x7b, false},
             {"lowbar", 0x5f, false},
             {"lpar", 0x28, false},
             {"lsqb", 0x5b, false},
             {"lt", 0x3c, true},
             {"macr", 0xaf, true},
             {"micro", 0xb5, true},
             {"midast", 0x2a, false},
             {"middot", 0xb7, true},
             {"nbsp", 0xa0, true},
             {"not", 0xac, true},
             {"ntilde", 0xf1, true},
             {"num", 0x23, false},
             {"oacute", 0xf3, true},
             {"ocirc", 0xf4, true},
             {"ograve", 0xf2, true},
             {"ordf", 0xaa, true},
             {"ordm", 0xba, true},
             {"oslash", 0xf8, true},
             {"otilde", 0xf5, true},
             {"ouml", 0xf6, true},
             {"para", 0xb6, true},
             {"percnt", 0x25, false},
             {"period", 0x2e, false},
             {"plus", 0x2b, false},
             {"plusmn", 0xb1, true},
             {"pound", 0xa3, true},
             {"quest", 0x3f, false},
             {"quot", 0x22, true},
             {"raquo", 0xbb, true},
             {"rbrace", 0x7d, false},
             {"rbrack", 0x5d, false},
             {"rcub", 0x7d, false},
             {"reg", 0xae, true},
             {"rpar", 0x29, false},
             {"rsqb", 0x5d, false},
             {"sect", 0xa7, true},
             {"semi", 0x3b, false},
             {"shy", 0xad, true},
             {"sol", 0x2f, false},
             {"sup1", 0xb9, true},
             {"sup2", 0xb2, true},
             {"sup3", 0xb3, true},
             {"szlig", 0xdf, true},
             {"thorn", 0xfe, true},
             {"times", 0xd7, true},
             {"uacute", 0xfa, true},
             {"ucirc", 0xfb, true},
             {"ugrave", 0xf9, true},
             {"uml", 0xa8, true},
             {"uuml", 0xfc, true},
             {"verbar", 0x7c, false},
             {"vert", 0x7c, false},
             {"yacute", 0xfd, true},
             {"yen", 0xa5, true},
             {"yuml", 0xff, true}};

static int compare(const void *key, const void *item) {
    return str_cmp(*(const struct str *)key, str_from_z(((const struct name *)item)->text));
}

static void add_utf8(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_add_char(out, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    buf_add_char(out, (char)(leads[more] | c >> (6 * more)));
    while (more-- > 0) buf_add_char(out, (char)(0x80 | ((c >> (6 * more)) & 0x3F)));
}

static int digit_value(char c) {
    if (ascii_is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Behind "&#". Moves *rest behind it, or leaves it when there are no digits: then it is text. False: not understood. */
static bool number(struct str *rest, struct buf *out) {
    bool is_hex = rest->n && ascii_lower(rest->p[0]) == 'x';
    size_t from = is_hex ? 1 : 0, i = from;
    uint32_t code = 0;
    for (int base = is_hex ? 16 : 10; i < rest->n && digit_value(rest->p[i]) < base; i++)
        if (code <= 0x10FFFF) code = code * (uint32_t)base + (uint32_t)digit_value(rest->p[i]);
    if (i == from) {
        buf_add_z(out, "&#");
        return true;
    }
    /* What browsers make of these is history: NUL, windows-1252, halves of pairs, beyond Unicode. */
    if (code == 0 || (code >= 0x80 && code < 0xA0) || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return false;
    add_utf8(out, code);
    *rest = str_sub(*rest, i + (i < rest->n && rest->p[i] == ';'), SIZE_MAX);
    return true;
}

/* Behind "&". */
static bool named(struct str *rest, struct buf *out) {
    size_t n = 0;
    while (n < rest->n && ascii_is_alnum(rest->p[n])) n++;
    struct str name = str_sub(*rest, 0, n);
    const struct name *found =
        n == 0 || n > NAME_MAX_BYTES ? NULL : bsearch(&name, names, sizeof(names) / sizeof(*names), sizeof(*names), compare);
    bool has_semicolon = n < rest->n && rest->p[n] == ';';
    if (!found && n > 0 && has_semicolon) return false;
    if (!found || (!has_semicolon && (!found->is_bare || (n < rest->n && rest->p[n] == '=')))) {
        buf_add_char(out, '&');
        return true;
    }
    add_utf8(out, found->code);
    *rest = str_sub(*rest, n + has_semicolon, SIZE_MAX);
    return true;
}

bool reference_decode(struct str raw, struct arena *arena, struct str *ret) {
    size_t n = str_find(raw, '&');
    if (n == STR_NONE) {
        *ret = raw;
        return true;
    }
    BUF_AUTO out = {0};
    struct str rest = raw;
    for (; n != STR_NONE; n = str_find(rest, '&')) {
        buf_add_str(&out, str_sub(rest, 0, n));
        rest = str_sub(rest, n + 1, SIZE_MAX);
        bool is_number = rest.n && rest.p[0] == '#';
        if (is_number) rest = str_sub(rest, 1, SIZE_MAX);
        if (!(is_number ? number(&rest, &out) : named(&rest, &out))) return false;
    }
    buf_add_str(&out, rest);
    *ret = arena_str(arena, buf_str(&out));
    return true;
}

static bool may_stand_bare(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!ascii_is_alnum(c) && str_find(STR("-._~:/?#@!$&*+,;%()"), c) == STR_NONE) return false;
    }
    /* "/>" would look like, and "-->" be, an end. */
    return text.n > 0 && text.p[text.n - 1] != '/' && text.p[text.n - 1] != '-';
}

void reference_add_value(struct buf *out, struct str text, char quote) {
    bool has_own_quotes = quote == 0 && !may_stand_bare(text);
    if (has_own_quotes) buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            buf_add_z(out, "&amp;");
            break;
        case '<':
            buf_add_z(out, "&lt;");
            break;
        case '>':
            buf_add_z(out, "&gt;");
            break;
        case '"':
            buf_add_z(out, "&quot;");
            break;
        case '\'':
            buf_add_z(out, "&#39;");
            break;
        default:
            buf_add_char(out, text.p[i]);
        }
    }
    if (has_own_quotes) buf_add_char(out, '"');
}
