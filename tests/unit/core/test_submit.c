/* test_submit.c - finished messages on their one way: what is judged, what is added, what options do, what is kept (AU19, AD02,
 * HI16, LM10, TN03, P1).
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "core/content.h"
#include "core/submit.h"
#include "core/suppressions.h"
#include "proto/smtp/command.h"
#include "store/templates.h"

#include <inttypes.h>
#include <string.h>

static struct accept_recipient to_one[] = {{.address = STR_INIT("x@y.test"), .domain = STR_INIT("y.test")}};

static struct submit submit_of(struct arena *arena, struct str content) {
    struct accept_recipient *to = ARENA_NEW(arena, struct accept_recipient);
    *to = to_one[0];
    return (struct submit){
        .arena = arena,
        .rand = rand_system(),
        .owner = {1, 1},
        .now = NOW,
        .content = content,
        .is_crlf = true,
        .envelope = {.sender = STR("bounce@a.test"), .recipients = to, .recipient_count = 1},
        .hostname = STR("mx.us.test"),
        .protocol = STR("ESMTPSA"),
        .by = {.account_id = 1, .domain_id = 1, .smtp_user_id = 7, .domain_name = STR("a.test")},
    };
}

static bool prepare(struct submit *s) {
    return submit_read(s) && submit_judge(s) && (submit_needs_load(s) || submit_make(s));
}

static void assert_refused(const struct submit *s, enum submit_refusal refusal, const char *why) {
    struct smtp_reply reply = submit_reply(s);
    if (s->refusal != refusal || str_find_str(s->why, str_from_z(why)) == STR_NONE)
        print_error("%d %.*s\n", s->refusal, STR_ARG(s->why));
    assert_int_equal(s->refusal, refusal);
    assert_true(str_find_str(reply.text, str_from_z(why)) != STR_NONE);
    assert_true(reply.code >= 450 && reply.enhanced.n == 5);
}

/* ---- bytes ---- */
static void what_goes_out_is_what_came_behind_our_trace(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO want = {0};
    char uuid[ID_TEXT_LEN + 1];
    static const char whole[] = "Date: x\r\nMessage-ID: <m@a.test>\r\nSUBJECT:no blank \r\nFrom:\r\n\tMe <me@news.a.test>\r\n"
                                "To: (odd\r\n\r\n.\r\n\tbody  \r\n\r\n\xff\x01last\r\n";
    struct submit s = submit_of(&arena, str_from_z(whole));
    assert_true(prepare(&s));
    id_format(s.acceptance.message.uuid, uuid);
    buf_addf(&want, "Received: by mx.us.test with ESMTPSA id %s;\r\n ", uuid);
    time_add_rfc5322(&want, NOW);
    buf_addf(&want, "\r\n%s", whole);
    assert_true(str_eq(s.acceptance.content, buf_str(&want)));
    const struct message *m = &s.acceptance.message;
    assert_str(m->sender, "me@news.a.test");
    assert_str(m->subject, "no blank");
    assert_str(m->rfc_message_id, "m@a.test");
    assert_str(m->envelope_from, "bounce@a.test");
    assert_int_equal(m->smtp_user_id, 7);
    assert_int_equal(m->size_bytes, want.n);
    submit_fini(&s);
}

static void HI16_what_must_not_travel_is_taken_out_and_what_is_missing_put_in(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct submit s =
        submit_of(&arena, STR("Bcc: q@y.test\r\nResent-Bcc: q@y.test\r\nReturn-Path: <q@y.test>\r\nX-Posthorn-TTL: 60\r\n"
                              "Subject: S\r\n\r\nq\r\n"));
    s.protocol = (struct str){0};
    s.by.from_email = STR("shop@a.test");
    s.by.from_name = STR("The Shop");
    s.by.reply_to_email = STR("help@elsewhere.test");
    assert_true(prepare(&s));
    BUF_AUTO want = {0};
    buf_add_z(&want, "Date: ");
    time_add_rfc5322(&want, NOW);
    buf_addf(&want,
             "\r\nMessage-ID: <%.*s>\r\nFrom: The Shop <shop@a.test>\r\nReply-To: help@elsewhere.test\r\nSubject: S\r\n\r\nq\r\n",
             STR_ARG(s.acceptance.message.rfc_message_id));
    assert_true(str_eq(s.acceptance.content, buf_str(&want)));
    assert_str(s.acceptance.message.sender, "shop@a.test");
    assert_int_equal(s.acceptance.message.expires_at, NOW + 60000);
    submit_fini(&s);
}

/* ---- refusals ---- */
static void AU19_everybody_it_speaks_for_is_of_the_domain(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        enum submit_refusal refusal;
        const char *why;
    } cases[] = {
        {"From: me@b.test", SUBMIT_SENDER, "From is of b.test: it must be of a.test"},
        {"From: me@nota.test", SUBMIT_SENDER, "must be of a.test"},
        {"From: me@a.test\r\nSender: me@b.test", SUBMIT_SENDER, "Sender is of b.test"},
        {"From: me@a.test\r\nResent-From: x@a.test, me@b.test", SUBMIT_SENDER, "Resent-From is of b.test"},
        {"From: me@a.test\r\nResent-Sender: me@b.test", SUBMIT_SENDER, "Resent-Sender is of b.test"},
        {"From: me@a.test\r\nFrom: me@a.test", SUBMIT_FROM, "There are 2 From fields"},
        {"From: me@a.test, you@a.test", SUBMIT_FROM, "From holds 2 addresses"},
        {"From: x@b.test <me@a.test>", SUBMIT_FROM, "From has no valid address"},
        {"From:", SUBMIT_FROM, "From holds 0 addresses"},
        {"Subject: x", SUBMIT_FROM, "no FromEmail"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct submit s = submit_of(&arena, arena_strf(&arena, "%s\r\n\r\nx\r\n", cases[i].fields));
        assert_false(prepare(&s));
        assert_refused(&s, cases[i].refusal, cases[i].why);
        assert_int_equal(submit_reply(&s).code, 550);
    }
    ARENA_AUTO arena = {0};
    struct submit envelope = submit_of(&arena, STR("From: me@a.test\r\n\r\nx\r\n"));
    envelope.envelope.sender = STR("me@b.test");
    assert_false(prepare(&envelope));
    assert_refused(&envelope, SUBMIT_SENDER, "The envelope's sender is of b.test");
    struct submit nobody = submit_of(&arena, STR("From: me@a.test\r\n\r\nx\r\n"));
    nobody.envelope.sender = (struct str){0};
    assert_true(prepare(&nobody));
    submit_fini(&nobody);
    struct submit filled = submit_of(&arena, STR("Subject: x\r\n\r\nx\r\n"));
    filled.by.from_email = STR("me@b.test"); /* the domain was renamed since */
    assert_false(prepare(&filled));
    assert_refused(&filled, SUBMIT_SENDER, "FromEmail is of b.test");
}

static void headers_have_one_form(void **state) {
    (void)state;
    static const struct {
        const char *content;
        bool is_utf8;
        enum submit_refusal refusal;
        const char *why;
    } cases[] = {
        {"From: me@a.test\r\nno colon\r\n\r\nx\r\n", false, SUBMIT_MALFORMED, "Line 2 "},
        {"From: me@a.test\r\nSubject: \xc3\xa9\r\n\r\nx\r\n", false, SUBMIT_UTF8, "SMTPUTF8"}, /* AD02 */
        {"From: me@a.test\r\nSubject: \xe9\r\n\r\nx\r\n", true, SUBMIT_MALFORMED, "no UTF-8"},
        {"From: me@a.test\r\nSubject: \xc3\xa9\r\n\r\n\xe9\r\n", true, SUBMIT_FINE, ""},
        {"From: me@a.test\r\nSubject: e\r\n\r\n\xe9\r\n", false, SUBMIT_FINE, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct submit s = submit_of(&arena, str_from_z(cases[i].content));
        s.envelope.is_utf8 = cases[i].is_utf8;
        assert_int_equal(prepare(&s), cases[i].refusal == SUBMIT_FINE);
        if (s.refusal) assert_refused(&s, cases[i].refusal, cases[i].why);
        submit_fini(&s);
    }
}

static void LM10_a_message_that_goes_round_ends(void **state) {
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO text = {0};
        for (size_t i = 0; i < 50 + more; i++) buf_add_z(&text, "Received: from x by y; z\r\n");
        buf_add_z(&text, "From: me@a.test\r\n\r\nx\r\n");
        struct submit s = submit_of(&arena, buf_str(&text));
        assert_int_equal(prepare(&s), !more);
        if (more) assert_refused(&s, SUBMIT_LOOP, "round");
        submit_fini(&s);
    }
}

static void a_group_allows_so_many_recipients(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct submit s = submit_of(&arena, STR("From: me@a.test\r\nTo: x@y.test, z@y.test\r\nBcc: x@y.test\r\n\r\nx\r\n"));
    s.envelope.recipients = NULL;
    s.by.limits.recipients = 2;
    assert_true(prepare(&s));
    assert_int_equal(s.acceptance.recipient_count, 2);
    submit_fini(&s);
    s.by.limits.recipients = 1;
    assert_false(submit_judge(&s));
    assert_refused(&s, SUBMIT_CROWD, "may have 1");
}

/* ---- options ---- */
static void options_are_read_and_do_not_go_out(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct submit s = submit_of(
        &arena, STR("X-Posthorn-Tags: red , ,green,\r\n =?utf-8?q?gr=C3=BCn?=\r\nx-posthorn-METADATA: {\"Order\":\r\n \"A "
                    "1\",\"N\":2}\r\n"
                    "From: me@a.test\r\nX-Posthorn-Track-Opens: no\r\nX-Posthorn-Track-Links: Yes\r\nX-Posthorn-TTL: 3600\r\n"
                    "X-Posthorn-Send-At: 1795600100\r\nX-Posthorn-Idempotency-Key: k\r\n\r\nx\r\n"));
    assert_true(prepare(&s));
    const struct message *m = &s.acceptance.message;
    assert_str(m->tags, "[\"red\",\"green\",\"gr\xc3\xbcn\"]");
    assert_str(m->metadata, "{\"TrackLinks\":true,\"TrackOpens\":false,\"Order\":\"A 1\",\"N\":2}");
    assert_int_equal(s.acceptance.due_at, NOW + 100000);
    assert_int_equal(m->expires_at, NOW + 100000 + 3600000);
    assert_true(s.has_key);
    assert_true(str_find_str(s.acceptance.content, STR("osthorn-")) == STR_NONE);
    assert_true(str_find_str(s.acceptance.content, STR("OSTHORN")) == STR_NONE);
    submit_fini(&s);
}

/* RFC 8689: what MAIL said stands above the option, and that above the field. */
static void demands_of_tls(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        bool is_requiretls;
        enum tls_level want;
    } cases[] = {
        {"", false, TLS_LEVEL_OPPORTUNISTIC},
        {"", true, TLS_LEVEL_REQUIRETLS},
        {"TLS-Required: No\r\n", false, TLS_LEVEL_WAIVE},
        {"tls-required:  no \r\n", false, TLS_LEVEL_WAIVE},
        {"TLS-Required: Yes\r\n", false, TLS_LEVEL_OPPORTUNISTIC},
        {"TLS-Required: No\r\n", true, TLS_LEVEL_REQUIRETLS},
        {"X-Posthorn-TLS: verify\r\nTLS-Required: No\r\n", false, TLS_LEVEL_VERIFY},
        {"X-Posthorn-TLS: require\r\n", true, TLS_LEVEL_REQUIRETLS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct submit s = submit_of(&arena, arena_strf(&arena, "From: me@a.test\r\n%s\r\nx\r\n", cases[i].fields));
        s.envelope.is_requiretls = cases[i].is_requiretls;
        assert_true(prepare(&s));
        assert_int_equal(s.acceptance.message.tls, cases[i].want);
        submit_fini(&s);
    }
}

static void streams(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        bool is_transactional;
        int priority;
    } cases[] = {
        {"", false, PRIORITY_TRANSACTIONAL},
        {"X-Posthorn-Stream: Transactional\r\n", true, PRIORITY_TRANSACTIONAL},
        {"X-Posthorn-Stream: broadcast\r\n", false, PRIORITY_BULK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct submit s = submit_of(&arena, arena_strf(&arena, "From: me@a.test\r\n%s\r\nx\r\n", cases[i].fields));
        assert_true(prepare(&s));
        assert_int_equal(s.acceptance.is_transactional, cases[i].is_transactional);
        assert_int_equal(s.acceptance.priority, cases[i].priority);
        submit_fini(&s);
    }
}

static void wrong_options_are_refused_by_name(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"X-Posthorn-Foo: 1", "X-Posthorn-Foo is not an option"},
        {"X-Posthorn-: 1", "X-Posthorn- is not an option"},
        {"X-Posthorn-TTL: 60\r\nX-POSTHORN-TTL: 60", "X-Posthorn-TTL may be there once"},
        {"X-Posthorn-Stream: bulk", "X-Posthorn-Stream must be transactional or broadcast"},
        {"X-Posthorn-TLS: yes", "X-Posthorn-TLS must be opportunistic, require"},
        {"X-Posthorn-TTL: 59", "X-Posthorn-TTL must be a number of seconds from 60 to 604800"},
        {"X-Posthorn-TTL: 604801", "X-Posthorn-TTL must be"},
        {"X-Posthorn-TTL:", "X-Posthorn-TTL must be"},
        {"X-Posthorn-Track-Opens: maybe", "X-Posthorn-Track-Opens must be yes or no"},
        {"X-Posthorn-Track-Links:", "X-Posthorn-Track-Links must be yes or no"},
        {"X-Posthorn-Metadata: {", "X-Posthorn-Metadata is no JSON"},
        {"X-Posthorn-Metadata: [1]", "X-Posthorn-Metadata must be an object"},
        {"X-Posthorn-Metadata: {\"a\":{}}", "X-Posthorn-Metadata must hold texts and numbers"},
        {"X-Posthorn-Metadata: {\"listid\":\"1\"}", "X-Posthorn-Metadata must not hold ListID"},
        {"X-Posthorn-Send-At: tomorrow", "X-Posthorn-Send-At must be a Unix time"},
        {"X-Posthorn-Send-At: 2026-11-25", "X-Posthorn-Send-At must be a Unix time"},
        {"X-Posthorn-Send-At: 1", "X-Posthorn-Send-At must not be more than an hour past"},
        {"X-Posthorn-Template: x", "X-Posthorn-Template must be a template's id"},
        {"X-Posthorn-Template: 0", "X-Posthorn-Template must be a template's id"},
        {"X-Posthorn-Data: {}", "X-Posthorn-Data fills a template"},
        {"X-Posthorn-Idempotency-Key:", "X-Posthorn-Idempotency-Key must have 1 to 256 characters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct submit s = submit_of(&arena, arena_strf(&arena, "From: me@a.test\r\n%s\r\n\r\nx\r\n", cases[i][0]));
        assert_false(prepare(&s));
        assert_refused(&s, SUBMIT_OPTION, cases[i][1]);
        assert_int_equal(submit_reply(&s).code, 550);
    }
    ARENA_AUTO arena = {0};
    BUF_AUTO many = {0};
    buf_add_z(&many, "From: me@a.test\r\nX-Posthorn-Tags: t");
    for (int i = 0; i < 50; i++) buf_addf(&many, ",\r\n t%d", i);
    buf_add_z(&many, "\r\n\r\n");
    struct submit s = submit_of(&arena, buf_str(&many));
    assert_false(prepare(&s));
    assert_refused(&s, SUBMIT_OPTION, "X-Posthorn-Tags has too many items");
}

/* ---- with a store ---- */
static int64_t make_sender(struct fixture *f) {
    int64_t account_id = make_account(f->db, "a@owner.test");
    assert_int_equal(make_domain(f->db, account_id, "a.test"), 1);
    return account_id;
}

static enum accept_outcome store(struct fixture *f, struct submit *s) {
    assert_true(prepare(s));
    assert_ok(submit_store(f->db, s));
    if (s->request.outcome == ACCEPT_NEW) assert_ok(submit_remember(f->db, s, STR("first")));
    return s->request.outcome;
}

static void P1_what_was_said_is_kept(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    make_sender(f);
    struct submit s = submit_of(&f->arena, STR("From: me@a.test\r\n\r\nx\r\n"));
    s.envelope.dsn_return = SMTP_RETURN_HEADERS;
    s.envelope.dsn_envid = STR("QQ314159");
    s.envelope.recipients[0].dsn_notify = SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
    s.envelope.recipients[0].dsn_orcpt = STR("rfc822;X@y.test");
    assert_int_equal(store(f, &s), ACCEPT_NEW);
    assert_int_equal(s.acceptance.entry_count, 1);
    struct message m;
    struct recipient_list list;
    BUF_AUTO body = {0};
    assert_ok(message_find(f->db, &f->arena, 1, s.acceptance.message.uuid, &m));
    assert_int_equal(m.smtp_user_id, 7);
    assert_str(m.envelope_from, "bounce@a.test");
    assert_int_equal(m.dsn_return, SMTP_RETURN_HEADERS);
    assert_str(m.dsn_envid, "QQ314159");
    assert_ok(recipient_list(f->db, &f->arena, m.id, &list));
    assert_int_equal(list.items[0].dsn_notify, SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY);
    assert_str(list.items[0].dsn_orcpt, "rfc822;X@y.test");
    assert_ok(content_load(f->db, m.id, &body));
    assert_true(str_eq(buf_str(&body), s.acceptance.content));
    fixture_commit(f);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM events WHERE detail LIKE '%\"SMTPID\":\"7\"%'"), 1);
    submit_fini(&s);
    fixture_free(f);
}

static void TN03_a_key_is_good_once_for_one_user(void **state) {
    (void)state;
    static const struct {
        const char *content;
        int64_t user;
        bool is_other; /* goes to somebody else */
        enum accept_outcome outcome;
    } cases[] = {
        {"From: me@a.test\r\nX-Posthorn-Idempotency-Key: k\r\n\r\nx\r\n", 7, false, ACCEPT_NEW},
        {"From: me@a.test\r\nX-Posthorn-Idempotency-Key: k\r\n\r\nx\r\n", 7, false, ACCEPT_REPLAYED},
        {"From: me@a.test\r\nX-Posthorn-Idempotency-Key: k\r\n\r\nx\r\n", 7, true, ACCEPT_CONFLICT},
        {"From: me@a.test\r\nX-Posthorn-Idempotency-Key: k\r\n\r\ny\r\n", 7, false, ACCEPT_CONFLICT},
        {"From: me@a.test\r\nX-Posthorn-Idempotency-Key: k\r\n\r\nx\r\n", 8, false, ACCEPT_NEW},
        {"From: me@a.test\r\n\r\nx\r\n", 7, false, ACCEPT_NEW},
        {"From: me@a.test\r\n\r\nx\r\n", 7, false, ACCEPT_NEW},
    };
    struct fixture *f = fixture_new();
    make_sender(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct submit s = submit_of(&f->arena, str_from_z(cases[i].content));
        s.by.smtp_user_id = cases[i].user;
        if (cases[i].is_other) s.envelope.recipients[0].address = STR("z@y.test");
        assert_int_equal(store(f, &s), cases[i].outcome);
        if (s.request.outcome == ACCEPT_REPLAYED) assert_str(s.replayed, "first");
        if (s.request.outcome == ACCEPT_CONFLICT) assert_refused(&s, SUBMIT_CONFLICT, "another message");
        submit_fini(&s);
    }
    fixture_free(f);
}

static void what_the_store_refuses_is_told(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    bool is_new;
    make_sender(f);
    static const struct {
        struct account_limits limits;
        enum submit_refusal refusal;
        const char *why;
    } cases[] = {
        {{.sends_per_day = 1}, SUBMIT_FINE, ""},
        {{.sends_per_day = 1}, SUBMIT_QUOTA, "1 recipients a day"},
        {{.sends_per_month = 1}, SUBMIT_QUOTA, "1 recipients a month"},
        {{.sends_per_second = 1}, SUBMIT_FINE, ""},
        {{.sends_per_second = 1}, SUBMIT_RATE, "1 recipients a second"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct submit s = submit_of(&f->arena, STR("From: me@a.test\r\n\r\nx\r\n"));
        s.by.limits = cases[i].limits;
        store(f, &s);
        assert_int_equal(s.refusal, cases[i].refusal);
        if (s.refusal) assert_refused(&s, cases[i].refusal, cases[i].why);
        if (s.refusal) assert_int_equal(submit_reply(&s).code / 100, 4);
        submit_fini(&s);
    }
    assert_ok(suppression_add(
        f->db,
        &(struct suppression){.account_id = 1, .address = STR("x@y.test"), .source = SUPPRESSION_BOUNCE, .created_at = NOW},
        &is_new));
    struct submit s = submit_of(&f->arena, STR("From: me@a.test\r\n\r\nx\r\n"));
    assert_int_equal(store(f, &s), ACCEPT_SUPPRESSED);
    assert_refused(&s, SUBMIT_SUPPRESSED, "x@y.test is on the suppression list");
    submit_fini(&s);
    assert_ok(domain_delete(f->db, 1, 1));
    struct submit gone = submit_of(&f->arena, STR("From: me@a.test\r\n\r\nx\r\n"));
    assert_int_equal(store(f, &gone), ACCEPT_GONE);
    assert_refused(&gone, SUBMIT_GONE, "deleted");
    submit_fini(&gone);
    fixture_free(f);
}

static int64_t make_template(struct fixture *f, const char *subject, const char *html, const char *text) {
    int64_t id;
    const struct mail_template t = {.account_id = 1,
                                    .name = arena_strf(&f->arena, "t%s", subject),
                                    .subject = str_from_z(subject),
                                    .html = str_from_z(html),
                                    .text = str_from_z(text),
                                    .created_at = NOW};
    assert_ok(mail_template_insert(f->db, &t, &id));
    return id;
}

static struct submit templated(struct fixture *f, int64_t id, const char *fields) {
    struct submit s = submit_of(&f->arena, arena_strf(&f->arena,
                                                      "From: me@a.test\r\n%sMIME-Version: 1.0\r\nContent-Type: text/x\r\n"
                                                      "X-Posthorn-Template: %" PRId64 "\r\n\r\nignored\r\n",
                                                      fields, id));
    assert_true(submit_read(&s) && submit_judge(&s) && submit_needs_load(&s));
    assert_ok(submit_load(f->db, &s));
    return s;
}

static void a_template_takes_the_contents_place(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    make_sender(f);
    int64_t id = make_template(f, "Hi {{Name}}", "<p>{{Name}} {{Email}}</p>", "");
    struct submit s = templated(f, id, "X-Odd:  kept \r\nX-Posthorn-Data: {\"Name\":\"<J>\\r\\nBcc: q@y.test\"}\r\n");
    assert_int_equal(s.refusal, SUBMIT_FINE);
    assert_true(submit_make(&s));
    struct str content = s.acceptance.content;
    assert_true(str_find_str(content, STR("\r\nX-Odd:  kept \r\nSubject: Hi <J>")) != STR_NONE);
    size_t header = str_find_str(content, STR("\r\n\r\n"));
    assert_true(str_find_str(content, STR("\r\nBcc:")) > header); /* HI19 */
    assert_true(str_find_str(content, STR("text/x")) == STR_NONE);
    assert_true(str_find_str(content, STR("ignored")) == STR_NONE);
    assert_true(str_find_str(content, STR("x@y.test</p>")) != STR_NONE);
    assert_true(str_find_str(content, STR("&lt;J&gt;")) != STR_NONE);
    assert_true(str_starts(s.acceptance.message.subject, STR("Hi <J>")));
    submit_fini(&s);
    struct submit own = templated(f, id, "Subject: {{Mine}}\r\n");
    assert_true(submit_make(&own));
    assert_true(str_find_str(own.acceptance.content, STR("\r\nSubject: {{Mine}}\r\n")) != STR_NONE);
    assert_true(str_find_str(own.acceptance.content, STR("Subject: Hi")) == STR_NONE);
    assert_str(own.acceptance.message.subject, "{{Mine}}");
    submit_fini(&own);
    struct submit none = templated(f, id + 1, "");
    assert_refused(&none, SUBMIT_TEMPLATE, "there is no template");
    struct submit theirs =
        submit_of(&f->arena, arena_strf(&f->arena, "From: me@a.test\r\nX-Posthorn-Template: %" PRId64 "\r\n\r\n", id));
    theirs.by.account_id = 2;
    assert_true(submit_read(&theirs) && submit_judge(&theirs));
    assert_ok(submit_load(f->db, &theirs));
    assert_refused(&theirs, SUBMIT_TEMPLATE, "there is no template"); /* P6 */
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_out_is_what_came_behind_our_trace),
        cmocka_unit_test(HI16_what_must_not_travel_is_taken_out_and_what_is_missing_put_in),
        cmocka_unit_test(AU19_everybody_it_speaks_for_is_of_the_domain),
        cmocka_unit_test(headers_have_one_form),
        cmocka_unit_test(LM10_a_message_that_goes_round_ends),
        cmocka_unit_test(a_group_allows_so_many_recipients),
        cmocka_unit_test(options_are_read_and_do_not_go_out),
        cmocka_unit_test(demands_of_tls),
        cmocka_unit_test(streams),
        cmocka_unit_test(wrong_options_are_refused_by_name),
        cmocka_unit_test(P1_what_was_said_is_kept),
        cmocka_unit_test(TN03_a_key_is_good_once_for_one_user),
        cmocka_unit_test(what_the_store_refuses_is_told),
        cmocka_unit_test(a_template_takes_the_contents_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
