/* test_session.c - what a transcript cannot tell: where the pieces lie, what comes while an answer is due, and great numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define OPENING "EHLO c.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"

static void start(struct player *p, struct script *script, const char *text, bool is_late) {
    script_read(script, str_from_z(text));
    player_start(p, script, is_late);
    buf_reset(&p->server);
}

static void end(struct player *p, struct script *script) {
    player_fini(p);
    script_fini(script);
}

static void feed(struct player *p, struct str in) {
    buf_reset(&p->server);
    assert_int_equal(smtpd_session_feed(p->session, in, &p->server), in.n);
}

#define assert_said(p, text) assert_true(str_eq(buf_str(&(p)->server), STR(text)))

static void bytes_behind_data_end_the_session(void **state) { /* PB14 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    feed(&p, STR(OPENING));
    buf_reset(&p.server);
    struct str in = STR("DATA\r\nSubject: x\r\n\r\n.\r\n");
    assert_int_equal(smtpd_session_feed(p.session, in, &p.server), 6);
    assert_said(&p, "554 5.5.0 Bytes behind DATA before its 354\r\n");
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_CLOSE);
    assert_int_equal(p.stores, 0);
    end(&p, &script);
}

static void bytes_behind_starttls_are_left(void **state) { /* ST01, ST02 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: public, starttls", false);
    feed(&p, STR("EHLO c.example\r\n"));
    buf_reset(&p.server);
    assert_int_equal(smtpd_session_feed(p.session, STR("STARTTLS\r\nMAIL FROM:<a@example.com>\r\n"), &p.server), 10);
    assert_said(&p, "220 2.0.0 Go ahead\r\n");
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_TLS);
    assert_int_equal(smtpd_session_feed(p.session, STR("NOOP\r\n"), &p.server), 0);
    end(&p, &script);
}

static void a_stop_is_never_a_late_ok(void **state) { /* PB28 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    feed(&p, STR(OPENING));
    feed(&p, STR("DATA\r\n"));
    feed(&p, STR("half a"));
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_CONTENT);
    smtpd_session_stop(p.session, "Stopping", &p.server);
    assert_said(&p, "421 4.3.2 Stopping\r\n");
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_CLOSE);
    assert_int_equal(smtpd_session_feed(p.session, STR(" message\r\n.\r\n"), &p.server), 0);
    assert_int_equal(p.stores, 0);
    end(&p, &script);
}

/* Up to where a mail is being stored. */
static void start_storing(struct player *p, struct script *script) {
    static const struct smtp_reply ok = {250, STR_INIT("2.0.0"), STR_INIT("Ok")};
    start(p, script, "K: return path", true);
    feed(p, STR("EHLO c.example\r\n"));
    for (struct str rest = STR("MAIL FROM:<a@example.com>\r\n|RCPT TO:<b@example.org>\r\n"), part; str_next(&rest, '|', &part);) {
        feed(p, part);
        assert_int_equal(smtpd_session_wants(p->session), SMTPD_WANTS_ANSWER);
        assert_int_equal(p->server.n, 0);
        p->has_answer = false;
        smtpd_session_answer(p->session, &ok, &p->server);
    }
    feed(p, STR("DATA\r\n"));
    feed(p, STR("x\r\n.\r\n"));
    assert_int_equal(smtpd_session_wants(p->session), SMTPD_WANTS_ANSWER);
}

static void a_stop_while_storing_waits_for_the_answer(void **state) { /* PB28, P2 */
    (void)state;
    struct player p;
    struct script script;
    start_storing(&p, &script);
    smtpd_session_stop(p.session, "Stopping", &p.server);
    assert_int_equal(p.server.n, 0);
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_ANSWER);
    smtpd_session_answer(p.session, &p.answer, &p.server);
    assert_said(&p, "250 2.0.0 Stored\r\n421 4.3.2 Stopping\r\n");
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_CLOSE);
    smtpd_session_answer(p.session, &p.answer, &p.server);
    assert_said(&p, "250 2.0.0 Stored\r\n421 4.3.2 Stopping\r\n");
    end(&p, &script);
}

static void nothing_is_taken_while_an_answer_is_due(void **state) {
    (void)state;
    struct player p;
    struct script script;
    start_storing(&p, &script);
    assert_true(smtpd_session_content_bytes(p.session) > 0);
    assert_int_equal(smtpd_session_feed(p.session, STR("QUIT\r\n"), &p.server), 0);
    smtpd_session_tls_started(p.session);
    smtpd_session_answer(p.session, &p.answer, &p.server);
    assert_said(&p, "250 2.0.0 Stored\r\n");
    assert_int_equal(smtpd_session_content_bytes(p.session), 0);
    smtpd_session_answer(p.session, &p.answer, &p.server); /* none is due */
    feed(&p, STR("QUIT\r\n"));
    assert_said(&p, "221 2.0.0 Bye\r\n");
    end(&p, &script);
}

static void a_session_may_go_with_an_answer_due(void **state) {
    (void)state;
    struct player p;
    struct script script;
    start_storing(&p, &script);
    end(&p, &script);
    start(&p, &script, "K: submission, tls", true);
    feed(&p, STR("EHLO c.example\r\nAUTH PLAIN AGFkYQBzZWNyZXQ=\r\n"));
    assert_int_equal(smtpd_session_wants(p.session), SMTPD_WANTS_ANSWER);
    end(&p, &script);
}

static void chunks_of_a_byte_are_counted(void **state) { /* PB08 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    p.service.message_max_bytes = p.service.anonymous_max_bytes = p.service.line_max_bytes = 1 << 20;
    feed(&p, STR(OPENING));
    size_t chunks = 0;
    for (; smtpd_session_wants(p.session) == SMTPD_WANTS_COMMAND && chunks < 1000000; chunks++) {
        buf_reset(&p.server);
        (void)smtpd_session_feed(p.session, STR("BDAT 1\r\nx"), &p.server);
    }
    assert_int_equal(chunks, 1001);
    assert_said(&p, "421 4.7.0 Too many small chunks\r\n");
    end(&p, &script);
}

static void a_large_message_in_fair_chunks_passes(void **state) { /* PB08 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    p.service.message_max_bytes = p.service.anonymous_max_bytes = 4 << 20;
    BUF_AUTO chunk = {0};
    buf_add_z(&chunk, "BDAT 1024\r\n");
    for (size_t i = 0; i < 1024 / 64; i++) {
        for (size_t k = 0; k < 62; k++) buf_add_char(&chunk, 'x');
        buf_add_z(&chunk, "\r\n");
    }
    feed(&p, STR(OPENING));
    for (size_t i = 0; i < 4096; i++) feed(&p, buf_str(&chunk));
    feed(&p, STR("BDAT 0 LAST\r\n"));
    assert_said(&p, "250 2.0.0 Stored\r\n");
    assert_int_equal(p.stores, 1);
    end(&p, &script);
}

static void a_chunk_takes_no_memory_before_it_is_there(void **state) { /* P8 */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    p.service.message_max_bytes = p.service.anonymous_max_bytes = (size_t)1 << 40;
    feed(&p, STR(OPENING));
    feed(&p, STR("BDAT 1000000000000\r\nx"));
    assert_true(smtpd_session_content_bytes(p.session) < 65536);
    end(&p, &script);
}

static void every_refusal_ends_the_memory(void **state) { /* P8: tx_reset */
    (void)state;
    struct player p;
    struct script script;
    start(&p, &script, "K: return path", false);
    p.service.errors_max = UINT32_MAX;
    feed(&p, STR("EHLO c.example\r\n"));
    for (size_t i = 0; i < 10000; i++) feed(&p, STR("MAIL FROM:<a@example.com> SIZE=1001\r\n"));
    assert_int_equal(smtpd_session_content_bytes(p.session), 0);
    end(&p, &script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_behind_data_end_the_session),
        cmocka_unit_test(bytes_behind_starttls_are_left),
        cmocka_unit_test(a_stop_is_never_a_late_ok),
        cmocka_unit_test(a_stop_while_storing_waits_for_the_answer),
        cmocka_unit_test(nothing_is_taken_while_an_answer_is_due),
        cmocka_unit_test(a_session_may_go_with_an_answer_due),
        cmocka_unit_test(chunks_of_a_byte_are_counted),
        cmocka_unit_test(a_large_message_in_fair_chunks_passes),
        cmocka_unit_test(a_chunk_takes_no_memory_before_it_is_there),
        cmocka_unit_test(every_refusal_ends_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
