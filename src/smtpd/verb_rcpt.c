/* verb_rcpt.c - RCPT: one more recipient; the same once more counts once (PB27).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp/xtext.h"
#include "smtpd/session_own.h"

#include <string.h>

#define OVERSHOOT_MAX 100 /* RCPT of a transaction beyond the limit before 421, whatever became of them (LM17) */

static const struct smtp_reply recipient_ok = {250, STR_INIT("2.1.5"), STR_INIT("Ok")};
static const struct smtp_reply needs_utf8 = {553, STR_INIT("5.6.7"), STR_INIT("Address needs SMTPUTF8, said with MAIL")};
static const struct smtp_reply no_dsn = {555, STR_INIT("5.5.4"), STR_INIT("DSN is not offered here")};
static const struct smtp_reply bad_orcpt = {501, STR_INIT("5.5.4"), STR_INIT("ORCPT is not type;xtext")};
static const struct smtp_reply recipients_full = {452, STR_INIT("4.5.3"), STR_INIT("Too many recipients")};
static const struct smtp_reply too_many = {421, STR_INIT("4.5.3"), STR_INIT("Far too many recipients")};

static bool has_recipient(const struct smtpd_session *s, struct str mailbox) {
    for (size_t i = 0; i < s->mail.recipient_count; i++)
        if (str_eq(s->mail.recipients[i].mailbox, mailbox)) return true;
    return false;
}

static void recipient_add(struct smtpd_session *s) {
    if (s->mail.recipient_count == s->recipients_room) {
        s->recipients_room = s->recipients_room ? s->recipients_room * 2 : 4;
        struct smtpd_recipient *more = arena_array(&s->arena, s->recipients_room, sizeof *more);
        if (s->mail.recipient_count) memcpy(more, s->mail.recipients, s->mail.recipient_count * sizeof *more);
        s->mail.recipients = more;
    }
    s->mail.recipients[s->mail.recipient_count++] = s->next;
}

static void rcpt_answered(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    bool is_taken = reply_is_good(reply);
    if (is_taken) recipient_add(s);
    s->state = s->mail.recipient_count ? STATE_RECIPIENTS : STATE_SENDER;
    if (is_taken || reply->code == recipients_full.code) /* the rest may come in another message: no mistake */
        smtp_reply_format(out, reply);
    else
        session_refuse(s, reply, out);
}

/* NULL: the role may be asked; s->next is it. */
static const struct smtp_reply *rcpt_judge(struct smtpd_session *s, const struct smtp_command *c) {
    if (c->has_parameters && !s->is_esmtp) return &session_no_extensions;
    if (c->has_dsn && !s->service->has_extensions) return &no_dsn;
    if (c->utf8_mailbox && !s->mail.is_utf8) return &needs_utf8;
    BUF_AUTO orcpt = {0};
    if (!smtp_xtext_decode(&orcpt, c->orcpt)) return &bad_orcpt;
    s->next = (struct smtpd_recipient){arena_str(&s->arena, c->mailbox), c->notify, arena_str(&s->arena, buf_str(&orcpt))};
    return NULL;
}

void rcpt_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    if (++s->recipients_said > s->service->recipients_max + OVERSHOOT_MAX) return session_close(s, &too_many, out);
    if (has_recipient(s, c->mailbox)) return smtp_reply_format(out, &recipient_ok);
    if (s->mail.recipient_count >= s->service->recipients_max) return smtp_reply_format(out, &recipients_full);
    const struct smtp_reply *why = rcpt_judge(s, c);
    if (why) return session_refuse(s, why, out);
    struct smtp_reply reply = recipient_ok;
    bool is_now = !s->role->recipient || s->role->recipient(s->options.arg, &s->mail, &s->next, &reply);
    session_judge(s, is_now, &reply, rcpt_answered, out);
}
