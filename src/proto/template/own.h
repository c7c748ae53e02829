/* own.h - inside template: expressions, the program they stand in, and the state of a rendering.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_TEMPLATE_OWN_H
#define POSTHORN_PROTO_TEMPLATE_OWN_H

#include "proto/template/template.h"

/* What an expression gives. */
enum value_type { VALUE_NONE, VALUE_BOOL, VALUE_NUMBER, VALUE_TEXT, VALUE_TREE };
struct value {
    enum value_type type;
    bool boolean;
    struct str text;         /* TEXT; NUMBER: as it was written */
    const struct json *tree; /* TREE: array or object */
};

#define ARGS_MAX       8
#define EXPR_DEPTH_MAX 8 /* brackets in brackets */

struct run;
struct helper {
    struct str name;
    size_t min, max; /* arguments */
    struct value (*call)(struct run *run, const struct value *args, size_t count);
};
/* NULL: none of that name. */
const struct helper *helper_find(struct str name);

/* Where a path begins. */
enum path_root { ROOT_HERE, ROOT_TOP, ROOT_INDEX, ROOT_KEY, ROOT_FIRST, ROOT_LAST };
struct path_name {
    struct str name;
    struct path_name *next;
};
enum expr_kind { EXPR_PATH, EXPR_LITERAL, EXPR_CALL };
struct expr {
    enum expr_kind kind;
    enum path_root root;
    unsigned up; /* PATH: how often "../" */
    struct path_name *names;
    bool is_plain_name; /* PATH of one name that could be a helper's */
    struct value literal;
    const struct helper *helper;
    const struct expr *args[ARGS_MAX];
    size_t arg_count;
};

enum op_code { OP_TEXT, OP_VALUE, OP_TEST, OP_JUMP, OP_EACH, OP_NEXT, OP_WITH, OP_LEAVE, OP_CODES };
struct op {
    enum op_code code;
    bool flag;               /* VALUE: raw; TEST: unless */
    size_t at;               /* in the source */
    struct str text;         /* TEXT */
    const struct expr *expr; /* VALUE, TEST, EACH, WITH */
    size_t target;           /* JUMP; TEST, EACH, WITH: when it does not hold; NEXT: the body */
};
struct template {
    struct str source;
    const struct op *ops;
    size_t count;
};

/* A place in a source text while it is compiled. */
struct cursor {
    struct arena *arena;
    struct str source;
    size_t pos;
    struct template_error *error;
};
/* Note what is wrong; always false. */
bool cursor_fail(struct cursor *c, size_t at, const char *why, const char *hint);
void template_error_set(struct template_error *ret, struct str source, size_t at, const char *why);
char cursor_peek(const struct cursor *c, size_t ahead); /* 0 at the end */
void cursor_skip_blanks(struct cursor *c);
bool cursor_take(struct cursor *c, struct str word);
/* One expression in brackets, a path or a literal. */
bool expr_parse_one(struct cursor *c, unsigned depth, const struct expr **ret);
/* What stands in a tag: one of those, or a helper with its arguments; ends before "}", "~" or ")". */
bool expr_parse(struct cursor *c, unsigned depth, const struct expr **ret);

struct frame {
    struct value here;
    bool is_each, is_object;
    const struct json *item;
    size_t index, count;
};
struct run {
    const struct template *t;
    enum template_context context;
    const struct template_values *values;
    struct buf *out;
    size_t out_start;
    size_t steps, steps_max;
    size_t depth; /* frames[0] is the outermost */
    struct frame frames[TEMPLATE_DEPTH_MAX + 1];
    struct arena scratch; /* what helpers make */
    const char *why;      /* it stops here */
};
/* Count work that is more than an instruction; at steps_max the run stops. */
void run_charge(struct run *run, size_t steps);
struct value run_eval(struct run *run, const struct expr *expr);

struct value value_of_json(const struct json *json);
struct value value_of_text(struct str text);
struct value value_of_bool(bool b);
bool value_is_true(const struct value *v);
/* TEXT and NUMBER as they are, BOOL in words, the rest "". */
struct str value_text(const struct value *v);
/* It is a number, or a text that reads as one. */
bool value_number(const struct value *v, double *ret);

/* Append to the output as the context demands; raw: without HTML's escapes. */
void emit_value(struct run *run, const struct value *v, bool is_raw);
void emit_text(struct run *run, struct str text);

#endif
