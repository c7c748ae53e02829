/* A whole dialogue from the server's side: the same replies and the same mails at any cut (PB16), replies that are lines, and an
 * end that is an end. The first byte says how storing ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smtpd/session.h"

struct run {
    struct buf replies, mails;
};

static void keep(void *arg, struct smtpd_session *session, const struct smtpd_mail *mail) {
    (void)session;
    struct run *run = arg;
    FUZZ_CHECK(mail->recipient_count >= 1 && mail->recipient_count <= 3 && mail->content.n <= 1000);
    FUZZ_CHECK(str_is_empty(mail->content) || str_ends(mail->content, STR("\r\n")));
    buf_addf(&run->mails, "%.*s %zu %.*s|", STR_ARG(mail->sender), mail->recipient_count, STR_ARG(mail->recipients[0]));
    buf_add_str(&run->mails, mail->content);
}

static const struct smtpd_role role = {
    .name = "fuzz", .message_max_bytes = 1000, .line_max_bytes = 200, .recipients_max = 3, .errors_max = 5, .store = keep};

static void play(struct run *run, struct str in, size_t step, enum status stored) {
    struct smtpd_session *s = smtpd_session_new(&role, STR("mail.example.com"), run);
    smtpd_session_greet(s, &run->replies);
    for (size_t at = 0, have = 0; smtpd_session_wants(s) != SMTPD_WANTS_CLOSE;) {
        size_t used = smtpd_session_feed(s, str_sub(in, at, have - at), &run->replies);
        FUZZ_CHECK(used <= have - at);
        at += used;
        if (smtpd_session_wants(s) == SMTPD_WANTS_STORED) {
            smtpd_session_stored(s, stored, &run->replies);
        } else if (have == in.n) {
            break;
        } else {
            have = in.n - have < step ? in.n : have + step;
        }
    }
    smtpd_session_free(&s);
}

static void check_replies(struct str replies) {
    struct str line;
    FUZZ_CHECK(str_starts(replies, STR("220 ")) && str_ends(replies, STR("\r\n")));
    while (str_next(&replies, '\n', &line) && replies.p) {
        FUZZ_CHECK(line.n >= 5 && line.n <= 512 && line.p[0] >= '2' && line.p[0] <= '5' && line.p[line.n - 1] == '\r');
        FUZZ_CHECK(!str_has_control(str_sub(line, 0, line.n - 1)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum status endings[] = {STATUS_OK, STATUS_LIMIT, STATUS_IO};
    struct str in = fuzz_str(data, size);
    enum status stored = endings[fuzz_choice(&in) % 3];
    struct run whole = {0};
    play(&whole, in, SIZE_MAX, stored);
    check_replies(buf_str(&whole.replies));
    for (size_t step = 1; step < 4; step++) {
        struct run pieces = {0};
        play(&pieces, in, step, stored);
        FUZZ_CHECK(str_eq(buf_str(&pieces.replies), buf_str(&whole.replies)));
        FUZZ_CHECK(str_eq(buf_str(&pieces.mails), buf_str(&whole.mails)));
        buf_fini(&pieces.replies);
        buf_fini(&pieces.mails);
    }
    buf_fini(&whole.replies);
    buf_fini(&whole.mails);
    return 0;
}
