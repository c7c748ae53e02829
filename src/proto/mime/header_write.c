/* header_write.c - writing header fields so that every reader sees the same: folds only at blanks, encoded words where needed.
 *
 * In a text, everything from the first word that needs encoding to the last one is encoded as one run, so no blank between
 * neighbouring encoded words is lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/header.h"

#include "proto/address/address.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/param.h"

#define COLUMN_MAX       76 /* RFC 5322 asks for 78, RFC 2047 2 for 76 where encoded words are */
#define ENCODED_ROOM_MIN 24 /* below this an encoded word starts on a new line */
#define QUOTED_MAX       60 /* longer quoted strings become encoded words, which fold */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static void add(struct header_writer *w, struct str s) {
    buf_add_str(w->out, s);
    w->column += s.n;
    w->is_fresh = false;
}

static void fold(struct header_writer *w) {
    buf_add_z(w->out, "\r\n");
    w->column = 0;
}

void header_begin_str(struct header_writer *w, struct str name) {
    buf_add_str(w->out, name);
    buf_add_char(w->out, ':');
    w->column = name.n + 1;
    w->is_fresh = true;
}

void header_begin(struct header_writer *w, const char *name) {
    header_begin_str(w, str_from_z(name));
}

void header_token(struct header_writer *w, struct str token) {
    if (!w->is_fresh && w->column + 1 + token.n > COLUMN_MAX) fold(w);
    add(w, STR(" "));
    add(w, token);
}

/* The next run of blanks and the word behind it. */
static struct str next_piece(struct str text, size_t from) {
    size_t i = from;
    while (i < text.n && is_blank(text.p[i])) i++;
    while (i < text.n && !is_blank(text.p[i])) i++;
    return str_sub(text, from, i - from);
}

static bool piece_is_plain(struct str s) {
    if (s.n > HEADER_WORD_MAX || str_find_str(s, STR("=?")) != STR_NONE) return false;
    for (size_t i = 0; i < s.n; i++)
        if (((uint8_t)s.p[i] < 0x20 && s.p[i] != '\t') || (uint8_t)s.p[i] > 0x7E) return false;
    return true;
}

static void add_encoded(struct header_writer *w, struct str text) {
    while (text.n) {
        if (w->column + 1 + ENCODED_ROOM_MIN > COLUMN_MAX) fold(w);
        add(w, STR(" "));
        size_t room = COLUMN_MAX - w->column, before = w->out->n;
        encoded_word_add(w->out, &text, room < ENCODED_WORD_MAX ? room : ENCODED_WORD_MAX);
        w->column += w->out->n - before;
        if (text.n) fold(w);
    }
}

/* Words with the blanks in front of them; a fold only ever comes before a blank. */
static void add_plain(struct header_writer *w, struct str text) {
    for (size_t at = 0; at < text.n;) {
        struct str piece = next_piece(text, at);
        at += piece.n;
        if (w->is_fresh) {
            add(w, STR(" "));
        } else if (w->column + piece.n > COLUMN_MAX) {
            fold(w);
        }
        add(w, piece);
    }
}

void header_text(struct header_writer *w, struct str text) {
    text = str_trim(text);
    size_t first = text.n, last = 0; /* the run that needs encoding */
    for (size_t at = 0; at < text.n;) {
        struct str piece = next_piece(text, at);
        at += piece.n;
        if (piece_is_plain(piece)) continue;
        if (first == text.n) first = at - piece.n;
        last = at;
    }
    if (first == text.n) {
        add_plain(w, text);
        return;
    }
    add_plain(w, str_sub(text, 0, first));
    if (first > 0) first++; /* its blank is the one in front of the encoded word */
    add_encoded(w, str_sub(text, first, last - first));
    add_plain(w, str_sub(text, last, SIZE_MAX));
}

static bool phrase_is_atoms(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' ? s.p[i + 1] == ' ' : !address_is_atext(s.p[i])) return false;
    return s.n <= HEADER_WORD_MAX && str_find_str(s, STR("=?")) == STR_NONE;
}

static void add_quoted(struct header_writer *w, struct str s) {
    BUF_AUTO quoted = {0};
    buf_add_char(&quoted, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') buf_add_char(&quoted, '\\');
        buf_add_char(&quoted, s.p[i]);
    }
    buf_add_char(&quoted, '"');
    header_token(w, buf_str(&quoted));
}

/* One encoded word where that holds it, since some readers put a blank between two of a phrase. */
static void add_encoded_phrase(struct header_writer *w, struct str text) {
    BUF_AUTO word = {0};
    struct str rest = text;
    encoded_word_add(&word, &rest, ENCODED_WORD_MAX);
    if (rest.n) {
        add_encoded(w, text);
    } else {
        header_token(w, buf_str(&word));
    }
}

void header_phrase(struct header_writer *w, struct str text) {
    text = str_trim(text);
    if (phrase_is_atoms(text)) {
        struct str rest = text, word;
        while (str_next(&rest, ' ', &word)) header_token(w, word);
    } else if (piece_is_plain(text) && text.n <= QUOTED_MAX) {
        add_quoted(w, text);
    } else {
        add_encoded_phrase(w, text);
    }
}

void header_mailbox(struct header_writer *w, struct str name, struct str address, bool has_more) {
    BUF_AUTO token = {0};
    bool is_named = !str_is_empty(str_trim(name));
    if (is_named) header_phrase(w, name);
    if (is_named) buf_add_char(&token, '<');
    buf_add_str(&token, address);
    if (is_named) buf_add_char(&token, '>');
    if (has_more) buf_add_char(&token, ',');
    header_token(w, buf_str(&token));
}

static bool is_attribute_char(char c) {
    return param_is_token(str_make(&c, 1)) && c != '*' && c != '\'' && c != '%';
}

/* RFC 2231 4: percent-encode whole characters of *text into out while they fit. */
static void add_percent(struct buf *out, struct str *text, size_t room) {
    size_t start = out->n;
    while (text->n) {
        size_t before = out->n, n = 0;
        do {
            char c = text->p[n++];
            if (is_attribute_char(c)) {
                buf_add_char(out, c);
            } else {
                buf_addf(out, "%%%02X", (unsigned)(uint8_t)c);
            }
        } while (n < text->n && ((uint8_t)text->p[n] & 0xC0) == 0x80);
        if (before > start && out->n - start > room) {
            buf_cut(out, before);
            return;
        }
        *text = str_sub(*text, n, SIZE_MAX);
    }
}

static void add_extended(struct header_writer *w, const char *name, struct str value) {
    for (unsigned i = 0; value.n; i++) {
        BUF_AUTO segment = {0};
        struct str rest = value;
        buf_addf(&segment, "%s*=utf-8''", name);
        add_percent(&segment, &rest, COLUMN_MAX - 1 - segment.n);
        if (i > 0 || rest.n) {
            buf_reset(&segment);
            rest = value;
            buf_addf(&segment, "%s*%u*=%s", name, i, i ? "" : "utf-8''");
            add_percent(&segment, &rest, COLUMN_MAX - 2 - segment.n);
        }
        value = rest;
        if (value.n) buf_add_char(&segment, ';');
        header_token(w, buf_str(&segment));
    }
}

void header_param(struct header_writer *w, const char *name, struct str value) {
    BUF_AUTO token = {0};
    add(w, STR(";"));
    bool is_simple = piece_is_plain(value) && value.n <= QUOTED_MAX && str_find(value, '"') == STR_NONE &&
                     str_find(value, '\\') == STR_NONE && str_find(value, '\t') == STR_NONE;
    if (!is_simple) {
        add_extended(w, name, value);
        return;
    }
    const char *quote = param_is_token(value) ? "" : "\"";
    buf_addf(&token, "%s=%s%.*s%s", name, quote, STR_ARG(value), quote);
    header_token(w, buf_str(&token));
}

void header_end(struct header_writer *w) {
    buf_add_z(w->out, "\r\n");
}
