/* test_dkim.c - canonical forms, tag lists, key records and signatures (MI17 to MI20), with the signed example of RFC 8463.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/dkim/canon.h"
#include "proto/dkim/signature.h"
#include "proto/dkim/tags.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void bodies_are_canonical_at_every_cut(void **state) { /* MI17 */
    (void)state;
    static const struct {
        struct str in, canonical;
    } cases[] = {
        {S(""), S("")},
        {S("\r\n"), S("")},
        {S("\r\n\r\n \t\r\n"), S("")},
        {S("a"), S("a\r\n")},
        {S("a\r\n"), S("a\r\n")},
        {S("a\r\n\r\n\r\n"), S("a\r\n")},
        {S(" C \r\nD \t E\r\n\r\n\r\n"), S(" C\r\nD E\r\n")}, /* RFC 6376 3.4.5 */
        {S("a \t b\t\r\n\t\tc"), S("a b\r\n c\r\n")},
        {S("a\r\n \r\nb"), S("a\r\n\r\nb\r\n")},
        {S("a\nb\n"), S("a\r\nb\r\n")},
        {S("a\rb\r \rc\r"), S("a\rb\r \rc\r\r\n")},
        {S("a \r\r\n"), S("a \r\r\n")},
    };
    struct canon_body *c = canon_body_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sha256 expected = sha256(cases[i].canonical);
        for (size_t cut = 0; cut <= cases[i].in.n; cut++)
            for (size_t second = cut; second <= cases[i].in.n; second++) {
                canon_body_add(c, str_sub(cases[i].in, 0, cut));
                canon_body_add(c, str_sub(cases[i].in, cut, second - cut));
                canon_body_add(c, str_sub(cases[i].in, second, SIZE_MAX));
                struct sha256 got = canon_body_finish(c);
                if (memcmp(&got, &expected, sizeof got) != 0) fail_msg("case %zu cut at %zu, %zu", i, cut, second);
            }
    }
    canon_body_free(&c);
}

static void a_body_longer_than_a_block_is_hashed_whole(void **state) {
    (void)state;
    struct canon_body *c = canon_body_new();
    BUF_AUTO body = {0};
    BUF_AUTO canonical = {0};
    for (size_t i = 0; i < 3000; i++) {
        buf_addf(&body, "line  %zu \r\n", i);
        buf_addf(&canonical, "line %zu\r\n", i);
    }
    canon_body_add(c, buf_str(&body));
    struct sha256 got = canon_body_finish(c), expected = sha256(buf_str(&canonical));
    assert_memory_equal(&got, &expected, sizeof got);
    canon_body_free(&c);
}

static void fields_are_canonical(void **state) {
    (void)state;
    BUF_AUTO out = {0};
    canon_header(&out, STR("SUBJect"), STR(" A  \t B\r\n\t C \t "));
    canon_header(&out, STR("b"), STR(""));
    assert_string_equal(out.p, "subject:A B C\r\nb:\r\n");
}

static void tag_lists_are_read(void **state) { /* RFC 6376 3.2 */
    (void)state;
    static const struct str bad[] = {S(""),     S(";"),     S("a"),  S("a=1;;b=2"), S("a=1;a=2"),
                                     S("1a=x"), S("a b=x"), S("=x"), S("a=\x01")};
    struct dkim_tags t;
    assert_true(dkim_tags_parse(STR(" v = 1 ;a=x y;\r\n b=\r\n aG\r\n k= ; c= ; "), &t));
    assert_int_equal(t.count, 4);
    assert_true(str_eq(dkim_tags_find(&t, STR("v"))->value, STR("1")));
    assert_int_equal(dkim_tags_find(&t, STR("c"))->value.n, 0);
    assert_null(dkim_tags_find(&t, STR("V")));
    BUF_AUTO out = {0};
    assert_true(dkim_tag_base64(dkim_tags_find(&t, STR("b"))->value, &out));
    assert_string_equal(out.p, "hi");
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(dkim_tags_parse(bad[i], &t));
}

static const struct str rfc8463_key = S("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

static void key_records_are_judged(void **state) {
    (void)state;
    static const struct {
        struct str text;
        enum dkim_key_state state;
    } cases[] = {
        {S("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), DKIM_KEY_OK},
        {S("k=ed25519;p=11qYAYKxCrfVS/7TyWQHOg7 hcvPapiMlrwIaaPcHURo=; h=sha1:sha256; s=email; t=y:s"), DKIM_KEY_OK},
        {S("v=DKIM1; p="), DKIM_KEY_REVOKED},
        {S("v=DKIM1; k=rsa"), DKIM_KEY_MALFORMED},
        {S("v=DKIM1 p=abc"), DKIM_KEY_NOT_DKIM},
        {S("v=DKIM1; p"), DKIM_KEY_MALFORMED},
        {S("v=DKIM1; k=rsa; p=!!!!"), DKIM_KEY_MALFORMED},
        {S("v=DKIM1; k=ed25519; p=YWJj"), DKIM_KEY_MALFORMED},
        {S("v=DKIM1; k=dsa; p=YWJj"), DKIM_KEY_UNSUPPORTED},
        {S("v=DKIM1; k=ed25519; h=sha1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), DKIM_KEY_UNSUPPORTED},
        {S("v=DKIM1; k=ed25519; s=other; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), DKIM_KEY_UNSUPPORTED},
        {S("p=YWJj; v=DKIM1"), DKIM_KEY_NOT_DKIM},
        {S("v=spf1 -all"), DKIM_KEY_NOT_DKIM},
        {S("hello"), DKIM_KEY_NOT_DKIM},
        {S(""), DKIM_KEY_NOT_DKIM},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ARENA_AUTO arena = {0};
        struct dkim_key_record r;
        dkim_key_parse(cases[i].text, &arena, &r);
        if (r.state != cases[i].state) fail_msg("case %zu: %d", i, (int)r.state);
        assert_int_equal(r.is_testing, i == 1);
    }
}

/* RFC 8463 appendix A: the message, its two signatures and their keys. */
#define RFC_BODY                                                                                                                 \
    "From: Joe SixPack <joe@football.example.com>\r\n"                                                                           \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"                                                                               \
    "Subject: Is dinner ready?\r\n"                                                                                              \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                                                            \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"                                                           \
    "\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
static const struct str rfc_message = S(RFC_BODY);
static const struct str rfc_field = S("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                      " d=football.example.com; i=@football.example.com;\r\n"
                                      " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                      " subject : date : message-id : from : subject : date;\r\n"
                                      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                      " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
                                      " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n");

static void the_example_of_the_rfc_verifies(void **state) {
    (void)state;
    BUF_AUTO other = {0};
    assert_true(signature_verify(rfc_message, rfc_field, rfc8463_key));
    buf_add_str(&other, rfc_message);
    other.p[6] = 'M'; /* in From */
    assert_false(signature_verify(buf_str(&other), rfc_field, rfc8463_key));
    other.p[6] = rfc_message.p[6];
    assert_true(signature_verify(buf_str(&other), rfc_field, rfc8463_key));
    other.p[other.n - 5] = 'x'; /* in the body */
    assert_false(signature_verify(buf_str(&other), rfc_field, rfc8463_key));
}

struct pair {
    struct signkey *key;
    struct buf record;
};

static void make_pair(enum signkey_type type, struct pair *p) {
    SECRET_AUTO private_der = {0};
    BUF_AUTO public_key = {0};
    *p = (struct pair){0};
    assert_int_equal(signkey_generate(type, &private_der, &public_key), STATUS_OK);
    assert_int_equal(signkey_open(type, buf_str(&private_der), &p->key), STATUS_OK);
    dkim_key_format(type, buf_str(&public_key), &p->record);
}

static void sign(struct str message, struct pair *p, struct buf *out) {
    struct signed_headers h;
    struct str body;
    BUF_AUTO signature = {0};
    assert_int_equal(signed_headers_init(&h, message, &body), STATUS_OK);
    struct canon_body *c = canon_body_new();
    canon_body_add(c, body);
    struct signature_params params = {signkey_type(p->key), STR("example.com"), STR("s1"), 1790000000999, canon_body_finish(c)};
    struct sha256 hash = signature_prepare(&h, &params, out);
    assert_int_equal(signkey_sign(p->key, &hash, &signature), STATUS_OK);
    signature_finish(buf_str(&signature), out);
    canon_body_free(&c);
    signed_headers_fini(&h);
}

static void what_we_sign_verifies_and_cannot_be_extended(void **state) { /* MI17, MI18, MI20 */
    (void)state;
    static const struct str messages[] = {
        S("From: a@b.example\r\n\r\n"),
        S("From: a@b.example\r\nSubject: x\r\n\r\nbody  with blanks \r\n\r\n\r\n"),
        S("FROM:a@b.example\r\nTo: c@d.example,\r\n\te@f.example\r\nSubject:\r\n folded   text\r\nList-Unsubscribe: "
          "<https://x.example/u>\r\n"
          "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nno line "
          "end"),
        S("From: a@b.example"),
    };
    static const struct str additions[] = {S("Subject: forged\r\n"), S("From: x@y.example\r\n"), S("Reply-To: x@y.example\r\n"),
                                           S("Content-Type: text/html\r\n"), S("List-Unsubscribe-Post: x\r\n")};
    const enum signkey_type types[] = {SIGNKEY_RSA2048, SIGNKEY_ED25519};
    for (size_t t = 0; t < COUNT(types); t++) {
        struct pair pair;
        make_pair(types[t], &pair);
        for (size_t i = 0; i < COUNT(messages); i++) {
            BUF_AUTO field = {0};
            sign(messages[i], &pair, &field);
            assert_true(signature_verify(messages[i], buf_str(&field), buf_str(&pair.record)));
            assert_int_equal(str_find_str(buf_str(&field), STR(" l=")), STR_NONE);
            struct str rest = buf_str(&field), line;
            while (str_next(&rest, '\n', &line)) assert_true(line.n <= 79);
            for (size_t k = 0; k < COUNT(additions); k++) {
                BUF_AUTO more = {0};
                buf_add_str(&more, additions[k]);
                buf_add_str(&more, messages[i]);
                assert_false(signature_verify(buf_str(&more), buf_str(&field), buf_str(&pair.record)));
            }
        }
        signkey_free(&pair.key);
        buf_fini(&pair.record);
    }
}

static void a_broken_header_block_is_not_signed(void **state) { /* SM22 */
    (void)state;
    static const struct str messages[] = {S(""),
                                          S("\r\nbody"),
                                          S("Subject: no from\r\n\r\n"),
                                          S("From: a@b.example\nTo: c@d.example\r\n\r\n"),
                                          S("From: a@b.example\r\nX: a\rb\r\n\r\n"),
                                          S("From: a@b.example\r\nnot a field\r\n\r\n")};
    for (size_t i = 0; i < COUNT(messages); i++) {
        struct signed_headers h;
        struct str body;
        assert_int_equal(signed_headers_init(&h, messages[i], &body), STATUS_INVALID);
    }
    BUF_AUTO many = {0};
    struct signed_headers h;
    struct str body;
    buf_add_z(&many, "From: a@b.example\r\n");
    for (size_t i = 0; i < SIGNATURE_FIELDS_MAX; i++) buf_add_z(&many, "X: y\r\n");
    assert_int_equal(signed_headers_init(&h, buf_str(&many), &body), STATUS_INVALID);
}

static void broken_signatures_do_not_verify(void **state) {
    (void)state;
    for (size_t n = 0; n + 2 < rfc_field.n; n++)
        assert_false(signature_verify(rfc_message, str_sub(rfc_field, 0, n), rfc8463_key));
    for (size_t n = 0; n < rfc8463_key.n; n++) assert_false(signature_verify(rfc_message, rfc_field, str_sub(rfc8463_key, 0, n)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_canonical_at_every_cut),
        cmocka_unit_test(a_body_longer_than_a_block_is_hashed_whole),
        cmocka_unit_test(fields_are_canonical),
        cmocka_unit_test(tag_lists_are_read),
        cmocka_unit_test(key_records_are_judged),
        cmocka_unit_test(the_example_of_the_rfc_verifies),
        cmocka_unit_test(what_we_sign_verifies_and_cannot_be_extended),
        cmocka_unit_test(a_broken_header_block_is_not_signed),
        cmocka_unit_test(broken_signatures_do_not_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
