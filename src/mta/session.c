/* session.c - see session.h for the states. One table says how a state is named, how long it may last and what is sent in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/session.h"

#include "base/encode.h"

#define AUTH_LINE_MAX 510 /* RFC 4954 4: AUTH with an initial response is a command like others */

static enum session_event respond_banner(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_ehlo(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_helo(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_starttls(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_auth_plain(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_auth_login(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_auth_user(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_auth(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_rset(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_mail(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_rcpt(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_data(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_dot(struct session *s, const struct smtp_answer *a, struct buf *out);
static enum session_event respond_empty(struct session *s, const struct smtp_answer *a, struct buf *out);

#define MINUTES(n) ((n)*INT64_C(60000))

static const struct {
    const char *command;
    int64_t patience_ms;
    enum session_event (*respond)(struct session *s, const struct smtp_answer *a, struct buf *out); /* NULL: nothing is due */
} states[SESSION_STATE_COUNT] = {
    [SESSION_BANNER] = {"CONNECT", MINUTES(5), respond_banner},
    [SESSION_EHLO] = {"EHLO", MINUTES(5), respond_ehlo},
    [SESSION_HELO] = {"HELO", MINUTES(5), respond_helo},
    [SESSION_STARTTLS] = {"STARTTLS", MINUTES(2), respond_starttls},
    [SESSION_SECURING] = {"STARTTLS", MINUTES(2), NULL},
    [SESSION_AUTH_PLAIN] = {"AUTH", MINUTES(5), respond_auth_plain},
    [SESSION_AUTH_LOGIN] = {"AUTH", MINUTES(5), respond_auth_login},
    [SESSION_AUTH_USER] = {"AUTH", MINUTES(5), respond_auth_user},
    [SESSION_AUTH] = {"AUTH", MINUTES(5), respond_auth},
    [SESSION_IDLE] = {"", -1, NULL},
    [SESSION_RSET] = {"RSET", MINUTES(5), respond_rset},
    [SESSION_MAIL] = {"MAIL", MINUTES(5), respond_mail},
    [SESSION_RCPT] = {"RCPT", MINUTES(5), respond_rcpt},
    [SESSION_DATA] = {"DATA", MINUTES(2), respond_data},
    [SESSION_CONTENT] = {"DATA", MINUTES(3), NULL},
    [SESSION_DOT] = {".", MINUTES(10), respond_dot},
    [SESSION_EMPTY] = {".", MINUTES(10), respond_empty},
    [SESSION_QUIT] = {"QUIT", 5000, NULL},
    [SESSION_BROKEN] = {"", 0, NULL},
};

static void set_result(struct session *s, unsigned code, struct str enhanced) {
    s->result.code = code;
    s->result.is_own = false;
    s->result.command = states[s->state].command;
    buf_reset(&s->result.enhanced);
    buf_reset(&s->result.text);
    buf_add_str(&s->result.enhanced, enhanced);
    s->is_ended = true;
}

static void set_result_answer(struct session *s, const struct smtp_answer *a) {
    set_result(s, a->code, a->enhanced);
    smtp_answer_text(&s->result.text, a);
}

static void set_result_own(struct session *s, unsigned code, const char *enhanced, const char *text) {
    set_result(s, code, str_from_z(enhanced));
    s->result.is_own = true;
    buf_add_z(&s->result.text, text);
}

static enum session_event broken(struct session *s, const char *why) {
    session_break(s, why);
    return SESSION_EVENT_BROKEN;
}

static enum session_event broken_by(struct session *s, const struct smtp_answer *a) {
    if (!s->is_ended) set_result_answer(s, a);
    s->state = SESSION_BROKEN;
    return SESSION_EVENT_BROKEN;
}

static bool is_good(const struct smtp_answer *a) {
    return a->code / 100 == 2;
}

/* ---- greeting ---- */
static void enter_ehlo(struct session *s, struct buf *out) {
    s->state = SESSION_EHLO;
    buf_addf(out, "EHLO %.*s\r\n", STR_ARG(s->hostname));
}

static enum session_event enter_idle(struct session *s, enum session_event event) {
    s->state = SESSION_IDLE;
    return event;
}

/* "\0user\0password" (RFC 4616). */
static void add_plain(struct buf *out, const struct session_login *login) {
    SECRET_AUTO message = {0};
    buf_add_char(&message, '\0');
    buf_add_str(&message, login->user);
    buf_add_char(&message, '\0');
    buf_add_str(&message, login->password);
    base64_encode(out, buf_str(&message));
}

static void enter_auth_plain(struct session *s, struct buf *out) {
    size_t start = out->n;
    buf_add_z(out, "AUTH PLAIN ");
    add_plain(out, &s->login);
    s->state = SESSION_AUTH;
    if (out->n - start > AUTH_LINE_MAX) {
        s->state = SESSION_AUTH_PLAIN;
        buf_cut(out, start + sizeof "AUTH PLAIN" - 1);
    }
    buf_add_z(out, "\r\n");
}

/* The greeting is over but for a login. */
static enum session_event greeted(struct session *s, struct buf *out) {
    if (str_is_empty(s->login.user)) return enter_idle(s, SESSION_EVENT_READY);
    if (!s->is_tls && !s->login.may_be_clear) return broken(s, "No login without TLS, and the relay has none for us");
    if (s->offer.auth_plain) {
        enter_auth_plain(s, out);
    } else if (s->offer.auth_login) {
        s->state = SESSION_AUTH_LOGIN;
        buf_add_z(out, "AUTH LOGIN\r\n");
    } else {
        return broken(s, "The relay offers no login by PLAIN or LOGIN");
    }
    return SESSION_EVENT_MORE;
}

static enum session_event respond_banner(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (!is_good(a)) return broken_by(s, a);
    enter_ehlo(s, out);
    return SESSION_EVENT_MORE;
}

static enum session_event respond_ehlo(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (a->code / 100 == 5 && !s->is_tls) { /* RFC 5321 3.2 (OB08) */
        s->state = SESSION_HELO;
        buf_addf(out, "HELO %.*s\r\n", STR_ARG(s->hostname));
        return SESSION_EVENT_MORE;
    }
    if (!is_good(a)) return broken_by(s, a);
    smtp_offer_read(a, &s->offer);
    if (!s->offer.starttls || s->is_tls || !s->may_tls) return greeted(s, out);
    s->state = SESSION_STARTTLS;
    buf_add_z(out, "STARTTLS\r\n");
    return SESSION_EVENT_MORE;
}

static enum session_event respond_helo(struct session *s, const struct smtp_answer *a, struct buf *out) {
    return is_good(a) ? greeted(s, out) : broken_by(s, a);
}

/* Opportunistic: a server that takes its offer back gets the mail in clear (ST10). */
static enum session_event respond_starttls(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (!is_good(a)) return greeted(s, out);
    s->state = SESSION_SECURING;
    return SESSION_EVENT_SECURE;
}

/* ---- login ---- */
/* Its code counts; its words may repeat what we said (P10). */
static enum session_event login_failed(struct session *s, const struct smtp_answer *a) {
    if (a->code < 400) return broken(s, "Answer does not fit the command");
    set_result(s, a->code, a->enhanced);
    buf_add_z(&s->result.text, a->code < 500 ? "The relay takes no login now" : "The relay refused our login");
    s->state = SESSION_BROKEN;
    return SESSION_EVENT_BROKEN;
}

static enum session_event say_next(struct session *s, const struct smtp_answer *a, enum session_state next) {
    if (a->code != 334) return login_failed(s, a);
    s->state = next;
    return SESSION_EVENT_MORE;
}

static enum session_event respond_auth_plain(struct session *s, const struct smtp_answer *a, struct buf *out) {
    enum session_event event = say_next(s, a, SESSION_AUTH);
    if (event != SESSION_EVENT_MORE) return event;
    add_plain(out, &s->login);
    buf_add_z(out, "\r\n");
    return event;
}

static enum session_event respond_auth_login(struct session *s, const struct smtp_answer *a, struct buf *out) {
    enum session_event event = say_next(s, a, SESSION_AUTH_USER);
    if (event != SESSION_EVENT_MORE) return event;
    base64_encode(out, s->login.user);
    buf_add_z(out, "\r\n");
    return event;
}

static enum session_event respond_auth_user(struct session *s, const struct smtp_answer *a, struct buf *out) {
    enum session_event event = say_next(s, a, SESSION_AUTH);
    if (event != SESSION_EVENT_MORE) return event;
    base64_encode(out, s->login.password);
    buf_add_z(out, "\r\n");
    return event;
}

static enum session_event respond_auth(struct session *s, const struct smtp_answer *a, struct buf *out) {
    (void)out;
    return is_good(a) ? enter_idle(s, SESSION_EVENT_READY) : login_failed(s, a);
}

void session_secured(struct session *s, struct buf *out) {
    s->is_tls = true;
    s->offer = (struct smtp_offer){0};
    enter_ehlo(s, out);
}

/* ---- a transaction ---- */
static void enter_rset(struct session *s, struct buf *out) {
    s->state = SESSION_RSET;
    buf_add_z(out, "RSET\r\n");
}

static void enter_mail(struct session *s, struct buf *out) {
    s->state = SESSION_MAIL;
    buf_add_z(out, "MAIL FROM:<");
    buf_add_str(out, s->mail.sender);
    buf_add_char(out, '>');
    if (s->offer.size) {
        buf_add_z(out, " SIZE=");
        buf_add_u64(out, s->mail.size_bytes);
    }
    if (s->mail.eightbit || s->mail.utf8) buf_add_z(out, " BODY=8BITMIME");
    if (s->mail.utf8) buf_add_z(out, " SMTPUTF8");
    if (s->mail.requiretls) buf_add_z(out, " REQUIRETLS");
    buf_add_z(out, "\r\n");
}

static void enter_rcpt(struct session *s, struct buf *out) {
    s->state = SESSION_RCPT;
    buf_add_z(out, "RCPT TO:<");
    buf_add_str(out, s->mail.recipient);
    buf_add_z(out, ">\r\n");
}

static void enter_data(struct session *s, struct buf *out) {
    s->state = SESSION_DATA;
    buf_add_z(out, "DATA\r\n");
}

/* Without PIPELINING each command waits for the one before. */
static enum session_event go_on(struct session *s, enum session_state next, void (*enter)(struct session *s, struct buf *out),
                                struct buf *out) {
    if (s->offer.pipelining)
        s->state = next;
    else
        enter(s, out);
    return SESSION_EVENT_MORE;
}

static enum session_event ended(struct session *s) {
    return enter_idle(s, SESSION_EVENT_RESULT);
}

/* The command was refused: read what is due for the pipelined rest, then give the result. */
static enum session_event refused(struct session *s, const struct smtp_answer *a, enum session_state next) {
    if (a->code == 421) return broken_by(s, a);
    if (a->code / 100 == 3) return broken(s, "Answer does not fit the command");
    if (!s->is_ended) set_result_answer(s, a);
    if (!s->offer.pipelining || next == SESSION_IDLE) return ended(s);
    s->state = next;
    return SESSION_EVENT_MORE;
}

static enum session_event respond_rset(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (!is_good(a)) return broken_by(s, a); /* OB27 */
    s->needs_rset = false;
    return go_on(s, SESSION_MAIL, enter_mail, out);
}

static enum session_event respond_mail(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (!is_good(a)) return refused(s, a, SESSION_RCPT);
    s->needs_rset = true;
    return go_on(s, SESSION_RCPT, enter_rcpt, out);
}

static enum session_event respond_rcpt(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (!is_good(a) || s->is_ended) return refused(s, a, SESSION_DATA);
    return go_on(s, SESSION_DATA, enter_data, out);
}

static enum session_event respond_data(struct session *s, const struct smtp_answer *a, struct buf *out) {
    if (a->code != 354) {
        if (is_good(a)) return broken(s, "DATA was answered as if it were done"); /* OB14 */
        return refused(s, a, SESSION_IDLE);
    }
    if (!s->is_ended) {
        s->state = SESSION_CONTENT;
        return SESSION_EVENT_CONTENT;
    }
    s->state = SESSION_EMPTY; /* RFC 2920 3.1: it wants a message all the same */
    buf_add_z(out, ".\r\n");
    return SESSION_EVENT_MORE;
}

static enum session_event respond_dot(struct session *s, const struct smtp_answer *a, struct buf *out) {
    (void)out;
    if (a->code / 100 == 3) return broken(s, "Answer does not fit the command");
    if (a->code == 421) return broken_by(s, a);
    s->needs_rset = false;
    set_result_answer(s, a);
    return ended(s);
}

static enum session_event respond_empty(struct session *s, const struct smtp_answer *a, struct buf *out) {
    (void)a, (void)out;
    return ended(s);
}

bool session_send(struct session *s, const struct session_mail *mail, struct buf *out) {
    s->mail = *mail;
    s->state = SESSION_MAIL;
    const struct smtp_offer *offer = &s->offer;
    if (offer->size_max_bytes && mail->size_bytes > offer->size_max_bytes)
        set_result_own(s, 552, "5.3.4", "Message is bigger than the host takes");
    else if (mail->utf8 && !(offer->utf8 && offer->eightbit))
        set_result_own(s, 553, "5.6.7", "The host takes no addresses beyond ASCII");
    else if (mail->eightbit && !offer->eightbit)
        set_result_own(s, 554, "5.6.3", "The host takes no 8-bit message");
    else
        s->is_ended = false;
    if (s->is_ended) {
        s->state = SESSION_IDLE;
        return false;
    }
    void (*const enter[])(struct session *, struct buf *) = {enter_rset, enter_mail, enter_rcpt, enter_data};
    size_t first = s->needs_rset ? 0 : 1, last = offer->pipelining ? 3 : first;
    for (size_t i = first; i <= last; i++) enter[i](s, out);
    s->state = first ? SESSION_MAIL : SESSION_RSET;
    return true;
}

void session_content_written(struct session *s) {
    s->state = SESSION_DOT;
}

/* ---- io ---- */
void session_init(struct session *s, struct str hostname, bool may_tls) {
    *s = (struct session){.hostname = hostname, .may_tls = may_tls};
}

void session_set_login(struct session *s, const struct session_login *login) {
    s->login = *login;
}

bool session_is_secret(const struct session *s) {
    return s->state >= SESSION_AUTH_PLAIN && s->state <= SESSION_AUTH;
}

void session_fini(struct session *s) {
    buf_fini(&s->result.enhanced);
    buf_fini(&s->result.text);
}

enum session_event session_step(struct session *s, struct buf *in, struct buf *out) {
    if (s->state == SESSION_BROKEN) return SESSION_EVENT_BROKEN;
    if (!states[s->state].respond) { /* nobody was asked (OB23) */
        if (in->n == 0 || s->state == SESSION_QUIT || s->state == SESSION_SECURING) return SESSION_EVENT_MORE;
        return broken(s, "The host spoke out of turn");
    }
    struct smtp_answer answer;
    switch (smtp_answer_read(&s->reader, buf_str(in), &answer)) {
    case PARSE_MORE:
        return SESSION_EVENT_MORE;
    case PARSE_BAD:
        return broken(s, "The host's answer is not SMTP");
    case PARSE_DONE:
        break;
    }
    s->reader = (struct smtp_answer_reader){0};
    if (s->heard && !session_is_secret(s)) s->heard(s->heard_arg, answer.lines);
    enum session_event event = states[s->state].respond(s, &answer, out);
    buf_drop(in, answer.lines.n);
    /* Who answers before he is told would make a secret pass for something else (P10). */
    if (session_is_secret(s) && in->n) return broken(s, "The host spoke out of turn");
    /* A step without an event of its own: the next answer may be here already. */
    if (event == SESSION_EVENT_MORE && in->n) return session_step(s, in, out);
    return event;
}

void session_quit(struct session *s, struct buf *out) {
    s->state = SESSION_QUIT;
    buf_add_z(out, "QUIT\r\n");
}

void session_break(struct session *s, const char *why) {
    if (!s->is_ended) set_result_own(s, 0, "", why);
    s->state = SESSION_BROKEN;
}

void session_break_tls(struct session *s, const char *enhanced, const char *why) {
    if (!s->is_ended) {
        set_result_own(s, 0, enhanced, why);
        s->result.command = "TLS";
    }
    s->state = SESSION_BROKEN;
}

bool session_is_busy(const struct session *s) {
    return s->state >= SESSION_RSET && s->state <= SESSION_EMPTY;
}

int64_t session_patience_ms(const struct session *s) {
    return states[s->state].patience_ms;
}
