/* multipart.c - find "--boundary" lines, then read each part's few headers.
 *
 * The first delimiter opens the body (a preamble is refused), each later one is CRLF--boundary. So a boundary inside data that
 * does not start a line is data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/url/multipart.h"

#include "proto/http/http.h"

#include <string.h>

static bool boundary_is_valid(struct str b) {
    for (size_t i = 0; i < b.n; i++)
        if (!ascii_is_alnum(b.p[i]) && (b.p[i] == 0 || !strchr("'()+_,-./:=? ", b.p[i]))) return false;
    return b.n >= 1 && b.n <= 70 && b.p[b.n - 1] != ' ';
}

static bool take(struct str *rest, struct str prefix) {
    if (!str_starts(*rest, prefix)) return false;
    *rest = str_sub(*rest, prefix.n, SIZE_MAX);
    return true;
}

/* Content-Disposition: form-data; name="..."; filename="..." */
static bool read_disposition(struct arena *arena, struct str value, struct multipart_part *part) {
    if (!str_eq_nocase(http_media_type(value), STR("form-data"))) return false;
    if (part->name.p || !http_parameter(arena, value, STR("name"), &part->name)) return false;
    if (!http_parameter(arena, value, STR("filename"), &part->filename)) part->filename = (struct str){0};
    return str_is_utf8(part->name) && !str_has_control(part->name) && str_is_utf8(part->filename) &&
           !str_has_control(part->filename);
}

static bool read_header(struct arena *arena, struct str line, struct multipart_part *part) {
    size_t colon = str_find(line, ':');
    if (colon == STR_NONE || colon == 0 || str_has_control(line)) return false;
    struct str name = str_sub(line, 0, colon), value = str_trim(str_sub(line, colon + 1, SIZE_MAX));
    if (str_eq_nocase(name, STR("content-transfer-encoding"))) {
        return str_eq_nocase(value, STR("7bit")) || str_eq_nocase(value, STR("8bit")) || str_eq_nocase(value, STR("binary"));
    }
    if (str_eq_nocase(name, STR("content-type"))) part->content_type = value;
    return !str_eq_nocase(name, STR("content-disposition")) || read_disposition(arena, value, part);
}

/* Headers up to and with the empty line. */
static enum status read_headers(struct arena *arena, struct str *rest, struct multipart_part *part) {
    size_t total = 0;
    for (;;) {
        struct str window = str_sub(*rest, 0, MULTIPART_HEADER_MAX - total);
        size_t end = str_find_str(window, STR("\r\n"));
        if (end == STR_NONE) return rest->n > window.n ? STATUS_LIMIT : STATUS_INVALID;
        struct str line = str_sub(*rest, 0, end);
        *rest = str_sub(*rest, end + 2, SIZE_MAX);
        total += end + 2;
        if (line.n == 0) return part->name.p ? STATUS_OK : STATUS_INVALID;
        if (!read_header(arena, line, part)) return STATUS_INVALID;
    }
}

/* memmem on the delimiter: linear whatever the data. */
static size_t find_delimiter(struct str s, struct str delimiter) {
    const char *at = memmem(s.p, s.n, delimiter.p, delimiter.n);
    return at ? (size_t)(at - s.p) : STR_NONE;
}

enum status multipart_parse(struct arena *arena, struct str body, struct str boundary, struct multipart_part **ret) {
    if (!boundary_is_valid(boundary)) return STATUS_INVALID;
    struct str delimiter = arena_strf(arena, "\r\n--%.*s", STR_ARG(boundary));
    struct str rest = body;
    struct multipart_part *first = NULL, **tail = &first;
    size_t count = 0;
    if (!take(&rest, str_sub(delimiter, 2, SIZE_MAX))) return STATUS_INVALID;
    while (!take(&rest, STR("--"))) {
        while (take(&rest, STR(" ")) || take(&rest, STR("\t"))) {
        } /* transport padding */
        if (!take(&rest, STR("\r\n"))) return STATUS_INVALID;
        if (++count > MULTIPART_PARTS_MAX) return STATUS_LIMIT;
        struct multipart_part *part = ARENA_NEW(arena, struct multipart_part);
        part->content_type = STR("");
        enum status s = read_headers(arena, &rest, part);
        if (s != STATUS_OK) return s;
        size_t end = find_delimiter(rest, delimiter);
        if (end == STR_NONE) return STATUS_INVALID;
        part->data = str_sub(rest, 0, end);
        rest = str_sub(rest, end + delimiter.n, SIZE_MAX);
        *tail = part;
        tail = &part->next;
    }
    *ret = first;
    return STATUS_OK;
}
