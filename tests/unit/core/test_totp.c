/* test_totp.c - one-time codes: the vectors of RFC 6238 appendix B, the window, and that none is taken twice (UI18).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRET STR("12345678901234567890")

static void codes_have_their_vectors(void **state) {
    (void)state;
    static const struct {
        int64_t seconds;
        const char *code; /* the last six of the RFC's eight digits */
    } vectors[] = {
        {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
        {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int64_t step = -1, at = vectors[i].seconds / 30;
        struct str code = str_from_z(vectors[i].code);
        assert_true(totp_check(SECRET, code, vectors[i].seconds * 1000, 0, &step));
        assert_int_equal(step, at);
        assert_true(totp_check(SECRET, code, (at + 1) * 30000, 0, &step));
        assert_true(totp_check(SECRET, code, (at - 1) * 30000, 0, &step));
        assert_int_equal(step, at);
        assert_false(totp_check(SECRET, code, (at + 2) * 30000, 0, &step));
        assert_false(totp_check(SECRET, code, (at - 2) * 30000, 0, &step));
        assert_false(totp_check(SECRET, code, vectors[i].seconds * 1000, at, &step)); /* used */
        assert_true(totp_check(SECRET, code, vectors[i].seconds * 1000, at - 1, &step));
    }
}

static void what_is_no_code_is_refused(void **state) {
    (void)state;
    int64_t step;
    assert_true(totp_check(SECRET, STR("287 082"), 59000, 0, &step));
    static const char *const codes[] = {"", "28708", "2870820", "0287082", "28708x", "-87082", "+28708", "287.82", "      "};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_false(totp_check(SECRET, str_from_z(codes[i]), 59000, 0, &step));
    assert_false(totp_check(STR("12345678901234567891"), STR("287082"), 59000, 0, &step));
}

static void secrets_are_shown_as_apps_read_them(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    totp_format(SECRET, &out);
    assert_string_equal(out.p, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    buf_reset(&out);
    totp_format_uri(SECRET, STR("a&b@x.test"), STR("mail.test"), &out);
    assert_string_equal(out.p,
                        "otpauth://totp/mail.test:a%26b%40x.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mail.test");
}

static void a_sealed_secret_opens_for_its_account_alone(void **state) {
    (void)state;
    const struct seal_key key = {{1}};
    BUF_AUTO sealed = {0};
    BUF_AUTO opened = {0};
    totp_seal(&key, 7, SECRET, rand_system(), &sealed);
    assert_int_equal(totp_open(&key, 8, buf_str(&sealed), &opened), STATUS_CORRUPT);
    assert_int_equal(totp_open(&key, 7, buf_str(&sealed), &opened), STATUS_OK);
    assert_true(str_eq(buf_str(&opened), SECRET));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_vectors),
        cmocka_unit_test(what_is_no_code_is_refused),
        cmocka_unit_test(secrets_are_shown_as_apps_read_them),
        cmocka_unit_test(a_sealed_secret_opens_for_its_account_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
