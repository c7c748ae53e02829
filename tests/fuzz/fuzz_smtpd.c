/* A whole dialogue from the server's side, with any kind of listener, roles that answer at once or late, and TLS: the same
 * replies and the same mails at any cut (PB16), replies that are lines, and an end that is an end. The first byte says which
 * kind, the second what roles and login answer and when.
 *
 * The client waits for a 354 and for TLS; where it does not, the session ends there (PB14, ST01).
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smtpd/session.h"

#define MAIL_MAX 1000

struct run {
    struct smtpd_session *session;
    struct buf replies, mails;
    unsigned answers; /* bits: who refuses, and whether late */
    struct smtp_reply answer;
    bool has_answer;
};
enum { SENDER_SAYS_NO = 1, RECIPIENT_SAYS_NO = 2, STORE_SAYS_NO = 4, LOGIN_SAYS_NO = 8, SHUT = 16, LATE = 32 };

static bool answer(struct run *run, unsigned bit, struct smtp_reply *ret) {
    FUZZ_CHECK(!run->has_answer);
    if (run->answers & bit) *ret = (struct smtp_reply){run->answers & SHUT ? 421 : 451, STR("4.3.0"), STR("Not now")};
    run->answer = *ret;
    run->has_answer = run->answers & LATE;
    return !run->has_answer;
}
static bool judge_sender(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    FUZZ_CHECK(!mail->recipient_count && !mail->content.n && !str_has_control(mail->envid));
    return answer(arg, SENDER_SAYS_NO, ret);
}
static bool judge_recipient(void *arg, const struct smtpd_mail *mail, const struct smtpd_recipient *next,
                            struct smtp_reply *ret) {
    FUZZ_CHECK(mail->recipient_count < 3 && next->mailbox.n && !str_has_control(next->orcpt));
    return answer(arg, RECIPIENT_SAYS_NO, ret);
}
static bool keep(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct run *run = arg;
    struct str protocol = smtpd_session_protocol(run->session), name = smtpd_session_client_name(run->session);
    FUZZ_CHECK(mail->recipient_count >= 1 && mail->recipient_count <= 3 && mail->content.n <= MAIL_MAX);
    FUZZ_CHECK(str_is_empty(mail->content) || str_ends(mail->content, STR("\r\n")));
    FUZZ_CHECK(name.n && smtp_name_is_valid(name));
    buf_addf(&run->mails, "%.*s %.*s %.*s %u %zu %.*s|", STR_ARG(protocol), STR_ARG(name), STR_ARG(mail->sender),
             (unsigned)mail->what_return, mail->recipient_count, STR_ARG(mail->recipients[0].mailbox));
    buf_add_str(&run->mails, mail->content);
    return answer(run, STORE_SAYS_NO, ret);
}
static bool login(void *arg, struct str user, struct str password, struct smtp_reply *ret) {
    FUZZ_CHECK(user.n && password.n && !str_has_control(user));
    return answer(arg, LOGIN_SAYS_NO, ret);
}
static bool client_changed(void *arg, const struct ip *client) {
    (void)arg;
    return client->bytes[0] & 1;
}

static const struct smtpd_role role = {"fuzz", judge_sender, judge_recipient, keep};
#define SERVICE(first, second, extensions)                                                                                       \
    {                                                                                                                            \
        .name = "fuzz", .anonymous = (first), .authenticated = (second), .login = login, .message_max_bytes = MAIL_MAX,          \
        .anonymous_max_bytes = MAIL_MAX / 2, .line_max_bytes = 200, .recipients_max = 3, .mails_max = 4, .errors_max = 5,        \
        .idle_max = 20, .auth_failures_max = 3, .has_auth_in_clear = true, .has_extensions = (extensions)                        \
    }
static const struct smtpd_service services[] = {SERVICE(&role, NULL, false), SERVICE(NULL, &role, true),
                                                SERVICE(&role, NULL, true), SERVICE(&role, &role, true)};

static void start(struct run *run, uint8_t kind, uint8_t answers) {
    *run = (struct run){.answers = answers};
    run->session = smtpd_session_new(&(struct smtpd_session_options){.service = &services[kind % 4],
                                                                     .hostname = STR("mail.example.com"),
                                                                     .has_starttls = kind & 4,
                                                                     .is_tls = kind & 8,
                                                                     .is_loopback = kind & 16,
                                                                     .has_xclient = kind & 32,
                                                                     .is_authenticated = kind & 64,
                                                                     .arg = run,
                                                                     .client_changed = client_changed});
    smtpd_session_greet(run->session, &run->replies);
}

static void end(struct run *run) {
    smtpd_session_free(&run->session);
    buf_fini(&run->replies);
    buf_fini(&run->mails);
}

/* Feed and answer until nothing more is taken. */
static size_t settle(struct run *run, struct str in) {
    size_t at = 0;
    for (;;) {
        size_t used = smtpd_session_feed(run->session, str_sub(in, at, SIZE_MAX), &run->replies);
        FUZZ_CHECK(used <= in.n - at);
        at += used;
        FUZZ_CHECK(run->has_answer == (smtpd_session_wants(run->session) == SMTPD_WANTS_ANSWER));
        if (!run->has_answer) return at;
        run->has_answer = false;
        smtpd_session_answer(run->session, &run->answer, &run->replies);
    }
}

static bool is_over(const struct run *run) {
    return smtpd_session_wants(run->session) == SMTPD_WANTS_CLOSE;
}

/* Where the client waits: 1 behind a command that a 354 or TLS followed. Played byte by byte. */
static void find_waits(struct run *run, struct str in, bool *waits) {
    for (size_t at = 0, have = 1; have <= in.n && !is_over(run); have++) {
        bool was_content = smtpd_session_wants(run->session) == SMTPD_WANTS_CONTENT;
        at += settle(run, str_sub(in, at, have - at));
        enum smtpd_wants wants = smtpd_session_wants(run->session);
        waits[have] = wants == SMTPD_WANTS_TLS || (!was_content && wants == SMTPD_WANTS_CONTENT);
        if (wants == SMTPD_WANTS_TLS) smtpd_session_tls_started(run->session);
    }
}

static void play(struct run *run, struct str in, size_t step, const bool *waits) {
    for (size_t at = 0, have = 0; have < in.n && !is_over(run);) {
        size_t next = in.n - have < step ? in.n : have + step;
        while (have < next && !waits[++have]) continue;
        at += settle(run, str_sub(in, at, have - at));
        if (smtpd_session_wants(run->session) == SMTPD_WANTS_TLS) smtpd_session_tls_started(run->session);
    }
}

static void check_replies(struct str replies) {
    struct str line;
    FUZZ_CHECK(str_starts(replies, STR("220 ")) && str_ends(replies, STR("\r\n")));
    while (str_next(&replies, '\n', &line) && replies.p) {
        FUZZ_CHECK(line.n >= 5 && line.n <= 512 && line.p[0] >= '2' && line.p[0] <= '5' && line.p[line.n - 1] == '\r');
        FUZZ_CHECK(!str_has_control(str_sub(line, 0, line.n - 1)));
    }
}

/* All at once, without waiting: what comes is the beginning of the same, and no mail that was not there. */
static void check_hasty(struct str in, uint8_t kind, uint8_t answers, const struct run *patient) {
    static const struct str early = STR_INIT("554 5.5.0 Bytes behind DATA before its 354\r\n");
    struct run run;
    start(&run, kind, answers);
    (void)settle(&run, in);
    struct str said = buf_str(&run.replies);
    if (is_over(&run) && str_ends(said, early)) said.n -= early.n;
    FUZZ_CHECK(str_starts(buf_str(&patient->replies), said));
    FUZZ_CHECK(str_starts(buf_str(&patient->mails), buf_str(&run.mails)));
    end(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = fuzz_str(data, size);
    uint8_t kind = fuzz_choice(&in), answers = fuzz_choice(&in);
    bool *waits = calloc(in.n + 1, sizeof *waits);
    if (!waits) abort();
    struct run bytes;
    start(&bytes, kind, answers);
    find_waits(&bytes, in, waits);
    check_replies(buf_str(&bytes.replies));
    for (size_t step = 0; step < 4; step++) {
        struct run pieces;
        start(&pieces, kind, step % 2 ? answers : answers ^ LATE);
        play(&pieces, in, step ? step + 1 : SIZE_MAX, waits);
        FUZZ_CHECK(str_eq(buf_str(&pieces.replies), buf_str(&bytes.replies)));
        FUZZ_CHECK(str_eq(buf_str(&pieces.mails), buf_str(&bytes.mails)));
        end(&pieces);
    }
    check_hasty(in, kind, answers, &bytes);
    end(&bytes);
    free(waits);
    return 0;
}
