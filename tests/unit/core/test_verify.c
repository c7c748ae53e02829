/* test_verify.c - domain verification: what DNS panels make of records, and what must not raise a false alarm.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../proto-dns/zone.h"
#include "core/verify.h"
#include "proto/dkim/tags.h"

#include <stdio.h>
#include <string.h>

static struct lab {
    struct buf public_key[2]; /* RSA, Ed25519 */
    struct buf record[2], other_record;
} lab;

static int make_keys(void **state) {
    (void)state;
    SECRET_AUTO private_key = {0};
    BUF_AUTO other = {0};
    if (signkey_generate(SIGNKEY_RSA2048, &private_key, &lab.public_key[0]) != STATUS_OK) return -1;
    if (signkey_generate(SIGNKEY_ED25519, &private_key, &lab.public_key[1]) != STATUS_OK) return -1;
    if (signkey_generate(SIGNKEY_ED25519, &private_key, &other) != STATUS_OK) return -1;
    dkim_key_format(SIGNKEY_RSA2048, buf_str(&lab.public_key[0]), &lab.record[0]);
    dkim_key_format(SIGNKEY_ED25519, buf_str(&lab.public_key[1]), &lab.record[1]);
    dkim_key_format(SIGNKEY_ED25519, buf_str(&other), &lab.other_record);
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        buf_fini(&lab.public_key[i]);
        buf_fini(&lab.record[i]);
    }
    buf_fini(&lab.other_record);
    return 0;
}

static size_t next(void *machine, struct dns_question *ret, size_t max) {
    return verify_next(machine, ret, max);
}

static void answer(void *machine, size_t index, const struct dns_answer *a) {
    verify_answer(machine, index, a);
}

static struct verify *start(const struct spf_ip *addresses, size_t address_count) {
    struct verify_key keys[] = {{SIGNKEY_RSA2048, STR("r1"), buf_str(&lab.public_key[0])},
                                {SIGNKEY_ED25519, STR("e1"), buf_str(&lab.public_key[1])}};
    struct verify_input input = {.domain = STR("shop.test"),
                                 .subdomain = STR("mail"),
                                 .track_prefix = STR("track"),
                                 .keys = keys,
                                 .key_count = 2,
                                 .hostname = STR("gate.host.test"),
                                 .addresses = addresses,
                                 .address_count = address_count};
    struct verify *v = verify_new(&input);
    memset(keys, 0, sizeof keys); /* it was copied */
    return v;
}

/* Rows of the report. */
enum { RSA, ED25519, RETURN_PATH, SPF, TRACKING, DMARC, ROWS };

/* A zone that is right in all, then changed: `names` NULL-terminated are dropped, `extra` added. */
static struct verify *check(const char *const *dropped, const struct zone_record *extra) {
    const struct zone_record right[] = {
        {"r1._domainkey.shop.test", DNS_TXT, lab.record[0].p},
        {"e1._domainkey.shop.test", DNS_TXT, lab.record[1].p},
        {"mail.shop.test", DNS_MX, "10 gate.host.test"},
        {"mail.shop.test", DNS_TXT, "v=spf1 a:gate.host.test ~all"},
        {"track.mail.shop.test", DNS_CNAME, "gate.host.test"},
        {"_dmarc.shop.test", DNS_TXT, "v=DMARC1; p=none"},
        {"gate.host.test", DNS_A, "192.0.2.25"},
    };
    struct zone_record records[40] = {0};
    size_t count = 0;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        bool is_dropped = false;
        for (const char *const *d = dropped; d && *d; d++) {
            const char *space = strchr(*d, ' '); /* "name TYPE-NUMBER": that type only */
            size_t n = space ? (size_t)(space - *d) : strlen(*d);
            bool is_name = strncmp(*d, right[i].name, n) == 0 && right[i].name[n] == '\0';
            is_dropped =
                is_dropped || (is_name && (!space || (enum dns_type)(space[1] == 'T' ? DNS_TXT : DNS_MX) == right[i].type));
        }
        if (!is_dropped) records[count++] = right[i];
    }
    for (; extra && extra->name; extra++) records[count++] = *extra;
    struct zone zone = {.records = records};
    struct verify *v = start(NULL, 0);
    zone_drive(&zone, next, answer, v, 16);
    return v;
}

/* "OKOKOK": a letter a row, O = OK, F = FAILED, U = UNKNOWN; a failure has a sentence. */
static void expect(struct verify *v, const char *rows, bool is_sendable, const char *what) {
    const struct verify_report *r = verify_report(v);
    char got[ROWS + 1] = "";
    assert_int_equal(r->count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        got[i] = "FOU"[r->rows[i].status];
        if (r->rows[i].status == VERIFY_FAILED) assert_true(r->rows[i].why.n > 0);
    }
    if (strcmp(got, rows) != 0) fail_msg("%s: %s", what, got);
    if (r->is_sendable != is_sendable) fail_msg("%s: sendable %d", what, r->is_sendable);
}

static bool says(struct verify *v, size_t row, const char *words) {
    return str_find_str(verify_report(v)->rows[row].why, str_from_z(words)) != STR_NONE;
}

static void test_all_right(void **state) {
    (void)state;
    struct verify *v = check(NULL, NULL);
    expect(v, "OOOOOO", true, "all right");
    const struct verify_report *r = verify_report(v);
    for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++) assert_int_equal(r->status[kind], VERIFY_OK);
    static const struct {
        const char *host, *type, *value;
        bool is_required;
    } rows[ROWS] = {
        {"r1._domainkey.shop.test", "TXT", NULL, true},
        {"e1._domainkey.shop.test", "TXT", NULL, false},
        {"mail.shop.test", "MX", "10 gate.host.test", true},
        {"mail.shop.test", "TXT", "v=spf1 a:gate.host.test ~all", true},
        {"track.mail.shop.test", "CNAME", "gate.host.test", false},
        {"_dmarc.shop.test", "TXT", "v=DMARC1; p=none", false},
    };
    for (size_t i = 0; i < ROWS; i++) {
        const struct verify_row *row = &r->rows[i];
        assert_true(str_eq(row->host, str_from_z(rows[i].host)));
        assert_string_equal(row->type, rows[i].type);
        assert_true(str_eq(row->value, rows[i].value ? str_from_z(rows[i].value) : buf_str(&lab.record[i])));
        assert_true(str_eq(row->found, row->value)); /* published as told */
        assert_int_equal(row->is_required, rows[i].is_required);
        assert_int_equal(row->why.n, 0);
    }
    verify_free(&v);
}

static void test_before_any_answer(void **state) {
    (void)state;
    struct verify *v = start(NULL, 0);
    expect(v, "UUUUUU", false, "no answers");
    const struct verify_report *r = verify_report(v);
    for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++) assert_int_equal(r->status[kind], VERIFY_UNKNOWN);
    assert_true(str_eq(r->rows[RETURN_PATH].value, STR("10 gate.host.test")));
    verify_free(&v);
}

static void test_nothing_published(void **state) {
    (void)state;
    struct zone zone = {.records = (const struct zone_record[]){{"gate.host.test", DNS_A, "192.0.2.25"}, {0}}};
    struct verify *v = start(NULL, 0);
    zone_drive(&zone, next, answer, v, 1);
    expect(v, "FFFFFF", false, "nothing");
    assert_int_equal(verify_report(v)->status[VERIFY_OWNERSHIP], VERIFY_FAILED);
    verify_free(&v);
}

/* DN10, DN20: forms of a DKIM record that receivers can read. */
static void test_DN20_dkim_forms_that_hold(void **state) {
    (void)state;
    static const char *const dropped[] = {"r1._domainkey.shop.test", NULL};
    const char *key = strstr(lab.record[0].p, "p=") + 2;
    BUF_AUTO blanks = {0}, order = {0};
    buf_addf(&blanks, "v=DKIM1 ;  k=rsa;p=%.40s %.40s\t%s ; ", key, key + 40, key + 80);
    buf_addf(&order, "v=DKIM1; t=s; p=%s; s=email; h=sha256; k=rsa; n=made by a panel;", key);
    BUF_AUTO bare = {0};
    buf_addf(&bare, "p=%s", key);
    const char *const forms[] = {blanks.p, order.p, bare.p};
    for (size_t i = 0; i < 3; i++) {
        const struct zone_record extra[] = {{"r1._domainkey.shop.test", DNS_TXT, forms[i]}, {0}};
        struct verify *v = check(dropped, extra);
        expect(v, "OOOOOO", true, forms[i]);
        verify_free(&v);
    }
    const struct zone_record alias[] = {
        {"r1._domainkey.shop.test", DNS_CNAME, "k.keys.test"}, {"k.keys.test", DNS_TXT, order.p}, {0}};
    struct verify *v = check(dropped, alias);
    expect(v, "OOOOOO", true, "CNAME");
    verify_free(&v);
    const struct zone_record beside[] = {{"r1._domainkey.shop.test", DNS_TXT, "google-site-verification=x"},
                                         {"r1._domainkey.shop.test", DNS_TXT, "v=spf1 -all"},
                                         {0}};
    v = check(NULL, beside);
    expect(v, "OOOOOO", true, "other TXT beside");
    assert_int_equal(verify_report(v)->rows[RSA].why.n, 0);
    verify_free(&v);
    const struct zone_record second[] = {{"r1._domainkey.shop.test", DNS_TXT, lab.other_record.p}, {0}};
    v = check(NULL, second);
    expect(v, "OOOOOO", true, "second key beside");
    assert_true(says(v, RSA, "Another DKIM record"));
    verify_free(&v);
}

/* What receivers cannot read either fails, and says why. */
static void test_dkim_forms_that_do_not_hold(void **state) {
    (void)state;
    static const char *const dropped[] = {"r1._domainkey.shop.test", NULL};
    BUF_AUTO quoted = {0}, first = {0}, revoked = {0};
    buf_addf(&quoted, "\"%.60s\" \"%s\"", lab.record[0].p, lab.record[0].p + 60);
    buf_addf(&first, "%.200s", lab.record[0].p);
    buf_add_z(&revoked, "v=DKIM1; k=rsa; p=");
    const struct {
        const char *texts[2], *words;
    } cases[] = {
        {{quoted.p}, "Quotation marks"},
        {{first.p, lab.record[0].p + 200}, "cut into two"},
        {{lab.record[0].p + 200, first.p}, "cut into two"},
        {{lab.other_record.p}, "another key"},
        {{revoked.p}, "revokes"},
        {{"hello"}, "none that is a whole DKIM record"},
        {{NULL}, "There is no TXT record at r1._domainkey.shop.test"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone_record extra[3] = {0};
        for (size_t k = 0; k < 2 && cases[i].texts[k]; k++)
            extra[k] = (struct zone_record){"r1._domainkey.shop.test", DNS_TXT, cases[i].texts[k]};
        struct verify *v = check(dropped, extra);
        expect(v, "FOOOOO", false, cases[i].words);
        if (!says(v, RSA, cases[i].words)) fail_msg("%s: %.*s", cases[i].words, STR_ARG(verify_report(v)->rows[RSA].why));
        assert_int_equal(verify_report(v)->status[VERIFY_OWNERSHIP], VERIFY_OK); /* the other key proves it */
        assert_int_equal(verify_report(v)->status[VERIFY_DKIM], VERIFY_FAILED);
        verify_free(&v);
    }
    const struct zone_record doubled[] = {{"r1._domainkey.shop.test.shop.test", DNS_TXT, lab.record[0].p}, {0}};
    struct verify *v = check(dropped, doubled);
    assert_true(says(v, RSA, "a second time"));
    verify_free(&v);
    static const char *const dropped_ed25519[] = {"e1._domainkey.shop.test", NULL};
    v = check(dropped_ed25519, NULL);
    expect(v, "OFOOOO", true, "Ed25519 is not required");
    verify_free(&v);
}

static void test_return_path(void **state) {
    (void)state;
    static const char *const dropped[] = {"mail.shop.test M", NULL};
    static const struct {
        struct zone_record extra[5];
        char expected;
        const char *words;
    } cases[] = {
        {{{"mail.shop.test", DNS_MX, "5 GATE.host.TEST"}}, 'O', ""},
        {{{"mail.shop.test", DNS_MX, "5 alias.test"}, {"alias.test", DNS_A, "192.0.2.25"}}, 'O', ""},
        {{{"mail.shop.test", DNS_MX, "5 gate.host.test"}, {"mail.shop.test", DNS_MX, "5 other.test"}}, 'O', ""},
        {{{"mail.shop.test", DNS_MX, "5 other.test"}, {"mail.shop.test", DNS_MX, "10 gate.host.test"}},
         'F',
         "better (lower) preference"},
        {{{"mail.shop.test", DNS_MX, "5 other.test"}, {"other.test", DNS_A, "192.0.2.99"}}, 'F', "does not point"},
        {{{"mail.shop.test", DNS_MX, "0 ."}}, 'F', "does not point"},
        {{{"mail.shop.test", DNS_MX, "5 other.test"}, {"other.test", DNS_A, "SERVFAIL"}}, 'U', ""},
        {{{"mail.shop.test", DNS_MX, "SERVFAIL"}}, 'U', "did not answer"},
        {{{0}}, 'F', "no MX record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verify *v = check(dropped, cases[i].extra);
        const struct verify_row *row = &verify_report(v)->rows[RETURN_PATH];
        if ("FOU"[row->status] != cases[i].expected) fail_msg("case %zu: %d %.*s", i, row->status, STR_ARG(row->why));
        assert_true(cases[i].words[0] == '\0' || says(v, RETURN_PATH, cases[i].words));
        verify_free(&v);
    }
}

/* Merged and split SPF: judged by what passes, not by wording. */
static void test_spf(void **state) {
    (void)state;
    static const char *const dropped[] = {"mail.shop.test T", NULL};
    static const struct {
        struct zone_record extra[5];
        char expected;
        const char *words;
    } cases[] = {
        {{{"mail.shop.test", DNS_TXT, "v=spf1 mx -all"}}, 'O', ""},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 ip4:203.0.113.0/24 include:else.test ip4:192.0.2.25 ?all"},
          {"else.test", DNS_TXT, "v=spf1 -all"}},
         'O',
         ""},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 redirect=ours.test"}, {"ours.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 -all"}},
         'O',
         ""},
        {{{"mail.shop.test", DNS_TXT, "some-verification=1"}, {"mail.shop.test", DNS_TXT, "V=SPF1 a:gate.host.test -ALL"}},
         'O',
         ""},
        {{{"mail.shop.test", DNS_CNAME, "whole.test"},
          {"whole.test", DNS_TXT, "v=spf1 ip4:192.0.2.25 -all"},
          {"whole.test", DNS_MX, "10 gate.host.test"}},
         'O',
         ""},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 mx -all"}, {"mail.shop.test", DNS_TXT, "v=spf1 -all"}},
         'F',
         "only one may be there"},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 ip4:203.0.113.1 -all"}}, 'F', "For 192.0.2.25 the result is fail"},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 include:loop.test ~all"}, {"loop.test", DNS_TXT, "v=spf1 include:loop.test ~all"}},
         'F',
         "more than ten lookups"},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 ipv4:192.0.2.25 ~all"}}, 'F', "syntax error at 'ipv4:192.0.2.25'"},
        {{{"mail.shop.test", DNS_TXT, "hello"}}, 'F', "none begins with v=spf1"},
        {{{"mail.shop.test", DNS_TXT, "v=spf1 include:down.test -all"}, {"down.test", DNS_TXT, "SERVFAIL"}}, 'U', "temperror"},
        {{{"mail.shop.test", DNS_TXT, "SERVFAIL"}}, 'U', "did not answer"},
        {{{0}}, 'F', "no TXT record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const dropped_all[] = {"mail.shop.test", NULL};
        bool is_alias = cases[i].extra[0].type == DNS_CNAME;
        struct verify *v = check(is_alias ? dropped_all : dropped, cases[i].extra);
        const struct verify_row *row = &verify_report(v)->rows[SPF];
        if ("FOU"[row->status] != cases[i].expected) fail_msg("case %zu: %d %.*s", i, row->status, STR_ARG(row->why));
        if (cases[i].words[0] && !says(v, SPF, cases[i].words)) fail_msg("case %zu: %.*s", i, STR_ARG(row->why));
        verify_free(&v);
    }
}

static void test_spf_for_configured_addresses(void **state) {
    (void)state;
    struct spf_ip addresses[2];
    assert_true(spf_ip_parse(STR("198.51.100.7"), &addresses[0]) && spf_ip_parse(STR("2001:db8::7"), &addresses[1]));
    static const char *const policies[] = {"v=spf1 ip4:198.51.100.7 ip6:2001:db8::7 -all", "v=spf1 ip4:198.51.100.7 -all"};
    for (int i = 0; i < 2; i++) {
        struct zone zone = {.records = (const struct zone_record[]){{"mail.shop.test", DNS_TXT, policies[i]}, {0}}};
        struct verify *v = start(addresses, 2);
        zone_drive(&zone, next, answer, v, 3);
        const struct verify_row *row = &verify_report(v)->rows[SPF];
        assert_true(str_eq(row->value, STR("v=spf1 ip4:198.51.100.7 ip6:2001:db8:0:0:0:0:0:7 ~all")));
        assert_int_equal(row->status, i == 0 ? VERIFY_OK : VERIFY_FAILED);
        verify_free(&v);
    }
}

static void test_tracking_and_dmarc(void **state) {
    (void)state;
    static const char *const dropped[] = {"track.mail.shop.test", "_dmarc.shop.test", NULL};
    static const struct {
        struct zone_record extra[4];
        size_t row;
        char expected;
    } cases[] = {
        {{{"track.mail.shop.test", DNS_CNAME, "other.test"}, {"other.test", DNS_A, "192.0.2.99"}}, TRACKING, 'F'},
        {{{"track.mail.shop.test", DNS_CNAME, "cdn.test"}, {"cdn.test", DNS_A, "192.0.2.25"}}, TRACKING, 'O'},
        {{{"track.mail.shop.test", DNS_A, "192.0.2.25"}}, TRACKING, 'O'}, /* flattened */
        {{{"track.mail.shop.test", DNS_A, "192.0.2.99"}}, TRACKING, 'F'},
        {{{"track.mail.shop.test", DNS_CNAME, "SERVFAIL"}, {"SERVFAIL", DNS_A, "SERVFAIL"}}, TRACKING, 'U'},
        {{{"_dmarc.shop.test", DNS_TXT, "v=DMARC1;p=reject"}}, DMARC, 'O'},
        {{{"_dmarc.shop.test", DNS_TXT, "v=DMARC1; p=none"}, {"_dmarc.shop.test", DNS_TXT, "v=DMARC1; p=none"}}, DMARC, 'F'},
        {{{"_dmarc.shop.test", DNS_TXT, "v=DMARC10"}}, DMARC, 'F'},
        {{{"_dmarc.test", DNS_TXT, "v=DMARC1; p=none"}}, DMARC, 'F'}, /* a top-level label is no parent */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verify *v = check(dropped, cases[i].extra);
        const struct verify_row *row = &verify_report(v)->rows[cases[i].row];
        if ("FOU"[row->status] != cases[i].expected) fail_msg("case %zu: %d %.*s", i, row->status, STR_ARG(row->why));
        assert_true(verify_report(v)->is_sendable); /* neither is needed */
        verify_free(&v);
    }
}

static void test_dmarc_of_a_parent(void **state) {
    (void)state;
    struct verify_input input = {.domain = STR("eu.news.shop.test"),
                                 .subdomain = STR("mail"),
                                 .track_prefix = STR("track"),
                                 .hostname = STR("gate.host.test")};
    struct zone zone = {.records = (const struct zone_record[]){{"_dmarc.shop.test", DNS_TXT, "v=DMARC1; p=none"}, {0}}};
    struct verify *v = verify_new(&input);
    zone_drive(&zone, next, answer, v, 16);
    const struct verify_report *r = verify_report(v);
    assert_int_equal(r->status[VERIFY_DMARC], VERIFY_OK);
    assert_true(str_find_str(r->rows[r->count - 1].why, STR("_dmarc.shop.test applies")) != STR_NONE);
    assert_int_equal(r->status[VERIFY_OWNERSHIP], VERIFY_UNKNOWN); /* no keys yet */
    verify_free(&v);
}

/* DN20: a bad minute un-verifies nothing. */
static void test_DN20_failed_lookups_are_unknown(void **state) {
    (void)state;
    static const char *const all[] = {"r1._domainkey.shop.test",
                                      "e1._domainkey.shop.test",
                                      "mail.shop.test",
                                      "track.mail.shop.test",
                                      "_dmarc.shop.test",
                                      "gate.host.test",
                                      NULL};
    static const struct zone_record down[] = {{"r1._domainkey.shop.test", DNS_TXT, "SERVFAIL"},
                                              {"e1._domainkey.shop.test", DNS_TXT, "SERVFAIL"},
                                              {"mail.shop.test", DNS_TXT, "SERVFAIL"},
                                              {"mail.shop.test", DNS_MX, "SERVFAIL"},
                                              {"track.mail.shop.test", DNS_A, "SERVFAIL"},
                                              {"_dmarc.shop.test", DNS_TXT, "SERVFAIL"},
                                              {"gate.host.test", DNS_A, "SERVFAIL"},
                                              {"gate.host.test", DNS_AAAA, "SERVFAIL"},
                                              {0}};
    struct verify *v = check(all, down);
    expect(v, "UUUUUU", false, "all down");
    for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++) assert_int_equal(verify_report(v)->status[kind], VERIFY_UNKNOWN);
    verify_free(&v);
    static const struct zone_record ours_down[] = {{"gate.host.test", DNS_A, "SERVFAIL"}, {0}};
    static const char *const gate[] = {"gate.host.test", NULL};
    v = check(gate, ours_down);
    expect(v, "OOOUOO", false, "our own name is down");
    verify_free(&v);
}

/* DN12: strangers' bytes are shown as text. */
static void test_DN12_found_is_printable(void **state) {
    (void)state;
    static const char *const dropped[] = {"mail.shop.test T", NULL};
    static const struct zone_record extra[] = {{"mail.shop.test", DNS_TXT, "v=spf1 \x1b[31m\xff\n:b -all"}, {0}};
    struct verify *v = check(dropped, extra);
    const struct verify_row *row = &verify_report(v)->rows[SPF];
    assert_true(str_eq(row->found, STR("v=spf1 ?[31m??:b -all")));
    assert_false(str_has_control(row->why) || !str_is_ascii(row->why));
    verify_free(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_right),
        cmocka_unit_test(test_before_any_answer),
        cmocka_unit_test(test_nothing_published),
        cmocka_unit_test(test_DN20_dkim_forms_that_hold),
        cmocka_unit_test(test_dkim_forms_that_do_not_hold),
        cmocka_unit_test(test_return_path),
        cmocka_unit_test(test_spf),
        cmocka_unit_test(test_spf_for_configured_addresses),
        cmocka_unit_test(test_tracking_and_dmarc),
        cmocka_unit_test(test_dmarc_of_a_parent),
        cmocka_unit_test(test_DN20_failed_lookups_are_unknown),
        cmocka_unit_test(test_DN12_found_is_printable),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
