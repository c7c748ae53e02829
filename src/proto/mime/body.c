/* body.c - content transfer encodings, both ways.
 *
 * Written: whatever the line ends of a text were, next_line() is the one place that finds them, so no bare CR or LF can
 * leave (SM18-SM21), and no line is longer than its encoding allows. Read: lenient, as readers of strangers' mail must be. What
 * is no base64 is skipped, a broken =XX stays as it stands; decoding never fails.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/body.h"

#include "base/encode.h"

#include <string.h>

#define LINE_MAX_7BIT     998
#define LINE_MAX_ENCODED  76
#define QP_ROOM           (LINE_MAX_ENCODED - 1) /* beside the '=' of a soft line break */
#define BASE64_LINE_BYTES 57                     /* make 76 columns */

static const struct {
    const char *name;
    enum body_encoding encoding;
} names[] = {{"7bit", BODY_7BIT}, {"8bit", BODY_8BIT}, {"quoted-printable", BODY_QUOTED_PRINTABLE}, {"base64", BODY_BASE64}};

const char *body_encoding_name(enum body_encoding e) {
    return names[e].name;
}

enum body_encoding body_encoding_parse(struct str value) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(str_trim(value), str_from_z(names[i].name))) return names[i].encoding;
    return BODY_8BIT;
}

/* Take a line off *rest; *ret_is_ended tells whether a CR, LF or CRLF followed it. */
static bool next_line(struct str *rest, struct str *ret_line, bool *ret_is_ended) {
    size_t n = 0;
    if (rest->n == 0) return false;
    while ((n += str_plain_run(str_sub(*rest, n, SIZE_MAX))) < rest->n && rest->p[n] != '\r' && rest->p[n] != '\n') n++;
    *ret_line = str_sub(*rest, 0, n);
    *ret_is_ended = n < rest->n;
    if (*ret_is_ended) n += rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
    *rest = str_sub(*rest, n, SIZE_MAX);
    return true;
}

static bool is_printable(char c) {
    return (c >= ' ' && c <= '~') || c == '\t';
}

enum body_encoding body_encoding_for_text(struct str text) {
    size_t escapes = 0, longest = 0, column = 0;
    for (size_t i = 0; i < text.n; i++) {
        size_t run = str_plain_run(str_sub(text, i, SIZE_MAX));
        column += run;
        i += run;
        if (column > longest) longest = column;
        if (i == text.n) break;
        bool is_end = text.p[i] == '\r' || text.p[i] == '\n';
        escapes += !is_end && !is_printable(text.p[i]);
        column = is_end ? 0 : column + 1;
        if (column > longest) longest = column;
    }
    if (escapes == 0 && longest <= LINE_MAX_7BIT) return BODY_7BIT;
    return escapes < text.n / 6 + 1 ? BODY_QUOTED_PRINTABLE : BODY_BASE64;
}

struct qp_line {
    struct buf *out;
    char text[LINE_MAX_ENCODED + 4];
    size_t n;
};

/* A soft line break when there is no room for so much and its '='. */
static void qp_make_room(struct qp_line *q, size_t n) {
    if (q->n + n <= QP_ROOM) return;
    buf_add(q->out, q->text, q->n);
    buf_add(q->out, "=\r\n", 3);
    q->n = 0;
}

static void qp_add_escaped(struct qp_line *q, char c) {
    static const char digits[] = "0123456789ABCDEF";
    qp_make_room(q, 3);
    q->text[q->n++] = '=';
    q->text[q->n++] = digits[(uint8_t)c >> 4];
    q->text[q->n++] = digits[(uint8_t)c & 15];
}

/* How much at its start may stand as it is, as far as an encoded line can hold it; a line's last character only if it is no
 * blank. */
static size_t qp_plain_run(struct str line) {
    struct str run = str_sub(line, 0, QP_ROOM);
    run.n = str_plain_run(run);
    size_t equals = str_find(run, '=');
    if (equals != STR_NONE) return equals;
    return run.n - (run.n == line.n && str_ends(run, STR(" ")));
}

/* No line may begin with "--": it might be taken for a boundary (RFC 2046 5.1.1). */
static void qp_add_line(struct qp_line *q, struct str line) {
    while (line.n) {
        size_t run = qp_plain_run(line), n = 1;
        bool is_tab = line.p[0] == '\t' && line.n > 1;
        if (run || is_tab) qp_make_room(q, 1);
        bool is_boundary = q->n == 0 && str_starts(line, STR("--"));
        if ((run || is_tab) && !is_boundary) {
            n = is_tab ? 1 : run < QP_ROOM - q->n ? run : QP_ROOM - q->n;
            memcpy(q->text + q->n, line.p, n);
            q->n += n;
        } else {
            qp_add_escaped(q, line.p[0]);
        }
        line = str_sub(line, n, SIZE_MAX);
    }
    buf_add(q->out, q->text, q->n);
    q->n = 0;
}

static void add_lines(struct buf *out, struct str text, bool is_qp) {
    struct qp_line q = {.out = out};
    struct str line;
    bool is_ended;
    while (next_line(&text, &line, &is_ended)) {
        if (is_qp) {
            qp_add_line(&q, line);
        } else {
            buf_add_str(out, line);
        }
        if (is_ended) buf_add(out, "\r\n", 2);
    }
}

void body_add_base64(struct buf *out, struct str bytes) {
    for (size_t at = 0; at < bytes.n; at += BASE64_LINE_BYTES) {
        if (at) buf_add(out, "\r\n", 2);
        base64_encode(out, str_sub(bytes, at, BASE64_LINE_BYTES));
    }
}

void body_add_text(struct buf *out, enum body_encoding e, struct str text) {
    if (e != BODY_BASE64) {
        add_lines(out, text, e == BODY_QUOTED_PRINTABLE);
        return;
    }
    BUF_AUTO clean = {0};
    add_lines(&clean, text, false);
    body_add_base64(out, buf_str(&clean));
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (ascii_is_digit(c)) return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void decode_base64(struct buf *out, struct str body) {
    char *to = buf_reserve(out, body.n / 4 * 3 + 3);
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < body.n && body.p[i] != '='; i++) {
        int v = base64_value(body.p[i]);
        if (v < 0) continue;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        to[n++] = (char)(bits >> have & 0xFF);
    }
    buf_grew(out, n);
}

static int hex_value(char c) {
    if (ascii_is_digit(c)) return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode a line without its end; true when it ends in a soft line break. */
static bool decode_qp_line(struct buf *out, struct str line) {
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t')) line.n--;
    for (size_t equals; (equals = str_find(line, '=')) != STR_NONE;) {
        buf_add_str(out, str_sub(line, 0, equals));
        line = str_sub(line, equals, SIZE_MAX);
        if (line.n == 1) return true;
        int high = line.n > 2 ? hex_value(line.p[1]) : -1;
        int low = high >= 0 ? hex_value(line.p[2]) : -1;
        buf_add_char(out, low >= 0 ? (char)(high << 4 | low) : '=');
        line = str_sub(line, low >= 0 ? 3 : 1, SIZE_MAX);
    }
    buf_add_str(out, line);
    return false;
}

static void decode_qp(struct buf *out, struct str body) {
    while (body.n) {
        size_t end = str_find(body, '\n');
        bool is_ended = end != STR_NONE;
        size_t n = is_ended ? end : body.n;
        struct str line = str_sub(body, 0, n);
        if (is_ended && str_ends(line, STR("\r"))) line.n--;
        if (!decode_qp_line(out, line) && is_ended) buf_add(out, "\r\n", 2);
        body = str_sub(body, n + is_ended, SIZE_MAX);
    }
}

void body_decode(struct buf *out, enum body_encoding e, struct str body) {
    if (e == BODY_BASE64) {
        decode_base64(out, body);
    } else if (e == BODY_QUOTED_PRINTABLE) {
        decode_qp(out, body);
    } else {
        buf_add_str(out, body);
    }
}
