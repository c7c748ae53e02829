/* render.c - runs a template's program: one table of instructions, one stack of contexts, and a price for everything that a
 * hostile template or hostile values could make long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

#define SCRATCH_MAX ((size_t)4 << 20)

void run_charge(struct run *run, size_t steps) {
    if (run->why) return;
    if (steps > run->steps_max - run->steps) {
        run->why = run->steps_max == TEMPLATE_STEPS_MAX ? "Rendering takes too many steps: use fewer or shorter lists"
                                                        : "Rendering for all takes too many steps: send to fewer at once";
        run->steps = run->steps_max;
        return;
    }
    run->steps += steps;
}

/* --- values --- */

/* The item of a list by number, or how many there are. */
static struct value list_member(struct run *run, const struct json *list, struct str name) {
    uint64_t index;
    if (str_eq(name, STR("length"))) {
        return (struct value){.type = VALUE_NUMBER, .text = arena_strf(&run->scratch, "%u", list->count)};
    }
    if (!str_to_u64(name, &index) || index >= list->count) return (struct value){0};
    run_charge(run, (size_t)index / 8);
    const struct json *item = json_first(list);
    while (index-- > 0 && !run->why) item = item->next;
    return value_of_json(item);
}

static struct value member(struct run *run, const struct value *of, struct str name) {
    if (of->type != VALUE_TREE) return (struct value){0};
    run_charge(run, 1);
    if (of->tree->type == JSON_ARRAY) return list_member(run, of->tree, name);
    return value_of_json(json_find(of->tree, name));
}

static struct value outermost_member(struct run *run, struct str name) {
    for (size_t i = 0; i < TEMPLATE_LAYERS_MAX && run->values->layers[i]; i++) {
        const struct json *found = json_find(run->values->layers[i], name);
        if (found) return value_of_json(found);
    }
    return (struct value){0};
}

/* @index and its like of the innermost {{#each}}, or of the `up`-th around it. */
static struct value loop_value(struct run *run, enum path_root root, unsigned up) {
    size_t depth = run->depth;
    while (depth && (!run->frames[depth].is_each || up > 0)) {
        if (run->frames[depth].is_each) up--;
        depth--;
    }
    const struct frame *f = &run->frames[depth];
    if (depth == 0) return (struct value){0};
    if (root == ROOT_FIRST) return value_of_bool(f->index == 0);
    if (root == ROOT_LAST) return value_of_bool(f->index + 1 == f->count);
    if (root == ROOT_KEY && f->is_object) return value_of_text(f->item->key);
    return (struct value){.type = VALUE_NUMBER, .text = arena_strf(&run->scratch, "%zu", f->index)};
}

static struct value path_value(struct run *run, const struct expr *e) {
    const struct path_name *name = e->names;
    struct value v;
    if (e->root != ROOT_HERE && e->root != ROOT_TOP) {
        v = loop_value(run, e->root, e->up);
    } else {
        if (e->up > run->depth) return (struct value){0};
        size_t depth = e->root == ROOT_TOP ? 0 : run->depth - e->up;
        v = run->frames[depth].here;
        if (name && depth == 0) {
            v = outermost_member(run, name->name);
            name = name->next;
        }
    }
    for (; name && !run->why; name = name->next) v = member(run, &v, name->name);
    return v;
}

static struct value call_value(struct run *run, const struct expr *e) {
    struct value args[ARGS_MAX];
    for (size_t i = 0; i < e->arg_count; i++) {
        args[i] = run_eval(run, e->args[i]);
        run_charge(run, 1 + args[i].text.n / 16);
    }
    if (run->why) return (struct value){0};
    struct value v = e->helper->call(run, args, e->arg_count);
    if (run->scratch.used_bytes > SCRATCH_MAX) run->why = "Rendering makes too many or too long values";
    return v;
}

struct value run_eval(struct run *run, const struct expr *e) {
    if (e->kind == EXPR_LITERAL) return e->literal;
    return e->kind == EXPR_CALL ? call_value(run, e) : path_value(run, e);
}

/* --- instructions: each returns which one comes next --- */

static size_t run_text(struct run *run, size_t pc, const struct op *op) {
    emit_text(run, op->text);
    return pc + 1;
}

static size_t run_value(struct run *run, size_t pc, const struct op *op) {
    struct value v = run_eval(run, op->expr);
    emit_value(run, &v, op->flag);
    return pc + 1;
}

static size_t run_test(struct run *run, size_t pc, const struct op *op) {
    struct value v = run_eval(run, op->expr);
    return value_is_true(&v) != op->flag ? pc + 1 : op->target;
}

static size_t run_jump(struct run *run, size_t pc, const struct op *op) {
    (void)run;
    (void)pc;
    return op->target;
}

static size_t run_each(struct run *run, size_t pc, const struct op *op) {
    struct value v = run_eval(run, op->expr);
    if (v.type != VALUE_TREE || v.tree->count == 0) return op->target;
    const struct json *item = json_first(v.tree);
    run->frames[++run->depth] = (struct frame){.here = value_of_json(item),
                                               .is_each = true,
                                               .is_object = v.tree->type == JSON_OBJECT,
                                               .item = item,
                                               .count = v.tree->count};
    return pc + 1;
}

static size_t run_next(struct run *run, size_t pc, const struct op *op) {
    struct frame *f = &run->frames[run->depth];
    f->item = f->item->next;
    f->index++;
    if (!f->item) {
        run->depth--;
        return pc + 1;
    }
    f->here = value_of_json(f->item);
    return op->target;
}

static size_t run_with(struct run *run, size_t pc, const struct op *op) {
    struct value v = run_eval(run, op->expr);
    if (!value_is_true(&v)) return op->target;
    run->frames[++run->depth] = (struct frame){.here = v};
    return pc + 1;
}

static size_t run_leave(struct run *run, size_t pc, const struct op *op) {
    (void)op;
    run->depth--;
    return pc + 1;
}

static size_t (*const instructions[OP_CODES])(struct run *run, size_t pc, const struct op *op) = {
    [OP_TEXT] = run_text, [OP_VALUE] = run_value, [OP_TEST] = run_test, [OP_JUMP] = run_jump,
    [OP_EACH] = run_each, [OP_NEXT] = run_next,   [OP_WITH] = run_with, [OP_LEAVE] = run_leave,
};

enum status template_render(const struct template *t, enum template_context context, const struct template_values *values,
                            struct buf *out, struct template_error *ret_error) {
    struct run run = {.t = t, .context = context, .values = values, .out = out, .out_start = out->n};
    size_t pc = 0, at = 0;
    run.steps_max = values->steps_left && *values->steps_left < TEMPLATE_STEPS_MAX ? *values->steps_left : TEMPLATE_STEPS_MAX;
    run.frames[0].here = value_of_json(values->layers[0]);
    while (pc < t->count && !run.why) {
        at = t->ops[pc].at;
        run_charge(&run, 1);
        if (!run.why) pc = instructions[t->ops[pc].code](&run, pc, &t->ops[pc]);
    }
    arena_fini(&run.scratch);
    if (values->steps_left) *values->steps_left -= run.steps;
    if (!run.why) return STATUS_OK;
    template_error_set(ret_error, t->source, at, run.why);
    return STATUS_LIMIT;
}
