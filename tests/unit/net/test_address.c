/* test_address.c - addresses as text and their classes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

static void test_parse_and_format(void **state) {
    (void)state;
    static const struct {
        const char *text, *formatted; /* NULL: invalid */
    } cases[] = {
        {"127.0.0.1:25", "127.0.0.1:25"},
        {"[::1]:25", "[::1]:25"},
        {"[2001:DB8:0:0::1]:0", "[2001:db8::1]:0"},
        {"0.0.0.0:65535", "0.0.0.0:65535"},
        {"unix:/run/x.sock", "unix:/run/x.sock"},
        {"unix:", NULL},
        {"127.0.0.1", NULL},
        {"127.0.0.1:", NULL},
        {"127.0.0.1:65536", NULL},
        {"127.0.0.1:-1", NULL},
        {"127.0.0.1: 25", NULL},
        {"::1:25", NULL},
        {"[::1]", NULL},
        {"[]:25", NULL},
        {"[127.0.0.1]:25", NULL},
        {"localhost:25", NULL},
        {"127.1:25", NULL},
        {"010.0.0.1:25", NULL},
        {":25", NULL},
        {"", NULL},
        {"unix:/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net_address a;
        enum status status = net_address_parse(str_from_z(cases[i].text), &a);
        assert_int_equal(status, cases[i].formatted ? STATUS_OK : STATUS_INVALID);
        if (status != STATUS_OK) continue;
        BUF_AUTO out = {0};
        net_address_format(&out, &a);
        assert_string_equal(out.p, cases[i].formatted);
    }
}

static void test_classes(void **state) {
    (void)state;
    static const struct {
        const char *ip;
        char class; /* 'l'oopback, 'p'rivate, 'o'pen */
    } cases[] = {
        {"127.0.0.1", 'l'},
        {"127.255.0.9", 'l'},
        {"[::1]", 'l'},
        {"[::ffff:127.0.0.1]", 'l'},
        {"0.0.0.0", 'p'},
        {"10.1.2.3", 'p'},
        {"172.16.0.1", 'p'},
        {"172.31.255.255", 'p'},
        {"172.32.0.0", 'o'},
        {"172.15.255.255", 'o'},
        {"192.168.9.9", 'p'},
        {"192.169.0.1", 'o'},
        {"100.64.0.1", 'p'},
        {"100.128.0.1", 'o'},
        {"169.254.169.254", 'p'},
        {"168.63.129.16", 'p'},
        {"168.63.129.17", 'o'},
        {"192.0.2.7", 'p'},
        {"198.51.100.7", 'p'},
        {"203.0.113.7", 'p'},
        {"198.19.1.1", 'p'},
        {"198.20.1.1", 'o'},
        {"224.0.0.1", 'p'},
        {"255.255.255.255", 'p'},
        {"8.8.8.8", 'o'},
        {"223.255.255.255", 'o'},
        {"[::]", 'p'},
        {"[fe80::1]", 'p'},
        {"[fc00::1]", 'p'},
        {"[fdff::1]", 'p'},
        {"[fe00::1]", 'p'},
        {"[5f00::1]", 'p'},
        {"[ff02::1]", 'p'},
        {"[2001:db8::1]", 'p'},
        {"[2001:db9::1]", 'o'},
        {"[::ffff:10.0.0.1]", 'p'},
        {"[::ffff:8.8.8.8]", 'o'},
        {"[64:ff9b::a00:1]", 'p'},
        {"[64:ff9b::808:808]", 'o'},
        {"[2002:a00:1::]", 'p'},
        {"[2002:808:808::]", 'o'},
        {"[2606:4700::1]", 'o'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO text = {0};
        buf_addf(&text, "%s:25", cases[i].ip);
        struct net_address a;
        assert_int_equal(net_address_parse(buf_str(&text), &a), STATUS_OK);
        if (net_address_is_private(&a) != (cases[i].class != 'o') || net_address_is_loopback(&a) != (cases[i].class == 'l'))
            fail_msg("%s", cases[i].ip);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse_and_format), cmocka_unit_test(test_classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
