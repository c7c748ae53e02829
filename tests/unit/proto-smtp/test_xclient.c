/* test_xclient.c - the attributes of XCLIENT (PB25).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void attributes_that_are_right(void **state) {
    (void)state;
    static const struct {
        struct str in;
        const char *address; /* NULL: not said */
        bool has_name;
        struct str name;
    } cases[] = {
        {STR_INIT("NAME=spike.example ADDR=192.0.2.7"), "192.0.2.7", false, STR_INIT("")}, /* XCLIENT_README's own */
        {STR_INIT("addr=IPV6:2001:db8::7 helo=mx.example"), "2001:db8::7", true, STR_INIT("mx.example")},
        {STR_INIT("ADDR=IPv6:::ffff:192.0.2.7"), "192.0.2.7", false, STR_INIT("")},
        {STR_INIT("HELO=[IPv6:2001:db8::1]"), NULL, true, STR_INIT("[IPv6:2001:db8::1]")},
        {STR_INIT("ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE] NAME=[TEMPUNAVAIL]"), "", true, STR_INIT("")},
        {STR_INIT("LOGIN=admin PROTO=ESMTP PORT=1025  DESTADDR=192.0.2.1 DESTPORT=25 NAME=a+3Db"), NULL, false, STR_INIT("")},
        {STR_INIT("HELO=a+2Db"), NULL, true, STR_INIT("a-b")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        BUF_AUTO text = {0};
        struct smtp_xclient x;
        struct smtp_reply reply;
        assert_true(smtp_xclient_parse(cases[i].in, &arena, &x, &reply));
        ip_format(&text, &x.address);
        assert_int_equal(x.has_address, cases[i].address != NULL);
        assert_true(str_eq(buf_str(&text), str_from_z(cases[i].address)));
        assert_int_equal(x.has_name, cases[i].has_name);
        assert_true(str_eq(x.name, cases[i].name));
    }
}

static void attributes_that_are_wrong(void **state) {
    (void)state;
    static const struct str cases[] = {
        STR_INIT("FOO=bar"),
        STR_INIT("ADDR"),
        STR_INIT("ADDR="),
        STR_INIT("=192.0.2.7"),
        STR_INIT("ADDR=192.0.2.7 ADDR=192.0.2.8"),
        STR_INIT("ADDR=2001:db8::7"),
        STR_INIT("ADDR=IPV6:192.0.2.7"),
        STR_INIT("ADDR=192.0.2.7:25"),
        STR_INIT("ADDR=192.0.2.300"),
        STR_INIT("HELO=a..b"),
        STR_INIT("HELO=a+0D+0AReceived:"),
        STR_INIT("HELO=a+20b"),
        STR_INIT("NAME=a+00"),
        STR_INIT("NAME=+4"),
        STR_INIT("HELO=a=b"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct smtp_xclient x = {.has_name = true};
        struct smtp_reply reply = {0};
        assert_false(smtp_xclient_parse(cases[i], &arena, &x, &reply));
        assert_true(reply.code == 501 && x.has_name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_that_are_right),
        cmocka_unit_test(attributes_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
