/* test_json.c - the reader by the cases of the bad-input list (JS01-JS17), every text cut at every byte, and the writer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/json/json_write.h"

#include <stdlib.h>
#include <string.h>

/* Parse a copy of the exact size, so that the sanitizer sees any step beyond. */
static bool parses(struct str text, struct json_error *ret_error) {
    ARENA_AUTO arena = {0};
    char *copy = malloc(text.n + 1);
    memcpy(copy, text.p, text.n);
    const struct json *v;
    bool ok = json_parse(&arena, str_make(copy + 0, text.n), &v, ret_error);
    free(copy);
    if (!ok) assert_true(ret_error->at <= text.n && ret_error->why);
    return ok;
}

struct json_case {
    const char *id;
    struct str text;
    bool ok;
};
#define GOOD(id, text)                                                                                                           \
    { id, STR_INIT(text), true }
#define BAD(id, text)                                                                                                            \
    { id, STR_INIT(text), false }

static const struct json_case cases[] = {
    GOOD("object", "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}"),
    GOOD("blanks", " \t\r\n{ \"a\" : [ ] , \"b\" : { } } \n"),
    GOOD("scalar", "\"x\""),
    GOOD("numbers", "[0,-0,1.5,-1.5e+10,1E-2,123456789012345678901234567890]"),
    GOOD("escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\""),
    GOOD("utf8", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""),
    BAD("JS02", "{\"a\":1,\"a\":1}"),
    BAD("JS02 escaped", "{\"a\":1,\"\\u0061\":2}"),
    GOOD("JS02 case", "{\"a\":1,\"A\":2}"),
    BAD("JS03 zero", "01"),
    BAD("JS03 zero minus", "-01"),
    BAD("JS03 plus", "+1"),
    BAD("JS03 dot", "1."),
    BAD("JS03 dot first", ".5"),
    BAD("JS03 e", "1e"),
    BAD("JS03 e+", "1e+"),
    BAD("JS03 minus", "-"),
    BAD("JS03 hex", "0x1"),
    BAD("JS03 Infinity", "Infinity"),
    BAD("JS04 utf8", "\"\xff\""),
    BAD("JS04 overlong", "\"\xc0\xaf\""),
    BAD("JS04 overlong 3", "\"\xe0\x80\xaf\""),
    BAD("JS04 surrogate", "\"\xed\xa0\x80\""),
    BAD("JS04 above", "\"\xf4\x90\x80\x80\""),
    BAD("JS04 cut", "\"\xe2\x82\""),
    BAD("JS04 cut at end", "\"\xe2\x82"),
    BAD("JS04 lone high", "\"\\uD800\""),
    BAD("JS04 lone high 2", "\"\\uD800\\u0041\""),
    BAD("JS04 lone high 3", "\"\\uD800x\""),
    BAD("JS04 lone low", "\"\\uDC00\""),
    BAD("JS04 u0000", "\"a\\u0000b\""),
    BAD("JS04 NUL", "\"a\0b\""),
    BAD("JS04 hex", "\"\\u00g0\""),
    BAD("JS04 short hex", "\"\\u00\""),
    BAD("JS04 key", "{\"\xff\":1}"),
    BAD("JS05 BOM", "\xef\xbb\xbf{}"),
    BAD("JS05 comment", "{/* */}"),
    BAD("JS05 comment 2", "{} // x"),
    BAD("JS05 trailing comma", "[1,]"),
    BAD("JS05 trailing comma 2", "{\"a\":1,}"),
    BAD("JS05 leading comma", "[,1]"),
    BAD("JS05 two commas", "[1,,2]"),
    BAD("JS05 only comma", "{,}"),
    BAD("JS05 NaN", "NaN"),
    BAD("JS05 single", "{'a':1}"),
    BAD("JS05 bare key", "{a:1}"),
    BAD("JS05 literal", "nul"),
    BAD("JS05 literal case", "True"),
    BAD("JS05 literal longer", "nulll"),
    BAD("JS05 control", "\"a\nb\""),
    BAD("JS05 tab", "\"a\tb\""),
    BAD("JS05 escape", "\"\\x41\""),
    BAD("JS05 form feed", "\f1"),
    BAD("mismatch", "[1}"),
    BAD("mismatch 2", "{\"a\":1]"),
    BAD("no colon", "{\"a\" 1}"),
    BAD("no value", "{\"a\":}"),
    BAD("number key", "{1:1}"),
    BAD("no comma", "[1 2]"),
    BAD("JS12 empty", ""),
    BAD("JS12 blank", " \n"),
    BAD("JS12 two", "{}{}"),
    BAD("JS12 two scalars", "1 2"),
    BAD("closing", "]"),
    GOOD("JS17", "{\"__proto__\":{\"$gt\":\"\"},\"constructor\":1}"),
};

static void test_cases_JS01_JS17(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_error e = {0};
        if (parses(cases[i].text, &e) != cases[i].ok) fail_msg("%s: %s at %zu", cases[i].id, e.why ? e.why : "accepted", e.at);
    }
}

static void test_truncated_at_each_byte_JS11(void **state) {
    (void)state;
    struct str text = STR("{\"a\\n\":[1.5e3,true,null,\"\\ud83d\\ude00\xc3\xa4\",{}],\"b\":{\"c\":[[]],\"d\":false}}");
    struct json_error e;
    assert_true(parses(text, &e));
    for (size_t n = 0; n < text.n; n++) {
        if (parses(str_sub(text, 0, n), &e)) fail_msg("accepted %zu bytes", n);
    }
}

/* Each byte replaced by others: never a crash, never a step outside. */
static void test_changed_bytes(void **state) {
    (void)state;
    char text[] = "{\"a\\n\":[1.5e3,true,null,\"\\ud83d\\ude00\xc3\xa4\",{}],\"b\":{\"c\":[[]],\"d\":false}}";
    struct json_error e;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char old = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            parses(str_make(text, sizeof(text) - 1), &e);
        }
        text[i] = old;
    }
}

static void test_depth_JS01(void **state) {
    (void)state;
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        BUF_AUTO b = {0};
        for (int i = 0; i < depth; i++) buf_add_char(&b, '[');
        for (int i = 0; i < depth; i++) buf_add_char(&b, ']');
        struct json_error e;
        assert_int_equal(parses(buf_str(&b), &e), depth <= JSON_DEPTH_MAX);
    }
    BUF_AUTO b = {0};
    for (int i = 0; i < 100000; i++) buf_add_z(&b, "{\"a\":[");
    struct json_error e;
    assert_false(parses(buf_str(&b), &e));
    assert_true(e.at < 200);
}

static void test_node_limit_JS07(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    buf_add_char(&b, '[');
    for (int i = 0; i < JSON_NODES_MAX - 2; i++) buf_add_z(&b, "0,");
    BUF_AUTO more = {0};
    buf_add_str(&more, buf_str(&b));
    buf_add_z(&b, "0]");
    buf_add_z(&more, "0,0]");
    struct json_error e;
    assert_true(parses(buf_str(&b), &e));
    assert_false(parses(buf_str(&more), &e));
}

static const struct json *parse(struct arena *arena, const char *text) {
    const struct json *v = NULL;
    struct json_error e = {0};
    if (!json_parse(arena, str_from_z(text), &v, &e)) fail_msg("%s at %zu", e.why, e.at);
    return v;
}

static void test_numbers_JS03_JS16(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    int64_t i = 7;
    assert_true(json_to_i64(parse(&arena, "9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(json_to_i64(parse(&arena, "-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(json_to_i64(parse(&arena, "-0"), &i) && i == 0);
    assert_true(json_to_i64(parse(&arena, "9007199254740993"), &i) && i == 9007199254740993);
    static const char *const none[] = {
        "9223372036854775808", "1.0", "1e2", "18446744073709551616", "\"1\"", "true", "null", "[1]"};
    for (size_t n = 0; n < sizeof(none) / sizeof(*none); n++) assert_false(json_to_i64(parse(&arena, none[n]), &i));
    assert_false(json_to_i64(NULL, &i));
    BUF_AUTO digits = {0};
    for (int n = 0; n < 100000; n++) buf_add_char(&digits, '9');
    const struct json *v = parse(&arena, digits.p);
    assert_true(v->type == JSON_NUMBER && v->text.n == 100000);
    assert_false(json_to_i64(v, &i));
}

static void test_values(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    const struct json *v =
        parse(&arena, "{\"Name\":\"a\\u00e4\\ud83d\\ude00b\",\"list\":[1,\"x\",{}],\"on\":true,\"plain\":\"slice\"}");
    assert_int_equal(v->count, 4);
    assert_true(str_eq(json_find_text(v, STR("Name")), STR("a\xc3\xa4\xf0\x9f\x98\x80"
                                                           "b")));
    assert_null(json_find(v, STR("name")));
    assert_ptr_equal(json_find_nocase(v, STR("nAME")), json_find(v, STR("Name")));
    assert_null(json_find_nocase(v, STR("nam")));
    assert_null(json_find_text(v, STR("on")).p);
    assert_true(json_find(v, STR("on"))->boolean);
    const struct json *list = json_find(v, STR("list"));
    assert_int_equal(list->count, 3);
    int n = 0;
    JSON_FOR_EACH (item, list) n++;
    JSON_FOR_EACH (item, json_find(v, STR("on"))) n++;
    JSON_FOR_EACH (item, NULL) n++;
    assert_int_equal(n, 3);
    assert_null(json_find(list, STR("x")));
    assert_null(json_find(NULL, STR("x")));
}

/* An exact match wins over an earlier one in other letters; big objects find as small ones do. */
static void test_find_nocase_prefers_exact(void **state) {
    (void)state;
    for (int members = 0; members <= 100; members += 50) {
        ARENA_AUTO arena = {0};
        BUF_AUTO b = {0};
        buf_add_z(&b, "{\"KEY\":1,\"Key\":2");
        for (int i = 0; i < members; i++) buf_addf(&b, ",\"k%d\":%d", i, i);
        buf_add_z(&b, "}");
        const struct json *v = parse(&arena, b.p);
        int64_t n;
        assert_true(json_to_i64(json_find_nocase(v, STR("Key")), &n) && n == 2);
        assert_true(json_to_i64(json_find_nocase(v, STR("key")), &n) && n == 1);
        assert_null(json_find_nocase(v, STR("keys")));
        if (members) assert_true(json_to_i64(json_find_nocase(v, STR("K49")), &n) && n == 49);
        if (members) assert_true(json_to_i64(json_find(v, STR("k0")), &n) && n == 0);
    }
}

static void test_many_keys_JS10(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    buf_add_char(&b, '{');
    for (int i = 0; i < 100000; i++) buf_addf(&b, "%s\"k%d\":0", i ? "," : "", i);
    size_t open = b.n;
    buf_add_char(&b, '}');
    struct json_error e;
    int64_t before = clock_mono_ms(clock_system());
    assert_true(parses(buf_str(&b), &e));
    assert_true(clock_mono_ms(clock_system()) - before < 20000); /* a quadratic search would take minutes here */
    buf_cut(&b, open);
    buf_add_z(&b, ",\"k77\":1}");
    assert_false(parses(buf_str(&b), &e));
    assert_string_equal(e.why, "a name stands twice in an object");
}

static void test_error_position(void **state) {
    (void)state;
    struct json_error e;
    assert_false(parses(STR("{\"a\": tru}"), &e));
    assert_int_equal(e.at, 6);
    assert_false(parses(STR("[1,2"), &e));
    assert_int_equal(e.at, 4);
    assert_string_equal(e.why, "the text ends inside an array");
}

/* Plain runs of every length and place around the eight-byte steps. */
static void test_long_strings(void **state) {
    (void)state;
    static const struct str specials[] = {STR_INIT("\\n"), STR_INIT("\xc3\xa4"), STR_INIT("\\u00e4"), STR_INIT("")};
    for (size_t n = 0; n < 40; n++) {
        for (size_t s = 0; s < 4; s++) {
            ARENA_AUTO arena = {0};
            BUF_AUTO b = {0}, want = {0};
            for (size_t i = 0; i < n; i++) buf_add_char(&want, (char)('a' + i % 26));
            buf_addf(&b, "\"%s%.*s%s\"", n ? want.p : "", STR_ARG(specials[s]), n ? want.p : "");
            struct buf twice = {0};
            buf_add_str(&twice, buf_str(&want));
            buf_add_z(&twice, s == 0 ? "\n" : s == 3 ? "" : "\xc3\xa4");
            buf_add_str(&twice, buf_str(&want));
            const struct json *v = parse(&arena, b.p);
            assert_true(str_eq(v->text, buf_str(&twice)));
            if (s == 3) assert_ptr_equal(v->text.p, b.p + 1); /* no copy */
            buf_fini(&twice);
        }
    }
}

static void test_writer(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    struct json_writer w = {.out = &b};
    json_open_object(&w);
    json_add_str(&w, STR("a\"b"), STR("x\\\n\x01\x7f\xc3\xa4\xff\xe2\x82"));
    json_add_i64(&w, STR("n"), INT64_MIN);
    json_add_array(&w, STR("l"));
    json_bool(&w, true);
    json_null(&w);
    json_open_object(&w);
    json_close_object(&w);
    json_raw(&w, STR("12.50"));
    json_close_array(&w);
    json_add_object(&w, STR("o"));
    json_close_object(&w);
    json_add_bool(&w, STR("f"), false);
    json_add_z(&w, STR("z"), "t");
    json_close_object(&w);
    assert_string_equal(
        b.p, "{\"a\\\"b\":\"x\\\\\\n\\u0001\x7f\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"n\":-9223372036854775808,"
             "\"l\":[true,null,{},12.50],\"o\":{},\"f\":false,\"z\":\"t\"}");
    struct json_error e;
    assert_true(parses(buf_str(&b), &e));
}

static void test_write_tree(void **state) {
    (void)state;
    static const char *const texts[] = {"{\"a\":[1,[2,{\"b\":null}],{}],\"c\":\"\\n\",\"d\":true}", "[]", "7", "[[[[]]],1]",
                                        "{\"x\":{\"y\":{}}}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO b = {0};
        struct json_writer w = {.out = &b};
        json_value(&w, parse(&arena, texts[i]));
        assert_string_equal(b.p, texts[i]);
    }
    ARENA_AUTO arena = {0};
    BUF_AUTO b = {0};
    struct json_writer w = {.out = &b};
    json_value(&w, json_find(parse(&arena, texts[0]), STR("a")));
    assert_string_equal(b.p, "[1,[2,{\"b\":null}],{}]");
}

/* Whatever bytes go in, what comes out parses. */
static void test_writer_output_always_parses(void **state) {
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int c = 0; c < 256; c += 5) {
            char text[] = {(char)a, (char)c, 'x', (char)0x80};
            BUF_AUTO b = {0};
            struct json_writer w = {.out = &b};
            json_str(&w, str_make(text, sizeof(text)));
            struct json_error e = {0};
            assert_true(parses(buf_str(&b), &e));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_JS01_JS17), cmocka_unit_test(test_truncated_at_each_byte_JS11),
        cmocka_unit_test(test_changed_bytes),   cmocka_unit_test(test_depth_JS01),
        cmocka_unit_test(test_node_limit_JS07), cmocka_unit_test(test_numbers_JS03_JS16),
        cmocka_unit_test(test_values),          cmocka_unit_test(test_find_nocase_prefers_exact),
        cmocka_unit_test(test_many_keys_JS10),  cmocka_unit_test(test_error_position),
        cmocka_unit_test(test_long_strings),    cmocka_unit_test(test_writer),
        cmocka_unit_test(test_write_tree),      cmocka_unit_test(test_writer_output_always_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
