/* test_answers.c - what is asked of the tracking host and what it answers (TR02, TR04, TR06 to TR08, TR13, TR14, TR16, TR18,
 * TR20; RFC 8058).
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/answer.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FORM "application/x-www-form-urlencoded"

struct scene {
    struct arena arena;
    struct http_request request;
    struct http_header fields[6];
    struct ask ask;
    struct track_token token;
    struct track_subject subject;
    struct answer answer;
    struct http_response response;
};

static struct scene *scene_new(enum http_method method, const char *path) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->request = (struct http_request){.method = method, .path = str_from_z(path), .host = STR("track.mail.a.example")};
    s->request.fields.list = s->fields;
    s->token = (struct track_token){.target = STR("https://shop.example/?a=1&b=2")};
    s->subject = (struct track_subject){.domain = {.name = STR("a.example")}, .list_name = STR(""), .address = STR("")};
    s->answer = (struct answer){.token = &s->token, .ask = &s->ask};
    s->answer.view = (struct page_view){words_accepted(STR("")), &s->subject};
    return s;
}

static void scene_free(struct scene *s) {
    buf_fini(&s->response.body);
    arena_fini(&s->arena);
    free(s);
}

static void add_field(struct scene *s, const char *name, const char *value) {
    s->fields[s->request.fields.count++] = (struct http_header){str_from_z(name), str_from_z(value)};
}

static int ask(struct scene *s, const char *body) {
    s->answer.refusal = ask_parse(&s->arena, &s->request, str_from_z(body), STR("203.0.113.7"), &s->ask);
    return s->answer.refusal;
}

static struct str respond(struct scene *s) {
    buf_fini(&s->response.body);
    answer_make(&s->arena, &s->answer, &s->response);
    return buf_str(&s->response.body);
}

static struct str header(const struct scene *s, const char *name) {
    for (size_t i = 0; i < s->response.header_count; i++)
        if (str_eq_nocase(s->response.headers[i].name, str_from_z(name))) return s->response.headers[i].value;
    return STR("");
}

static void assert_text(struct str text, const char *expected) {
    if (!str_eq(text, str_from_z(expected))) fail_msg("%.*s, not %s", STR_ARG(text), expected);
}

static void assert_holds(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) == STR_NONE) fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

static void assert_lacks(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) != STR_NONE) fail_msg("%s is in %.*s", part, STR_ARG(text));
}

/* TR14, TR20: of every answer. */
static void assert_strict(const struct scene *s) {
    assert_text(header(s, "Cache-Control"), "no-store");
    assert_text(header(s, "Referrer-Policy"), "no-referrer");
    assert_true(str_starts(header(s, "Content-Security-Policy"), STR("default-src 'none'; ")));
    assert_holds(header(s, "Content-Security-Policy"), "frame-ancestors 'none'");
    assert_lacks(header(s, "Content-Security-Policy"), "unsafe");
    assert_int_equal(header(s, "Set-Cookie").n, 0);
}

/* ---- questions ---- */
static void paths_and_methods(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        int refusal;
    } cases[] = {
        {HTTP_GET, "/o/abc", 0},      {HTTP_HEAD, "/o/abc.gif", 0}, {HTTP_POST, "/o/abc", 405}, {HTTP_GET, "/c/abc", 0},
        {HTTP_HEAD, "/c/abc", 0},     {HTTP_POST, "/c/abc", 405},   {HTTP_GET, "/u/abc", 0},    {HTTP_POST, "/u/abc", 400},
        {HTTP_DELETE, "/u/abc", 405}, {HTTP_GET, "/x", 404},        {HTTP_GET, "/", 404},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(cases[i].method, cases[i].path);
        assert_int_equal(ask(s, ""), cases[i].refusal);
        if (!cases[i].refusal) assert_int_equal(s->ask.reader.is_head, cases[i].method == HTTP_HEAD);
        assert_false(s->ask.is_to_act); /* TR07 */
        scene_free(s);
    }
}

static void the_reader_is_noted(void **state) {
    (void)state;
    struct scene *s = scene_new(HTTP_GET, "/c/abc");
    s->request.query = STR("_se=YW5u"); /* TR18 */
    add_field(s, "user-agent", "X/1");
    add_field(s, "Sec-Purpose", "prefetch;prerender");
    assert_int_equal(ask(s, ""), 0);
    assert_text(s->ask.reader.user_agent, "X/1");
    assert_text(s->ask.reader.client, "203.0.113.7");
    assert_true(s->ask.reader.is_prefetch);
    assert_text(s->ask.token, "abc");
    scene_free(s);
}

/* TR08; RFC 8058 3.1, 3.2 */
static void bodies_say_what_is_meant(void **state) {
    (void)state;
    static const struct {
        const char *type, *body;
        int refusal;
        enum leave_scope scope;
        bool is_one_click;
        const char *tag;
    } cases[] = {
        {FORM, "List-Unsubscribe=One-Click", 0, LEAVE_LIST, true, ""},
        {FORM "; charset=UTF-8", "list-unsubscribe=one-click&x=y", 0, LEAVE_LIST, true, ""},
        {"", "List-Unsubscribe=One-Click", 0, LEAVE_LIST, true, ""},
        {"multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n", 0, LEAVE_LIST, true,
         ""},
        {FORM, "choice=list", 0, LEAVE_LIST, false, ""},
        {FORM, "choice=all", 0, LEAVE_ALL, false, ""},
        {FORM, "choice=tag%3Anews+%26+more", 0, LEAVE_TAG, false, "news & more"},
        {FORM, "", 400, LEAVE_LIST, false, ""},
        {FORM, "List-Unsubscribe=", 400, LEAVE_LIST, false, ""},
        {FORM, "List-Unsubscribe=Two-Clicks", 400, LEAVE_LIST, false, ""},
        {FORM, "choice=", 400, LEAVE_LIST, false, ""},
        {FORM, "choice=tag:", 400, LEAVE_LIST, false, ""},
        {FORM, "choice=list&choice=all", 400, LEAVE_LIST, false, ""},
        {FORM, "choice=all&List-Unsubscribe=One-Click", 400, LEAVE_LIST, false, ""},
        {FORM, "choice=%zz", 400, LEAVE_LIST, false, ""},
        {"application/json", "{\"List-Unsubscribe\":\"One-Click\"}", 400, LEAVE_LIST, false, ""},
        {"multipart/form-data", "List-Unsubscribe=One-Click", 400, LEAVE_LIST, false, ""},
        {"multipart/form-data; boundary=b", "--b", 400, LEAVE_LIST, false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(HTTP_POST, "/u/abc");
        if (*cases[i].type) add_field(s, "Content-Type", cases[i].type);
        assert_int_equal(ask(s, cases[i].body), cases[i].refusal);
        if (!cases[i].refusal) {
            assert_true(s->ask.is_to_act && s->ask.scope == cases[i].scope && s->ask.is_one_click == cases[i].is_one_click);
            assert_text(s->ask.tag, cases[i].tag);
        }
        scene_free(s);
    }
    struct scene *s = scene_new(HTTP_POST, "/u/abc");
    char *big = arena_alloc(&s->arena, ASK_BODY_MAX + 2);
    memset(big, 'x', ASK_BODY_MAX + 1);
    assert_int_equal(ask(s, big), 400);
    scene_free(s);
}

/* ---- answers ---- */
static void an_open_is_a_picture(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene *s = scene_new(HTTP_GET, "/o/abc");
        assert_int_equal(ask(s, ""), 0);
        s->answer.status = i ? STATUS_TEMPORARY : STATUS_OK; /* a loss of ours is nobody's */
        struct str gif = respond(s);
        assert_int_equal(gif.n, 43);
        assert_true(str_starts(gif, STR("GIF89a")) && gif.p[42] == ';');
        assert_text(s->response.content_type, "image/gif");
        assert_int_equal(s->response.status, 200);
        assert_strict(s);
        scene_free(s);
    }
}

static void a_click_leads_on(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene *s = scene_new(HTTP_GET, "/c/abc");
        assert_int_equal(ask(s, ""), 0);
        s->answer.status = i ? STATUS_IO : STATUS_OK;
        assert_int_equal(respond(s).n, 0);
        assert_int_equal(s->response.status, 302);
        assert_text(header(s, "Location"), "https://shop.example/?a=1&b=2");
        assert_strict(s);
        scene_free(s);
    }
}

/* TR02, TR16: whatever is wrong with a token looks alike; no answer but a right click's has a Location. */
static void errors_are_pages(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool has_token;
        enum status status;
        int expected;
    } cases[] = {
        {"/o/x", false, STATUS_OK, 404},       {"/c/x", false, STATUS_OK, 404},       {"/u/x", false, STATUS_OK, 404},
        {"/c/x", true, STATUS_NOT_FOUND, 404}, {"/o/x", true, STATUS_NOT_FOUND, 404}, {"/u/x", true, STATUS_NOT_FOUND, 404},
        {"/o/x", true, STATUS_DENIED, 410},    {"/c/x", true, STATUS_DENIED, 410},    {"/u/x", true, STATUS_DENIED, 410},
        {"/u/x", true, STATUS_INVALID, 400},   {"/u/x", true, STATUS_IO, 503},        {"/u/x", true, STATUS_TIMEOUT, 503},
    };
    struct buf first = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(HTTP_GET, cases[i].path);
        assert_int_equal(ask(s, ""), 0);
        if (!cases[i].has_token) s->answer.token = NULL;
        s->answer.status = cases[i].status;
        s->answer.view.subject = NULL;
        struct str page = respond(s);
        assert_int_equal(s->response.status, cases[i].expected);
        assert_int_equal(header(s, "Location").n, 0);
        assert_lacks(page, "<form");
        assert_strict(s);
        if (cases[i].expected == 404 && first.n == 0) buf_add_str(&first, page);
        if (cases[i].expected == 404) assert_true(str_eq(page, buf_str(&first)));
        scene_free(s);
    }
    buf_fini(&first);
}

/* TR13: what came from outside is text. */
static void a_question_escapes_and_offers(void **state) {
    (void)state;
    struct scene *s = scene_new(HTTP_GET, "/u/abc");
    assert_int_equal(ask(s, ""), 0);
    s->subject.list_name = STR("Weekly \"<img src=x>\"");
    s->subject.tags[s->subject.tag_count++] = STR("\"><b>");
    s->subject.domain.brand_name = STR("<script>alert(1)</script>");
    s->subject.domain.brand_colour = STR("#ffcc00");
    s->subject.domain.brand_text = STR("Bye & \"good\" luck");
    struct str page = respond(s);
    assert_int_equal(s->response.status, 200);
    assert_strict(s);
    assert_lacks(page, "<script");
    assert_lacks(page, "<img");
    assert_lacks(page, "<b>");
    assert_holds(page, "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
    assert_holds(page, "<p>Bye &amp; &quot;good&quot; luck</p>");
    assert_holds(page, "<form method=\"post\">");
    assert_holds(page, "value=\"list\" checked> Emails of the list “Weekly &quot;&lt;img src=x&gt;&quot;”</label>");
    assert_holds(page, "value=\"tag:&quot;&gt;&lt;b&gt;\"> Emails about");
    assert_holds(page, "value=\"all\"> All emails of this sender</label>");
    assert_holds(page, "background:#ffcc00;color:#000;");
    assert_holds(page, "<button>Unsubscribe</button>");
    assert_holds(page, "<html lang=\"en\">");
    scene_free(s);
}

static void colours_have_contrast(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"#000000", "background:#000000;color:#fff;"}, {"#FFFFFF", "background:#ffffff;color:#000;"},
        {"#767676", "background:#767676;color:#000;"}, {"#0044cc", "background:#0044cc;color:#fff;"},
        {"#12345", "background:#333333;color:#fff;"},  {"red;}", "background:#333333;color:#fff;"},
        {"#12345g", "background:#333333;color:#fff;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(HTTP_GET, "/u/abc");
        assert_int_equal(ask(s, ""), 0);
        s->subject.domain.brand_colour = str_from_z(cases[i][0]);
        struct str page = respond(s);
        assert_holds(page, cases[i][1]);
        assert_holds(page, "<p>a.example</p>"); /* its name when it has no other */
        assert_holds(page, "<input type=\"hidden\" name=\"choice\" value=\"all\">");
        scene_free(s);
    }
}

/* The policy names the style by the hash of what stands between its tags. */
static void the_style_is_the_one_that_is_allowed(void **state) {
    (void)state;
    struct scene *s = scene_new(HTTP_GET, "/u/abc");
    assert_int_equal(ask(s, ""), 0);
    struct str page = respond(s), open = STR("<style>");
    size_t from = str_find_str(page, open) + open.n, to = str_find_str(page, STR("</style>"));
    struct sha256 digest = sha256(str_sub(page, from, to - from));
    BUF_AUTO expected = {0};
    buf_add_z(&expected, "style-src 'sha256-");
    base64_encode(&expected, sha256_str(&digest));
    buf_add_z(&expected, "'; form-action 'self'; base-uri 'none'");
    assert_holds(header(s, "Content-Security-Policy"), expected.p);
    scene_free(s);
}

static void who_left_is_told(void **state) {
    (void)state;
    static const struct {
        const char *body, *list, *sentence;
    } cases[] = {
        {"List-Unsubscribe=One-Click", "Weekly", "<p>You will get no more emails of this list.</p>"},
        {"List-Unsubscribe=One-Click", "", "<p>You will get no more emails of this sender.</p>"},
        {"choice=all", "Weekly", "<p>You will get no more emails of this sender.</p>"},
        {"choice=tag:%3Ci%3E", "", "<p>You will get no more emails about “&lt;i&gt;”.</p>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(HTTP_POST, "/u/abc");
        add_field(s, "Content-Type", FORM);
        assert_int_equal(ask(s, cases[i].body), 0);
        s->subject.list_name = str_from_z(cases[i].list);
        assert_holds(respond(s), cases[i].sentence);
        assert_int_equal(s->response.status, 200); /* RFC 8058 3.2: no redirect */
        assert_int_equal(header(s, "Location").n, 0);
        assert_lacks(buf_str(&s->response.body), "<form");
        assert_strict(s);
        scene_free(s);
    }
}

/* ---- languages ---- */
static void languages_are_picked(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "en"},
        {"de", "de"},
        {"de-AT,en;q=0.5", "de"},
        {"en;q=0.2, FR-ca;q=0.8, de;q=0.75", "fr"},
        {"fr;q=0, de;q=0.001", "de"},
        {"*", "en"},
        {"zz, de", "de"},
        {"de;q=x", "en"},
        {"fr;q=1.000,de", "fr"},
        {",,;q=1,", "en"},
        {"deutsch", "en"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(words_accepted(str_from_z(cases[i][0]))->language, cases[i][1]);
}

/* Every language says everything, and has a place for a name exactly where English has one. */
static void languages_are_whole(void **state) {
    (void)state;
    size_t count;
    const struct words *all = words_all(&count);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++) {
        for (int w = 0; w < WORD_COUNT; w++) {
            assert_non_null(all[i].text[w]);
            assert_true(str_is_utf8(str_from_z(all[i].text[w])));
            assert_int_equal(strstr(all[i].text[w], "{}") != NULL, strstr(all[0].text[w], "{}") != NULL);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_methods),
        cmocka_unit_test(the_reader_is_noted),
        cmocka_unit_test(bodies_say_what_is_meant),
        cmocka_unit_test(an_open_is_a_picture),
        cmocka_unit_test(a_click_leads_on),
        cmocka_unit_test(errors_are_pages),
        cmocka_unit_test(a_question_escapes_and_offers),
        cmocka_unit_test(colours_have_contrast),
        cmocka_unit_test(the_style_is_the_one_that_is_allowed),
        cmocka_unit_test(who_left_is_told),
        cmocka_unit_test(languages_are_picked),
        cmocka_unit_test(languages_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
