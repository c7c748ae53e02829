/* hear.c - see hear.h: what a mail that came home changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hear.h"

#include "core/bounce.h"
#include "core/dsn.h"
#include "core/events.h"
#include "core/farewell.h"
#include "core/hear_own.h"
#include "core/inbox.h"

/* One mail on its way through. */
struct hearing {
    struct db *tx;
    struct arena arena;
    const struct hear_place *place;
    const struct hear_mail *mail;
    struct dsn_desk *desk;
    struct str *kept_for; /* whom of the operator's names it came to */
    size_t kept_count;
    struct heard heard;
};

/* ---- what is written ---- */
static void add_given(struct json_writer *w, struct str key, struct str value) {
    if (value.n > 0) json_add_str(w, key, value);
}

static struct event event_of(const struct hearing *h, const struct addressee *t, enum event_type type, struct str detail) {
    return addressee_event(t, type, h->mail->now, detail);
}

static enum status suppress(struct hearing *h, const struct addressee *t, struct farewell f) {
    bool is_new = false;
    f.at = h->mail->now;
    enum status status = farewell_write(h->tx, &t->message, t->recipient.address, &f, &is_new);
    if (status == STATUS_OK) h->heard.suppressions += is_new;
    return status;
}

/* ---- bounces ---- */
static bool is_waiting(enum recipient_state state) {
    return state == RECIPIENT_SCHEDULED || state == RECIPIENT_QUEUED || state == RECIPIENT_HELD;
}

static bool is_about(const struct report_recipient *r, struct str address) {
    return str_eq_nocase(r->original_address, address) || str_eq_nocase(r->final_address, address);
}

/* What is said of the recipient by his name; else, since his server may have sent it on to others, the first failure. NULL: none.
 * Words without a recipient say of themselves that they are a bounce. */
static const struct report_recipient *find_failure(const struct report *report, struct str address) {
    static const struct report_recipient nobody = {.action = REPORT_FAILED};
    for (size_t i = 0; i < report->recipient_count; i++)
        if (is_about(&report->recipients[i], address))
            return report_has_failed(&report->recipients[i]) ? &report->recipients[i] : NULL;
    for (size_t i = 0; i < report->recipient_count; i++)
        if (report_has_failed(&report->recipients[i])) return &report->recipients[i];
    return report->kind == REPORT_BOUNCE && report->recipient_count == 0 ? &nobody : NULL;
}

static struct str reason_of(struct hearing *h, const struct report_recipient *r) {
    struct str host = report_speaker(h->mail->report, r);
    if (r->diagnostic.n) return r->diagnostic;
    if (r->status.n) return arena_strf(&h->arena, "Returned after delivery with status %.*s", STR_ARG(r->status));
    if (host.n) return arena_strf(&h->arena, "Returned after delivery by %.*s", STR_ARG(host));
    return STR("Returned after delivery");
}

static void write_bounce(const struct hearing *h, const struct addressee *t, const struct report_recipient *r,
                         const struct bounce_finding *finding, struct buf *out) {
    const struct report *report = h->mail->report;
    struct json_writer w = {.out = out};
    addressee_open_detail(&w, t);
    add_given(&w, STR("MXHost"), report_speaker(report, r));
    add_given(&w, STR("ReportingMTA"), report->reporting_mta);
    if (r->code || r->diagnostic.n || r->enhanced.n) {
        json_add_object(&w, STR("Reply"));
        if (r->code) json_add_i64(&w, STR("Code"), r->code);
        add_given(&w, STR("Enhanced"), r->enhanced);
        add_given(&w, STR("Text"), r->diagnostic);
        json_close_object(&w);
    }
    json_add_str(&w, STR("Reason"), t->recipient.reason);
    bounce_class_write(&w, finding, report->kind == REPORT_DSN ? STR("dsn") : STR("text"));
    json_close_object(&w);
}

/* BN04, BN06, BN09: nobody is suppressed on words, by a sender who could be asked for a reason, or because one of several whom
 * his server sent it on to is not there. */
static bool is_proof(const struct hearing *h, const struct addressee *t, const struct report_recipient *r,
                     const struct bounce_finding *finding) {
    const struct report *report = h->mail->report;
    bool is_his = is_about(r, t->recipient.address) || (report->recipient_count == 1 && !report->is_truncated);
    return finding->suppresses && report->kind == REPORT_DSN && report->is_standard && h->mail->sender.n == 0 && is_his;
}

static enum status tell_sender(struct hearing *h, const struct addressee *t, const struct report_recipient *r) {
    const struct dsn_fact fact = {.action = DSN_FAILED,
                                  .at = h->mail->now,
                                  .remote_mta = report_speaker(h->mail->report, r),
                                  .code = r->code,
                                  .enhanced = r->status.n ? r->status : r->enhanced,
                                  .reply = r->diagnostic,
                                  .reason = t->recipient.reason};
    return dsn_tell(h->tx, h->desk, &t->message, &t->recipient, &fact);
}

static enum status hear_bounce(struct hearing *h, struct addressee *t) {
    const struct report_recipient *r = find_failure(h->mail->report, t->recipient.address);
    struct bounce_finding finding;
    BUF_AUTO detail = {0};
    int64_t id;
    if (!r) return STATUS_OK;
    t->recipient.reason = reason_of(h, r);
    enum status status = queue_return(h->tx, t->recipient.id, t->recipient.reason, h->mail->now);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* it has ended before (BN03) */
    if (status != STATUS_OK) return status;
    const struct bounce_reply reply = {r->code, r->enhanced, r->diagnostic, report_speaker(h->mail->report, r)};
    bounce_judge(h->place->bounces, &reply, &finding);
    write_bounce(h, t, r, &finding, &detail);
    struct event event = event_of(h, t, EVENT_BOUNCE, buf_str(&detail));
    status = event_write(h->tx, &event, t->message.tags, EVENT_AS_IT_COMES, &id);
    if (status == STATUS_OK && is_proof(h, t, r, &finding))
        status = suppress(h, t, (struct farewell){SUPPRESSION_BOUNCE, SUBSCRIBER_BOUNCED, false, t->recipient.reason, id, 0});
    if (status == STATUS_OK) status = tell_sender(h, t, r);
    if (status == STATUS_OK) h->heard.bounces++;
    return status;
}

/* ---- complaints, and those who leave ---- */
static enum status hear_complaint(struct hearing *h, const struct addressee *t) {
    const struct report_complaint *c = &h->mail->report->complaint;
    BUF_AUTO detail = {0};
    struct json_writer w = {.out = &detail};
    int64_t id;
    if (c->type != REPORT_ABUSE && c->type != REPORT_FRAUD) return STATUS_OK; /* BN13 */
    addressee_open_detail(&w, t);
    json_add_object(&w, STR("Complaint"));
    json_add_z(&w, STR("Type"), report_feedback_name(c->type));
    add_given(&w, STR("Reporter"), c->user_agent);
    json_close_object(&w);
    json_close_object(&w);
    struct event event = event_of(h, t, EVENT_COMPLAINT, buf_str(&detail));
    enum status status = event_write(h->tx, &event, t->message.tags, EVENT_ONCE, &id);
    if (status == STATUS_EXISTS) return STATUS_OK;
    if (status == STATUS_OK && h->mail->report->is_standard)
        status = suppress(h, t, (struct farewell){SUPPRESSION_COMPLAINT, SUBSCRIBER_COMPLAINED, false, c->user_agent, id, 0});
    if (status == STATUS_OK) h->heard.complaints++;
    return status;
}

static enum status hear_unsubscribe(struct hearing *h, const struct addressee *t) {
    BUF_AUTO detail = {0};
    struct json_writer w = {.out = &detail};
    struct left left;
    addressee_open_detail(&w, t);
    json_add_str(&w, STR("Source"), STR("mail"));
    json_close_object(&w);
    const struct leaving leaving = {.scope = LEAVE_LIST,
                                    .is_replay = true,
                                    .reason = STR("Asked to by mail"),
                                    .detail = buf_str(&detail),
                                    .at = h->mail->now};
    enum status status = addressee_leave(h->tx, t, &leaving, &left);
    if (status != STATUS_OK) return status;
    h->heard.unsubscribes += left.event_id != 0;
    h->heard.suppressions += left.is_suppressed;
    return STATUS_OK;
}

/* ---- addresses without a token ---- */
/* Once, however many of his names there are: a stranger decides what is written, not how often (P8). */
static enum status keep(struct hearing *h) {
    h->heard.kept = h->kept_count > 0;
    if (h->kept_count == 0) return STATUS_OK;
    return inbox_receive(h->tx, NULL,
                         &(struct inbox_delivery){.envelope_from = h->mail->sender,
                                                  .recipients = h->kept_for,
                                                  .recipient_count = h->kept_count,
                                                  .content = h->mail->content,
                                                  .received_at = h->mail->now});
}

static enum status hear_name(struct hearing *h, const struct hear_address *a) {
    struct hear_address found;
    struct addressee t;
    bool is_complaint = (a->takes & HEAR_COMPLAINTS) && h->mail->report->kind == REPORT_COMPLAINT;
    if (is_complaint && hear_find_token(h->place->key, h->mail->report->original_header, &found)) {
        enum status status = hear_target_load(h->tx, &h->arena, h->place, &found, h->mail->now, &t);
        if (status == STATUS_OK) h->heard.recipient_id = t.recipient.id;
        if (status != STATUS_NOT_FOUND) return status == STATUS_OK ? hear_complaint(h, &t) : status;
    }
    if (a->takes & HEAR_MAIL) h->kept_for[h->kept_count++] = a->mailbox;
    return STATUS_OK;
}

/* ---- all of a mail ---- */
static bool is_bounce(const struct report *report) {
    return report->kind == REPORT_DSN || report->kind == REPORT_BOUNCE;
}

/* Somebody's own mail: not the bounce of one that was forged in this address's name (P9). */
static bool is_wish(const struct hear_mail *mail) {
    return mail->sender.n > 0 || !is_bounce(mail->report);
}

static enum status hear_one(struct hearing *h, const struct hear_address *a) {
    struct addressee t;
    if (!a->has_token) return hear_name(h, a);
    enum status status = hear_target_load(h->tx, &h->arena, h->place, a, h->mail->now, &t);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    h->heard.recipient_id = t.recipient.id;
    if (a->path.use == RETURN_PATH_UNSUBSCRIBE) return is_wish(h->mail) ? hear_unsubscribe(h, &t) : STATUS_OK;
    if (is_bounce(h->mail->report)) return hear_bounce(h, &t);
    return h->mail->report->kind == REPORT_COMPLAINT ? hear_complaint(h, &t) : STATUS_OK;
}

/* A failure of what still waits: either our own word on its delivery is on its way to the disk, or we shall try again, because
 * the answer was lost. Told before anything is written, so that the mail may come a second time. */
static enum status find_early(struct hearing *h) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < h->mail->address_count && status == STATUS_OK && !h->heard.is_early; i++) {
        const struct hear_address *a = &h->mail->addresses[i];
        struct addressee t;
        if (!a->has_token || a->path.use != RETURN_PATH_BOUNCE || !is_bounce(h->mail->report)) continue;
        status = hear_target_load(h->tx, &h->arena, h->place, a, h->mail->now, &t);
        if (status == STATUS_OK) {
            h->heard.recipient_id = t.recipient.id;
            h->heard.is_early = is_waiting(t.recipient.state) && find_failure(h->mail->report, t.recipient.address);
        }
        if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    }
    return status;
}

enum status hear(struct db *tx, const struct hear_place *place, const struct hear_mail *mail, struct dsn_desk *desk,
                 struct heard *ret) {
    struct hearing h = {.tx = tx, .place = place, .mail = mail, .desk = desk};
    enum status status = find_early(&h);
    h.kept_for = arena_array(&h.arena, mail->address_count, sizeof *h.kept_for);
    for (size_t i = 0; i < mail->address_count && status == STATUS_OK && !h.heard.is_early; i++)
        status = hear_one(&h, &mail->addresses[i]);
    if (status == STATUS_OK) status = keep(&h);
    arena_fini(&h.arena);
    if (status == STATUS_OK) *ret = h.heard;
    return status;
}
