/* test_http.c - heads and bodies of HTTP by the cases of the bad-input list (HT01-HT33), whole and cut at every byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/http/http_body.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* 200: understood. Otherwise the status of the refusal. 0: more is wanted. */
static int judge(struct arena *arena, struct http_scan *scan, struct str in, struct http_request *ret) {
    struct http_refusal refusal = {0};
    size_t len = 0;
    /* a copy of the exact size, so that the sanitizer sees any step beyond */
    enum parse p = http_scan_head(scan, in, &len, &refusal);
    if (p == PARSE_MORE) return 0;
    if (p == PARSE_BAD) return refusal.status;
    struct str head = arena_str(arena, str_sub(in, 0, len));
    if (http_request_parse(arena, head, ret, &refusal)) return 200;
    assert_non_null(refusal.why);
    return refusal.status;
}

static int judge_whole(struct arena *arena, struct str in, struct http_request *ret) {
    struct http_scan scan = {0};
    return judge(arena, &scan, in, ret);
}

/* Byte by byte; a verdict may come early, but never another one. */
static int judge_pieces(struct str in) {
    struct http_scan scan = {0};
    for (size_t n = 1; n <= in.n; n++) {
        ARENA_AUTO arena = {0};
        struct http_request r;
        char *copy = malloc(n);
        memcpy(copy, in.p, n);
        int status = judge(&arena, &scan, str_make(copy, n), &r);
        free(copy);
        if (status) return status;
    }
    return 0;
}

struct head_case {
    const char *id;
    struct str text;
    int status;
};
#define HOST "Host: a\r\n"
#define CASE(id, text, status)                                                                                                   \
    { id, STR_INIT(text), status }

static const struct head_case head_cases[] = {
    CASE("plain", "GET / HTTP/1.1\r\n" HOST "\r\n", 200),
    CASE("plain 1.0", "GET / HTTP/1.0\r\n\r\n", 200),
    CASE("post", "POST /api.php?a=b HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 200),
    CASE("HT01", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    CASE("HT02", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
    CASE("HT03", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", 400),
    CASE("HT04", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5,5\r\n\r\n", 400),
    CASE("HT05", "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400),
    CASE("HT06", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400),
    CASE("HT07", "POST / HTTP/1.1\r\n" HOST "Content-Length:  5\r\n\r\n", 400),
    CASE("HT07 tab", "POST / HTTP/1.1\r\n" HOST "Content-Length:\t5\r\n\r\n", 400),
    CASE("HT07 tight", "POST / HTTP/1.1\r\n" HOST "Content-Length:5\r\n\r\n", 200),
    CASE("HT08", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5 \r\n\r\n", 400),
    CASE("HT09 negative", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400),
    CASE("HT09 2^64", "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 400),
    CASE("HT09 2^63", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400),
    CASE("HT09 empty", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400),
    CASE("chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 200),
    CASE("HT10", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:  chunked\r\n\r\n", 400),
    CASE("HT10 vt",
         "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
         "chunked\r\n\r\n",
         400),
    CASE("HT11", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n", 400),
    CASE("HT12", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501),
    CASE("HT13", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n", 501),
    CASE("HT14", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", 400),
    CASE("HT14 ext", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked;ext=v\r\n\r\n", 501),
    CASE("HT15 twice", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    CASE("HT15 1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400),
    CASE("HT21 line", "GET / HTTP/1.1\n" HOST "\r\n", 400),
    CASE("HT21 header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    CASE("HT21 end", "GET / HTTP/1.1\r\n" HOST "\n", 400),
    CASE("HT22 line", "GET / HTTP/1.1\r" HOST "\r\n", 400),
    CASE("HT22 header", "GET / HTTP/1.1\r\nX: a\rb\r\n" HOST "\r\n", 400),
    CASE("HT22 two", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 400),
    CASE("HT26 fold", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400),
    CASE("HT26 fold first", "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400),
    CASE("HT26 blank", "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 400),
    CASE("HT26 empty name", "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400),
    CASE("HT26 no colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400),
    CASE("HT26 NUL", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400),
    CASE("HT26 NUL name", "GET / HTTP/1.1\r\n" HOST "X\0: a\r\n\r\n", 400),
    CASE("HT26 control",
         "GET / HTTP/1.1\r\n" HOST "X: a\x01"
         "b\r\n\r\n",
         400),
    CASE("HT26 DEL", "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400),
    CASE("HT26 high name", "GET / HTTP/1.1\r\n" HOST "X\xc3\xa4: a\r\n\r\n", 400),
    CASE("latin value", "GET / HTTP/1.1\r\n" HOST "X: \xe4\r\n\r\n", 200),
    CASE("HT29 none", "GET / HTTP/1.1\r\n\r\n", 400),
    CASE("HT29 empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    CASE("HT29 two", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400),
    CASE("HT29 absolute", "GET http://a/x HTTP/1.1\r\n" HOST "\r\n", 200),
    CASE("HT29 other", "GET http://b/ HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT29 user", "GET http://x@a/ HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT29 bent", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    CASE("HT29 list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    CASE("HT29 port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
    CASE("HT30 0.9", "GET /\r\n\r\n", 400),
    CASE("HT30 1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505),
    CASE("HT30 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    CASE("HT30 lower", "GET / http/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 long", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
    CASE("HT30 two blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 tab", "GET\t/\tHTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 trailing", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    CASE("HT30 leading", " GET / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 method", "G@T / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 fragment", "GET /#a HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 high", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT30 relative", "GET a HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT32 TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", 501),
    CASE("HT32 CONNECT", "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 501),
    CASE("HT32 lower", "get / HTTP/1.1\r\n" HOST "\r\n", 501),
    CASE("HT32 star", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 200),
    CASE("HT32 star GET", "GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT33", "GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT33 encoded", "GET /a/%2e%2E/b HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("HT39 other", "POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
    CASE("HT39 twice", "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", 417),
    CASE("HT39 1.0", "POST / HTTP/1.0\r\n" HOST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 200),
    CASE("HT40", "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
         200),
};

static void test_heads_HT01_HT40(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(head_cases) / sizeof(*head_cases); i++) {
        ARENA_AUTO arena = {0};
        struct http_request r;
        int whole = judge_whole(&arena, head_cases[i].text, &r), pieces = judge_pieces(head_cases[i].text);
        if (whole != head_cases[i].status || pieces != whole) {
            fail_msg("%s: whole %d, in pieces %d, expected %d", head_cases[i].id, whole, pieces, head_cases[i].status);
        }
    }
}

static void test_head_values(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct http_request r;
    struct str text = STR("PUT /a%20b?x=1&y HTTP/1.1\r\nHost: Mail.Test:80\r\nContent-Length: 12\r\nX-One:  a b \r\n"
                          "Expect: 100-Continue\r\nx-one: c\r\n\r\nrest");
    assert_int_equal(judge_whole(&arena, text, &r), 200);
    assert_int_equal(r.method, HTTP_PUT);
    assert_true(str_eq(r.path, STR("/a%20b")) && str_eq(r.query, STR("x=1&y")) && str_eq(r.host, STR("Mail.Test:80")));
    assert_int_equal(r.fields.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(r.fields.length, 12);
    assert_true(r.expects_continue && r.fields.keep_alive);
    assert_true(str_eq(http_fields_find(&r.fields, STR("X-ONE")), STR("a b")));
    assert_int_equal(http_fields_count(&r.fields, STR("X-One")), 2);
    assert_null(http_fields_find(&r.fields, STR("X-Two")).p);
}

static bool keeps_alive(const char *head) {
    ARENA_AUTO arena = {0};
    struct http_request r;
    assert_int_equal(judge_whole(&arena, str_from_z(head), &r), 200);
    return r.fields.keep_alive;
}

static void test_keep_alive(void **state) {
    (void)state;
    assert_true(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_false(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"));
    assert_false(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n"));
    assert_false(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n"));
    assert_false(keeps_alive("GET / HTTP/1.0\r\n\r\n"));
    assert_true(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

/* `n` bytes of 'a' between two texts. */
static void fill(struct buf *out, const char *before, size_t n, const char *after) {
    buf_add_z(out, before);
    while (n--) buf_add_char(out, 'a');
    buf_add_z(out, after);
}

static int judge_buf(const struct buf *b) {
    ARENA_AUTO arena = {0};
    struct http_request r;
    int whole = judge_whole(&arena, buf_str(b), &r);
    assert_int_equal(judge_pieces(buf_str(b)), whole);
    return whole;
}

static void test_limits_HT27_HT28(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    fill(&b, "GET /", HTTP_TARGET_MAX - 1, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(judge_buf(&b), 200);
    buf_reset(&b);
    fill(&b, "GET /", HTTP_TARGET_MAX, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(judge_buf(&b), 414);
    buf_reset(&b);
    fill(&b, "GET /", 100000, "");
    assert_int_equal(judge_buf(&b), 414);
    buf_reset(&b);
    fill(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ", HTTP_HEAD_MAX - 32, "\r\n\r\n");
    assert_int_equal(b.n, HTTP_HEAD_MAX);
    assert_int_equal(judge_buf(&b), 200);
    buf_reset(&b);
    fill(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ", HTTP_HEAD_MAX - 31, "\r\n\r\n");
    assert_int_equal(judge_buf(&b), 431);
}

static void test_line_limit_HT27(void **state) {
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        BUF_AUTO b = {0};
        buf_add_z(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < HTTP_LINES_MAX - 1 + extra; i++) buf_add_z(&b, "X: y\r\n");
        buf_add_z(&b, "\r\n");
        assert_int_equal(judge_buf(&b), extra ? 431 : 200);
    }
}

static void test_blank_lines_before(void **state) {
    (void)state;
    assert_int_equal(http_skip_blank(STR("\r\n\r\nGET"), 2), 4);
    assert_int_equal(http_skip_blank(STR("\r\n\r\n\r\n"), 2), 4);
    assert_int_equal(http_skip_blank(STR("\rGET"), 2), 0);
    assert_int_equal(http_skip_blank(STR("\r"), 2), 0);
}

/* Decode with pieces of `step` bytes. The answer is the content, or NULL when refused or unfinished. */
static bool decode(struct str in, enum http_framing framing, uint64_t length, size_t step, struct buf *ret, size_t *ret_used) {
    struct http_body b;
    http_body_init(&b, &(struct http_fields){.framing = framing, .length = length});
    size_t have = 0, at = 0;
    for (;;) {
        char *copy = malloc(have - at + 1);
        memcpy(copy, in.p + at, have - at);
        struct str data;
        size_t used;
        enum parse p = http_body_next(&b, str_make(copy, have - at), &used, &data);
        assert_true(used <= have - at);
        buf_add_str(ret, data);
        free(copy);
        at += used;
        if (p == PARSE_BAD) return false;
        if (p == PARSE_DONE) {
            *ret_used = at;
            return true;
        }
        if (used) continue;
        if (have == in.n) return false;
        have = have + step < in.n ? have + step : in.n;
    }
}

struct body_case {
    const char *id;
    struct str text;
    const char *content; /* NULL: refused */
};

static const struct body_case chunked_cases[] = {
    {"plain", STR_INIT("5\r\nhello\r\n0\r\n\r\n"), "hello"},
    {"two", STR_INIT("5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "hello0123456789"},
    {"none", STR_INIT("0\r\n\r\n"), ""},
    {"ext", STR_INIT("5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n"), "hello"},
    {"HT25", STR_INIT("5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 7\r\n\r\n"), "hello"},
    {"HT16", STR_INIT("0x5\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT17", STR_INIT("+5\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT18", STR_INIT("5_\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT19", STR_INIT("10000000000000000\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT19 digits", STR_INIT("0000000000000005\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT20 before", STR_INIT(" 5\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT20 after", STR_INIT("5 \r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT20 empty", STR_INIT("\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT20 no CRLF", STR_INIT("5\r\nhello0\r\n\r\n"), NULL},
    {"HT20 longer", STR_INIT("5\r\nhello!\r\n0\r\n\r\n"), NULL},
    {"HT21 size", STR_INIT("5\nhello\r\n0\r\n\r\n"), NULL},
    {"HT22 size", STR_INIT("5\rhello\r\n0\r\n\r\n"), NULL},
    {"HT22 ext", STR_INIT("5;a\nb\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT22 ext CR", STR_INIT("5;a\rb\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT22 ext empty", STR_INIT("5;\r\nhello\r\n0\r\n\r\n"), NULL},
    {"HT23 data", STR_INIT("5\r\nhello\n0\r\n\r\n"), NULL},
    {"HT23 data CR", STR_INIT("5\r\nhello\r0\r\n\r\n"), NULL},
    {"HT24 trailer", STR_INIT("5\r\nhello\r\n0\r\nX: y\n\r\n"), NULL},
    {"HT24 end", STR_INIT("5\r\nhello\r\n0\r\n\n"), NULL},
    {"HT24 no colon", STR_INIT("5\r\nhello\r\n0\r\nX\r\n\r\n"), NULL},
    {"cut", STR_INIT("5\r\nhello\r\n0\r\n"), NULL},
};

static void test_chunked_HT16_HT25(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(chunked_cases) / sizeof(*chunked_cases); i++) {
        const struct body_case *c = &chunked_cases[i];
        for (size_t step = 1; step <= c->text.n; step++) {
            BUF_AUTO got = {0};
            size_t used = 0;
            bool ok = decode(c->text, HTTP_FRAMING_CHUNKED, 0, step, &got, &used);
            if (ok != (c->content != NULL)) fail_msg("%s in steps of %zu: %d", c->id, step, ok);
            if (!ok) continue;
            assert_true(str_eq(buf_str(&got), str_from_z(c->content)));
            assert_int_equal(used, c->text.n);
        }
    }
}

/* A chunk a byte with a long extension, and endless trailers: both end at 4 KiB. */
static void test_chunked_overhead_is_capped(void **state) {
    (void)state;
    BUF_AUTO in = {0}, got = {0};
    size_t used;
    for (int i = 0; i < 100; i++) fill(&in, "1;", 100, "\r\nx\r\n");
    assert_false(decode(buf_str(&in), HTTP_FRAMING_CHUNKED, 0, 10, &got, &used));
    assert_in_range(got.n, 30, 50);
    buf_reset(&in);
    buf_add_z(&in, "0\r\n");
    for (int i = 0; i < 100; i++) fill(&in, "X: ", 100, "\r\n");
    buf_add_z(&in, "\r\n");
    assert_false(decode(buf_str(&in), HTTP_FRAMING_CHUNKED, 0, 10, &got, &used));
    buf_reset(&in);
    fill(&in, "1;", 100000, "");
    assert_false(decode(buf_str(&in), HTTP_FRAMING_CHUNKED, 0, in.n, &got, &used));
}

static void test_length_leaves_the_next_message(void **state) {
    (void)state;
    struct str in = STR("helloGET /");
    for (size_t step = 1; step <= in.n; step++) {
        BUF_AUTO got = {0};
        size_t used;
        assert_true(decode(in, HTTP_FRAMING_LENGTH, 5, step, &got, &used));
        assert_int_equal(used, 5);
        assert_true(str_eq(buf_str(&got), STR("hello")));
    }
    BUF_AUTO got = {0};
    size_t used;
    assert_false(decode(in, HTTP_FRAMING_LENGTH, 11, 3, &got, &used));
    assert_true(decode(in, HTTP_FRAMING_NONE, 0, 3, &got, &used));
    assert_int_equal(used, 0);
}

static struct buf compress_text(struct str text, bool gzip) {
    struct buf out = {0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, gzip ? 31 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    size_t room = deflateBound(&z, text.n) + 64;
    z.next_out = (Bytef *)buf_reserve(&out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_grew(&out, room - z.avail_out);
    deflateEnd(&z);
    return out;
}

static enum status inflate_steps(struct str in, enum http_coding coding, size_t step, struct buf *ret, bool *ret_done) {
    struct http_inflate *z = http_inflate_new(coding);
    enum status s = STATUS_OK;
    for (size_t at = 0; at < in.n && s == STATUS_OK;) {
        char out[7];
        size_t used, n;
        s = http_inflate_next(z, str_sub(in, at, step), out, sizeof(out), &used, &n);
        if (s != STATUS_OK) break;
        buf_add(ret, out, n);
        at += used;
        if (used == 0 && n == 0) break;
    }
    *ret_done = http_inflate_is_done(z);
    http_inflate_free(&z);
    return s;
}

static void test_inflate(void **state) {
    (void)state;
    struct str text = STR("Posthorn Posthorn Posthorn carries this line, and this line, and this line again.");
    for (int gzip = 0; gzip <= 1; gzip++) {
        enum http_coding coding = gzip ? HTTP_CODING_GZIP : HTTP_CODING_DEFLATE;
        struct buf z = compress_text(text, gzip);
        bool done;
        for (size_t step = 1; step <= z.n; step++) {
            BUF_AUTO got = {0};
            assert_int_equal(inflate_steps(buf_str(&z), coding, step, &got, &done), STATUS_OK);
            assert_true(done && str_eq(buf_str(&got), text));
        }
        BUF_AUTO part = {0};
        assert_int_equal(inflate_steps(str_sub(buf_str(&z), 0, z.n - 1), coding, 5, &part, &done), STATUS_OK);
        assert_false(done);
        buf_add_char(&z, 'x');
        assert_int_equal(inflate_steps(buf_str(&z), coding, z.n, &part, &done), STATUS_INVALID);
        z.p[0] ^= 0x55;
        assert_int_equal(inflate_steps(buf_str(&z), coding, 3, &part, &done), STATUS_INVALID);
        buf_fini(&z);
    }
}

static enum status coding_of(struct str value, enum http_coding *ret) {
    struct http_header h = {STR("content-encoding"), value};
    return http_coding_find(&(struct http_fields){.list = &h, .count = 1}, ret);
}

static void test_coding(void **state) {
    (void)state;
    enum http_coding c;
    assert_int_equal(coding_of(STR("GZip"), &c), STATUS_OK);
    assert_int_equal(c, HTTP_CODING_GZIP);
    assert_int_equal(coding_of(STR("identity"), &c), STATUS_OK);
    assert_int_equal(coding_of(STR("br"), &c), STATUS_UNSUPPORTED);
    assert_int_equal(coding_of(STR("gzip, gzip"), &c), STATUS_UNSUPPORTED);
    assert_int_equal(http_coding_find(&(struct http_fields){0}, &c), STATUS_OK);
    assert_int_equal(c, HTTP_CODING_IDENTITY);
}

/* Returns the status, or minus the refusal. */
static int parse_response(struct str text, enum http_method method, struct http_response_head *ret) {
    ARENA_AUTO arena = {0};
    struct http_scan scan = {0};
    struct http_refusal refusal = {0};
    size_t len;
    if (http_scan_head(&scan, text, &len, &refusal) != PARSE_DONE) return -refusal.status;
    return http_response_parse(&arena, str_sub(text, 0, len), method, ret, &refusal) ? ret->status : -refusal.status;
}

static void test_responses_HT42(void **state) {
    (void)state;
    struct http_response_head r;
    assert_int_equal(parse_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), HTTP_GET, &r), 200);
    assert_true(r.fields.framing == HTTP_FRAMING_LENGTH && r.fields.keep_alive && str_eq(r.reason, STR("OK")));
    assert_int_equal(parse_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), HTTP_HEAD, &r), 200);
    assert_int_equal(r.fields.framing, HTTP_FRAMING_NONE);
    assert_int_equal(parse_response(STR("HTTP/1.1 204 \r\n\r\n"), HTTP_GET, &r), 204);
    assert_int_equal(r.fields.framing, HTTP_FRAMING_NONE);
    assert_int_equal(parse_response(STR("HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n"), HTTP_GET, &r), 304);
    assert_int_equal(r.fields.framing, HTTP_FRAMING_NONE);
    assert_int_equal(parse_response(STR("HTTP/1.0 200 OK\r\n\r\n"), HTTP_GET, &r), 200);
    assert_int_equal(r.fields.framing, HTTP_FRAMING_CLOSE);
    assert_int_equal(parse_response(STR("HTTP/1.1 20 OK\r\n\r\n"), HTTP_GET, &r), -400);
    assert_int_equal(parse_response(STR("HTTP/1.1 2000\r\n\r\n"), HTTP_GET, &r), -400);
    assert_int_equal(parse_response(STR("HTTP/1.1 99\r\n\r\n"), HTTP_GET, &r), -400);
    assert_int_equal(parse_response(STR("220 smtp\r\n\r\n"), HTTP_GET, &r), -400);
    assert_int_equal(parse_response(STR("\r\n\r\n"), HTTP_GET, &r), -400);
}

static void test_parameters(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    struct str v;
    struct str type = STR("multipart/form-data ; charset=UTF-8; Boundary=\"a;\\\"b\" ;x=y;");
    assert_true(str_eq(http_media_type(type), STR("multipart/form-data")));
    assert_true(http_parameter(&arena, type, STR("boundary"), &v) && str_eq(v, STR("a;\"b")));
    assert_true(http_parameter(&arena, type, STR("charset"), &v) && str_eq(v, STR("UTF-8")));
    assert_true(http_parameter(&arena, type, STR("x"), &v) && str_eq(v, STR("y")));
    assert_false(http_parameter(&arena, type, STR("z"), &v));
    assert_false(http_parameter(&arena, STR("a/b; c=\"open"), STR("c"), &v));
    assert_false(http_parameter(&arena, STR("a/b; c=\"open\\"), STR("c"), &v));
    assert_false(http_parameter(&arena, STR("a/b; c"), STR("c"), &v));
    assert_false(http_parameter(&arena, STR(""), STR("c"), &v));
}

static void test_writing(void **state) {
    (void)state;
    BUF_AUTO b = {0};
    http_add_status_line(&b, 404);
    http_add_header(&b, STR("X"), STR("a\r\nEvil: b"));
    http_add_header_u64(&b, STR("Content-Length"), 12);
    http_add_date(&b, 1795406706789);
    http_add_end(&b);
    assert_string_equal(
        b.p, "HTTP/1.1 404 Not Found\r\nX: aEvil: b\r\nContent-Length: 12\r\nDate: Mon, 23 Nov 2026 04:05:06 GMT\r\n\r\n");
    buf_reset(&b);
    http_add_request_line(&b, HTTP_DELETE, STR("/x?y"));
    assert_string_equal(b.p, "DELETE /x?y HTTP/1.1\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_HT01_HT40),
        cmocka_unit_test(test_head_values),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_limits_HT27_HT28),
        cmocka_unit_test(test_line_limit_HT27),
        cmocka_unit_test(test_blank_lines_before),
        cmocka_unit_test(test_chunked_HT16_HT25),
        cmocka_unit_test(test_chunked_overhead_is_capped),
        cmocka_unit_test(test_length_leaves_the_next_message),
        cmocka_unit_test(test_inflate),
        cmocka_unit_test(test_coding),
        cmocka_unit_test(test_responses_HT42),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
