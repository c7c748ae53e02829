/* Packing of what is kept: nothing is lost, what is cut short gives its beginning, what is damaged nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "proto/gzip/pack.h"

#include <string.h>

/* Text of so many bytes, no two lines alike. */
static void add_text(struct buf *out, size_t n) {
    for (size_t i = 0; out->n < n; i++)
        buf_addf(out, "<td class=\"b\" style=\"color:#333333\">line %zu of %zu</td>\r\n", i, i * i);
    buf_cut(out, n);
}

static void add_noise(struct buf *out, size_t n) {
    uint64_t x = 88172645463325252ULL;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_add_char(out, (char)x);
    }
}

static void assert_same(struct str packed, struct str whole, size_t max) {
    BUF_AUTO out = {0};
    buf_add_z(&out, "before");
    assert_true(unpack(&out, packed, max));
    struct str want = str_sub(whole, 0, max);
    assert_int_equal(out.n, 6 + want.n);
    assert_memory_equal(out.p + 6, want.p, want.n);
}

static void test_nothing_is_lost(void **state) {
    (void)state;
    static const size_t sizes[] = {600, 4096, 10000, 32768, 32769, 300000, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        BUF_AUTO whole = {0};
        BUF_AUTO packed = {0};
        add_text(&whole, sizes[i]);
        assert_true(pack(&packed, buf_str(&whole)));
        assert_true(packed.n < whole.n - whole.n / 8);
        assert_same(buf_str(&packed), buf_str(&whole), SIZE_MAX);
        assert_same(buf_str(&packed), buf_str(&whole), whole.n);
        assert_same(buf_str(&packed), buf_str(&whole), 500);
        assert_same(buf_str(&packed), buf_str(&whole), 1);
        assert_same(buf_str(&packed), buf_str(&whole), 0);
    }
}

/* Base64 has a quarter to give, and random bytes nothing. */
static void test_what_does_not_pack_stays(void **state) {
    (void)state;
    BUF_AUTO noise = {0};
    BUF_AUTO coded = {0};
    BUF_AUTO packed = {0};
    add_noise(&noise, 100000);
    buf_add_z(&packed, "before");
    assert_false(pack(&packed, buf_str(&noise)));
    assert_false(pack(&packed, (struct str){0}));
    assert_false(pack(&packed, STR("x")));
    assert_int_equal(packed.n, 6);
    base64_encode(&coded, buf_str(&noise));
    assert_true(pack(&packed, buf_str(&coded)));
    assert_true(packed.n < coded.n * 4 / 5);
    assert_same(str_sub(buf_str(&packed), 6, SIZE_MAX), buf_str(&coded), SIZE_MAX);
}

static void test_a_beginning_gives_the_beginning(void **state) {
    (void)state;
    BUF_AUTO whole = {0};
    BUF_AUTO packed = {0};
    add_text(&whole, 200000);
    assert_true(pack(&packed, buf_str(&whole)));
    assert_same(str_sub(buf_str(&packed), 0, 2 * 4000 + 1024), buf_str(&whole), 4000);
    BUF_AUTO out = {0};
    assert_false(unpack(&out, str_sub(buf_str(&packed), 0, packed.n / 2), SIZE_MAX));
    assert_int_equal(out.n, 0);
}

static void test_damage_is_found(void **state) {
    (void)state;
    BUF_AUTO whole = {0};
    BUF_AUTO packed = {0};
    BUF_AUTO out = {0};
    add_text(&whole, 1000);
    assert_true(pack(&packed, buf_str(&whole)));
    for (size_t i = 0; i < packed.n; i++) {
        packed.p[i] = (char)(packed.p[i] ^ 0x10);
        if (unpack(&out, buf_str(&packed), SIZE_MAX)) { /* a bit of the head may mean nothing */
            assert_int_equal(out.n, whole.n);
            assert_memory_equal(out.p, whole.p, whole.n);
        }
        buf_reset(&out);
        packed.p[i] = (char)(packed.p[i] ^ 0x10);
        assert_false(unpack(&out, str_sub(buf_str(&packed), 0, i), SIZE_MAX));
        assert_int_equal(out.n, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_what_does_not_pack_stays),
        cmocka_unit_test(test_a_beginning_gives_the_beginning),
        cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
