/* reply.c - replies are scanned a whole line at a time; the reader remembers how far, so that a server dripping bytes costs
 * no more than one line's search a read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/reply.h"

#include <string.h>

void smtp_reply_format(struct buf *out, const struct smtp_reply *reply) {
    buf_add_u64(out, reply->code);
    buf_add_char(out, ' ');
    if (reply->enhanced.n) {
        buf_add_str(out, reply->enhanced);
        buf_add_char(out, ' ');
    }
    buf_add_str(out, reply->text);
    buf_add_z(out, "\r\n");
}

/* Length of "5.1.10" at the start of s when it is followed by a blank or the end; 0 otherwise. */
static size_t enhanced_length(struct str s) {
    if (s.n < 5 || s.p[0] < '2' || s.p[0] > '5') return 0;
    size_t at = 1;
    for (int part = 0; part < 2; part++) {
        if (at >= s.n || s.p[at++] != '.') return 0;
        size_t digits = 0;
        while (at < s.n && ascii_is_digit(s.p[at])) at++, digits++;
        if (digits < 1 || digits > 3) return 0;
    }
    return at == s.n || s.p[at] == ' ' ? at : 0;
}

/* A line without its end: "250", "250 text" or "250-text". */
static bool line_parse(struct str line, unsigned *ret_code, bool *ret_last) {
    if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5') return false;
    if (!ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2])) return false;
    if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-') return false;
    *ret_code = (unsigned)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0'));
    *ret_last = line.n == 3 || line.p[3] == ' ';
    return true;
}

static struct str without_end(struct str line) {
    if (line.n && line.p[line.n - 1] == '\n') line.n--;
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

enum parse smtp_answer_read(struct smtp_answer_reader *reader, struct str in, struct smtp_answer *ret) {
    for (;;) {
        struct str rest = str_sub(in, reader->checked, SIZE_MAX);
        size_t end = str_find(str_sub(rest, 0, SMTP_ANSWER_LINE_MAX), '\n');
        if (end == STR_NONE) return rest.n < SMTP_ANSWER_LINE_MAX ? PARSE_MORE : PARSE_BAD;
        unsigned code;
        bool last;
        if (!line_parse(without_end(str_sub(rest, 0, end + 1)), &code, &last)) return PARSE_BAD;
        if (reader->lines && code != reader->code) return PARSE_BAD;
        reader->code = code;
        reader->checked += end + 1;
        if (++reader->lines > SMTP_ANSWER_LINES_MAX || reader->checked > SMTP_ANSWER_BYTES_MAX) return PARSE_BAD;
        if (!last) continue;
        *ret = (struct smtp_answer){.code = code, .lines = str_sub(in, 0, reader->checked)};
        struct str text = str_sub(without_end(str_sub(in, 0, str_find(in, '\n') + 1)), 4, SIZE_MAX);
        size_t n = enhanced_length(text);
        if (n && (unsigned)(text.p[0] - '0') == code / 100) ret->enhanced = str_sub(text, 0, n);
        return PARSE_DONE;
    }
}

bool smtp_answer_next_line(struct str *lines, struct str *ret_text) {
    if (lines->n == 0) return false;
    size_t end = str_find(*lines, '\n');
    size_t n = end == STR_NONE ? lines->n : end + 1;
    *ret_text = str_sub(without_end(str_sub(*lines, 0, n)), 4, SIZE_MAX);
    *lines = str_sub(*lines, n, SIZE_MAX);
    return true;
}

/* Length of the UTF-8 character at the start of s, 1 to 4; 0 when it is none or a control character. */
static size_t character_length(struct str s) {
    unsigned char first = (unsigned char)s.p[0];
    if (first < 0x20 || first == 0x7F) return 0;
    size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (n > s.n || !str_is_utf8(str_sub(s, 0, n))) return 0;
    return n == 2 && first == 0xC2 && (unsigned char)s.p[1] < 0xA0 ? 0 : n; /* U+0080 to U+009F are controls too */
}

/* false when the limit is reached. */
static bool add_clean(struct buf *out, struct str text, size_t max) {
    for (size_t i = 0; i < text.n;) {
        size_t n = character_length(str_sub(text, i, SIZE_MAX));
        if (out->n + (n ? n : 1) > max) return false;
        if (n)
            buf_add(out, text.p + i, n);
        else
            buf_add_char(out, '?');
        i += n ? n : 1;
    }
    return true;
}

void smtp_answer_text(struct buf *out, const struct smtp_answer *answer) {
    struct str lines = answer->lines, text;
    size_t start = out->n, max = out->n + SMTP_ANSWER_TEXT_MAX;
    while (smtp_answer_next_line(&lines, &text)) {
        text = str_trim(str_sub(text, enhanced_length(text), SIZE_MAX));
        if (text.n == 0) continue;
        if (out->n > start && out->n < max) buf_add_char(out, ' ');
        if (!add_clean(out, text, max)) return;
    }
}

static void offer_pipelining(struct smtp_offer *o, struct str argument) {
    (void)argument;
    o->pipelining = true;
}
static void offer_eightbit(struct smtp_offer *o, struct str argument) {
    (void)argument;
    o->eightbit = true;
}
static void offer_utf8(struct smtp_offer *o, struct str argument) {
    (void)argument;
    o->utf8 = true;
}
static void offer_starttls(struct smtp_offer *o, struct str argument) {
    (void)argument;
    o->starttls = true;
}
static void offer_requiretls(struct smtp_offer *o, struct str argument) {
    (void)argument;
    o->requiretls = true;
}
static void offer_auth(struct smtp_offer *o, struct str argument) {
    for (struct str mechanism; str_next(&argument, ' ', &mechanism);) {
        o->auth_plain = o->auth_plain || str_eq_nocase(mechanism, STR("PLAIN"));
        o->auth_login = o->auth_login || str_eq_nocase(mechanism, STR("LOGIN"));
    }
}
static void offer_size(struct smtp_offer *o, struct str argument) {
    o->size = true;
    uint64_t n;
    if (str_to_u64(argument, &n)) o->size_max_bytes = n;
}

static const struct {
    struct str word;
    void (*take)(struct smtp_offer *o, struct str argument);
} offers[] = {
    {STR_INIT("PIPELINING"), offer_pipelining}, {STR_INIT("8BITMIME"), offer_eightbit}, {STR_INIT("SMTPUTF8"), offer_utf8},
    {STR_INIT("STARTTLS"), offer_starttls},     {STR_INIT("SIZE"), offer_size},         {STR_INIT("AUTH"), offer_auth},
    {STR_INIT("REQUIRETLS"), offer_requiretls},
};

void smtp_offer_read(const struct smtp_answer *ehlo, struct smtp_offer *ret) {
    *ret = (struct smtp_offer){0};
    struct str lines = ehlo->lines, text;
    (void)smtp_answer_next_line(&lines, &text); /* the first line is the server's name */
    while (smtp_answer_next_line(&lines, &text)) {
        text = str_trim(text);
        struct str word = str_sub(text, 0, str_find(text, ' '));
        for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
            if (str_eq_nocase(word, offers[i].word)) offers[i].take(ret, str_trim(str_sub(text, word.n, SIZE_MAX)));
    }
}
