/* test_reports.c - what senders are told (RFC 3461), and what hosts get that take seven bits only (OB31), on net_sim.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/report/report.h"
#include "world.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define RULES(...)                                                                                                               \
    (const struct sim_rule[]) {                                                                                                  \
        __VA_ARGS__, {                                                                                                           \
            .pattern = NULL                                                                                                      \
        }                                                                                                                        \
    }
#define E "\xC3\xA9"
#define EIGHT_BIT                                                                                                                \
    "From: a@sender.test\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"                      \
    "Content-Transfer-Encoding: 8bit\r\n\r\ncaf" E " and some more words\r\n"

static struct sim_server *add_host(struct world *w, const char *domain, const char *mx, const char *name, const char *ip) {
    BUF_AUTO address = {0};
    sim_dns_add(w->loop, domain, DNS_MX, mx);
    sim_dns_add(w->loop, name, DNS_A, ip);
    buf_addf(&address, "%s:25", ip);
    return sim_server(w->loop, address.p, NULL);
}

/* As if it had come by SMTP from ann@sender.test, NOTIFY being these bits (enum smtp_notify). */
static void set_wishes(struct world *w, int notify, const char *more) {
    BUF_AUTO sql = {0};
    buf_addf(&sql,
             "UPDATE messages SET envelope_from = 'ann@sender.test', dsn_envid = 'QQ1'%s WHERE is_report = 0; "
             "UPDATE recipients SET dsn_notify = %d, dsn_orcpt = 'rfc822;Bob@A.test' WHERE address = 'b@a.test'",
             more, notify);
    world_sql(w, sql.p);
}

struct scene {
    struct world *w;
    struct sim_server *far, *home; /* the recipient's, and the sender's own */
};

static struct scene scene_new(const struct sim_rule *rules) {
    struct scene s = {.w = world_new()};
    s.far = add_host(s.w, "a.test", "10 mx1.a.test", "mx1.a.test", "198.18.0.1");
    s.home = add_host(s.w, "sender.test", "10 mx.sender.test", "mx.sender.test", "198.18.0.2");
    if (rules) sim_server_rules(s.far, rules);
    world_start(s.w);
    return s;
}

static const struct report_recipient *read_report(struct scene *s, struct arena *arena, struct report *ret) {
    assert_int_equal(sim_server_message_count(s->home), 1);
    report_parse(sim_server_message(s->home, 0), arena, ret);
    assert_int_equal(ret->kind, REPORT_DSN);
    assert_true(ret->is_standard);
    assert_int_equal(ret->recipient_count, 1);
    return &ret->recipients[0];
}

/* P3: one report, signed, from <>, to whom MAIL named; it says what the server said. */
static void P3_a_failure_is_told(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r;
    struct scene s = scene_new(RULES({"RCPT *", "550 5.1.1 no such user\r\n"}));
    int64_t id = mail(s.w, "b@a.test", NULL, 0);
    set_wishes(s.w, 4, "");
    assert_story(s.w, id, 5000, "bounce 550 RCPT mx1.a.test; = bounced");
    assert_story(s.w, id + 1, 5000, "delivery 250 . mx.sender.test; = delivered");
    const struct report_recipient *to = read_report(&s, &arena, &r);
    assert_int_equal(to->action, REPORT_FAILED);
    assert_true(str_eq(to->status, STR("5.1.1")) && str_eq(to->final_address, STR("b@a.test")));
    assert_true(str_eq(to->original_address, STR("Bob@A.test")) && str_eq(r.envelope_id, STR("QQ1")));
    assert_true(str_eq(to->diagnostic, STR("550 5.1.1 no such user")));
    assert_true(str_starts(sim_server_message(s.home, 0), STR("DKIM-Signature:")));
    assert_has(sim_server_message(s.home, 0), "d=sender.test");
    assert_has(sim_server_message(s.home, 0), "From: Mail Delivery System <mailer-daemon@mail.sender.test>");
    assert_has(sim_server_envelope(s.home, 0), "MAIL FROM:<> ");
    assert_has(sim_server_envelope(s.home, 0), "RCPT TO:<ann@sender.test>");
    world_free(s.w);
}

static void only_what_was_asked_for_is_told(void **state) {
    (void)state;
    static const struct {
        int notify;
        const struct sim_rule rule;
        const char *story;
        size_t reports;
    } rows[] = {
        {0, {"RCPT *", "550 5.1.1 no such user\r\n"}, "bounce 550 RCPT mx1.a.test; = bounced", 0},
        {1, {"RCPT *", "550 5.1.1 no such user\r\n"}, "bounce 550 RCPT mx1.a.test; = bounced", 0}, /* NEVER */
        {2, {"RCPT *", "550 5.1.1 no such user\r\n"}, "bounce 550 RCPT mx1.a.test; = bounced", 0},
        {4, {"NOOP", "250 ok\r\n"}, "delivery 250 . mx1.a.test; = delivered", 0},
        {2, {"NOOP", "250 ok\r\n"}, "delivery 250 . mx1.a.test; = delivered", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new(RULES(rows[i].rule));
        int64_t id = mail(s.w, "b@a.test", NULL, 0);
        set_wishes(s.w, rows[i].notify, "");
        assert_story(s.w, id, 5000, rows[i].story);
        sim_run_for(s.w->loop, 5000);
        assert_int_equal(sim_server_message_count(s.home), rows[i].reports);
        assert_int_equal(count_of(sim_server_transcript(s.far), "NOTIFY="), 0); /* we answer for the next server */
        world_free(s.w);
    }
}

/* After four hours, once; and the failure when its life ends, whoever notices that. */
static void a_delay_is_told_once_and_then_the_end(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r;
    struct scene s = scene_new(RULES({"RCPT *", "450 4.2.0 not now\r\n"}));
    (void)mail(s.w, "b@a.test", NULL, 0);
    set_wishes(s.w, 4 | 8, "");
    sim_run_for(s.w->loop, 230 * MINUTE);
    assert_int_equal(sim_server_message_count(s.home), 0);
    sim_run_for(s.w->loop, 60 * 60 * MINUTE);
    const struct report_recipient *to = read_report(&s, &arena, &r);
    assert_int_equal(to->action, REPORT_DELAYED);
    assert_true(str_eq(to->status, STR("4.2.0")));
    sim_run_for(s.w->loop, 20 * 60 * MINUTE);
    assert_int_equal(sim_server_message_count(s.home), 2);
    report_parse(sim_server_message(s.home, 1), &arena, &r);
    assert_int_equal(r.recipients[0].action, REPORT_FAILED);
    world_free(s.w);
}

/* BN14: what becomes of a report is told to nobody. */
static void BN14_a_report_on_a_report_is_never_made(void **state) {
    (void)state;
    struct scene s = scene_new(RULES({"RCPT *", "550 5.1.1 no such user\r\n"}));
    sim_server_rules(s.home, RULES({"RCPT *", "550 5.1.1 nor here\r\n"}));
    int64_t id = mail(s.w, "b@a.test", NULL, 0);
    set_wishes(s.w, 4, "");
    assert_story(s.w, id, 5000, "bounce 550 RCPT mx1.a.test; = bounced");
    assert_story(s.w, id + 1, 5000, "bounce 550 RCPT mx.sender.test; = bounced");
    sim_run_for(s.w->loop, 10 * MINUTE);
    assert_int_equal(world_number(s.w, "SELECT count(*) FROM messages"), 2);
    world_free(s.w);
}

/* RET, but for what was to go over TLS alone (RFC 8689 5). */
static void the_whole_message_comes_back_when_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *more;
        bool is_whole;
        int64_t life_ms; /* what no host may take dies of old age */
    } rows[] = {{", dsn_return = 1", true},
                {", dsn_return = 2", false},
                {", dsn_return = 0", false},
                {", dsn_return = 1, tls = 3", false, MINUTE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene s = scene_new(RULES({"RCPT *", "550 5.1.1 no such user\r\n"}));
        (void)mail(s.w, "b@a.test", NULL, rows[i].life_ms);
        set_wishes(s.w, 4, rows[i].more);
        sim_run_for(s.w->loop, 5 * MINUTE);
        sim_run_for(s.w->loop, 5000);
        assert_int_equal(sim_server_message_count(s.home), 1);
        assert_int_equal(count_of(sim_server_message(s.home, 0), "\r\n.dot\r\n"), rows[i].is_whole);
        assert_int_equal(count_of(sim_server_message(s.home, 0), "\r\nTo: b@a.test\r\n"), 1);
        world_free(s.w);
    }
}

/* ---- seven bits ---- */
static const struct sim_rule no_eightbit[] = {{"EHLO *", "250-x\r\n250 PIPELINING\r\n"}, {.pattern = NULL}};

/* Per host: who takes 8-bit gets the stored form, who does not gets another, signed for itself. */
static void OB31_a_host_without_8bitmime_gets_seven_bits(void **state) {
    (void)state;
    struct scene s = scene_new(no_eightbit);
    struct sim_server *rich = add_host(s.w, "b.test", "10 mx.b.test", "mx.b.test", "198.18.0.9");
    int64_t poor_id = mail(s.w, "b@a.test", EIGHT_BIT, 0), rich_id = mail(s.w, "b@b.test", EIGHT_BIT, 0);
    assert_story(s.w, poor_id, 5000, "delivery 250 . mx1.a.test; = delivered");
    assert_story(s.w, rich_id, 5000, "delivery 250 . mx.b.test; = delivered");
    assert_true(str_is_ascii(sim_server_message(s.far, 0)));
    assert_true(str_starts(sim_server_message(s.far, 0), STR("DKIM-Signature:")));
    assert_has(sim_server_message(s.far, 0), "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 and");
    assert_int_equal(count_of(sim_server_envelope(s.far, 0), "8BITMIME"), 0);
    assert_has(sim_server_message(rich, 0), "caf" E);
    assert_has(sim_server_envelope(rich, 0), "BODY=8BITMIME");
    world_free(s.w);
}

/* The kept signature is the stored form's: a try at a host that takes seven bits neither keeps nor uses one. */
static void OB31_a_kept_signature_is_of_the_stored_form(void **state) {
    (void)state;
    struct scene s = scene_new(RULES({"EHLO *", "250 x\r\n"}, {"RCPT *", "450 4.2.0 not now\r\n", .times = 1}));
    int64_t id = mail(s.w, "b@a.test", EIGHT_BIT, 0);
    assert_story(s.w, id, 5000, "deferred 450 RCPT mx1.a.test; = queued");
    assert_false(world_has(s.w, "SELECT 1 FROM messages WHERE length(signature) > 0"));
    world_sql(s.w, "UPDATE messages SET signature = CAST('DKIM-Signature: v=1; kept' || char(13, 10) AS BLOB)");
    assert_story(s.w, id, 5 * MINUTE, "deferred 450 RCPT mx1.a.test; delivery 250 . mx1.a.test; = delivered");
    assert_int_equal(count_of(sim_server_message(s.far, 0), "kept"), 0);
    assert_true(str_is_ascii(sim_server_message(s.far, 0)));
    world_free(s.w);
}

static void OB31_what_was_signed_by_its_author_bounces(void **state) {
    (void)state;
    struct scene s = scene_new(no_eightbit);
    int64_t id = mail(s.w, "b@a.test",
                      "From: a@sender.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\ncaf" E "\r\n--b--\r\n",
                      0);
    assert_story(s.w, id, 5000, "bounce 554 MAIL; = bounced");
    assert_true(world_has(s.w, "SELECT 1 FROM events WHERE detail LIKE '%\"Enhanced\":\"5.6.3\"%signed or encrypted%'"));
    assert_false(world_has(s.w, "SELECT 1 FROM suppressions"));
    assert_int_equal(sim_server_message_count(s.far), 0);
    world_free(s.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(P3_a_failure_is_told),
        cmocka_unit_test(only_what_was_asked_for_is_told),
        cmocka_unit_test(a_delay_is_told_once_and_then_the_end),
        cmocka_unit_test(BN14_a_report_on_a_report_is_never_made),
        cmocka_unit_test(the_whole_message_comes_back_when_asked_for),
        cmocka_unit_test(OB31_a_host_without_8bitmime_gets_seven_bits),
        cmocka_unit_test(OB31_a_kept_signature_is_of_the_stored_form),
        cmocka_unit_test(OB31_what_was_signed_by_its_author_bounces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
