/* leaf.c - see leaf.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/leaf.h"

#include "proto/mime/header.h"

bool leaf_encoding_parse(struct str value, enum body_encoding *ret) {
    value = str_trim(value);
    enum body_encoding encoding = body_encoding_parse(value);
    if (encoding == BODY_8BIT && value.n && !str_eq_nocase(value, STR("8bit")) && !str_eq_nocase(value, STR("binary")))
        return false;
    *ret = encoding;
    return true;
}

bool leaf_header_is_whole(struct str header) {
    return str_ends(header, STR("\r\n\r\n")) || str_eq(header, STR("\r\n"));
}

void leaf_header_add(struct str header, enum body_encoding encoding, bool is_top, struct buf *out) {
    BUF_AUTO line = {0};
    struct header_field field;
    struct str rest = header;
    bool has_version = !is_top;
    buf_addf(&line, "Content-Transfer-Encoding: %s\r\n", body_encoding_name(encoding));
    while (header_next(&rest, &field) == HEADER_FIELD) {
        has_version = has_version || str_eq_nocase(field.name, STR("mime-version"));
        if (!str_eq_nocase(field.name, STR("content-transfer-encoding"))) {
            buf_add_str(out, field.raw);
        } else if (line.n) {
            buf_add_str(out, buf_str(&line));
            buf_reset(&line);
        }
    }
    if (!has_version) buf_add_z(out, "MIME-Version: 1.0\r\n");
    buf_add_str(out, buf_str(&line));
    buf_add_z(out, "\r\n");
}

void leaf_add_encoded(const struct mime_piece *leaf, enum body_encoding to, struct str bytes, bool is_top, struct buf *out) {
    enum body_encoding from;
    if (leaf_encoding_parse(leaf->encoding, &from) && from == to)
        buf_add_str(out, leaf->header);
    else
        leaf_header_add(leaf->header, to, is_top, out);
    if (to == BODY_QUOTED_PRINTABLE) return body_add_text(out, to, bytes);
    body_add_base64(out, bytes);
    if (leaf->delimiter.n == 0) buf_add_z(out, "\r\n");
}
