/* report.c - which kind of message it is, decided from what is hard to mistake down to what is only likely:
 *
 *     delivery status part -> feedback part -> disposition part -> challenge -> automatic answer by a sure sign
 *     -> bounce in words -> automatic answer by a field that bounces have too -> none
 *
 * A message inside the message is never looked into, but for the header of the first one (MI05, BN23).
 * SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime/header.h"
#include "proto/mime/message.h"
#include "proto/mime/param.h"
#include "proto/report/report_own.h"

#include <string.h>

#define COUNT(table)      (sizeof(table) / sizeof(table)[0])
#define HEADER_FIELDS_MAX 1000 /* of the message that are looked at */
/* Encoded bytes that decode to as much as `max`, and to a little more. */
#define ENCODED(max) ((max)*3)

struct reading {
    struct str bytes;
    struct arena *arena;
    struct message message;
    struct params type; /* of the whole message */
    struct report_view view;
};

enum part_kind { PART_STATUS, PART_FEEDBACK, PART_DISPOSITION, PART_ORIGINAL };
static const struct {
    enum part_kind kind;
    const char *type;
} part_types[] = {
    {PART_STATUS, "message/delivery-status"},
    {PART_STATUS, "message/global-delivery-status"},
    {PART_FEEDBACK, "message/feedback-report"},
    {PART_DISPOSITION, "message/disposition-notification"},
    {PART_DISPOSITION, "message/global-disposition-notification"},
    {PART_ORIGINAL, "message/rfc822"},
    {PART_ORIGINAL, "text/rfc822-headers"},
    {PART_ORIGINAL, "message/rfc822-headers"},
    {PART_ORIGINAL, "message/global"},
    {PART_ORIGINAL, "message/global-headers"},
};

const char *report_kind_name(enum report_kind kind) {
    static const char *const names[] = {[REPORT_NONE] = "none",
                                        [REPORT_DSN] = "dsn",
                                        [REPORT_BOUNCE] = "bounce",
                                        [REPORT_COMPLAINT] = "complaint",
                                        [REPORT_AUTO_REPLY] = "auto-reply",
                                        [REPORT_CHALLENGE] = "challenge"};
    return names[kind];
}

bool report_has_failed(const struct report_recipient *r) {
    return r->action == REPORT_FAILED || (r->action == REPORT_ACTION_NONE && str_starts(r->status, STR("5.")));
}

struct str report_speaker(const struct report *report, const struct report_recipient *r) {
    return r->remote_mta.n ? r->remote_mta : report->reporting_mta;
}

/* ---- parts ---- */
static const struct message_part *find_part(const struct reading *in, enum part_kind kind) {
    for (size_t i = 0; i < in->message.part_count; i++)
        for (size_t t = 0; t < COUNT(part_types); t++)
            if (part_types[t].kind == kind && str_eq(in->message.parts[i].type, str_from_z(part_types[t].type)))
                return &in->message.parts[i];
    return NULL;
}

/* Its first `max` bytes, decoded. */
static struct str part_bytes(const struct reading *in, const struct message_part *part, size_t max) {
    struct message_part first = *part;
    BUF_AUTO bytes = {0};
    first.body = str_sub(part->body, 0, ENCODED(max));
    message_part_bytes(&first, &bytes);
    buf_cut(&bytes, max);
    return arena_str(in->arena, buf_str(&bytes));
}

/* Is the part one of the whole message's own, and did the message come to its end? A report that was cut may have lost what made
 * it harmless. */
static bool is_whole(const struct reading *in, const struct message_part *part) {
    struct str boundary = params_find(&in->type, STR("boundary"));
    if (!str_eq(in->type.value, STR("multipart/report")) || boundary.n == 0) return false;
    size_t end = (size_t)(part->body.p - in->bytes.p) + part->body.n;
    struct str rest = str_sub(in->bytes, end, SIZE_MAX);
    if (str_starts(rest, STR("\r"))) rest = str_sub(rest, 1, SIZE_MAX);
    struct str closing = arena_strf(in->arena, "\n--%.*s--", STR_ARG(boundary));
    struct str delimiter = str_sub(closing, 0, closing.n - 2);
    if (!str_starts(rest, delimiter)) return false;
    struct str behind = str_sub(rest, delimiter.n, 1);
    bool is_delimiter = behind.n && (behind.p[0] == '\r' || behind.p[0] == '\n' || behind.p[0] == ' ' || behind.p[0] == '-');
    return is_delimiter && str_find_str(rest, closing) != STR_NONE;
}

static bool is_report_of(const struct reading *in, struct str type) {
    struct str said = params_find(&in->type, STR("report-type"));
    return said.n == 0 || str_eq_nocase(said, type);
}

/* ---- the original's header ---- */
static size_t header_length(struct str block) {
    struct str rest = block;
    struct header_field field;
    while (header_next(&rest, &field) == HEADER_FIELD) continue;
    return block.n - rest.n;
}

static struct str original_header(const struct reading *in) {
    const struct message_part *part = find_part(in, PART_ORIGINAL);
    if (!part) return STR("");
    struct str block = part_bytes(in, part, REPORT_HEADER_MAX);
    while (block.n && (block.p[0] == '\r' || block.p[0] == '\n')) block = str_sub(block, 1, SIZE_MAX);
    size_t line = str_find(block, '\n');
    if ((str_starts(block, STR("From ")) || str_starts(block, STR(">From "))) && line != STR_NONE)
        block = str_sub(block, line + 1, SIZE_MAX);
    return str_sub(block, 0, header_length(block));
}

/* ---- what the recognisers see ---- */
static void read_fields(struct reading *in) {
    struct report_view *v = &in->view;
    const struct {
        struct str name;
        struct str *to;
    } wanted[] = {{STR("from"), &v->from},
                  {STR("subject"), &v->subject},
                  {STR("auto-submitted"), &v->auto_submitted},
                  {STR("precedence"), &v->precedence},
                  {STR("x-failed-recipients"), &v->failed_recipients}};
    struct str rest = in->bytes;
    struct header_field field;
    for (size_t n = 0; n < HEADER_FIELDS_MAX && header_next(&rest, &field) == HEADER_FIELD; n++) {
        for (size_t i = 0; i < COUNT(wanted); i++)
            if (!wanted[i].to->p && str_eq_nocase(field.name, wanted[i].name))
                *wanted[i].to = report_clean(in->arena, field.value);
        report_note_field(v, field.name, str_trim(str_sub(field.value, 0, 200)));
        if (!in->type.value.p && str_eq_nocase(field.name, STR("content-type"))) params_parse(field.value, in->arena, &in->type);
    }
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (!wanted[i].to->p) *wanted[i].to = STR("");
}

static void read_text(struct reading *in) {
    const struct message_part *part = in->message.text ? in->message.text : in->message.html;
    BUF_AUTO text = {0};
    BUF_AUTO words = {0};
    if (part) {
        struct message_part first = *part;
        first.body = str_sub(part->body, 0, ENCODED(REPORT_TEXT_MAX));
        message_part_text(&first, &text);
    }
    if (part && part == in->message.html)
        report_add_html(&words, buf_str(&text));
    else
        words = buf_take(&text);
    buf_cut(&words, REPORT_TEXT_MAX);
    in->view.text = arena_str(in->arena, buf_str(&words));
}

static void read_words(struct reading *in) {
    struct report_view *v = &in->view;
    read_text(in);
    v->from_lower = arena_lower(in->arena, v->from);
    v->subject_lower = arena_lower(in->arena, v->subject);
    v->text_lower = arena_lower(in->arena, v->text);
}

/* ---- kinds ---- */
static bool has_action(const struct report *r) {
    for (size_t i = 0; i < r->recipient_count; i++)
        if (r->recipients[i].action != REPORT_ACTION_NONE) return true;
    return false;
}

static bool read_dsn(struct reading *in, struct report *r) {
    const struct message_part *part = find_part(in, PART_STATUS);
    if (!part) return false;
    report_read_status(part_bytes(in, part, REPORT_PART_MAX), in->arena, r);
    if (r->recipient_count == 0) return false;
    r->kind = REPORT_DSN;
    r->format = str_eq(part->type, STR("message/delivery-status")) ? STR("rfc3464") : STR("rfc6533");
    r->is_standard = has_action(r) && is_whole(in, part) && is_report_of(in, STR("delivery-status"));
    return true;
}

static bool read_complaint(struct reading *in, struct report *r) {
    const struct message_part *part = find_part(in, PART_FEEDBACK);
    if (!part) return false;
    report_read_feedback(part_bytes(in, part, REPORT_PART_MAX), in->arena, r);
    if (r->complaint.type == REPORT_FEEDBACK_NONE) return false;
    r->kind = REPORT_COMPLAINT;
    r->format = STR("rfc5965");
    r->is_standard = is_whole(in, part) && is_report_of(in, STR("feedback-report"));
    return true;
}

/* Microsoft's junk mail reporting: the message itself, attached. */
static bool read_junk_report(const struct reading *in, struct report *r) {
    if (!str_starts(in->view.subject_lower, STR("complaint about message from")) || !find_part(in, PART_ORIGINAL)) return false;
    r->kind = REPORT_COMPLAINT;
    r->format = STR("jmrp");
    r->complaint.type = REPORT_ABUSE;
    return true;
}

static void set_kind(struct report *r, enum report_kind kind, struct str format) {
    r->kind = kind;
    r->format = format;
}

static void decide(struct reading *in, struct report *r) {
    if (read_dsn(in, r) || read_complaint(in, r)) return;
    read_words(in);
    if (find_part(in, PART_DISPOSITION)) return set_kind(r, REPORT_AUTO_REPLY, STR("rfc8098"));
    if (read_junk_report(in, r)) return;
    if (report_is_challenge(&in->view)) return set_kind(r, REPORT_CHALLENGE, STR("challenge"));
    if (report_is_auto_reply(&in->view)) return set_kind(r, REPORT_AUTO_REPLY, STR("auto-reply"));
    if (report_read_text(&in->view, r)) {
        r->kind = REPORT_BOUNCE;
        return;
    }
    if (report_is_automatic(&in->view)) set_kind(r, REPORT_AUTO_REPLY, STR("auto-reply"));
}

void report_parse(struct str message, struct arena *arena, struct report *ret) {
    struct reading in = {.bytes = message, .arena = arena, .view.arena = arena};
    struct report r = {.format = STR("")};
    struct str *const texts[] = {&r.reporting_mta,
                                 &r.envelope_id,
                                 &r.complaint.user_agent,
                                 &r.complaint.mail_from,
                                 &r.complaint.rcpt_to,
                                 &r.complaint.reported_domain,
                                 &r.complaint.source_address,
                                 &r.original_header};
    for (size_t i = 0; i < COUNT(texts); i++) *texts[i] = STR("");
    message_parse(message, arena, &in.message);
    r.is_truncated = in.message.is_truncated;
    read_fields(&in);
    decide(&in, &r);
    if (r.kind != REPORT_NONE) r.original_header = original_header(&in);
    *ret = r;
}
