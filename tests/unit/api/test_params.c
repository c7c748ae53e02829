/* test_params.c - requests into parameters: where they come from, what they may be (decisions 1-5, JS01-JS17).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/params.h"

#include <string.h>

static const struct json *body_of(struct arena *arena, const char *type, const char *text) {
    const struct json *ret = NULL;
    const char *why = NULL;
    assert_true(input_parse_body(arena, str_from_z(type), str_from_z(text), &ret, &why));
    return ret;
}

static void assert_text(const struct json *root, const char *name, const char *want) {
    struct input input = {.body = root};
    struct str got = input_text(&input, str_from_z(name));
    if (!str_eq(got, str_from_z(want))) print_error("%s: '%.*s'\n", name, STR_ARG(got));
    assert_true(str_eq(got, str_from_z(want)));
}

static void a_body_is_json_whatever_its_type_says(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const struct json *root = body_of(&arena, "application/x-www-form-urlencoded", " \r\n{\"WebhookID\":\"123\",\"n\":5}");
    assert_text(root, "webhookid", "123");
    assert_text(root, "N", "5");
}

/* JS13: what the bytes are counts, not what Content-Type calls them. UTF-16 is no JSON (RFC 8259 8.1). */
static void a_wrong_content_type_changes_nothing_JS13(void **state) {
    (void)state;
    static const char *const types[] = {"",
                                        "text/plain",
                                        "application/xml",
                                        "application/json; charset=utf-16",
                                        "multipart/form-data",
                                        "application/octet-stream",
                                        ";;;",
                                        "application/json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ARENA_AUTO arena = {0};
        assert_text(body_of(&arena, types[i], "{\"a\":\"\xc3\xa4\"}"), "a", "\xc3\xa4");
    }
    static const struct str wide[] = {STR_INIT("{\0\"\0a\0\"\0:\0001\0}\0"), STR_INIT("\0{\0\"\0a\0\"\0:\0001\0}"),
                                      STR_INIT("\xff\xfe{\0}\0"), STR_INIT("\xfe\xff\0{\0}")};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        ARENA_AUTO arena = {0};
        const struct json *ret;
        const char *why;
        assert_false(input_parse_body(&arena, STR("application/json; charset=utf-16"), wide[i], &ret, &why));
    }
}

/* HT34: the last of equal names wins, [] makes a list, and what has too many parts is refused as a whole. */
static void repeated_names_are_defined_and_capped_HT34(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const struct json *root = body_of(&arena, "application/x-www-form-urlencoded", "a=1&A=2&b[]=x&b[]=y&c&=5&d=");
    assert_text(root, "a", "2");
    assert_int_equal(json_find(root, STR("b"))->count, 2);
    assert_text(root, "c", "");
    BUF_AUTO many = {0};
    for (int i = 0; i < 10000; i++) buf_addf(&many, "%sp%d=1", i ? "&" : "", i);
    const char *why = NULL;
    assert_false(input_parse_form(&arena, buf_str(&many), &root, &why));
    assert_non_null(why);
}

static void forms_make_structures(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const struct json *root = body_of(&arena, "application/x-www-form-urlencoded; charset=utf-8",
                                      "Subject=Hi+there&To[0][email]=a%40b.test&To[0][name]=&To[1][email]=c%40d.test&Tags[]=x&"
                                      "Tags[]=y&Headers[X-A]=1&Subject=%5B2026%5D");
    assert_text(root, "subject", "[2026]"); /* a list only where the parameter is one */
    const struct json *to = json_find(root, STR("To"));
    assert_true(json_is(to, JSON_ARRAY));
    assert_int_equal(to->count, 2);
    assert_true(str_eq(json_find_text(json_first(to), STR("email")), STR("a@b.test")));
    assert_true(str_eq(json_find_text(json_first(to)->next, STR("email")), STR("c@d.test")));
    const struct json *tags = json_find(root, STR("Tags"));
    assert_true(json_is(tags, JSON_ARRAY) && str_eq(json_first(tags)->text, STR("x")));
    assert_true(json_is(json_find(root, STR("Headers")), JSON_OBJECT));
}

static void multipart_is_a_form(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const struct json *root = body_of(&arena, "multipart/form-data; boundary=xx",
                                      "--xx\r\nContent-Disposition: form-data; name=\"Command\"\r\n\r\nUser.Login\r\n"
                                      "--xx\r\nContent-Disposition: form-data; name=\"Username\"\r\n\r\na@b.test\r\n--xx--\r\n");
    assert_text(root, "command", "User.Login");
    assert_text(root, "USERNAME", "a@b.test");
}

static void broken_bodies_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *type, *text;
    } cases[] = {
        {"application/json", "{"},
        {"application/json", "[1]"},
        {"application/json", "\"x\""},
        {"application/json", "{\"a\":1}{\"b\":2}"},
        {"application/json", "{\"a\":1,\"a\":2}"},
        {"application/json", "{\"a\":\"\\ud800\"}"},
        {"application/json", "{'a':1}"},
        {"application/json", "{\"a\":NaN}"},
        {"application/x-www-form-urlencoded", "a=%zz"},
        {"application/x-www-form-urlencoded", "a=1&a[b]=2"},
        {"application/x-www-form-urlencoded", "a[b=2"},
        {"application/x-www-form-urlencoded", "a[0][1][2][3][4][5][6][7][8][9]=2"},
        {"multipart/form-data", "--xx"},
        {"text/plain", "hello"},
        {"", "a=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        const struct json *ret;
        const char *why = NULL;
        bool is_good = input_parse_body(&arena, str_from_z(cases[i].type), str_from_z(cases[i].text), &ret, &why);
        if (is_good) print_error("taken: %s\n", cases[i].text);
        assert_false(is_good);
        assert_non_null(why);
    }
}

/* JS11: a valid body cut anywhere is refused, or empty. */
static void a_cut_body_is_refused(void **state) {
    (void)state;
    static const char text[] = "{\"Subject\":\"H\\u00e9\",\"To\":[{\"email\":\"a@b.test\",\"name\":null}],\"n\":1.5}";
    for (size_t n = 1; n + 1 < sizeof text; n++) {
        ARENA_AUTO arena = {0};
        const struct json *ret;
        const char *why;
        assert_false(input_parse_body(&arena, STR("application/json"), str_make(text, n), &ret, &why));
    }
}

static void the_body_wins_and_nothing_is_nothing(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const char *why;
    struct input input = {.body = body_of(&arena, "", "{\"a\":\"body\",\"b\":null,\"c\":\"\",\"d\":[]}")};
    assert_true(input_parse_form(&arena, STR("A=query&B=query&c=&e=1"), &input.query, &why));
    assert_true(str_eq(input_text(&input, STR("a")), STR("body")));
    assert_true(str_eq(input_text(&input, STR("b")), STR("query")));
    assert_null(input_find(&input, STR("c")));
    assert_non_null(input_find(&input, STR("d")));
    assert_true(str_eq(input_text(&input, STR("E")), STR("1")));
    assert_null(input_find(&input, STR("f")));
}

/* ---- one value of one type ---- */
static bool fits(enum param_type type, const char *json, struct arg *ret) {
    struct param p = {"X", type, false, 0, 0, 0, 10, "a parameter"};
    if (type == PARAM_STRINGS || type == PARAM_METADATA) p.min = 5;
    struct operation op = {.name = "test", .params = &p, .param_count = 1};
    static struct arena arena;
    struct refused_list refused = {0};
    BUF_AUTO text = {0};
    arena_fini(&arena);
    buf_addf(&text, "{\"x\":%s}", json);
    struct str kept = arena_str(&arena, buf_str(&text));
    struct input input = {0};
    const char *why;
    assert_true(input_parse_body(&arena, STR(""), kept, &input.body, &why));
    *ret = params_check(&op, &input, &arena, &refused)[0];
    if (refused.count) {
        assert_int_equal(refused.items[0].code, REFUSAL_FIELD);
        assert_true(str_eq(refused.items[0].field, STR("X")));
        assert_true(str_starts(refused.items[0].message, STR("X ")));
    }
    assert_int_equal(refused.count, ret->is_given ? 0 : 1);
    return ret->is_given;
}

static void values_fit_their_types(void **state) {
    (void)state;
    static const struct {
        enum param_type type;
        const char *json;
        bool fits;
        int64_t number;
    } cases[] = {
        {PARAM_TEXT, "\"abc\"", true, 0},
        {PARAM_TEXT, "\"a\\r\\nb\"", false, 0},
        {PARAM_TEXT, "\"12345678901\"", false, 0},
        {PARAM_TEXT, "5", false, 0},
        {PARAM_CONTENT, "\"a\\r\\nb\"", true, 0},
        {PARAM_ID, "17", true, 17},
        {PARAM_ID, "\"17\"", true, 17},
        {PARAM_ID, "0", false, 0},
        {PARAM_ID, "-1", false, 0},
        {PARAM_ID, "1.0", false, 0},
        {PARAM_ID, "\"9223372036854775807\"", true, INT64_MAX}, /* DB08, JS16 */
        {PARAM_ID, "9223372036854775808", false, 0},
        {PARAM_ID, "\"12x\"", false, 0},
        {PARAM_INT, "10", true, 10},
        {PARAM_INT, "\"0\"", true, 0},
        {PARAM_INT, "11", false, 0},
        {PARAM_INT, "-1", false, 0},
        {PARAM_LABEL, "5", true, 0},
        {PARAM_LABEL, "\"ab\"", true, 0},
        {PARAM_LABEL, "1.5", false, 0},
        {PARAM_BOOL, "true", true, 1},
        {PARAM_BOOL, "\"No\"", true, 0},
        {PARAM_BOOL, "1", true, 1},
        {PARAM_BOOL, "2", false, 0},
        {PARAM_BOOL, "\"maybe\"", false, 0},
        {PARAM_TIME, "1617235200", true, 1617235200000},
        {PARAM_TIME, "\"2021-04-01\"", true, 1617235200000},
        {PARAM_TIME, "\"2021-04-01 00:00:01\"", true, 1617235201000},
        {PARAM_TIME, "\"2021-02-30\"", false, 0},
        {PARAM_TIME, "\"2021-04-01 00:00:60\"", false, 0},
        {PARAM_TIME, "-1", false, 0},
        {PARAM_TIME, "999999999999", false, 0},
        {PARAM_TIME, "\"now\"", false, 0},
        {PARAM_MOMENT, "\"2021-04-01\"", false, 0},
        {PARAM_MOMENT, "\"2021-04-01 12:00:00\"", true, 1617278400000},
        {PARAM_EVENT, "\"open\"", true, 1 << 7},
        {PARAM_EVENT, "\"Opened\"", true, 1 << 7},
        {PARAM_EVENT, "[\"bounce\",\"delivered\"]", true, (1 << 4) | (1 << 3)},
        {PARAM_EVENT, "\"delivery,bounce\"", true, (1 << 4) | (1 << 3)},
        {PARAM_EVENT, "[]", false, 0},
        {PARAM_EVENT, "\"explode\"", false, 0},
        {PARAM_EMAIL, "\"a@b.test\"", true,
         0}, /* HI12, HI14: what reaches SMTP commands is an address by its grammar, or a number */
        {PARAM_EMAIL, "\"a@b.test\\r\\nRCPT TO:<x@y.test>\"", false, 0},
        {PARAM_EMAIL, "\"a@b.test\\n\"", false, 0},
        {PARAM_EMAIL, "\"a@b.test> SIZE=1\"", false, 0},
        {PARAM_EMAIL, "\"<a@b.test>\"", false, 0},
        {PARAM_EMAIL, "\"x@y.test,a@b.test\"", false, 0},
        {PARAM_INT, "\"5 NOTIFY=NEVER\"", false, 0},
        {PARAM_INT, "\"5\\r\\n\"", false, 0},
        {PARAM_DOMAIN, "\"b.test\\r\\n\"", false, 0},
        {PARAM_DOMAIN, "\"Example.COM\"", true, 0},
        {PARAM_DOMAIN, "\"localhost\"", false, 0},
        {PARAM_HOST_LABEL, "\"Out-1\"", true, 0},
        {PARAM_HOST_LABEL, "\"-out\"", false, 0},
        {PARAM_HOST_LABEL, "\"a.b\"", false, 0},
        {PARAM_SCOPES, "\"send, events\"", true, 3},
        {PARAM_SCOPES, "\"send,root\"", false, 0},
        {PARAM_MAILBOX, "{}", true, 0},
        {PARAM_MAILBOX, "\"a@b.test\"", false, 0},
        {PARAM_MAILBOXES, "[]", true, 0},
        {PARAM_MAILBOXES, "{}", false, 0},
        {PARAM_MAILBOX, "\"{\\\"email\\\":\\\"e\\\"}\"", true, 0}, /* as forms send it, and clients of the reference */
        {PARAM_LIST, "\"[\\\"a\\\"]\"", true, 0},
        {PARAM_LIST, "\"[1\"", false, 0},
        {PARAM_LIST, "\"a,b\"", false, 0},
        {PARAM_TEXT, "\"[2026]\"", true, 0},
        {PARAM_SECRET, "\"{}\"", true, 0},
        {PARAM_STRINGS, "[\"a\"]", true, 0},
        {PARAM_STRINGS, "[1]", false, 0},
        {PARAM_STRINGS, "[\"abcdef\"]", false, 0},
        {PARAM_METADATA, "{\"a\":1,\"b\":\"x\"}", true, 0},
        {PARAM_METADATA, "{\"a\":{}}", false, 0},
        {PARAM_METADATA, "{\"$gt\":\"\",\"__proto__\":\"x\"}", true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arg arg;
        bool did = fits(cases[i].type, cases[i].json, &arg);
        if (did != cases[i].fits) print_error("type %d, %s\n", cases[i].type, cases[i].json);
        assert_int_equal(did, cases[i].fits);
        if (did) assert_int_equal(arg.number, cases[i].number);
    }
}

/* ---- the table itself ---- */
static void every_code_of_the_table_has_words(void **state) {
    (void)state;
    size_t count = operation_count();
    for (size_t i = 0; i < count; i++) {
        const struct operation *op = operation_at(i);
        for (size_t k = 0; k < op->param_count; k++) {
            const struct param *p = &op->params[k];
            assert_true(p->missing == 0 || operation_refusal(op, p->missing));
            assert_true(p->invalid == 0 || operation_refusal(op, p->invalid));
            assert_true(p->sentence && p->name);
        }
        assert_true(op->steps[0].fn != NULL);
        assert_true(op->style == STYLE_COMMAND || op->style == STYLE_CONTROL || op->path);
        for (size_t k = i + 1; k < count; k++) assert_string_not_equal(op->name, operation_at(k)->name);
    }
}

/* What stands in the path, and secrets and one-time codes, which no example shows. */
static void add_unshown(struct arena *arena, const struct operation *op, struct json **path) {
    for (size_t k = 0; k < op->param_count; k++) {
        const struct param *p = &op->params[k];
        struct str place = arena_strf(arena, "{%s}", p->name);
        bool is_place = op->path && str_find_str(str_from_z(op->path), place) != STR_NONE;
        struct str value = p->type == PARAM_UUID     ? STR("01890a5d-ac96-774b-bcce-b302099a8057")
                           : p->type == PARAM_DOMAIN ? STR("example.net")
                                                     : STR("1");
        bool is_secret =
            p->type == PARAM_SECRET || str_eq(str_from_z(p->name), STR("Token")) || str_eq(str_from_z(p->name), STR("TFACode"));
        if (is_place || is_secret) input_add(arena, path, str_from_z(p->name), value);
    }
}

static bool has_param(const struct operation *op, struct str name) {
    for (size_t k = 0; k < op->param_count; k++) {
        if (str_eq_nocase(str_from_z(op->params[k].name), name)) return true;
    }
    return false;
}

/* What the documentation shows as a request would be taken. */
static void every_example_fits_its_row(void **state) {
    (void)state;
    int misfits = 0;
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *op = operation_at(i);
        ARENA_AUTO arena = {0};
        struct refused_list refused = {0};
        struct input input = {0};
        struct json *path = NULL;
        const char *why;
        if (!op->request) continue;
        assert_true(input_parse_body(&arena, STR(""), str_from_z(op->request), &input.body, &why));
        add_unshown(&arena, op, &path);
        input.path = path;
        (void)params_check(op, &input, &arena, &refused);
        JSON_FOR_EACH (it, input.body) {
            if (!has_param(op, it->key)) refused_say(&refused, &arena, REFUSAL_FIELD, it->key, "is no parameter");
        }
        if (refused.count == 0) continue;
        misfits++;
        print_error("%s: %.*s: %.*s\n", op->name, STR_ARG(refused.items[0].field), STR_ARG(refused.items[0].message));
    }
    assert_int_equal(misfits, 0);
}

/* JS08: each field x each kind of value: a refusal that names the field, or it fits. */
static void any_value_in_any_field_is_judged(void **state) {
    (void)state;
    struct buf big = {0};
    buf_add_char(&big, '"');
    for (size_t i = 0; i < 1000000; i++) buf_add_char(&big, 'x');
    buf_add_char(&big, '"');
    const char *values[] = {"null", "true", "0", "1.5", "\"\"", "[]", "{}", "\"wrong\"", "[null]", "{\"a\":null}", big.p};
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *op = operation_at(i);
        for (size_t k = 0; k < op->param_count; k++) {
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                ARENA_AUTO arena = {0};
                BUF_AUTO text = {0};
                struct refused_list refused = {0};
                struct input input = {0};
                const char *why;
                buf_addf(&text, "{\"%s\":%s}", op->params[k].name, values[v]);
                assert_true(input_parse_body(&arena, STR(""), buf_str(&text), &input.body, &why));
                struct arg *args = params_check(op, &input, &arena, &refused);
                bool is_named = false;
                for (size_t r = 0; r < refused.count; r++) {
                    is_named |= str_eq(refused.items[r].field, str_from_z(op->params[k].name));
                }
                bool is_absent = v == 0 || v == 4;
                if (args[k].is_given || (is_absent && !op->params[k].is_required)) {
                    assert_false(is_named);
                } else {
                    /* one code is listed once: an earlier field may stand for it */
                    assert_true(is_named || refused.count > 0);
                }
            }
        }
    }
    buf_fini(&big);
}

static void refusals_come_in_the_contracts_order(void **state) {
    (void)state;
    const struct operation *op = operation_find_command(STYLE_COMMAND, STR("emailgateway.getevents"));
    struct refused_list list = {0};
    refused_add(&list, op, REFUSAL_FIELD, STR("Event"));
    refused_add(&list, op, 2, (struct str){0});
    refused_add(&list, op, 5, (struct str){0});
    refused_add(&list, op, 1, (struct str){0});
    refused_add(&list, op, 1, (struct str){0});
    refused_sort(&list, op);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.items[0].code, 1);
    assert_int_equal(list.items[1].code, 5);
    assert_int_equal(list.items[2].code, 2);
    assert_int_equal(list.items[3].code, REFUSAL_FIELD);
}

static void paths_find_their_operations(void **state) {
    (void)state;
    struct operation_places id;
    assert_string_equal(operation_find_path(HTTP_HEAD, STR("/api/v1/inbox"), &id)->name, "ListInbox");
    assert_string_equal(operation_find_path(HTTP_GET, STR("/api/v1/inbox/17"), &id)->name, "GetInboxMessage");
    assert_int_equal(id.count, 1);
    assert_true(str_eq(id.items[0].value, STR("17")));
    assert_string_equal(operation_find_path(HTTP_GET, STR("/api/v1/inbox/17/raw"), &id)->name, "GetInboxRaw");
    assert_int_equal(id.count, 1);
    assert_true(str_eq(id.items[0].value, STR("17")));
    assert_null(operation_find_path(HTTP_GET, STR("/api/v1/inbox/"), &id));
    assert_null(operation_find_path(HTTP_GET, STR("/api/v1/inbox/17/raw/x"), &id));
    assert_null(operation_find_path(HTTP_GET, STR("/api/v1/email"), &id));
    assert_null(operation_find_command(STYLE_COMMAND, STR("Operator.DomainList")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_json_whatever_its_type_says),
        cmocka_unit_test(a_wrong_content_type_changes_nothing_JS13),
        cmocka_unit_test(repeated_names_are_defined_and_capped_HT34),
        cmocka_unit_test(forms_make_structures),
        cmocka_unit_test(multipart_is_a_form),
        cmocka_unit_test(broken_bodies_are_refused),
        cmocka_unit_test(a_cut_body_is_refused),
        cmocka_unit_test(the_body_wins_and_nothing_is_nothing),
        cmocka_unit_test(values_fit_their_types),
        cmocka_unit_test(every_code_of_the_table_has_words),
        cmocka_unit_test(every_example_fits_its_row),
        cmocka_unit_test(any_value_in_any_field_is_judged),
        cmocka_unit_test(refusals_come_in_the_contracts_order),
        cmocka_unit_test(paths_find_their_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
