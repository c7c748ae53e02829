/* test_render_track.c - what a message needs for one recipient: who asked for what, links that come home, header fields of RFC
 * 8058 (P5; TR05, TR12).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/render_track.h"
#include "core/return_path.h"
#include "core/suppressions.h"
#include "proto/mime/header.h"
#include "store/lists.h"

#include <stdlib.h>

static const struct seal_key master = {{1, 2, 3}};

struct scene {
    struct fixture *f;
    struct track_keys keys;
    struct render_track_setup setup;
    struct addressee who;
    struct render_track plan;
};

static struct scene *scene_new(void) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->f = fixture_new();
    (void)make_node(s->f->db);
    int64_t account = make_account(s->f->db, "a@example.com"), domain = make_domain(s->f->db, account, "a.example");
    int64_t message = make_message(s->f->db, account, domain, 1);
    int64_t recipient = make_recipient(s->f->db, message, account, "example.net", NOW);
    s->keys = track_keys_derive(&master, 1, 1);
    s->setup = (struct render_track_setup){.keys = &s->keys, .return_path = &master, .base_url = STR("https://gateway.example")};
    assert_ok(addressee_load(s->f->db, &s->f->arena, recipient, &s->who));
    return s;
}

static void scene_free(struct scene *s) {
    fixture_free(s->f);
    free(s);
}

static void plan(struct scene *s) {
    assert_ok(render_track_plan(s->f->db, &s->f->arena, &s->setup, &s->who, &s->plan));
}

static bool wants(struct scene *s) {
    bool is_wanted = true;
    assert_ok(render_track_wants(s->f->db, &s->setup, &s->who.message, &s->who.domain, &is_wanted));
    return is_wanted;
}

static void assert_holds(struct str text, const char *part) {
    if (str_find_str(text, str_from_z(part)) == STR_NONE) fail_msg("%s is not in %.*s", part, STR_ARG(text));
}

/* The token in a URL of the plan's. */
static struct track_token token_in(struct scene *s, enum track_kind kind, struct str url) {
    struct track_token token;
    enum track_kind found;
    struct str text;
    assert_true(str_starts(url, s->plan.base_url));
    assert_true(track_path_parse(str_sub(url, s->plan.base_url.n, SIZE_MAX), &s->f->arena, &found, &text));
    assert_int_equal(found, kind);
    assert_true(track_token_parse(&s->keys, kind, text, NOW, &s->f->arena, &token));
    assert_int_equal(token.recipient_id, s->who.recipient.id);
    assert_int_equal(token.message_id, s->who.message.id);
    assert_int_equal(token.domain_id, s->who.domain.id);
    return token;
}

/* ---- who asked for what ---- */
static void a_message_s_word_comes_first(void **state) {
    (void)state;
    static const struct {
        bool of_domain;
        const char *metadata;
        bool links, opens;
    } cases[] = {
        {false, "{}", false, false},
        {true, "{}", true, true},
        {false, "{\"TrackLinks\":true}", true, false},
        {true, "{\"TrackLinks\":false,\"TrackOpens\":true}", false, true},
        {true, "{\"TrackOpens\":\"no\"}", true, true},
        {true, "?", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new();
        s->who.domain.link_tracking = s->who.domain.open_tracking = cases[i].of_domain;
        s->who.message.metadata = str_from_z(cases[i].metadata);
        plan(s);
        assert_true(s->plan.links == cases[i].links && s->plan.opens == cases[i].opens);
        assert_int_equal(wants(s), cases[i].links || cases[i].opens);
        assert_int_equal(render_track_pixel(&s->plan, &s->f->arena).n > 0, cases[i].opens);
        s->setup.base_url = STR(""); /* nowhere to go */
        plan(s);
        assert_false(s->plan.links || s->plan.opens);
        scene_free(s);
    }
}

static void a_verified_domain_has_its_own_host(void **state) {
    (void)state;
    struct scene *s = scene_new();
    plan(s);
    assert_str(s->plan.base_url, "https://gateway.example");
    s->who.domain.record[DOMAIN_TRACKING] = RECORD_VERIFIED;
    plan(s);
    assert_str(s->plan.base_url, "https://track.mail.a.example");
    scene_free(s);
}

/* ---- edits ---- */
static void links_and_pixel_come_home(void **state) {
    (void)state;
    struct scene *s = scene_new();
    struct links links;
    BUF_AUTO out = {0};
    s->who.domain.link_tracking = s->who.domain.open_tracking = true;
    s->setup.life_ms = INT64_C(86400000);
    plan(s);
    links_find_html(STR("<p><a href=\"https://one.example/?a=1&amp;b\">1</a><a href='mailto:x@y.example'>2</a>"
                        "<a href=http://two.example>3</a></body>"),
                    true, &s->f->arena, &links);
    struct html_edit *edit =
        links_edit(&links, render_track_link, &s->plan, render_track_pixel(&s->plan, &s->f->arena), &s->f->arena);
    for (int i = 0; i < 2; i++, edit = edit->next) {
        struct track_token token = token_in(s, TRACK_CLICK, edit->new);
        assert_int_equal(token.link, i);
        assert_true(str_eq(token.target, i ? STR("http://two.example") : STR("https://one.example/?a=1&b")));
        assert_true(token.expires_at > NOW);
    }
    assert_null(edit->next);
    size_t from = str_find_str(edit->new, s->plan.base_url);
    struct str url = str_sub(edit->new, from, str_find(str_sub(edit->new, from, SIZE_MAX), '"'));
    (void)token_in(s, TRACK_OPEN, url);
    s->plan.links = false;
    assert_false(render_track_link(&s->plan, links.first, &out));
    assert_int_equal(out.n, 0);
    scene_free(s);
}

/* What no token takes stays as it was (TR12). */
static void other_links_stay(void **state) {
    (void)state;
    struct scene *s = scene_new();
    struct html_link link = {.url = STR("javascript:alert(1)")};
    BUF_AUTO out = {0};
    s->who.domain.link_tracking = true;
    plan(s);
    assert_false(render_track_link(&s->plan, &link, &out));
    assert_int_equal(out.n, 0);
    scene_free(s);
}

/* Where its author says so people leave, if they may; else it is a link like others. */
static void a_marked_link_is_where_people_leave(void **state) {
    (void)state;
    static const struct {
        bool links, unsubscribe;
        enum track_kind kind; /* TRACK_KIND_COUNT: it stays */
    } cases[] = {{false, true, TRACK_UNSUBSCRIBE},
                 {true, true, TRACK_UNSUBSCRIBE},
                 {true, false, TRACK_CLICK},
                 {false, false, TRACK_KIND_COUNT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new();
        struct links links;
        BUF_AUTO out = {0};
        s->who.domain.link_tracking = cases[i].links;
        s->who.domain.unsubscribe_link = cases[i].unsubscribe;
        plan(s);
        links_find_html(STR("<a href=\"https://one.example/leave\" DATA-Unsubscribe>1</a>"), true, &s->f->arena, &links);
        assert_int_equal(links.count, 1);
        assert_int_equal(render_track_link(&s->plan, links.first, &out), cases[i].kind != TRACK_KIND_COUNT);
        if (cases[i].kind != TRACK_KIND_COUNT) (void)token_in(s, cases[i].kind, buf_str(&out));
        buf_reset(&out);
        s->plan.base_url = STR(""); /* its author's own page will do */
        s->plan.links = false;
        assert_false(render_track_link(&s->plan, links.first, &out));
        scene_free(s);
    }
}

/* ---- header fields ---- */
static void fields_are_those_of_rfc_8058(void **state) {
    (void)state;
    struct scene *s = scene_new();
    BUF_AUTO out = {0};
    BUF_AUTO value = {0};
    struct header_field field;
    s->who.domain.unsubscribe_link = true;
    s->setup.life_ms = 1;
    plan(s);
    render_track_headers(&s->plan, STR("Subject: x\r\n\r\n"), &out);
    struct str rest = buf_str(&out);
    assert_int_equal(header_next(&rest, &field), HEADER_FIELD);
    assert_str(field.name, "List-Unsubscribe");
    header_unfold(&value, field.value);
    struct str uris = buf_str(&value), url, mail;
    assert_true(str_next(&uris, ',', &url) && str_next(&uris, ',', &mail) && !str_next(&uris, ',', &mail));
    mail = str_trim(str_sub(buf_str(&value), url.n + 1, SIZE_MAX));
    struct track_token token = token_in(s, TRACK_UNSUBSCRIBE, str_sub(url, 1, url.n - 2));
    struct sha256 hash = suppression_hash(STR("b@example.net"));
    assert_memory_equal(&token.address_hash, &hash, sizeof hash);
    assert_int_equal(token.expires_at, 0); /* people may always leave */
    assert_true(str_starts(mail, STR("<mailto:u+")) && str_ends(mail, STR("@mail.a.example>")));
    assert_int_equal(header_next(&rest, &field), HEADER_FIELD);
    assert_true(str_eq(field.raw, STR("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")));
    assert_int_equal(rest.n, 0);
    scene_free(s);
}

static void fields_stand_once_and_where_they_are_wanted(void **state) {
    (void)state;
    struct scene *s = scene_new();
    BUF_AUTO out = {0};
    plan(s);
    render_track_headers(&s->plan, STR("Subject: x\r\n\r\n"), &out);
    assert_int_equal(out.n, 0);
    struct mailing_list list = {.account_id = s->who.message.account_id, .name = STR("Weekly"), .created_at = NOW};
    int64_t id;
    assert_ok(mailing_list_add(s->f->db, &list, &id));
    s->who.message.metadata = arena_strf(&s->f->arena, "{\"ListID\":\"%lld\"}", (long long)id);
    plan(s);
    assert_int_equal(s->plan.token.list_id, id);
    render_track_headers(&s->plan, STR("list-unsubscribe: <https://own.example>\r\n\r\n"), &out);
    assert_int_equal(out.n, 0);
    s->plan.base_url = STR("http://gateway.example"); /* RFC 8058 3.1 wants https */
    render_track_headers(&s->plan, STR("\r\n"), &out);
    assert_holds(buf_str(&out), "<http://gateway.example/u/");
    assert_int_equal(str_find_str(buf_str(&out), STR("-Post")), STR_NONE);
    buf_reset(&out);
    s->plan.base_url = STR("");
    render_track_headers(&s->plan, STR("\r\n"), &out);
    assert_true(str_starts(buf_str(&out), STR("List-Unsubscribe: <mailto:u+")));
    scene_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_s_word_comes_first),
        cmocka_unit_test(a_verified_domain_has_its_own_host),
        cmocka_unit_test(links_and_pixel_come_home),
        cmocka_unit_test(other_links_stay),
        cmocka_unit_test(a_marked_link_is_where_people_leave),
        cmocka_unit_test(fields_are_those_of_rfc_8058),
        cmocka_unit_test(fields_stand_once_and_where_they_are_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
