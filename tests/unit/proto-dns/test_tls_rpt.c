/* test_tls_rpt.c - where a domain wants its reports (RFC 8460 3), and packing them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/gzip/gzip.h"
#include "proto/http/http_body.h"
#include "proto/tls_rpt/tls_rpt.h"

/* The targets as one text, "" for no record; records of the answer are parted by '|'. */
static struct str find(struct arena *arena, const char *texts) {
    struct dns_record records[8] = {0};
    struct dns_answer answer = {.type = DNS_TXT, .records = records};
    struct tls_rpt_record record;
    BUF_AUTO out = {0};
    struct str rest = str_from_z(texts), text;
    while (str_next(&rest, '|', &text)) records[answer.count++].text = text;
    if (!tls_rpt_record_find(&answer, arena, &record)) return STR("");
    for (size_t i = 0; i < record.count; i++) {
        if (i) buf_add_char(&out, ' ');
        buf_add_str(&out, record.targets[i].mailbox.n ? record.targets[i].mailbox : record.targets[i].url);
    }
    return arena_str(arena, buf_str(&out));
}

static void test_records(void **state) {
    (void)state;
    static const struct {
        const char *texts, *targets;
    } cases[] = {
        {"v=TLSRPTv1; rua=mailto:reports@example.com", "reports@example.com"},
        {"v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt", "https://reporting.example.com/v1/tlsrpt"},
        {"v=TLSRPTv1 ;\trua=mailto:a@example.com , https://b.example/?x=1 ;", "a@example.com https://b.example/?x=1"},
        {"v=TLSRPTv1; x-ext.1=abc; rua=MAILTO:a%2Bb@Example.COM", "a+b@example.com"},
        {"v=spf1 -all|v=TLSRPTv1; rua=mailto:a@example.com|v=TLSRPTv10; rua=mailto:b@example.com", "a@example.com"},
        {"v=TLSRPTv1; rua=mailto:a@example.com?subject=x,http://example.com/,gopher:x", "a@example.com"},
        {"v=TLSRPTv1; rua=mailto:1@e.com,mailto:2@e.com,mailto:3@e.com,mailto:4@e.com,mailto:5@e.com,mailto:6@e.com",
         "1@e.com 2@e.com 3@e.com 4@e.com 5@e.com"},
        /* none */
        {"", ""},
        {"v=TLSRPTv1", ""},
        {"v=TLSRPTv1;", ""},
        {"V=TLSRPTv1; rua=mailto:a@example.com", ""},
        {" v=TLSRPTv1; rua=mailto:a@example.com", ""},
        {"rua=mailto:a@example.com; v=TLSRPTv1", ""},
        {"v=TLSRPTv1; rua=", ""},
        {"v=TLSRPTv1; RUA=mailto:a@example.com", ""},
        {"v=TLSRPTv1; rua=mailto:a@example.com;; x=y", ""},
        {"v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com", ""},
        {"v=TLSRPTv1; rua=mailto:a@example.com; x=", ""},
        {"v=TLSRPTv1; rua=http://example.com/", ""},
        {"v=TLSRPTv1; rua=https://user@example.com/", ""},
        {"v=TLSRPTv1; rua=mailto:a%0d%0aBcc:b@example.com", ""},
        {"v=TLSRPTv1; rua=mailto:a@example.com%2Cb@example.com", ""},
        {"v=TLSRPTv1; rua=mailto:a@[127.0.0.1]", ""},
        {"v=TLSRPTv1; rua=mailto:a@example.com|v=TLSRPTv1; rua=mailto:a@example.com", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        struct str got = find(&arena, cases[i].texts);
        if (!str_eq(got, str_from_z(cases[i].targets))) print_error("%s: %.*s\n", cases[i].texts, STR_ARG(got));
        assert_true(str_eq(got, str_from_z(cases[i].targets)));
    }
}

static void test_no_answer_is_no_record(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct tls_rpt_record record;
    assert_false(tls_rpt_record_find(&(struct dns_answer){.status = STATUS_NOT_FOUND}, &arena, &record));
}

static void check_packing(struct str text) {
    BUF_AUTO packed = {0};
    BUF_AUTO unpacked = {0};
    gzip_encode(&packed, text);
    assert_memory_equal(packed.p, "\x1f\x8b\x08", 3);
    struct http_inflate *z = http_inflate_new(HTTP_CODING_GZIP);
    size_t used, n;
    assert_int_equal(http_inflate_next(z, buf_str(&packed), buf_reserve(&unpacked, text.n + 1), text.n + 1, &used, &n),
                     STATUS_OK);
    buf_grew(&unpacked, n);
    assert_int_equal(used, packed.n);
    assert_true(http_inflate_is_done(z));
    http_inflate_free(&z);
    assert_true(str_eq(buf_str(&unpacked), text));
}

static void test_what_is_packed_unpacks(void **state) {
    (void)state;
    BUF_AUTO large = {0};
    for (uint32_t i = 0; i < 300000; i++) buf_add_char(&large, (char)((i * 2654435761u) >> 24));
    check_packing(STR(""));
    check_packing(STR("{\"organization-name\":\"Company-X\"}"));
    check_packing(buf_str(&large));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_no_answer_is_no_record),
        cmocka_unit_test(test_what_is_packed_unpacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
