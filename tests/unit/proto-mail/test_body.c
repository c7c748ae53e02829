/* test_body.c - transfer encodings and the walk through the parts of hostile messages (MI01 to MI13, SM18 to SM21).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/body.h"
#include "proto/mime/entity.h"
#include "proto/mime/message.h"
#include "proto/mime/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What leaves under any encoding: CRLF alone, lines within bounds, and 7bit clean. */
static void assert_clean(struct str s, size_t line_max) {
    size_t column = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r') assert_true(i + 1 < s.n && s.p[i + 1] == '\n');
        if (s.p[i] == '\n') assert_true(i > 0 && s.p[i - 1] == '\r');
        column = s.p[i] == '\n' ? 0 : column + 1;
        assert_true(column <= line_max + 1);
        assert_true((uint8_t)s.p[i] < 0x80);
    }
}

static void check_text(struct str text, struct str expected) {
    static const enum body_encoding encodings[] = {BODY_QUOTED_PRINTABLE, BODY_BASE64};
    BUF_AUTO chosen = {0};
    enum body_encoding e = body_encoding_for_text(text);
    body_add_text(&chosen, e, text);
    assert_clean(buf_str(&chosen), e == BODY_7BIT ? 998 : 76);
    for (size_t i = 0; i < COUNT(encodings); i++) {
        BUF_AUTO encoded = {0};
        BUF_AUTO back = {0};
        body_add_text(&encoded, encodings[i], text);
        assert_clean(buf_str(&encoded), 76);
        body_decode(&back, encodings[i], buf_str(&encoded));
        assert_true(str_eq(buf_str(&back), expected));
    }
}

static void texts_leave_with_crlf_and_come_back(void **state) { /* SM18 to SM21, MI07, MI12 */
    (void)state;
    static const struct {
        struct str in, out;
    } cases[] = {
        {S(""), S("")},
        {S("a"), S("a")},
        {S("a\n"), S("a\r\n")},
        {S("a\r"), S("a\r\n")},
        {S("\n.\n"), S("\r\n.\r\n")},
        {S("\n.\r\n"), S("\r\n.\r\n")},
        {S("\r.\r"), S("\r\n.\r\n")},
        {S("\r\n.\r\r\n"), S("\r\n.\r\n\r\n")},
        {S("a\r\r\nb"), S("a\r\n\r\nb")},
        {S("a \nb\t\n "), S("a \r\nb\t\r\n ")},
        {S("a=b =3D"), S("a=b =3D")},
        {S("nul \0 vt \v ff \f del \x7F"), S("nul \0 vt \v ff \f del \x7F")},
        {S("\xE2\x80\xA8 \xC2\x85"), S("\xE2\x80\xA8 \xC2\x85")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_text(cases[i].in, cases[i].out);
}

static void long_lines_are_broken(void **state) {
    (void)state;
    static const char *const pieces[] = {"a", " ", "=", "\xC4\x8D"};
    for (size_t k = 0; k < COUNT(pieces); k++) {
        BUF_AUTO text = {0};
        for (size_t n = 0; n < 1100; n++) {
            buf_add_z(&text, pieces[k]);
            if (n < 160 || n > 990) check_text(buf_str(&text), buf_str(&text));
        }
    }
}

static void the_encoding_fits_the_text(void **state) {
    (void)state;
    BUF_AUTO line = {0};
    for (size_t i = 0; i < 998; i++) buf_add_char(&line, 'a');
    assert_int_equal(body_encoding_for_text(buf_str(&line)), BODY_7BIT);
    buf_add_char(&line, 'a');
    assert_int_equal(body_encoding_for_text(buf_str(&line)), BODY_QUOTED_PRINTABLE);
    BUF_AUTO lines = {0};
    for (size_t i = 0; i < 998; i++) buf_add_char(&lines, i == 500 ? '\t' : 'a');
    assert_int_equal(body_encoding_for_text(buf_str(&lines)), BODY_7BIT);
    for (size_t i = 0; i < 3000; i++) buf_add_char(&lines, "\r\n0123456789"[i % 12]);
    buf_add_char(&lines, '\n');
    assert_int_equal(body_encoding_for_text(buf_str(&lines)), BODY_7BIT);
    for (size_t i = 0; i < 999; i++) buf_add_char(&lines, i == 500 ? '\t' : 'a');
    assert_int_equal(body_encoding_for_text(buf_str(&lines)), BODY_QUOTED_PRINTABLE);
    assert_int_equal(body_encoding_for_text(STR("a line\x7F")), BODY_QUOTED_PRINTABLE);
    assert_int_equal(body_encoding_for_text(STR("plain, one \xC3\xA9 in it")), BODY_QUOTED_PRINTABLE);
    assert_int_equal(body_encoding_for_text(STR("\xE4\xB8\x96\xE7\x95\x8C")), BODY_BASE64);
}

static void broken_bodies_decode_to_something_defined(void **state) { /* MI06, MI07 */
    (void)state;
    static const struct {
        enum body_encoding e;
        struct str in, out;
    } cases[] = {
        {BODY_BASE64, S("YW\r\nJj"), S("abc")},
        {BODY_BASE64, S("Y!W*Jj"), S("abc")},
        {BODY_BASE64, S("YQ==YWJj"), S("a")},
        {BODY_BASE64, S("="), S("")},
        {BODY_BASE64, S("YWJjY"), S("abc")},
        {BODY_QUOTED_PRINTABLE, S("a="), S("a")},
        {BODY_QUOTED_PRINTABLE, S("a=\r\nb"), S("ab")},
        {BODY_QUOTED_PRINTABLE, S("a=  \r\nb"), S("ab")},
        {BODY_QUOTED_PRINTABLE, S("=ZZ=4=41=c3=a9"), S("=ZZ=4A\xC3\xA9")},
        {BODY_QUOTED_PRINTABLE, S("a \t\r\nb  "), S("a\r\nb")},
        {BODY_8BIT, S("a\xFF\r\n"), S("a\xFF\r\n")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BUF_AUTO out = {0};
        body_decode(&out, cases[i].e, cases[i].in);
        if (!str_eq(buf_str(&out), cases[i].out)) fail_msg("case %zu", i);
    }
    assert_int_equal(body_encoding_parse(STR(" Base64 \r\n")), BODY_BASE64);
    assert_int_equal(body_encoding_parse(STR("x-what")), BODY_8BIT);
}

static void bytes_come_back_from_base64(void **state) {
    (void)state;
    BUF_AUTO bytes = {0};
    for (size_t n = 0; n < 200; n++) {
        BUF_AUTO encoded = {0};
        BUF_AUTO back = {0};
        body_add_base64(&encoded, buf_str(&bytes));
        assert_clean(buf_str(&encoded), 76);
        body_decode(&back, BODY_BASE64, buf_str(&encoded));
        assert_true(str_eq(buf_str(&back), buf_str(&bytes)));
        buf_add_char(&bytes, (char)(n * 37));
    }
}

/* Randomness that repeats itself once, so that a boundary that is already in the text can be offered. */
struct scripted {
    size_t calls;
};
static void scripted_fill(void *ctx, void *p, size_t n) {
    struct scripted *s = ctx;
    memset(p, s->calls++ == 0 ? 0 : 0x55, n);
}

static void a_boundary_never_stands_in_a_text(void **state) { /* HI18 */
    (void)state;
    struct scripted script = {0};
    const struct rand rand = {scripted_fill, &script};
    const struct entity leaves[] = {
        {.type = S("text/plain"), .is_text = true, .content = S("x\n--=_aaaaaaaaaaaaaaaaaaaaaaaaaaaa\ny")},
        {.type = S("image/png"), .content = S("\x89PNG"), .disposition = ENTITY_ATTACHMENT},
    };
    const struct entity root = {.type = S("multipart/mixed"), .children = leaves, .child_count = 2};
    BUF_AUTO out = {0};
    ARENA_AUTO arena = {0};
    struct message m;
    entity_write(&root, &rand, &out);
    assert_int_equal(script.calls, 2);
    message_parse(buf_str(&out), &arena, &m);
    assert_int_equal(m.part_count, 2);
    assert_true(str_eq(m.text->body, STR("x\r\n--=_aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\ny")));
    assert_int_equal(m.parts[1].size, 4);
}

static void a_message_is_taken_apart(void **state) {
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO text = {0};
    struct message m;
    struct str bytes =
        STR("Subject: =?utf-8?Q?p=C5=99?=\r\nFrom: a@b.example\r\nSubject: second\r\n"
            "Content-Type: Multipart/Mixed; boundary=\"o\"\r\n\r\npreamble\r\n"
            "--o\r\nContent-Type: multipart/related; boundary=oo\r\n\r\n"
            "--oo\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E9\r\n"
            "--oo\r\nContent-Type: image/png\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"
            "--oo--  \r\nepilogue\r\n--oox\r\n"
            "--o\r\n\r\nimplicit text\r\n--o not a boundary\r\n"
            "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n"
            "--o\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nfile\r\n--o--\r\nend\r\n");
    message_parse(bytes, &arena, &m);
    assert_false(m.is_truncated);
    assert_true(str_eq(m.subject, STR("p\xC5\x99")));
    assert_true(str_eq(m.from, STR("a@b.example")));
    assert_int_equal(m.to.n, 0);
    assert_int_equal(m.part_count, 5);
    assert_ptr_equal(m.html, &m.parts[0]);
    message_part_text(m.html, &text);
    assert_true(str_eq(buf_str(&text), STR("<p>\xC3\xA9")));
    assert_true(m.parts[1].is_inline && m.parts[1].is_attachment);
    assert_int_equal(m.parts[1].size, 3);
    assert_true(str_eq(m.parts[1].content_id, STR("i@x")));
    assert_ptr_equal(m.text, &m.parts[2]);
    assert_true(str_eq(m.text->body, STR("implicit text\r\n--o not a boundary")));
    assert_true(str_eq(m.parts[3].type, STR("message/rfc822")));
    assert_true(str_eq(m.parts[4].filename, STR("a.txt")) && m.parts[4].is_attachment);
    for (size_t n = 0; n < bytes.n; n++) message_parse(str_sub(bytes, 0, n), &arena, &m);
}

static void a_message_without_structure_is_text(void **state) { /* MI03, MI04, MI10 */
    (void)state;
    static const struct {
        struct str in, body;
    } cases[] = {
        {S(""), S("")},
        {S("no header at all\r\n"), S("no header at all\r\n")},
        {S("A: b\r\nnot a field\r\n"), S("not a field\r\n")},
        {S("Content-Type: multipart/mixed\r\n\r\nx"), S("x")},
        {S("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nx"), S("x")},
        {S("Content-Type: ????\r\n\r\nx"), S("x")},
        {S("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nunclosed"), S("unclosed")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct message m;
        message_parse(cases[i].in, &arena, &m);
        assert_int_equal(m.part_count, 1);
        assert_true(str_eq(m.parts[0].body, cases[i].body));
    }
}

static void nesting_and_parts_are_capped(void **state) { /* MI01, MI02, MI05 */
    (void)state;
    ARENA_AUTO arena = {0};
    BUF_AUTO deep = {0};
    BUF_AUTO wide = {0};
    BUF_AUTO trees = {0};
    struct message m;
    for (unsigned i = 0; i < 10000; i++) buf_addf(&deep, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    message_parse(buf_str(&deep), &arena, &m);
    assert_true(m.is_truncated);
    assert_int_equal(m.part_count, 1);
    buf_add_z(&wide, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    buf_add_str(&trees, buf_str(&wide));
    for (unsigned i = 0; i < 1000000; i++) buf_add_z(&wide, "--b\r\n\r\n");
    message_parse(buf_str(&wide), &arena, &m);
    assert_true(m.is_truncated);
    assert_in_range(m.part_count, 900, MIME_WALK_ENTITIES_MAX);
    for (unsigned i = 0; i < 100000; i++) buf_add_z(&trees, "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n");
    message_parse(buf_str(&trees), &arena, &m);
    assert_true(m.is_truncated);
    assert_true(arena.used_bytes < 8u << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_leave_with_crlf_and_come_back),
        cmocka_unit_test(long_lines_are_broken),
        cmocka_unit_test(the_encoding_fits_the_text),
        cmocka_unit_test(broken_bodies_decode_to_something_defined),
        cmocka_unit_test(bytes_come_back_from_base64),
        cmocka_unit_test(a_boundary_never_stands_in_a_text),
        cmocka_unit_test(a_message_is_taken_apart),
        cmocka_unit_test(a_message_without_structure_is_text),
        cmocka_unit_test(nesting_and_parts_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
