/* template.c - from a text to a program: finds the tags, keeps the stack of open blocks, and puts jumps where they were.
 *
 *     {{#if a}} A {{else}} B {{/if}}      TEST a -> 3 | A | JUMP 4 | 3: B | 4:
 *     {{#each a}} A {{else}} B {{/each}}  EACH a -> 4 | 1: A | NEXT 1 | JUMP 5 | 4: B | 5:
 *     {{#with a}} A {{/with}}             WITH a -> 3 | A | LEAVE | 3:
 * The JUMPs that leave a block are chained through their targets until its end is known.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

#include <string.h>

enum block_kind { BLOCK_IF, BLOCK_UNLESS, BLOCK_EACH, BLOCK_WITH };
static const struct block_words {
    struct str name;
    enum op_code code;
    const char *open; /* how it is told that one is not closed */
} block_words[] = {
    [BLOCK_IF] = {STR_INIT("if"), OP_TEST, "end it with {{/if}}"},
    [BLOCK_UNLESS] = {STR_INIT("unless"), OP_TEST, "end it with {{/unless}}"},
    [BLOCK_EACH] = {STR_INIT("each"), OP_EACH, "end it with {{/each}}"},
    [BLOCK_WITH] = {STR_INIT("with"), OP_WITH, "end it with {{/with}}"},
};
#define BLOCK_KINDS (sizeof block_words / sizeof block_words[0])
#define NOWHERE     SIZE_MAX

struct block {
    enum block_kind kind;
    size_t at;    /* its tag, for errors */
    size_t test;  /* the op whose target is what comes next in the block */
    size_t exits; /* chain of JUMPs to its end; NOWHERE: none */
    bool has_else;
};

enum tag_kind { TAG_VALUE, TAG_COMMENT, TAG_OPEN, TAG_CLOSE, TAG_ELSE };
struct tag {
    enum tag_kind kind;
    enum block_kind block; /* OPEN, CLOSE, ELSE with a condition */
    bool is_raw;
    bool trims_left, trims_right; /* ~ */
    const struct expr *expr;      /* ELSE: NULL when it is the last one */
    size_t at, end;
};

struct compiler {
    struct cursor cursor;
    struct buf ops; /* struct op */
    struct block blocks[TEMPLATE_DEPTH_MAX];
    size_t depth;
    size_t text_at; /* text from here on is not in the program yet */
};

void template_error_set(struct template_error *ret, struct str source, size_t at, const char *why) {
    *ret = (struct template_error){.at = at, .line = 1, .column = 1, .why = why, .hint = ""};
    for (size_t i = 0; i < at && i < source.n; i++) {
        ret->column++;
        if (source.p[i] != '\n') continue;
        ret->line++;
        ret->column = 1;
    }
}

bool cursor_fail(struct cursor *c, size_t at, const char *why, const char *hint) {
    template_error_set(c->error, c->source, at, why);
    c->error->hint = hint;
    return false;
}

static struct op *op_at(struct compiler *c, size_t i) {
    return (struct op *)(void *)c->ops.p + i;
}

static size_t op_count(const struct compiler *c) {
    return c->ops.n / sizeof(struct op);
}

static size_t op_add(struct compiler *c, struct op op) {
    buf_add(&c->ops, &op, sizeof op);
    return op_count(c) - 1;
}

static void add_text(struct compiler *c, size_t to) {
    if (to <= c->text_at) return;
    op_add(c, (struct op){.code = OP_TEXT, .at = c->text_at, .text = str_sub(c->cursor.source, c->text_at, to - c->text_at)});
}

/* --- tags --- */

/* Where the end of a {{!-- comment begins: "--}}" or "--~}}". */
static size_t find_long_end(struct str s) {
    size_t at = 3;
    for (;;) {
        size_t n = str_find_str(str_sub(s, at, SIZE_MAX), STR("--"));
        if (n == STR_NONE) return STR_NONE;
        at += n;
        struct str rest = str_sub(s, at + 2, 3);
        if (str_starts(rest, STR("}}")) || str_eq(rest, STR("~}}"))) return at + 2;
        at++;
    }
}

static bool parse_comment(struct cursor *c, struct tag *tag) {
    tag->kind = TAG_COMMENT;
    struct str rest = str_sub(c->source, c->pos, SIZE_MAX);
    bool is_long = str_starts(rest, STR("!--"));
    size_t n = is_long ? find_long_end(rest) : str_find_str(rest, STR("}}"));
    if (n == STR_NONE) return cursor_fail(c, tag->at, "A comment is not closed", is_long ? "end it with --}}" : "end it with }}");
    c->pos += n;
    if (!is_long && c->source.p[c->pos - 1] == '~') c->pos--;
    return true;
}

static bool take_block_name(struct cursor *c, enum block_kind *ret) {
    size_t at = c->pos;
    for (size_t i = 0; i < BLOCK_KINDS; i++) {
        if (!cursor_take(c, block_words[i].name)) continue;
        char next = cursor_peek(c, 0);
        if (next == ' ' || next == '\t' || next == '\r' || next == '\n' || next == '}' || next == '~' || next == '(') {
            *ret = (enum block_kind)i;
            return true;
        }
        c->pos = at;
    }
    return cursor_fail(c, at, "There is no block of this name", "there are #if, #unless, #each and #with");
}

static bool parse_condition(struct cursor *c, struct tag *tag) {
    cursor_skip_blanks(c);
    size_t at = c->pos;
    if (cursor_peek(c, 0) == '}' || cursor_peek(c, 0) == '~' || cursor_peek(c, 0) == 0)
        return cursor_fail(c, at, "A value is missing here", "name what the block is about, as in {{#if FirstName}}");
    if (!expr_parse_one(c, 0, &tag->expr)) return false;
    cursor_skip_blanks(c);
    char next = cursor_peek(c, 0);
    return next == '}' || next == '~' ||
           cursor_fail(c, c->pos, "A block takes one value", "put a helper in brackets, as in {{#if (eq a b)}}");
}

static bool parse_else(struct cursor *c, struct tag *tag) {
    tag->kind = TAG_ELSE;
    cursor_skip_blanks(c);
    char next = cursor_peek(c, 0);
    if (next == '}' || next == '~' || next == 0) return true;
    size_t at = c->pos;
    if (!take_block_name(c, &tag->block)) return false;
    if (tag->block != BLOCK_IF && tag->block != BLOCK_UNLESS)
        return cursor_fail(c, at, "Only if and unless can follow else", "open a block of its own inside the else part");
    return parse_condition(c, tag);
}

static bool is_else(struct cursor *c) {
    size_t at = c->pos;
    cursor_skip_blanks(c);
    if (cursor_take(c, STR("else"))) {
        char next = cursor_peek(c, 0);
        if (next == ' ' || next == '\t' || next == '\r' || next == '\n' || next == '}' || next == '~') return true;
    }
    c->pos = at;
    return false;
}

static bool parse_value(struct cursor *c, struct tag *tag) {
    tag->kind = TAG_VALUE;
    return expr_parse(c, 0, &tag->expr);
}

/* What the tag is, by its first signs; ends before its end. */
static bool parse_inside(struct cursor *c, struct tag *tag) {
    if (cursor_peek(c, 0) == '!') return parse_comment(c, tag);
    if (cursor_take(c, STR("#"))) {
        tag->kind = TAG_OPEN;
        cursor_skip_blanks(c);
        return take_block_name(c, &tag->block) && parse_condition(c, tag);
    }
    if (cursor_take(c, STR("/"))) {
        tag->kind = TAG_CLOSE;
        cursor_skip_blanks(c);
        return take_block_name(c, &tag->block);
    }
    if (cursor_take(c, STR("^"))) {
        tag->kind = TAG_ELSE;
        cursor_skip_blanks(c);
        if (cursor_peek(c, 0) == '}' || cursor_peek(c, 0) == '~') return true;
        return cursor_fail(c, tag->at, "{{^name}} is not understood", "write {{#unless name}}");
    }
    if (cursor_peek(c, 0) == '>') return cursor_fail(c, tag->at, "A template cannot include another one", "put its text here");
    if (is_else(c)) return parse_else(c, tag);
    tag->is_raw = cursor_take(c, STR("&"));
    return parse_value(c, tag);
}

/* The tag that begins at tag->at. */
static bool parse_tag(struct cursor *c, struct tag *tag) {
    c->pos = tag->at + 2;
    if (str_starts(str_sub(c->source, c->pos, 2), STR("{{")))
        return cursor_fail(c, tag->at, "Four brackets are not understood", "write \\{{ for brackets that stay as they are");
    tag->trims_left = cursor_take(c, STR("~"));
    bool is_triple = cursor_take(c, STR("{"));
    if (is_triple ? !parse_value(c, tag) : !parse_inside(c, tag)) return false;
    cursor_skip_blanks(c);
    if (is_triple) {
        tag->is_raw = true;
        if (!cursor_take(c, STR("}"))) return cursor_fail(c, tag->at, "A tag is not closed", "end it with }}}");
    }
    tag->trims_right = cursor_take(c, STR("~"));
    if (!cursor_take(c, STR("}}"))) return cursor_fail(c, tag->at, "A tag is not closed", "end it with }}");
    tag->end = c->pos;
    return true;
}

/* --- blanks around tags --- */

static bool is_space(char ch) {
    return ch == ' ' || ch == '\t';
}

/* A tag that is alone on its line, and puts nothing there itself, takes the line with it. */
static bool is_standalone(struct str source, const struct tag *tag) {
    size_t from = tag->at, to = tag->end;
    if (tag->kind == TAG_VALUE) return false;
    while (from && is_space(source.p[from - 1])) from--;
    while (to < source.n && is_space(source.p[to])) to++;
    if (from && source.p[from - 1] != '\n') return false;
    return to == source.n || source.p[to] == '\n' || (source.p[to] == '\r' && to + 1 < source.n && source.p[to + 1] == '\n');
}

static void add_text_before(struct compiler *c, const struct tag *tag, size_t to, bool is_alone) {
    struct str source = c->cursor.source;
    while (tag->trims_left && to > c->text_at && (is_space(source.p[to - 1]) || strchr("\r\n", source.p[to - 1]))) to--;
    while (is_alone && to > c->text_at && is_space(source.p[to - 1])) to--;
    add_text(c, to);
}

static void skip_after(struct compiler *c, const struct tag *tag, bool is_alone) {
    struct cursor *cursor = &c->cursor;
    if (tag->trims_right) {
        cursor_skip_blanks(cursor);
    } else if (is_alone) {
        while (is_space(cursor_peek(cursor, 0))) cursor->pos++;
        cursor_take(cursor, STR("\r"));
        cursor_take(cursor, STR("\n"));
    }
    c->text_at = cursor->pos;
}

/* --- blocks --- */

static bool open_block(struct compiler *c, const struct tag *tag) {
    if (c->depth == TEMPLATE_DEPTH_MAX)
        return cursor_fail(&c->cursor, tag->at, "Too many blocks in blocks", "at most 32 can be open");
    struct op op = {.code = block_words[tag->block].code, .flag = tag->block == BLOCK_UNLESS, .at = tag->at, .expr = tag->expr};
    c->blocks[c->depth++] = (struct block){.kind = tag->block, .at = tag->at, .test = op_add(c, op), .exits = NOWHERE};
    return true;
}

/* The part of the block that its test let in ends here. */
static void end_part(struct compiler *c, const struct block *b) {
    if (b->has_else) return;
    if (b->kind == BLOCK_EACH) op_add(c, (struct op){.code = OP_NEXT, .at = b->at, .target = b->test + 1});
    if (b->kind == BLOCK_WITH) op_add(c, (struct op){.code = OP_LEAVE, .at = b->at});
}

static bool else_block(struct compiler *c, const struct tag *tag) {
    struct block *b = c->depth ? &c->blocks[c->depth - 1] : NULL;
    if (!b || b->has_else)
        return cursor_fail(&c->cursor, tag->at, b ? "A block has one {{else}}" : "{{else}} stands outside of any block",
                           b ? "a condition can follow: {{else if name}}" : "open a block before it");
    if (tag->expr && b->kind != BLOCK_IF && b->kind != BLOCK_UNLESS)
        return cursor_fail(&c->cursor, tag->at, "This block takes a plain {{else}}", "open another block inside the else part");
    end_part(c, b);
    b->exits = op_add(c, (struct op){.code = OP_JUMP, .at = tag->at, .target = b->exits});
    op_at(c, b->test)->target = op_count(c);
    b->has_else = !tag->expr;
    if (tag->expr)
        b->test = op_add(c, (struct op){.code = OP_TEST, .flag = tag->block == BLOCK_UNLESS, .at = tag->at, .expr = tag->expr});
    return true;
}

static bool close_block(struct compiler *c, const struct tag *tag) {
    if (c->depth == 0)
        return cursor_fail(&c->cursor, tag->at, "This closes a block that is not open", "take it out, or open the block before");
    struct block *b = &c->blocks[c->depth - 1];
    if (b->kind != tag->block)
        return cursor_fail(&c->cursor, tag->at, "This closes another block than the last one opened", block_words[b->kind].open);
    end_part(c, b);
    if (!b->has_else) op_at(c, b->test)->target = op_count(c);
    for (size_t i = b->exits; i != NOWHERE;) {
        size_t next = op_at(c, i)->target;
        op_at(c, i)->target = op_count(c);
        i = next;
    }
    c->depth--;
    return true;
}

static bool add_value(struct compiler *c, const struct tag *tag) {
    op_add(c, (struct op){.code = OP_VALUE, .flag = tag->is_raw, .at = tag->at, .expr = tag->expr});
    return true;
}

static bool add_nothing(struct compiler *c, const struct tag *tag) {
    (void)c;
    (void)tag;
    return true;
}

static bool add_tag(struct compiler *c, size_t at, size_t text_to) {
    static bool (*const add[])(struct compiler *, const struct tag *) = {
        [TAG_VALUE] = add_value,   [TAG_COMMENT] = add_nothing, [TAG_OPEN] = open_block,
        [TAG_CLOSE] = close_block, [TAG_ELSE] = else_block,
    };
    struct tag tag = {.at = at};
    if (!parse_tag(&c->cursor, &tag)) return false;
    bool is_alone = is_standalone(c->cursor.source, &tag);
    add_text_before(c, &tag, text_to, is_alone);
    if (!add[tag.kind](c, &tag)) return false;
    skip_after(c, &tag, is_alone);
    return true;
}

/* From the cursor to behind the next tag; *ret_done when there is none. "\{{" is text, "\\{{" a backslash and a tag. */
static bool compile_next(struct compiler *c, bool *ret_done) {
    struct cursor *cursor = &c->cursor;
    size_t n = str_find_str(str_sub(cursor->source, cursor->pos, SIZE_MAX), STR("{{"));
    if (n == STR_NONE) {
        add_text(c, cursor->source.n);
        *ret_done = true;
        return true;
    }
    size_t at = cursor->pos + n, slashes = 0;
    while (slashes < 2 && at - slashes > c->text_at && cursor->source.p[at - slashes - 1] == '\\') slashes++;
    if (slashes != 1) return add_tag(c, at, at - (slashes == 2));
    add_text(c, at - 1);
    c->text_at = at;
    cursor->pos = at + 2;
    return true;
}

static bool compile(struct compiler *c) {
    bool is_done = false;
    while (!is_done)
        if (!compile_next(c, &is_done)) return false;
    if (c->depth == 0) return true;
    const struct block *b = &c->blocks[c->depth - 1];
    return cursor_fail(&c->cursor, b->at, "A block is not closed", block_words[b->kind].open);
}

bool template_compile(struct arena *arena, struct str source, const struct template **ret, struct template_error *ret_error) {
    struct compiler c = {.cursor = {arena, source, 0, ret_error}};
    if (source.n > TEMPLATE_SOURCE_MAX) return cursor_fail(&c.cursor, 0, "The template is too long", "at most 256 KiB");
    if (!str_is_utf8(source)) return cursor_fail(&c.cursor, 0, "The template is not UTF-8", "save it in that encoding");
    bool is_fine = compile(&c);
    if (is_fine) {
        struct op *ops = arena_alloc(arena, c.ops.n);
        struct template *t = ARENA_NEW(arena, struct template);
        if (c.ops.n) memcpy(ops, c.ops.p, c.ops.n);
        *t = (struct template){source, ops, op_count(&c)};
        *ret = t;
    }
    buf_fini(&c.ops);
    return is_fine;
}

bool template_has_values(const struct template *t) {
    for (size_t i = 0; i < t->count; i++)
        if (t->ops[i].code != OP_TEXT) return true;
    return false;
}
