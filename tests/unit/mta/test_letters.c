/* test_letters.c - letters of one recipient's own: links that name him, the same bytes at each try, in seven bits too (TR05, P2,
 * OB31); and one letter for all where nothing differs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOME   "https://gw.test"
#define HEAD   "From: a@sender.test\r\nSubject: page\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
#define PAGE                                                                                                                     \
    HEAD "\r\n<p>Gr\xC3\xBC\xC3\x9F"                                                                                             \
         "e <a href=\"https://a.example/\">a</a></p>\r\n"

struct scene {
    struct world *w;
    struct track_keys keys;
    struct render_track_setup track;
    struct sim_server *host;
    struct buf came; /* the messages, one behind the other, each with a NUL behind it */
    size_t count;
    bool is_refused; /* the first of them, for now */
    bool is_7bit;
};

static const struct sim_rule ok = {"(message)", "250 2.0.0 ok\r\n", 0, SIM_GO_ON, 0};

static const struct sim_rule *answer(void *arg, const struct sim_talk *talk, struct str line) {
    static const struct sim_rule later = {"(message)", "451 4.3.0 later\r\n", 0, SIM_GO_ON, 0},
                                 plain = {"EHLO *", "250-x\r\n250 PIPELINING\r\n", 0, SIM_GO_ON, 0};
    struct scene *s = arg;
    if (s->is_7bit && str_starts(line, STR("EHLO"))) return &plain;
    if (!str_eq(line, STR("(message)"))) return NULL;
    buf_add_str(&s->came, talk->message);
    buf_add_char(&s->came, '\0');
    return s->count++ == 0 && s->is_refused ? &later : &ok;
}

static struct scene *scene_new(void) {
    static const struct seal_key master = {{1}};
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->w = world_new();
    s->keys = track_keys_derive(&master, 1, 1);
    s->track = (struct render_track_setup){.keys = &s->keys, .base_url = STR(HOME)};
    s->w->options.track = &s->track;
    sim_dns_add(s->w->loop, "a.test", DNS_A, "198.18.0.1");
    s->host = sim_server(s->w->loop, "198.18.0.1:25", NULL);
    sim_server_decide(s->host, answer, s);
    world_start(s->w);
    return s;
}

static void scene_free(struct scene *s) {
    world_free(s->w);
    buf_fini(&s->came);
    free(s);
}

static struct str message(const struct scene *s, size_t i) {
    struct str rest = buf_str(&s->came), one = {0};
    for (size_t at = 0; at <= i; at++) assert_true(str_next(&rest, '\0', &one));
    return one;
}

static int64_t signatures(const struct scene *s) {
    return (int64_t)atomic_load(&s->w->metrics.value[METRIC_SIGNATURES]);
}

static void each_recipient_has_a_letter(void **state) { /* TR05 */
    (void)state;
    struct scene *s = scene_new();
    (void)mail_all(s->w, "1@a.test,2@a.test,3@a.test");
    sim_run_for(s->w->loop, MINUTE);
    assert_int_equal(s->count, 3);
    assert_int_equal(signatures(s), 1);
    assert_true(str_eq(message(s, 0), message(s, 1)) && str_eq(message(s, 1), message(s, 2)));
    world_sql(s->w, "UPDATE domains SET unsubscribe_link = 1");
    (void)mail_all(s->w, "1@a.test,2@a.test,3@a.test");
    sim_run_for(s->w->loop, MINUTE);
    assert_int_equal(s->count, 6);
    assert_int_equal(signatures(s), 4);
    for (size_t i = 3; i < 6; i++) {
        assert_has(message(s, i), "\r\nList-Unsubscribe: <" HOME "/u/");
        assert_has(message(s, i), "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        assert_true(i == 3 || !str_eq(message(s, i), message(s, 3)));
    }
    scene_free(s);
}

/* The DKIM signature too, hours later, and whatever the settings are by then. */
static void p2_a_retry_has_the_same_bytes(void **state) {
    (void)state;
    for (int is_7bit = 0; is_7bit < 2; is_7bit++) {
        struct scene *s = scene_new();
        s->is_refused = true;
        s->is_7bit = is_7bit;
        world_sql(s->w, "UPDATE domains SET link_tracking = 1, open_tracking = 1, unsubscribe_link = 1");
        int64_t id = mail(s->w, "b@a.test", PAGE, 0);
        sim_run_for(s->w->loop, 10000);
        assert_int_equal(s->count, 1);
        world_sql(s->w, "UPDATE domains SET link_tracking = 0, open_tracking = 0, unsubscribe_link = 0, tracking_status = 1");
        assert_story(s->w, id, 10 * MINUTE, "deferred 451 . a.test; delivery 250 . a.test; = delivered");
        assert_int_equal(s->count, 2);
        assert_true(str_eq(message(s, 0), message(s, 1)));
        assert_has(message(s, 0), HOME "/o/");
        assert_has(message(s, 0), is_7bit ? "Gr=C3=BC=C3=9Fe"
                                          : "Gr\xC3\xBC\xC3\x9F"
                                            "e");
        assert_int_equal(str_find_str(message(s, 0), STR("a.example")), STR_NONE);
        assert_int_equal(str_is_ascii(message(s, 0)), is_7bit);
        scene_free(s);
    }
}

/* What was signed for all stays so, though somebody turns tracking on before the retry. */
static void p2_a_shared_letter_stays_shared(void **state) {
    (void)state;
    struct scene *s = scene_new();
    s->is_refused = true;
    int64_t id = mail(s->w, "b@a.test", PAGE, 0);
    sim_run_for(s->w->loop, 10000);
    world_sql(s->w, "UPDATE domains SET link_tracking = 1, open_tracking = 1, unsubscribe_link = 1");
    assert_story(s->w, id, 10 * MINUTE, "deferred 451 . a.test; delivery 250 . a.test; = delivered");
    assert_true(str_eq(message(s, 0), message(s, 1)));
    assert_int_equal(str_find_str(message(s, 1), STR(HOME)), STR_NONE);
    scene_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_recipient_has_a_letter),
        cmocka_unit_test(p2_a_retry_has_the_same_bytes),
        cmocka_unit_test(p2_a_shared_letter_stays_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
