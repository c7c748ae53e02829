/* script.c - lines into a script; a line that is none ends the test.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/script.h"

#include <stdio.h>
#include <stdlib.h>

static void broken(struct str line) {
    fprintf(stderr, "not a line of a transcript: %.*s\n", STR_ARG(line));
    abort();
}

/* \r \n \0 \\ \xHH, and \{N}c for N times c. Returns where the next one begins. */
static size_t unescape_one(struct buf *out, struct str s, size_t i) {
    char c = s.p[i];
    if (c == 'x') {
        char hex[3] = {s.p[i + 1], s.p[i + 2], 0};
        buf_add_char(out, (char)strtol(hex, NULL, 16));
        return i + 3;
    }
    if (c == '{') {
        size_t end = i + str_find(str_sub(s, i, SIZE_MAX), '}');
        uint64_t n;
        if (!str_to_u64(str_sub(s, i + 1, end - i - 1), &n) || end + 1 >= s.n) broken(s);
        while (n--) buf_add_char(out, s.p[end + 1]);
        return end + 2;
    }
    buf_add_char(out, (char)(c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? 0 : c));
    return i + 1;
}

static void unescape(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i = unescape_one(out, s, i + 1);
        else
            buf_add_char(out, s.p[i++]);
    }
}

struct smtp_reply script_reply(struct arena *arena, struct str text) {
    uint64_t code = 0;
    struct str rest = arena_str(arena, text), word, enhanced = {0};
    if (!str_next(&rest, ' ', &word) || !str_to_u64(word, &code) || !str_next(&rest, ' ', &enhanced)) broken(text);
    return (struct smtp_reply){(unsigned)code, enhanced, rest};
}

static void rule_take(struct script *s, char letter, struct str text) {
    size_t end = str_find(text, ';');
    if (end == STR_NONE || s->rule_count == SCRIPT_RULES_MAX) broken(text);
    BUF_AUTO who = {0};
    unescape(&who, str_sub(text, 0, end));
    s->rules[s->rule_count++] = (struct script_rule){letter, arena_str(&s->arena, buf_str(&who)),
                                                     script_reply(&s->arena, str_trim(str_sub(text, end + 1, SIZE_MAX)))};
}

static void wait_take(struct script *s, bool is_tls) {
    if (s->wait_count == sizeof s->waits / sizeof *s->waits) abort();
    s->waits[s->wait_count++] = (struct script_wait){s->client.n, is_tls};
}

static void store_take(struct script *s, struct smtp_reply failure) {
    if (s->store_count == SCRIPT_RULES_MAX) abort();
    s->failures[s->store_count++] = failure;
}

static void kind_take(struct script *s, struct str text) {
    struct str copy = arena_str(&s->arena, text);
    size_t end = str_find(copy, ',');
    s->kind = str_trim(str_sub(copy, 0, end));
    s->flags = end == STR_NONE ? STR("") : str_sub(copy, end + 1, SIZE_MAX);
}

static void line_take(struct script *s, struct str line) {
    if (line.n == 0 || line.p[0] == '#') return;
    if (line.n < 2 || line.p[1] != ':') broken(line);
    struct str text = str_sub(line, 3, SIZE_MAX);
    switch (line.p[0]) {
    case 'K':
        return kind_take(s, text);
    case 'A':
    case 'J':
        return rule_take(s, line.p[0], text);
    case 'F':
        return store_take(s, script_reply(&s->arena, text));
    case 'T':
        return wait_take(s, true);
    case 'X':
        s->closes = true;
        return;
    case 'C':
        unescape(&s->client, text);
        return buf_add_z(&s->client, "\r\n");
    case 'R':
        return unescape(&s->client, text);
    case 'S':
        buf_add_str(&s->server, text);
        buf_add_z(&s->server, "\r\n");
        if (str_starts(text, STR("354 "))) wait_take(s, false);
        return;
    case 'M':
        unescape(&s->mails, text);
        buf_add_char(&s->mails, '\n');
        return store_take(s, (struct smtp_reply){0});
    case 'P':
        s->has_facts = true;
        buf_add_str(&s->facts, text);
        return buf_add_char(&s->facts, '\n');
    default:
        broken(line);
    }
}

void script_read(struct script *s, struct str text) {
    struct str line;
    *s = (struct script){.kind = STR("inbox")};
    while (str_next(&text, '\n', &line)) line_take(s, line);
}

void script_fini(struct script *s) {
    arena_fini(&s->arena);
    buf_fini(&s->client);
    buf_fini(&s->server);
    buf_fini(&s->mails);
    buf_fini(&s->facts);
}

const struct smtp_reply *script_find(const struct script *s, char letter, struct str who) {
    for (size_t i = 0; i < s->rule_count; i++)
        if (s->rules[i].letter == letter && str_eq(s->rules[i].who, who)) return &s->rules[i].reply;
    return NULL;
}
