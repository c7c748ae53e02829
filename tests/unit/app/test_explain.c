/* `posthorn bounce`: people and programs are told the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/explain.h"
#include "core/bounce.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct bounce_rules *rules; /* built in */

#define HEAD                                                                                                                     \
    "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n"
#define TAIL "--x\nContent-Type: text/rfc822-headers\n\nSubject: hello\n--x--\n"

static void assert_told(struct str message, bool json, const char *const parts[]) {
    BUF_AUTO out = {0};
    explain_message(rules, message, json, &out);
    for (size_t i = 0; parts[i]; i++)
        if (str_find_str(buf_str(&out), str_from_z(parts[i])) == STR_NONE) fail_msg("\"%s\" is not in:\n%s", parts[i], out.p);
}

static void test_a_failure(void **state) {
    (void)state;
    struct str message = STR(HEAD "Reporting-MTA: dns; mail.relay.example\nArrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\n\n"
                                  "Final-Recipient: rfc822; ann@there.example\nAction: failed\nStatus: 5.1.1\n"
                                  "Diagnostic-Code: smtp; 550 5.1.1 no such user\n" TAIL);
    assert_told(message, false,
                (const char *[]){"a delivery report\n", "2026-11-23T10:00:00.000Z\n", "ann@there.example\n", "InvalidRecipient\n",
                                 "recipient\n", "HardBounce\n", "Suppresses:        yes\n", "from <>", "Subject: hello\n", NULL});
    assert_told(
        message, true,
        (const char *[]){"{\"Kind\":\"dsn\",\"Format\":\"rfc3464\",\"Standard\":true,",
                         "\"Recipients\":[{\"FinalRecipient\":\"ann@there.example\"", "\"Code\":550,",
                         "\"Bounce\":{\"Class\":\"InvalidRecipient\",\"Hard\":true,\"Fault\":\"recipient\",\"Source\":\"dsn\"}",
                         "\"Suppresses\":true", "\"OriginalHeader\":\"Subject: hello\"}\n", NULL});
}

static void test_why_not(void **state) {
    (void)state;
    static const struct {
        const char *message, *why;
    } cases[] = {
        {HEAD "Action: delayed\nStatus: 4.4.1\n" TAIL, "does not say that delivery failed"},
        {HEAD "Action: failed\nStatus: 5.1.1\n", "no complete report of RFC 3464"},
        {HEAD "Action: failed\nStatus: 5.7.1\n" TAIL, "does not say that the address is of no use"},
        {HEAD "Action: failed\nStatus: 4.1.1\n" TAIL, "it is temporary"},
        {"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/feedback-report\n\nFeedback-Type: "
         "not-spam\n--x--\n",
         "no wish to get no more mail"},
        {"From: mailer-daemon@x\nSubject: failed\n\na@b.example\n550 no such user\n", "can be anybody's"},
        {"Subject: Out of office\n\nbye\n", "an automatic answer"},
        {"Subject: hi\n\nbye\n", "no report"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_told(str_from_z(cases[i].message), false, (const char *[]){cases[i].why, NULL});
    }
}

static void test_replies(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    explain_reply(rules, STR("550 5.1.1 <a@b.example>: no such user"), STR(""), false, &out);
    assert_non_null(out.p);
    assert_true(str_find_str(buf_str(&out), STR("InvalidRecipient\n")) != STR_NONE);
    assert_true(str_find_str(buf_str(&out), STR("Retried:           no\n")) != STR_NONE);
    buf_reset(&out);
    explain_reply(rules, STR("554 Message rejected due to local policy"), STR("mx01.mail.icloud.com"), true, &out);
    assert_true(str_starts(buf_str(&out), STR("{\"Code\":554,\"Rule\":\"bounce_rules.conf:")));
    assert_true(str_find_str(buf_str(&out), STR("\",\"Bounce\":{\"Class\":\"SpamBlock\"")) != STR_NONE);
    assert_true(str_find_str(buf_str(&out), STR("\"Retried\":true,\"Suppresses\":false,")) != STR_NONE);
}

static int open_rules(void **state) {
    (void)state;
    BUF_AUTO why = {0};
    return bounce_rules_load(STR(""), &rules, &why) == STATUS_OK ? 0 : -1;
}

static int close_rules(void **state) {
    (void)state;
    bounce_rules_free(&rules);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure),
        cmocka_unit_test(test_why_not),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
