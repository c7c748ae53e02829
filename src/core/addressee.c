/* addressee.c - see addressee.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/addressee.h"

#include "core/events.h"
#include "core/farewell.h"
#include "core/suppressions.h"
#include "proto/json/json.h"
#include "store/events.h"

enum status addressee_load(struct db *db, struct arena *arena, int64_t recipient_id, struct addressee *ret) {
    struct addressee a;
    enum status status = recipient_get(db, arena, recipient_id, &a.recipient);
    if (status == STATUS_OK) status = message_get(db, arena, a.recipient.message_id, &a.message);
    if (status == STATUS_OK) status = domain_get(db, arena, a.message.account_id, a.message.domain_id, &a.domain);
    if (status == STATUS_OK) *ret = a;
    return status;
}

void addressee_open_detail(struct json_writer *w, const struct addressee *a) {
    json_open_object(w);
    json_add_str(w, STR("RecipientDomain"), a->recipient.domain);
    json_add_str(w, STR("RFCMessageID"), a->message.rfc_message_id);
    event_add_sender(w, &a->message);
}

struct event addressee_event(const struct addressee *a, enum event_type type, int64_t at, struct str detail) {
    return (struct event){.at = at,
                          .type = type,
                          .account_id = a->message.account_id,
                          .domain_id = a->message.domain_id,
                          .message_id = a->message.id,
                          .recipient_id = a->recipient.id,
                          .recipient = a->recipient.address,
                          .detail = detail};
}

static enum status suppress(struct db *tx, const struct addressee *a, const struct leaving *l, struct left *left) {
    struct farewell f = {
        SUPPRESSION_UNSUBSCRIBE, SUBSCRIBER_UNSUBSCRIBED, l->scope == LEAVE_LIST, l->reason, left->event_id, l->at};
    if (l->scope != LEAVE_TAG) return farewell_write(tx, &a->message, a->recipient.address, &f, &left->is_suppressed);
    struct tag_refusal refusal = {
        .account_id = a->message.account_id, .tag = l->tag, .event_id = left->event_id, .created_at = l->at};
    return suppression_refuse_tag(tx, &refusal, a->recipient.address, &left->is_suppressed);
}

/* Was his first one about a tag only, or is it too long ago to know? Then a mail may well say more. */
static enum status was_of_tag(struct db *tx, const struct addressee *a, bool *ret) {
    ARENA_AUTO arena = {0};
    struct str text;
    const struct json *detail;
    struct json_error error;
    enum status status = event_first(tx, &arena, a->recipient.id, EVENT_UNSUBSCRIBE, &text);
    if (status == STATUS_OK) *ret = json_parse(&arena, text, &detail, &error) && json_find_text(detail, STR("Tag")).n > 0;
    if (status != STATUS_NOT_FOUND) return status;
    *ret = true;
    return STATUS_OK;
}

/* He left before: only what is news is an event. */
static enum status leave_again(struct db *tx, const struct addressee *a, const struct leaving *l, struct event *event,
                               struct left *left) {
    bool is_due = true;
    enum status status = l->is_replay ? was_of_tag(tx, a, &is_due) : STATUS_OK;
    if (status == STATUS_OK && is_due) status = suppress(tx, a, l, left);
    if (status == STATUS_OK && left->is_suppressed)
        status = event_write(tx, event, a->message.tags, EVENT_AS_IT_COMES, &left->event_id);
    return status;
}

enum status addressee_leave(struct db *tx, const struct addressee *a, const struct leaving *l, struct left *ret) {
    struct left left = {0};
    struct event event = addressee_event(a, EVENT_UNSUBSCRIBE, l->at, l->detail);
    enum status status = event_write(tx, &event, a->message.tags, EVENT_ONCE, &left.event_id);
    if (status == STATUS_OK)
        status = suppress(tx, a, l, &left);
    else if (status == STATUS_EXISTS)
        status = leave_again(tx, a, l, &event, &left);
    if (status == STATUS_OK) *ret = left;
    return status;
}
