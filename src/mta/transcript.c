/* transcript.c - see transcript.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/transcript.h"

#include <stdarg.h>
#include <stdio.h>

#define LEFT_OUT "(more was said)\n"

void transcript_begin(struct transcript *t, int64_t now_mono) {
    struct buf text = t->text;
    buf_reset(&text);
    *t = (struct transcript){.text = text, .began_at = now_mono};
}

void transcript_fini(struct transcript *t) {
    buf_fini(&t->text);
    *t = (struct transcript){.head_n = 0};
}

void transcript_transaction(struct transcript *t) {
    if (!t->is_greeted) t->head_n = t->text.n;
    t->is_greeted = true;
    t->is_full = false;
    buf_cut(&t->text, t->head_n);
}

static void add_byte(struct buf *out, unsigned char c) {
    if (c >= 0x20 && c < 0x7F && c != '\\')
        buf_add_char(out, (char)c);
    else
        buf_addf(out, "\\x%02X", c);
}

static void add_line(struct transcript *t, int64_t now_mono, char sign, struct str line) {
    size_t max = t->is_greeted ? TRANSCRIPT_MAX : TRANSCRIPT_HEAD_MAX;
    size_t n = line.n < TRANSCRIPT_LINE_MAX ? line.n : TRANSCRIPT_LINE_MAX, before = t->text.n;
    if (t->is_full) return;
    buf_addf(&t->text, "%lld %c ", (long long)(now_mono - t->began_at), sign);
    for (size_t i = 0; i < n; i++) add_byte(&t->text, (unsigned char)line.p[i]);
    if (n < line.n) buf_add_z(&t->text, "...");
    buf_add_char(&t->text, '\n');
    if (t->text.n + sizeof LEFT_OUT <= max) return;
    buf_cut(&t->text, before);
    buf_add_z(&t->text, LEFT_OUT);
    t->is_full = true;
}

static void add_lines(struct transcript *t, int64_t now_mono, char sign, struct str lines) {
    while (!t->is_full && lines.n) {
        size_t end = str_find(lines, '\n');
        if (end == STR_NONE) return;
        struct str line = str_sub(lines, 0, end);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        add_line(t, now_mono, sign, line);
        lines = str_sub(lines, end + 1, SIZE_MAX);
    }
}

void transcript_said(struct transcript *t, int64_t now_mono, struct str lines) {
    add_lines(t, now_mono, '>', lines);
}

void transcript_heard(struct transcript *t, int64_t now_mono, struct str lines) {
    add_lines(t, now_mono, '<', lines);
}

void transcript_note(struct transcript *t, int64_t now_mono, const char *format, ...) {
    char words[TRANSCRIPT_LINE_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (n < 0) return;
    add_line(t, now_mono, '*', str_make(words, (size_t)n < sizeof words ? (size_t)n : sizeof words - 1));
}

struct str transcript_text(const struct transcript *t) {
    return buf_str(&t->text);
}
