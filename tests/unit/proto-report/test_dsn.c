/* test_dsn.c - reports that we write are read by the reader of reports as what they say (RFC 3464, RFC 6533).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/message.h"
#include "proto/report/dsn.h"
#include "proto/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1795600000000)

static void assert_is(struct str s, const char *expected) {
    if (!str_eq(s, str_from_z(expected))) fail_msg("%.*s, not %s", STR_ARG(s), expected);
}

static void assert_holds(const struct buf *text, const char *part) {
    if (str_find_str(buf_str(text), str_from_z(part)) == STR_NONE) fail_msg("%s is not in %s", part, text->p);
}

static struct dsn example(void) {
    return (struct dsn){
        .action = DSN_FAILED,
        .from = STR("mailer-daemon@mail.sender.example"),
        .to = STR("ann@sender.example"),
        .message_id = STR("1@sender.example"),
        .at = NOW,
        .reporting_mta = STR("mx.gateway.example"),
        .recipient = STR("bob@there.example"),
        .orcpt = STR("rfc822;Bob@There.example"),
        .status = STR("5.1.1"),
        .remote_mta = STR("mx.there.example"),
        .code = 550,
        .enhanced = STR("5.1.1"),
        .reply = STR("no such user"),
        .reason = STR("mx.there.example[192.0.2.1]: 550 5.1.1 no such user"),
        .envid = STR("QQ314159"),
        .arrived_at = NOW - 3600000,
        .subject = STR("Gr\xC3\xBC\xC3\x9F"
                       "e"),
        .original_id = STR("abc@sender.example"),
        .original = STR("Subject: x\r\nFrom: ann@sender.example\r\n"),
    };
}

static void read_back(const struct dsn *d, struct buf *bytes, struct arena *arena, struct report *ret) {
    dsn_write(d, rand_system(), bytes);
    report_parse(buf_str(bytes), arena, ret);
    assert_int_equal(ret->kind, REPORT_DSN);
    assert_true(ret->is_standard);
    assert_int_equal(ret->recipient_count, 1);
    for (struct str rest = buf_str(bytes), line; str_next(&rest, '\n', &line) && rest.p;) {
        assert_true(str_ends(line, STR("\r")));
        assert_true(line.n <= 999);
    }
}

static void test_a_failure(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO bytes = {0};
    struct report r;
    struct dsn d = example();
    read_back(&d, &bytes, &arena, &r);
    const struct report_recipient *to = &r.recipients[0];
    assert_int_equal(to->action, REPORT_FAILED);
    assert_is(to->status, "5.1.1");
    assert_is(to->final_address, "bob@there.example");
    assert_is(to->original_address, "Bob@There.example");
    assert_is(to->remote_mta, "mx.there.example");
    assert_is(to->diagnostic, "550 5.1.1 no such user");
    assert_int_equal(to->code, 550);
    assert_is(r.reporting_mta, "mx.gateway.example");
    assert_is(r.envelope_id, "QQ314159");
    assert_int_equal(r.arrived_at, NOW - 3600000);
    assert_is(str_trim(r.original_header), "Subject: x\r\nFrom: ann@sender.example");
    struct message m;
    message_parse(buf_str(&bytes), &arena, &m);
    assert_is(m.from, "Mail Delivery System <mailer-daemon@mail.sender.example>");
    assert_is(m.to, "ann@sender.example");
    assert_is(m.subject, "Undelivered mail: Gr\xC3\xBC\xC3\x9F"
                         "e");
    assert_holds(&bytes, "\r\nAuto-Submitted: auto-replied\r\n");
    assert_holds(&bytes, "\r\nIn-Reply-To: <abc@sender.example>\r\n");
    assert_holds(&bytes, "Content-Type: multipart/report; report-type=delivery-status;");
    assert_holds(&bytes, "Content-Type: text/rfc822-headers\r\n");
    assert_true(str_is_ascii(buf_str(&bytes)));
    assert_int_equal(m.part_count, 3);
}

static void test_a_delay_and_a_relay_are_no_failures(void **state) {
    (void)state;
    static const struct {
        enum dsn_action action;
        enum report_action read;
        const char *words;
    } rows[] = {{DSN_DELAYED, REPORT_DELAYED, "You need not do anything"}, {DSN_RELAYED, REPORT_RELAYED, "was handed over"}};
    for (size_t i = 0; i < 2; i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO bytes = {0};
        struct report r;
        struct dsn d = example();
        d.action = rows[i].action;
        d.status = i ? STR("2.0.0") : STR("4.4.1");
        d.code = 0;
        d.retry_until = NOW + 3600000;
        d.original = d.envid = d.orcpt = STR("");
        read_back(&d, &bytes, &arena, &r);
        assert_int_equal(r.recipients[0].action, rows[i].read);
        assert_false(report_has_failed(&r.recipients[0]));
        assert_holds(&bytes, rows[i].words);
        assert_int_equal(str_find_str(buf_str(&bytes), STR("Will-Retry-Until")) != STR_NONE, i == 0);
    }
}

static void test_the_whole_message(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO bytes = {0};
    struct report r;
    struct dsn d = example();
    d.original = STR("Subject: x\r\n\r\nGr\xC3\xBC\xC3\x9F"
                     "e\r\n");
    d.is_whole = true;
    read_back(&d, &bytes, &arena, &r);
    assert_holds(&bytes, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n\r\nGr\xC3\xBC");
}

/* RFC 6533: what is beyond ASCII has types of its own. */
static void test_utf8_addresses(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO bytes = {0};
    struct report r;
    struct dsn d = example();
    d.recipient = STR("b\xC3\xB6"
                      "b@there.example");
    d.orcpt = STR("");
    read_back(&d, &bytes, &arena, &r);
    assert_is(r.recipients[0].final_address, "b\xC3\xB6"
                                             "b@there.example");
    assert_holds(&bytes, "Content-Type: message/global-delivery-status\r\n");
    assert_holds(&bytes, "\r\nFinal-Recipient: utf-8; b\xC3\xB6");
    assert_holds(&bytes, "Content-Type: message/global-headers\r\n");
}

/* P5, OB34: what others said makes no field and no part, and has an end. */
static void test_p5_hostile_words(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO bytes = {0};
    BUF_AUTO longest = {0};
    struct report r;
    struct dsn d = example();
    while (longest.n < 20000) buf_add_z(&longest, "no\r\nBcc: eve@evil.example\r\n\r\n--=_x\r\nAction: delivered\xFF\x01");
    d.reply = d.reason = d.subject = d.envid = buf_str(&longest);
    d.original_id = STR("x>\r\nBcc: eve@evil.example");
    read_back(&d, &bytes, &arena, &r);
    assert_int_equal(r.recipients[0].action, REPORT_FAILED);
    assert_true(str_find_str(buf_str(&bytes), STR("\r\nBcc:")) == STR_NONE);
    assert_true(str_find_str(buf_str(&bytes), STR("In-Reply-To")) == STR_NONE);
    assert_true(bytes.n < 8000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure),         cmocka_unit_test(test_a_delay_and_a_relay_are_no_failures),
        cmocka_unit_test(test_the_whole_message), cmocka_unit_test(test_utf8_addresses),
        cmocka_unit_test(test_p5_hostile_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
