/* test_hook_tester.c - test calls on net_sim's clock: what comes back, how many at once (P6, P8), and how they end.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hook/hook_tester.h"
#include "net_sim/sim.h"
#include "net_sim/sim_http.h"

#define TIMEOUT_MS 15000
#define TRIALS     30

struct scene {
    struct loop *loop;
    struct resolver *resolver;
    struct http_client *http;
    struct hook_tester *tester;
    struct hook_row row;
    struct hook_call call;
    struct hook_trial trials[TRIALS];
    size_t done;
};

static struct scene *current; /* trials have no argument of their own */

static void on_done(struct hook_trial *trial) {
    (void)trial;
    current->done++;
}

static int set_up(void **state) {
    struct scene *s = test_calloc(1, sizeof *s);
    assert_int_equal(loop_new(&s->loop), STATUS_OK);
    assert_int_equal(resolver_new(s->loop, &(struct resolver_options){0}, &s->resolver), STATUS_OK);
    assert_int_equal(http_client_new(&(struct http_client_options){.loop = s->loop, .resolver = s->resolver}, &s->http),
                     STATUS_OK);
    s->tester = hook_tester_new(&(struct hook_tester_options){.loop = s->loop, .http = s->http, .timeout_ms = TIMEOUT_MS});
    s->call = (struct hook_call){
        .rows = &s->row, .count = 1, .attempt = 1, .id = STR("test_1"), .at_text = STR("1"), .body = STR("{}")};
    for (size_t i = 0; i < TRIALS; i++) {
        s->trials[i].turn = (struct hook_turn){
            .webhook_id = 1, .account_id = (int64_t)i + 1, .url = STR("http://a.test/x"), .calls = &s->call, .call_count = 1};
        s->trials[i].done = on_done;
    }
    sim_dns_add(s->loop, "a.test", DNS_A, "192.0.43.7");
    *state = current = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    for (size_t i = 0; i < TRIALS; i++) hook_trial_fini(&s->trials[i]);
    hook_tester_free(&s->tester);
    http_client_free(&s->http);
    resolver_free(&s->resolver);
    loop_free(&s->loop);
    test_free(s);
    return 0;
}

static void ask(struct scene *s, size_t count) {
    for (size_t i = 0; i < count; i++) hook_tester_ask(s->tester, &s->trials[i]);
}

static size_t called(const struct scene *s) {
    size_t n = 0;
    for (size_t i = 0; i < TRIALS; i++) n += s->trials[i].was_called;
    return n;
}

static const struct sim_http_answer busy[] = {{.code = 429, .body = "later", .delay_ms = 300, .retry_after_s = 60}};
static const struct sim_http_answer hangs[] = {{.code = 200, .delay_ms = 60000}};

static void what_comes_back_is_told(void **state) {
    struct scene *s = *state;
    sim_http_script(s->loop, "a.test", busy);
    ask(s, 1);
    sim_run_for(s->loop, 1000);
    const struct hook_answer *a = &s->trials[0].answer;
    assert_true(s->done == 1 && s->trials[0].was_called);
    assert_int_equal(a->code, 429);
    assert_true(str_eq(a->body, STR("later")));
    assert_true(a->ended_at - a->began_at >= 300 && a->ended_at - a->began_at < 400);
    assert_true(str_find_str(sim_http_request(s->loop, "a.test", 0), STR("webhook-id: test_1")) != STR_NONE);
}

/* WH13, WH20: they have no other rights than calls for events. */
static void it_fails_as_other_calls_do(void **state) {
    struct scene *s = *state;
    sim_http_script(s->loop, "a.test", hangs);
    sim_dns_add(s->loop, "a.test", DNS_AAAA, "fd00::1");
    sim_dns_add(s->loop, "inside.test", DNS_A, "10.0.0.1");
    s->trials[1].turn.url = STR("http://inside.test/");
    ask(s, 2);
    sim_run_for(s->loop, TIMEOUT_MS + 1000);
    assert_int_equal(s->done, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s->trials[i].answer.code, 0);
        assert_true(s->trials[i].was_called && s->trials[i].answer.why.n > 0);
    }
    assert_int_equal(sim_http_count(s->loop, "inside.test"), 0);
}

static void p8_so_many_at_once(void **state) {
    struct scene *s = *state;
    sim_http_script(s->loop, "a.test", hangs);
    ask(s, TRIALS);
    sim_run_for(s->loop, 1000);
    assert_int_equal(s->done, TRIALS - HOOK_TESTS_MAX); /* told at once that there is no place */
    sim_run_for(s->loop, TIMEOUT_MS);
    assert_int_equal(s->done, TRIALS);
    assert_int_equal(called(s), HOOK_TESTS_MAX);
}

static void p6_so_many_of_an_account(void **state) {
    struct scene *s = *state;
    sim_http_script(s->loop, "a.test", busy);
    for (size_t i = 0; i < 5; i++) s->trials[i].turn.account_id = 1;
    ask(s, 6);
    sim_run_for(s->loop, 1000);
    assert_int_equal(s->done, 6);
    assert_int_equal(called(s), HOOK_TESTS_ACCOUNT_MAX + 1);
    assert_true(s->trials[5].was_called);
}

static void the_end_answers_whoever_waits(void **state) {
    struct scene *s = *state;
    sim_http_script(s->loop, "a.test", hangs);
    ask(s, 2);
    sim_run_for(s->loop, 100);
    assert_int_equal(s->done, 0);
    hook_tester_stop(s->tester);
    assert_int_equal(s->done, 2);
    hook_tester_ask(s->tester, &s->trials[2]);
    sim_run_for(s->loop, 100);
    assert_int_equal(s->done, 3);
    assert_int_equal(called(s), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_back_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_fails_as_other_calls_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(p8_so_many_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(p6_so_many_of_an_account, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_answers_whoever_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
