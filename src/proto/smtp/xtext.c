/* xtext.c - see xtext.h. RFC 3461 wants the hex digits in upper case; lower case says nothing else, so it is taken too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xtext.h"

#include "base/encode.h"

static bool is_plain(char c) {
    return (unsigned char)c > ' ' && c != 0x7F && c != '+' && c != '=';
}

static bool decode(struct buf *out, struct str in) {
    while (in.n) {
        bool is_hex = in.p[0] == '+';
        if (!is_hex && !is_plain(in.p[0])) return false;
        if (!is_hex) buf_add_char(out, in.p[0]);
        if (is_hex && (in.n < 3 || !hex_decode(out, str_sub(in, 1, 2)))) return false;
        in = str_sub(in, is_hex ? 3 : 1, SIZE_MAX);
    }
    return true;
}

bool smtp_xtext_decode(struct buf *out, struct str in) {
    BUF_AUTO meaning = {0};
    if (!decode(&meaning, in) || str_has_control(buf_str(&meaning)) || !str_is_utf8(buf_str(&meaning))) return false;
    buf_add_str(out, buf_str(&meaning));
    return true;
}

void smtp_xtext_encode(struct buf *out, struct str in) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        if (c < 0x80 && is_plain(in.p[i]))
            buf_add_char(out, in.p[i]);
        else
            buf_add(out, (const char[]){'+', digits[c >> 4], digits[c & 15]}, 3);
    }
}
