/* test_sandbox.c - the sandbox whole on net_sim: mta hands over to the built-in inbox by SMTP, and the inbox knows whose it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/inbox.h"
#include "net/listener.h"
#include "smtpd/smtpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sandbox {
    struct world *w;
    struct net_address address;
    struct smtpd_shared shared;
    struct smtpd *smtpd;
    struct listener *listener;
    bool is_stopped;
};

static void sandbox_open(struct sandbox *s) {
    struct world *w = s->w = world_new();
    assert_int_equal(net_address_parse(STR("127.0.0.1:2525"), &s->address), STATUS_OK);
    s->shared = (struct smtpd_shared){
        .writer = w->writer, .metrics = &w->metrics, .return_path_key = &w->return_path_key, .hostname = STR("inbox.test")};
    s->smtpd = smtpd_new(&(struct smtpd_options){.shared = &s->shared, .kind = SMTPD_INBOX, .loops = &w->loop, .loop_count = 1});
    struct listener_options options = {
        .address = &s->address, .loops = &w->loop, .loop_count = 1, .accept = smtpd_accept, .arg = s->smtpd};
    assert_int_equal(listener_open(&options, &s->listener), STATUS_OK);
    w->options.sandbox = &s->address;
    world_start(w);
}

static void on_stopped(void *arg) {
    ((struct sandbox *)arg)->is_stopped = true;
}
static bool is_stopped(void *arg) {
    return ((struct sandbox *)arg)->is_stopped;
}

static void sandbox_stop_inbox(struct sandbox *s) {
    smtpd_stop(s->smtpd, 1000, on_stopped, s);
    assert_true(sim_run_until(s->w->loop, is_stopped, s, 5000));
    assert_int_equal(atomic_load(&s->w->metrics.value[METRIC_SMTP_IN_CONNECTIONS]), 0);
}

static void sandbox_close(struct sandbox *s) {
    if (!s->is_stopped) sandbox_stop_inbox(s);
    listener_close(&s->listener);
    smtpd_free(&s->smtpd);
    world_free(s->w);
}

struct look {
    struct job job;
    struct arena arena;
    struct inbox_list list;
    struct inbox_mail newest;
};
static enum status look_run(struct job *job, void *ctx) {
    struct look *l = LIST_OWNER(job, struct look, job);
    enum status status = inbox_list(ctx, &l->arena, SCOPE_ANY, 0, 1000, &l->list);
    if (status != STATUS_OK || !l->list.count) return status;
    return inbox_get(ctx, &l->arena, SCOPE_ANY, l->list.items[0].id, &l->newest);
}
static void look_done(struct job *job) {
    (void)job;
}
static void look(struct sandbox *s, struct look *l) {
    *l = (struct look){.job = {.run = look_run, .done = look_done}};
    assert_int_equal(executor_submit(s->w->readers, &l->job), STATUS_OK);
    assert_int_equal(l->job.status, STATUS_OK);
}

static void assert_text(struct str got, const char *want) {
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p, want, got.n);
}

static void a_message_comes_into_the_inbox_of_its_sender(void **state) {
    (void)state;
    struct sandbox s = {0};
    sandbox_open(&s);
    int64_t id = mail(s.w, "b@any.test", "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nFrom: a@sender.test\r\n\r\n.\r\n.dot\r\n", 0);
    assert_story(s.w, id, 3000, "delivery 250 . sandbox; = delivered");
    struct look l;
    look(&s, &l);
    assert_int_equal(l.list.count, 1);
    assert_int_equal(l.newest.account_id, s.w->account_id);
    assert_int_equal(l.newest.domain_id, s.w->domain_id);
    assert_true(l.newest.has_message_uuid);
    assert_text(l.newest.subject, "gr\xc3\xbc\xc3\x9f"
                                  "e");
    assert_text(l.newest.recipients, "[\"b@any.test\"]");
    assert_true(str_starts(l.newest.envelope_from, STR("b+")));
    assert_true(str_starts(l.newest.content, STR("DKIM-Signature: ")));
    assert_true(str_ends(l.newest.content, STR("\r\n\r\n.\r\n.dot\r\n")));
    arena_fini(&l.arena);
    sandbox_close(&s);
}

static void many_messages_arrive_once_each(void **state) { /* P1, P2 */
    (void)state;
    struct sandbox s = {0};
    sandbox_open(&s);
    for (int i = 0; i < 200; i++) {
        char address[40];
        snprintf(address, sizeof address, "n%d@d%d.test", i, i % 7);
        (void)mail(s.w, address, NULL, 0);
    }
    sim_run_for(s.w->loop, 20000);
    struct look l;
    look(&s, &l);
    assert_int_equal(l.list.count, 200);
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i; j++) assert_false(str_eq(l.list.items[i].recipients, l.list.items[j].recipients));
    assert_int_equal(atomic_load(&s.w->metrics.value[METRIC_DELIVERED]), 200);
    arena_fini(&l.arena);
    sandbox_close(&s);
}

static void an_inbox_that_stops_loses_nothing(void **state) { /* PB28, P1 */
    (void)state;
    for (int64_t ms = 1; ms < 16; ms++) {
        struct sandbox s = {0};
        sandbox_open(&s);
        int64_t id = mail(s.w, "b@any.test", NULL, 0);
        sim_run_for(s.w->loop, ms);
        sandbox_stop_inbox(&s);
        char *got = story(s.w, id, 1000);
        struct look l;
        look(&s, &l);
        /* Kept means acknowledged and settled; not kept means still waiting. */
        bool is_delivered = str_ends(str_from_z(got), STR("= delivered"));
        if (is_delivered != (l.list.count == 1)) fail_msg("after %d ms: %s, %zu kept", (int)ms, got, l.list.count);
        free(got);
        arena_fini(&l.arena);
        sandbox_close(&s);
    }
}

/* A forged or foreign bounce address gives nobody's mail away (P6). */
static void knock(struct sandbox *s, const char *said, const char *content, struct buf *ret_heard) {
    static const struct stream_events none = {0};
    struct stream *client = stream_connect(s->w->loop, &s->address, NULL, 1000, &none, NULL);
    sim_run_for(s->w->loop, 50);
    stream_write(client, str_from_z(said));
    sim_run_for(s->w->loop, 50);
    stream_write(client, str_from_z(content));
    sim_run_for(s->w->loop, 2000);
    buf_add_str(ret_heard, buf_str(stream_in(client)));
    stream_free(&client);
    sim_run_for(s->w->loop, 2000);
}

static void a_stranger_s_mail_is_nobody_s(void **state) {
    (void)state;
    struct sandbox s = {0};
    sandbox_open(&s);
    BUF_AUTO heard = {0};
    knock(&s,
          "EHLO x\r\nMAIL FROM:<b+aaaaaaaaaaaaeaaaaaaaaaaaaaaaaaaa@mail.sender.test>\r\nRCPT "
          "TO:<b@any.test>\r\nDATA\r\n",
          "x\r\n.\r\nQUIT\r\n", &heard);
    assert_has(buf_str(&heard), "220 inbox.test ESMTP");
    assert_has(buf_str(&heard), "250 2.0.0 Stored\r\n221 2.0.0 Bye\r\n");
    struct look l;
    look(&s, &l);
    assert_int_equal(l.list.count, 1);
    assert_int_equal(l.newest.account_id, 0);
    assert_false(l.newest.has_message_uuid);
    arena_fini(&l.arena);
    sandbox_close(&s);
}

static void who_says_nothing_is_sent_away(void **state) { /* LM12 */
    (void)state;
    struct sandbox s = {0};
    sandbox_open(&s);
    static const struct stream_events none = {0};
    struct stream *client = stream_connect(s.w->loop, &s.address, NULL, 1000, &none, NULL);
    for (int i = 0; i < 40; i++) { /* a byte every ten seconds is nothing */
        sim_run_for(s.w->loop, 10000);
        if (i < 20) stream_write(client, STR("N"));
    }
    assert_int_equal(atomic_load(&s.w->metrics.value[METRIC_SMTP_IN_CONNECTIONS]), 0);
    stream_free(&client);
    sandbox_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_into_the_inbox_of_its_sender),
        cmocka_unit_test(many_messages_arrive_once_each),
        cmocka_unit_test(an_inbox_that_stops_loses_nothing),
        cmocka_unit_test(a_stranger_s_mail_is_nobody_s),
        cmocka_unit_test(who_says_nothing_is_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
