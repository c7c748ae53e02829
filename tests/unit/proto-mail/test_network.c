/* Networks as text: lists that an operator or a key's owner writes, and what is in them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/address/network.h"

static struct ip ip_of(const char *text) {
    struct ip ip;
    if (!ip_parse(str_from_z(text), &ip)) fail_msg("no address: %s", text);
    return ip;
}

static bool has(const struct network_list *list, const char *text) {
    struct ip ip = ip_of(text);
    return network_list_has(list, &ip);
}

static void test_addresses_are_one_however_spelled(void **state) {
    (void)state;
    static const char *const bad[] = {"",      "1.2.3",        "1.2.3.4.5",  "1.2.3.256", "01.2.3.4x",       "::g",
                                      "[::1]", "fe80::1%eth0", "1.2.3.4:80", "localhost", "::ffff:1.2.3.4.5"};
    BUF_AUTO text = {0};
    struct ip ip;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ip_parse(str_from_z(bad[i]), &ip)) fail_msg("took %s", bad[i]);
    ip = ip_of("::ffff:192.0.2.7");
    assert_int_equal(ip.family, 4);
    ip_format(&text, &ip);
    assert_string_equal(text.p, "192.0.2.7");
    buf_reset(&text);
    ip = ip_of("2001:DB8:0:0:0:0:0:1");
    ip_format(&text, &ip);
    assert_string_equal(text.p, "2001:db8::1");
}

static void test_a_list_holds_its_networks(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct network_list list;
    assert_true(network_list_parse(&arena, STR(""), &list));
    assert_int_equal(list.count, 0);
    assert_false(has(&list, "127.0.0.1"));
    assert_false(has(NULL, "127.0.0.1"));
    assert_true(network_list_parse(&arena, STR(" 10.1.2.0/23,,::1\n2001:db8::/33 ::ffff:172.16.0.0/108 "), &list));
    assert_int_equal(list.count, 4);
    assert_true(has(&list, "10.1.3.255"));
    assert_true(has(&list, "::ffff:10.1.3.255"));
    assert_false(has(&list, "10.1.4.0"));
    assert_true(has(&list, "::1"));
    assert_false(has(&list, "::2"));
    assert_true(has(&list, "2001:db8:7fff::1"));
    assert_false(has(&list, "2001:db8:8000::1"));
    assert_true(has(&list, "172.31.255.255"));
    assert_false(has(&list, "172.32.0.0"));
    assert_true(network_list_parse(&arena, STR("0.0.0.0/0"), &list));
    assert_true(has(&list, "255.255.255.255"));
    assert_false(has(&list, "::2")); /* IPv4 alone */
}

static void test_what_is_no_list(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct network_list list;
    static const char *const bad[] = {"10.0.0.0/33", "::/129",      "10.0.0", "proxy.example",     "10.0.0.0/",
                                      "10.0.0.0/-1", "1.2.3.4/8/8", "a,b",    "::ffff:10.0.0.0/8", "10.0.0.1;10.0.0.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (network_list_parse(&arena, str_from_z(bad[i]), &list)) fail_msg("took %s", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_one_however_spelled),
        cmocka_unit_test(test_a_list_holds_its_networks),
        cmocka_unit_test(test_what_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
