/* New mail is refused before the disk is full, however fast it comes, and taken again when there is room.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/disk_gate.h"

#include <pthread.h>

#define MB   (INT64_C(1) << 20)
#define MARK (512 * MB)

static bool look(struct disk_gate *gate, int64_t disk_mb, int64_t inner_mb) {
    return disk_gate_look(gate, &(struct disk_room){disk_mb * MB, inner_mb * MB});
}

static void test_P8_it_shuts_at_the_mark_and_opens_above_it(void **state) {
    (void)state;
    struct disk_gate gate;
    disk_gate_init(&gate, MARK);
    assert_true(disk_gate_is_shut(&gate));
    assert_false(disk_gate_take(&gate, 1));
    assert_true(look(&gate, 10000, 0));
    assert_true(disk_gate_take(&gate, 1));
    assert_false(look(&gate, 513, 0)); /* above the mark: as it was */
    assert_false(disk_gate_is_shut(&gate));
    assert_true(look(&gate, 512, 0));
    assert_false(disk_gate_take(&gate, 0));
    assert_false(look(&gate, 600, 0)); /* not a quarter more: as it was */
    assert_false(look(&gate, 640, 0));
    assert_true(look(&gate, 641, 0));
    assert_true(disk_gate_take(&gate, 10 * MB));
}

static void test_P8_what_comes_between_two_looks_is_counted(void **state) {
    (void)state;
    struct disk_gate gate;
    disk_gate_init(&gate, MARK);
    assert_true(look(&gate, 712, 0)); /* 200 above the mark */
    int taken = 0;
    while (disk_gate_take(&gate, 10 * MB)) taken++;
    assert_int_equal(taken, 200 / 10 / DISK_GATE_WRITE_RATIO);
    assert_false(disk_gate_take(&gate, 10 * MB));
    assert_true(disk_gate_take(&gate, MB)); /* a small one has room still */
    assert_false(disk_gate_take(&gate, INT64_MAX));
    assert_false(disk_gate_take(&gate, INT64_MAX / DISK_GATE_WRITE_RATIO));
    assert_false(look(&gate, 712, 0)); /* it was not that much after all */
    assert_true(disk_gate_take(&gate, 10 * MB));
}

static void test_room_inside_of_the_file_is_room(void **state) {
    (void)state;
    struct disk_gate gate;
    disk_gate_init(&gate, MARK);
    assert_false(look(&gate, 100, 100000)); /* but none for the WAL */
    assert_true(look(&gate, 200, 100000));
    assert_true(disk_gate_take(&gate, 10000 * MB));
    assert_true(look(&gate, 191, 100000));
}

static void test_a_disk_that_nobody_knows_is_open(void **state) {
    (void)state;
    struct disk_gate gate;
    disk_gate_init(&gate, 0); /* too low: the WAL's room is the least */
    assert_int_equal(gate.mark_bytes, DISK_GATE_WAL_BYTES);
    assert_true(disk_gate_look(&gate, &(struct disk_room){INT64_MAX, 0}));
    assert_true(disk_gate_take(&gate, 1000000 * MB));
    assert_false(disk_gate_look(&gate, &(struct disk_room){INT64_MAX, INT64_MAX}));
    assert_false(disk_gate_is_shut(&gate));
}

static void *take_many(void *arg) {
    int64_t taken = 0;
    while (disk_gate_take(arg, 1000)) taken++;
    return (void *)(intptr_t)taken;
}

static void test_P8_threads_take_no_more_than_there_is(void **state) {
    (void)state;
    struct disk_gate gate;
    pthread_t threads[4];
    int64_t taken = 0;
    disk_gate_init(&gate, MARK);
    assert_true(look(&gate, 700, 0));
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_many, &gate), 0);
    for (size_t i = 0; i < 4; i++) {
        void *count;
        assert_int_equal(pthread_join(threads[i], &count), 0);
        taken += (intptr_t)count;
    }
    assert_int_equal(taken, 188 * MB / (1000 * DISK_GATE_WRITE_RATIO));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_P8_it_shuts_at_the_mark_and_opens_above_it),
        cmocka_unit_test(test_P8_what_comes_between_two_looks_is_counted),
        cmocka_unit_test(test_room_inside_of_the_file_is_room),
        cmocka_unit_test(test_a_disk_that_nobody_knows_is_open),
        cmocka_unit_test(test_P8_threads_take_no_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
