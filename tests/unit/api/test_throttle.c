/* test_throttle.c - request limits by key, account and address, and the slowing of wrong keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>

static void assert_str(struct str got, const char *want) {
    if (!str_eq(got, str_from_z(want))) print_error("'%.*s' is not '%s'\n", STR_ARG(got), want);
    assert_true(str_eq(got, str_from_z(want)));
}

static struct reply get_domains(struct world *w, const char *key, const char *client) {
    return world_ask(w, &(struct ask){.bearer = key, .client = client, .body = "{\"Command\":\"EmailGateway.GetDomains\"}"});
}

/* The n-th of n requests passes, the next one waits; the numbers stand on every answer. */
static void a_key_has_so_many_requests_a_minute(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test"), other = world_tenant(w, "b@owner.test", "b.test");
    w->api.key_per_minute = 120;
    for (int i = 0; i < 120; i++) {
        REPLY_AUTO r = get_domains(w, t.user_key, "192.0.2.1");
        char left[16];
        snprintf(left, sizeof left, "%d", 119 - i);
        assert_int_equal(reply_code(&r), 0);
        assert_str(r.rate_limit, "120");
        assert_str(r.rate_remaining, left);
        assert_true(r.rate_reset.n > 0 && r.retry_after.n == 0);
    }
    REPLY_AUTO over = get_domains(w, t.user_key, "192.0.2.1");
    assert_int_equal(over.status, 429); /* a real status, though it is a command */
    assert_int_equal(reply_code(&over), 429);
    assert_str(reply_text(&over, "ErrorMessage"), "Too many requests. Wait for 1 seconds for another 2 attempts.");
    assert_str(over.retry_after, "1");
    assert_str(over.rate_remaining, "0");
    assert_str(over.rate_reset, "60");
    REPLY_AUTO neighbour = get_domains(w, other.user_key, "192.0.2.1");
    assert_int_equal(reply_code(&neighbour), 0);
    REPLY_AUTO sender = world_send(w, t.sender_key, "{}"); /* another key of the same account */
    assert_int_equal(sender.status, 422);
    sim_run_for(w->loop, 1000);
    for (int i = 0; i < 3; i++) {
        REPLY_AUTO r = get_domains(w, t.user_key, "192.0.2.1");
        assert_int_equal(r.status, i < 2 ? 200 : 429);
    }
    REPLY_AUTO operators = world_operator(w, "EmailGateway.GetDomains", "\"Account\":\"a@owner.test\"");
    assert_int_equal(reply_code(&operators), 0); /* the control socket is not limited */
    assert_int_equal(operators.rate_limit.n, 0);
}

static void v1_says_it_in_its_own_words(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    w->api.key_per_minute = 1;
    REPLY_AUTO first = world_send(w, t.sender_key, "{}");
    assert_int_equal(first.status, 422);
    assert_str(first.rate_remaining, "0");
    REPLY_AUTO over = world_send(w, t.sender_key, "{}");
    assert_int_equal(over.status, 429);
    assert_int_equal(reply_code(&over), 429);
    assert_int_equal(reply_code_at(&over, 1), -1);
    assert_str(reply_text(&over, "Errors.0.Message"), "Too many requests. Wait for 60 seconds for another 1 attempts.");
    assert_str(over.retry_after, "60");
    REPLY_AUTO events = world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/events", .bearer = t.sender_key});
    assert_int_equal(events.status, 429);
    assert_str(reply_text(&events, "Errors.0.Message"), "Too many requests. Please wait for 60 seconds before trying again.");
    w->api.v1_always_200 = true;
    REPLY_AUTO old = world_send(w, t.sender_key, "{}");
    assert_int_equal(old.status, 200);
    assert_int_equal(reply_code(&old), 429);
    assert_str(old.retry_after, "60");
}

static void an_account_counts_all_its_keys(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test"), other = world_tenant(w, "b@owner.test", "b.test");
    w->api.account_per_minute = 2;
    REPLY_AUTO one = get_domains(w, t.user_key, NULL);
    assert_int_equal(one.status, 200);
    REPLY_AUTO two = world_send(w, t.sender_key, "{}");
    assert_int_equal(two.status, 422);
    REPLY_AUTO three = get_domains(w, t.user_key, NULL);
    assert_int_equal(three.status, 429);
    REPLY_AUTO others = get_domains(w, other.user_key, NULL);
    assert_int_equal(others.status, 200);
}

static void an_address_counts_whoever_calls(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    w->api.address_per_minute = 2;
    REPLY_AUTO one = world_ask(w, &(struct ask){.client = "2001:db8::1", .body = "{\"Command\":\"User.Login\"}"});
    assert_int_not_equal(one.status, 429);
    REPLY_AUTO two = get_domains(w, t.user_key, "2001:db8::2");
    assert_int_equal(two.status, 200);
    REPLY_AUTO three = get_domains(w, t.user_key, "2001:db8::3"); /* the same /64 */
    assert_int_equal(three.status, 429);
    assert_false(three.was_admitted);
    REPLY_AUTO probe = world_ask(w, &(struct ask){.method = "GET", .path = "/healthz", .client = "2001:db8::1"});
    assert_int_equal(probe.status, 200);
    REPLY_AUTO elsewhere = get_domains(w, t.user_key, "2001:db8:0:1::1");
    assert_int_equal(elsewhere.status, 200);
}

/* Whoever guesses is slowed; whoever has a right key is not, wherever the guesser sits. */
static void wrong_keys_are_slowed_and_right_ones_are_not(void **state) {
    struct world *w = *state;
    struct tenant t = world_tenant(w, "a@owner.test", "a.test");
    int wrong = 0, slowed = 0;
    for (int i = 0; i < 100; i++) {
        REPLY_AUTO r = i % 2 ? get_domains(w, "phu_guess", "192.0.2.1")
                             : world_ask(w, &(struct ask){.path = "/api/v1/email", .bearer = "ph_guess", .client = "192.0.2.1"});
        if (r.status == 429) {
            slowed++;
            assert_int_equal(reply_code(&r), 429);
            assert_true(r.retry_after.n > 0);
        } else {
            wrong++;
            assert_int_equal(reply_code(&r), i % 2 ? 99998 : 13);
        }
        REPLY_AUTO right = get_domains(w, t.user_key, "192.0.2.1"); /* a neighbour behind the same address */
        assert_int_equal(reply_code(&right), 0);
    }
    assert_int_equal(wrong, 60);
    assert_int_equal(slowed, 40);
    REPLY_AUTO elsewhere = get_domains(w, "phu_guess", "192.0.2.2");
    assert_int_equal(reply_code(&elsewhere), 99998);
    /* no key at all is no guess */
    for (int i = 0; i < 100; i++) {
        REPLY_AUTO none = get_domains(w, NULL, "192.0.2.3");
        assert_int_equal(reply_code(&none), 99998);
    }
    sim_run_for(w->loop, 60000);
    REPLY_AUTO later = get_domains(w, "phu_guess", "192.0.2.1");
    assert_int_equal(reply_code(&later), 99998);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_key_has_so_many_requests_a_minute),
        WORLD_TEST(v1_says_it_in_its_own_words),
        WORLD_TEST(an_account_counts_all_its_keys),
        WORLD_TEST(an_address_counts_whoever_calls),
        WORLD_TEST(wrong_keys_are_slowed_and_right_ones_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
