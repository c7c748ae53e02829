/* AUTH: the first octet chooses mechanism and initial response, then come the client's lines. Whatever they are, it ends after
 * two answers at most, with credentials within their limits or with a reply that repeats nothing of them (AU02, AU06, AU15, P10).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "proto/smtp/sasl.h"

static void check_end(const struct smtp_sasl *a, enum smtp_sasl_step step, const struct smtp_reply *reply) {
    if (step == SMTP_SASL_DONE) {
        FUZZ_CHECK(a->user.n >= 1 && a->user.n <= SMTP_SASL_USER_MAX && str_is_utf8(a->user) && !str_has_control(a->user));
        FUZZ_CHECK(a->password.n >= 1 && a->password.n <= SMTP_SASL_PASSWORD_MAX && str_find(a->password, '\0') == STR_NONE);
    } else {
        FUZZ_CHECK(step == SMTP_SASL_BAD && a->first.p == NULL && a->second.p == NULL && a->user.p == NULL &&
                   a->password.p == NULL);
        FUZZ_CHECK(reply->code == 501 || reply->code == 504 || reply->code == 535);
        FUZZ_CHECK(str_is_ascii(reply->text) && !str_has_control(reply->text));
    }
}

/* Take the next line off; the same at any cut. False: none comes. */
static bool next_line(struct str *in, struct str *ret_line) {
    struct smtp_reply reply = {0};
    enum parse whole = smtp_line_find(*in, SMTP_LINE_AUTH_MAX, ret_line, &reply), growing = PARSE_MORE;
    struct str line = {0};
    for (size_t n = 0; n <= in->n && growing == PARSE_MORE; n++)
        growing = smtp_line_find(str_sub(*in, 0, n), SMTP_LINE_AUTH_MAX, &line, &reply);
    FUZZ_CHECK(growing == whole);
    if (whole == PARSE_BAD) FUZZ_CHECK(reply.code == 500);
    if (whole != PARSE_DONE) return false;
    FUZZ_CHECK(str_eq(line, *ret_line) && line.n + 2 <= SMTP_LINE_AUTH_MAX);
    *in = str_sub(*in, ret_line->n + 2, SIZE_MAX);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct str mechanisms[] = {STR_INIT("PLAIN"), STR_INIT("LOGIN"), STR_INIT("plain"), STR_INIT("CRAM-MD5")};
    struct str in = fuzz_str(data, size), line = {0};
    uint8_t choice = fuzz_choice(&in);
    bool has_initial = choice & 4;
    struct smtp_sasl a = {0};
    struct smtp_reply reply = {0};
    if (has_initial && !next_line(&in, &line)) return 0;
    enum smtp_sasl_step step = smtp_sasl_start(&a, mechanisms[choice & 3], has_initial, line, &reply);
    unsigned answers = has_initial;
    while (step == SMTP_SASL_CHALLENGE && next_line(&in, &line)) {
        FUZZ_CHECK(reply.code == 334 && ++answers <= 2);
        step = smtp_sasl_take(&a, line, &reply);
    }
    if (step != SMTP_SASL_CHALLENGE) check_end(&a, step, &reply);
    smtp_sasl_wipe(&a);
    FUZZ_CHECK(a.first.p == NULL && a.user.p == NULL);
    return 0;
}
