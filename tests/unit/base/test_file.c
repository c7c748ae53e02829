/* test_file.c - files read whole: there, not there, a folder, too long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void a_file_is_read_whole_or_told(void **state) {
    (void)state;
    char path[] = "/tmp/posthorn-file.XXXXXX";
    int fd = mkstemp(path);
    BUF_AUTO out = {0};
    buf_add_z(&out, "before ");
    assert_int_equal(write(fd, "content", 7), 7);
    assert_int_equal(file_read(path, 7, &out), STATUS_OK);
    assert_true(str_eq(buf_str(&out), STR("before content")));
    assert_int_equal(file_read(path, 6, &out), STATUS_LIMIT);
    assert_int_equal(file_read_fd(fd, 7, &out), STATUS_OK); /* at its end */
    assert_int_equal(file_read("/", 7, &out), STATUS_IO);
    assert_int_equal(errno, EISDIR);
    close(fd);
    unlink(path);
    assert_int_equal(file_read(path, 7, &out), STATUS_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_read_whole_or_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
