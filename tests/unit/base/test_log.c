/* DB05: a line stays a line whatever a peer put into a value.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/buf.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* What the sink got since the last call, without the time of each line. */
struct sink {
    FILE *file;
    struct buf text;
};

static void sink_open(struct sink *s, enum log_format format) {
    *s = (struct sink){.file = tmpfile()};
    assert_non_null(s->file);
    log_configure(fileno(s->file), LOG_INFO, format);
}

static struct str sink_text(struct sink *s) {
    off_t n = lseek(fileno(s->file), 0, SEEK_END);
    buf_reset(&s->text);
    assert_int_equal(pread(fileno(s->file), buf_reserve(&s->text, (size_t)n), (size_t)n, 0), n);
    buf_grew(&s->text, (size_t)n);
    return buf_str(&s->text);
}

static void sink_close(struct sink *s) {
    log_configure(STDERR_FILENO, LOG_INFO, LOG_LOGFMT);
    fclose(s->file);
    buf_fini(&s->text);
}

static void expect(enum log_format format, struct str value, const char *want) {
    struct sink s;
    sink_open(&s, format);
    LOG(LOG_INFO, "e", LOG_STR("v", value), LOG_INT("n", -5));
    struct str line = sink_text(&s);
    assert_true(str_ends(line, str_from_z(want)));
    sink_close(&s);
}

static void logfmt_escapes(void **state) {
    (void)state;
    expect(LOG_LOGFMT, STR("a@example.com"), " level=info event=e v=a@example.com n=-5\n");
    expect(LOG_LOGFMT, STR(""), " v=\"\" n=-5\n");
    expect(LOG_LOGFMT, STR("two words"), " v=\"two words\" n=-5\n");
    expect(LOG_LOGFMT, STR("x\nlevel=error"), " v=\"x\\nlevel=error\" n=-5\n");
    expect(LOG_LOGFMT, STR("\"\\\r\t\x1b[31m\0"), " v=\"\\\"\\\\\\r\\t\\x1b[31m\\x00\" n=-5\n");
    expect(LOG_LOGFMT, STR("gr\xC3\xBC\xC3\x9F\x80"), " v=\"gr\xC3\xBC\xC3\x9F\\x80\" n=-5\n");
    expect(LOG_LOGFMT, STR("\xC2\x9B\xE2\x80\xAE\xE2\x80"), " v=\"\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80\" n=-5\n");
    expect(LOG_LOGFMT, STR("%s%n"), " v=%s%n n=-5\n");
}

static void json_escapes(void **state) {
    (void)state;
    expect(LOG_JSON, STR("a"), "Z\",\"level\":\"info\",\"event\":\"e\",\"v\":\"a\",\"n\":-5}\n");
    expect(LOG_JSON, STR("\"\\\n\x1b\x7f"), ",\"v\":\"\\\"\\\\\\n\\u001b\\u007f\",\"n\":-5}\n");
    expect(LOG_JSON, STR("\xC3\xBC\xFF"), ",\"v\":\"\xC3\xBC\xEF\xBF\xBD\",\"n\":-5}\n");
}

static void long_values_are_cut(void **state) {
    (void)state;
    size_t n = 1 << 20;
    char *big = malloc(n);
    memset(big, 'x', n);
    for (enum log_format format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        struct sink s;
        sink_open(&s, format);
        LOG(LOG_INFO, "e", LOG_STR("v", str_make(big, n)));
        struct str line = sink_text(&s);
        assert_true(line.n < LOG_VALUE_MAX + 120);
        assert_true(str_find_str(line, STR("xxx...\"")) != STR_NONE);
        sink_close(&s);
    }
    free(big);
}

static void levels_filter(void **state) {
    (void)state;
    struct sink s;
    sink_open(&s, LOG_LOGFMT);
    assert_false(log_is_on(LOG_DEBUG));
    LOG(LOG_DEBUG, "quiet", LOG_Z("a", "b"));
    assert_int_equal(sink_text(&s).n, 0);
    log_set_level(LOG_DEBUG);
    LOG(LOG_DEBUG, "loud", LOG_Z("a", NULL));
    assert_true(str_find_str(sink_text(&s), STR("level=debug event=loud a=\"\"\n")) != STR_NONE);
    sink_close(&s);
}

static void *write_lines(void *arg) {
    for (int i = 0; i < 300; i++) LOG(LOG_INFO, "thread", LOG_Z("who", arg), LOG_Z("again", arg));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state) {
    (void)state;
    struct sink s;
    sink_open(&s, LOG_LOGFMT);
    char names[4][64];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        memset(names[i], 'a' + i, 63);
        names[i][63] = 0;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    struct str rest = sink_text(&s), line;
    int lines = 0;
    while (str_next(&rest, '\n', &line) && line.n) {
        lines++;
        assert_true(str_starts(line, STR("time=2")));
        struct str who = str_sub(line, line.n - 63, 63);
        for (size_t i = 0; i < who.n; i++) assert_int_equal(who.p[i], who.p[0]);
        assert_true(str_eq(who, str_sub(line, line.n - 63 - 7 - 63, 63)));
    }
    assert_int_equal(lines, 1200);
    sink_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_escapes),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(levels_filter),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
