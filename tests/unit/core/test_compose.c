/* test_compose.c - submissions refused (HI01 to HI20) and submissions written, read back with our own walker.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/compose.h"

#include "proto/mime/header.h"
#include "proto/mime/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S(literal)   STR_INIT(literal)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A plain submission with room for one of each list. */
struct sample {
    struct compose_mailbox to, cc, bcc, reply_to;
    struct compose_header header;
    struct compose_attachment attachment;
    struct submission s;
};

static void sample_init(struct sample *x) {
    *x = (struct sample){.to = {.email = STR("to@b.example"), .name = STR("To")}};
    x->s = (struct submission){.from = {.email = STR("me@example.com"), .name = STR("Me")},
                               .to = {&x->to, 1},
                               .subject = STR("Hello"),
                               .text = STR("text"),
                               .date_ms = 1790000000000,
                               .message_id = STR("1@example.com")};
}

/* Check x and compare with what is refused: "Field why", or "" for nothing. */
static void expect(struct sample *x, const char *refusal) {
    ARENA_AUTO arena = {0};
    BUF_AUTO got = {0};
    struct compose_verdict v;
    bool is_good = compose_check(&x->s, &arena, &v);
    assert_int_equal(is_good, v.count == 0);
    for (size_t i = 0; i < v.count; i++) {
        if (i) buf_add_z(&got, "; ");
        compose_refusal_field(&v.refusals[i], &got);
        buf_addf(&got, " %s", v.refusals[i].why);
    }
    if (!str_eq(buf_str(&got), str_from_z(refusal))) fail_msg("got: %s, wanted: %s", got.p ? got.p : "", refusal);
}

static void control_characters_are_refused_with_the_field_named(void **state) { /* HI01 to HI05, AD01 */
    (void)state;
    static const struct str bad[] = {
        S("a\r\nBcc: x@y.example"), S("a\nb"), S("a\rb"), S("a\0b"), S("\r\n"), S("a\r\n b"), S("a\x1B[2J")};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sample x;
        sample_init(&x);
        x.s.subject = bad[i];
        expect(&x, "Subject holds a control character");
        sample_init(&x);
        x.s.from.name = bad[i];
        expect(&x, "From.name holds a control character");
        sample_init(&x);
        x.to.name = bad[i];
        expect(&x, "To[0].name holds a control character");
        sample_init(&x);
        x.s.headers = &x.header;
        x.s.header_count = 1;
        x.header = (struct compose_header){STR("X-Custom"), bad[i]};
        expect(&x, "Headers[0].value holds a control character");
        x.header = (struct compose_header){bad[i], STR("v")};
        expect(&x, "Headers[0].name is not a header name");
    }
}

static void bad_addresses_are_refused_in_every_group(void **state) {
    (void)state;
    struct sample x;
    sample_init(&x);
    x.to.email = x.cc.email = x.bcc.email = x.reply_to.email = x.s.from.email = STR("a@b@c.example");
    x.s.cc = (struct compose_group){&x.cc, 1};
    x.s.bcc = (struct compose_group){&x.bcc, 1};
    x.s.reply_to = (struct compose_group){&x.reply_to, 1};
    expect(&x, "From.email is not an e-mail address; To[0].email is not an e-mail address; CC[0].email is not an e-mail address; "
               "BCC[0].email is not an e-mail address; ReplyTo[0].email is not an e-mail address");
}

static void custom_headers_follow_the_table(void **state) { /* HI06, HI07, HI10, HI11, HI17, HI20 */
    (void)state;
    static const struct {
        struct str name, value;
        const char *refusal;
    } cases[] = {
        {S("X-Ok"), S("fine \xC3\xA9"), ""},
        {S("X-Ok"), S(""), ""},
        {S(""), S("v"), "Headers[0].name is empty"},
        {S("a:b"), S("v"), "Headers[0].name is not a header name"},
        {S("a b"), S("v"), "Headers[0].name is not a header name"},
        {S("\xC3\xA9"), S("v"), "Headers[0].name is not a header name"},
        {S("fROM"), S("v"), "Headers[0].name is a reserved header"},
        {S("Sender"), S("v"), "Headers[0].name is a reserved header"},
        {S("bcc"), S("v"), "Headers[0].name is a reserved header"},
        {S("Return-Path"), S("v"), "Headers[0].name is a reserved header"},
        {S("Received"), S("v"), "Headers[0].name is a reserved header"},
        {S("Received-SPF"), S("v"), "Headers[0].name is a reserved header"},
        {S("DKIM-Signature"), S("v"), "Headers[0].name is a reserved header"},
        {S("ARC-Seal"), S("v"), "Headers[0].name is a reserved header"},
        {S("Date"), S("v"), "Headers[0].name is a reserved header"},
        {S("Message-Id"), S("v"), "Headers[0].name is a reserved header"},
        {S("Mime-Version"), S("v"), "Headers[0].name is a reserved header"},
        {S("content-anything"), S("v"), "Headers[0].name is a reserved header"},
        {S("x-posthorn-x"), S("v"), "Headers[0].name is a reserved header"},
        {S("Resent-From"), S("v"), "Headers[0].name is a reserved header"},
        {S("In-Reply-To"), S("<a@b> <c@d>"), ""},
        {S("References"), S("a@b"), "Headers[0].value is not a list of message ids"},
        {S("References"), S("<a@b> (c)"), "Headers[0].value is not a list of message ids"},
        {S("List-Unsubscribe"), S("<https://x.example/u>, <mailto:u@x.example>"), ""},
        {S("List-Unsubscribe"), S("<https://x.example/u> (comment)"), "Headers[0].value is not a list of URIs in angle brackets"},
        {S("List-Unsubscribe"), S("https://x.example/u"), "Headers[0].value is not a list of URIs in angle brackets"},
        {S("List-Unsubscribe"), S("<https://x.example/u>,"), "Headers[0].value is not a list of URIs in angle brackets"},
        {S("List-Unsubscribe-Post"), S("List-Unsubscribe=One-Click"), ""},
        {S("List-Unsubscribe-Post"), S("yes"), "Headers[0].value is not List-Unsubscribe=One-Click"},
        {S("List-Id"), S("News <news.x.example>"), ""},
        {S("List-Id"), S("News (c) <news.x.example>"), "Headers[0].value is not a list id in angle brackets"},
        {S("X-Bad"), S("\xFF"), "Headers[0].value is not valid UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample x;
        sample_init(&x);
        x.header = (struct compose_header){cases[i].name, cases[i].value};
        x.s.headers = &x.header;
        x.s.header_count = 1;
        expect(&x, cases[i].refusal);
    }
    struct compose_header twice[] = {{STR("List-Id"), STR("<a.b>")}, {STR("list-id"), STR("<a.b>")}};
    struct compose_header free_twice[] = {{STR("X-A"), STR("1")}, {STR("X-A"), STR("2")}};
    struct sample x;
    sample_init(&x);
    x.s.headers = twice;
    x.s.header_count = 2;
    expect(&x, "Headers[1].name may stand only once");
    x.s.headers = free_twice;
    expect(&x, "");
}

static void sizes_are_bounded(void **state) { /* HI20, P8 */
    (void)state;
    BUF_AUTO big = {0};
    for (size_t i = 0; i < 1 << 20; i++) buf_add_char(&big, i % 2 ? 'a' : ' ');
    struct sample x;
    sample_init(&x);
    x.s.subject = x.to.name = x.header.value = x.attachment.filename = buf_str(&big);
    x.header.name = STR("X-Big");
    x.s.headers = &x.header;
    x.s.header_count = 1;
    x.s.attachments = &x.attachment;
    x.s.attachment_count = 1;
    expect(&x, "To[0].name is too long; Subject is too long; Headers[0].value is too long; Attachments[0].filename is too long");
    x.to.name = x.s.subject = x.attachment.filename = STR("");
    x.header.value = str_sub(buf_str(&big), 0, COMPOSE_HEADER_VALUE_MAX);
    expect(&x, "");
    BUF_AUTO word = {0};
    for (size_t i = 0; i < HEADER_WORD_MAX + 1; i++) buf_add_char(&word, 'w');
    x.header.value = buf_str(&word);
    expect(&x, "Headers[0].value holds a word that is too long");
}

static void attachments_are_judged(void **state) { /* HI08 to HI10 */
    (void)state;
    static const struct {
        struct str type, id;
        const char *refusal;
    } cases[] = {
        {S(""), S(""), ""},
        {S("text/plain; boundary=x; charset=utf-8"), S("<a@b>"), ""},
        {S("text"), S("logo.png"), "Attachments[0].type is not a media type"},
        {S("text/plain\r\nX: y"), S(""), "Attachments[0].type holds a control character"},
        {S("a/b/c"), S(""), "Attachments[0].type is not a media type"},
        {S("image/png"), S("a>b"), "Attachments[0].contentid is not a content id"},
        {S("image/png"), S("<"), "Attachments[0].contentid is not a content id"},
        {S("image/png"), S("a\r\nb"), "Attachments[0].contentid is not a content id"},
        {S("image/png"), S("<>"), "Attachments[0].contentid is not a content id"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample x;
        sample_init(&x);
        x.attachment = (struct compose_attachment){.content_type = cases[i].type, .content_id = cases[i].id};
        x.s.attachments = &x.attachment;
        x.s.attachment_count = 1;
        expect(&x, cases[i].refusal);
    }
}

/* Two inline parts of one content id: a cid: link could mean either. */
static void inline_parts_have_different_ids(void **state) {
    (void)state;
    static const struct {
        struct str second;
        bool is_inline;
        const char *refusal;
    } cases[] = {
        {S("<logo>"), true, "Attachments[1].contentid is the content id of another inline part too"},
        {S("logo"), true, "Attachments[1].contentid is the content id of another inline part too"},
        {S("logo2"), true, ""},
        {S(""), true, ""},
        {S("logo"), false, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sample x;
        sample_init(&x);
        const struct compose_attachment pair[] = {
            {.content_type = S("image/png"), .content_id = S("logo"), .is_inline = true},
            {.content_type = S("image/png"), .content_id = cases[i].second, .is_inline = cases[i].is_inline}};
        x.s.attachments = pair;
        x.s.attachment_count = 2;
        expect(&x, cases[i].refusal);
    }
}

/* Check and write; then what holds for every message. */
static void write_message(struct submission *s, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct compose_verdict v;
    assert_true(compose_check(s, &arena, &v));
    compose_message(s, rand_system(), out);
    size_t column = 0;
    for (size_t i = 0; i < out->n; i++) {
        if (out->p[i] == '\r') assert_true(out->p[i + 1] == '\n');
        if (out->p[i] == '\n') assert_true(i > 0 && out->p[i - 1] == '\r');
        column = out->p[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 999);
    }
    assert_true(str_ends(buf_str(out), STR("\r\n")));
}

static void expect_field(struct str message, const char *name, const char *value) {
    struct header_field f;
    BUF_AUTO unfolded = {0};
    assert_true(header_find(message, str_from_z(name), &f));
    header_unfold(&unfolded, f.value);
    assert_string_equal(unfolded.p, value);
}

static void a_plain_message(void **state) {
    (void)state;
    struct sample x;
    BUF_AUTO out = {0};
    sample_init(&x);
    write_message(&x.s, &out);
    assert_string_equal(out.p, "From: Me <me@example.com>\r\nTo: To <to@b.example>\r\nSubject: Hello\r\n"
                               "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\ntext\r\n");
}

static void an_empty_message_is_still_one(void **state) {
    (void)state;
    struct sample x;
    BUF_AUTO out = {0};
    sample_init(&x);
    x.s.text = x.s.subject = STR("");
    x.s.to.count = 0;
    write_message(&x.s, &out);
    expect_field(buf_str(&out), "Content-Type", "text/plain; charset=utf-8");
    assert_true(str_ends(buf_str(&out), STR("\r\n\r\n")));
}

static void bcc_is_nowhere(void **state) { /* HI16 */
    (void)state;
    struct sample x;
    BUF_AUTO out = {0};
    sample_init(&x);
    x.bcc = (struct compose_mailbox){.email = STR("hidden@b.example"), .name = STR("Hidden")};
    x.s.bcc = (struct compose_group){&x.bcc, 1};
    write_message(&x.s, &out);
    assert_int_equal(str_find_str(buf_str(&out), STR("idden")), STR_NONE);
}

static void a_full_tree_reads_back(void **state) { /* HI08, HI09, SM18 */
    (void)state;
    static const struct compose_attachment attachments[] = {
        {.filename = S("..\\dir/p\xC5\x99"
                       "ehled\r\n\xE2\x80\xAE.pdf"),
         .content_type = S("application/pdf"),
         .content = S("%PDF\0\r\n.\r\n")},
        {.filename = S("mail.eml"), .content_type = S("message/rfc822"), .content = S("Subject: x\n\ny")},
        {.filename = S("logo.png"),
         .content_type = S("IMAGE/PNG; x=\"\""),
         .content = S("\x89PNG"),
         .content_id = S("<logo>"),
         .is_inline = true},
    };
    struct sample x;
    BUF_AUTO out = {0};
    ARENA_AUTO arena = {0};
    struct message m;
    sample_init(&x);
    x.s.subject = STR("P\xC5\x99"
                      "edm\xC4\x9Bt \xE4\xB8\x96\xE7\x95\x8C");
    x.s.html = STR("<p>\xC3\xA9</p>\n.\n");
    x.s.text = STR("a\r.\rb");
    x.s.attachments = attachments;
    x.s.attachment_count = COUNT(attachments);
    write_message(&x.s, &out);
    message_parse(buf_str(&out), &arena, &m);
    assert_true(str_eq(m.subject, x.s.subject));
    assert_int_equal(m.part_count, 5);
    BUF_AUTO text = {0};
    BUF_AUTO html = {0};
    BUF_AUTO pdf = {0};
    message_part_text(m.text, &text);
    message_part_text(m.html, &html);
    message_part_bytes(&m.parts[3], &pdf);
    assert_string_equal(text.p, "a\r\n.\r\nb");
    assert_string_equal(html.p, "<p>\xC3\xA9</p>\r\n.\r\n");
    assert_true(str_eq(buf_str(&pdf), attachments[0].content));
    assert_true(str_eq(m.parts[2].type, STR("image/png")) && m.parts[2].is_inline && str_eq(m.parts[2].content_id, STR("logo")));
    assert_true(str_eq(m.parts[3].filename, STR("p\xC5\x99"
                                                "ehled_____.pdf")));
    assert_true(str_eq(m.parts[4].type, STR("application/octet-stream")));
}

static void inline_parts_without_html_are_attachments(void **state) {
    (void)state;
    struct sample x;
    BUF_AUTO out = {0};
    ARENA_AUTO arena = {0};
    struct message m;
    sample_init(&x);
    x.attachment = (struct compose_attachment){.filename = STR("a"), .content = STR("x"), .is_inline = true};
    x.s.attachments = &x.attachment;
    x.s.attachment_count = 1;
    write_message(&x.s, &out);
    message_parse(buf_str(&out), &arena, &m);
    assert_int_equal(m.part_count, 2);
    assert_true(str_starts(buf_str(&out), STR("From: ")));
    assert_int_not_equal(str_find_str(buf_str(&out), STR("multipart/mixed")), STR_NONE);
}

static void long_uris_stay_on_their_own_lines(void **state) { /* a fold without its blank once cut List-Unsubscribe off */
    (void)state;
    struct sample x;
    BUF_AUTO out = {0};
    BUF_AUTO value = {0};
    sample_init(&x);
    buf_add_z(&value, "<https://x.example/");
    for (size_t i = 0; i < 200; i++) buf_add_char(&value, 'u');
    buf_add_z(&value, ">, <mailto:u@x.example>");
    x.header = (struct compose_header){STR("List-Unsubscribe"), buf_str(&value)};
    x.s.headers = &x.header;
    x.s.header_count = 1;
    write_message(&x.s, &out);
    expect_field(buf_str(&out), "List-Unsubscribe", value.p);
    expect_field(buf_str(&out), "Content-Type", "text/plain; charset=utf-8");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_refused_with_the_field_named),
        cmocka_unit_test(bad_addresses_are_refused_in_every_group),
        cmocka_unit_test(custom_headers_follow_the_table),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(attachments_are_judged),
        cmocka_unit_test(inline_parts_have_different_ids),
        cmocka_unit_test(a_plain_message),
        cmocka_unit_test(an_empty_message_is_still_one),
        cmocka_unit_test(bcc_is_nowhere),
        cmocka_unit_test(a_full_tree_reads_back),
        cmocka_unit_test(inline_parts_without_html_are_attachments),
        cmocka_unit_test(long_uris_stay_on_their_own_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
