/* erase.c - see erase.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/erase.h"

#include "core/suppressions.h"
#include "proto/address/address.h"
#include "proto/json/json_write.h"
#include "store/bodies.h"
#include "store/events.h"

const char *erase_stage_text(enum erase_stage stage) {
    static const char *const texts[] = {"lists", "recipients", "inbox", "done"};
    return texts[stage];
}

enum status erase_begin(struct db *tx, int64_t account_id, struct str address, int64_t now, int64_t *ret_id) {
    ARENA_AUTO arena = {0};
    struct address parsed;
    if (!address_parse(address, &arena, &parsed)) return STATUS_INVALID;
    struct sha256 hash = suppression_hash(parsed.text);
    struct erasure erasure = {.account_id = account_id,
                              .address_hash = sha256_str(&hash),
                              .address = arena_lower(&arena, parsed.text),
                              .created_at = now};
    return erasure_add(tx, &erasure, ret_id);
}

/* ---- lists ---- */

/* Nobody writes to him any more, though nobody knows who he was. An account that is gone writes to nobody. */
static enum status leave_hash(struct db *tx, const struct erasure *e, int64_t account_id, int64_t now) {
    int64_t id = 0;
    enum status status = erasure_account_next(tx, account_id - 1, &id);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && id != account_id)) return STATUS_OK;
    if (status != STATUS_OK) return status;
    struct suppression entry = {.account_id = account_id,
                                .address = STR(""),
                                .address_hash = e->address_hash,
                                .source = e->account_id ? SUPPRESSION_USER : SUPPRESSION_ADMINISTRATOR,
                                .reason = STR(ERASE_REASON),
                                .created_at = now};
    status = suppression_insert(tx, &entry, &id);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* An account that has nothing of him learns nothing of him. */
static enum status clear_account(struct db *tx, const struct erasure *e, int64_t account_id, int64_t now) {
    int64_t count = 0;
    enum status status = erasure_clear_lists(tx, e, account_id, STR(ERASE_REASON), &count);
    bool knows_him = count > 0 || e->account_id != ERASURE_EVERYBODY;
    return status == STATUS_OK && knows_him ? leave_hash(tx, e, account_id, now) : status;
}

static void enter(struct erasure *e, enum erase_stage stage) {
    e->stage = stage;
    e->place = 0;
    e->left_over = 0;
}

static enum status slice_of_lists(struct db *tx, struct arena *arena, struct erasure *e, int64_t now) {
    (void)arena;
    enum status status = e->account_id ? clear_account(tx, e, e->account_id, now) : STATUS_OK;
    bool is_end = e->account_id != ERASURE_EVERYBODY;
    for (int i = 0; status == STATUS_OK && !is_end && i < ERASE_ACCOUNTS_MAX; i++) {
        status = erasure_account_next(tx, e->place, &e->place);
        is_end = status == STATUS_NOT_FOUND;
        status = is_end ? STATUS_OK : status;
        if (status == STATUS_OK && !is_end) status = clear_account(tx, e, e->place, now);
    }
    if (status == STATUS_OK && is_end) enter(e, ERASE_RECIPIENTS);
    return status;
}

/* ---- recipients ---- */

/* What a slice may still take; is_done: not so when its last recipient has more events than that. */
struct allowance {
    int64_t events, bytes;
    bool is_done;
};

static enum status erase_content(struct db *tx, const struct erasure_find *found, struct erasure *e, struct allowance *left) {
    int64_t all = 0, waiting = 0, bytes = 0;
    enum status status = erasure_count_recipients(tx, found->message_id, &all, &waiting);
    if (status != STATUS_OK) return status;
    if (waiting > 0) {
        e->left_over++;
        return STATUS_OK;
    }
    status = erasure_delete_mails_of(tx, found->message_id);
    if (status == STATUS_OK) status = body_weigh(tx, found->message_id, &bytes);
    if (status != STATUS_OK) return status;
    left->bytes -= bytes;
    e->recipients++;
    e->bodies++;
    if (all == 1) return erasure_delete_message(tx, found->message_id);
    status = body_delete(tx, found->message_id);
    e->bodies -= status == STATUS_NOT_FOUND;
    return status == STATUS_OK || status == STATUS_NOT_FOUND ? erasure_delete_recipient(tx, found) : status;
}

static enum status erase_recipient(struct db *tx, const struct erasure_find *found, struct erasure *e, int64_t now,
                                   struct allowance *left) {
    int64_t events = 0;
    if (found->is_waiting) {
        e->left_over++;
        return STATUS_OK;
    }
    enum status status = erasure_delete_events(tx, found, &events);
    e->events += events;
    left->events -= events;
    left->is_done = events < EVENT_REMOVE_MAX;
    if (status == STATUS_OK) status = leave_hash(tx, e, found->account_id, now);
    return status == STATUS_OK && left->is_done ? erase_content(tx, found, e, left) : status;
}

/* How many were left over is told till the next walk begins. */
static void end_walk(struct erasure *e, int64_t now) {
    if (e->left_over == 0) return enter(e, ERASE_INBOX);
    e->place = 0;
    e->look_at = now + ERASE_AGAIN_MS;
}

static enum status slice_of_recipients(struct db *tx, struct arena *arena, struct erasure *e, int64_t now) {
    struct erasure_found found;
    struct allowance left = {EVENT_REMOVE_MAX, ERASE_BYTES_MAX, true};
    size_t done = 0;
    if (e->place == 0) e->left_over = 0;
    enum status status = erasure_find_recipients(tx, arena, e, ERASE_LOOK_MAX, &found);
    if (status != STATUS_OK) return status;
    for (; done < found.count && done < ERASE_FOUND_MAX && left.events > 0 && left.bytes > 0 && left.is_done;
         done += left.is_done) {
        status = erase_recipient(tx, &found.items[done], e, now, &left);
        if (status != STATUS_OK) return status;
    }
    bool is_cut = done < found.count;
    e->place = is_cut ? found.items[done].id - 1 : found.place;
    if (found.is_end && !is_cut) end_walk(e, now);
    return STATUS_OK;
}

/* ---- the inbox ---- */

/* As a JSON array spells it, in lower case. */
static void quote(struct str address, struct buf *out) {
    struct json_writer w = {.out = out};
    json_str(&w, address);
}

static enum status slice_of_inbox(struct db *tx, struct arena *arena, struct erasure *e, int64_t now) {
    struct erasure_mail_list page;
    BUF_AUTO quoted = {0};
    quote(e->address, &quoted);
    enum status status = erasure_inbox_page(tx, arena, e->place, ERASE_INBOX_MAX, &page);
    for (size_t i = 0; status == STATUS_OK && i < page.count; i++) {
        const struct erasure_mail *mail = &page.items[i];
        bool is_his = str_find_str(arena_lower(arena, mail->recipients), buf_str(&quoted)) != STR_NONE;
        e->place = mail->id;
        if (is_his && (e->account_id == ERASURE_EVERYBODY || mail->account_id == e->account_id))
            status = erasure_delete_mail(tx, mail->id);
    }
    if (status != STATUS_OK || page.count == ERASE_INBOX_MAX) return status;
    enter(e, ERASE_DONE);
    e->address = STR("");
    e->finished_at = now;
    return erasure_delete_orders(tx, e->account_id, buf_str(&quoted), STR(ERASE_REASON));
}

enum status erase_slice(struct db *tx, struct arena *arena, int64_t now, struct erasure *ret) {
    static enum status (*const stages[])(struct db *, struct arena *, struct erasure *, int64_t) = {
        [ERASE_LISTS] = slice_of_lists, [ERASE_RECIPIENTS] = slice_of_recipients, [ERASE_INBOX] = slice_of_inbox};
    struct erasure e;
    enum status status = erasure_due(tx, arena, now, &e);
    if (status != STATUS_OK) return status;
    e.look_at = now; /* it stands behind the others: orders take turns */
    status = stages[e.stage](tx, arena, &e, now);
    if (status == STATUS_OK) status = erasure_set(tx, &e);
    if (status == STATUS_OK) *ret = e;
    return status;
}
