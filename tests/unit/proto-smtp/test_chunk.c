/* test_chunk.c - the framing of BDAT: lengths instead of dots, DATA's line policy, at every cut into chunks (PB05, PB08 to PB11).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* One chunk, given in segments of `step`; behind it a command is waiting. */
static void read_chunk(struct smtp_data_reader *r, struct str chunk, size_t step, struct buf *out) {
    BUF_AUTO in = {0};
    buf_add_str(&in, chunk);
    buf_add_z(&in, "QUIT\r\n");
    uint64_t left = chunk.n;
    size_t used = 0;
    enum parse got = PARSE_MORE;
    for (size_t at = 0; got == PARSE_MORE; at += used) {
        assert_true(at <= chunk.n);
        got = smtp_chunk_read(r, &left, str_sub(buf_str(&in), at, step), out, &used);
        assert_int_equal(left, chunk.n - at - used);
    }
    assert_int_equal(left, 0);
}

/* The message in two chunks. */
static enum smtp_data_fault read_in_two(struct str in, size_t cut, size_t step, size_t max, struct buf *out) {
    struct smtp_data_reader r = {.max_bytes = max, .line_max_bytes = 20};
    read_chunk(&r, str_sub(in, 0, cut), step, out);
    read_chunk(&r, str_sub(in, cut, SIZE_MAX), step, out);
    smtp_chunk_end(&r, out);
    return r.fault;
}

static void content_is_what_was_sent(void **state) { /* PB10, PB11, SM01 to SM12 */
    (void)state;
    static const struct {
        struct str in;
        enum smtp_data_fault fault;
        struct str content;
    } cases[] = {
        {S(""), SMTP_DATA_GOOD, S("")},
        {S("a\r\n"), SMTP_DATA_GOOD, S("a\r\n")},
        {S("a"), SMTP_DATA_GOOD, S("a\r\n")}, /* completed */
        {S("\r\n"), SMTP_DATA_GOOD, S("\r\n")},
        {S("."), SMTP_DATA_GOOD, S(".\r\n")},
        {S("a\r\n.\r\nb\r\n"), SMTP_DATA_GOOD, S("a\r\n.\r\nb\r\n")}, /* PB10 */
        {S(".\r\n..\r\n.a\r\n"), SMTP_DATA_GOOD, S(".\r\n..\r\n.a\r\n")},
        {S("12345678901234567890\r\n"), SMTP_DATA_GOOD, S("12345678901234567890\r\n")},
        {S("123456789012345678901\r\n"), SMTP_DATA_LINE_LONG, S("")},
        {S("a\nb\r\n"), SMTP_DATA_BARE, S("")}, /* PB11 */
        {S("a\rb\r\n"), SMTP_DATA_BARE, S("")},
        {S("a\r"), SMTP_DATA_BARE, S("")},
        {S("\n"), SMTP_DATA_BARE, S("")},
        {S("a\0b\r\n"), SMTP_DATA_NUL, S("")},
        {S("a\n.\nb"), SMTP_DATA_BARE, S("")},
        {S("a\n.\r\nb"), SMTP_DATA_BARE, S("")},
        {S("a\r\n.\nb"), SMTP_DATA_BARE, S("")},
        {S("a\r.\rb"), SMTP_DATA_BARE, S("")},
        {S("a\r.\nb"), SMTP_DATA_BARE, S("")},
        {S("a\n.\rb"), SMTP_DATA_BARE, S("")},
        {S("a\r.\r\nb"), SMTP_DATA_BARE, S("")},
        {S("a\r\n.\rb"), SMTP_DATA_BARE, S("")},
        {S("a\r\n\0.\r\nb"), SMTP_DATA_NUL, S("")},
        {S("a\r\n.\0\r\nb"), SMTP_DATA_NUL, S("")},
        {S("a\r\n.\r\r\nb"), SMTP_DATA_BARE, S("")},
        {S("a\r\r\n.\r\r\nb"), SMTP_DATA_BARE, S("")},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut = 0; cut <= cases[i].in.n; cut++)
            for (size_t step = 1; step <= cases[i].in.n + 1; step++) {
                BUF_AUTO out = {0};
                assert_int_equal(read_in_two(cases[i].in, cut, step, 1000, &out), cases[i].fault);
                if (cases[i].fault == SMTP_DATA_GOOD) assert_true(str_eq(buf_str(&out), cases[i].content));
            }
}

static void the_limit_is_exact_and_nothing_is_kept_after_it(void **state) { /* LM09, PB09 */
    (void)state;
    for (size_t max = 5; max <= 8; max++)
        for (size_t cut = 0; cut <= 7; cut++) {
            BUF_AUTO out = {0};
            BUF_AUTO open = {0};
            enum smtp_data_fault want = max < 7 ? SMTP_DATA_TOO_BIG : SMTP_DATA_GOOD;
            assert_int_equal(read_in_two(STR("a\r\nbc\r\n"), cut, 100, max, &out), want);
            assert_int_equal(read_in_two(STR("a\r\nbc"), cut, 100, max, &open), want);
            assert_true(out.n <= max && open.n <= max);
        }
}

static void a_chunk_larger_than_memory_is_taken_as_it_comes(void **state) { /* PB05: 2^63 and more */
    (void)state;
    BUF_AUTO out = {0};
    struct smtp_data_reader r = {.max_bytes = 10, .line_max_bytes = 20};
    uint64_t left = UINT64_MAX;
    size_t used = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(smtp_chunk_read(&r, &left, STR("12345678\r\n"), &out, &used), PARSE_MORE);
        assert_int_equal(used, 10);
    }
    assert_true(left == UINT64_MAX - 1000 && r.fault == SMTP_DATA_TOO_BIG && out.n == 10);
}

static void many_small_chunks_are_one_message(void **state) { /* PB08 */
    (void)state;
    BUF_AUTO out = {0};
    struct smtp_data_reader r = {.max_bytes = 1000, .line_max_bytes = 20};
    for (int i = 0; i < 300; i++) read_chunk(&r, str_sub(STR("a\r\n"), (size_t)i % 3, 1), 1, &out);
    read_chunk(&r, STR(""), 1, &out);
    smtp_chunk_end(&r, &out);
    assert_true(r.fault == SMTP_DATA_GOOD && out.n == 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_what_was_sent),
        cmocka_unit_test(the_limit_is_exact_and_nothing_is_kept_after_it),
        cmocka_unit_test(a_chunk_larger_than_memory_is_taken_as_it_comes),
        cmocka_unit_test(many_small_chunks_are_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
