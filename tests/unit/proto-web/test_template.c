/* test_template.c - the Handlebars subset: what comes out of a table of templates, what is refused and where, limits, HI19.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/template/template.h"

#include <string.h>

static const char data_text[] =
    "{\"name\":\"Ann\",\"empty\":\"\",\"zero\":0,\"one\":1,\"yes\":true,\"no\":false,\"nil\":null,\"none\":[],\"nothing\":{},"
    "\"html\":\"<b class=\\\"x\\\">'a' & `b` = c</b>\",\"lines\":\"one\\r\\nBcc: x@y\\u0001two\\n\",\"tpl\":\"{{name}}\","
    "\"person\":{\"first\":\"Bo\",\"last\":\"Li\",\"address\":{\"city\":\"Rome\"}},\"full name\":\"Ann Li\",\"date\":\"today\","
    "\"items\":[{\"title\":\"A\",\"price\":1.5,\"tags\":[\"x\",\"y\"]},{\"title\":\"B\",\"price\":20}],\"words\":[\"p\",\"q\","
    "\"r\"],"
    "\"map\":{\"k1\":\"v1\",\"k2\":\"v2\"},\"js\":\"javascript:alert(1)\",\"js2\":\" "
    "Java\\tscript:x\",\"link\":\"https://a.test/?q=1&r=2\","
    "\"query\":\"a b/c?d&e=\xc3\xa9\",\"when\":\"2026-11-03 04:05:06\",\"iso\":\"2026-11-03T04:05:06.789Z\",\"unix\":1795600000,"
    "\"amount\":-1234567.891,\"mixed\":\"stra\xc3\x9f"
    "e \xc3\xa4\xd0\xb6 \xce\xb1\",\"padded\":\"  a b \"}";

struct fixture {
    struct arena arena;
    const struct json *data;
};

static int setup(void **state) {
    static struct fixture f; /* of one test at a time */
    struct json_error error;
    memset(&f, 0, sizeof f);
    assert_true(json_parse(&f.arena, str_from_z(data_text), &f.data, &error));
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    arena_fini(&((struct fixture *)*state)->arena);
    return 0;
}

static enum status render(struct fixture *f, const char *source, enum template_context context, struct buf *out) {
    struct template_error error = {0};
    const struct template *t;
    struct template_values values = {{f->data}};
    if (!template_compile(&f->arena, str_from_z(source), &t, &error)) fail_msg("%s: %s (%zu)", source, error.why, error.at);
    enum status status = template_render(t, context, &values, out, &error);
    if (status != STATUS_OK) assert_non_null(error.why);
    return status;
}

struct expected {
    const char *source, *out;
};

static void check_table(struct fixture *f, const struct expected *table, size_t count, enum template_context context) {
    for (size_t i = 0; i < count; i++) {
        BUF_AUTO out = {0};
        assert_int_equal(render(f, table[i].source, context, &out), STATUS_OK);
        if (!str_eq(buf_str(&out), str_from_z(table[i].out)))
            fail_msg("%s\n gave   \"%.*s\"\n wanted \"%s\"", table[i].source, STR_ARG(buf_str(&out)), table[i].out);
    }
}
#define CHECK(table, context) check_table(*state, table, sizeof(table) / sizeof((table)[0]), context)

static void test_as_handlebars_documents(void **state) {
    static const struct expected table[] = {
        {"", ""},
        {"plain } } text", "plain } } text"},
        {"Hello {{name}}!", "Hello Ann!"},
        {"{{ name }}|{{\n name\n}}", "Ann|Ann"},
        {"{{missing}}|{{nil}}|{{person.missing}}|{{missing.deeper}}|{{name.first}}", "||||"},
        {"{{zero}}|{{no}}|{{yes}}|{{one}}", "0|false|true|1"},
        {"{{person.first}} {{person/last}}, {{person.address.city}}", "Bo Li, Rome"},
        {"{{[full name]}} {{person.[first]}}", "Ann Li Bo"},
        {"{{this.name}} {{./name}} {{@root.name}}", "Ann Ann Ann"},
        {"{{html}}", "&lt;b class&#x3D;&quot;x&quot;&gt;&#x27;a&#x27; &amp; &#x60;b&#x60; &#x3D; c&lt;/b&gt;"},
        {"{{{html}}}|{{&html}}", "<b class=\"x\">'a' & `b` = c</b>|<b class=\"x\">'a' & `b` = c</b>"},
        {"a{{! a comment }}b{{!-- with }} and {{name}} --}}c{{!}}d{{!----}}e", "abcde"},
        {"{{#if yes}}a{{else}}b{{/if}}{{#if no}}a{{else}}b{{/if}}", "ab"},
        {"{{#if empty}}1{{/if}}{{#if zero}}2{{/if}}{{#if none}}3{{/if}}{{#if nil}}4{{/if}}{{#if missing}}5{{/if}}", ""},
        {"{{#if name}}1{{/if}}{{#if one}}2{{/if}}{{#if words}}3{{/if}}{{#if nothing}}4{{/if}}", "1234"},
        {"{{#if no}}a{{else if nil}}b{{else if name}}c{{else}}d{{/if}}", "c"},
        {"{{#if no}}a{{else if nil}}b{{else if zero}}c{{else}}d{{/if}}", "d"},
        {"{{#if no}}a{{else if nil}}b{{/if}}.", "."},
        {"{{#if no}}a{{else unless nil}}b{{/if}}{{#if no}}a{{^}}c{{/if}}", "bc"},
        {"{{#unless no}}a{{/unless}}{{#unless yes}}b{{else}}c{{/unless}}", "ac"},
        {"{{#each words}}{{this}}{{/each}}|{{#each words}}{{.}}{{/each}}", "pqr|pqr"},
        {"{{#each items}}{{title}}={{price}};{{/each}}", "A=1.5;B=20;"},
        {"{{#each none}}x{{else}}nothing{{/each}}{{#each missing}}x{{else}}!{{/each}}{{#each name}}x{{/each}}", "nothing!"},
        {"{{#each words}}{{@index}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}} {{/each}}", "0F 1 2L "},
        {"{{#each map}}{{@key}}:{{this}} {{/each}}", "k1:v1 k2:v2 "},
        {"{{#each items}}{{../name}}-{{title}} {{/each}}", "Ann-A Ann-B "},
        {"{{#each items}}{{#each tags}}{{../title}}{{this}}{{@../index}}{{../../name}} {{/each}}{{/each}}", "Ax0Ann Ay0Ann "},
        {"{{#each items}}{{#if title}}{{../name}}{{/if}}{{/each}}", "AnnAnn"},
        {"{{#with person}}{{first}} {{last}}{{../name}}{{/with}}", "Bo LiAnn"},
        {"{{#with missing}}x{{else}}nobody{{/with}}{{#with nothing}}y{{/with}}", "nobodyy"},
        {"{{#with person}}{{#with address}}{{city}}{{../first}}{{@root.name}}{{/with}}{{/with}}", "RomeBoAnn"},
        {"{{#each items}}{{name}}{{/each}}", ""}, /* only the own context is searched */
        {"{{words}} {{person}} {{words.1}} {{words.[2]}} {{words.7}} {{words.length}}", "p,q,r  q r  3"},
        {"a  {{~name~}}  b|a {{~! x ~}} b|a{{~#if yes~}} b {{~/if~}} c", "aAnnb|ab|abc"},
        {"<ul>\n  {{#each words}}\n  <li>{{this}}</li>\n  {{/each}}\n</ul>\n",
         "<ul>\n  <li>p</li>\n  <li>q</li>\n  <li>r</li>\n</ul>\n"},
        {"a\r\n{{#if no}}\r\nb\r\n{{else}}\r\nc\r\n{{/if}}\r\nd", "a\r\nc\r\nd"},
        {"a\n {{! gone }} \nb\n{{name}}\nc", "a\nb\nAnn\nc"},
        {"a {{#if yes}} b {{/if}} c", "a  b  c"},
        {"\\{{name}} {{name}} \\\\{{name}} \\a", "{{name}} Ann \\Ann \\a"},
        {"{{tpl}} {{{tpl}}}", "{{name}} {{name}}"}, /* HI19: no second expansion */
        {"{{\"a text\"}} {{'<'}} {{1.5}} {{-3}} {{true}} {{null}}", "a text &lt; 1.5 -3 true "},
    };
    CHECK(table, TEMPLATE_HTML);
}

static void test_helpers(void **state) {
    static const struct expected table[] = {
        {"{{default missing \"friend\"}} {{default empty nil name}} {{default no 'x'}}", "friend Ann false"},
        {"{{upper mixed}} {{lower \"\xc3\x84\xd0\x96 ABC\"}} {{upper one}}{{upper missing}}",
         "STRA\xc3\x9f"
         "E \xc3\x84\xd0\x96 \xce\x91 \xc3\xa4\xd0\xb6 abc 1"},
        {"[{{trim padded}}] [{{upper (trim padded)}}]", "[a b] [A B]"},
        {"{{url query}} {{url name}}", "a%20b%2Fc%3Fd%26e%3D%C3%A9 Ann"},
        {"{{date}} {{date when}} {{date iso \"D.M.YYYY HH:mm:ss\"}} {{date unix 'YY'}}",
         "today 2026-11-03 3.11.2026 04:05:06 26"},
        {"{{date when \"dddd, D MMMM YYYY [at] H\"}} {{date when \"ddd DD MMM MM\"}}",
         "Tuesday, 3 November 2026 at 4 Tue 03 Nov 11"},
        {"{{date name}} {{date missing}}.{{date \"2026-02-30\"}} {{date 0}} {{date -1 \"ddd YYYY\"}}",
         "Ann .2026-02-30 1970-01-01 Wed 1969"},
        {"{{number amount}} {{number amount 2}} {{number amount 1 \".\" \",\"}} {{number amount 2 \"\"}}",
         "-1,234,568 -1,234,567.89 -1.234.567,9 -1234567.89"},
        {"{{number 999}} {{number 1000}} {{number name 2}} {{number \"1e400\"}} {{number 0.5 2}}", "999 1,000 Ann 1e400 0.50"},
        {"{{#if (eq name \"Ann\")}}a{{/if}}{{#if (eq one \"1.0\")}}b{{/if}}{{#if (ne name 'x')}}c{{/if}}{{#if (eq name "
         "missing)}}d{{/if}}",
         "abc"},
        {"{{#if (gt amount 5)}}a{{/if}}{{#if (lt 9 10)}}b{{/if}}{{#if (gt \"b\" \"a\")}}c{{/if}}", "bc"},
        {"{{#if (and yes name)}}a{{/if}}{{#if (or no missing)}}b{{/if}}{{#unless (not yes)}}c{{/unless}}{{or empty name}}{{and "
         "yes zero}}",
         "acAnn0"},
        {"{{#each items}}{{#if (and @last (gt price 10))}}{{title}}{{/if}}{{/each}}", "B"},
    };
    CHECK(table, TEMPLATE_TEXT);
}

static void test_links_run_nothing_HI19(void **state) {
    static const struct expected table[] = {
        {"<a href=\"{{link}}\">", "<a href=\"https://a.test/?q&#x3D;1&amp;r&#x3D;2\">"},
        {"<a href=\"{{js}}\"><a href='{{js2}}'><a HREF = {{js}}><img src=\"{{{js}}}\">",
         "<a href=\"#\"><a href='#'><a HREF = #><img src=\"#\">"},
        {"<a href=\"{{#if yes}}{{js}}{{/if}}\"><a href=\"/x?{{js}}\">{{js}}",
         "<a href=\"#\"><a href=\"/x?javascript:alert(1)\">javascript:alert(1)"},
        {"<a href=\"{{name}}\"><a href=\"{{'/a:b'}}\"><a href=\"{{'mailto:a@b.test'}}\">",
         "<a href=\"Ann\"><a href=\"/a:b\"><a href=\"mailto:a@b.test\">"},
        {"<a xlink:href='{{js}}' data-src='{{js}}' hrefs='{{js}}' title='{{js}}'>",
         "<a xlink:href='#' data-src='#' hrefs='javascript:alert(1)' title='javascript:alert(1)'>"},
        {"<a href=\"https://x.test/?q={{url query}}\">", "<a href=\"https://x.test/?q=a%20b%2Fc%3Fd%26e%3D%C3%A9\">"},
    };
    CHECK(table, TEMPLATE_HTML);
}

static void test_subject_is_one_line_HI19(void **state) {
    static const struct expected table[] = {
        {"Hi {{lines}}", "Hi one Bcc: x@y two "},
        {"Hi {{{lines}}}!", "Hi one Bcc: x@y two !"},
        {"a\r\nb {{html}}", "a b <b class=\"x\">'a' & `b` = c</b>"},
        {"{{tpl}}", "{{name}}"},
    };
    CHECK(table, TEMPLATE_SUBJECT);
    static const struct expected text[] = {{"{{lines}}", "one\r\nBcc: x@y\x01two\n"},
                                           {"{{html}}", "<b class=\"x\">'a' & `b` = c</b>"}};
    CHECK(text, TEMPLATE_TEXT);
}

static void test_what_is_wrong_and_where(void **state) {
    static const struct {
        const char *source;
        unsigned line, column;
        const char *why;
    } table[] = {
        {"a\nb {{name", 2, 3, "not closed"},
        {"{{name}", 1, 1, "not closed"},
        {"{{{name}}", 1, 1, "not closed"},
        {"{{}}", 1, 3, "name is missing"},
        {"x{{#if a}}\n{{/each}}", 2, 1, "another"},
        {"x{{#if a}}", 1, 2, "not closed"},
        {"{{/if}}", 1, 1, "not open"},
        {"{{else}}", 1, 1, "outside"},
        {"{{#if a}}{{else}}{{else}}{{/if}}", 1, 18, "one {{else}}"},
        {"{{#list a}}{{/list}}", 1, 4, "no block"},
        {"{{#a}}{{/a}}", 1, 4, "no block"},
        {"{{^a}}{{/a}}", 1, 1, "not understood"},
        {"{{> other}}", 1, 1, "include"},
        {"{{{{raw}}}}", 1, 1, "Four"},
        {"{{shout name}}", 1, 3, "no helper"},
        {"{{upper}} {{upper a b}}", 1, 13, "Wrong number"},
        {"{{#if eq a b}}{{/if}}", 1, 10, "one value"},
        {"{{#if (eq a)}}{{/if}}", 1, 8, "Wrong number"},
        {"{{#if}}{{/if}}", 1, 6, "missing"},
        {"{{eq (eq a b}}", 1, 6, "bracket"},
        {"{{default a 'b}}", 1, 13, "not closed"},
        {"{{! open", 1, 1, "comment"},
        {"{{!-- open }}", 1, 1, "comment"},
        {"{{@nope}}", 1, 4, "after @"},
        {"{{a.}}", 1, 5, "name is missing"},
        {"{{[a}}", 1, 3, "not closed"},
        {"{{link a=b}}", 1, 3, "no helper"},
        {"{{upper a=b}}", 1, 10, "name=value"},
        {"{{a.b c}}", 1, 7, "one value"},
        {"\xff", 1, 1, "UTF-8"},
        {"{{#each a as |b|}}{{/each}}", 1, 11, "one value"},
        {"{{#each a}}{{else if b}}{{/each}}", 1, 12, "plain"},
        {"{{eq (eq (eq (eq (eq (eq (eq (eq (eq (eq 1 1", 1, 38, "brackets in"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct template_error e = {0};
        const struct template *t;
        if (template_compile(&f->arena, str_from_z(table[i].source), &t, &e)) fail_msg("took %s", table[i].source);
        if (e.line != table[i].line || e.column != table[i].column || !strstr(e.why, table[i].why) || !e.hint[0])
            fail_msg("%s: %u:%u %s (%s)", table[i].source, e.line, e.column, e.why, e.hint);
    }
}

static void repeat(struct buf *out, const char *text, size_t count) {
    while (count-- > 0) buf_add_z(out, text);
}

static void test_limits(void **state) {
    struct fixture *f = *state;
    struct template_error e = {0};
    const struct template *t;
    BUF_AUTO source = {0};
    BUF_AUTO out = {0};
    repeat(&source, "{{#if yes}}", TEMPLATE_DEPTH_MAX);
    buf_add_z(&source, "x");
    repeat(&source, "{{/if}}", TEMPLATE_DEPTH_MAX);
    assert_int_equal(render(f, source.p, TEMPLATE_TEXT, &out), STATUS_OK);
    assert_true(str_eq(buf_str(&out), STR("x")));
    buf_reset(&source);
    repeat(&source, "{{#with person}}", TEMPLATE_DEPTH_MAX + 1);
    assert_false(template_compile(&f->arena, buf_str(&source), &t, &e));
    assert_int_equal(e.at, 16 * TEMPLATE_DEPTH_MAX);
    buf_reset(&source);
    repeat(&source, "a", TEMPLATE_SOURCE_MAX + 1);
    assert_false(template_compile(&f->arena, buf_str(&source), &t, &e));
    assert_true(template_compile(&f->arena, str_sub(buf_str(&source), 0, TEMPLATE_SOURCE_MAX), &t, &e));
    assert_false(template_has_values(t));
}

/* {"list":[1,1,...],"text":"<<<<..."} */
static const struct json *big_data(struct arena *arena, size_t items, size_t length) {
    struct buf text = {0};
    const struct json *data;
    struct json_error error;
    buf_add_z(&text, "{\"list\":[1");
    repeat(&text, ",1", items - 1);
    buf_add_z(&text, "],\"text\":\"");
    repeat(&text, "<", length);
    buf_add_z(&text, "\"}");
    assert_true(json_parse(arena, arena_str(arena, buf_str(&text)), &data, &error));
    buf_fini(&text);
    return data;
}

static void test_work_and_output_are_bounded_P8(void **state) {
    struct fixture *f = *state;
    static const char *const too_much[] = {
        "{{#each list}}{{#each ../list}}{{this}}{{/each}}{{/each}}",
        "{{#each list}}{{#each ../list}}{{/each}}{{/each}}",
        "{{#each list}}{{../text}}{{/each}}",
        "{{#each list}}{{upper ../text}}{{/each}}",
        "{{#each list}}{{../list}}{{/each}}",
        "{{#each list}}{{@root.list.999}}{{@root.list.999}}{{/each}}",
        "{{#each list}}{{eq ../text ../text}}{{/each}}",
        "{{#each list}}{{{../text}}}{{/each}}",
        "{{date 1 text}}{{date 1 text}}",
        "{{#if (url text)}}{{/if}}{{#if (url text)}}{{/if}}",
    };
    f->data = big_data(&f->arena, 1000, 100000);
    for (size_t i = 0; i < sizeof too_much / sizeof too_much[0]; i++) {
        BUF_AUTO out = {0};
        if (render(f, too_much[i], TEMPLATE_HTML, &out) != STATUS_LIMIT) fail_msg("%s", too_much[i]);
        assert_true(out.n <= TEMPLATE_OUTPUT_MAX);
    }
    BUF_AUTO out = {0};
    assert_int_equal(render(f, "{{#each list}}{{this}}{{/each}}", TEMPLATE_HTML, &out), STATUS_OK);
    assert_int_equal(out.n, 1000);
}

/* Renderings of one call have so many steps together; what one needs, the others lack. */
static void test_renderings_share_steps_P6(void **state) {
    struct fixture *f = *state;
    struct template_error e;
    const struct template *t;
    size_t steps = 3000;
    struct template_values values = {.layers = {big_data(&f->arena, 1000, 1)}, .steps_left = &steps};
    BUF_AUTO out = {0};
    assert_true(template_compile(&f->arena, STR("{{#each list}}{{/each}}"), &t, &e));
    assert_int_equal(template_render(t, TEMPLATE_TEXT, &values, &out, &e), STATUS_OK);
    assert_true(steps > 0 && steps < 2000);
    assert_int_equal(template_render(t, TEMPLATE_TEXT, &values, &out, &e), STATUS_OK);
    assert_int_equal(template_render(t, TEMPLATE_TEXT, &values, &out, &e), STATUS_LIMIT);
    assert_non_null(strstr(e.why, "fewer at once"));
    assert_int_equal(steps, 0);
}

/* Names are looked up in the layers in turn; each rendering is its own. */
static void test_layers(void **state) {
    struct fixture *f = *state;
    struct json_error error;
    struct template_error e;
    const struct json *own, *other;
    const struct template *t;
    assert_true(json_parse(&f->arena, STR("{\"a\":1,\"b\":null}"), &own, &error));
    assert_true(json_parse(&f->arena, STR("{\"a\":2,\"b\":2,\"c\":{\"d\":3}}"), &other, &error));
    assert_true(template_compile(&f->arena, STR("{{a}}{{b}}{{c.d}}{{#with c}}{{../a}}{{@root.c.d}}{{/with}}"), &t, &e));
    assert_true(template_has_values(t));
    BUF_AUTO out = {0};
    struct template_values both = {{own, other}}, none = {{NULL}};
    assert_int_equal(template_render(t, TEMPLATE_TEXT, &both, &out, &e), STATUS_OK);
    assert_int_equal(template_render(t, TEMPLATE_TEXT, &none, &out, &e), STATUS_OK);
    assert_true(str_eq(buf_str(&out), STR("1313")));
}

/* Whatever the cut, there is a verdict, and a position within the text. */
static void test_cut_anywhere(void **state) {
    struct fixture *f = *state;
    struct str whole =
        STR("a {{~#if (eq a 'b')~}} {{{x.[y z]}}} {{else if @first}} {{!-- c --}} {{/if}} \\{{z}} {{#each a}}{{../b}}{{/each}}");
    for (size_t n = 0; n <= whole.n; n++) {
        struct template_error e = {0};
        const struct template *t;
        struct str part = arena_str(&f->arena, str_sub(whole, 0, n));
        if (!template_compile(&f->arena, part, &t, &e)) {
            assert_true(e.at <= n && e.line == 1 && e.column == e.at + 1);
            continue;
        }
        BUF_AUTO out = {0};
        struct template_values values = {{f->data}};
        assert_int_equal(template_render(t, TEMPLATE_HTML, &values, &out, &e), STATUS_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_handlebars_documents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_helpers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links_run_nothing_HI19, setup, teardown),
        cmocka_unit_test_setup_teardown(test_subject_is_one_line_HI19, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_and_where, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work_and_output_are_bounded_P8, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renderings_share_steps_P6, setup, teardown),
        cmocka_unit_test_setup_teardown(test_layers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
