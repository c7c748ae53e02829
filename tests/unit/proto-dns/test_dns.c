/* test_dns.c - decoding of rdata and of whole responses, hostile ones above all; names; the memo.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proto/dns/memo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(literal)                                                                                                           \
    { (literal), sizeof(literal) - 1 }

static void test_DN11_DN12_rdata(void **state) {
    (void)state;
    static const struct {
        enum dns_type type;
        struct str rdata;
        const char *expected; /* "preference name text address[0].address[last]"; NULL: BAD */
    } cases[] = {
        {DNS_A, BYTES("\xc0\x00\x02\x01"), "0||192.1"},
        {DNS_A, BYTES("\xc0\x00\x02"), NULL},
        {DNS_A, BYTES("\xc0\x00\x02\x01\x00"), NULL},
        {DNS_A, BYTES(""), NULL},
        {DNS_AAAA, BYTES("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"), "0||32.9"},
        {DNS_AAAA, BYTES("\x20\x01\x0d\xb8"), NULL},
        {DNS_MX,
         BYTES("\x00\x0a\x02MX\x07"
               "example\x00"),
         "10|mx.example||0.0"},
        {DNS_MX, BYTES("\x00\x00\x00"), "0|||0.0"}, /* null MX, RFC 7505 */
        {DNS_MX, BYTES("\x00\x0a"), NULL},
        {DNS_MX, BYTES("\x00"), NULL},
        {DNS_MX, BYTES(""), NULL},
        {DNS_MX, BYTES("\x00\x0a\x02mx\x00\x00"), NULL}, /* bytes behind the name */
        {DNS_MX, BYTES("\x00\x0a\x09mx\x00"), NULL},     /* label runs out */
        {DNS_MX, BYTES("\x00\x0a\x02mx"), NULL},         /* no root label */
        {DNS_MX, BYTES("\x00\x0a\xc0\x02"), NULL},       /* pointer to itself */
        {DNS_MX, BYTES("\x00\x0a\x40mx\x00"), NULL},     /* label 64 */
        {DNS_MX, BYTES("\x00\x0a\x03m.x\x00"), NULL},    /* dot inside a label */
        {DNS_MX, BYTES("\x00\x0a\x03m\x00x\x00"), NULL},
        {DNS_MX, BYTES("\x00\x0a\x03m\nx\x00"), NULL},
        {DNS_MX, BYTES("\x00\x0a\x03../\x00"), NULL},
        {DNS_MX, BYTES("\x00\x0a\x08<script>\x00"), NULL},
        {DNS_MX, BYTES("\x00\x0a\x03\xc3\xa4x\x00"), NULL},
        {DNS_CNAME, BYTES("\x05_spf-\x04TEST\x00"), "0|_spf-.test||0.0"},
        {DNS_PTR,
         BYTES("\x01"
               "a\x00"),
         "0|a||0.0"},
        {DNS_TLSA,
         BYTES("\x03\x01\x01"
               "0123456789abcdef0123456789abcdef"),
         "0||0123456789abcdef0123456789abcdef|0.0"},
        {DNS_TLSA,
         BYTES("\x02\x00\x00"
               "0"),
         "0||0|0.0"},
        {DNS_TLSA,
         BYTES("\x09\x09\x09"
               "x"),
         "0||x|0.0"}, /* whoever looks at it will say that it cannot be used */
        {DNS_TLSA,
         BYTES("\x03\x01\x01"
               "0123456789abcdef0123456789abcde"),
         NULL},
        {DNS_TLSA,
         BYTES("\x03\x01\x02"
               "0123456789abcdef0123456789abcdef"),
         NULL},
        {DNS_TLSA, BYTES("\x03\x01\x01"), NULL},
        {DNS_TLSA, BYTES("\x03\x01"), NULL},
        {DNS_TLSA, BYTES("\x03"), NULL},
        {DNS_TLSA, BYTES(""), NULL},
        {DNS_TXT,
         BYTES("\x03"
               "abc"),
         "0||abc|0.0"},
        {DNS_TXT,
         BYTES("\x03"
               "abc\x00\x02 d"),
         "0||abc d|0.0"},
        {DNS_TXT, BYTES("\x00"), "0|||0.0"},
        {DNS_TXT, BYTES(""), NULL},
        {DNS_TXT,
         BYTES("\x04"
               "abc"),
         NULL},
        {DNS_TXT,
         BYTES("\x03"
               "abc\x01"),
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct dns_record r = {0};
        char *exact = malloc(cases[i].rdata.n + 1); /* so that a read beyond is seen */
        memcpy(exact, cases[i].rdata.p, cases[i].rdata.n);
        enum parse parse = dns_rdata_parse(cases[i].type, str_make(exact, cases[i].rdata.n), &arena, &r);
        char text[600] = "";
        size_t last = cases[i].type == DNS_AAAA ? 15 : 3;
        if (cases[i].type == DNS_A || cases[i].type == DNS_AAAA)
            snprintf(text, sizeof text, "%u|%.*s|%u.%u", r.preference, STR_ARG(r.name), r.address[0], r.address[last]);
        else
            snprintf(text, sizeof text, "%u|%.*s|%.*s|%u.%u", r.preference, STR_ARG(r.name), STR_ARG(r.text), r.address[0],
                     r.address[last]);
        if (parse != (cases[i].expected ? PARSE_DONE : PARSE_BAD)) fail_msg("case %zu: %d", i, parse);
        if (cases[i].expected && strcmp(text, cases[i].expected) != 0) fail_msg("case %zu: %s", i, text);
        free(exact);
    }
}

/* Labels of 63 up to exactly 253 characters, and one more. */
static void test_DN11_longest_name(void **state) {
    (void)state;
    for (size_t last = 61; last <= 62; last++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO rdata = {0};
        for (int i = 0; i < 4; i++) {
            size_t n = i < 3 ? 63 : last;
            buf_add_char(&rdata, (char)n);
            for (size_t k = 0; k < n; k++) buf_add_char(&rdata, 'x');
        }
        buf_add_char(&rdata, '\0');
        struct dns_record r;
        assert_int_equal(dns_rdata_parse(DNS_CNAME, buf_str(&rdata), &arena, &r), last == 61 ? PARSE_DONE : PARSE_BAD);
        if (last == 61) assert_int_equal(r.name.n, DNS_NAME_MAX);
    }
}

/* ---- whole responses ---- */
#define HEAD(rcode, answers)  "\x12\x34\x81" rcode "\x00\x01\x00" answers "\x00\x00\x00\x00"
#define QUESTION(type)        "\x01w\x04test\x00\x00" type "\x00\x01" /* name at 12, next record at 24 */
#define RR(type, ttl, length) "\xc0\x0c\x00" type "\x00\x01" ttl "\x00" length
#define A1                    RR("\x01", "\x00\x00\x00\x3c", "\x04") "\xc0\x00\x02\x01"

static const struct {
    const char *what;
    struct str message;
    enum parse parse;
    enum status status;
    size_t count;
    uint32_t ttl;
    const char *canonical;
} messages[] = {
    {"one address", BYTES(HEAD("\x80", "\x01") QUESTION("\x01") A1), PARSE_DONE, STATUS_OK, 1, 60, ""},
    {"none", BYTES(HEAD("\x80", "\x00") QUESTION("\x01")), PARSE_DONE, STATUS_OK, 0, 0, ""},
    {"NXDOMAIN", BYTES(HEAD("\x83", "\x00") QUESTION("\x01")), PARSE_DONE, STATUS_NOT_FOUND, 0, 0, ""},
    {"SERVFAIL", BYTES(HEAD("\x82", "\x00") QUESTION("\x01")), PARSE_DONE, STATUS_TEMPORARY, 0, 0, ""},
    {"DN13 other question", BYTES(HEAD("\x80", "\x01") QUESTION("\x0f") A1), PARSE_BAD, 0, 0, 0, ""},
    {"DN13 other name's record",
     BYTES(HEAD("\x80", "\x01") QUESTION("\x01") "\x01x\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"), PARSE_DONE,
     STATUS_OK, 0, 0, ""},
    {"DN13 class CH",
     BYTES(HEAD("\x80", "\x01") QUESTION("\x01") "\xc0\x0c\x00\x01\x00\x03\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"), PARSE_DONE,
     STATUS_OK, 0, 0, ""},
    {"DN14 TTL -1", BYTES(HEAD("\x80", "\x01") QUESTION("\x01") RR("\x01", "\xff\xff\xff\xff", "\x04") "\xc0\x00\x02\x01"),
     PARSE_DONE, STATUS_OK, 1, 0, ""},
    {"DN14 TTL 2^31-1", BYTES(HEAD("\x80", "\x01") QUESTION("\x01") RR("\x01", "\x7f\xff\xff\xff", "\x04") "\xc0\x00\x02\x01"),
     PARSE_DONE, STATUS_OK, 1, DNS_TTL_MAX, ""},
    {"DN11 count lie", BYTES(HEAD("\x80", "\x02") QUESTION("\x01") A1), PARSE_BAD, 0, 0, 0, ""},
    {"DN11 length lie", BYTES(HEAD("\x80", "\x01") QUESTION("\x01") RR("\x01", "\x00\x00\x00\x3c", "\x05") "\xc0\x00\x02\x01"),
     PARSE_BAD, 0, 0, 0, ""},
    {"DN11 short address, alone",
     BYTES(HEAD("\x80", "\x01") QUESTION("\x01") RR("\x01", "\x00\x00\x00\x3c", "\x03") "\xc0\x00\x02"), PARSE_BAD, 0, 0, 0, ""},
    {"DN11 short address beside a good one",
     BYTES(HEAD("\x80", "\x02") QUESTION("\x01") RR("\x01", "\x00\x00\x00\x01", "\x03") "\xc0\x00\x02" A1), PARSE_DONE, STATUS_OK,
     1, 60, ""},
    {"DN11 pointer forward",
     BYTES(HEAD("\x80", "\x01") QUESTION("\x01") "\xc0\x20\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"), PARSE_BAD,
     0, 0, 0, ""},
    {"DN11 pointer to itself",
     BYTES(HEAD("\x80", "\x01") QUESTION("\x01") "\xc0\x18\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"), PARSE_BAD,
     0, 0, 0, ""},
    {"DN05 CNAME, then its address",
     BYTES(HEAD("\x80", "\x02") QUESTION("\x01")
               RR("\x05", "\x00\x00\x00\x3c", "\x04") "\x01v\xc0\x0e"
                                                      "\xc0\x24\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\xc0\x00\x02\x01"),
     PARSE_DONE, STATUS_OK, 1, 5, "v.test"},
    {"DN05 CNAME to itself", BYTES(HEAD("\x80", "\x01") QUESTION("\x01") RR("\x05", "\x00\x00\x00\x3c", "\x02") "\xc0\x0c"),
     PARSE_DONE, STATUS_OK, 0, 0, ""},
    {"two questions", BYTES("\x12\x34\x81\x80\x00\x02\x00\x00\x00\x00\x00\x00" QUESTION("\x01")), PARSE_BAD, 0, 0, 0, ""},
    {"not a response", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION("\x01")), PARSE_BAD, 0, 0, 0, ""},
};

static void check_message(struct str bytes, size_t i) {
    ARENA_AUTO arena = {0};
    struct dns_answer a = {0};
    char *exact = malloc(bytes.n + 1);
    memcpy(exact, bytes.p, bytes.n);
    enum parse parse = dns_message_parse(str_make(exact, bytes.n), (struct dns_question){STR("w.test"), DNS_A}, &arena, &a);
    free(exact);                                 /* nothing of the answer may point into it */
    if (bytes.n < messages[i].message.n) return; /* cut: any verdict, no crash */
    if (parse != messages[i].parse) fail_msg("%s: %d", messages[i].what, parse);
    if (parse != PARSE_DONE) return;
    if (a.status != messages[i].status || a.count != messages[i].count || a.ttl != messages[i].ttl ||
        !str_eq(a.canonical, str_from_z(messages[i].canonical)))
        fail_msg("%s: %s, %zu, %u, %.*s", messages[i].what, status_text(a.status), a.count, a.ttl, STR_ARG(a.canonical));
}

static void test_messages_whole_and_cut_everywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        for (size_t n = 0; n <= messages[i].message.n; n++) check_message(str_sub(messages[i].message, 0, n), i);
}

static void test_DN08_many_records_are_cut_off(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO message = {0};
    static const char head[] = "\x12\x34\x81\x80\x00\x01\x03\xe8\x00\x00\x00\x00" QUESTION("\x01"); /* 1,000 */
    buf_add(&message, head, sizeof head - 1);
    for (int i = 0; i < 1000; i++) buf_add(&message, A1, sizeof A1 - 1);
    struct dns_answer a;
    assert_int_equal(dns_message_parse(buf_str(&message), (struct dns_question){STR("w.test"), DNS_A}, &arena, &a), PARSE_DONE);
    assert_int_equal(a.count, DNS_RECORDS_MAX);
}

/* ---- names and addresses ---- */
static void test_names(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"Example.COM.", "example.com"},
        {"a", "a"},
        {"_dmarc.x-y.test", "_dmarc.x-y.test"},
        {"", NULL},
        {".", NULL},
        {"a..b", NULL},
        {".a", NULL},
        {"a..", NULL},
        {"a b", NULL},
        {"a/b", NULL},
        {"\xc3\xa4.test", NULL},
        {"a\nb", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct str name;
        assert_int_equal(dns_name_normalise(str_from_z(cases[i][0]), &arena, &name), cases[i][1] != NULL);
        if (cases[i][1]) assert_true(str_eq(name, str_from_z(cases[i][1])));
    }
    uint8_t address[16];
    size_t n;
    assert_true(dns_address_parse(STR("192.0.2.1"), address, &n) && n == 4);
    assert_true(dns_address_parse(STR("2001:db8::1"), address, &n) && n == 16);
    assert_false(dns_address_parse(STR("192.0.2"), address, &n));
    assert_false(dns_address_parse(STR("192.0.2.1 "), address, &n));
    assert_false(dns_address_parse(STR(""), address, &n));
}

/* ---- the memo ---- */
static void test_memo_asks_once_and_remembers(void **state) {
    (void)state;
    struct dns_memo memo = {0};
    struct dns_question q[8];
    assert_int_equal(dns_memo_next(&memo, q, 8), 0);
    assert_null(dns_memo_look(&memo, STR("A.test"), DNS_A));
    assert_null(dns_memo_look(&memo, STR("a.test."), DNS_A));
    assert_null(dns_memo_look(&memo, STR("a.test"), DNS_MX));
    assert_int_equal(dns_memo_next(&memo, q, 1), 1);
    assert_true(str_eq(q[0].name, STR("a.test")) && q[0].type == DNS_A);
    assert_int_equal(dns_memo_next(&memo, q, 8), 1);
    assert_int_equal(dns_memo_next(&memo, q, 8), 0);
    char name[] = "mx.test";
    struct dns_record record = {.name = str_from_z(name), .preference = 7};
    dns_memo_answer(&memo, 1, &(struct dns_answer){.status = STATUS_OK, .type = DNS_MX, .records = &record, .count = 1});
    name[0] = 0; /* it was copied */
    record.preference = 0;
    const struct dns_answer *a = dns_memo_look(&memo, STR("a.test"), DNS_MX);
    assert_true(a && a->count == 1 && a->records[0].preference == 7 && str_eq(a->records[0].name, STR("mx.test")));
    assert_null(dns_memo_look(&memo, STR("a.test"), DNS_A));
    assert_int_equal(dns_memo_look(&memo, STR("a..test"), DNS_A)->status, STATUS_NOT_FOUND);
    for (int i = 0; i < DNS_MEMO_MAX - 2; i++) {
        char many[32];
        snprintf(many, sizeof many, "n%d.test", i);
        assert_null(dns_memo_look(&memo, str_from_z(many), DNS_A));
    }
    assert_int_equal(dns_memo_look(&memo, STR("one-more.test"), DNS_A)->status, STATUS_TEMPORARY); /* P8 */
    dns_memo_fini(&memo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_DN11_DN12_rdata),
        cmocka_unit_test(test_DN11_longest_name),
        cmocka_unit_test(test_messages_whole_and_cut_everywhere),
        cmocka_unit_test(test_DN08_many_records_are_cut_off),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_memo_asks_once_and_remembers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
