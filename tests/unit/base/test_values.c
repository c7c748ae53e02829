/* What is computed: encodings, calendar, ids, randomness, statuses, metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/encode.h"
#include "base/id.h"
#include "base/metrics.h"
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

struct coding {
    void (*encode)(struct buf *out, struct str in);
    bool (*decode)(struct buf *out, struct str in);
};
static const struct coding hex = {hex_encode, hex_decode}, base32 = {base32_encode, base32_decode},
                           base64 = {base64_encode, base64_decode};

/* RFC 4648 section 10, and the letters where the alphabets differ. */
static void encodings_have_their_vectors(void **state) {
    (void)state;
    static const struct {
        const struct coding *coding;
        struct str plain, coded;
    } cases[] = {
        {&hex, STR_INIT(""), STR_INIT("")},
        {&hex, STR_INIT("\x00\x9f\xff"), STR_INIT("009fff")},
        {&base32, STR_INIT("f"), STR_INIT("my")},
        {&base32, STR_INIT("fo"), STR_INIT("mzxq")},
        {&base32, STR_INIT("foo"), STR_INIT("mzxw6")},
        {&base32, STR_INIT("foob"), STR_INIT("mzxw6yq")},
        {&base32, STR_INIT("fooba"), STR_INIT("mzxw6ytb")},
        {&base32, STR_INIT("\xff\xff\xff\xff\xff"), STR_INIT("77777777")},
        {&base64, STR_INIT("f"), STR_INIT("Zg==")},
        {&base64, STR_INIT("fo"), STR_INIT("Zm8=")},
        {&base64, STR_INIT("foo"), STR_INIT("Zm9v")},
        {&base64, STR_INIT("foobar"), STR_INIT("Zm9vYmFy")},
        {&base64, STR_INIT("\xfb\xff\xbf"), STR_INIT("+/+/")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO coded = {0};
        BUF_AUTO plain = {0};
        cases[i].coding->encode(&coded, cases[i].plain);
        assert_true(str_eq(buf_str(&coded), cases[i].coded));
        assert_true(cases[i].coding->decode(&plain, cases[i].coded));
        assert_true(str_eq(buf_str(&plain), cases[i].plain));
    }
}

static void encodings_round_trip(void **state) {
    (void)state;
    static const struct coding *const codings[] = {&hex, &base32, &base64};
    char bytes[300];
    rand_fill(rand_system(), bytes, sizeof bytes);
    for (size_t c = 0; c < 3; c++) {
        for (size_t n = 0; n <= sizeof bytes; n++) {
            BUF_AUTO coded = {0};
            BUF_AUTO plain = {0};
            codings[c]->encode(&coded, (struct str){bytes, n});
            assert_true(codings[c]->decode(&plain, buf_str(&coded)));
            assert_true(str_eq(buf_str(&plain), (struct str){bytes, n}));
        }
    }
}

static void decoders_are_strict(void **state) {
    (void)state;
    static const struct {
        const struct coding *coding;
        struct str coded;
    } cases[] = {
        {&hex, STR_INIT("0")},         {&hex, STR_INIT("0g")},          {&hex, STR_INIT("00 ")},
        {&hex, STR_INIT("0\0")},       {&base32, STR_INIT("m")},        {&base32, STR_INIT("mz")},
        {&base32, STR_INIT("mzx")},    {&base32, STR_INIT("my======")}, {&base32, STR_INIT("m1")},
        {&base32, STR_INIT("mzxw6y")}, {&base64, STR_INIT("Zg")},       {&base64, STR_INIT("Zg=")},
        {&base64, STR_INIT("Zh==")},   {&base64, STR_INIT("Zm9=")},     {&base64, STR_INIT("Z===")},
        {&base64, STR_INIT("====")},   {&base64, STR_INIT("Zg==Zg==")}, {&base64, STR_INIT("Zm9v\r\n")},
        {&base64, STR_INIT("Zm-_")},   {&base64, STR_INIT("=Zm9")},     {&base64, STR_INIT("Zm9\x80")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO out = {0};
        buf_add_z(&out, "kept");
        assert_false(cases[i].coding->decode(&out, cases[i].coded));
        assert_true(str_eq(buf_str(&out), STR("kept")));
    }
    BUF_AUTO out = {0};
    assert_true(base32_decode(&out, STR("MZXW6YTB"))); /* a local part may come back in capitals */
    assert_true(hex_decode(&out, STR("Ff")));
}

static void calendar_agrees_with_libc(void **state) {
    (void)state;
    static const char format[] = "%a, %d %b %Y %H:%M:%S +0000";
    for (int64_t s = -62135596800; s < 253402300800; s += 86400 * 13 + 7919) {
        time_t t = s;
        struct tm tm;
        char want[64];
        gmtime_r(&t, &tm);
        size_t n = strftime(want, sizeof want, format, &tm);
        BUF_AUTO got = {0};
        time_add_rfc5322(&got, s * 1000);
        if (tm.tm_year >= -900) assert_true(str_eq(buf_str(&got), (struct str){want, n})); /* libc does not pad years */
        buf_reset(&got);
        time_add_sql(&got, s * 1000);
        int64_t back;
        bool has_time;
        assert_true(time_parse_sql(buf_str(&got), &back, &has_time) && has_time);
        assert_true(back == s * 1000);
    }
}

static void calendar_has_its_forms(void **state) {
    (void)state;
    const int64_t t = 1795406706789; /* 2026-11-23 04:05:06.789 */
    BUF_AUTO b = {0};
    time_add_iso_ms(&b, t);
    buf_add_char(&b, '|');
    time_add_sql(&b, t);
    buf_add_char(&b, '|');
    time_add_rfc5322(&b, t);
    buf_add_char(&b, '|');
    time_add_iso_ms(&b, -1);
    assert_string_equal(b.p, "2026-11-23T04:05:06.789Z|2026-11-23 04:05:06|Mon, 23 Nov 2026 04:05:06 +0000|"
                             "1969-12-31T23:59:59.999Z");
}

static void calendar_refuses_what_is_no_date(void **state) {
    (void)state;
    static const struct str wrong[] = {
        STR_INIT(""),
        STR_INIT("2026-02-29"),
        STR_INIT("2100-02-29"),
        STR_INIT("2026-13-01"),
        STR_INIT("2026-00-01"),
        STR_INIT("2026-01-00"),
        STR_INIT("2026-04-31"),
        STR_INIT("0000-01-01"),
        STR_INIT("2026-1-1"),
        STR_INIT("2026/01/01"),
        STR_INIT("2026-01-01T00:00:00"),
        STR_INIT("2026-01-01 24:00:00"),
        STR_INIT("2026-01-0a"),
        STR_INIT("2026-01-01 00:60:00"),
        STR_INIT("2026-01-01 00:00:60"),
        STR_INIT("2026-01-01 00:00:00Z"),
        STR_INIT("+026-01-01"),
        STR_INIT("2026-01-01 "),
        STR_INIT("2026-01-01 00:00"),
    };
    int64_t ms = 7;
    bool has_time = true;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(time_parse_sql(wrong[i], &ms, &has_time));
    assert_true(ms == 7 && has_time);
    assert_true(time_parse_sql(STR("2024-02-29"), &ms, &has_time) && !has_time && ms == 1709164800000);
    int64_t days;
    assert_true(time_from_civil(1970, 1, 1, &days) && days == 0);
    assert_true(time_from_civil(2000, 2, 29, &days) && days == 11016);
    assert_false(time_from_civil(1900, 2, 29, &days));
    assert_false(time_from_civil(10000, 1, 1, &days));
}

static void fill_ff(void *ctx, void *p, size_t n) {
    (void)ctx;
    memset(p, 0xFF, n);
}

static void ids_are_version_7(void **state) {
    (void)state;
    const struct rand ones = {fill_ff, NULL};
    char text[ID_TEXT_LEN + 1];
    id_format(id_make(0x017F22E279B0, &ones), text);
    assert_string_equal(text, "017f22e2-79b0-7fff-bfff-ffffffffffff");
    char later[ID_TEXT_LEN + 1];
    id_format(id_make(0x017F22E279B1, rand_system()), later);
    assert_true(strcmp(text, later) < 0);
    struct id id = {{0}};
    assert_true(id_parse(STR("017F22E2-79B0-7FFF-BFFF-FFFFFFFFFFFF"), &id));
    id_format(id, later);
    assert_string_equal(text, later);
}

static void ids_refuse_other_texts(void **state) {
    (void)state;
    static const struct str wrong[] = {
        STR_INIT(""),
        STR_INIT("017f22e279b07fffbfffffffffffffff"),
        STR_INIT("017f22e2-79b0-7fff-bfff-fffffffffff"),
        STR_INIT("017f22e2-79b0-7fff-bfff-ffffffffffff0"),
        STR_INIT("017f22e2_79b0-7fff-bfff-ffffffffffff"),
        STR_INIT("017f22e27-9b0-7fff-bfff-ffffffffffff"),
        STR_INIT("g17f22e2-79b0-7fff-bfff-ffffffffffff"),
        STR_INIT("017f22e2-79b0-7fff-bfff-fffffffffff\0"),
    };
    struct id id = {{9}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(id_parse(wrong[i], &id));
    assert_int_equal(id.b[0], 9);
}

static void randomness_stays_below(void **state) {
    (void)state;
    int seen[3] = {0};
    for (int i = 0; i < 3000; i++) {
        uint64_t v = rand_below(rand_system(), 3);
        assert_true(v < 3);
        seen[v]++;
    }
    assert_true(seen[0] > 700 && seen[1] > 700 && seen[2] > 700);
    assert_int_equal(rand_below(rand_system(), 1), 0);
}

static void clocks_move(void **state) {
    (void)state;
    const struct clock *c = clock_system();
    int64_t before = clock_mono_ms(c);
    assert_true(clock_mono_ms(c) >= before);
    assert_true(clock_wall_ms(c) > 1700000000000);
}

static void every_status_has_a_meaning(void **state) {
    (void)state;
    for (int s = 0; s <= STATUS_COUNT; s++) {
        assert_true(strlen(status_text((enum status)s)) > 1);
        assert_in_range(status_http((enum status)s), 200, 599);
    }
    assert_int_equal(status_http(STATUS_NOT_FOUND), 404);
    assert_int_equal(status_http(STATUS_TEMPORARY), 503);
    assert_true(status_http(STATUS_IO) >= 500); /* P7: a failed write is no success */
}

static void metrics_page_names_everything(void **state) {
    (void)state;
    struct metrics m = {0};
    metrics_add(&m, METRIC_HTTP_REQUESTS, 3);
    metrics_add(&m, METRIC_HTTP_CONNECTIONS, -2);
    metrics_add(NULL, METRIC_HTTP_CONNECTIONS, 1);
    BUF_AUTO page = {0};
    metrics_format(&page, &m);
    assert_non_null(strstr(page.p, "# HELP posthorn_http_requests_total "));
    assert_non_null(strstr(page.p, "\n# TYPE posthorn_http_requests_total counter\nposthorn_http_requests_total 3\n"));
    assert_non_null(strstr(page.p, "\n# TYPE posthorn_http_connections gauge\nposthorn_http_connections -2\n"));
    assert_null(strstr(page.p, "null"));
    struct str rest = buf_str(&page), line;
    size_t lines = 0;
    while (str_next(&rest, '\n', &line)) lines++;
    assert_int_equal(lines, 3 * METRIC_COUNT + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_have_their_vectors),
        cmocka_unit_test(encodings_round_trip),
        cmocka_unit_test(decoders_are_strict),
        cmocka_unit_test(calendar_agrees_with_libc),
        cmocka_unit_test(calendar_has_its_forms),
        cmocka_unit_test(calendar_refuses_what_is_no_date),
        cmocka_unit_test(ids_are_version_7),
        cmocka_unit_test(ids_refuse_other_texts),
        cmocka_unit_test(randomness_stays_below),
        cmocka_unit_test(clocks_move),
        cmocka_unit_test(every_status_has_a_meaning),
        cmocka_unit_test(metrics_page_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
