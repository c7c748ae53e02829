/* inbox_calls.c - the sandbox's inbox, for a sender key (its own domain's messages) and for the operator (all).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/inbox_calls.h"

#include "base/encode.h"
#include "core/inbox.h"
#include "proto/mime/message.h"

#define LIST_DEFAULT 20

static int64_t scope_of(const struct call *c) {
    return call_style(c) == STYLE_CONTROL ? SCOPE_ANY : c->sender.key.domain_id;
}

/* In live mode there is no inbox but the operator's: what came for postmaster and abuse (core/hear.h). */
static bool is_closed(struct call *c) {
    if (c->api->is_sandbox || call_style(c) == STYLE_CONTROL) return false;
    call_refuse(c, 404);
    return true;
}

static void write_mail(struct call *c, const struct inbox_mail *mail) {
    struct json_writer *w = &c->json;
    json_add_i64(w, STR("ID"), mail->id);
    json_add_iso_time(w, STR("ReceivedAt"), mail->received_at);
    if (mail->has_message_uuid)
        json_add_uuid(w, STR("MessageID"), mail->message_uuid);
    else
        json_add_z(w, STR("MessageID"), "");
    json_add_str(w, STR("EnvelopeFrom"), mail->envelope_from);
    json_add_raw(w, STR("Recipients"), mail->recipients.n ? mail->recipients : STR("[]"));
    json_add_str(w, STR("Subject"), mail->subject);
    json_add_i64(w, STR("Size"), mail->size_bytes);
}

static void write_part_text(struct json_writer *w, struct str name, const struct message_part *part) {
    BUF_AUTO text = {0};
    if (part) message_part_text(part, &text);
    json_add_str(w, name, buf_str(&text));
}

static void write_attachments(struct json_writer *w, const struct message *message) {
    json_add_array(w, STR("Attachments"));
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        if (!part->is_attachment) continue;
        json_open_object(w);
        json_add_str(w, STR("filename"), part->filename);
        json_add_str(w, STR("type"), part->type);
        json_add_z(w, STR("disposition"), part->is_inline ? "inline" : "attachment");
        json_add_str(w, STR("contentid"), part->content_id);
        json_add_i64(w, STR("size"), (int64_t)part->size);
        json_close_object(w);
    }
    json_close_array(w);
}

static void write_decoded(struct call *c, struct str content) {
    struct json_writer *w = &c->json;
    struct message message;
    message_parse(content, c->arena, &message);
    json_add_str(w, STR("From"), message.from);
    json_add_str(w, STR("To"), message.to);
    json_add_str(w, STR("CC"), message.cc);
    json_add_str(w, STR("ReplyTo"), message.reply_to);
    json_add_str(w, STR("Date"), message.date);
    json_add_str(w, STR("RFCMessageID"), message.message_id);
    write_part_text(w, STR("PlainContent"), message.text);
    write_part_text(w, STR("HtmlContent"), message.html);
    write_attachments(w, &message);
}

/* The message of ID, or refusal 3. */
static enum status get_mail(struct call *c, struct db *db, struct inbox_mail *ret) {
    if (is_closed(c)) return STATUS_OK;
    enum status status = inbox_get(db, c->arena, scope_of(c), call_number(c, "ID", 0), ret);
    return status == STATUS_NOT_FOUND ? call_refuse(c, 3) : status;
}

enum status inbox_calls_get(struct call *c, struct db *db) {
    struct inbox_mail mail;
    enum status status = get_mail(c, db, &mail);
    if (call_is_over(c, status)) return status;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("Message"));
    write_mail(c, &mail);
    write_decoded(c, mail.content);
    json_close_object(w);
    return call_close(c);
}

enum status inbox_calls_list(struct call *c, struct db *db) {
    if (call_arg(c, "ID")->is_given) return inbox_calls_get(c, db);
    if (is_closed(c)) return STATUS_OK;
    struct inbox_list list;
    int64_t before = call_number(c, "BeforeID", 0);
    int limit = (int)call_number(c, "RetrieveCount", call_number(c, "Limit", LIST_DEFAULT));
    enum status status = inbox_list(db, c->arena, scope_of(c), before, limit, &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Messages"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        write_mail(c, &list.items[i]);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

/* The bytes as they arrived; in base64 on the control socket, whose answers are always JSON. */
enum status inbox_calls_raw(struct call *c, struct db *db) {
    struct inbox_mail mail;
    enum status status = get_mail(c, db, &mail);
    if (call_is_over(c, status)) return status;
    if (call_style(c) != STYLE_CONTROL) {
        c->content_type = "message/rfc822";
        buf_add_str(&c->out, mail.content);
        return STATUS_OK;
    }
    BUF_AUTO text = {0};
    base64_encode(&text, mail.content);
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("ID"), mail.id);
    json_add_str(w, STR("Content"), buf_str(&text));
    return call_close(c);
}
