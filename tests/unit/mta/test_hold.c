/* test_hold.c - what is decided while deliveries run: a cleared queue, a cancelled and a moved message, an entry offered twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/queue_orders.h"
#include "store/domains.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)

/* One connection to a host that takes half a minute for each message: one is in flight, one waits for the connection, the rest in
 * the window. */
static struct sim_server *slow_host(struct world *w) {
    static const struct sim_rule rules[] = {{"(message)", "250 2.0.0 slow\r\n", .delay_ms = 30000}, {0}};
    sim_dns_add(w->loop, "a.test", DNS_MX, "10 mx1.a.test");
    sim_dns_add(w->loop, "mx1.a.test", DNS_A, "198.18.0.1");
    w->options.site_connections_max = 1;
    return sim_server(w->loop, "198.18.0.1:25", rules);
}

struct decision {
    struct queue_held held;
    struct mta_hold *hold;
    struct world *w;
    int64_t message_id, due_at;
    int64_t count;
    struct arena arena;
    struct queue_entry_list moved;
    bool is_held;
};

static void on_held(struct queue_held *held) {
    LIST_OWNER(held, struct decision, held)->is_held = true;
}

static int64_t now_of(const struct world *w) {
    return clock_wall_ms(loop_clock(w->loop));
}

static void begin(struct world *w, struct decision *d, int64_t domain_id, int64_t first, int64_t last) {
    *d = (struct decision){.held.done = on_held, .w = w, .message_id = first};
    struct queue_hold what = {.account_id = w->account_id, .domain_id = domain_id, .first_message = first, .last_message = last};
    d->hold = mta_hold(w->mta, &what, &d->held);
    sim_run_for(w->loop, 0);
    assert_true(d->is_held);
}

static void end(struct decision *d) {
    mta_release(d->hold);
    if (d->moved.count) mta_offer(d->w->mta, d->moved.items, d->moved.count);
    sim_run_for(d->w->loop, 0);
    free(d->held.in_flight);
    arena_fini(&d->arena);
}

static struct message_flight flight_of(const struct decision *d) {
    return (struct message_flight){d->held.in_flight, d->held.in_flight_count};
}

/* What ClearDomainQueue does, in one slice. */
static enum status clear(void *arg, struct db *db) {
    struct decision *d = arg;
    struct queue_order order = {.verb = QUEUE_FAIL, .filter = queue_filter_all(), .reason = STR("cleared")};
    struct message_flight flight = flight_of(d);
    const struct queue_view view = {db, &d->arena, d->w->options.node_id, now_of(d->w)};
    struct queue_page page;
    struct queue_result result;
    order.filter.domain_id = d->w->domain_id;
    enum status status = message_last(db, &order.filter.last_message);
    if (status == STATUS_OK) status = domain_set_cut(db, d->w->account_id, d->w->domain_id, order.filter.last_message);
    if (status == STATUS_OK) status = queue_order_page(&view, &order, &(struct queue_sweep){.is_held = false}, &page);
    if (status == STATUS_OK) status = queue_order_apply(&view, &order, &page.ids, &flight, &result);
    if (status == STATUS_OK) d->count = result.changed;
    return status;
}

static enum status cancel(void *arg, struct db *db) {
    struct decision *d = arg;
    struct message_choice choice = {d->message_id, flight_of(d), now_of(d->w)};
    return message_cancel(db, &choice, &d->count);
}

static enum status move(void *arg, struct db *db) {
    struct decision *d = arg;
    struct message_choice choice = {d->message_id, flight_of(d), now_of(d->w)};
    return message_move(db, &d->arena, &choice, d->due_at, &d->moved);
}

static void P1_a_cleared_queue_keeps_the_result_of_what_is_in_flight(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = slow_host(w);
    world_start(w);
    int64_t ids[5];
    for (int i = 0; i < 5; i++) ids[i] = mail(w, "b@a.test", NULL, 0);
    sim_run_for(w->loop, 5000);
    struct decision d;
    begin(w, &d, w->domain_id, 0, INT64_MAX);
    assert_int_equal(d.held.in_flight_count, 1);
    assert_int_equal(d.held.in_flight[0], ids[0]);
    int64_t late = mail(w, "late@a.test", NULL, 0); /* accepted meanwhile: covered as long as it is held */
    sim_run_for(w->loop, 5000);
    world_write(w, clear, &d);
    assert_int_equal(d.count, 5);
    end(&d);
    assert_story(w, ids[0], 2 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    for (int i = 1; i < 5; i++) assert_story(w, ids[i], 0, "failed; = failed");
    assert_story(w, late, 0, "failed; = failed");
    assert_int_equal(sim_server_message_count(s), 1);
    int64_t next = mail(w, "next@a.test", NULL, 0); /* and the domain goes on */
    assert_story(w, next, 1 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    world_free(w);
}

/* A deferral of what was in flight is its end, at once: the queue was to be empty. */
static void P1_what_is_deferred_after_the_clearing_fails(void **state) {
    (void)state;
    struct world *w = world_new();
    static const struct sim_rule rules[] = {{"(message)", "451 4.3.0 later\r\n", .delay_ms = 30000}, {0}};
    sim_dns_add(w->loop, "a.test", DNS_A, "198.18.0.1");
    (void)sim_server(w->loop, "198.18.0.1:25", rules);
    world_start(w);
    int64_t id = mail(w, "b@a.test", NULL, 0);
    sim_run_for(w->loop, 1000);
    struct decision d;
    begin(w, &d, w->domain_id, 0, INT64_MAX);
    world_write(w, clear, &d);
    assert_int_equal(d.count, 0);
    end(&d);
    assert_story(w, id, MINUTE, "failed 451 . a.test; = failed");
    world_free(w);
}

/* Another domain's hold, another message's: nothing of ours is touched. */
static void P6_a_hold_covers_what_it_says(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)slow_host(w);
    world_start(w);
    int64_t a = mail(w, "a@a.test", NULL, 0), b = mail(w, "b@a.test", NULL, 0);
    struct decision domain, message;
    begin(w, &domain, w->domain_id + 1, 0, INT64_MAX);
    begin(w, &message, QUEUE_ANY, 1000, 1000);
    assert_story(w, a, 2 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, b, 0, "delivery 250 . mx1.a.test; = delivered");
    end(&message);
    end(&domain);
    world_free(w);
}

/* Its entry stands in the window (a clock that was set back could have brought it there), its row is moved: first later, then
 * earlier, then it is offered again and again. It goes out once, when the row says so. */
static void P2_a_moved_entry_in_the_window_is_sent_once_at_its_time(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = slow_host(w);
    world_start(w);
    (void)mail(w, "1@a.test", NULL, 0);
    (void)mail(w, "2@a.test", NULL, 0);
    int64_t id = mail(w, "3@a.test", NULL, 0); /* message 3; ready in the window behind the others */
    sim_run_for(w->loop, 5000);
    world_sql(w, "UPDATE recipients SET state = 0, due_at = due_at + 600000 WHERE id = 3");
    struct decision d;
    begin(w, &d, QUEUE_ANY, 3, 3);
    d.due_at = now_of(w) + 10 * MINUTE;
    world_write(w, move, &d);
    assert_int_equal(d.moved.count, 1);
    end(&d);
    assert_story(w, id, 5 * MINUTE, "= scheduled");
    assert_int_equal(sim_server_message_count(s), 2);
    begin(w, &d, QUEUE_ANY, 3, 3);
    d.due_at = now_of(w) + MINUTE; /* four minutes earlier */
    world_write(w, move, &d);
    assert_int_equal(d.moved.count, 1);
    struct queue_entry entry = d.moved.items[0];
    entry.domain = STR("a.test");
    end(&d);
    assert_story(w, id, MINUTE - 2000, "= scheduled");
    for (int i = 0; i < 60; i++) { /* offered while it waits, is loaded, in flight, and afterwards */
        mta_offer(w->mta, &entry, 1);
        sim_run_for(w->loop, 1000);
    }
    assert_story(w, id, 5 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(sim_server_message_count(s), 3);
    world_free(w);
}

/* Between the load of a row and its transaction: the letter or the connection is awaited. */
static void P2_cancelled_while_it_waits_for_a_connection(void **state) {
    (void)state;
    struct world *w = world_new();
    struct sim_server *s = slow_host(w);
    world_start(w);
    int64_t first = mail(w, "1@a.test", NULL, 0), second = mail(w, "2@a.test", NULL, 0);
    sim_run_for(w->loop, 5000); /* the second one is loaded, signed and next */
    struct decision d;
    world_sql(w, "UPDATE recipients SET state = 0, due_at = due_at + 600000 WHERE id = 2");
    begin(w, &d, QUEUE_ANY, 2, 2);
    assert_int_equal(d.held.in_flight_count, 0);
    world_write(w, cancel, &d);
    assert_int_equal(d.count, 1);
    end(&d);
    begin(w, &d, QUEUE_ANY, 1, 1); /* what is in flight is not there to be cancelled */
    assert_int_equal(d.held.in_flight_count, 1);
    world_write(w, cancel, &d);
    assert_int_equal(d.count, 0);
    end(&d);
    assert_story(w, first, 2 * MINUTE, "delivery 250 . mx1.a.test; = delivered");
    assert_story(w, second, 0, "failed; = cancelled");
    assert_int_equal(sim_server_message_count(s), 1);
    world_free(w);
}

/* The letter cannot be made and the end cannot be written: a stop finds the attempt waiting for nothing, and frees it (the
 * sanitizer's leak check sees to it). */
static void P8_a_stop_frees_what_waits_for_a_letter_that_failed(void **state) {
    (void)state;
    struct world *w = world_new();
    (void)slow_host(w);
    world_start(w);
    (void)mail(w, "b@a.test", NULL, 0);
    world_sql(w, "DELETE FROM bodies");
    world_sql(w, "ALTER TABLE events RENAME TO elsewhere");
    sim_run_for(w->loop, 10000);
    world_sql(w, "ALTER TABLE elsewhere RENAME TO events");
    assert_true(world_has(w, "SELECT 1 FROM recipients WHERE state = 1"));
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P1_a_cleared_queue_keeps_the_result_of_what_is_in_flight),
        cmocka_unit_test(P1_what_is_deferred_after_the_clearing_fails),
        cmocka_unit_test(P6_a_hold_covers_what_it_says),
        cmocka_unit_test(P2_a_moved_entry_in_the_window_is_sent_once_at_its_time),
        cmocka_unit_test(P2_cancelled_while_it_waits_for_a_connection),
        cmocka_unit_test(P8_a_stop_frees_what_waits_for_a_letter_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
