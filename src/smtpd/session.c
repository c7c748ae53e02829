/* session.c - the state machine: a table of verbs says what each needs, another what each state takes. The tables refuse what
 * comes out of order, so a verb's function sees only commands that may be.
 *
 * Bytes are taken a whole command or as much content as there is; nothing is remembered of half a command. One tx_reset() ends
 * every transaction, whatever its end, and no session comes back from CLOSED.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

#include <stdlib.h>

struct verb {
    unsigned from;                    /* states in which it may be, a set of 1 << state */
    bool is_idle;                     /* leads to no mail by itself: counted (PB15) */
    const struct smtp_reply *refusal; /* elsewhere; before EHLO it is hello_first */
    void (*run)(struct smtpd_session *s, const struct smtp_command *c, struct buf *out);
};

const struct smtp_reply session_ok = {250, STR_INIT("2.0.0"), STR_INIT("Ok")};
const struct smtp_reply session_hello_first = {503, STR_INIT("5.5.1"), STR_INIT("Say EHLO first")};
const struct smtp_reply session_rcpt_first = {503, STR_INIT("5.5.1"), STR_INIT("Say MAIL and RCPT first")};
const struct smtp_reply session_not_here = {502, STR_INIT("5.5.1"), STR_INIT("Command not implemented")};
const struct smtp_reply session_no_extensions = {555, STR_INIT("5.5.4"), STR_INIT("Parameters need EHLO")};
const struct smtp_reply session_too_big = {552, STR_INIT("5.3.4"), STR_INIT("Message too big, SIZE of EHLO tells the limit")};
static const struct smtp_reply mail_again = {503, STR_INIT("5.5.1"), STR_INIT("One MAIL a message; RSET begins anew")};
static const struct smtp_reply mail_first = {503, STR_INIT("5.5.1"), STR_INIT("Say MAIL first, and RCPT before the message")};
static const struct smtp_reply not_in_mail = {503, STR_INIT("5.5.1"), STR_INIT("Not in a transaction; RSET ends it")};
static const struct smtp_reply too_many_errors = {421, STR_INIT("4.7.0"), STR_INIT("Too many errors")};
static const struct smtp_reply too_idle = {421, STR_INIT("4.7.0"), STR_INIT("Too many commands without a message")};

void tx_reset(struct smtpd_session *s, enum state next) {
    arena_fini(&s->arena);
    buf_fini(&s->content);
    s->role = NULL;
    s->max_bytes = 0;
    s->mail = (struct smtpd_mail){0};
    s->next = (struct smtpd_recipient){0};
    s->recipients_room = s->recipients_said = 0;
    s->reader = (struct smtp_data_reader){0};
    s->wasted_bytes += s->taken_bytes;
    s->taken_bytes = 0;
    s->chunk_bytes = 0;
    s->is_last = false;
    s->refusal = NULL;
    s->after_refusal = STATE_NEW;
    s->small_chunks = 0;
    if (s->state != STATE_CLOSED) s->state = next;
}

void session_close(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    smtp_reply_format(out, reply);
    smtp_sasl_wipe(&s->sasl);
    tx_reset(s, STATE_CLOSED);
}

void session_refuse(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    if (reply->code == 421) return session_close(s, reply, out);
    smtp_reply_format(out, reply);
    if (++s->errors >= s->service->errors_max) session_close(s, &too_many_errors, out);
}

void session_judge(struct smtpd_session *s, bool is_now, const struct smtp_reply *reply,
                   void (*answered)(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out), struct buf *out) {
    if (is_now) return answered(s, reply, out);
    s->answered = answered;
    s->state = STATE_WAITING;
}

void session_forget(struct smtpd_session *s) {
    buf_fini(&s->client_name);
    s->is_name_told = s->is_esmtp = s->is_logged_in = false;
    tx_reset(s, STATE_NEW);
}

bool session_is_authenticated(const struct smtpd_session *s) {
    return s->is_logged_in || s->options.is_authenticated;
}

bool session_offers_auth(const struct smtpd_session *s) {
    bool is_safe = s->options.is_tls || (s->service->has_auth_in_clear && s->options.is_loopback);
    return s->service->authenticated && is_safe && !s->is_logged_in;
}

bool session_offers_requiretls(const struct smtpd_session *s) {
    return s->options.is_tls && s->service->has_extensions;
}

const struct smtpd_role *session_role(const struct smtpd_session *s) {
    bool is_known = session_is_authenticated(s) && s->service->authenticated;
    return is_known ? s->service->authenticated : s->service->anonymous;
}

#define IN(state) (1U << STATE_##state)
#define ANY       (IN(NEW) | IN(READY) | IN(SENDER) | IN(RECIPIENTS) | IN(CHUNKS))
/* A verb without `run` is one that nobody is offered. */
static const struct verb verbs[SMTP_VERB_COUNT] = {
    [SMTP_EHLO] = {ANY, true, NULL, hello_run},
    [SMTP_HELO] = {ANY, true, NULL, hello_run},
    [SMTP_STARTTLS] = {IN(READY), false, &not_in_mail, starttls_run},
    [SMTP_AUTH] = {IN(READY), false, &not_in_mail, auth_run},
    [SMTP_XCLIENT] = {IN(NEW) | IN(READY), true, &not_in_mail, xclient_run},
    [SMTP_MAIL] = {IN(READY), false, &mail_again, mail_run},
    [SMTP_RCPT] = {IN(SENDER) | IN(RECIPIENTS), false, &mail_first, rcpt_run},
    [SMTP_DATA] = {IN(RECIPIENTS) | IN(CHUNKS), false, &session_rcpt_first, data_run},
    [SMTP_BDAT] = {ANY, false, NULL, bdat_run}, /* judges by itself: its chunk comes in any case */
    [SMTP_RSET] = {ANY, true, NULL, rset_run},
    [SMTP_NOOP] = {ANY, true, NULL, noop_run},
    [SMTP_VRFY] = {ANY & ~IN(NEW), true, NULL, vrfy_run},
    [SMTP_HELP] = {ANY, true, NULL, help_run},
    [SMTP_QUIT] = {ANY, false, NULL, quit_run},
};

static void command_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    const struct verb *v = &verbs[c->verb];
    if (!v->run) return session_refuse(s, &session_not_here, out);
    if (!(v->from & (1U << s->state))) return session_refuse(s, s->state == STATE_NEW ? &session_hello_first : v->refusal, out);
    if (v->is_idle && ++s->idle > s->service->idle_max) return session_close(s, &too_idle, out);
    v->run(s, c, out);
}

static size_t command_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    struct smtp_command command;
    struct smtp_reply why;
    size_t used = 0;
    switch (smtp_command_parse(in, &command, &why, &used)) {
    case PARSE_MORE:
        return 0;
    case PARSE_DONE:
        s->behind_bytes = in.n - used;
        command_run(s, &command, out);
        break;
    case PARSE_BAD:
        if (used)
            session_refuse(s, &why, out);
        else
            session_close(s, &why, out);
        break;
    }
    return used;
}

/* What a state takes, and what it tells the owner to do. */
static const struct {
    size_t (*feed)(struct smtpd_session *s, struct str in, struct buf *out); /* NULL: nothing */
    enum smtpd_wants wants;
} states[STATE_COUNT] = {
    [STATE_NEW] = {command_feed, SMTPD_WANTS_COMMAND},    [STATE_READY] = {command_feed, SMTPD_WANTS_COMMAND},
    [STATE_SENDER] = {command_feed, SMTPD_WANTS_COMMAND}, [STATE_RECIPIENTS] = {command_feed, SMTPD_WANTS_COMMAND},
    [STATE_CHUNKS] = {command_feed, SMTPD_WANTS_COMMAND}, [STATE_CONTENT] = {data_feed, SMTPD_WANTS_CONTENT},
    [STATE_CHUNK] = {bdat_feed, SMTPD_WANTS_CONTENT},     [STATE_AUTH] = {auth_feed, SMTPD_WANTS_COMMAND},
    [STATE_WAITING] = {NULL, SMTPD_WANTS_ANSWER},         [STATE_TLS] = {NULL, SMTPD_WANTS_TLS},
    [STATE_CLOSED] = {NULL, SMTPD_WANTS_CLOSE},
};

struct smtpd_session *smtpd_session_new(const struct smtpd_session_options *options) {
    struct smtpd_session *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->options = *options;
    s->service = options->service;
    return s;
}

void smtpd_session_free(struct smtpd_session **session) {
    struct smtpd_session *s = *session;
    if (!s) return;
    smtp_sasl_wipe(&s->sasl);
    tx_reset(s, STATE_CLOSED);
    buf_fini(&s->client_name);
    free(s);
    *session = NULL;
}

void smtpd_session_greet(struct smtpd_session *s, struct buf *out) {
    buf_addf(out, "220 %.*s ESMTP Posthorn\r\n", STR_ARG(s->options.hostname));
}

size_t smtpd_session_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    size_t total = 0;
    while (total < in.n && states[s->state].feed) {
        size_t used = states[s->state].feed(s, str_sub(in, total, SIZE_MAX), out);
        total += used;
        if (used == 0) break;
    }
    return total;
}

void smtpd_session_answer(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    if (s->state != STATE_WAITING) return;
    s->answered(s, reply, out);
    if (s->stop_why) smtpd_session_stop(s, s->stop_why, out);
}

void smtpd_session_tls_started(struct smtpd_session *s) {
    if (s->state != STATE_TLS) return;
    s->options.is_tls = true;
    session_forget(s);
}

void smtpd_session_stop(struct smtpd_session *s, const char *why, struct buf *out) {
    if (s->state == STATE_CLOSED) return;
    s->stop_why = why;
    if (s->state == STATE_WAITING) return;
    session_close(s, &(struct smtp_reply){421, STR("4.3.2"), str_from_z(why)}, out);
}

enum smtpd_wants smtpd_session_wants(const struct smtpd_session *s) {
    return states[s->state].wants;
}

size_t smtpd_session_content_bytes(const struct smtpd_session *s) {
    return s->content.cap + s->arena.used_bytes;
}

size_t smtpd_session_wasted_bytes(const struct smtpd_session *s, bool is_over) {
    return s->wasted_bytes + (is_over ? s->taken_bytes : 0);
}

struct arena *smtpd_session_arena(struct smtpd_session *s) {
    return &s->arena;
}

/* By UTF8, TLS, AUTH (RFC 6531 4.3 and 3848). */
struct str smtpd_session_protocol(const struct smtpd_session *s) {
    static const struct str names[2][2][2] = {
        {{STR_INIT("ESMTP"), STR_INIT("ESMTPA")}, {STR_INIT("ESMTPS"), STR_INIT("ESMTPSA")}},
        {{STR_INIT("UTF8SMTP"), STR_INIT("UTF8SMTPA")}, {STR_INIT("UTF8SMTPS"), STR_INIT("UTF8SMTPSA")}},
    };
    return s->is_esmtp ? names[s->mail.is_utf8][s->options.is_tls][s->is_logged_in] : STR("SMTP");
}

struct str smtpd_session_client_name(const struct smtpd_session *s) {
    return buf_str(&s->client_name);
}
