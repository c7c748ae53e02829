/* csv.c - see csv.h.
 *
 * A first pass finds where each field begins and ends and nothing else; only a record that is whole is copied, so a record cut
 * anywhere is simply looked at again when there is more of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/csv/csv.h"

#include <string.h>

struct span {
    size_t from, n; /* without the quotes around it */
    size_t inner;   /* how many quotes in it are written twice */
    bool is_quoted;
};
struct scan {
    struct str text;
    char delimiter;
    bool is_last;
    size_t at;
    struct span spans[CSV_FIELDS_MAX];
    size_t count;
    const char *why;
};

/* What stands at `at`: how many bytes the line break has, 0 when there is none, MORE as -1 (a CR whose LF may come). */
static int line_break_at(const struct scan *s, size_t at) {
    if (s->text.p[at] == '\n') return 1;
    if (s->text.p[at] != '\r') return 0;
    if (at + 1 < s->text.n) return s->text.p[at + 1] == '\n' ? 2 : 0;
    return s->is_last ? 0 : -1;
}

/* After a field: the delimiter (then another field comes), a line break or the end. */
static enum parse scan_end_of_field(struct scan *s, bool *ret_is_end) {
    if (s->at == s->text.n) {
        *ret_is_end = true;
        return s->is_last ? PARSE_DONE : PARSE_MORE;
    }
    *ret_is_end = s->text.p[s->at] != s->delimiter;
    if (!*ret_is_end) {
        s->at++;
        return PARSE_DONE;
    }
    int n = line_break_at(s, s->at);
    if (n < 0) return PARSE_MORE;
    if (n == 0) {
        s->why = "there is text behind a closing quote";
        return PARSE_BAD;
    }
    s->at += (size_t)n;
    return PARSE_DONE;
}

static enum parse scan_quoted(struct scan *s, struct span *span) {
    span->is_quoted = true;
    span->from = ++s->at;
    for (;;) {
        const char *quote = memchr(s->text.p + s->at, '"', s->text.n - s->at);
        if (!quote) break;
        s->at = (size_t)(quote - s->text.p) + 1;
        if (s->at == s->text.n && !s->is_last) return PARSE_MORE;
        if (s->at == s->text.n || s->text.p[s->at] != '"') {
            span->n = s->at - 1 - span->from;
            return PARSE_DONE;
        }
        span->inner++;
        s->at++;
    }
    s->why = "a quote is not closed";
    return s->is_last ? PARSE_BAD : PARSE_MORE;
}

static enum parse scan_bare(struct scan *s, struct span *span) {
    span->from = s->at;
    while (s->at < s->text.n && s->text.p[s->at] != s->delimiter) {
        int n = line_break_at(s, s->at);
        if (n < 0) return PARSE_MORE;
        if (n > 0) break;
        s->at++;
    }
    span->n = s->at - span->from;
    return PARSE_DONE;
}

static enum parse scan_record(struct scan *s) {
    bool is_end = false;
    while (!is_end) {
        if (s->count == CSV_FIELDS_MAX) {
            s->why = "there are more than 256 fields";
            return PARSE_BAD;
        }
        struct span *span = &s->spans[s->count];
        *span = (struct span){0};
        enum parse parse = s->at < s->text.n && s->text.p[s->at] == '"' ? scan_quoted(s, span) : scan_bare(s, span);
        if (parse == PARSE_DONE) parse = scan_end_of_field(s, &is_end);
        if (parse != PARSE_DONE) return parse;
        s->count++;
    }
    return PARSE_DONE;
}

static struct str unquote(struct arena *arena, struct str text, const struct span *span) {
    struct str raw = str_sub(text, span->from, span->n);
    if (!span->inner) return raw;
    char *out = arena_alloc(arena, raw.n - span->inner + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        out[n++] = raw.p[i];
        if (raw.p[i] == '"') i++;
    }
    return str_make(out, n);
}

static size_t count_lines(struct str text) {
    size_t lines = 0;
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    return lines;
}

/* Past the first line break, so that one bad line costs one line. */
static enum parse refuse(struct str text, const char *why, struct csv_record *ret, size_t *ret_used) {
    size_t at = str_find(text, '\n');
    *ret = (struct csv_record){.why = why, .lines = at == STR_NONE ? 0 : 1};
    *ret_used = at == STR_NONE ? text.n : at + 1;
    return PARSE_BAD;
}

enum parse csv_parse(struct arena *arena, struct str text, char delimiter, bool is_last, struct csv_record *ret,
                     size_t *ret_used) {
    bool is_cut = text.n > CSV_RECORD_MAX + 2;
    struct scan scan = {.text = str_sub(text, 0, CSV_RECORD_MAX + 2), .delimiter = delimiter, .is_last = is_last && !is_cut};
    enum parse parse = scan_record(&scan);
    bool is_whole = scan.is_last || scan.text.n == CSV_RECORD_MAX + 2;
    if (parse == PARSE_MORE && !is_whole) return PARSE_MORE;
    if (parse == PARSE_BAD && !is_whole && str_find(scan.text, '\n') == STR_NONE) return PARSE_MORE; /* its line has no end */
    if (parse == PARSE_MORE) return refuse(scan.text, "it is longer than 60 KiB, or a quote is not closed", ret, ret_used);
    if (parse == PARSE_BAD) return refuse(scan.text, scan.why, ret, ret_used);
    *ret = (struct csv_record){.fields = arena_array(arena, scan.count, sizeof(struct str)), .count = scan.count};
    for (size_t i = 0; i < scan.count; i++) ret->fields[i] = unquote(arena, text, &scan.spans[i]);
    ret->lines = count_lines(str_sub(text, 0, scan.at));
    *ret_used = scan.at;
    return PARSE_DONE;
}

char csv_guess_delimiter(struct str text) {
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof candidates] = {0}, best = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.n && (is_quoted || text.p[i] != '\n'); i++) {
        if (text.p[i] == '"') is_quoted = !is_quoted;
        for (size_t k = 0; k < sizeof candidates; k++) counts[k] += !is_quoted && text.p[i] == candidates[k];
    }
    for (size_t k = 1; k < sizeof candidates; k++)
        if (counts[k] > counts[best]) best = k;
    return candidates[best];
}
