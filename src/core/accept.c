/* accept.c - see accept.h.
 *
 * Everything that can be refused is looked at before the first write of a request, so a refusal never makes the writer roll its
 * batch back. What a transaction adds up (counts, the key's use) is written once, at its end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/accept.h"

#include "base/map.h"
#include "core/events.h"
#include "core/suppressions.h"
#include "store/domains.h"
#include "store/idempotency.h"
#include "store/sender_keys.h"
#include "store/words.h"

/* Of the writer's batch: a recipient, an event, and a call for each webhook that its domain may have (P6). */
#define RECIPIENT_BYTES 4096

/* ---- recipients ---- */
static enum status add_event(struct db *tx, const struct acceptance *a, const struct event *what) {
    int64_t id;
    struct event event = *what;
    event.at = a->message.created_at;
    event.account_id = a->message.account_id;
    event.domain_id = a->message.domain_id;
    return event_write(tx, &event, a->message.tags, EVENT_AS_IT_COMES, &id);
}

static void write_detail(const struct acceptance *a, const struct accept_recipient *to, const struct suppression_case *found,
                         struct buf *out) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_add_str(&w, STR("RecipientDomain"), to->domain);
    if (found->source == SUPPRESSION_NONE) {
        json_add_str(&w, STR("RFCMessageID"), a->message.rfc_message_id);
        json_add_i64(&w, STR("Size"), a->message.size_bytes);
    } else {
        json_add_str(&w, STR("Reason"), suppression_source_name(found->source));
        if (found->tag.n) json_add_str(&w, STR("Tag"), found->tag);
    }
    event_add_sender(&w, &a->message);
    json_close_object(&w);
}

static enum recipient_state state_of(const struct acceptance *a, enum suppression_source source) {
    if (source != SUPPRESSION_NONE) return RECIPIENT_SUPPRESSED;
    return a->due_at > a->message.created_at ? RECIPIENT_SCHEDULED : RECIPIENT_QUEUED;
}

/* Row and event of a recipient; *ret_id is the row's. */
static enum status add_recipient(struct db *tx, const struct acceptance *a, size_t i, const struct suppression_case *found,
                                 int64_t *ret_id) {
    const struct accept_recipient *to = &a->recipients[i];
    struct recipient row = {
        .message_id = a->message.id,
        .account_id = a->message.account_id,
        .domain_id = a->message.domain_id,
        .address = to->address,
        .domain = to->domain,
        .state = state_of(a, found->source),
        .priority = a->priority,
        .due_at = a->due_at,
        .expires_at = a->message.expires_at,
        .reason = suppression_source_name(found->source),
        .changed_at = a->message.created_at,
        .dsn_notify = (int)to->dsn_notify,
        .dsn_orcpt = to->dsn_orcpt,
    };
    enum status status = recipient_add(tx, &row, &a->owner, ret_id);
    if (status != STATUS_OK) return status;
    BUF_AUTO detail = {0};
    write_detail(a, to, found, &detail);
    return add_event(tx, a,
                     &(struct event){.type = found->source == SUPPRESSION_NONE ? EVENT_SEND : EVENT_SUPPRESSED,
                                     .message_id = a->message.id,
                                     .recipient_id = *ret_id,
                                     .recipient = to->address,
                                     .detail = buf_str(&detail)});
}

/* ---- a message ---- */
static size_t count_waiting(const struct acceptance *a, const struct suppression_case *cases) {
    size_t count = 0;
    for (size_t i = 0; i < a->recipient_count; i++) count += cases[i].source == SUPPRESSION_NONE;
    return count;
}

static struct queue_entry entry_of(const struct acceptance *a, size_t i, int64_t recipient_id) {
    return (struct queue_entry){
        .recipient_id = recipient_id,
        .message_id = a->message.id,
        .account_id = a->message.account_id,
        .domain = a->recipients[i].domain,
        .priority = a->priority,
        .due_at = a->due_at,
        .created_at = a->message.created_at,
        .expires_at = a->message.expires_at,
        .size_bytes = a->message.size_bytes,
    };
}

static enum status add_words(struct db *tx, struct arena *arena, const struct acceptance *a) {
    struct str *recipients = arena_array(arena, a->recipient_count + 1, sizeof *recipients);
    for (size_t i = 0; i < a->recipient_count; i++) recipients[i] = a->recipients[i].address;
    return words_add(tx, &a->message, recipients, a->recipient_count);
}

/* A message that goes to nobody needs no body. */
static enum status add_message(struct db *tx, struct arena *arena, struct acceptance *a, const struct suppression_case *cases) {
    size_t waiting = count_waiting(a, cases);
    enum status status = message_add(tx, &a->message, &a->message.id);
    if (status == STATUS_OK && waiting) status = content_write(tx, &a->message, a->content, &a->packed);
    if (status == STATUS_OK) status = add_words(tx, arena, a);
    a->entries = arena_array(arena, waiting + 1, sizeof *a->entries);
    a->entry_count = 0;
    for (size_t i = 0; status == STATUS_OK && i < a->recipient_count; i++) {
        int64_t id = 0;
        status = add_recipient(tx, a, i, &cases[i], &id);
        if (cases[i].source == SUPPRESSION_NONE) a->entries[a->entry_count++] = entry_of(a, i, id);
    }
    return status;
}

enum status accept_run(struct db *tx, struct arena *arena, struct acceptance *a) {
    const struct suppression_case *nobody = arena_array(arena, a->recipient_count + 1, sizeof *nobody); /* SUPPRESSION_NONE */
    return add_message(tx, arena, a, nobody);
}

/* ---- a request ---- */
static size_t count_recipients(const struct accept_request *request) {
    size_t count = 0;
    for (size_t i = 0; i < request->message_count; i++) count += request->messages[i].recipient_count;
    return count;
}

static enum status find_suppressed(struct db *tx, struct arena *arena, const struct acceptor *by, struct accept_request *request,
                                   struct suppression_case **ret_cases) {
    size_t count = count_recipients(request), n = 0;
    struct suppression_case *cases = arena_array(arena, count + 1, sizeof *cases);
    const struct suppression_scope scope = {by->quota.account_id, request->list_id};
    for (size_t i = 0; i < request->message_count; i++) {
        const struct acceptance *a = &request->messages[i];
        for (size_t k = 0; k < a->recipient_count; k++)
            cases[n++] = (struct suppression_case){
                .address = a->recipients[k].address, .tags = a->message.tags, .is_transactional = a->is_transactional};
    }
    enum status status = suppressions_judge(tx, arena, &scope, cases, count);
    if (status != STATUS_OK) return status;
    request->suppressed = arena_array(arena, count + 1, sizeof *request->suppressed);
    request->suppressed_count = 0;
    for (size_t i = 0; i < count; i++)
        if (cases[i].source != SUPPRESSION_NONE) request->suppressed[request->suppressed_count++] = cases[i].address;
    *ret_cases = cases;
    return STATUS_OK;
}

/* A deleted domain's queue was failed as a whole: nothing may come after that. */
static enum status find_domain(struct db *tx, struct accept_request *request) {
    request->outcome = ACCEPT_NEW;
    if (request->message_count == 0) return STATUS_OK;
    const struct message *m = &request->messages[0].message;
    enum status status = domain_is_of(tx, m->account_id, m->domain_id);
    if (status == STATUS_NOT_FOUND) request->outcome = ACCEPT_GONE;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status accept_request(struct db *tx, struct arena *arena, struct acceptor *by, struct accept_request *request) {
    struct suppression_case *cases;
    enum status status = find_domain(tx, request);
    if (status != STATUS_OK || request->outcome == ACCEPT_GONE) return status;
    status = find_suppressed(tx, arena, by, request, &cases);
    if (status != STATUS_OK) return status;
    size_t left = count_recipients(request) - request->suppressed_count;
    if (left == 0 && !request->keeps_suppressed) {
        request->outcome = ACCEPT_SUPPRESSED;
        return STATUS_OK;
    }
    request->verdict = quota_take(&by->quota, (int64_t)left);
    request->outcome = request->verdict == QUOTA_FINE ? ACCEPT_NEW : ACCEPT_OVER_LIMIT;
    for (size_t i = 0; status == STATUS_OK && request->outcome == ACCEPT_NEW && i < request->message_count; i++) {
        status = add_message(tx, arena, &request->messages[i], cases);
        cases += request->messages[i].recipient_count;
    }
    return status;
}

void accept_request_fini(struct accept_request *request) {
    for (size_t i = 0; i < request->message_count; i++) {
        content_fini(&request->messages[i].packed);
        buf_fini(&request->messages[i].room);
    }
    request->message_count = 0;
}

void accept_pack(struct acceptance *a, size_t share_min) {
    if (share_min == CONTENT_SHARED_MAYBE && a->content.n < CONTENT_ALONE_MIN) return;
    content_pack(a->content, share_min, &a->packed);
    buf_fini(&a->room);
    a->content = (struct str){0};
}

size_t accept_held(const struct acceptance *a) {
    return a->content.n + a->packed.bytes.n + a->packed.part.n;
}

struct str accept_message_id(struct arena *arena, struct id uuid, struct str domain) {
    char text[ID_TEXT_LEN + 1];
    id_format(uuid, text);
    return arena_strf(arena, "%s@%.*s", text, STR_ARG(domain));
}

size_t accept_bytes(const struct accept_request *request) {
    size_t bytes = 0;
    for (size_t i = 0; i < request->message_count; i++)
        bytes += accept_held(&request->messages[i]) + 1024 + request->messages[i].recipient_count * RECIPIENT_BYTES;
    return bytes;
}

/* ---- a transaction's ---- */
enum status accept_begin(struct db *tx, struct acceptor *by) {
    return quota_open(tx, &by->quota);
}

enum status accept_end(struct db *tx, const struct acceptor *by) {
    enum status status = quota_close(tx, &by->quota);
    if (status != STATUS_OK || by->key_id == 0) return status;
    status = sender_key_touch(tx, by->key_id, by->quota.now);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* deleted since it was judged */
}

/* ---- idempotency ---- */
static struct idempotency idempotency_of(const struct acceptor *by, const struct accept_key *key) {
    return (struct idempotency){
        .account_id = by->quota.account_id,
        .key_id = by->key_id,
        .key_hash = key->key_hash,
        .request_hash = key->request_hash,
        .created_at = by->quota.now,
    };
}

enum status accept_recall(struct db *tx, struct arena *arena, const struct acceptor *by, const struct accept_key *key,
                          struct str *ret_answer, enum accept_outcome *ret) {
    struct idempotency entry = idempotency_of(by, key), first;
    enum status status = key->key_hash.n ? idempotency_find(tx, arena, &entry, &first) : STATUS_NOT_FOUND;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    if (status == STATUS_NOT_FOUND || first.created_at <= entry.created_at - ACCEPT_IDEMPOTENCY_LIFE_MS) {
        *ret = ACCEPT_NEW;
    } else if (str_eq(first.request_hash, entry.request_hash)) {
        *ret = ACCEPT_REPLAYED;
        *ret_answer = first.answer;
    } else {
        *ret = ACCEPT_CONFLICT;
    }
    return STATUS_OK;
}

/* Each new key takes two old ones away, so the table holds what came within their life and no more (P8). */
enum status accept_remember(struct db *tx, const struct acceptor *by, const struct accept_key *key, struct str answer) {
    struct idempotency entry = idempotency_of(by, key);
    int64_t pruned, before = entry.created_at - ACCEPT_IDEMPOTENCY_LIFE_MS;
    if (key->key_hash.n == 0) return STATUS_OK;
    entry.answer = answer;
    enum status status = idempotency_put(tx, &entry);
    return status == STATUS_OK ? idempotency_prune(tx, before, 2, &pruned) : status;
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
