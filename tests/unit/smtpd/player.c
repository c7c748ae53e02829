/* player.c - the roles are the same at every kind; only their names tell which one kept a mail.
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/player.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the roles say ---- */
static bool answer(struct player *p, const struct smtp_reply *told, struct smtp_reply *ret) {
    assert(!p->has_answer);
    if (!p->is_late) {
        if (told) *ret = *told;
        return true;
    }
    p->answer = told ? *told : *ret;
    p->has_answer = true;
    return false;
}

static bool judge_sender(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    struct player *p = arg;
    return answer(p, script_find(p->script, 'J', mail->sender), ret);
}

static bool judge_recipient(void *arg, const struct smtpd_mail *mail, const struct smtpd_recipient *next,
                            struct smtp_reply *ret) {
    struct player *p = arg;
    assert(mail->recipient_count < p->service.recipients_max);
    return answer(p, script_find(p->script, 'J', next->mailbox), ret);
}

static void recipient_print(struct buf *out, const struct smtpd_recipient *r) {
    buf_add_str(out, r->mailbox);
    if (r->notify) buf_addf(out, " NOTIFY=%u", r->notify);
    if (r->orcpt.n) buf_addf(out, " ORCPT=%.*s", STR_ARG(r->orcpt));
}

static void mail_print(struct buf *out, const struct smtpd_mail *mail) {
    buf_add_str(out, mail->sender);
    if (mail->what_return) buf_addf(out, " RET=%u", (unsigned)mail->what_return);
    if (mail->envid.n) buf_addf(out, " ENVID=%.*s", STR_ARG(mail->envid));
    for (size_t i = 0; i < mail->recipient_count; i++) {
        buf_add_z(out, i ? "," : "; ");
        recipient_print(out, &mail->recipients[i]);
    }
    buf_add_z(out, "; ");
    buf_add_str(out, mail->content);
    buf_add_char(out, '\n');
}

static bool store(struct player *p, const struct smtpd_mail *mail, const char *role, struct smtp_reply *ret) {
    const struct smtp_reply *failure = &p->script->failures[p->stores];
    assert(p->stores < SCRIPT_RULES_MAX && mail->recipient_count);
    if (p->stores++ < p->script->store_count && failure->code) return answer(p, failure, ret);
    struct str protocol = smtpd_session_protocol(p->session), client = smtpd_session_client_name(p->session);
    mail_print(&p->mails, mail);
    buf_addf(&p->facts, "%s %.*s %.*s\n", role, STR_ARG(protocol), STR_ARG(client));
    return answer(p, NULL, ret);
}
static bool store_stranger(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    return store(arg, mail, "stranger", ret);
}
static bool store_user(void *arg, const struct smtpd_mail *mail, struct smtp_reply *ret) {
    return store(arg, mail, "user", ret);
}

static bool login(void *arg, struct str user, struct str password, struct smtp_reply *ret) {
    static const struct smtp_reply wrong = {535, STR_INIT("5.7.8"), STR_INIT("Wrong user name or password")};
    struct player *p = arg;
    BUF_AUTO who = {0};
    buf_addf(&who, "%.*s %.*s", STR_ARG(user), STR_ARG(password));
    const struct smtp_reply *told = script_find(p->script, 'A', buf_str(&who));
    return answer(p, told ? told : &wrong, ret);
}

static bool client_changed(void *arg, const struct ip *client) {
    struct player *p = arg;
    BUF_AUTO text = {0};
    ip_format(&text, client);
    buf_addf(&p->facts, "client %.*s\n", STR_ARG(buf_str(&text)));
    return script_find(p->script, 'A', buf_str(&text)) != NULL;
}

/* ---- the session ---- */
static const struct smtpd_role stranger = {"stranger", judge_sender, judge_recipient, store_stranger};
static const struct smtpd_role user = {"user", judge_sender, judge_recipient, store_user};

static const struct {
    struct str name;
    const struct smtpd_role *anonymous, *authenticated;
    bool has_extensions;
} kinds[] = {
    {STR_INIT("inbox"), &stranger, NULL, false},
    {STR_INIT("submission"), NULL, &user, true},
    {STR_INIT("return path"), &stranger, NULL, true},
    {STR_INIT("public"), &stranger, &user, true},
    {STR_INIT("bare"), &(const struct smtpd_role){.name = "bare"}, NULL, true},
};

static struct smtpd_service service_of(struct str kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(kinds[i].name, kind))
            return (struct smtpd_service){.name = "test",
                                          .anonymous = kinds[i].anonymous,
                                          .authenticated = kinds[i].authenticated,
                                          .has_extensions = kinds[i].has_extensions,
                                          .login = login,
                                          .message_max_bytes = 1000,
                                          .anonymous_max_bytes = kinds[i].authenticated ? 500 : 1000,
                                          .line_max_bytes = 100,
                                          .recipients_max = 3,
                                          .errors_max = 5,
                                          .idle_max = 100,
                                          .auth_failures_max = 3};
    fprintf(stderr, "no such kind: %.*s\n", STR_ARG(kind));
    abort();
}

static bool has_flag(const struct script *script, const char *flag) {
    struct str rest = script->flags, word;
    while (str_next(&rest, ' ', &word))
        if (str_eq(word, str_from_z(flag))) return true;
    return false;
}

void player_start(struct player *p, const struct script *script, bool is_late) {
    *p = (struct player){.script = script, .service = service_of(script->kind), .is_late = is_late};
    p->service.has_auth_in_clear = has_flag(script, "clear");
    p->service.mails_max = has_flag(script, "two") ? 2 : 0;
    p->session = smtpd_session_new(&(struct smtpd_session_options){.service = &p->service,
                                                                   .hostname = STR("mx.test"),
                                                                   .has_starttls = has_flag(script, "starttls"),
                                                                   .is_tls = has_flag(script, "tls"),
                                                                   .is_loopback = has_flag(script, "loopback"),
                                                                   .has_xclient = has_flag(script, "xclient"),
                                                                   .is_authenticated = has_flag(script, "trusted"),
                                                                   .arg = p,
                                                                   .client_changed = client_changed});
    smtpd_session_greet(p->session, &p->server);
}

void player_feed(struct player *p, size_t upto) {
    for (;;) {
        p->at += smtpd_session_feed(p->session, str_sub(buf_str(&p->script->client), p->at, upto - p->at), &p->server);
        assert(p->has_answer == (smtpd_session_wants(p->session) == SMTPD_WANTS_ANSWER));
        if (!p->has_answer) break;
        p->has_answer = false;
        smtpd_session_answer(p->session, &p->answer, &p->server);
    }
    if (smtpd_session_wants(p->session) == SMTPD_WANTS_TLS && p->at < upto) p->is_left_over = true;
}

void player_play(struct player *p, size_t upto) {
    for (; p->waits < p->script->wait_count && p->script->waits[p->waits].at <= upto; p->waits++) {
        player_feed(p, p->script->waits[p->waits].at);
        if (p->script->waits[p->waits].is_tls && !p->is_left_over) smtpd_session_tls_started(p->session);
    }
    player_feed(p, upto);
}

bool player_is_closed(const struct player *p) {
    return p->is_left_over || smtpd_session_wants(p->session) == SMTPD_WANTS_CLOSE;
}

void player_fini(struct player *p) {
    smtpd_session_free(&p->session);
    buf_fini(&p->server);
    buf_fini(&p->mails);
    buf_fini(&p->facts);
}
