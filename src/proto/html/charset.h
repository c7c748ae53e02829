/* charset.h - in which charsets a text part can be searched for links as bytes.
 *
 * Every byte of '"', '&', '\'', '<', '=' and '>' must be that character and no part of another. That is so in UTF-8, in charsets
 * of one byte that hold ASCII, and in those of East Asia whose second bytes begin at 0x30 or 0x40 but keep clear of these. It is
 * not in UTF-16, UTF-7, ISO-2022, HZ, Johab, EBCDIC; what is not in the table is taken for one of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_HTML_CHARSET_H
#define POSTHORN_PROTO_HTML_CHARSET_H

#include "base/str.h"

enum html_charset {
    HTML_CHARSET_UTF8,  /* UTF-8 and ASCII; links_find_*(is_utf8 = true) */
    HTML_CHARSET_OTHER, /* is_utf8 = false */
    HTML_CHARSET_UNFIT  /* leave the part alone */
};
/* Of a Content-Type's charset parameter; "" (none) is ASCII. Any case. Pure; any thread. */
enum html_charset html_charset_parse(struct str name);

#endif
