/* test_webhook_url.c - which URLs a webhook may have: every spelling of an address that is nobody's business (WH01-WH12,
 * WH17-WH19).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/webhooks.h"
#include "proto/url/web_url.h"

#define FINE      WEBHOOK_URL_FINE
#define MALFORMED WEBHOOK_URL_MALFORMED
#define FORBIDDEN WEBHOOK_URL_FORBIDDEN

struct url_case {
    const char *id, *url;
    enum webhook_url_verdict verdict;
};
static const struct url_case cases[] = {
    {"fine", "https://yourdomain.com/webhook", FINE},
    {"fine", "HTTP://Example.COM:8443/a?b=%C3%BC&c", FINE},
    {"fine",
     "https://b\xc3\xbc"
     "cher.example",
     FINE},
    {"fine", "https://example.com?x", FINE},
    {"fine", "https://8.8.8.8/", FINE},
    {"fine", "https://[2606:4700::1]:8443/", FINE},
    {"fine", "https://example.com./", FINE},
    {"WH01", "http://127.0.0.1/", FORBIDDEN},
    {"WH01", "http://127.1/", FORBIDDEN},
    {"WH01", "http://2130706433/", FORBIDDEN},
    {"WH01", "http://0x7f000001/", FORBIDDEN},
    {"WH01", "http://017700000001/", FORBIDDEN},
    {"WH01", "http://0X7F.1/", FORBIDDEN},
    {"WH01", "http://0177.0.0.01:8080/", FORBIDDEN},
    {"WH01", "http://127.0.0.1./", FORBIDDEN},
    {"WH01", "http://127.0.0.0x1/", FORBIDDEN},
    {"WH01", "http://256.0.0.1/", MALFORMED},
    {"WH01", "http://4294967296/", MALFORMED},
    {"WH01", "http://1.2.3.4.5/", MALFORMED},
    {"WH01", "http://09.1.1.1/", MALFORMED},
    {"WH01", "http://a.0x1/", MALFORMED},
    {"WH02", "http://0.0.0.0/", FORBIDDEN},
    {"WH02", "http://0/", FORBIDDEN},
    {"WH02", "http://[::]/", FORBIDDEN},
    {"WH03", "http://localhost/", FORBIDDEN},
    {"WH03", "http://LOCALHOST./", FORBIDDEN},
    {"WH03", "http://x.localhost/", FORBIDDEN},
    {"WH03", "http://printer.local/", FORBIDDEN},
    {"WH03", "http://metadata.google.internal/", FORBIDDEN},
    {"WH03", "http://redis:6379/", FORBIDDEN},
    {"WH03", "https://Gateway.test/api", FORBIDDEN},
    {"WH03", "https://notgateway.test/", FINE},
    {"WH04", "http://10.0.0.1/", FORBIDDEN},
    {"WH04", "http://172.16.5.5/", FORBIDDEN},
    {"WH04", "http://192.168.1.1/", FORBIDDEN},
    {"WH05", "http://100.64.0.1/", FORBIDDEN},
    {"WH06", "http://169.254.169.254/latest", FORBIDDEN},
    {"WH06", "http://169.254.170.2/", FORBIDDEN},
    {"WH06", "http://168.63.129.16/", FORBIDDEN},
    {"WH06", "http://100.100.100.200/", FORBIDDEN},
    {"WH06", "http://[fd00:ec2::254]/", FORBIDDEN},
    {"WH07", "http://192.0.0.1/", FORBIDDEN},
    {"WH07", "http://192.0.2.1/", FORBIDDEN},
    {"WH07", "http://198.19.0.1/", FORBIDDEN},
    {"WH07", "http://224.0.0.1/", FORBIDDEN},
    {"WH07", "http://240.0.0.1/", FORBIDDEN},
    {"WH07", "http://255.255.255.255/", FORBIDDEN},
    {"WH08", "http://[::1]/", FORBIDDEN},
    {"WH08", "http://[fe80::1]/", FORBIDDEN},
    {"WH08", "http://[fe80::1%25eth0]/", MALFORMED},
    {"WH08", "http://[fe80::1%eth0]/", MALFORMED},
    {"WH08", "http://[fc00::1]/", FORBIDDEN},
    {"WH08", "http://[ff02::1]/", FORBIDDEN},
    {"WH08", "http://[2001:db8::1]/", FORBIDDEN},
    {"WH09", "http://[::ffff:127.0.0.1]/", FORBIDDEN},
    {"WH09", "http://[::ffff:7f00:1]/", FORBIDDEN},
    {"WH10", "http://[::127.0.0.1]/", FORBIDDEN},
    {"WH10", "http://[::7f00:1]/", FORBIDDEN},
    {"WH11", "http://[64:ff9b::8.8.8.8]/", FORBIDDEN},
    {"WH11", "http://[64:ff9b:1::1]/", FORBIDDEN},
    {"WH10", "http://[::ffff:0:127.0.0.1]/", FORBIDDEN},
    {"WH10", "http://[::ffff:0:8.8.8.8]/", FORBIDDEN},
    {"WH08", "http://[5f00::1]/", FORBIDDEN},
    {"WH12", "http://[2002:808:808::1]/", FORBIDDEN},
    {"WH12", "http://[2001:0:1::1]/", FORBIDDEN},
    {"WH17", "http://a@127.0.0.1/", MALFORMED},
    {"WH17", "http://example.com@example.org/", MALFORMED},
    {"WH17", "http://127.0.0.1#@example.com/", MALFORMED},
    {"WH17", "http://example.com\\@127.0.0.1/", MALFORMED},
    {"WH17", "http://a\\b/", MALFORMED},
    {"WH17", "http://exam\tple.com/", MALFORMED},
    {"WH17", "http://example.com/\n", MALFORMED},
    {"WH17", "http://example.com/a b", MALFORMED},
    {"WH17", "http://example.com%00.example.org/", MALFORMED},
    {"WH17", "http://example.com/%00", MALFORMED},
    {"WH17", "http://example.com/%zz", MALFORMED},
    {"WH17", "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", MALFORMED}, /* full-width digits */
    {"WH17", "http://[::1]x/", MALFORMED},
    {"WH17", "http://[::1/", MALFORMED},
    {"WH17", "http://[127.0.0.1]/", MALFORMED},
    {"WH18", "file:///etc/passwd", MALFORMED},
    {"WH18", "gopher://example.com/", MALFORMED},
    {"WH18", "ftp://example.com/", MALFORMED},
    {"WH18", "unix:/run/x.sock", MALFORMED},
    {"WH18", "javascript:alert(1)", MALFORMED},
    {"WH18", "//example.com/", MALFORMED},
    {"WH18", "http:/example.com/", MALFORMED},
    {"WH18", "http:///", MALFORMED},
    {"WH18", "http://", MALFORMED},
    {"WH18", "", MALFORMED},
    {"WH19", "http://example.com:22/", FORBIDDEN},
    {"WH19", "http://example.com:25/", FORBIDDEN},
    {"WH19", "http://example.com:5432/", FORBIDDEN},
    {"WH19", "http://example.com:6379/", FORBIDDEN},
    {"WH19", "http://example.com:1023/", FORBIDDEN},
    {"WH19", "http://example.com:1024/", FINE},
    {"WH23", "https://api.us.test/api/v1/email", FORBIDDEN},
    {"WH23", "https://API.us.test.:443/o/x", FORBIDDEN},
    {"fine", "https://api.us.test:8443/", FINE},
    {"WH23", "http://203.0.113.9:8080/", FORBIDDEN},
    {"WH23", "http://0xcb.0.113.9:8080/", FORBIDDEN},
    {"WH03", "http://smtp.gateway.test/", FORBIDDEN},
    {"WH19", "http://example.com:0/", MALFORMED},
    {"WH19", "http://example.com:65536/", MALFORMED},
    {"WH19", "http://example.com:/", MALFORMED},
    {"WH19", "http://example.com:8080:80/", MALFORMED},
};

static const struct webhook_rules rules = {.own_hosts = {STR_INIT("gateway.test"), STR_INIT("smtp.gateway.test")},
                                           .own_urls = {STR_INIT("https://api.us.test"), STR_INIT("http://203.0.113.9:8080/x")}};

static void what_may_be_called(void **state) {
    (void)state;
    struct webhook_rules lax = rules;
    lax.allow_private = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ARENA_AUTO arena = {0};
        enum webhook_url_verdict got = webhook_url_judge(str_from_z(cases[i].url), &rules, &arena);
        if (got != cases[i].verdict) fail_msg("%s %s: %d", cases[i].id, cases[i].url, got);
        if (cases[i].verdict == MALFORMED) continue;
        got = webhook_url_judge(str_from_z(cases[i].url), &lax, &arena);
        if (got != (str_starts(str_from_z(cases[i].id), STR("WH23")) ? FORBIDDEN : FINE))
            fail_msg("%s %s, allowed: %d", cases[i].id, cases[i].url, got);
    }
}

static void a_long_url_is_refused(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO url = {0};
    buf_add_z(&url, "https://example.com/");
    while (url.n < WEBHOOK_URL_MAX) buf_add_char(&url, 'a');
    assert_int_equal(webhook_url_judge(buf_str(&url), &rules, &arena), FINE);
    buf_add_char(&url, 'a');
    assert_int_equal(webhook_url_judge(buf_str(&url), &rules, &arena), MALFORMED);
}

/* The parts that the caller connects to and asks for are those that were judged. */
static void the_parts_of_a_url(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct web_url url;
    assert_true(web_url_parse(STR("https://Example.com.:8443/A?b"), &arena, &url));
    assert_true(url.is_https && url.ip.family == 0 && url.port == 8443);
    assert_true(str_eq(url.host, STR("example.com")));
    assert_true(str_eq(url.target, STR("/A?b")));
    assert_true(web_url_parse(STR("http://0x08080404?q"), &arena, &url));
    assert_true(!url.is_https && url.port == 80 && url.ip.family == 4);
    assert_memory_equal(url.ip.bytes, ((const uint8_t[]){8, 8, 4, 4}), 4);
    assert_true(str_eq(url.target, STR("/?q")));
    assert_true(web_url_parse(STR("https://[2606:4700::1]"), &arena, &url));
    assert_true(url.port == 443 && url.ip.family == 6 && str_eq(url.target, STR("/")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_called),
        cmocka_unit_test(a_long_url_is_refused),
        cmocka_unit_test(the_parts_of_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
