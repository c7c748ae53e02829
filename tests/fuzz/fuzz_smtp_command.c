/* Commands of a client: one verdict at any cut, and nothing but a line in what is passed on (SM13 to SM17).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/command.h"
#include "proto/smtp/xclient.h"
#include "proto/smtp/xtext.h"

/* Encoded values mean text that may stand in a header field (PB21). */
static void check_xtext(struct str value) {
    BUF_AUTO meaning = {0};
    BUF_AUTO again = {0};
    BUF_AUTO back = {0};
    FUZZ_CHECK(smtp_xtext_decode(&meaning, value));
    FUZZ_CHECK(!str_has_control(buf_str(&meaning)) && str_is_utf8(buf_str(&meaning)) && meaning.n <= value.n);
    smtp_xtext_encode(&again, buf_str(&meaning));
    FUZZ_CHECK(smtp_xtext_decode(&back, buf_str(&again)) && str_eq(buf_str(&back), buf_str(&meaning)));
}

static void check_xclient(struct str argument) {
    ARENA_AUTO arena = {0};
    struct smtp_xclient x = {0};
    struct smtp_reply reply = {0};
    if (smtp_xclient_parse(argument, &arena, &x, &reply)) {
        FUZZ_CHECK(x.name.n == 0 || (x.has_name && smtp_name_is_valid(x.name)));
        FUZZ_CHECK(x.address.family == 0 || x.address.family == 4 || x.address.family == 6);
    } else {
        FUZZ_CHECK(reply.code == 501);
    }
}

static void check_done(struct str in, size_t used, const struct smtp_command *c) {
    FUZZ_CHECK(used >= 2 && used <= SMTP_LINE_AUTH_MAX && str_eq(str_sub(in, used - 2, 2), STR("\r\n")));
    FUZZ_CHECK(used <= SMTP_LINE_MAIL_MAX || c->verb == SMTP_AUTH);
    FUZZ_CHECK(used <= SMTP_LINE_MAX || c->verb == SMTP_AUTH || c->verb == SMTP_MAIL || c->verb == SMTP_RCPT);
    FUZZ_CHECK(c->verb < SMTP_VERB_COUNT && !str_has_control(str_sub(in, 0, used - 2)));
    const struct str slices[] = {c->argument, c->mailbox, c->envid, c->orcpt, c->mechanism, c->initial};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) FUZZ_CHECK(fuzz_is_slice(slices[i], str_sub(in, 0, used)));
    FUZZ_CHECK(c->envid.n <= 100 && c->orcpt.n <= 500 && c->mailbox.n <= 254 && (!c->notify || c->has_dsn));
    FUZZ_CHECK(c->notify == SMTP_NOTIFY_NEVER || !(c->notify & SMTP_NOTIFY_NEVER));
    FUZZ_CHECK(c->has_initial == (c->initial.n > 0) && (c->verb == SMTP_AUTH) == (c->mechanism.n > 0));
    check_xtext(c->envid);
    if (c->orcpt.n) check_xtext(str_sub(c->orcpt, str_find(c->orcpt, ';') + 1, SIZE_MAX));
    if (c->verb == SMTP_XCLIENT) check_xclient(c->argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    struct smtp_command command = {0}, growing_command;
    struct smtp_reply reply = {0}, growing_reply;
    size_t used = 0, growing_used = 0;
    enum parse verdict = smtp_command_parse(in, &command, &reply, &used), growing = PARSE_MORE;
    for (size_t n = 0; n <= in.n && growing == PARSE_MORE; n++) {
        growing = smtp_command_parse(str_sub(in, 0, n), &growing_command, &growing_reply, &growing_used);
    }
    FUZZ_CHECK(growing == verdict);
    if (verdict == PARSE_MORE) return 0;
    FUZZ_CHECK(growing_used == used && used <= in.n);
    if (verdict == PARSE_BAD) {
        BUF_AUTO line = {0};
        FUZZ_CHECK(growing_reply.code == reply.code && reply.code >= 400 && reply.code < 600);
        smtp_reply_format(&line, &reply);
        FUZZ_CHECK(str_find(buf_str(&line), '\n') == line.n - 1);
        return 0;
    }
    check_done(in, used, &command);
    return 0;
}
