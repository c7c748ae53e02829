/* accept.c - see accept.h.
 *
 * Everything that can be refused is looked at before the first write, so a refusal never makes the writer roll its batch back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/accept.h"

#include "base/map.h"
#include "core/events.h"
#include "store/idempotency.h"
#include "store/sender_keys.h"

static struct idempotency idempotency_of(const struct acceptance *a) {
    return (struct idempotency){
        .account_id = a->message.account_id,
        .key_id = a->message.key_id,
        .key_hash = a->idempotency_hash,
        .request_hash = a->request_hash,
        .answer = a->answer,
        .created_at = a->message.created_at,
    };
}

/* NOT_FOUND: the request is new. */
static enum status find_first(struct db *tx, struct arena *arena, struct acceptance *a) {
    struct idempotency key = idempotency_of(a), first;
    enum status status = idempotency_find(tx, arena, &key, &first);
    if (status != STATUS_OK) return status;
    bool is_same = str_eq(first.request_hash, a->request_hash);
    a->outcome = is_same ? ACCEPT_REPLAYED : ACCEPT_CONFLICT;
    if (is_same) a->first_answer = first.answer;
    return STATUS_OK;
}

static enum status add_event(struct db *tx, const struct acceptance *a, const struct queue_entry *entry, struct str address,
                             struct str detail) {
    int64_t id;
    return event_record(tx,
                        &(struct event){
                            .at = a->message.created_at,
                            .type = EVENT_SEND,
                            .account_id = a->message.account_id,
                            .domain_id = a->message.domain_id,
                            .message_id = entry->message_id,
                            .recipient_id = entry->recipient_id,
                            .recipient = address,
                            .detail = detail,
                        },
                        &id);
}

static void write_detail(const struct acceptance *a, const struct accept_recipient *to, struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_str(&w, STR("RecipientDomain"), to->domain);
    json_add_str(&w, STR("RFCMessageID"), a->message.rfc_message_id);
    json_add_i64(&w, STR("Size"), a->message.size_bytes);
    event_add_key_id(&w, a->message.key_id);
    json_close_object(&w);
}

static enum status add_recipient(struct db *tx, const struct acceptance *a, size_t i, struct queue_entry *entry) {
    const struct accept_recipient *to = &a->recipients[i];
    struct recipient row = {
        .message_id = entry->message_id,
        .account_id = a->message.account_id,
        .address = to->address,
        .domain = to->domain,
        .state = a->due_at > a->message.created_at ? RECIPIENT_SCHEDULED : RECIPIENT_QUEUED,
        .priority = PRIORITY_TRANSACTIONAL,
        .due_at = a->due_at,
        .changed_at = a->message.created_at,
    };
    enum status status = recipient_add(tx, &row, &a->owner, &entry->recipient_id);
    if (status != STATUS_OK) return status;
    BUF_AUTO detail = {0};
    write_detail(a, to, &detail);
    return add_event(tx, a, entry, to->address, buf_str(&detail));
}

static enum status add_all(struct db *tx, struct arena *arena, struct acceptance *a) {
    int64_t message_id;
    enum status status = message_add(tx, &a->message, &message_id);
    if (status == STATUS_OK) status = body_add(tx, message_id, a->content);
    a->entries = arena_array(arena, a->recipient_count, sizeof *a->entries);
    for (size_t i = 0; status == STATUS_OK && i < a->recipient_count; i++) {
        a->entries[i] = (struct queue_entry){
            .message_id = message_id,
            .account_id = a->message.account_id,
            .domain = a->recipients[i].domain,
            .priority = PRIORITY_TRANSACTIONAL,
            .due_at = a->due_at,
            .created_at = a->message.created_at,
            .expires_at = a->message.expires_at,
            .size_bytes = a->message.size_bytes,
        };
        status = add_recipient(tx, a, i, &a->entries[i]);
    }
    a->entry_count = a->recipient_count;
    return status;
}

/* Each new key takes two old ones away, so the table holds what came within their life and no more. */
static enum status remember(struct db *tx, const struct acceptance *a) {
    struct idempotency entry = idempotency_of(a);
    int64_t pruned;
    enum status status = idempotency_add(tx, &entry);
    return status == STATUS_OK ? idempotency_prune(tx, entry.created_at - ACCEPT_IDEMPOTENCY_LIFE_MS, 2, &pruned) : status;
}

enum status accept_run(struct db *tx, struct arena *arena, struct acceptance *a) {
    a->outcome = ACCEPT_NEW;
    a->entry_count = 0;
    enum status status = STATUS_NOT_FOUND;
    if (a->idempotency_hash.n) status = find_first(tx, arena, a);
    if (status != STATUS_NOT_FOUND) return status;
    status = add_all(tx, arena, a);
    if (status == STATUS_OK && a->idempotency_hash.n) status = remember(tx, a);
    if (status != STATUS_OK || !a->message.key_id) return status;
    status = sender_key_touch(tx, a->message.key_id, a->message.created_at);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* deleted since it was judged */
}

size_t accept_bytes(const struct acceptance *a) {
    return a->content.n + 1024 + a->recipient_count * 512;
}

size_t accept_unique(struct accept_recipient *recipients, size_t count) {
    struct map *seen = map_new();
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (map_put(seen, recipients[i].address, seen)) continue;
        recipients[kept++] = recipients[i];
    }
    map_free(&seen);
    return kept;
}
