/* data.c - both directions copy whole runs between the bytes that matter, inwards whole lines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/data.h"

#include <string.h>

#define RUN_MAX 1024 /* how far one search looks: keeps floods of CR linear */

/* Length of a run at the start of s without CR and LF; notes bytes above 127. */
static size_t plain_run(struct str s, bool *eightbit) {
    s = str_sub(s, 0, RUN_MAX);
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf ? (size_t)(lf - s.p) : s.n;
    const char *cr = memchr(s.p, '\r', n);
    if (cr) n = (size_t)(cr - s.p);
    if (!*eightbit) *eightbit = !str_is_ascii(str_make(s.p, n));
    return n;
}

void smtp_data_write(struct smtp_data_writer *w, struct buf *out, struct str in) {
    while (in.n) {
        size_t n = plain_run(in, &w->eightbit);
        if (n) {
            if (!w->in_line && in.p[0] == '.') buf_add_char(out, '.');
            buf_add(out, in.p, n);
            w->in_line = true;
            w->after_cr = false;
            in = str_sub(in, n, SIZE_MAX);
            continue;
        }
        bool is_cr = in.p[0] == '\r';
        if (is_cr || !w->after_cr) { /* the LF of a CRLF is already written */
            buf_add(out, "\r\n", 2);
            w->in_line = false;
        }
        w->after_cr = is_cr;
        in = str_sub(in, 1, SIZE_MAX);
    }
}

void smtp_data_write_end(struct smtp_data_writer *w, struct buf *out) {
    if (w->in_line) buf_add(out, "\r\n", 2);
    buf_add(out, ".\r\n", 3);
    w->in_line = w->after_cr = false;
}

/*              '.'                 CR
 *   LINE_START ----> DOT ------------------> DOT_CR -- LF --> the end
 *       ^  \          | anything else: the dot goes
 *    LF |   \ other   v
 *      CR <-- CR --  TEXT          bare CR or LF: a fault, and never a line's end
 */
enum { LINE_START, TEXT, CR, DOT, DOT_CR };

static void set_fault(struct smtp_data_reader *r, enum smtp_data_fault fault) {
    if (r->fault == SMTP_DATA_GOOD) r->fault = fault;
}

static void keep(struct smtp_data_reader *r, struct buf *out, const char *p, size_t n) {
    if (r->fault != SMTP_DATA_GOOD) return;
    if (n > r->max_bytes || out->n > r->max_bytes - n)
        set_fault(r, SMTP_DATA_TOO_BIG);
    else
        buf_add(out, p, n);
}

/* A run inside a line: no CR, no LF. Of several faults the one at the earliest byte is told, as if bytes came one by one. */
static void take_text(struct smtp_data_reader *r, struct buf *out, struct str run) {
    r->state = TEXT;
    if (r->fault != SMTP_DATA_GOOD) return;
    size_t line_room = r->line_max_bytes - r->line_bytes, room = r->max_bytes - out->n;
    const char *nul = memchr(run.p, 0, run.n);
    size_t clean = nul ? (size_t)(nul - run.p) : run.n;
    if (line_room < run.n && line_room <= clean && line_room <= room)
        set_fault(r, SMTP_DATA_LINE_LONG);
    else if (nul && clean <= room)
        set_fault(r, SMTP_DATA_NUL);
    r->line_bytes += run.n;
    keep(r, out, run.p, run.n);
}

/* One byte where it matters what came before. Returns true at the end of the message. */
static bool take_byte(struct smtp_data_reader *r, struct buf *out, char c) {
    bool after_cr = r->state == CR || r->state == DOT_CR;
    if (c == '\n' && r->state == DOT_CR) return true;
    if (c == '\n' && after_cr) {
        keep(r, out, "\r\n", 2);
        r->state = LINE_START;
        r->line_bytes = 0;
        return false;
    }
    if (after_cr || c == '\n') set_fault(r, SMTP_DATA_BARE);
    if (c == '\r')
        r->state = r->state == DOT ? DOT_CR : CR;
    else if (c == '.' && r->state == LINE_START)
        r->state = DOT;
    else if (c == '\n')
        r->state = TEXT;
    else
        take_text(r, out, str_make(&c, 1));
    return false;
}

/* Length of the line at the start of s, with its CRLF; 0: it has not ended, or something in it wants a closer look. */
static size_t clean_line(const struct smtp_data_reader *r, struct str s) {
    s = str_sub(s, 0, r->line_max_bytes + 2);
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf ? (size_t)(lf - s.p) : 0;
    if (n == 0 || lf[-1] != '\r' || memchr(s.p, '\r', n - 1) || memchr(s.p, 0, n - 1)) return 0;
    return n + 1;
}

/* Whole lines that need nothing are most of every message: they are taken in one go. has_dots: a dot at a line's start means
 * something. Returns how much of s they were. */
static size_t take_clean_lines(struct smtp_data_reader *r, struct buf *out, struct str s, bool has_dots) {
    size_t taken = 0;
    if (r->state != LINE_START || r->fault != SMTP_DATA_GOOD) return 0;
    s = str_sub(s, 0, r->max_bytes - out->n);
    while (taken < s.n && !(has_dots && s.p[taken] == '.')) {
        size_t n = clean_line(r, str_sub(s, taken, SIZE_MAX));
        if (n == 0) break;
        taken += n;
    }
    buf_add(out, s.p, taken);
    return taken;
}

enum parse smtp_data_read(struct smtp_data_reader *r, struct str in, struct buf *out, size_t *ret_used) {
    size_t at = 0;
    bool ignored = true;
    while ((at += take_clean_lines(r, out, str_sub(in, at, SIZE_MAX), true)) < in.n) {
        if (r->state == TEXT || (r->state == LINE_START && in.p[at] != '.')) {
            size_t n = plain_run(str_sub(in, at, SIZE_MAX), &ignored);
            if (n) {
                take_text(r, out, str_sub(in, at, n));
                at += n;
                continue;
            }
        }
        if (!take_byte(r, out, in.p[at++])) continue;
        *ret_used = at;
        return PARSE_DONE;
    }
    *ret_used = in.n;
    return PARSE_MORE;
}

/* The states of DATA without those of dots. Returns how much of s, which is not empty, was taken. */
static size_t take_chunk_part(struct smtp_data_reader *r, struct buf *out, struct str s) {
    bool ignored = true;
    size_t lines = take_clean_lines(r, out, s, false);
    if (lines) return lines;
    size_t n = r->state == CR ? 0 : plain_run(s, &ignored);
    if (n)
        take_text(r, out, str_sub(s, 0, n));
    else
        (void)take_byte(r, out, s.p[0]);
    return n ? n : 1;
}

enum parse smtp_chunk_read(struct smtp_data_reader *r, uint64_t *left_bytes, struct str in, struct buf *out, size_t *ret_used) {
    if (in.n > *left_bytes) in = str_sub(in, 0, (size_t)*left_bytes);
    for (size_t at = 0; at < in.n;) at += take_chunk_part(r, out, str_sub(in, at, SIZE_MAX));
    *left_bytes -= in.n;
    *ret_used = in.n;
    return *left_bytes ? PARSE_MORE : PARSE_DONE;
}

void smtp_chunk_end(struct smtp_data_reader *r, struct buf *out) {
    if (r->state == CR)
        set_fault(r, SMTP_DATA_BARE);
    else if (r->state == TEXT)
        keep(r, out, "\r\n", 2);
}
