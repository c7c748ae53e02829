/* test_export_gate.c - how many exports there are at once (P6, P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/export_gate.h"

static void test_P6_an_account_has_its_places_and_no_more(void **state) {
    (void)state;
    struct export_gate *gate = export_gate_new();
    for (int i = 0; i < EXPORTS_OF_ACCOUNT_MAX; i++) assert_int_equal(export_gate_take(gate, 7), STATUS_OK);
    assert_int_equal(export_gate_take(gate, 7), STATUS_EXISTS);
    assert_int_equal(export_gate_take(gate, 8), STATUS_OK);
    export_gate_give(gate, 7);
    assert_int_equal(export_gate_take(gate, 7), STATUS_OK);
    assert_int_equal(export_gate_take(gate, 7), STATUS_EXISTS);
    export_gate_free(&gate);
    assert_null(gate);
    export_gate_free(&gate);
}

static void test_P8_all_places_are_taken(void **state) {
    (void)state;
    struct export_gate *gate = export_gate_new();
    for (int64_t i = 0; i < EXPORTS_MAX; i++) assert_int_equal(export_gate_take(gate, i), STATUS_OK);
    assert_int_equal(export_gate_take(gate, 100), STATUS_LIMIT);
    for (int64_t i = 0; i < EXPORTS_MAX; i += 2) export_gate_give(gate, i);
    for (int64_t i = 0; i < EXPORTS_MAX / 2; i++) assert_int_equal(export_gate_take(gate, 100 + i), STATUS_OK);
    assert_int_equal(export_gate_take(gate, 1), STATUS_LIMIT);
    export_gate_free(&gate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P6_an_account_has_its_places_and_no_more),
        cmocka_unit_test(test_P8_all_places_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
