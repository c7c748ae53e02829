/* test_tls_report.c - TLS sessions from the count in memory over the rows to the report and its mail (RFC 8460), on a real store.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../store/fixture.h"

#include "base/encode.h"
#include "core/content.h"
#include "core/queue.h"
#include "core/tls_report.h"
#include "core/tls_tally.h"
#include "proto/gzip/gzip.h"
#include "proto/http/http_body.h"
#include "proto/json/json.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY (NOW / CLOCK_DAY_MS)

/* ---- sessions ---- */
static const struct tls_verdict good = {true, TLS_RESULT_SUCCESS, "", ""};
static const struct tls_verdict expired = {false, TLS_RESULT_CERTIFICATE_EXPIRED, "the certificate has expired", "4.7.5"};

static struct tls_session session_to(const char *domain, const struct tls_demand *demand, const struct tls_verdict *verdict) {
    return (struct tls_session){
        .domain = str_from_z(domain),
        .demand = demand,
        .verdict = verdict,
        .is_tls = true,
        .is_tried = true,
        .host = STR("mx1.mail.company-y.example"),
        .from = {4, {192, 0, 2, 1}},
        .to = {4, {203, 0, 113, 58}},
    };
}

static struct str sts_mx[] = {STR_INIT("*.mail.company-y.example")};
static struct tls_demand sts_demand(void) {
    return (struct tls_demand){.published = {.domain = STR("company-y.example"),
                                             .sts = {.mode = MTA_STS_TESTING, .mx = sts_mx, .mx_count = 1, .max_age_s = 86400},
                                             .key = STR("k1")}};
}

static struct tls_count only(struct tls_tally *t, struct arena *arena) {
    struct tls_count counts[2];
    assert_int_equal(tls_tally_take(t, arena, counts, 2), 1);
    assert_int_equal(tls_tally_count(t), 0);
    return counts[0];
}

static void assert_z(struct str s, const char *want) {
    if (!str_eq(s, str_from_z(want))) print_error("got  %.*s\nwant %s\n", STR_ARG(s), want);
    assert_true(str_eq(s, str_from_z(want)));
}

/* ---- the tally ---- */
static void test_what_is_counted_as_what(void **state) {
    (void)state;
    static const struct tls_verdict mismatch = {true, TLS_RESULT_CERTIFICATE_HOST_MISMATCH, "another name", ""};
    static const struct {
        bool is_tls, is_tried;
        enum tls_result trouble;
        const struct tls_verdict *verdict;
        const char *result;
    } cases[] = {
        {true, true, TLS_RESULT_SUCCESS, &good, ""},
        {false, false, TLS_RESULT_SUCCESS, &good, "starttls-not-supported"}, /* delivered in clear */
        {false, true, TLS_RESULT_SUCCESS, &good, "validation-failure"},
        {true, true, TLS_RESULT_SUCCESS, &mismatch, "certificate-host-mismatch"}, /* delivered: testing mode */
        {true, true, TLS_RESULT_SUCCESS, &expired, "certificate-expired"},
        {true, true, TLS_RESULT_STS_WEBPKI_INVALID, &good, "sts-webpki-invalid"},
        {true, true, TLS_RESULT_STS_POLICY_FETCH_ERROR, &expired, "certificate-expired"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct tls_tally *t = tls_tally_new();
        struct tls_demand demand = {.published = {.sts_trouble = cases[i].trouble}};
        struct tls_session s = session_to("a.example", &demand, cases[i].verdict);
        s.is_tls = cases[i].is_tls;
        s.is_tried = cases[i].is_tried;
        tls_tally_add(t, &s, NOW);
        assert_z(only(t, &arena).result, cases[i].result);
        tls_tally_free(&t);
    }
}

static void test_policies_are_told_as_the_rfc_has_them(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct tls_tally *t = tls_tally_new();
    struct tls_demand none = {0}, sts = sts_demand(), broken = {.published = {.sts_trouble = TLS_RESULT_STS_POLICY_INVALID}};
    struct dns_record tlsa = {.usage = 3, .selector = 1, .matching = 1, .text = STR("\x1f\x85\x0a")};
    struct tls_host host = {.name = STR("mx1.mail.company-y.example"),
                            .dane_name = STR("mx.dane.example"),
                            .dane = DANE_USABLE,
                            .tlsa = &tlsa,
                            .tlsa_count = 1};
    struct tls_demand dane = {.published = {.hosts = &host, .host_count = 1}};
    const struct {
        const struct tls_demand *demand;
        const char *policy;
    } cases[] = {
        {&none, "{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"company-y.example\"}"},
        {&sts,
         "{\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\","
         "\"max_age: 86400\"],\"policy-domain\":\"company-y.example\",\"mx-host\":[\"*.mail.company-y.example\"]}"},
        {&broken, "{\"policy-type\":\"sts\",\"policy-domain\":\"company-y.example\"}"},
        {&dane, "{\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 1f850a\"],\"policy-domain\":\"mx.dane.example\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_session s = session_to("company-y.example", cases[i].demand, &good);
        tls_tally_add(t, &s, NOW);
        struct tls_count c = only(t, &arena);
        assert_z(c.policy, cases[i].policy);
        assert_int_equal(c.policy_key.n, 32);
    }
    tls_tally_free(&t);
}

static void test_alike_sessions_are_one_count(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct tls_tally *t = tls_tally_new();
    struct tls_demand demand = sts_demand();
    struct tls_session s = session_to("company-y.example", &demand, &good);
    for (int i = 0; i < 1000; i++) {
        s.to.bytes[3] = (uint8_t)i; /* successes are not told apart */
        tls_tally_add(t, &s, NOW);
    }
    assert_int_equal(tls_tally_count(t), 1);
    assert_int_equal(only(t, &arena).sessions, 1000);
    s.verdict = &expired;
    for (int i = 0; i < 1000; i++) {
        s.to.bytes[3] = (uint8_t)(i % 4);
        tls_tally_add(t, &s, NOW);
        tls_tally_add(t, &s, NOW + CLOCK_DAY_MS);
    }
    assert_int_equal(tls_tally_count(t), 8);
    tls_tally_free(&t);
}

static void test_P8_the_tally_is_bounded(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct tls_tally *t = tls_tally_new();
    struct tls_demand demand = {0};
    char domain[32];
    for (int i = 0; i < TLS_TALLY_MAX + 100; i++) {
        snprintf(domain, sizeof domain, "d%d.example", i);
        struct tls_session s = session_to(domain, &demand, &good);
        tls_tally_add(t, &s, NOW);
    }
    assert_int_equal(tls_tally_count(t), TLS_TALLY_MAX);
    struct tls_session known = session_to("d1.example", &demand, &good);
    tls_tally_add(t, &known, NOW); /* what is known still counts */
    struct tls_count *counts = arena_array(&arena, 500, sizeof *counts);
    int64_t sessions = 0;
    for (size_t n; (n = tls_tally_take(t, &arena, counts, 500)) > 0;)
        for (size_t i = 0; i < n; i++) sessions += counts[i].sessions;
    assert_int_equal(sessions, TLS_TALLY_MAX + 1);
    struct tls_session later = session_to("new.example", &demand, &good);
    tls_tally_add(t, &later, NOW);
    assert_int_equal(tls_tally_count(t), 1);
    tls_tally_free(&t);
}

static void test_P8_large_policies_fill_it_sooner(void **state) {
    (void)state;
    struct str mx[MTA_STS_MX_MAX];
    struct tls_tally *t = tls_tally_new();
    BUF_AUTO name = {0};
    for (int i = 0; i < 60; i++) buf_add_z(&name, "abc.");
    for (size_t i = 0; i < MTA_STS_MX_MAX; i++) mx[i] = buf_str(&name);
    struct tls_demand demand = sts_demand();
    demand.published.sts.mx = mx;
    demand.published.sts.mx_count = MTA_STS_MX_MAX;
    char domain[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(domain, sizeof domain, "d%d.example", i);
        struct tls_session s = session_to(domain, &demand, &good);
        tls_tally_add(t, &s, NOW);
    }
    assert_true(tls_tally_count(t) < 1000);
    tls_tally_free(&t);
}

static void test_reports_own_mail_is_not_counted(void **state) {
    (void)state;
    struct tls_tally *t = tls_tally_new();
    struct tls_demand demand = sts_demand();
    demand.waives = true;
    struct tls_session s = session_to("company-y.example", &demand, &expired);
    tls_tally_add(t, &s, NOW);
    assert_int_equal(tls_tally_count(t), 0);
    tls_tally_free(&t);
}

/* ---- rows ---- */
static struct tls_count count_of(const char *domain, const char *result, const char *host_ip, int64_t sessions) {
    return (struct tls_count){.day = DAY,
                              .domain = str_from_z(domain),
                              .policy_key = STR("k1"),
                              .policy = STR("{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"a.example\"}"),
                              .result = str_from_z(result),
                              .sender_ip = STR(""),
                              .host = STR(""),
                              .host_ip = str_from_z(host_ip),
                              .reason = STR(""),
                              .sessions = sessions};
}

static void add(struct fixture *f, struct tls_count c, int64_t due_at) {
    assert_ok(tls_count_add(f->db, &c, due_at));
}

static void test_counts_add_up_and_go_with_their_report(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct tls_count_list list;
    struct tls_report report;
    add(f, count_of("a.example", "", "", 5), NOW);
    add(f, count_of("a.example", "", "", 7), NOW + 1); /* the first one's time stays */
    add(f, count_of("a.example", "certificate-expired", "192.0.2.1", 2), NOW);
    add(f, count_of("a.example", "certificate-expired", "192.0.2.2", 3), NOW);
    add(f, count_of("b.example", "", "", 1), NOW + 5);
    assert_ok(tls_count_list(f->db, &f->arena, DAY, STR("a.example"), 100, &list));
    assert_int_equal(list.count, 3);
    assert_str(list.items[0].result, "");
    assert_int_equal(list.items[0].sessions, 12);
    assert_str(list.items[1].host_ip, "192.0.2.2"); /* most first */
    assert_ok(tls_report_find(f->db, &f->arena, DAY, STR("a.example"), &report));
    assert_int_equal(report.due_at, NOW);
    assert_ok(tls_report_delete(f->db, DAY, STR("a.example")));
    assert_ok(tls_report_delete(f->db, DAY, STR("a.example"))); /* twice is no harm */
    assert_ok(tls_count_list(f->db, &f->arena, DAY, STR("a.example"), 100, &list));
    assert_int_equal(list.count, 0);
    assert_int_equal(tls_report_find(f->db, &f->arena, DAY, STR("a.example"), &report), STATUS_NOT_FOUND);
    assert_ok(tls_count_list(f->db, &f->arena, DAY, STR("b.example"), 100, &list));
    assert_int_equal(list.count, 1);
    fixture_free(f);
}

static void test_what_is_due(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct tls_report_list due;
    int64_t n;
    add(f, count_of("late.example", "", "", 1), NOW + 1000);
    add(f, count_of("a.example", "", "", 1), NOW);
    add(f, count_of("b.example", "", "", 1), NOW - 1);
    assert_ok(tls_report_list_due(f->db, &f->arena, NOW, 10, &due));
    assert_int_equal(due.count, 2);
    assert_str(due.items[0].domain, "b.example");
    assert_ok(tls_report_defer(f->db, DAY, STR("b.example"), NOW + 50));
    assert_ok(tls_report_defer(f->db, DAY, STR("gone.example"), NOW + 50));
    assert_ok(tls_report_list_due(f->db, &f->arena, NOW + 50, 10, &due));
    assert_int_equal(due.count, 2);
    assert_int_equal(due.items[1].attempts, 1);
    assert_ok(tls_report_hasten(f->db, DAY, STR("late.example"), NOW, &n));
    assert_int_equal(n, 1);
    assert_ok(tls_report_hasten(f->db, DAY, STR(""), NOW, &n));
    assert_int_equal(n, 3);
    assert_ok(tls_report_hasten(f->db, DAY - 1, STR(""), NOW, &n));
    assert_int_equal(n, 0);
    assert_ok(tls_report_prune(f->db, DAY, 10, &n));
    assert_int_equal(n, 0);
    assert_ok(tls_report_prune(f->db, DAY + 1, 2, &n));
    assert_int_equal(n, 2);
    assert_ok(tls_report_list_due(f->db, &f->arena, NOW, 10, &due));
    assert_int_equal(due.count, 1);
    fixture_free(f);
}

static void test_tries_end_a_day_later(void **state) {
    (void)state;
    int64_t at = (DAY + 1) * CLOCK_DAY_MS;
    int tries = 0;
    for (; at < tls_report_ends_at(DAY); tries++) at += tls_report_wait_ms(tries + 1);
    assert_true(tries > 5 && tries < 20);
    assert_true(at > (DAY + 2) * CLOCK_DAY_MS);
    assert_true(tls_report_wait_ms(1) < tls_report_wait_ms(2));
    assert_int_equal(tls_report_wait_ms(1000000), tls_report_wait_ms(20));
}

/* ---- the report ---- */
static struct tls_report_options options_of(struct fixture *f) {
    struct tls_report_options o = {.from = STR("tlsrpt@mail.sender.example"),
                                   .organization = STR("Company-X"),
                                   .contact = STR("sts-reporting@company-x.example"),
                                   .rand = rand_system()};
    if (f) assert_ok(queue_start(f->db, STR("here"), NOW, &o.owner));
    return o;
}

/* The example of RFC 8460, appendix B: one policy, 5326 good sessions, 303 bad ones of three kinds. */
static void test_the_rfcs_example(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    static const struct {
        enum tls_result result;
        uint8_t from, to;
        int sessions;
    } failures[] = {{TLS_RESULT_CERTIFICATE_EXPIRED, 1, 58, 100},
                    {TLS_RESULT_STARTTLS_NOT_SUPPORTED, 2, 60, 200},
                    {TLS_RESULT_VALIDATION_FAILURE, 1, 58, 3}};
    struct tls_tally *t = tls_tally_new();
    struct tls_demand demand = sts_demand();
    struct tls_session s = session_to("company-y.example", &demand, &good);
    for (int i = 0; i < 5326; i++) tls_tally_add(t, &s, NOW);
    for (size_t k = 0; k < 3; k++) {
        struct tls_verdict verdict = {false, failures[k].result, k == 2 ? "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED" : "", "4.7.5"};
        s.verdict = &verdict;
        s.from.bytes[3] = failures[k].from;
        s.to.bytes[3] = failures[k].to;
        for (int i = 0; i < failures[k].sessions; i++) tls_tally_add(t, &s, NOW);
    }
    struct tls_count counts[10];
    size_t n = tls_tally_take(t, &f->arena, counts, 10);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) assert_ok(tls_count_add(f->db, &counts[i], NOW));
    struct tls_count_list list;
    assert_ok(tls_count_list(f->db, &f->arena, DAY, STR("company-y.example"), TLS_REPORT_COUNTS_MAX, &list));
    BUF_AUTO json = {0};
    BUF_AUTO date = {0};
    struct tls_report_options o = options_of(NULL);
    tls_report_write(&o, DAY, STR("company-y.example"), &list, &json);
    time_add_sql(&date, NOW);
    buf_cut(&date, 10);
    BUF_AUTO want = {0};
    buf_addf(&want,
             "{\"organization-name\":\"Company-X\",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\",\"end-datetime\":"
             "\"%sT23:59:59Z\"},\"contact-info\":\"sts-reporting@company-x.example\","
             "\"report-id\":\"%s.company-y.example@mail.sender.example\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
             "\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
             "\"policy-domain\":\"company-y.example\",\"mx-host\":[\"*.mail.company-y.example\"]},\"summary\":"
             "{\"total-successful-session-count\":5326,\"total-failure-session-count\":303},\"failure-details\":["
             "{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":"
             "\"mx1.mail.company-y.example\",\"receiving-ip\":\"203.0.113.58\",\"failed-session-count\":100},"
             "{\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"192.0.2.2\",\"receiving-mx-hostname\":"
             "\"mx1.mail.company-y.example\",\"receiving-ip\":\"203.0.113.60\",\"failed-session-count\":200},"
             "{\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":"
             "\"mx1.mail.company-y.example\",\"receiving-ip\":\"203.0.113.58\",\"failed-session-count\":3,"
             "\"failure-reason-code\":\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}",
             date.p, date.p, date.p);
    assert_z(buf_str(&json), want.p);
    tls_tally_free(&t);
    fixture_free(f);
}

static void test_several_policies_of_a_day(void **state) {
    (void)state;
    struct tls_count counts[] = {count_of("a.example", "", "", 3), count_of("a.example", "dnssec-invalid", "", 4),
                                 count_of("a.example", "", "", 5)};
    counts[2].policy_key = STR("k2");
    BUF_AUTO json = {0};
    ARENA_AUTO arena = {0};
    struct tls_report_options o = options_of(NULL);
    tls_report_write(&o, DAY, STR("a.example"), &(struct tls_count_list){counts, 3}, &json);
    const struct json *root;
    struct json_error error;
    assert_true(json_parse(&arena, buf_str(&json), &root, &error));
    assert_int_equal(json_find(root, STR("policies"))->count, 2);
}

/* ---- the mail ---- */
static void test_the_mail_that_carries_it(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct tls_report_options o = options_of(f);
    int64_t domain_id = make_domain(f->db, make_account(f->db, "a@example.com"), "sender.example");
    assert_ok(domain_set_state(f->db, domain_id, DOMAIN_ENABLED, false));
    BUF_AUTO packed = {0};
    gzip_encode(&packed, STR("{\"x\":1}"));
    struct tls_report_mail mail = {.day = DAY,
                                   .domain = STR("company-y.example"),
                                   .to = STR("reports@company-y.example"),
                                   .to_domain = STR("company-y.example"),
                                   .packed = buf_str(&packed),
                                   .now = NOW};
    struct acceptance a;
    assert_ok(tls_report_accept(f->db, &f->arena, &o, &mail, &a));
    assert_int_equal(a.entry_count, 1);
    BUF_AUTO body = {0};
    assert_ok(content_load(f->db, a.message.id, &body));
    struct str text = buf_str(&body);
    static const char *const parts[] = {
        "From: <tlsrpt@mail.sender.example>\r\n",
        "To: <reports@company-y.example>\r\n",
        "\r\nSubject: Report Domain: company-y.example\r\n Submitter: mail.sender.example\r\n Report-ID: <",
        "\r\nTLS-Report-Domain: company-y.example\r\n",
        "\r\nTLS-Report-Submitter: mail.sender.example\r\n",
        "\r\nContent-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"=_",
        "\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n",
        ".json.gz\"\r\n\r\nH4sI", /* gzip in base64 */
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) assert_true(str_find_str(text, str_from_z(parts[i])) != STR_NONE);
    o.from = STR("x@elsewhere.example");
    assert_int_equal(tls_report_accept(f->db, &f->arena, &o, &mail, &a), STATUS_NOT_FOUND);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_counted_as_what),
        cmocka_unit_test(test_policies_are_told_as_the_rfc_has_them),
        cmocka_unit_test(test_alike_sessions_are_one_count),
        cmocka_unit_test(test_P8_the_tally_is_bounded),
        cmocka_unit_test(test_P8_large_policies_fill_it_sooner),
        cmocka_unit_test(test_reports_own_mail_is_not_counted),
        cmocka_unit_test(test_counts_add_up_and_go_with_their_report),
        cmocka_unit_test(test_what_is_due),
        cmocka_unit_test(test_tries_end_a_day_later),
        cmocka_unit_test(test_the_rfcs_example),
        cmocka_unit_test(test_several_policies_of_a_day),
        cmocka_unit_test(test_the_mail_that_carries_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
