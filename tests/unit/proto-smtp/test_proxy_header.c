/* test_proxy_header.c - PROXY v1 and v2 at every cut (PB25).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SIGNATURE    "\r\n\r\n\0\r\nQUIT\n"
#define V4           "\xC0\x00\x02\x07\xC6\x33\x64\x01\xDC\x04\x00\x19" /* 192.0.2.7:56324 to 198.51.100.1:25 */
#define V6_SOURCE    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define V6_MAPPED    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x07"

static enum parse parse_in_pieces(struct str in, struct proxy_header *h, size_t *used) {
    enum parse got = PARSE_MORE;
    for (size_t n = 0; n <= in.n && got == PARSE_MORE; n++) got = proxy_header_parse(str_sub(in, 0, n), h, used);
    return got;
}

static void headers_that_are_right(void **state) {
    (void)state;
    static const struct {
        struct str in;
        const char *source; /* "" keeps the peer */
        uint16_t port;
    } cases[] = {
        {S("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n"), "192.0.2.7", 56324},
        {S("PROXY TCP6 2001:db8::7 2001:db8::1 65535 587\r\n"), "2001:db8::7", 65535},
        {S("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), "192.0.2.7", 1},
        {S("PROXY UNKNOWN\r\n"), "", 0},
        {S("PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n"), "", 0},
        {S(SIGNATURE "\x21\x11\x00\x0C" V4), "192.0.2.7", 56324},
        {S(SIGNATURE "\x21\x11\x00\x10" V4 "\x04\x00\x01x"), "192.0.2.7", 56324}, /* a TLV */
        {S(SIGNATURE "\x21\x21\x00\x24" V6_SOURCE V6_SOURCE "\xDC\x04\x00\x19"), "2001:db8::7", 56324},
        {S(SIGNATURE "\x21\x21\x00\x24" V6_MAPPED V6_SOURCE "\xDC\x04\x00\x19"), "192.0.2.7", 56324},
        {S(SIGNATURE "\x20\x00\x00\x00"), "", 0}, /* LOCAL: the proxy's own health check */
        {S(SIGNATURE "\x20\x11\x00\x0C" V4), "", 0},
        {S(SIGNATURE "\x21\x00\x00\x00"), "", 0}, /* UNSPEC */
        {S(SIGNATURE "\x21\x00\x00\x02zz"), "", 0},
        {S(SIGNATURE "\x21\x31\x00\x00"), "", 0}, /* a Unix socket */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO in = {0};
        BUF_AUTO text = {0};
        struct proxy_header h = {0}, whole = {0};
        size_t used = 0, whole_used = 0;
        buf_add_str(&in, cases[i].in);
        buf_add_z(&in, "EHLO x\r\n");
        assert_int_equal(parse_in_pieces(buf_str(&in), &h, &used), PARSE_DONE);
        assert_int_equal(proxy_header_parse(buf_str(&in), &whole, &whole_used), PARSE_DONE);
        assert_true(used == cases[i].in.n && whole_used == used);
        ip_format(&text, &h.source);
        assert_true(str_eq(buf_str(&text), str_from_z(cases[i].source)));
        assert_true(h.source_port == cases[i].port && memcmp(&h, &whole, sizeof h) == 0);
    }
}

static void headers_that_are_wrong(void **state) { /* PB25 */
    (void)state;
    static const struct str cases[] = {
        S("EHLO mx.example\r\n"),
        S("proxy TCP4 192.0.2.7 198.51.100.1 56324 25\r\n"),
        S("PROXY\r\n"),
        S("PROXY \r\n"),
        S("PROXYTCP4 192.0.2.7 198.51.100.1 1 2\r\n"),
        S("PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n"),
        S("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"),
        S("PROXY UNKNOWNX\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n"),
        S("PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n"),
        S("PROXY TCP4 192.0.2.7 2001:db8::1 1 2\r\n"),
        S("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
        S("PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n"),
        S("PROXY TCP4 192.0.2.300 198.51.100.1 1 2\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1 x\r\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\rX\n"),
        S("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\nEHLO x\r\n"),
        S("\r\n\r\n\0\r\nQUIX\n\x21\x11\x00\x0C" V4),
        S(SIGNATURE "\x11\x11\x00\x0C" V4), /* version 1 in the block */
        S(SIGNATURE "\x22\x11\x00\x0C" V4), /* no such command */
        S(SIGNATURE "\x21\x12\x00\x0C" V4), /* UDP */
        S(SIGNATURE "\x21\x41\x00\x0C" V4), /* no such family */
        S(SIGNATURE "\x21\x11\x00\x0B" V4), /* too short for its family */
        S(SIGNATURE "\x21\x21\x00\x0C" V4),
        S(SIGNATURE "\x21\x11\xFF\xFF" V4), /* more than we would wait for */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct proxy_header h = {.source_port = 7};
        size_t used = 99;
        assert_int_equal(parse_in_pieces(cases[i], &h, &used), PARSE_BAD);
        assert_int_equal(proxy_header_parse(cases[i], &h, &used), PARSE_BAD);
        assert_true(used == 99 && h.source_port == 7);
    }
}

static void no_header_is_waited_for_beyond_its_limit(void **state) {
    (void)state;
    BUF_AUTO text = {0};
    BUF_AUTO block = {0};
    struct proxy_header h;
    size_t used;
    buf_add_z(&text, "PROXY UNKNOWN ");
    while (text.n < 107) buf_add_char(&text, 'x');
    assert_int_equal(parse_in_pieces(buf_str(&text), &h, &used), PARSE_BAD);
    memcpy(text.p + 105, "\r\n", 2);
    assert_int_equal(parse_in_pieces(buf_str(&text), &h, &used), PARSE_DONE);
    buf_add_str(&block, STR(SIGNATURE "\x21\x11\x02\x08" V4)); /* 16 + 520 */
    while (block.n < PROXY_HEADER_MAX) buf_add_char(&block, 'x');
    assert_int_equal(parse_in_pieces(buf_str(&block), &h, &used), PARSE_DONE);
    assert_int_equal(used, PROXY_HEADER_MAX);
    block.p[15] = '\x09';
    assert_int_equal(parse_in_pieces(buf_str(&block), &h, &used), PARSE_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_are_right),
        cmocka_unit_test(headers_that_are_wrong),
        cmocka_unit_test(no_header_is_waited_for_beyond_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
