/* expr.c - what stands between {{ and }}: paths, literals, helpers with arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

#include <string.h>

char cursor_peek(const struct cursor *c, size_t ahead) {
    return ahead < c->source.n - c->pos ? c->source.p[c->pos + ahead] : 0;
}

static bool is_blank(char ch) {
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

void cursor_skip_blanks(struct cursor *c) {
    while (is_blank(cursor_peek(c, 0))) c->pos++;
}

bool cursor_take(struct cursor *c, struct str word) {
    if (!str_starts(str_sub(c->source, c->pos, SIZE_MAX), word)) return false;
    c->pos += word.n;
    return true;
}

/* Handlebars' ID: no blanks, and none of the signs that mean something, or might one day. */
static bool is_name_char(char ch) {
    return (unsigned char)ch > ' ' && !strchr("!\"#%&'()*+,./;<=>@[\\]^`{|}~\x7f", ch);
}

static struct str take_name(struct cursor *c) {
    size_t from = c->pos;
    while (cursor_peek(c, 0) && is_name_char(cursor_peek(c, 0))) c->pos++;
    return str_sub(c->source, from, c->pos - from);
}

static bool parse_quoted(struct cursor *c, struct expr *e) {
    size_t from = c->pos;
    char quote = cursor_peek(c, 0);
    size_t n = str_find(str_sub(c->source, from + 1, SIZE_MAX), quote);
    if (n == STR_NONE) return cursor_fail(c, from, "A text is not closed", "end it with the quote it begins with");
    e->kind = EXPR_LITERAL;
    e->literal = value_of_text(str_sub(c->source, from + 1, n));
    c->pos = from + 1 + n + 1;
    return true;
}

static bool is_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_digit(s.p[i])) return false;
    return s.n > 0;
}

/* A number, with what follows the name that was taken: "-12", "1.5". */
static bool take_number(struct cursor *c, size_t from, struct str name, struct expr *e) {
    if (!is_digits(str_sub(name, name.p[0] == '-', SIZE_MAX))) return false;
    if (cursor_peek(c, 0) == '.' && ascii_is_digit(cursor_peek(c, 1))) {
        c->pos++;
        while (ascii_is_digit(cursor_peek(c, 0))) c->pos++;
    }
    e->kind = EXPR_LITERAL;
    e->literal = (struct value){.type = VALUE_NUMBER, .text = str_sub(c->source, from, c->pos - from)};
    return true;
}

static bool take_constant(struct str name, struct expr *e) {
    static const struct {
        struct str name;
        struct value value;
    } constants[] = {
        {STR_INIT("true"), {.type = VALUE_BOOL, .boolean = true}},
        {STR_INIT("false"), {.type = VALUE_BOOL}},
        {STR_INIT("null"), {.type = VALUE_NONE}},
        {STR_INIT("undefined"), {.type = VALUE_NONE}},
    };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        if (!str_eq(name, constants[i].name)) continue;
        e->kind = EXPR_LITERAL;
        e->literal = constants[i].value;
        return true;
    }
    return false;
}

static bool take_root(struct cursor *c, struct expr *e) {
    static const struct {
        struct str name;
        enum path_root root;
    } roots[] = {
        {STR_INIT("root"), ROOT_TOP},    {STR_INIT("index"), ROOT_INDEX}, {STR_INIT("key"), ROOT_KEY},
        {STR_INIT("first"), ROOT_FIRST}, {STR_INIT("last"), ROOT_LAST},
    };
    size_t at = c->pos;
    struct str name = take_name(c);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        if (!str_eq(name, roots[i].name)) continue;
        e->root = roots[i].root;
        return true;
    }
    return cursor_fail(c, at, "Unknown name after @", "there are @index, @key, @first, @last and @root");
}

/* One name of a path: an identifier, or anything in [ ]. */
static bool parse_name(struct cursor *c, struct str *ret) {
    size_t at = c->pos;
    if (cursor_take(c, STR("["))) {
        size_t n = str_find(str_sub(c->source, c->pos, SIZE_MAX), ']');
        if (n == STR_NONE) return cursor_fail(c, at, "A name in [ is not closed", "write ] behind it");
        *ret = str_sub(c->source, c->pos, n);
        c->pos += n + 1;
        return true;
    }
    *ret = take_name(c);
    return ret->n || cursor_fail(c, at, "A name is missing here", "write the name of a value, as in {{FirstName}}");
}

static bool is_separator(char ch) {
    return ch == '.' || ch == '/';
}

/* The names of a path from here on; the first may have been taken already. */
static bool parse_names(struct cursor *c, struct expr *e, struct str first) {
    struct path_name **end = &e->names;
    for (struct str name = first;;) {
        if (name.n) {
            *end = ARENA_NEW(c->arena, struct path_name);
            (*end)->name = name;
            end = &(*end)->next;
        }
        if (!is_separator(cursor_peek(c, 0))) return true;
        c->pos++;
        if (!parse_name(c, &name)) return false;
    }
}

static bool parse_path(struct cursor *c, struct expr *e) {
    struct str name;
    size_t at = c->pos;
    bool is_data = cursor_take(c, STR("@"));
    while (cursor_take(c, STR("../"))) e->up++;
    if (is_data) return take_root(c, e) && parse_names(c, e, (struct str){0});
    if (cursor_take(c, STR(".."))) {
        e->up++;
        return true;
    }
    bool is_here = cursor_take(c, STR("./"));
    if (!is_here && cursor_take(c, STR("."))) return true;
    bool is_bracketed = cursor_peek(c, 0) == '[';
    if (!parse_name(c, &name)) return false;
    if (!is_bracketed && !is_here && !e->up) {
        if (take_number(c, at, name, e) || take_constant(name, e)) return true;
        e->is_plain_name = true;
    }
    if (!is_bracketed && str_eq(name, STR("this"))) {
        e->is_plain_name = false;
        name = (struct str){0};
    }
    if (is_separator(cursor_peek(c, 0))) e->is_plain_name = false;
    return parse_names(c, e, name);
}

bool expr_parse_one(struct cursor *c, unsigned depth, const struct expr **ret) {
    size_t at = c->pos;
    char ch = cursor_peek(c, 0);
    if (cursor_take(c, STR("("))) {
        if (depth == EXPR_DEPTH_MAX) return cursor_fail(c, at, "Too many brackets in brackets", "at most 8");
        if (!expr_parse(c, depth + 1, ret)) return false;
        return cursor_take(c, STR(")")) || cursor_fail(c, at, "A bracket is not closed", "write ) behind the last value");
    }
    struct expr *e = ARENA_NEW(c->arena, struct expr);
    *ret = e;
    return ch == '"' || ch == '\'' ? parse_quoted(c, e) : parse_path(c, e);
}

static bool ends_here(const struct cursor *c) {
    char ch = cursor_peek(c, 0);
    return ch == 0 || ch == '}' || ch == '~' || ch == ')';
}

static bool parse_args(struct cursor *c, unsigned depth, struct expr *e) {
    while (!ends_here(c)) {
        if (e->arg_count == ARGS_MAX) return cursor_fail(c, c->pos, "Too many values for a helper", "at most 8");
        if (!expr_parse_one(c, depth, &e->args[e->arg_count++])) return false;
        if (cursor_peek(c, 0) == '=')
            return cursor_fail(c, c->pos, "name=value is not understood here", "helpers take plain values");
        cursor_skip_blanks(c);
    }
    return true;
}

bool expr_parse(struct cursor *c, unsigned depth, const struct expr **ret) {
    cursor_skip_blanks(c);
    size_t at = c->pos;
    if (!expr_parse_one(c, depth, ret)) return false;
    const struct expr *first = *ret;
    cursor_skip_blanks(c);
    if (ends_here(c)) return true;
    if (first->kind != EXPR_PATH || !first->is_plain_name)
        return cursor_fail(c, c->pos, "Only one value can stand here", "a helper's name comes first, as in {{upper FirstName}}");
    struct expr *e = ARENA_NEW(c->arena, struct expr);
    e->kind = EXPR_CALL;
    e->helper = helper_find(first->names->name);
    if (!e->helper)
        return cursor_fail(c, at, "There is no helper of this name",
                           "there are default, upper, lower, trim, url, date, number, eq, ne, gt, lt, and, or, not");
    if (!parse_args(c, depth, e)) return false;
    if (e->arg_count < e->helper->min || e->arg_count > e->helper->max)
        return cursor_fail(c, at, "Wrong number of values for this helper", "see the list of helpers in docs/templates.md");
    *ret = e;
    return true;
}
