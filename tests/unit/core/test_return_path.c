/* test_return_path.c - the signed return path comes home, and nothing else does (P9).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/return_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const struct seal_key key = {{1, 2, 3}}, other_key = {{1, 2, 4}};

static void an_id_comes_home(void **state) {
    (void)state;
    static const int64_t ids[] = {0, 1, 77, 1234567890123, INT64_MAX};
    for (size_t i = 0; i < 2 * sizeof ids / sizeof *ids; i++) {
        BUF_AUTO local = {0};
        struct return_path path = {0};
        enum return_path_use use = i % 2 ? RETURN_PATH_UNSUBSCRIBE : RETURN_PATH_BOUNCE;
        return_path_make(&key, use, ids[i / 2], &local);
        assert_int_equal(local.n, RETURN_PATH_LOCAL_LEN); /* BN19 */
        assert_true(return_path_parse(&key, buf_str(&local), &path));
        assert_true(path.recipient_id == ids[i / 2] && path.use == use);
        for (size_t k = 0; k < local.n; k++) /* BN18 */
            if (local.p[k] >= 'a' && local.p[k] <= 'z') local.p[k] = (char)(local.p[k] - 'a' + 'A');
        assert_true(return_path_parse(&key, buf_str(&local), &path));
        assert_true(path.recipient_id == ids[i / 2] && path.use == use);
        assert_false(return_path_parse(&other_key, buf_str(&local), &path));
    }
}

static void every_change_is_noticed(void **state) {
    (void)state;
    BUF_AUTO local = {0};
    struct return_path path = {.recipient_id = 5};
    return_path_make(&key, RETURN_PATH_BOUNCE, 42, &local);
    for (size_t i = 0; i < local.n; i++) { /* a use among them: b+ of this token is no u+ */
        char right = local.p[i];
        for (int c = 0; c < 256; c++) {
            local.p[i] = (char)c;
            if (ascii_lower((char)c) != right) assert_false(return_path_parse(&key, buf_str(&local), &path));
        }
        local.p[i] = right;
        assert_false(return_path_parse(&key, str_sub(buf_str(&local), 0, i), &path));
    }
    buf_add_char(&local, 'a');
    assert_false(return_path_parse(&key, buf_str(&local), &path));
    assert_true(path.recipient_id == 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_id_comes_home), cmocka_unit_test(every_change_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
