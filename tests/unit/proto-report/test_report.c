/* Reports: each sample of tests/report is what its index says, in both line endings, and never more when it is cut (2.P).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/clock.h"
#include "core/bounce.h"
#include "proto/report/report.h"
#include "proto-report/report_samples.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMNS    8
#define CUT_STEP   7 /* the long ones are cut at each so many bytes, all others at each */
#define CUT_ALL_TO 3000

enum column { NAME, KIND, FORMAT, STANDARD, ACTION, CLASS, HARD, RECIPIENT };
struct expected {
    struct str columns[COLUMNS];
};

/* ---- samples ---- */
static void read_file(const char *name, const char *suffix, struct buf *out) {
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/%s%s", SAMPLE_DIR, name, suffix);
    FILE *f = fopen(path.p, "rb");
    if (!f) fail_msg("%s cannot be read", path.p);
    for (size_t n = 1; n > 0;) {
        n = fread(buf_reserve(out, 65536), 1, 65536, f);
        buf_grew(out, n);
    }
    fclose(f);
}

static void read_sample(const char *name, struct buf *out) {
    read_file(name, ".eml", out);
}

static void to_crlf(struct str in, struct buf *out) {
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '\n') buf_add_char(out, '\r');
        buf_add_char(out, in.p[i]);
    }
}

static bool next_expected(struct str *index, struct expected *e) {
    struct str line;
    do {
        if (!str_next(index, '\n', &line)) return false;
    } while (str_starts(line, STR("#")) || line.n == 0);
    for (size_t i = 0; i < COLUMNS; i++) assert_true(str_next(&line, ' ', &e->columns[i]));
    assert_null(line.p);
    return true;
}

/* ---- what was said, as the columns spell it ---- */
static struct bounce_rules *rules; /* built in */

static struct bounce_finding judge(const struct report *r, const struct report_recipient *to) {
    struct bounce_finding finding;
    struct str host = to->remote_mta.n ? to->remote_mta : r->reporting_mta;
    (void)bounce_rules_judge(rules, &(struct bounce_reply){to->code, to->enhanced, to->diagnostic, host}, &finding);
    return finding;
}

static bool may_suppress(const struct report *r) {
    bool is_failure = r->is_standard && r->kind == REPORT_DSN && r->recipient_count && r->recipients[0].action == REPORT_FAILED;
    return is_failure && judge(r, &r->recipients[0]).suppresses;
}

static bool has_class(const struct report *r) {
    if (r->kind != REPORT_DSN && r->kind != REPORT_BOUNCE) return false;
    enum report_action action = r->recipient_count ? r->recipients[0].action : REPORT_FAILED;
    return action == REPORT_FAILED || action == REPORT_ACTION_NONE;
}

static void describe(const struct report *r, struct str columns[COLUMNS]) {
    static const struct report_recipient nobody = {.action = REPORT_ACTION_NONE};
    const struct report_recipient *to = r->recipient_count ? &r->recipients[0] : &nobody;
    struct bounce_finding finding = judge(r, to);
    bool is_complaint = r->kind == REPORT_COMPLAINT;
    columns[KIND] = str_from_z(report_kind_name(r->kind));
    columns[FORMAT] = r->format;
    columns[STANDARD] = r->is_standard ? STR("yes") : STR("no");
    columns[ACTION] = str_from_z(is_complaint ? report_feedback_name(r->complaint.type) : report_action_name(to->action));
    columns[CLASS] = has_class(r) ? bounce_class_facts(finding.class)->name : STR("");
    columns[HARD] = !has_class(r) ? STR("") : finding.is_hard ? STR("yes") : STR("no");
    columns[RECIPIENT] = is_complaint ? r->complaint.rcpt_to : to->final_address;
    for (size_t i = KIND; i < COLUMNS; i++)
        if (columns[i].n == 0) columns[i] = STR("-");
}

static void check(struct str message, const struct expected *e) {
    ARENA_AUTO arena = {0};
    struct report r;
    struct str found[COLUMNS];
    report_parse(message, &arena, &r);
    describe(&r, found);
    for (size_t i = KIND; i < COLUMNS; i++) {
        if (str_eq(found[i], e->columns[i])) continue;
        fail_msg("%.*s: column %zu is %.*s, not %.*s", STR_ARG(e->columns[NAME]), i, STR_ARG(found[i]), STR_ARG(e->columns[i]));
    }
}

/* ---- all of them ---- */
static void for_all(void (*check_one)(struct str message, const struct expected *e)) {
    BUF_AUTO index = {0};
    struct expected e;
    size_t count = 0;
    read_file("index", "", &index);
    for (struct str rest = buf_str(&index); next_expected(&rest, &e); count++) {
        BUF_AUTO name = {0};
        BUF_AUTO message = {0};
        buf_add_str(&name, e.columns[NAME]);
        read_sample(name.p, &message);
        check_one(buf_str(&message), &e);
    }
    assert_true(count >= 60);
}

static void check_both_line_ends(struct str message, const struct expected *e) {
    BUF_AUTO crlf = {0};
    to_crlf(message, &crlf);
    check(message, e);
    check(buf_str(&crlf), e);
}

static void test_samples_are_what_the_index_says(void **state) {
    (void)state;
    for_all(check_both_line_ends);
}

static void test_every_sample_is_in_the_index(void **state) {
    (void)state;
    BUF_AUTO index = {0};
    read_file("index", "", &index);
    DIR *dir = opendir(SAMPLE_DIR);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        BUF_AUTO line = {0};
        struct str name = str_from_z(entry->d_name);
        if (!str_ends(name, STR(".eml"))) continue;
        buf_addf(&line, "\n%.*s ", (int)name.n - 4, name.p);
        if (str_find_str(buf_str(&index), buf_str(&line)) == STR_NONE) fail_msg("%s is not in the index", entry->d_name);
    }
    closedir(dir);
}

/* Each beginning says no more than the whole: no more recipients (in words, half an address may be another one), no proof that
 * the whole is not. Cuts have their own memory, so that the sanitizers see a look beyond. */
static void check_cuts(struct str message, const struct expected *e) {
    ARENA_AUTO arena = {0};
    struct report whole;
    report_parse(message, &arena, &whole);
    size_t step = message.n <= CUT_ALL_TO ? 1 : CUT_STEP;
    for (size_t n = 0; n < message.n; n += step) {
        ARENA_AUTO scratch = {0};
        struct report part;
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, message.p, n);
        report_parse(str_make(copy, n), &scratch, &part);
        bool is_more = part.recipient_count > whole.recipient_count + (part.kind == REPORT_BOUNCE) ||
                       (part.is_standard && !whole.is_standard) || (may_suppress(&part) && !may_suppress(&whole)) ||
                       str_trim(part.original_header).n > str_trim(whole.original_header).n;
        if (is_more) fail_msg("%.*s: more after %zu bytes than in the whole", STR_ARG(e->columns[NAME]), n);
        free(copy);
    }
}

static void test_truncated_at_every_byte_says_no_more(void **state) {
    (void)state;
    for_all(check_cuts);
}

/* P9: what was cut before the report's own end is no proof. */
static void test_truncated_reports_are_no_proof(void **state) {
    (void)state;
    BUF_AUTO message = {0};
    struct report r;
    ARENA_AUTO arena = {0};
    read_sample("dsn-postfix-unknown", &message);
    struct str whole = str_trim(buf_str(&message));
    report_parse(whole, &arena, &r);
    assert_true(may_suppress(&r));
    for (size_t n = 0; n < whole.n; n++) {
        ARENA_AUTO scratch = {0};
        report_parse(str_sub(whole, 0, n), &scratch, &r);
        assert_false(may_suppress(&r));
    }
}

/* ---- fields that the index has no column for ---- */
static struct report parse_sample(struct arena *arena, const char *name) {
    struct report r;
    BUF_AUTO message = {0};
    read_sample(name, &message);
    report_parse(arena_str(arena, buf_str(&message)), arena, &r);
    return r;
}

static void assert_str(struct str a, const char *b) {
    if (!str_eq(a, str_from_z(b))) fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(a), b);
}

static void assert_time(int64_t at, const char *iso) {
    BUF_AUTO text = {0};
    time_add_iso_ms(&text, at);
    assert_string_equal(text.p, iso);
}

static void test_fields_of_a_delivery_report(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r = parse_sample(&arena, "dsn-comments-and-folds");
    assert_str(r.reporting_mta, "mail.relay.example");
    assert_int_equal(r.arrived_at, 0);
    const struct report_recipient *to = &r.recipients[0];
    assert_str(to->status, "5.0.0");
    assert_str(to->enhanced, "5.1.1");
    assert_int_equal(to->code, 550);
    assert_str(to->diagnostic_type, "smtp");
    assert_str(to->remote_mta, "mx.there.example");
    r = parse_sample(&arena, "dsn-xtext-orcpt");
    assert_str(r.recipients[0].original_address, "ann+tag@there.example");
    r = parse_sample(&arena, "dsn-rfc3464-many");
    assert_int_equal(r.recipient_count, 3);
    assert_int_equal(r.recipients[1].action, REPORT_DELAYED);
    assert_str(r.recipients[2].final_address, "eve@there.example");
    r = parse_sample(&arena, "dsn-lf-groups-without-blank");
    assert_int_equal(r.recipient_count, 2);
}

/* BN06: of two words the milder one counts. */
static void test_bn06_a_temporary_status_stays_one(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r;
    report_parse(STR("Content-Type: message/delivery-status\n\nAction: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 550 5.1.1 "
                     "user unknown\n"),
                 &arena, &r);
    assert_str(r.recipients[0].enhanced, "4.4.7");
    assert_false(judge(&r, &r.recipients[0]).suppresses);
}

/* A bounce quotes the subject of what it bounces, and that may be any. */
static void test_bounces_of_holiday_offers_are_bounces(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r;
    report_parse(STR("From: postmaster@x\nSubject: Undeliverable: out of office for long?\n\na@b.example\nno such user\n"),
                 &arena, &r);
    assert_int_equal(r.kind, REPORT_BOUNCE);
    report_parse(STR("From: ann@x\nSubject: Re: out of office for long?\n\nyes\n"), &arena, &r);
    assert_int_equal(r.kind, REPORT_AUTO_REPLY);
}

static void test_bn07_groups_are_capped(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r = parse_sample(&arena, "dsn-bn07-many-groups");
    assert_int_equal(r.recipient_count, REPORT_RECIPIENTS_MAX);
    assert_true(r.is_truncated);
}

static void test_bn22_obsolete_dates(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    assert_time(parse_sample(&arena, "dsn-bn22-obsolete-date").arrived_at, "2007-01-02T18:00:00.000Z");
    assert_time(parse_sample(&arena, "dsn-postfix-unknown").arrived_at, "2026-11-23T09:59:58.000Z");
    static const struct {
        const char *date, *iso;
    } cases[] = {
        {"23 Nov 2026 01:02:03 -0800", "2026-11-23T09:02:03.000Z"},
        {"Mon, 23 Nov 126 01:02 EST (somewhere)", "2026-11-23T06:02:00.000Z"},
        {"Mon Nov 23 01:02:03 2026", "2026-11-23T01:02:03.000Z"},
        {"(odd) Mon,23 November 98 01:02:03 Z", "1998-11-23T01:02:03.000Z"},
        {"1 Jan 70 00:00 +0000", "1970-01-01T00:00:00.000Z"},
        {"", ""},
        {"32 Nov 2026 01:02:03", ""},
        {"30 Feb 2026 01:02:03", ""},
        {"23 Nov 2026", ""},
        {"23 Nov 2026 25:00", ""},
        {"23 Nov 2026 1:2:3:4", ""},
        {"99999999999999999999 Nov 2026 01:02", ""},
        {"23 Nov 2026 01:02 +9999", ""},
        {"(((((", ""},
        {":::", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO text = {0};
        struct report r;
        buf_addf(&text, "Content-Type: message/delivery-status\n\nArrival-Date: %s\n\nAction: failed\n", cases[i].date);
        report_parse(buf_str(&text), &arena, &r);
        assert_int_equal(r.kind, REPORT_DSN);
        if (cases[i].iso[0])
            assert_time(r.arrived_at, cases[i].iso);
        else if (r.arrived_at)
            fail_msg("%s is a date", cases[i].date);
    }
}

static void test_fields_of_a_complaint(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r = parse_sample(&arena, "arf-rfc5965-full");
    assert_str(r.complaint.user_agent, "SomeGenerator/1.0");
    assert_str(r.complaint.mail_from, "b+aaaaaaaaaadwzrw4ylqqvh2bdx4q@mail.shop.example");
    assert_str(r.complaint.rcpt_to, "ann@there.example");
    assert_str(r.complaint.reported_domain, "shop.example");
    assert_str(r.complaint.source_address, "192.0.2.1");
    assert_str(r.reporting_mta, "mail.isp.example");
    assert_time(r.arrived_at, "2026-11-23T09:59:58.000Z");
}

/* BN11, BN12, BN23: the header of the message it is about, from its own part and from nowhere else. */
static void test_bn23_the_original_header_is_of_its_part(void **state) {
    (void)state;
    static const char *const samples[] = {"dsn-postfix-unknown",    "dsn-headers-only", "dsn-original-in-base64",
                                          "dsn-bn23-token-in-text", "dsn-bn22-utf8",    "arf-rfc5965-simple",
                                          "arf-bn12-redacted",      "arf-jmrp"};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        ARENA_AUTO arena = {0};
        struct report r = parse_sample(&arena, samples[i]);
        if (str_find_str(r.original_header, STR("Return-Path: <b+aaaaaaaaaadwzrw4ylqqvh2bdx4q@mail.shop.example>")) == STR_NONE)
            fail_msg("%s: %.*s", samples[i], STR_ARG(r.original_header));
        assert_true(str_find_str(r.original_header, STR("zzzz")) == STR_NONE);
        assert_true(str_find_str(r.original_header, STR("Hello")) == STR_NONE);
    }
    ARENA_AUTO arena = {0};
    assert_int_equal(parse_sample(&arena, "words-qmail").original_header.n, 0); /* quoted in words: not a part */
}

/* The first original is the original; a message that is attached behind it is not asked. */
static void test_bn23_the_first_original_counts(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r;
    static const char text[] = "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n"
                               "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nFinal-Recipient: rfc822; "
                               "a@b.example\nAction: failed\nStatus: 5.1.1\n"
                               "--x\nContent-Type: message/rfc822\n\nSubject: one\n\nSubject: two\n"
                               "--x\nContent-Type: message/rfc822\n\nSubject: three\n\n--x--\n";
    report_parse(STR(text), &arena, &r);
    assert_true(r.is_standard);
    assert_str(r.original_header, "Subject: one\n\n");
}

/* ---- words in text ---- */
static void test_codes_are_found_in_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned code;
        const char *enhanced;
    } cases[] = {
        {"550 5.1.1 no", 550, "5.1.1"},
        {"550-5.1.1 no\n550 5.1.1 way", 550, "5.1.1"},
        {"host mx[192.0.2.4] said: 450 4.7.1 later", 450, "4.7.1"},
        {"#5.1.1 smtp; 550", 550, "5.1.1"},
        {"(#5.2.2)", 0, "5.2.2"},
        {"550 4.1.1 odd", 550, ""},
        {"550 4.1.1 odd 5.1.1", 550, "5.1.1"},
        {"550 5.1.1foo", 550, ""},
        {"550 5.1.1.1", 550, ""},
        {"550 5.1111.1", 550, ""},
        {"9.9.9", 0, ""},
        {"250 2.0.0 ok", 250, "2.0.0"},
        {"took 250 ms, version 2.1.3", 0, ""},
        {"5501 or 1550 or 55", 0, ""},
        {"10.5.1.1 and 5.1.1.10", 0, ""},
        {"", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned code;
        struct str enhanced;
        report_find_codes(str_from_z(cases[i].text), &code, &enhanced);
        if (code != cases[i].code || !str_eq(enhanced, str_from_z(cases[i].enhanced)))
            fail_msg("%s: %u %.*s", cases[i].text, code, STR_ARG(enhanced));
    }
}

static void test_bn09_several_recipients_in_words(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct report r = parse_sample(&arena, "words-qmail-quota");
    assert_int_equal(r.recipient_count, 2);
    assert_str(r.recipients[1].final_address, "bob@there.example");
    assert_int_equal(judge(&r, &r.recipients[1]).class, BOUNCE_INVALID_RECIPIENT);
    r = parse_sample(&arena, "words-qmail"); /* whom the quoted original names is none */
    assert_int_equal(r.recipient_count, 1);
}

/* P8: hostile sizes cost what their length costs. */
static void test_long_and_odd_input_is_bounded(void **state) {
    (void)state;
    static const char *const fillers[] = {"@", "a@", "<",  "&",   "a@b.example:\n", "550 ",  "5.1.1 ",
                                          "(", ";",  "=?", "\n ", "x: y\n",         "--x\n", "\\x{41}"};
    static const char *const heads[] = {
        "From: mailer-daemon@x\nSubject: failure\n\n",
        "From: mailer-daemon@x\nSubject: failure\nContent-Type: text/html\n\n",
        "X-Failed-Recipients: ",
        "Subject: ",
        "Content-Type: message/delivery-status\n\n",
        "Content-Type: message/delivery-status\n\nFinal-Recipient: utf-8; ",
        "Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n",
    };
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        for (size_t j = 0; j < sizeof heads / sizeof heads[0]; j++) {
            ARENA_AUTO arena = {0};
            BUF_AUTO text = {0};
            struct report r;
            buf_add_z(&text, heads[j]);
            while (text.n < 400000) buf_add_z(&text, fillers[i]);
            report_parse(buf_str(&text), &arena, &r);
            assert_true(r.recipient_count <= REPORT_RECIPIENTS_MAX && r.original_header.n <= REPORT_HEADER_MAX);
        }
    }
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
        cmocka_unit_test(test_samples_are_what_the_index_says),
        cmocka_unit_test(test_every_sample_is_in_the_index),
        cmocka_unit_test(test_truncated_at_every_byte_says_no_more),
        cmocka_unit_test(test_truncated_reports_are_no_proof),
        cmocka_unit_test(test_fields_of_a_delivery_report),
        cmocka_unit_test(test_bn06_a_temporary_status_stays_one),
        cmocka_unit_test(test_bounces_of_holiday_offers_are_bounces),
        cmocka_unit_test(test_bn07_groups_are_capped),
        cmocka_unit_test(test_bn22_obsolete_dates),
        cmocka_unit_test(test_fields_of_a_complaint),
        cmocka_unit_test(test_bn23_the_original_header_is_of_its_part),
        cmocka_unit_test(test_bn23_the_first_original_counts),
        cmocka_unit_test(test_codes_are_found_in_words),
        cmocka_unit_test(test_bn09_several_recipients_in_words),
        cmocka_unit_test(test_long_and_odd_input_is_bounded),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
