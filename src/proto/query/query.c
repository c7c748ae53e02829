/* query.c - one walk over the text with one bit of state: does an operand come next, or has one just ended?
 *
 * The words are cut first (a name with its colon, a phrase, a range), the bit says whether they may stand there, and an AND is
 * put where two operands meet. Brackets are a counter and the places of the open ones. Every function that may fail answers
 * through fail(), so an error always has a place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/query/query.h"

#include <string.h>

struct parser {
    struct str text;
    size_t at;
    struct arena *arena;
    struct query *query;
    struct query_error error;
    bool has_operand; /* one stands before `at`: an operator or the end may come */
    size_t open[QUERY_DEPTH_MAX], depth;
};

static bool fail(struct parser *p, size_t at, const char *why) {
    p->error = (struct query_error){at, why};
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool ends_word(char c) {
    return is_blank(c) || c == '(' || c == ')' || c == '"';
}

static bool is_at(const struct parser *p, char c) {
    return p->at < p->text.n && p->text.p[p->at] == c;
}

static void skip_blanks(struct parser *p) {
    while (p->at < p->text.n && is_blank(p->text.p[p->at])) p->at++;
}

static bool add(struct parser *p, const struct query_item *item) {
    static const char why[] = "the query has more than 64 words, operators and brackets";
    if (p->query->count == QUERY_ITEMS_MAX) return fail(p, item->at, why);
    p->query->items[p->query->count++] = *item;
    return true;
}

/* An operand begins here: what stands directly before it is joined by AND. */
static bool begin_operand(struct parser *p, size_t at) {
    return !p->has_operand || add(p, &(struct query_item){.kind = QUERY_AND, .at = at});
}

/* ---- values ---- */
/* After the opening quote; ends behind the closing one. */
static bool take_phrase(struct parser *p, struct str *ret) {
    size_t start = p->at++;
    char *copy = arena_alloc(p->arena, p->text.n - start);
    size_t n = 0;
    while (!is_at(p, '"')) {
        if (is_at(p, '\\') && p->at + 1 < p->text.n && memchr("\"\\", p->text.p[p->at + 1], 2)) p->at++;
        if (p->at >= p->text.n) return fail(p, start, "this quote is not closed");
        copy[n++] = p->text.p[p->at++];
    }
    p->at++;
    if (n == 0) return fail(p, start, "there is nothing between the quotes");
    *ret = str_make(copy, n);
    return true;
}

static struct str take_word(struct parser *p, bool in_range) {
    size_t start = p->at;
    while (p->at < p->text.n && !ends_word(p->text.p[p->at]) && !(in_range && p->text.p[p->at] == ']')) p->at++;
    return str_sub(p->text, start, p->at - start);
}

static bool take_bound(struct parser *p, struct str *ret) {
    static const char why[] = "a range is written field:[from TO to], with * for an open end";
    skip_blanks(p);
    if (is_at(p, '"')) return take_phrase(p, ret);
    size_t start = p->at;
    struct str word = take_word(p, true);
    if (word.n == 0 || str_eq(word, STR("TO"))) return fail(p, start, why);
    if (str_find(word, '*') != STR_NONE && word.n > 1) return fail(p, start, "a bound of a range takes no *, but may be * alone");
    *ret = str_eq(word, STR("*")) ? (struct str){0} : word;
    return true;
}

/* At "["; ends behind "]". */
static bool take_range(struct parser *p, struct query_item *item) {
    static const char why[] = "a range is written field:[from TO to]";
    size_t start = p->at++;
    if (!take_bound(p, &item->value)) return false;
    skip_blanks(p);
    size_t middle = p->at;
    struct str word = take_word(p, true);
    if (str_eq_nocase(word, STR("TO")) && !str_eq(word, STR("TO"))) return fail(p, middle, "TO is written in capitals");
    if (!str_eq(word, STR("TO"))) return fail(p, start, why);
    if (!take_bound(p, &item->to)) return false;
    skip_blanks(p);
    if (!is_at(p, ']')) return fail(p, start, why);
    p->at++;
    item->match = item->value.p || item->to.p ? QUERY_RANGE : QUERY_PRESENT;
    return true;
}

/* Other languages' way to say more or less; <...> is a message's id. */
static bool is_comparison(struct str word) {
    return str_starts(word, STR(">")) || (str_starts(word, STR("<")) && !str_ends(word, STR(">")));
}

/* A word that may end in a star. */
static bool set_word(struct parser *p, size_t at, struct str word, struct query_item *item) {
    static const char why[] = "* may stand only at the end of a word; put the word in quotes to search for the sign";
    size_t star = str_find(word, '*');
    if (star != STR_NONE && star + 1 < word.n) return fail(p, at + star, why);
    if (item->field.p && is_comparison(word))
        return fail(p, at, "more and less are written field:[from TO *] and field:[* TO to]");
    item->match = star == STR_NONE ? QUERY_IS : star == 0 ? QUERY_PRESENT : QUERY_PREFIX;
    item->value = str_sub(word, 0, star);
    if (item->match == QUERY_PRESENT && !item->field.p) return fail(p, at, "a lone * needs a field before it, as in link:*");
    return true;
}

static bool no_value(struct parser *p, size_t at) {
    if (is_at(p, '(')) return fail(p, at, "brackets stand around whole terms, as in (tag:a OR tag:b)");
    skip_blanks(p);
    if (p->at > at && p->at < p->text.n) return fail(p, at, "no blank may stand between the colon and the value");
    return fail(p, at, "a value is missing after the colon");
}

static bool take_value(struct parser *p, struct query_item *item) {
    size_t start = p->at;
    if (is_at(p, '"')) return take_phrase(p, &item->value);
    if (is_at(p, '[')) {
        if (!item->field.p) return fail(p, start, "a range needs a field before it, as in date:[2026-01-01 TO 2026-01-31]");
        return take_range(p, item);
    }
    struct str word = take_word(p, false);
    if (word.n == 0) return no_value(p, start);
    return set_word(p, start, word, item);
}

/* ---- the sentence ---- */
static bool term(struct parser *p) {
    struct query_item item = {.kind = QUERY_TERM, .at = p->at};
    if (!begin_operand(p, p->at)) return false;
    size_t start = p->at;
    struct str word = take_word(p, false);
    size_t colon = str_find(word, ':');
    if (colon == 0) return fail(p, start, "a field's name is missing before the colon");
    p->at = start;
    if (colon != STR_NONE) {
        item.field = str_sub(word, 0, colon);
        p->at = start + colon + 1;
    }
    p->has_operand = true;
    return take_value(p, &item) && add(p, &item);
}

static bool add_operator(struct parser *p, enum query_kind kind, size_t at) {
    p->has_operand = false;
    return add(p, &(struct query_item){.kind = kind, .at = at});
}

static bool binary(struct parser *p, enum query_kind kind, size_t at) {
    static const char why[] =
        "nothing stands before this AND or OR that it could join; the word itself is searched for in quotes";
    return p->has_operand ? add_operator(p, kind, at) : fail(p, at, why);
}

static bool negation(struct parser *p, size_t at) {
    return begin_operand(p, at) && add_operator(p, QUERY_NOT, at);
}

/* The sentence or a bracket ends where an operand should come. */
static bool no_operand(struct parser *p) {
    static const char *const hints[] = {
        [QUERY_AND] = "nothing to search for follows this AND; the word itself is searched for in quotes",
        [QUERY_OR] = "nothing to search for follows this OR; the word itself is searched for in quotes",
        [QUERY_NOT] = "nothing to search for follows this NOT; the word itself is searched for in quotes",
        [QUERY_OPEN] = "there is nothing between these brackets",
    };
    const struct query_item *last = &p->query->items[p->query->count - 1];
    return fail(p, last->at, hints[last->kind]);
}

static bool open_bracket(struct parser *p) {
    if (!begin_operand(p, p->at)) return false;
    if (p->depth == QUERY_DEPTH_MAX) return fail(p, p->at, "brackets are nested deeper than 16");
    p->open[p->depth++] = p->at;
    p->has_operand = false;
    return add(p, &(struct query_item){.kind = QUERY_OPEN, .at = p->at++});
}

static bool close_bracket(struct parser *p) {
    if (p->depth == 0) return fail(p, p->at, "this ) has no ( before it");
    if (!p->has_operand) return no_operand(p);
    p->depth--;
    return add(p, &(struct query_item){.kind = QUERY_CLOSE, .at = p->at++});
}

static bool next(struct parser *p) {
    static const struct {
        struct str word;
        enum query_kind kind;
    } operators[] = {{STR_INIT("AND"), QUERY_AND}, {STR_INIT("OR"), QUERY_OR}, {STR_INIT("NOT"), QUERY_NOT}};
    if (is_at(p, '(')) return open_bracket(p);
    if (is_at(p, ')')) return close_bracket(p);
    size_t start = p->at;
    struct str word = take_word(p, false);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (!str_eq(word, operators[i].word)) continue;
        return operators[i].kind == QUERY_NOT ? negation(p, start) : binary(p, operators[i].kind, start);
    }
    p->at = start;
    return term(p);
}

static bool parse(struct parser *p) {
    if (p->text.n > QUERY_LENGTH_MAX) return fail(p, QUERY_LENGTH_MAX, "the query is longer than 1024 bytes");
    if (!str_is_utf8(p->text)) return fail(p, 0, "the query is not UTF-8");
    for (skip_blanks(p); p->at < p->text.n; skip_blanks(p))
        if (!next(p)) return false;
    if (p->query->count == 0) return fail(p, 0, "there is nothing to search for");
    if (p->depth) return fail(p, p->open[p->depth - 1], "this ( is not closed");
    return p->has_operand || no_operand(p);
}

/* Tabs are blanks; every other control character is nobody's search. */
static bool has_control(struct str text, size_t *ret_at) {
    for (size_t i = 0; i < text.n; i++) {
        if (!str_has_control(str_sub(text, i, 1)) || text.p[i] == '\t') continue;
        *ret_at = i;
        return true;
    }
    return false;
}

bool query_parse(struct str text, struct arena *arena, struct query *ret, struct query_error *ret_error) {
    struct query *query = ARENA_NEW(arena, struct query);
    struct parser p = {.text = text, .arena = arena, .query = query};
    size_t at;
    bool is_fine = has_control(text, &at) ? fail(&p, at, "the query holds a control character") : parse(&p);
    if (is_fine)
        *ret = *query;
    else
        *ret_error = p.error;
    return is_fine;
}

size_t query_position(struct str text, size_t at) {
    size_t characters = 1;
    for (size_t i = 0; i < at && i < text.n; i++) characters += ((unsigned char)text.p[i] & 0xC0u) != 0x80;
    return characters;
}
