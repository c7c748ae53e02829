/* test_downgrade.c - what is 8-bit leaves in seven bits, and nothing else changes (RFC 6152 3, OB31).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/downgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define E "\xC3\xA9"

static void check(const char *in, const char *expected) {
    BUF_AUTO out = {0};
    assert_null(downgrade(str_from_z(in), &out));
    assert_string_equal(out.p, expected);
}

static void refuse(const char *in, const char *expected) {
    BUF_AUTO out = {0};
    const char *why = downgrade(str_from_z(in), &out);
    assert_non_null(why);
    assert_string_equal(why, expected);
}

static void test_a_text_becomes_quoted_printable(void **state) {
    (void)state;
    check("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX-A: b\r\n\r\n"
          "caf" E " = 1 \r\n-- \r\nand so on, and so on\r\n",
          "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
          "X-A: b\r\n\r\ncaf=C3=A9 =3D 1=20\r\n=2D-=20\r\nand so on, and so on\r\n");
}

/* A message that never said what it is gets what readers need. */
static void test_a_bare_message(void **state) {
    (void)state;
    check("Subject: x\r\n\r\ncaf" E ", and more\r\n",
          "Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9, and more\r\n");
}

static void test_only_the_leaf_that_needs_it(void **state) {
    (void)state;
    check("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre" E
          "\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n--b\r\n\r\n" E
          " and a few words\r\n--b\r\nContent-Type: image/x\r\n\r\n\xFF\x80\r\n--b--\r\nepi" E "\r\n",
          "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n?re??"
          "\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n--b\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 and a few words\r\n--b\r\nContent-Type: image/x\r\n"
          "Content-Transfer-Encoding: base64\r\n\r\n/4A=\r\n--b--\r\n?pi??\r\n");
}

static void test_a_message_inside_is_gone_into(void **state) {
    (void)state;
    check("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\nMIME-Version: 1.0\r\n\r\nSubject: in\r\n\r\n" E
          ": so it says\r\n",
          "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n\r\nSubject: in\r\n"
          "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9: so it says\r\n");
}

static void test_ascii_is_left_as_it_is(void **state) {
    (void)state;
    static const char *const as_they_are[] = {
        "Subject: x\r\n\r\nplain\r\n",
        "Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n",
        "Content-Type: multipart/signed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        "no header",
        "",
    };
    for (size_t i = 0; i < sizeof as_they_are / sizeof as_they_are[0]; i++) {
        BUF_AUTO out = {0};
        assert_null(downgrade(str_from_z(as_they_are[i]), &out));
        assert_true(str_eq(buf_str(&out), str_from_z(as_they_are[i])));
    }
}

static void test_what_was_signed_is_not_touched(void **state) {
    (void)state;
    const char *sealed = "A part that is signed or encrypted holds 8-bit text, and must not be changed";
    refuse("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" E "\r\n--b--\r\n", sealed);
    refuse(
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n" E
        "\r\n--c--\r\n--b--\r\n",
        sealed);
    refuse("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n" E
           "\r\n--b--\r\n",
           sealed);
    refuse("Content-Type: application/pkcs7-mime\r\n\r\n" E "\r\n", sealed);
    refuse("Content-Type: text/plain; name=" E "\r\n\r\n" E "\r\n", "A header field goes beyond ASCII");
    refuse("Content-Transfer-Encoding: x-uuencode\r\n\r\n" E "\r\n", "An 8-bit part has an encoding that is not known here");
}

/* P5: no line that encoding makes is taken for a boundary. */
static void test_p5_no_boundary_comes_from_encoding(void **state) {
    (void)state;
    BUF_AUTO in = {0};
    BUF_AUTO out = {0};
    buf_add_z(&in, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
    for (int i = 0; i < 75; i++) buf_add_char(&in, 'x');
    buf_add_z(&in, "--b\r\nfollows, and many a word to make it text " E "\r\n--b--\r\n");
    assert_null(downgrade(buf_str(&in), &out));
    assert_non_null(strstr(out.p, "=\r\n=2D-b\r\nfollows"));
}

static void test_messages_inside_messages_have_an_end(void **state) {
    (void)state;
    BUF_AUTO in = {0};
    for (int i = 0; i < 20; i++) buf_add_z(&in, "Content-Type: message/rfc822\r\n\r\n");
    buf_add_z(&in, "A: b\r\n\r\n" E "\r\n");
    refuse(in.p, "Too many messages stand inside each other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_becomes_quoted_printable),
        cmocka_unit_test(test_a_bare_message),
        cmocka_unit_test(test_only_the_leaf_that_needs_it),
        cmocka_unit_test(test_a_message_inside_is_gone_into),
        cmocka_unit_test(test_ascii_is_left_as_it_is),
        cmocka_unit_test(test_what_was_signed_is_not_touched),
        cmocka_unit_test(test_p5_no_boundary_comes_from_encoding),
        cmocka_unit_test(test_messages_inside_messages_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
