/* verb_data.c - DATA, and the end of every message: its faults, or the role that stores it.
 *
 * A faulty message is read to its real end and told then (SM16, SM17); as much again as the limit is thrown away, then the
 * connection ends (PB09).
 * SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_own.h"

static const struct smtp_reply go_on = {354, {0}, STR_INIT("End the message with <CR><LF>.<CR><LF>")};
static const struct smtp_reply stored = {250, STR_INIT("2.0.0"), STR_INIT("Stored")};
static const struct smtp_reply too_early = {554, STR_INIT("5.5.0"), STR_INIT("Bytes behind DATA before its 354")};

static const struct smtp_reply in_chunks = {503, STR_INIT("5.5.1"),
                                            STR_INIT("This message has begun with BDAT; go on so, or RSET")};

static const struct smtp_reply faults[] = {
    [SMTP_DATA_BARE] = {550, STR_INIT("5.6.11"), STR_INIT("Bare CR or LF in the message")},
    [SMTP_DATA_NUL] = {550, STR_INIT("5.6.0"), STR_INIT("NUL in the message")},
    [SMTP_DATA_LINE_LONG] = {550, STR_INIT("5.6.0"), STR_INIT("Line too long in the message")},
    [SMTP_DATA_TOO_BIG] = {552, STR_INIT("5.3.4"), STR_INIT("Message too big, SIZE of EHLO tells the limit")},
};

void data_run(struct smtpd_session *s, const struct smtp_command *c, struct buf *out) {
    (void)c;
    if (s->state == STATE_CHUNKS) return session_refuse(s, &in_chunks, out);
    if (s->behind_bytes) return session_close(s, &too_early, out); /* PB14 */
    s->reader = (struct smtp_data_reader){.max_bytes = s->max_bytes, .line_max_bytes = s->service->line_max_bytes};
    s->state = STATE_CONTENT;
    smtp_reply_format(out, &go_on);
}

static void content_answered(struct smtpd_session *s, const struct smtp_reply *reply, struct buf *out) {
    if (reply_is_good(reply) || str_starts(reply->enhanced, STR("4.3."))) s->taken_bytes = 0; /* or our own trouble */
    if (reply_is_good(reply)) {
        smtp_reply_format(out, reply);
        s->errors = 0;
    } else {
        session_refuse(s, reply, out);
    }
    tx_reset(s, STATE_READY);
}

void content_ended(struct smtpd_session *s, struct buf *out) {
    s->idle = 0;
    s->mails++;
    if (s->reader.fault != SMTP_DATA_GOOD) return content_answered(s, &faults[s->reader.fault], out);
    s->mail.content = buf_str(&s->content);
    struct smtp_reply reply = stored;
    bool is_now = !s->role->store || s->role->store(s->options.arg, &s->mail, &reply);
    session_judge(s, is_now, &reply, content_answered, out);
}

size_t data_feed(struct smtpd_session *s, struct str in, struct buf *out) {
    size_t bytes_max = 2 * s->max_bytes + 1024, used; /* stuffing adds a third at most: beyond it, there is a fault */
    bool is_end = smtp_data_read(&s->reader, str_sub(in, 0, bytes_max - s->taken_bytes), &s->content, &used) == PARSE_DONE;
    s->taken_bytes += used;
    if (s->reader.fault != SMTP_DATA_GOOD) buf_fini(&s->content);
    if (is_end)
        content_ended(s, out);
    else if (s->taken_bytes == bytes_max)
        session_close(s, &faults[s->reader.fault], out);
    return used;
}
