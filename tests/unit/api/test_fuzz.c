/* test_fuzz.c - JS08, generated from the table: every operation, called whole as its example shows, with each of its parameters
 * in turn set to each kind of value. A value of the wrong type is refused by a code or a field that says which; no answer is a
 * fault.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "api/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG 1000000 /* bytes of the longest text */

struct fuzz {
    struct world *w;
    struct tenant tenant;
    char admin_key[128];
    int tenants, calls, refused, failures;
    struct buf big; /* the longest text, as JSON */
};

static int set_up(void **state) {
    struct fuzz *f = calloc(1, sizeof *f);
    f->w = world_new();
    buf_add_char(&f->big, '"');
    memset(buf_reserve(&f->big, BIG), 'x', BIG);
    buf_grew(&f->big, BIG);
    buf_add_char(&f->big, '"');
    REPLY_AUTO admin = world_operator(f->w, "User.Create",
                                      "\"EmailAddress\":\"admin@fuzz.test\",\"Password\":\"correct horse\",\"IsAdmin\":true");
    snprintf(f->admin_key, sizeof f->admin_key, "%.*s", STR_ARG(reply_text(&admin, "APIKey")));
    assert_true(f->admin_key[0] != '\0');
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fuzz *f = *state;
    world_free(f->w);
    buf_fini(&f->big);
    free(f);
    return 0;
}

/* Whatever an operation did to the last one: somebody who may call. */
static void need_tenant(struct fuzz *f) {
    if (f->tenants) {
        char members[64];
        snprintf(members, sizeof members, "\"DomainID\":%s", f->tenant.domain_id);
        REPLY_AUTO domain = world_command(f->w, f->tenant.user_key, "EmailGateway.GetDomain", members);
        REPLY_AUTO sender = world_send(f->w, f->tenant.sender_key, "{}");
        if (reply_code(&domain) == 0 && !reply_has_code(&sender, 13)) return;
    }
    char email[64], domain[64];
    snprintf(email, sizeof email, "owner-%d@fuzz.test", ++f->tenants);
    snprintf(domain, sizeof domain, "fuzz-%d.test", f->tenants);
    f->tenant = world_tenant(f->w, email, domain);
}

/* ---- one call ---- */
static bool is_in_path(const struct operation *op, const char *name) {
    char place[80];
    snprintf(place, sizeof place, "{%s}", name);
    return op->path && strstr(op->path, place);
}

/* The example's members, and secrets, which no example shows, with p's replaced by `value`, JSON text. */
static void add_body(struct buf *out, const struct fuzz *f, const struct operation *op, const struct param *p,
                     const char *value) {
    ARENA_AUTO arena = {0};
    const struct json *example = NULL;
    struct json_error error;
    struct json_writer w = {.out = out};
    if (op->request) assert_true(json_parse(&arena, str_from_z(op->request), &example, &error));
    json_open_object(&w);
    if (!op->path) json_add_z(&w, STR("Command"), op->name);
    JSON_FOR_EACH (it, example) {
        if (str_eq_nocase(it->key, str_from_z(p->name))) continue;
        json_key(&w, it->key);
        if (str_eq(it->key, STR("DomainID")))
            json_raw(&w, str_from_z(f->tenant.domain_id)); /* so that there is something to work on */
        else if (str_eq(it->key, STR("DomainName")))
            json_str(&w, arena_strf(&arena, "n%zu.example", (size_t)f->calls)); /* one that nobody has yet */
        else
            json_value(&w, it);
    }
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param *secret = &op->params[i];
        if (secret->type != PARAM_SECRET || secret == p || json_find_nocase(example, str_from_z(secret->name))) continue;
        json_add_z(&w, str_from_z(secret->name), "no such thing");
    }
    if (!is_in_path(op, p->name)) json_add_raw(&w, str_from_z(p->name), str_from_z(value));
    json_close_object(&w);
}

/* The path with 1, or the tenant's domain, for each {Name}, and the value's text for p's. False: a path cannot say that. */
static bool add_path(struct buf *out, const struct fuzz *f, const struct operation *op, const struct param *p,
                     const char *value) {
    struct str rest = str_from_z(op->path), text = str_from_z(value);
    if (text.p[0] == '"') text = str_sub(text, 1, text.n - 2);
    bool can_say = text.n && text.n <= 100 && text.p[0] != '[' && text.p[0] != '{';
    if (is_in_path(op, p->name) && !can_say) return false;
    while (rest.n) {
        size_t open = str_find(rest, '{'), end = str_find(rest, '}');
        buf_add_str(out, str_sub(rest, 0, open));
        if (open == STR_NONE) break;
        struct str place = str_sub(rest, open + 1, end - open - 1);
        bool is_ours = str_eq(place, str_from_z(p->name)), is_domain = str_eq(place, STR("DomainID"));
        buf_add_str(out, is_ours ? text : is_domain ? str_from_z(f->tenant.domain_id) : STR("1"));
        rest = str_sub(rest, end + 1, SIZE_MAX);
    }
    buf_add_char(out, '\0');
    return true;
}

/* Administrators and operators come through the control socket, where each operation can be called by name. */
static struct reply call(struct fuzz *f, const struct operation *op, const char *path, const char *body) {
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    bool is_control = op->style == STYLE_CONTROL;
    const char *key = op->caller == CALLER_SENDER ? f->tenant.sender_key : f->tenant.user_key;
    f->calls++;
    return world_ask(f->w, &(struct ask){
                               .method = op->path ? methods[op->method] : "POST",
                               .path = op->path     ? path
                                       : is_control ? "/control"
                                                    : "/api.php",
                               .bearer = op->caller == CALLER_ADMIN ? f->admin_key
                                         : is_control               ? NULL
                                                                    : key,
                               .is_control = is_control,
                               .body = body,
                           });
}

/* ---- the verdict ---- */
static bool is_refused(const struct reply *r) {
    const struct json *success = json_find(r->json, STR("Success"));
    return json_find(r->json, STR("Errors")) || (json_is(success, JSON_BOOL) && !success->boolean);
}

static bool is_code(const struct json *value, int code) {
    int64_t number;
    if (code && json_to_i64(value, &number) && number == code) return true;
    JSON_FOR_EACH (it, json_is(value, JSON_ARRAY) ? value : NULL) {
        if (code && json_to_i64(it, &number) && number == code) return true;
    }
    return false;
}

/* By its field, or by a code that its row has. */
static bool names(const struct json *refusal, const char *code, const struct param *p) {
    if (str_eq(json_find_text(refusal, STR("Field")), str_from_z(p->name))) return true;
    const struct json *value = json_find(refusal, str_from_z(code));
    return is_code(value, p->missing) || is_code(value, p->invalid);
}

static bool is_named(const struct reply *r, const struct param *p) {
    if (names(r->json, "ErrorCode", p)) return true;
    JSON_FOR_EACH (it, json_find(r->json, STR("Errors"))) {
        if (names(it, "Code", p)) return true;
    }
    return false;
}

/* What the table alone says of a body. */
struct verdict {
    bool is_wrong; /* the parameter is */
    bool is_plain; /* the row has an example, and nothing else is wrong: the answer must be about it */
};

static struct verdict judge(const struct operation *op, size_t k, struct str body) {
    ARENA_AUTO arena = {0};
    struct refused_list refused = {0};
    struct input input = {0};
    const char *why;
    struct json *path = NULL;
    assert_true(input_parse_body(&arena, STR(""), body, &input.body, &why));
    for (size_t i = 0; i < op->param_count; i++) {
        if (is_in_path(op, op->params[i].name)) input_add(&arena, &path, str_from_z(op->params[i].name), STR("1"));
    }
    input.path = path;
    const struct arg *args = params_check(op, &input, &arena, &refused);
    struct verdict v = {.is_wrong = args[k].raw && !args[k].is_given, .is_plain = op->request != NULL};
    for (size_t i = 0; i < op->param_count; i++) {
        bool is_missing = !args[i].raw && op->params[i].is_required;
        if (i != k && (is_missing || (args[i].raw && !args[i].is_given))) v.is_plain = false;
    }
    return v;
}

static void try_value(struct fuzz *f, const struct operation *op, size_t k, const char *value) {
    const struct param *p = &op->params[k];
    BUF_AUTO body = {0};
    BUF_AUTO path = {0};
    add_body(&body, f, op, p, value);
    if (op->path && !add_path(&path, f, op, p, value)) return;
    REPLY_AUTO r = call(f, op, path.p, body.p);
    struct verdict v = judge(op, k, buf_str(&body));
    bool refused = is_refused(&r), is_fault = r.status >= 500 || reply_code(&r) == REFUSAL_FAULT;
    f->refused += refused;
    if (!is_fault && (!v.is_wrong || (refused && (!v.is_plain || is_named(&r, p))))) return;
    print_error("%s, %s = %.60s: HTTP %d, %.*s\n", op->name, p->name, value, r.status,
                STR_ARG(str_sub(buf_str(&r.body), 0, 300)));
    f->failures++;
}

static void each_value_of_each_field_is_judged_JS08(void **state) {
    struct fuzz *f = *state;
    /* the last but one and two: DB01, DB02 */
    const char *const values[] = {"null",
                                  "true",
                                  "0",
                                  "1.5",
                                  "\"\"",
                                  "[]",
                                  "{}",
                                  "-1",
                                  "\"wrong\"",
                                  "[null]",
                                  "{\"a\":null}",
                                  "\"1' OR '1'='1'; DROP TABLE accounts; --\"",
                                  "\"%_\\\\'\\\"`$1?1:a@x\"",
                                  f->big.p};
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *op = operation_at(i);
        if (op->style == STYLE_PROBE) continue;
        for (size_t k = 0; k < op->param_count; k++) {
            need_tenant(f);
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) try_value(f, op, k, values[v]);
        }
    }
    print_message("%d calls, %d refused, %d tenants\n", f->calls, f->refused, f->tenants);
    assert_int_equal(f->failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_value_of_each_field_is_judged_JS08, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
