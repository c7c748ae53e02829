/* encoded_word.c - RFC 2047 both ways.
 *
 * Written: charset utf-8, Q with the letters that are safe in a phrase too, or B; a character is never cut in two (RFC 2047 5).
 * Read: leniently, since people look at it; a word is `=?charset?encoding?text?=` without blanks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/encoded_word.h"

#include "base/encode.h"
#include "proto/mime/body.h"

#include <string.h>

#define PREFIX_LEN 12 /* "=?utf-8?Q?" and "?=" */

static bool q_is_plain(char c) {
    return ascii_is_alnum(c) || (c && strchr("!*+-/", c));
}

/* Octets of the character at p: its first octet and the continuations. */
static size_t char_length(struct str s) {
    size_t n = 1;
    while (n < s.n && n < 4 && ((uint8_t)s.p[n] & 0xC0) == 0x80) n++;
    return n;
}

static size_t q_length(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += q_is_plain(s.p[i]) || s.p[i] == ' ' ? 1 : 3;
    return n;
}

static size_t b_length(size_t n) {
    return (n + 2) / 3 * 4;
}

static void add_q(struct buf *out, struct str s) {
    buf_add_z(out, "=?utf-8?Q?");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ') {
            buf_add_char(out, '_');
        } else if (q_is_plain(s.p[i])) {
            buf_add_char(out, s.p[i]);
        } else {
            buf_addf(out, "=%02X", (unsigned)(uint8_t)s.p[i]);
        }
    }
}

void encoded_word_add(struct buf *out, struct str *text, size_t room) {
    size_t q = 0, taken_q = 0, taken_b = 0;
    room = room > PREFIX_LEN ? room - PREFIX_LEN : 0;
    for (size_t at = 0; at < text->n;) {
        size_t n = char_length(str_sub(*text, at, SIZE_MAX));
        q += q_length(str_sub(*text, at, n));
        at += n;
        bool is_first = at == n;
        if (q <= room || is_first) taken_q = at;
        if (b_length(at) <= room || is_first) taken_b = at;
        if (taken_q < at && taken_b < at) break;
    }
    size_t taken = taken_q > taken_b ? taken_q : taken_b;
    struct str s = str_sub(*text, 0, taken);
    if (taken_q > taken_b || (taken_q == taken_b && q_length(s) <= b_length(s.n))) {
        add_q(out, s);
    } else {
        buf_add_z(out, "=?utf-8?B?");
        base64_encode(out, s);
    }
    buf_add_z(out, "?=");
    *text = str_sub(*text, taken, SIZE_MAX);
}

struct word {
    struct str charset, text;
    char encoding; /* 'q' or 'b' */
};

/* Read an encoded word at the front of s; its octets, or 0. */
static size_t word_parse(struct str s, struct word *ret) {
    if (!str_starts(s, STR("=?"))) return 0;
    struct str inner = str_sub(s, 2, 1024);
    size_t first = str_find(inner, '?');
    if (first == STR_NONE || first == 0 || first + 2 >= inner.n || inner.p[first + 2] != '?') return 0;
    struct str text = str_sub(inner, first + 3, SIZE_MAX);
    size_t end = str_find(text, '?');
    if (end == STR_NONE || end + 1 >= text.n || text.p[end + 1] != '=') return 0;
    ret->charset = str_sub(inner, 0, first);
    size_t star = str_find(ret->charset, '*'); /* RFC 2231 5: language */
    if (star != STR_NONE) ret->charset.n = star;
    ret->encoding = ascii_lower(inner.p[first + 1]);
    ret->text = str_sub(text, 0, end);
    bool has_blank = str_find(ret->text, ' ') != STR_NONE || str_find(ret->charset, ' ') != STR_NONE;
    return has_blank || (ret->encoding != 'q' && ret->encoding != 'b') ? 0 : 2 + first + 3 + end + 2;
}

static void word_decode(struct buf *out, const struct word *w) {
    BUF_AUTO text = {0};
    BUF_AUTO bytes = {0};
    buf_add_str(&text, w->text);
    if (w->encoding == 'q') {
        for (size_t i = 0; i < text.n; i++)
            if (text.p[i] == '_') text.p[i] = ' ';
        buf_add_char(&text, '='); /* keeps a blank at the end from being taken for line padding */
    }
    body_decode(&bytes, w->encoding == 'q' ? BODY_QUOTED_PRINTABLE : BODY_BASE64, buf_str(&text));
    charset_to_utf8(out, w->charset, buf_str(&bytes));
}

void encoded_words_decode(struct buf *out, struct str value) {
    BUF_AUTO raw = {0};
    BUF_AUTO decoded = {0};
    value = str_trim(value);
    size_t after_word = STR_NONE; /* raw.n when the last thing read was an encoded word */
    for (size_t i = 0; i < value.n;) {
        struct word w;
        size_t n = word_parse(str_sub(value, i, SIZE_MAX), &w);
        if (n) {
            if (after_word != STR_NONE) buf_cut(&raw, after_word);
            word_decode(&raw, &w);
            after_word = raw.n;
            i += n;
            continue;
        }
        char c = value.p[i++];
        if (c == '\r' || c == '\n') continue;
        buf_add_char(&raw, c);
        if (c != ' ' && c != '\t') after_word = STR_NONE;
    }
    charset_to_utf8(&decoded, STR("utf-8"), buf_str(&raw));
    for (size_t i = 0; i < decoded.n; i++)
        if ((uint8_t)decoded.p[i] < 0x20 || decoded.p[i] == 0x7F) decoded.p[i] = ' ';
    buf_add_str(out, buf_str(&decoded));
}

static void add_code_point(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        buf_add_char(out, (char)(0xC0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3F)));
    } else {
        buf_add_char(out, (char)(0xE0 | c >> 12));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_add_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

/* 0x80..0x9F of windows-1252; ISO-8859-1 is read as that too (WHATWG Encoding 4.2). */
static const uint16_t windows_1252[32] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                          0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                          0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

static void add_latin(struct buf *out, struct str bytes) {
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t c = (uint8_t)bytes.p[i];
        add_code_point(out, c >= 0x80 && c < 0xA0 ? windows_1252[c - 0x80] : c);
    }
}

static void add_lossy(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n;) {
        size_t n = 1;
        while ((uint8_t)s.p[i] >= 0xC0 && n < 4 && i + n < s.n && ((uint8_t)s.p[i + n] & 0xC0) == 0x80) n++;
        while (n > 1 && !str_is_utf8(str_sub(s, i, n))) n--;
        if (str_is_utf8(str_sub(s, i, n))) {
            buf_add(out, s.p + i, n);
        } else {
            buf_add_z(out, "\xEF\xBF\xBD");
        }
        i += n;
    }
}

void charset_to_utf8(struct buf *out, struct str charset, struct str bytes) {
    static const struct str latin[] = {STR_INIT("iso-8859-1"), STR_INIT("latin1"), STR_INIT("windows-1252"), STR_INIT("cp1252")};
    if (str_is_utf8(bytes)) {
        buf_add_str(out, bytes);
        return;
    }
    for (size_t i = 0; i < sizeof latin / sizeof *latin; i++) {
        if (!str_eq_nocase(charset, latin[i])) continue;
        add_latin(out, bytes);
        return;
    }
    add_lossy(out, bytes);
}
