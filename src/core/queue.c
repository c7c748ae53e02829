/* queue.c - see queue.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/queue.h"

#include "core/delivery.h"
#include "store/nodes.h"

#include <stdlib.h>

enum status queue_start(struct db *db, struct str name, int64_t now, struct node_epoch *ret) {
    return node_start(db, name, now, ret);
}

enum status queue_join(struct db *db, struct str name, int64_t now, struct node_epoch *ret) {
    enum status status = node_find(db, name, ret);
    return status == STATUS_NOT_FOUND ? node_start(db, name, now, ret) : status;
}

enum status queue_is_ours(struct db *db, const struct node_epoch *owner, bool *ret) {
    return node_is_current(db, owner, ret);
}

static enum status fetch_lanes(struct db *db, int64_t node_id, const struct schedule_load *load, struct arena *arena,
                               struct schedule_rows *ret) {
    struct queue_lane_list list;
    const struct queue_lane *after = load->lane.domain.n > 0 ? &load->lane : NULL;
    enum status status = queue_lanes(db, arena, node_id, after, (int)load->limit, &list);
    if (status != STATUS_OK) return status;
    ret->lanes = list.items;
    ret->count = list.count;
    return STATUS_OK;
}

static enum status fetch_entries(struct db *db, int64_t node_id, const struct schedule_load *load, struct arena *arena,
                                 struct schedule_rows *ret) {
    struct queue_load query = {
        .node_id = node_id,
        .domain = load->lane.domain,
        .account_id = load->lane.account_id,
        .priority = load->lane.priority,
        .due_before = load->due_until + 1,
        .limit = (int)load->limit,
    };
    struct queue_entry_list due, later;
    enum status status = queue_load(db, arena, &query, &due);
    if (status != STATUS_OK) return status;
    query.due_before = INT64_MAX;
    query.after_due_at = load->due_until;
    query.after_id = INT64_MAX;
    query.limit = 1;
    status = queue_load(db, arena, &query, &later);
    if (status != STATUS_OK) return status;
    ret->entries = due.items;
    ret->count = due.count;
    if (later.count == 0) return STATUS_OK;
    ret->next_due_at = later.items[0].due_at;
    ret->next_is_tried = later.items[0].attempts > 0;
    return STATUS_OK;
}

enum status queue_fetch(struct db *db, int64_t node_id, const struct schedule_load *load, struct arena *arena,
                        struct schedule_rows *ret) {
    *ret = (struct schedule_rows){.next_due_at = SCHEDULE_NEVER};
    bool is_lanes = load->kind == SCHEDULE_LOAD_LANES;
    ret->status = is_lanes ? fetch_lanes(db, node_id, load, arena, ret) : fetch_entries(db, node_id, load, arena, ret);
    return ret->status;
}

/* ---- what outlives its message's life ---- */
enum status queue_expired_page(const struct queue_view *view, const struct queue_sweep *at, int limit, struct queue_page *ret) {
    struct queue_filter filter = queue_filter_all();
    filter.expires_until = view->now;
    struct queue_walk walk = {.node_id = view->node_id,
                              .is_held = at->is_held,
                              .filter = &filter,
                              .after = at->after,
                              .now = view->now,
                              .limit = limit};
    struct queue_piece piece;
    enum status status = queue_pick(view->db, view->arena, &walk, &piece);
    if (status != STATUS_OK) return status;
    *ret = (struct queue_page){.ids = {piece.ids, piece.count},
                               .next = {.is_held = at->is_held, .after = piece.place},
                               .is_end = piece.is_end && at->is_held};
    if (piece.is_end && !at->is_held) ret->next = (struct queue_sweep){.is_held = true};
    return STATUS_OK;
}

static enum status expire(struct db *db, struct dsn_desk *desk, int64_t id, int64_t now, bool *ret_applied) {
    ARENA_AUTO arena = {0};
    BUF_AUTO reason = {0};
    struct recipient r;
    enum status status = recipient_get(db, &arena, id, &r);
    bool waits =
        status == STATUS_OK && (r.state == RECIPIENT_SCHEDULED || r.state == RECIPIENT_QUEUED || r.state == RECIPIENT_HELD);
    if (!waits || r.expires_at > now) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    buf_add_z(&reason, "The message's life ended");
    if (r.reason.n) buf_addf(&reason, "; it waited because: %.*s", STR_ARG(r.reason));
    struct settlement end = {
        .recipient_id = id, .attempts = r.attempts, .outcome = DELIVERY_FAILED, .at = now, .reason = buf_str(&reason)};
    return delivery_settle(db, desk, &end, ret_applied);
}

enum status queue_expire(struct db *db, struct dsn_desk *desk, const struct queue_ids *ids, int64_t now, int64_t *ret_count) {
    int64_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < ids->count; i++) {
        bool applied = false;
        status = expire(db, desk, ids->items[i], now, &applied);
        count += applied;
    }
    if (status == STATUS_OK) *ret_count = count;
    return status;
}

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void queue_ids_sort(int64_t *ids, size_t count) {
    if (count) qsort(ids, count, sizeof *ids, compare_ids);
}

bool queue_ids_have(const int64_t *ids, size_t count, int64_t id) {
    return count && bsearch(&id, ids, count, sizeof id, compare_ids);
}

struct str queue_why(bool is_ahead) {
    return is_ahead ? STR("waiting for its time") : STR("waiting for its first try");
}

enum status queue_item_get(struct db *db, struct arena *arena, int64_t recipient_id, int64_t now, struct queue_item *ret) {
    struct queue_row row;
    enum status status = queue_row_get(db, arena, recipient_id, &row);
    if (status != STATUS_OK) return status;
    const struct recipient *r = &row.recipient;
    char uuid[ID_TEXT_LEN + 1];
    id_format(row.message_uuid, uuid);
    bool is_ahead = r->state == RECIPIENT_SCHEDULED && r->due_at > now;
    bool is_due = r->state == RECIPIENT_SCHEDULED && !is_ahead;
    *ret = (struct queue_item){
        .recipient_id = r->id,
        .message_id = r->message_id,
        .account_id = r->account_id,
        .domain_id = r->domain_id,
        .message_uuid = arena_str(arena, str_from_z(uuid)),
        .sender = row.sender,
        .address = r->address,
        .domain = r->domain,
        .state = recipient_state_text(is_due ? RECIPIENT_QUEUED : r->state),
        .is_waiting = r->state == RECIPIENT_SCHEDULED || r->state == RECIPIENT_QUEUED,
        .is_held = r->state == RECIPIENT_HELD,
        .priority = r->priority,
        .message_tls = row.message_tls,
        .domain_tls = row.domain_tls,
        .reason = r->reason,
        .attempts = r->attempts,
        .due_at = r->due_at,
        .changed_at = r->changed_at,
        .created_at = row.created_at,
        .expires_at = r->expires_at,
    };
    if (ret->is_waiting && str_is_empty(r->reason)) ret->reason = queue_why(is_ahead);
    return STATUS_OK;
}
