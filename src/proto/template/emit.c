/* emit.c - what leaves a template: escaped for where it goes to, and never more than allowed.
 *
 * Escaping HTML does not make href="{{x}}" safe: "javascript:..." has nothing to escape. So a value that begins such an attribute
 * may have no scheme or one that runs nothing; else "#" stands there. What comes before is looked up in the output, so it
 * does not matter which tags it came from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/template/own.h"

static void put(struct run *run, struct str s) {
    if (s.n > TEMPLATE_OUTPUT_MAX - (run->out->n - run->out_start)) {
        if (!run->why) run->why = "What comes out is too long: at most 2 MiB";
        return;
    }
    buf_add_str(run->out, s);
}

static struct str html_entity(char c) {
    static const struct {
        char c;
        struct str entity;
    } entities[] = {
        {'&', STR_INIT("&amp;")},   {'<', STR_INIT("&lt;")},   {'>', STR_INIT("&gt;")},   {'"', STR_INIT("&quot;")},
        {'\'', STR_INIT("&#x27;")}, {'`', STR_INIT("&#x60;")}, {'=', STR_INIT("&#x3D;")},
    };
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
        if (entities[i].c == c) return entities[i].entity;
    return (struct str){0};
}

static void put_html(struct run *run, struct str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.n && !run->why; i++) {
        struct str entity = html_entity(s.p[i]);
        if (!entity.n) continue;
        put(run, str_sub(s, from, i - from));
        put(run, entity);
        from = i + 1;
    }
    put(run, str_sub(s, from, SIZE_MAX));
}

/* A subject is one line: any run of control characters becomes a blank (HI19). */
static void put_subject(struct run *run, struct str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.n && !run->why; i++) {
        if ((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7F) continue;
        put(run, str_sub(s, from, i - from));
        if (run->out->n == run->out_start || run->out->p[run->out->n - 1] != ' ') put(run, STR(" "));
        from = i + 1;
    }
    put(run, str_sub(s, from, SIZE_MAX));
}

void emit_text(struct run *run, struct str text) {
    if (run->context == TEMPLATE_SUBJECT)
        put_subject(run, text);
    else
        put(run, text);
}

/* Does the output end where the value of an attribute that holds a link begins: href=", src=', ...? */
static bool is_at_link(const struct run *run) {
    static const struct str attributes[] = {STR_INIT("href"), STR_INIT("src"), STR_INIT("action"), STR_INIT("formaction"),
                                            STR_INIT("poster")};
    struct str tail = str_sub(buf_str(run->out), run->out->n > 64 ? run->out->n - 64 : 0, SIZE_MAX);
    while (tail.n && (str_ends(tail, STR(" ")) || str_ends(tail, STR("\"")) || str_ends(tail, STR("'")) ||
                      str_ends(tail, STR("\t")) || str_ends(tail, STR("\r")) || str_ends(tail, STR("\n"))))
        tail.n--;
    if (!str_ends(tail, STR("="))) return false;
    tail = str_trim(str_sub(tail, 0, tail.n - 1));
    size_t name = tail.n;
    while (name && ascii_is_alpha(tail.p[name - 1])) name--;
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (str_eq_nocase(str_sub(tail, name, SIZE_MAX), attributes[i])) return true;
    return false;
}

static bool is_harmless_link(struct str s) {
    static const struct str schemes[] = {STR_INIT("https"), STR_INIT("http"), STR_INIT("mailto"),
                                         STR_INIT("tel"),   STR_INIT("sms"),  STR_INIT("cid")};
    size_t colon = str_find(s, ':');
    if (colon == STR_NONE) return true;
    struct str scheme = str_trim(str_sub(s, 0, colon));
    for (size_t i = 0; i < scheme.n; i++)
        if (scheme.p[i] == '/' || scheme.p[i] == '?' || scheme.p[i] == '#') return true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (str_eq_nocase(scheme, schemes[i])) return true;
    return false;
}

static void emit_scalar(struct run *run, struct str text, bool is_raw) {
    if (run->context == TEMPLATE_HTML) {
        if (text.n && is_at_link(run) && !is_harmless_link(text)) text = STR("#");
        if (!is_raw) {
            put_html(run, text);
            return;
        }
    }
    emit_text(run, text);
}

void emit_value(struct run *run, const struct value *v, bool is_raw) {
    if (v->type != VALUE_TREE) {
        emit_scalar(run, value_text(v), is_raw);
        return;
    }
    if (v->tree->type != JSON_ARRAY) return;
    size_t i = 0;
    JSON_FOR_EACH (item, v->tree) {
        struct value one = value_of_json(item);
        run_charge(run, 1);
        if (run->why) return;
        if (i++) put(run, STR(","));
        emit_scalar(run, value_text(&one), is_raw);
    }
}
