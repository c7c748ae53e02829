/* address.c - the address grammar: local part first (quoted or not), then '@', then a domain that is judged by domain.c.
 *
 * A quoted local part is unquoted and written again in one way, so that two spellings of one mailbox are the same string here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/address/address.h"

#include "base/buf.h"

#include <string.h>

bool address_is_atext(char c) {
    return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* May the UTF-8 text stand in a local part? No C1 controls, line and direction marks, nor the non-characters U+FFFE and U+FFFF.
 */
static bool unicode_is_plain(struct str s) {
    for (size_t i = 0; i + 1 < s.n; i++) {
        uint8_t a = (uint8_t)s.p[i], b = (uint8_t)s.p[i + 1], c = i + 2 < s.n ? (uint8_t)s.p[i + 2] : 0;
        if (a == 0xC2 && b <= 0xA0) return false;
        if (a == 0xE2 && b == 0x80 && c >= 0x80 && c <= 0xAF) return false;
        if (a == 0xE2 && b == 0x81 && c >= 0xA0 && c <= 0xAF) return false;
        if (a == 0xEF && b == 0xBF && c >= 0xBE) return false;
        if (a == 0xEF && b == 0xBB && c == 0xBF) return false;
    }
    return true;
}

static bool is_dot_atom(struct str s) {
    char before = '.';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? before == '.' : !address_is_atext(s.p[i]) && (uint8_t)s.p[i] < 0x80) return false;
        before = s.p[i];
    }
    return before != '.';
}

/* Unquote from s.p[1] on; the octets consumed with both quotes, or 0. */
static size_t unquote(struct str s, struct buf *out) {
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"') return i + 1;
        if (s.p[i] == '\\' && (++i == s.n || (uint8_t)s.p[i] >= 0x80)) return 0;
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7F || i > 2 * ADDRESS_LOCAL_MAX + 2) return 0;
        buf_add_char(out, s.p[i]);
    }
    return 0;
}

/* Read the local part in front of '@' in its meaning; the octets consumed, or 0. */
static size_t read_local(struct str s, struct buf *meaning) {
    if (s.n && s.p[0] == '"') return unquote(s, meaning);
    size_t at = str_find(s, '@');
    if (at == STR_NONE || at == 0 || at > ADDRESS_LOCAL_MAX) return 0;
    buf_add(meaning, s.p, at);
    return is_dot_atom(buf_str(meaning)) ? at : 0;
}

static void write_local(struct buf *out, struct str meaning) {
    if (is_dot_atom(meaning)) {
        buf_add_str(out, meaning);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < meaning.n; i++) {
        if (meaning.p[i] == '"' || meaning.p[i] == '\\') buf_add_char(out, '\\');
        buf_add_char(out, meaning.p[i]);
    }
    buf_add_char(out, '"');
}

bool address_parse(struct str s, struct arena *arena, struct address *ret) {
    BUF_AUTO meaning = {0};
    BUF_AUTO text = {0};
    if (s.n > 4 * ADDRESS_MAX || !str_is_utf8(s) || !unicode_is_plain(s)) return false;
    size_t at = read_local(s, &meaning);
    if (at == 0 || at >= s.n || s.p[at] != '@' || str_find_str(buf_str(&meaning), STR("=?")) != STR_NONE) return false;
    write_local(&text, buf_str(&meaning));
    size_t local_n = text.n;
    struct str domain;
    if (local_n > ADDRESS_LOCAL_MAX || !domain_parse(str_sub(s, at + 1, SIZE_MAX), arena, &domain)) return false;
    buf_add_char(&text, '@');
    buf_add_str(&text, domain);
    if (text.n > ADDRESS_MAX) return false;
    struct str all = arena_str(arena, buf_str(&text));
    ret->text = all;
    ret->local = str_sub(all, 0, local_n);
    ret->domain = str_sub(all, local_n + 1, SIZE_MAX);
    ret->is_utf8 = !str_is_ascii(ret->local);
    return true;
}
