/* test_clear.c - a domain's queue is cleared, a domain is deleted: in slices, beside what is in flight (contract, decisions 15,
 * 16).
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "api/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)

static int send_many(struct world *w, const struct tenant *t, size_t recipients, const char *more, char ret_id[64]) {
    BUF_AUTO body = {0};
    buf_addf(&body,
             "{\"From\":{\"email\":\"a@%s\",\"name\":\"\"},\"Subject\":\"Hi\",\"ContentType\":\"plain\",\"PlainContent\":\"x\"%s,"
             "\"To\":[",
             t->domain, more);
    for (size_t i = 0; i < recipients; i++) buf_addf(&body, "%s{\"email\":\"r%zu@there.test\",\"name\":\"\"}", i ? "," : "", i);
    buf_add_z(&body, "]}");
    REPLY_AUTO r = world_send(w, t->sender_key, body.p);
    struct str id = reply_text(&r, "MessageID");
    if (id.n && id.n < 64) {
        memcpy(ret_id, id.p, id.n);
        ret_id[id.n] = '\0';
    }
    return r.status;
}

/* What was ordered is worked off. */
static void work_off(struct world *w) {
    struct work *work = work_new(&w->api, w->loop);
    work_start(work);
    sim_run_for(w->loop, 5000);
    work_stop(work, NULL, NULL);
    work_free(&work);
}

static struct reply clear(struct world *w, const char *user_key, const char *command, const char *domain_id) {
    char members[64];
    snprintf(members, sizeof members, "\"DomainID\":%s", domain_id);
    return world_command(w, user_key, command, members);
}

static struct reply show(struct world *w, const char *key, const char *id) {
    char path[128];
    snprintf(path, sizeof path, "/api/v1/messages/%s", id);
    return world_ask(w, &(struct ask){.method = "GET", .path = path, .bearer = key});
}

static void P3_a_queue_is_cleared_in_slices_with_an_event_each(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant a = world_tenant(w, "a@one.test", "one.test"), b = world_tenant(w, "b@two.test", "two.test");
    char id[64], other[64], at[64];
    snprintf(at, sizeof at, ",\"SendAt\":%lld", (long long)(clock_wall_ms(w->api.clock) / 1000 + 600));
    assert_int_equal(send_many(w, &a, 900, "", id), 200);
    assert_int_equal(send_many(w, &a, 300, at, id), 200);
    assert_int_equal(send_many(w, &b, 2, "", other), 200);
    REPLY_AUTO foreign = clear(w, b.user_key, "EmailGateway.ClearDomainQueue", a.domain_id);
    assert_int_equal(reply_code(&foreign), 2);
    REPLY_AUTO cleared = clear(w, a.user_key, "EmailGateway.ClearDomainQueue", a.domain_id);
    assert_reply(&cleared, "Success", "true");
    assert_reply(&cleared, "ErrorCode", "0");
    assert_reply(&cleared, "Cleared", "1200");
    work_off(w); /* three slices */
    REPLY_AUTO shown = show(w, a.user_key, id);
    assert_reply(&shown, "Message.Recipients.299.State", "failed");
    assert_reply(&shown, "Message.Recipients.299.Reason", "The sender domain's queue was cleared");
    assert_reply(&shown, "Message.Recipients.299.Events.1.EventType", "failed");
    assert_reply(&shown, "Message.Recipients.299.Events.2.EventType", "");
    REPLY_AUTO theirs = show(w, b.user_key, other);
    assert_reply(&theirs, "Message.Recipients.0.State", "queued");
    REPLY_AUTO again = clear(w, a.user_key, "EmailGateway.ClearDomainQueue", a.domain_id);
    assert_reply(&again, "Cleared", "0");
    assert_int_equal(send_many(w, &a, 1, "", id), 200); /* the domain goes on */
    REPLY_AUTO next = show(w, a.user_key, id);
    assert_reply(&next, "Message.Recipients.0.State", "queued");
    world_free(w);
}

static void what_is_no_domain_is_refused_in_the_contracts_words(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    static const char *const commands[] = {"EmailGateway.ClearDomainQueue", "EmailGateway.DeleteDomain"};
    static const char *const missing[] = {"", "\"DomainID\":null", "\"DomainID\":\"\""};
    static const char *const wrong[] = {
        "\"DomainID\":999", "\"DomainID\":\"999\"", "\"DomainID\":-1", "\"DomainID\":\"x\"", "\"DomainID\":9223372036854775807",
        "\"DomainID\":[]"};
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i < 3; i++) {
            REPLY_AUTO r = world_command(w, t.user_key, commands[c], missing[i]);
            assert_int_equal(r.status, 200);
            assert_int_equal(reply_code(&r), 1);
        }
        for (size_t i = 0; i < 6; i++) {
            REPLY_AUTO r = world_command(w, t.user_key, commands[c], wrong[i]);
            assert_int_equal(reply_code(&r), 2);
        }
    }
    REPLY_AUTO rest = world_ask(w, &(struct ask){.method = "DELETE", .path = "/api/v1/domains/999", .bearer = t.user_key});
    assert_int_equal(rest.status, 404);
    world_free(w);
}

/* TN15: its queue fails, its keys end, its name is free; what was sent stays readable by the account. */
static void TN15_a_deleted_domain_leaves_its_history(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant a = world_tenant(w, "a@one.test", "one.test"), b = world_tenant(w, "b@two.test", "two.test");
    char id[64], at[64], path[64];
    snprintf(at, sizeof at, ",\"SendAt\":%lld", (long long)(clock_wall_ms(w->api.clock) / 1000 + 600));
    assert_int_equal(send_many(w, &a, 600, at, id), 200);
    snprintf(path, sizeof path, "/api/v1/domains/%s", a.domain_id);
    REPLY_AUTO foreign = world_ask(w, &(struct ask){.method = "DELETE", .path = path, .bearer = b.user_key});
    assert_int_equal(foreign.status, 404);
    REPLY_AUTO deleted = clear(w, a.user_key, "EmailGateway.DeleteDomain", a.domain_id);
    assert_reply(&deleted, "Success", "true");
    assert_reply(&deleted, "Cleared", "600");
    work_off(w);
    assert_int_equal(send_many(w, &a, 1, "", at), 401);
    REPLY_AUTO twice = clear(w, a.user_key, "EmailGateway.DeleteDomain", a.domain_id);
    assert_int_equal(reply_code(&twice), 2);
    REPLY_AUTO shown = show(w, a.user_key, id);
    assert_int_equal(shown.status, 200);
    assert_reply(&shown, "Message.DomainName", "");
    assert_reply(&shown, "Message.DomainID", a.domain_id);
    assert_reply(&shown, "Message.Recipients.0.State", "failed");
    assert_reply(&shown, "Message.Recipients.0.Reason", "The sender domain was deleted");
    snprintf(path, sizeof path, "DomainID=%s", a.domain_id);
    REPLY_AUTO listed =
        world_ask(w, &(struct ask){.method = "GET", .path = "/api/v1/messages", .bearer = a.user_key, .query = path});
    assert_reply(&listed, "Messages.0.MessageID", id);
    REPLY_AUTO anew = world_command(w, a.user_key, "EmailGateway.AddDomain", "\"DomainName\":\"one.test\"");
    assert_int_equal(reply_code(&anew), 0);
    world_free(w);
}

/* A send whose key was judged before the domain went: it comes to the writer after it, and is refused there. */
static void TN15_a_send_that_races_with_the_deletion_is_refused_or_failed(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct world *w = world_new();
        struct tenant t = world_tenant(w, "a@one.test", "one.test");
        char body[256], members[128];
        snprintf(body, sizeof body,
                 "{\"From\":{\"email\":\"a@one.test\",\"name\":\"\"},\"To\":[{\"email\":\"b@there.test\",\"name\":\"\"}],"
                 "\"Subject\":\"Hi\",\"ContentType\":\"plain\",\"PlainContent\":\"x\"}");
        snprintf(members, sizeof members, "{\"Command\":\"EmailGateway.DeleteDomain\",\"DomainID\":%s}", t.domain_id);
        struct ask send = {.path = "/api/v1/email", .bearer = t.sender_key, .body = body};
        struct ask delete = {.bearer = t.user_key, .body = members};
        struct pending *p[2];
        p[first] = world_begin(w, &send);
        p[!first] = world_begin(w, &delete);
        REPLY_AUTO sent = world_finish(w, p[first]);
        REPLY_AUTO gone = world_finish(w, p[!first]);
        assert_reply(&gone, "Success", "true");
        work_off(w);
        REPLY_AUTO waiting = world_ask(
            w, &(struct ask){.method = "GET", .path = "/api/v1/messages", .bearer = t.user_key, .query = "State=queued"});
        assert_reply(&waiting, "Messages.0.MessageID", "");
        if (sent.status != 200) assert_true(sent.status == 401 || sent.status == 403);
        world_free(w);
    }
}

/* ---- beside deliveries: the world's queue_hold tells of recipient 1 in flight ---- */
struct deliveries {
    struct world *w;
    int held, released;
    struct queue_hold what;
};

static void *hold(void *arg, const struct queue_hold *what, struct queue_held *held) {
    struct deliveries *d = arg;
    d->held++;
    d->what = *what;
    held->in_flight = malloc(sizeof *held->in_flight);
    held->in_flight[0] = 1;
    held->in_flight_count = 1;
    held->done(held);
    return d;
}

static void release(void *arg, void *held) {
    assert_ptr_equal(arg, held);
    ((struct deliveries *)arg)->released++;
}

static void offer(void *arg, const struct queue_entry *entries, size_t count) {
    (void)entries;
    ((struct deliveries *)arg)->w->offered += count;
}

static void P1_what_is_in_flight_is_left_alone(void **state) {
    (void)state;
    struct world *w = world_new();
    struct tenant t = world_tenant(w, "a@one.test", "one.test");
    struct deliveries d = {.w = w};
    w->api.queue_offer = offer;
    w->api.queue_hold = hold;
    w->api.queue_release = release;
    w->api.arg = &d;
    char id[64], at[64], path[128];
    snprintf(at, sizeof at, ",\"SendAt\":%lld", (long long)(clock_wall_ms(w->api.clock) / 1000 + 600));
    assert_int_equal(send_many(w, &t, 3, at, id), 200);
    snprintf(path, sizeof path, "/api/v1/messages/%s", id);
    REPLY_AUTO cancelled = world_ask(w, &(struct ask){.method = "DELETE", .path = path, .bearer = t.user_key});
    assert_reply(&cancelled, "Cancelled", "2");
    assert_true(d.what.first_message == 1 && d.what.last_message == 1);
    REPLY_AUTO cleared = clear(w, t.user_key, "EmailGateway.ClearDomainQueue", t.domain_id);
    assert_reply(&cleared, "Cleared", "0");
    assert_int_equal(d.what.last_message, 1);
    REPLY_AUTO shown = show(w, t.user_key, id);
    assert_reply(&shown, "Message.Recipients.0.State", "scheduled");
    assert_reply(&shown, "Message.Recipients.1.State", "cancelled");
    REPLY_AUTO refused = world_ask(w, &(struct ask){.method = "DELETE", .path = path, .bearer = t.user_key});
    assert_int_equal(refused.status, 409);
    REPLY_AUTO deleted = clear(w, t.user_key, "EmailGateway.DeleteDomain", t.domain_id);
    assert_reply(&deleted, "Cleared", "0");
    assert_int_equal(d.held, 4);
    assert_int_equal(d.released, 4); /* after a refusal too */
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P3_a_queue_is_cleared_in_slices_with_an_event_each),
        cmocka_unit_test(what_is_no_domain_is_refused_in_the_contracts_words),
        cmocka_unit_test(TN15_a_deleted_domain_leaves_its_history),
        cmocka_unit_test(TN15_a_send_that_races_with_the_deletion_is_refused_or_failed),
        cmocka_unit_test(P1_what_is_in_flight_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
