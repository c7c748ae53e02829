/* inbox.c - see inbox.h. A bounce address that is not ours, or whose message is gone, is no error: the mail is kept without
 * owner.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/inbox.h"

#include "core/return_path.h"
#include "proto/json/json_write.h"
#include "proto/mime/encoded_word.h"
#include "proto/mime/header.h"
#include "store/messages.h"
#include "store/queue.h"

#define PRUNE_MAX 10 /* of one mail; more than comes in, so the rest goes in time */

static enum status find_owner(struct db *tx, const struct seal_key *key, struct arena *a, struct inbox_mail *mail) {
    struct return_path path;
    struct str local = str_sub(mail->envelope_from, 0, str_find_last(mail->envelope_from, '@'));
    if (!key || !return_path_parse(key, local, &path) || path.use != RETURN_PATH_BOUNCE) return STATUS_OK;
    struct recipient recipient;
    struct message message;
    enum status status = recipient_get(tx, a, path.recipient_id, &recipient);
    if (status == STATUS_OK) status = message_get(tx, a, recipient.message_id, &message);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    mail->account_id = message.account_id;
    mail->domain_id = message.domain_id;
    mail->has_message_uuid = true;
    mail->message_uuid = message.uuid;
    return STATUS_OK;
}

static void add_recipients(struct buf *out, const struct inbox_delivery *mail) {
    struct json_writer w = {.out = out};
    json_open_array(&w);
    for (size_t i = 0; i < mail->recipient_count; i++) json_str(&w, mail->recipients[i]);
    json_close_array(&w);
}

static void add_subject(struct buf *out, struct str content) {
    struct header_field field;
    if (header_find(content, STR("Subject"), &field)) encoded_words_decode(out, field.value);
}

enum status inbox_receive(struct db *tx, const struct seal_key *key, const struct inbox_delivery *delivery) {
    ARENA_AUTO arena = {0};
    BUF_AUTO recipients = {0};
    BUF_AUTO subject = {0};
    add_recipients(&recipients, delivery);
    add_subject(&subject, delivery->content);
    struct inbox_mail mail = {.received_at = delivery->received_at,
                              .envelope_from = delivery->envelope_from,
                              .recipients = buf_str(&recipients),
                              .subject = str_trim(buf_str(&subject)),
                              .content = delivery->content};
    enum status status = find_owner(tx, key, &arena, &mail);
    int64_t id, deleted;
    if (status == STATUS_OK) status = inbox_add(tx, &mail, &id);
    if (status == STATUS_OK) status = inbox_prune(tx, INBOX_KEEP, PRUNE_MAX, &deleted);
    return status;
}
