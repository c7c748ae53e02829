/* dsn.c - see dsn.h. Three parts of three actions: what differs between the actions is a table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/report/dsn.h"

#include "base/encode.h"
#include "proto/mime/body.h"
#include "proto/mime/header.h"

#include <string.h>

#define SUBJECT_MAX           200 /* bytes of the message's, in the report's */
#define BOUNDARY_RANDOM_BYTES 17

static const struct {
    const char *action, *subject, *words, *then;
} actions[] = {
    [DSN_FAILED] = {"failed", "Undelivered mail",
                    "Your message could not be delivered to this recipient:", "It will not be tried again."},
    [DSN_DELAYED] = {"delayed", "Delayed mail", "Your message has not been delivered to this recipient yet:",
                     "You need not do anything: it will be tried again until "},
    [DSN_RELAYED] = {"relayed", "Relayed mail", "Your message was handed over for this recipient:",
                     "The server that took it does not report on deliveries, so this is the last that is known here."},
};

/* ---- texts that others said ---- */
static struct str cut(struct str s, size_t max) {
    if (s.n <= max) return s;
    while (max && ((unsigned char)s.p[max] & 0xC0) == 0x80) max--; /* not inside a character */
    return str_sub(s, 0, max);
}

/* One line, without control characters; '?' for what is beyond ASCII where only that may stand, or is no UTF-8. */
static void add_line(struct buf *out, struct str text, size_t max, bool may_utf8) {
    text = str_trim(cut(text, max));
    may_utf8 = may_utf8 && str_is_utf8(text);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_add_char(out, c < 0x20 || c == 0x7F ? ' ' : c >= 0x80 && !may_utf8 ? '?' : text.p[i]);
    }
}

/* ---- in plain words ---- */
static void add_words(const struct dsn *d, struct buf *out) {
    buf_addf(out, "This is the mail system at %.*s.\n\n%s\n\n  <", STR_ARG(d->reporting_mta), actions[d->action].words);
    add_line(out, d->recipient, DSN_TEXT_MAX, true);
    buf_add_z(out, ">\n");
    if (d->reason.n) {
        buf_add_z(out, "  ");
        add_line(out, d->reason, DSN_TEXT_MAX, true);
        buf_add_char(out, '\n');
    }
    buf_addf(out, "\n%s", actions[d->action].then);
    if (d->action == DSN_DELAYED) {
        time_add_rfc5322(out, d->retry_until);
        buf_add_char(out, '.');
    }
    buf_add_z(out, "\n\nSubject of your message: ");
    add_line(out, d->subject, SUBJECT_MAX, true);
    buf_add_z(out, "\nIt was accepted here:    ");
    time_add_rfc5322(out, d->arrived_at);
    buf_add_char(out, '\n');
}

static void add_text(const struct dsn *d, struct buf *out) {
    BUF_AUTO words = {0};
    add_words(d, &words);
    enum body_encoding encoding = body_encoding_for_text(buf_str(&words));
    buf_addf(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
             body_encoding_name(encoding));
    body_add_text(out, encoding, buf_str(&words));
}

/* ---- for programs ---- */
static void add_field(struct buf *out, const char *name, const char *type, struct str value, bool may_utf8) {
    if (value.n == 0) return;
    buf_addf(out, "%s: %s", name, type);
    add_line(out, value, DSN_TEXT_MAX, may_utf8);
    buf_add_z(out, "\r\n");
}

static void add_time(struct buf *out, const char *name, int64_t at) {
    buf_addf(out, "%s: ", name);
    time_add_rfc5322(out, at);
    buf_add_z(out, "\r\n");
}

static void add_status(const struct dsn *d, bool is_utf8, struct buf *out) {
    BUF_AUTO said = {0};
    bool has_recipient = str_is_ascii(d->recipient);
    buf_addf(out, "Content-Type: message/%sdelivery-status\r\n\r\n", is_utf8 ? "global-" : "");
    add_field(out, "Reporting-MTA", "dns; ", d->reporting_mta, false);
    add_field(out, "Original-Envelope-Id", "", d->envid, is_utf8);
    add_time(out, "Arrival-Date", d->arrived_at);
    buf_add_z(out, "\r\n");
    add_field(out, "Original-Recipient", "", d->orcpt, is_utf8);
    add_field(out, "Final-Recipient", has_recipient ? "rfc822; " : "utf-8; ", d->recipient, is_utf8);
    add_field(out, "Action", "", str_from_z(actions[d->action].action), false);
    add_field(out, "Status", "", d->status, false);
    add_field(out, "Remote-MTA", "dns; ", d->remote_mta, false);
    if (d->code) {
        buf_addf(&said, "%u ", d->code);
        if (d->enhanced.n) buf_addf(&said, "%.*s ", STR_ARG(d->enhanced));
        buf_add_str(&said, d->reply);
        add_field(out, "Diagnostic-Code", "smtp; ", buf_str(&said), is_utf8);
    }
    add_time(out, "Last-Attempt-Date", d->at);
    if (d->action == DSN_DELAYED) add_time(out, "Will-Retry-Until", d->retry_until);
}

/* ---- the message it is about ---- */
static struct str header_of(struct str message) {
    size_t end = str_find_str(message, STR("\r\n\r\n"));
    return end == STR_NONE ? message : str_sub(message, 0, end + 2);
}

static void add_original(const struct dsn *d, bool is_utf8, struct buf *out) {
    static const char *const types[2][2] = {{"text/rfc822-headers", "message/rfc822"},
                                            {"message/global-headers", "message/global"}};
    buf_addf(out, "Content-Type: %s\r\n", types[is_utf8][d->is_whole]);
    if (!str_is_ascii(d->original)) buf_add_z(out, "Content-Transfer-Encoding: 8bit\r\n");
    buf_add_z(out, "\r\n");
    buf_add_str(out, d->original);
}

/* ---- all of it ---- */
struct str dsn_subject(const struct dsn *d, struct arena *arena) {
    BUF_AUTO text = {0};
    buf_addf(&text, "%s: ", actions[d->action].subject);
    if (d->subject.n)
        add_line(&text, d->subject, SUBJECT_MAX, true);
    else
        buf_add_z(&text, "(no subject)");
    return arena_str(arena, buf_str(&text));
}

/* What may stand between <> as it is. */
static bool is_plain_id(struct str id) {
    return id.n > 0 && id.n <= 250 && str_plain_run(id) == id.n && str_find(id, ' ') == STR_NONE &&
           str_find(id, '<') == STR_NONE && str_find(id, '>') == STR_NONE;
}

static void add_header(const struct dsn *d, struct str boundary, struct buf *out) {
    ARENA_AUTO arena = {0};
    struct header_writer w = {.out = out};
    header_begin(&w, "From");
    header_mailbox(&w, STR("Mail Delivery System"), d->from, false);
    header_end(&w);
    header_begin(&w, "To");
    header_mailbox(&w, STR(""), d->to, false);
    header_end(&w);
    header_begin(&w, "Subject");
    header_text(&w, dsn_subject(d, &arena));
    header_end(&w);
    add_time(out, "Date", d->at);
    buf_addf(out, "Message-ID: <%.*s>\r\n", STR_ARG(d->message_id));
    if (is_plain_id(d->original_id))
        buf_addf(out, "In-Reply-To: <%.*s>\r\nReferences: <%.*s>\r\n", STR_ARG(d->original_id), STR_ARG(d->original_id));
    buf_add_z(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    header_begin(&w, "Content-Type");
    header_token(&w, STR("multipart/report"));
    header_param(&w, "report-type", STR("delivery-status")); /* RFC 6533 6 leaves it so */
    header_param(&w, "boundary", boundary);
    header_end(&w);
}

static void make_boundary(const struct rand *rand, struct buf *out) {
    char random[BOUNDARY_RANDOM_BYTES];
    rand_fill(rand, random, sizeof random);
    buf_add_z(out, "=_");
    base32_encode(out, str_make(random, sizeof random));
}

void dsn_write(const struct dsn *d, const struct rand *rand, struct buf *out) {
    BUF_AUTO boundary = {0};
    struct str header = header_of(d->original);
    bool is_utf8 = !str_is_ascii(d->recipient) || !str_is_ascii(d->orcpt) || !str_is_ascii(d->envid) || !str_is_ascii(header);
    make_boundary(rand, &boundary);
    add_header(d, buf_str(&boundary), out);
    for (int i = 0; i < (d->original.n ? 3 : 2); i++) {
        buf_addf(out, "\r\n--%.*s\r\n", STR_ARG(buf_str(&boundary)));
        if (i == 0) add_text(d, out);
        if (i == 1) add_status(d, is_utf8, out);
        if (i == 2) add_original(d, is_utf8, out);
    }
    buf_addf(out, "\r\n--%.*s--\r\n", STR_ARG(buf_str(&boundary)));
}
