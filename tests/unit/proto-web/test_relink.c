/* test_relink.c - whole messages with their links replaced: which parts are edited and which never are (MI14, MI15, MI16), what
 * becomes of their encodings, and that every byte else stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto-web/html_fixtures.h"
#include "relink_undo.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define FIXTURES_LEAST 120
#define HEAD           "Subject: x\r\nMIME-Version: 1.0\r\n"
#define MIXED          HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\nThis is MIME.\r\n"
#define HTML           "Content-Type: text/html; charset=utf-8\r\n"
#define LINK           "<a href=\"https://a.example/1\">1</a>"
#define PIXEL          "<img src=\"https://t.example/o\">"

static bool replace(void *user, const struct html_link *link, struct buf *ret) {
    (void)user;
    buf_addf(ret, "https://t.example/c/%zu", link->index);
    return true;
}

static const struct relink everything = {.replace = replace, .pixel = RELINK_PIXEL, .in_text = true};

static void assert_relinks(const char *name, struct str before, const struct relink *how, struct str want) {
    BUF_AUTO out = {0};
    bool is_changed = relink_message(before, how, &out);
    if (is_changed != (want.n > 0) || !str_eq(buf_str(&out), want))
        fail_msg("%s: became\n%.*s\n-- not\n%.*s", name, STR_ARG(buf_str(&out)), STR_ARG(want));
}

/* ---- what is edited ---- */
static void texts_are_edited_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *name, *before, *after;
    } cases[] = {
        {"alone", HEAD HTML "\r\n<p>" LINK "</p>\r\n",
         HEAD HTML "\r\n<p><a href=\"https://t.example/c/0\">1</a></p>" PIXEL "\r\n"},
        {"no link", HEAD HTML "\r\n<p>hi</p>\r\n", HEAD HTML "\r\n<p>hi</p>" PIXEL "\r\n"},
        {"no header but a type", "content-type: TEXT/HTML\r\n\r\n" LINK,
         "content-type: TEXT/HTML\r\n\r\n<a href=\"https://t.example/c/0\">1</a>" PIXEL},
        {"alternatives",
         MIXED "--b\r\nContent-Type: text/plain\r\n\r\nSee https://a.example/0.\r\n--b \r\n" HTML "\r\n" LINK
               "\r\n--b--\r\nThe end.",
         MIXED "--b\r\nContent-Type: text/plain\r\n\r\nSee https://t.example/c/0.\r\n--b \r\n" HTML
               "\r\n<a href=\"https://t.example/c/1\">1</a>" PIXEL "\r\n--b--\r\nThe end."},
        {"one pixel, links count on", MIXED "--b\r\n" HTML "\r\n" LINK "\r\n--b\r\n" HTML "\r\n" LINK LINK "\r\n--b--\r\n",
         MIXED "--b\r\n" HTML "\r\n<a href=\"https://t.example/c/0\">1</a>" PIXEL "\r\n--b\r\n" HTML
               "\r\n<a href=\"https://t.example/c/1\">1</a><a href=\"https://t.example/c/2\">1</a>\r\n--b--\r\n"},
        {"the pixel goes where it can",
         MIXED "--b\r\nContent-Type: text/html; charset=utf-16\r\n\r\n" LINK "\r\n--b\r\n" HTML "\r\nhi\r\n--b--\r\n",
         MIXED "--b\r\nContent-Type: text/html; charset=utf-16\r\n\r\n" LINK "\r\n--b\r\n" HTML "\r\nhi" PIXEL "\r\n--b--\r\n"},
        {"an empty text in front of a boundary", MIXED "--b\r\n" HTML "\r\n--b--\r\n",
         MIXED "--b\r\n" HTML "\r\n" PIXEL "\r\n--b--\r\n"},
        {"quoted-printable stays so",
         HEAD HTML
         "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n<b title=3D\"=C3=A4\">=\r\n<a href=3D\"http://a.example\">\r\n",
         HEAD HTML "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n<b title=3D\"=C3=A4\"><a href=3D\"https://t.example/c/0\">"
                   "<img src=3D\"https://t=\r\n.example/o\">\r\n"},
        {"so does base64, and its bare line ends", HEAD HTML "Content-Transfer-Encoding: base64\r\n\r\nPHA+\r\naGkKPC9wPgo=\r\n",
         HEAD HTML "Content-Transfer-Encoding: base64\r\n\r\nPHA+aGkKPC9wPjxpbWcgc3JjPSJodHRwczovL3QuZXhhbXBsZS9vIj4K\r\n"},
        {"quoted-printable cannot hold bare line ends",
         HEAD "Content-Transfer-Encoding: quoted-printable\r\n" HTML "\r\n<p>=0Ahi</p>\r\n",
         HEAD "Content-Transfer-Encoding: base64\r\n" HTML
              "\r\nPHA+CmhpPC9wPjxpbWcgc3JjPSJodHRwczovL3QuZXhhbXBsZS9vIj4NCg==\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_relinks(cases[i].name, str_from_z(cases[i].before), &everything, str_from_z(cases[i].after));
}

/* ---- what never is ---- */
static void the_rest_is_left_alone(void **state) {
    (void)state;
    static const struct {
        const char *name, *before;
    } cases[] = {
        {"signed", HEAD "Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"\r\n\r\n--b\r\n" HTML
                        "\r\n" LINK "\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"},
        {"below a signature", HEAD "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; "
                                   "boundary=b\r\n\r\n--b\r\n" HTML "\r\n" LINK "\r\n--b--\r\n--a--\r\n"},
        {"encrypted", HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n" HTML "\r\n" LINK "\r\n--b--\r\n"},
        {"S/MIME", HEAD "Content-Type: application/pkcs7-mime\r\n\r\n" LINK "\r\n"},
        {"PGP in a text", HEAD HTML "\r\n<pre>\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n" LINK "\r\n"},
        {"AMP", HEAD "Content-Type: text/x-amp-html\r\n\r\n" LINK "\r\n"},
        {"calendar", HEAD "Content-Type: text/calendar\r\n\r\nURL:https://a.example/\r\n"},
        {"forwarded", MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n" HTML "\r\n" LINK "\r\n--b--\r\n"},
        {"forwarded in a digest", HEAD "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: y\r\n\r\n"
                                       "See https://a.example/\r\n--b--\r\n"},
        {"attachment", HEAD HTML "Content-Disposition: attachment\r\n\r\n" LINK "\r\n"},
        {"another disposition", HEAD HTML "Content-Disposition: form-data\r\n\r\n" LINK "\r\n"},
        {"a file", HEAD HTML "Content-Disposition: inline; filename=a.html\r\n\r\n" LINK "\r\n"},
        {"a named one", HEAD "Content-Type: text/html; name=a.html\r\n\r\n" LINK "\r\n"},
        {"charset", HEAD "Content-Type: text/html; charset=utf-7\r\n\r\n" LINK "\r\n"},
        {"encoding", HEAD HTML "Content-Transfer-Encoding: x-uuencode\r\n\r\n" LINK "\r\n"},
        {"checked", HEAD HTML "Content-MD5: x\r\n\r\n" LINK "\r\n"},
        {"lines that go on", HEAD "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nhttps://a.example/ \r\nb\r\n"},
        {"no empty line", "Content-Type: text/html\r\n" LINK "\r\n"},
        {"nothing", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_relinks(cases[i].name, str_from_z(cases[i].before), &everything, STR(""));
}

static void plain_texts_are_asked_for(void **state) {
    (void)state;
    const struct relink html_only = {.replace = replace, .pixel = RELINK_PIXEL};
    struct str text = STR(HEAD "\r\nhttps://a.example/\r\n");
    assert_relinks("not asked for", text, &html_only, STR(""));
    assert_relinks("asked for", text, &everything, STR(HEAD "\r\nhttps://t.example/c/0\r\n"));
    assert_relinks("nothing asked for", STR(HEAD HTML "\r\n" LINK "\r\n"), &(struct relink){.in_text = true}, STR(""));
}

/* What lies behind the bound is not walked over, so nothing may be changed (MI01, MI02). */
static void too_many_parts_are_left_alone(void **state) {
    (void)state;
    BUF_AUTO message = {0};
    buf_add_z(&message, MIXED);
    for (int i = 0; i < 1100; i++) buf_add_z(&message, "--b\r\n" HTML "\r\n" LINK "\r\n");
    assert_relinks("many", buf_str(&message), &everything, STR(""));
}

static void big_parts_are_left_alone(void **state) { /* P8 */
    (void)state;
    for (int is_over = 0; is_over < 2; is_over++) {
        BUF_AUTO message = {0};
        BUF_AUTO out = {0};
        size_t n = RELINK_PART_MAX - STR(LINK "\r\n").n + (size_t)is_over;
        buf_add_z(&message, HEAD HTML "\r\n");
        for (size_t i = 0; i < n; i++) buf_add_char(&message, i % 80 == 79 ? '.' : 'a');
        for (size_t i = 0; i + 80 < n; i += 80) memcpy(message.p + STR(HEAD HTML "\r\n").n + i + 78, "\r\n", 2);
        buf_add_z(&message, LINK "\r\n");
        assert_int_equal(relink_message(buf_str(&message), &everything, &out), !is_over);
    }
}

/* ---- lines ---- */
/* A line that the edit makes too long for SMTP is a reason for another encoding; one that is long enough already too. */
static void long_lines_become_quoted_printable(void **state) {
    (void)state;
    for (size_t n = 900; n <= 1000; n += 100) {
        BUF_AUTO in = {0};
        BUF_AUTO out = {0};
        buf_add_z(&in, "Subject: x\r\n" HTML "Content-Transfer-Encoding: 7bit\r\nX-Last: 1\r\n\r\n");
        for (size_t i = 0; i < n; i++) buf_add_char(&in, 'a');
        buf_add_z(&in, LINK LINK "\r\n");
        assert_true(relink_message(buf_str(&in), &everything, &out));
        assert_true(str_starts(buf_str(&out), STR("Subject: x\r\n" HTML
                                                  "Content-Transfer-Encoding: quoted-printable\r\nX-Last: 1\r\nMIME-Version: "
                                                  "1.0\r\n\r\naaa")));
        const struct relink how = {.replace = replace, .pixel = RELINK_PIXEL};
        assert_null(relink_undo(buf_str(&in), buf_str(&out), &how));
    }
}

/* ---- fixtures ---- */
static bool read_fixture(const char *name, struct buf *out) {
    BUF_AUTO path = {0};
    buf_addf(&path, "%s/%s", FIXTURE_DIR, name);
    FILE *f = fopen(path.p, "rb");
    if (!f) return false;
    for (size_t n = 1; n > 0;) {
        n = fread(buf_reserve(out, 65536), 1, 65536, f);
        buf_grew(out, n);
    }
    fclose(f);
    return true;
}

static void make_message(struct str html, enum body_encoding encoding, struct buf *out) {
    buf_addf(out, MIXED "--b\r\n\r\nhttps://a.example/\r\n--b\r\n" HTML "Content-Transfer-Encoding: %s\r\n\r\n",
             body_encoding_name(encoding));
    if (encoding == BODY_BASE64)
        body_add_base64(out, html);
    else
        body_add_text(out, encoding, html);
    buf_add_z(out, "\r\n--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n" LINK "\r\n--b--\r\n");
}

/* Every fixture of tests/html, in every encoding: the message is the old one again when our edits are taken back. */
static void fixtures_have_no_other_changes(void **state) {
    (void)state;
    static const enum body_encoding encodings[] = {BODY_8BIT, BODY_QUOTED_PRINTABLE, BODY_BASE64};
    const struct relink how = {.replace = relink_undo_link, .pixel = RELINK_PIXEL};
    size_t count = 0;
    DIR *folder = opendir(FIXTURE_DIR);
    assert_non_null(folder);
    for (struct dirent *it; (it = readdir(folder));) {
        BUF_AUTO html = {0};
        if (!str_ends(str_from_z(it->d_name), STR(".html"))) continue;
        assert_true(read_fixture(it->d_name, &html));
        count++;
        for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
            BUF_AUTO in = {0};
            BUF_AUTO out = {0};
            make_message(buf_str(&html), encodings[i], &in);
            bool is_changed = relink_message(buf_str(&in), &how, &out);
            const char *why = is_changed && !str_eq(buf_str(&in), buf_str(&out)) ? relink_undo(buf_str(&in), buf_str(&out), &how)
                                                                                 : "it has no pixel";
            if (why) fail_msg("%s, %s: %s", it->d_name, body_encoding_name(encodings[i]), why);
        }
    }
    closedir(folder);
    assert_true(count >= FIXTURES_LEAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_edited_and_nothing_else), cmocka_unit_test(the_rest_is_left_alone),
        cmocka_unit_test(plain_texts_are_asked_for),         cmocka_unit_test(too_many_parts_are_left_alone),
        cmocka_unit_test(big_parts_are_left_alone),          cmocka_unit_test(long_lines_become_quoted_printable),
        cmocka_unit_test(fixtures_have_no_other_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
