/* session.c - a table of verbs: what each needs, and the function that carries it out. The table refuses what comes out of
 * order, so the functions see only commands that may be.
 *
 * Bytes are taken a whole command or as much content as there is; nothing is remembered of half a command. One tx_reset() ends
 * every transaction, whatever its end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session.h"

#include "proto/smtp/command.h"
#include "proto/smtp/data.h"

#include <stdlib.h>

enum state {
    STATE_NEW,        /* no EHLO yet */
    STATE_READY,      /* no transaction */
    STATE_SENDER,     /* MAIL taken */
    STATE_RECIPIENTS, /* at least one RCPT taken */
    STATE_CONTENT,
    STATE_STORING,
    STATE_CLOSED
};

#define IDLE_MAX      100 /* NOOP, RSET, EHLO, VRFY in a row without a mail (PB15) */
#define OVERSHOOT_MAX 100 /* RCPT beyond the limit before 421 (LM17) */

struct smtpd_session {
    const struct smtpd_role *role;
    struct str hostname;
    void *arg;
    enum state state;
    bool is_esmtp;
    unsigned errors, idle;

    /* The transaction; tx_reset() ends it. */
    struct arena arena;
    struct smtpd_mail mail;
    bool utf8;
    unsigned overshoot;
    struct smtp_data_reader reader;
    struct buf content;
};

struct verb {
    unsigned from;                    /* states in which it may be, a set of 1 << state */
    bool is_idle;                     /* does no work: counted */
    const struct smtp_reply *refusal; /* otherwise */
    void (*run)(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
};

static const struct smtp_reply ok = {250, STR_INIT("2.0.0"), STR_INIT("Ok")};
static const struct smtp_reply sender_ok = {250, STR_INIT("2.1.0"), STR_INIT("Ok")};
static const struct smtp_reply recipient_ok = {250, STR_INIT("2.1.5"), STR_INIT("Ok")};
static const struct smtp_reply go_on = {354, {0}, STR_INIT("End the message with <CR><LF>.<CR><LF>")};
static const struct smtp_reply bye = {221, STR_INIT("2.0.0"), STR_INIT("Bye")};
static const struct smtp_reply cannot_verify = {252, STR_INIT("2.5.0"), STR_INIT("Send a message and see")};
static const struct smtp_reply not_here = {502, STR_INIT("5.5.1"), STR_INIT("Command not implemented")};
static const struct smtp_reply hello_first = {503, STR_INIT("5.5.1"), STR_INIT("Say EHLO first")};
static const struct smtp_reply mail_again = {503, STR_INIT("5.5.1"), STR_INIT("Say EHLO first, and MAIL once a message")};
static const struct smtp_reply mail_first = {503, STR_INIT("5.5.1"), STR_INIT("Say MAIL first")};
static const struct smtp_reply rcpt_first = {503, STR_INIT("5.5.1"), STR_INIT("Say MAIL and RCPT first")};
static const struct smtp_reply too_big = {552, STR_INIT("5.3.4"), STR_INIT("Message too big")};
static const struct smtp_reply no_extensions = {555, STR_INIT("5.5.4"), STR_INIT("Parameters need EHLO")};
static const struct smtp_reply needs_utf8 = {553, STR_INIT("5.6.7"), STR_INIT("Address needs SMTPUTF8")};
static const struct smtp_reply recipients_full = {452, STR_INIT("4.5.3"), STR_INIT("Too many recipients")};
static const struct smtp_reply stored = {250, STR_INIT("2.0.0"), STR_INIT("Stored")};
static const struct smtp_reply store_full = {452, STR_INIT("4.3.1"), STR_INIT("No room now, try again later")};
static const struct smtp_reply store_failed = {451, STR_INIT("4.3.0"), STR_INIT("Could not be stored, try again later")};
static const struct smtp_reply too_many_errors = {421, STR_INIT("4.7.0"), STR_INIT("Too many errors")};
static const struct smtp_reply too_idle = {421, STR_INIT("4.7.0"), STR_INIT("Too many commands without a message")};

static const struct smtp_reply fault_replies[] = {
    [SMTP_DATA_BARE] = {550, STR_INIT("5.6.11"), STR_INIT("Bare CR or LF in the message")},
    [SMTP_DATA_NUL] = {550, STR_INIT("5.6.0"), STR_INIT("NUL in the message")},
    [SMTP_DATA_LINE_LONG] = {550, STR_INIT("5.6.0"), STR_INIT("Line too long in the message")},
    [SMTP_DATA_TOO_BIG] = {552, STR_INIT("5.3.4"), STR_INIT("Message too big")},
};

static void tx_reset(struct smtpd_session *s, enum state next) {
    arena_fini(&s->arena);
    buf_fini(&s->content);
    s->mail = (struct smtpd_mail){0};
    s->reader = (struct smtp_data_reader){0};
    s->utf8 = false;
    s->overshoot = 0;
    s->state = next;
}

static void close_with(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    smtp_reply_format(out, reply);
    tx_reset(s, STATE_CLOSED);
}

static void refuse(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    smtp_reply_format(out, reply);
    if (++s->errors >= s->role->errors_max) close_with(s, &too_many_errors, out);
}

static void run_hello(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    s->is_esmtp = c->verb == SMTP_EHLO;
    tx_reset(s, STATE_READY); /* PB18 */
    buf_addf(out, "250%c%.*s\r\n", s->is_esmtp ? '-' : ' ', STR_ARG(s->hostname));
    if (!s->is_esmtp) return;
    buf_addf(out, "250-SIZE %zu\r\n", s->role->message_max_bytes);
    buf_add_z(out, "250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n");
}

static void run_mail(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (c->has_parameters && !s->is_esmtp) return refuse(s, &no_extensions, out); /* PB26 */
    if (c->utf8_mailbox && !c->utf8) return refuse(s, &needs_utf8, out);
    if (c->has_size && c->size_bytes > s->role->message_max_bytes) return refuse(s, &too_big, out);
    s->mail.sender = arena_str(&s->arena, c->mailbox);
    s->mail.recipients = arena_array(&s->arena, s->role->recipients_max, sizeof(struct str));
    s->utf8 = c->utf8;
    s->state = STATE_SENDER;
    smtp_reply_format(out, &sender_ok);
}

static bool has_recipient(const struct smtpd_session *s, struct str mailbox) {
    for (size_t i = 0; i < s->mail.recipient_count; i++)
        if (str_eq(s->mail.recipients[i], mailbox)) return true;
    return false;
}

static void run_rcpt(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (c->utf8_mailbox && !s->utf8) return refuse(s, &needs_utf8, out);
    bool is_known = has_recipient(s, c->mailbox); /* PB27: once is enough */
    if (!is_known && s->mail.recipient_count == s->role->recipients_max) {
        if (++s->overshoot > OVERSHOOT_MAX) return close_with(s, &too_many_errors, out);
        return smtp_reply_format(out, &recipients_full);
    }
    if (!is_known) s->mail.recipients[s->mail.recipient_count++] = arena_str(&s->arena, c->mailbox);
    s->state = STATE_RECIPIENTS;
    smtp_reply_format(out, &recipient_ok);
}

static void run_data(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    s->reader = (struct smtp_data_reader){.max_bytes = s->role->message_max_bytes, .line_max_bytes = s->role->line_max_bytes};
    s->state = STATE_CONTENT;
    smtp_reply_format(out, &go_on);
}

static void run_rset(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    tx_reset(s, s->state == STATE_NEW ? STATE_NEW : STATE_READY);
    smtp_reply_format(out, &ok);
}

static void run_noop(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)s, (void)c;
    smtp_reply_format(out, &ok);
}

static void run_vrfy(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)s, (void)c;
    smtp_reply_format(out, &cannot_verify);
}

static void run_quit(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    close_with(s, &bye, out);
}

/* BDAT was not offered, and what follows it is not commands (PB12). */
static void run_bdat(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    close_with(s, &not_here, out);
}

#define IN(state) (1U << STATE_##state)
#define ANY       (IN(NEW) | IN(READY) | IN(SENDER) | IN(RECIPIENTS))
/* A verb without `run` is one that the role does not offer. */
static const struct verb verbs[SMTP_VERB_COUNT] = {
    [SMTP_EHLO] = {ANY, true, NULL, run_hello},
    [SMTP_HELO] = {ANY, true, NULL, run_hello},
    [SMTP_MAIL] = {IN(READY), false, &mail_again, run_mail},
    [SMTP_RCPT] = {IN(SENDER) | IN(RECIPIENTS), false, &mail_first, run_rcpt},
    [SMTP_DATA] = {IN(RECIPIENTS), false, &rcpt_first, run_data},
    [SMTP_RSET] = {ANY, true, NULL, run_rset},
    [SMTP_NOOP] = {ANY, true, NULL, run_noop},
    [SMTP_VRFY] = {ANY & ~IN(NEW), true, &hello_first, run_vrfy},
    [SMTP_QUIT] = {ANY, false, NULL, run_quit},
    [SMTP_BDAT] = {ANY, false, NULL, run_bdat},
};

static void command_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    const struct verb *v = &verbs[c->verb];
    if (!v->run) return refuse(s, &not_here, out);
    if (!(v->from & (1U << s->state))) return refuse(s, v->refusal, out);
    if (v->is_idle && ++s->idle > IDLE_MAX) return close_with(s, &too_idle, out);
    v->run(s, c, out);
}

static size_t feed_command(struct smtpd_session *s, struct str in, struct buf *out) {
    struct smtp_command command;
    struct smtp_reply why;
    size_t used = 0;
    switch (smtp_command_parse(in, &command, &why, &used)) {
    case PARSE_MORE:
        return 0;
    case PARSE_DONE:
        command_run(s, &command, out);
        break;
    case PARSE_BAD:
        if (used)
            refuse(s, &why, out);
        else
            close_with(s, &why, out);
        break;
    }
    return used;
}

static void content_ended(struct smtpd_session *s, struct buf *out) {
    s->idle = 0;
    if (s->reader.fault != SMTP_DATA_GOOD) {
        enum smtp_data_fault fault = s->reader.fault;
        tx_reset(s, STATE_READY);
        return refuse(s, &fault_replies[fault], out);
    }
    s->state = STATE_STORING;
    s->mail.content = buf_str(&s->content);
}

static size_t feed_content(struct smtpd_session *s, struct str in, struct buf *out) {
    size_t used;
    if (smtp_data_read(&s->reader, in, &s->content, &used) == PARSE_DONE)
        content_ended(s, out);
    else if (s->reader.fault != SMTP_DATA_GOOD)
        buf_fini(&s->content);
    return used;
}

struct smtpd_session *smtpd_session_new(const struct smtpd_role *role, struct str hostname, void *arg) {
    struct smtpd_session *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->role = role;
    s->hostname = hostname;
    s->arg = arg;
    return s;
}

void smtpd_session_free(struct smtpd_session **s) {
    if (!*s) return;
    tx_reset(*s, STATE_CLOSED);
    free(*s);
    *s = NULL;
}

void smtpd_session_greet(struct smtpd_session *s, struct buf *out) {
    buf_addf(out, "220 %.*s ESMTP Posthorn\r\n", STR_ARG(s->hostname));
}

size_t smtpd_session_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    size_t total = 0;
    while (total < in.n && s->state < STATE_STORING) {
        struct str rest = str_sub(in, total, SIZE_MAX);
        bool was_content = s->state == STATE_CONTENT;
        size_t used = was_content ? feed_content(s, rest, out) : feed_command(s, rest, out);
        total += used;
        if (was_content && s->state == STATE_STORING) s->role->store(s->arg, s, &s->mail);
        if (used == 0) break;
    }
    return total;
}

void smtpd_session_stored(struct smtpd_session *s, enum status status, struct buf *out) {
    if (s->state != STATE_STORING) return;
    tx_reset(s, STATE_READY);
    smtp_reply_format(out, status == STATUS_OK ? &stored : status == STATUS_LIMIT ? &store_full : &store_failed);
}

void smtpd_session_stop(struct smtpd_session *s, const char *why, struct buf *out) {
    if (s->state == STATE_CLOSED) return;
    close_with(s, &(struct smtp_reply){421, STR("4.3.2"), str_from_z(why)}, out);
}

enum smtpd_wants smtpd_session_wants(const struct smtpd_session *s) {
    static const enum smtpd_wants wants[] = {
        [STATE_CONTENT] = SMTPD_WANTS_CONTENT, [STATE_STORING] = SMTPD_WANTS_STORED, [STATE_CLOSED] = SMTPD_WANTS_CLOSE};
    return wants[s->state];
}
size_t smtpd_session_content_bytes(const struct smtpd_session *s) {
    return s->content.cap;
}
