/* test_session.c - our client against our server, no sockets: bytes cut in every way, and what the client says to the letter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/session.h"
#include "smtpd/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

struct pair {
    struct session client;
    struct smtpd_session *server;
    struct buf to_client, to_server, client_in, server_in, kept;
    size_t piece, results;
    unsigned last_code;
};

static bool store(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct pair *p = arg;
    buf_addf(&p->kept, "%.*s>%.*s:%.*s|", STR_ARG(mail->sender), STR_ARG(mail->recipients[0].mailbox), STR_ARG(mail->content));
    *ret = (struct smtp_reply){250, STR("2.0.0"), STR("Stored")};
    return true;
}
static const struct smtpd_role role = {.name = "test", .store = store};
static const struct smtpd_service service = {.name = "test",
                                             .anonymous = &role,
                                             .message_max_bytes = 1000,
                                             .anonymous_max_bytes = 1000,
                                             .line_max_bytes = 998,
                                             .recipients_max = 10,
                                             .errors_max = 20,
                                             .idle_max = 100};

static void move(struct pair *p, struct buf *from, struct buf *to) {
    size_t n = p->piece && p->piece < from->n ? p->piece : from->n;
    buf_add(to, from->p, n);
    buf_drop(from, n);
}

static void server_turn(struct pair *p) {
    move(p, &p->to_server, &p->server_in);
    buf_drop(&p->server_in, smtpd_session_feed(p->server, buf_str(&p->server_in), &p->to_client));
}

static void client_turn(struct pair *p, const struct session_mail *mails, size_t count) {
    move(p, &p->to_client, &p->client_in);
    for (;;) {
        switch (session_step(&p->client, &p->client_in, &p->to_server)) {
        case SESSION_EVENT_MORE:
            return;
        case SESSION_EVENT_CONTENT:
            buf_add_z(&p->to_server, "x\r\n..y\r\n.\r\n");
            session_content_written(&p->client);
            break;
        case SESSION_EVENT_RESULT:
            p->last_code = p->client.result.code;
            p->results++;
            __attribute__((fallthrough));
        case SESSION_EVENT_READY:
            if (p->results < count) assert_true(session_send(&p->client, &mails[p->results], &p->to_server));
            break;
        default:
            fail_msg("broken: %.*s", STR_ARG(buf_str(&p->client.result.text)));
        }
    }
}

static void talk(struct pair *p, size_t piece, const struct session_mail *mails, size_t count) {
    *p = (struct pair){.piece = piece};
    p->server = smtpd_session_new(&(struct smtpd_session_options){.service = &service, .hostname = STR("mx.test"), .arg = p});
    session_init(&p->client, STR("me.test"), true);
    smtpd_session_greet(p->server, &p->to_client);
    for (int turn = 0; turn < 5000 && p->results < count; turn++) {
        client_turn(p, mails, count);
        server_turn(p);
    }
    assert_int_equal(p->results, count);
}

static void pair_fini(struct pair *p) {
    struct buf *const bufs[] = {&p->to_client, &p->to_server, &p->client_in, &p->server_in, &p->kept};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_fini(bufs[i]);
    session_fini(&p->client);
    smtpd_session_free(&p->server);
}

static void client_and_server_agree_at_every_cut(void **state) {
    (void)state;
    const struct session_mail mails[] = {
        {.sender = STR("a@example.com"), .recipient = STR("1@example.org"), .size_bytes = 5},
        {.sender = STR(""), .recipient = STR("not an address"), .size_bytes = 5}, /* 501: RSET comes before the next */
        {.sender = STR("b@example.com"), .recipient = STR("2@example.org"), .size_bytes = 5, .eightbit = true},
        {.sender = STR("c@example.com"), .recipient = STR("\xc3\xa9@example.org"), .size_bytes = 5, .utf8 = true},
    };
    for (size_t piece = 0; piece < 120; piece++) {
        struct pair p;
        talk(&p, piece, mails, 4);
        assert_int_equal(p.last_code, 250);
        assert_string_equal(p.kept.p, "a@example.com>1@example.org:x\r\n.y\r\n|b@example.com>2@example.org:x\r\n.y\r\n|"
                                      "c@example.com>\xc3\xa9@example.org:x\r\n.y\r\n|");
        pair_fini(&p);
    }
}

/* RFC 2920: one write for the whole envelope, and the rest of it read when a part is refused. */
static void the_envelope_leaves_in_one_piece(void **state) {
    (void)state;
    struct session s;
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    session_init(&s, STR("me.test"), false);
    buf_add_z(&in, "220 x\r\n250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_READY);
    assert_string_equal(out.p, "EHLO me.test\r\n");
    buf_reset(&out);
    struct session_mail mail = {.sender = STR("a@b.test"), .recipient = STR("c@d.test")};
    assert_true(session_send(&s, &mail, &out));
    assert_string_equal(out.p, "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n");
    buf_reset(&out);
    buf_add_z(&in, "250 ok\r\n550 5.1.1 no\r\n354 go\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_MORE);
    assert_string_equal(out.p, ".\r\n"); /* nobody's message: empty */
    buf_add_z(&in, "554 no recipients\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_RESULT);
    assert_int_equal(s.result.code, 550);
    assert_string_equal(s.result.command, "RCPT");
    buf_reset(&out);
    assert_true(session_send(&s, &mail, &out));
    assert_true(str_starts(buf_str(&out), STR("RSET\r\nMAIL")));
    s.state = SESSION_IDLE;
    mail.requiretls = true; /* RFC 8689 */
    buf_reset(&out);
    assert_true(session_send(&s, &mail, &out));
    assert_true(str_find_str(buf_str(&out), STR("MAIL FROM:<a@b.test> REQUIRETLS\r\n")) != STR_NONE);
    session_fini(&s);
}

static void what_was_offered_in_clear_is_forgotten(void **state) { /* ST09 */
    (void)state;
    struct session s;
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    session_init(&s, STR("me.test"), true);
    buf_add_z(&in, "220 x\r\n250-x\r\n250-PIPELINING\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_SECURE);
    assert_string_equal(in.p, "250 injected\r\n"); /* ST03: left for the stream to refuse */
    buf_reset(&in);
    buf_reset(&out);
    session_secured(&s, &out);
    assert_string_equal(out.p, "EHLO me.test\r\n");
    buf_add_z(&in, "250 x\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_READY);
    assert_false(s.offer.pipelining || s.offer.size || s.offer.starttls);
    session_fini(&s);
}

static void words_out_of_turn_end_it(void **state) { /* OB23 */
    (void)state;
    struct session s;
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    session_init(&s, STR("me.test"), true);
    buf_add_z(&in, "220 x\r\n250 x\r\n");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_READY);
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_MORE);
    buf_add_z(&in, "250");
    assert_int_equal(session_step(&s, &in, &out), SESSION_EVENT_BROKEN);
    session_fini(&s);
}

/* ---- logging in ---- */
/* Give the server's lines one after the other, byte by byte; "TLS" stands for a handshake. *said gets all we say. The last event.
 */
static enum session_event dialogue(struct session *s, const char *const *lines, struct buf *said) {
    BUF_AUTO in = {0};
    enum session_event event = SESSION_EVENT_MORE;
    for (size_t i = 0; lines[i]; i++) {
        if (strcmp(lines[i], "TLS") == 0) {
            assert_int_equal(event, SESSION_EVENT_SECURE);
            session_secured(s, said);
            continue;
        }
        for (const char *p = lines[i]; *p; p++) {
            buf_add(&in, p, 1);
            event = session_step(s, &in, said);
        }
    }
    return event;
}

static const struct session_login login = {.user = STR_INIT("me"), .password = STR_INIT("hunter2")};
#define PLAIN    "AG1lAGh1bnRlcjI="
#define PASSWORD "aHVudGVyMg=="

/* RFC 4954; P10: nothing is said of it before TLS. */
static void logs_in_after_tls_only(void **state) {
    (void)state;
    static const struct {
        const char *server[9], *client;
        enum session_event event;
        const char *why;
    } cases[] = {
        {{"220 x\r\n", "250-x\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n", "220 go\r\n", "TLS", "250-x\r\n250 AUTH LOGIN PLAIN\r\n",
          "235 ok\r\n"},
         "EHLO me.test\r\nSTARTTLS\r\nEHLO me.test\r\nAUTH PLAIN " PLAIN "\r\n",
         SESSION_EVENT_READY,
         NULL},
        {{"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "TLS", "250-x\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n",
          "334 whatever\r\n", "235 ok\r\n"},
         "EHLO me.test\r\nSTARTTLS\r\nEHLO me.test\r\nAUTH LOGIN\r\nbWU=\r\n" PASSWORD "\r\n",
         SESSION_EVENT_READY,
         NULL},
        {{"220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n"}, "EHLO me.test\r\n", SESSION_EVENT_BROKEN, "No login without TLS"},
        {{"220 x\r\n", "250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", "454 no\r\n"}, /* ST10 is for mail without a login */
         "EHLO me.test\r\nSTARTTLS\r\n",
         SESSION_EVENT_BROKEN,
         "No login without TLS"},
        {{"220 x\r\n", "500 what\r\n", "250 x\r\n"},
         "EHLO me.test\r\nHELO me.test\r\n",
         SESSION_EVENT_BROKEN,
         "No login without TLS"},
        {{"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "TLS", "250-x\r\n250 AUTH CRAM-MD5 XPLAIN\r\n"},
         "EHLO me.test\r\nSTARTTLS\r\nEHLO me.test\r\n",
         SESSION_EVENT_BROKEN,
         "no login by PLAIN or LOGIN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session s;
        BUF_AUTO said = {0};
        session_init(&s, STR("me.test"), true);
        session_set_login(&s, &login);
        assert_int_equal(dialogue(&s, cases[i].server, &said), cases[i].event);
        assert_string_equal(said.p, cases[i].client);
        if (cases[i].why) assert_non_null(strstr(s.result.text.p, cases[i].why));
        assert_int_equal(s.state, cases[i].why ? SESSION_BROKEN : SESSION_IDLE);
        session_fini(&s);
    }
}

static void only_where_the_relay_says_so_in_clear(void **state) {
    (void)state;
    static const char *const server[] = {"220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "235 ok\r\n", NULL};
    struct session_login clear = login;
    struct session s;
    BUF_AUTO said = {0};
    clear.may_be_clear = true;
    session_init(&s, STR("me.test"), false);
    session_set_login(&s, &clear);
    assert_int_equal(dialogue(&s, server, &said), SESSION_EVENT_READY);
    assert_string_equal(said.p, "EHLO me.test\r\nAUTH PLAIN " PLAIN "\r\n");
    session_fini(&s);
}

/* The code is kept, for whoever looks why; the words are not, for they may be ours. */
static void p10_a_refused_login_is_told_without_its_words(void **state) {
    (void)state;
    static const struct {
        const char *server[6];
        unsigned code;
        const char *text;
    } cases[] = {
        {{"250-x\r\n250 AUTH PLAIN\r\n", "535 5.7.8 no: " PLAIN "\r\n"}, 535, "The relay refused our login"},
        {{"250-x\r\n250 AUTH PLAIN\r\n", "454 4.7.0 later " PLAIN "\r\n"}, 454, "The relay takes no login now"},
        {{"250-x\r\n250 AUTH LOGIN\r\n", "504 5.5.4 what\r\n"}, 504, "The relay refused our login"},
        {{"250-x\r\n250 AUTH LOGIN\r\n", "334 x\r\n", "334 y\r\n", "535 5.7.8 " PASSWORD "\r\n"},
         535,
         "The relay refused our login"},
        {{"250-x\r\n250 AUTH LOGIN\r\n", "334 x\r\n", "334 y\r\n", "334 z\r\n"}, 0, "Answer does not fit the command"},
        {{"250-x\r\n250 AUTH LOGIN\r\n", "235 come in\r\n"}, 0, "Answer does not fit the command"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct session s;
        BUF_AUTO said = {0};
        struct session_login clear = login;
        clear.may_be_clear = true;
        session_init(&s, STR("me.test"), false);
        session_set_login(&s, &clear);
        static const char *const banner[] = {"220 x\r\n", NULL};
        assert_int_equal(dialogue(&s, banner, &said), SESSION_EVENT_MORE);
        assert_false(session_is_secret(&s));
        assert_int_equal(dialogue(&s, cases[i].server, &said), SESSION_EVENT_BROKEN);
        assert_int_equal(s.result.code, cases[i].code);
        assert_string_equal(s.result.text.p, cases[i].text);
        assert_string_equal(s.result.command, "AUTH");
        session_fini(&s);
    }
}

/* P10: what we say of it is told to be secret for as long as it is unsent, even to a host that answers before it is asked. */
static void p10_answers_before_their_time_end_it(void **state) {
    (void)state;
    static const char *const cases[] = {"250-x\r\n250 AUTH LOGIN\r\n334 x\r\n334 y\r\n235 ok\r\n",
                                        "250-x\r\n250 AUTH PLAIN\r\n235 ok\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct session s;
        struct session_login clear = login;
        BUF_AUTO in = {0};
        BUF_AUTO said = {0};
        clear.may_be_clear = true;
        session_init(&s, STR("me.test"), false);
        session_set_login(&s, &clear);
        buf_add_z(&in, "220 x\r\n");
        assert_int_equal(session_step(&s, &in, &said), SESSION_EVENT_MORE);
        buf_add_z(&in, cases[i]);
        assert_int_equal(session_step(&s, &in, &said), SESSION_EVENT_BROKEN);
        assert_string_equal(s.result.text.p, "The host spoke out of turn");
        session_fini(&s);
    }
}

/* A line of AUTH is no longer than others (RFC 4954 4); a long password waits to be asked for. */
static void a_long_password_comes_alone(void **state) {
    (void)state;
    static const char *const server[] = {"220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n", NULL};
    static const char *const rest[] = {"334 \r\n", "235 ok\r\n", NULL};
    BUF_AUTO password = {0};
    BUF_AUTO said = {0};
    struct session s;
    for (int i = 0; i < 600; i++) buf_add_char(&password, 'x');
    session_init(&s, STR("me.test"), false);
    session_set_login(&s, &(struct session_login){STR("me"), buf_str(&password), true});
    assert_int_equal(dialogue(&s, server, &said), SESSION_EVENT_MORE);
    assert_string_equal(said.p, "EHLO me.test\r\nAUTH PLAIN\r\n");
    assert_true(session_is_secret(&s));
    assert_int_equal(dialogue(&s, rest, &said), SESSION_EVENT_READY);
    assert_in_range(said.n, 800, 900);
    session_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_and_server_agree_at_every_cut),
        cmocka_unit_test(the_envelope_leaves_in_one_piece),
        cmocka_unit_test(what_was_offered_in_clear_is_forgotten),
        cmocka_unit_test(words_out_of_turn_end_it),
        cmocka_unit_test(logs_in_after_tls_only),
        cmocka_unit_test(only_where_the_relay_says_so_in_clear),
        cmocka_unit_test(p10_a_refused_login_is_told_without_its_words),
        cmocka_unit_test(p10_answers_before_their_time_end_it),
        cmocka_unit_test(a_long_password_comes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
