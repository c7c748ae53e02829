/* queue_orders.c - see queue_orders.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/queue_orders.h"

#include "core/delivery.h"
#include "proto/json/json_write.h"

const char *queue_verb_text(enum queue_verb verb) {
    static const char *const texts[QUEUE_VERB_COUNT] = {"retry", "hold", "release", "cancel", "move", "fail"};
    return (unsigned)verb < QUEUE_VERB_COUNT ? texts[verb] : "unknown";
}

/* ---- as text ---- */
static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    {"AccountID", offsetof(struct queue_filter, account_id)},       {"DomainID", offsetof(struct queue_filter, domain_id)},
    {"MessageID", offsetof(struct queue_filter, message_id)},       {"LastMessage", offsetof(struct queue_filter, last_message)},
    {"ExpiresUntil", offsetof(struct queue_filter, expires_until)}, {"DueUntil", offsetof(struct queue_filter, due_until)},
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

void queue_filter_format(struct buf *out, const struct queue_filter *f) {
    struct json_writer w = {.out = out};
    json_open_object(&w);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        json_add_i64(&w, str_from_z(numbers[i].name), *(const int64_t *)(const void *)((const char *)f + numbers[i].at));
    json_add_i64(&w, STR("State"), f->state);
    json_add_str(&w, STR("Address"), f->address);
    json_add_str(&w, STR("Reason"), f->reason);
    json_add_array(&w, STR("Domains"));
    for (size_t i = 0; i < f->domain_count; i++) json_str(&w, f->domains[i]);
    json_close_array(&w);
    json_close_object(&w);
}

/* A reader's text goes with its transaction; what is found in it is copied. */
static bool parse_object(struct arena *arena, struct str text, const struct json **ret) {
    struct json_error error;
    return json_parse(arena, arena_str(arena, text), ret, &error) && json_is(*ret, JSON_OBJECT);
}

bool queue_filter_parse(struct arena *arena, struct str text, struct queue_filter *ret) {
    struct queue_filter f = queue_filter_all();
    const struct json *object;
    int64_t state;
    bool ok = parse_object(arena, text, &object);
    for (size_t i = 0; ok && i < NUMBER_COUNT; i++)
        ok = json_to_i64(json_find(object, str_from_z(numbers[i].name)), (int64_t *)(void *)((char *)&f + numbers[i].at));
    if (!ok || !json_to_i64(json_find(object, STR("State")), &state)) return false;
    f.state = (int)state;
    f.address = json_find_text(object, STR("Address"));
    f.reason = json_find_text(object, STR("Reason"));
    const struct json *domains = json_find(object, STR("Domains"));
    struct str *names = arena_array(arena, json_is(domains, JSON_ARRAY) ? domains->count + 1 : 1, sizeof *names);
    JSON_FOR_EACH (it, domains)
        if (it->type == JSON_STRING) names[f.domain_count++] = it->text;
    f.domains = names;
    *ret = f;
    return true;
}

void queue_sweep_format(struct buf *out, const struct queue_sweep *at) {
    const struct queue_place *p = &at->after;
    if (!at->is_held && p->domain.n == 0) return;
    buf_addf(out, "%s/%.*s/%lld/%lld/%lld/%lld", at->is_held ? "held" : "waiting", STR_ARG(p->domain), (long long)p->account_id,
             (long long)p->priority, (long long)p->due_at, (long long)p->id);
}

bool queue_sweep_parse(struct arena *arena, struct str text, struct queue_sweep *ret) {
    struct queue_sweep at = {.is_held = false};
    int64_t *const numbers_of[] = {&at.after.account_id, &at.after.priority, &at.after.due_at, &at.after.id};
    struct str part;
    bool ok = text.n == 0;
    if (!ok && str_next(&text, '/', &part)) {
        at.is_held = str_eq(part, STR("held"));
        ok = (at.is_held || str_eq(part, STR("waiting"))) && str_next(&text, '/', &part);
        if (ok) at.after.domain = arena_str(arena, part);
        for (size_t i = 0; ok && i < 4; i++) ok = str_next(&text, '/', &part) && str_to_i64(part, numbers_of[i]);
    }
    if (ok) *ret = at;
    return ok;
}

/* ---- which ---- */
enum { AMONG_WAITING = 1, AMONG_HELD = 2, AMONG_BOTH = 3 };

/* A walk through what waits, what is held, or one after the other. */
struct trip {
    struct queue_walk walk;
    struct queue_filter filter;
    unsigned among;
    bool is_nothing;
};

static void trip_begin(struct trip *t, const struct queue_view *view, const struct queue_filter *filter, unsigned among,
                       const struct queue_sweep *at) {
    int state = filter->state;
    *t = (struct trip){.filter = *filter, .among = among};
    if (state == RECIPIENT_HELD) t->among &= AMONG_HELD;
    if (state == RECIPIENT_SCHEDULED || state == RECIPIENT_QUEUED) t->among &= AMONG_WAITING;
    if (state == RECIPIENT_HELD) t->filter.state = -1;
    struct queue_sweep from = *at;
    if (!from.is_held && !(t->among & AMONG_WAITING)) from = (struct queue_sweep){.is_held = true};
    t->is_nothing = from.is_held && !(t->among & AMONG_HELD);
    t->walk = (struct queue_walk){
        .node_id = view->node_id, .is_held = from.is_held, .filter = &t->filter, .after = from.after, .now = view->now};
}

static struct queue_page trip_page(const struct trip *t, const struct queue_piece *piece) {
    bool is_held = t->walk.is_held, goes_on = piece->is_end && !is_held && (t->among & AMONG_HELD);
    struct queue_page page = {.ids = {piece->ids, piece->count}, .is_end = piece->is_end && !goes_on};
    page.next = goes_on ? (struct queue_sweep){.is_held = true} : (struct queue_sweep){is_held, piece->place};
    return page;
}

static enum status trip_pick(struct trip *t, const struct queue_view *view, int limit, struct queue_page *ret) {
    struct queue_piece piece = {.place = t->walk.after, .is_end = true};
    t->walk.limit = limit;
    enum status status = t->is_nothing ? STATUS_OK : queue_pick(view->db, view->arena, &t->walk, &piece);
    if (status == STATUS_OK) *ret = trip_page(t, &piece);
    return status;
}

enum status queue_filter_page(const struct queue_view *view, const struct queue_filter *filter, const struct queue_sweep *at,
                              int limit, struct queue_page *ret) {
    struct trip t;
    trip_begin(&t, view, filter, AMONG_BOTH, at);
    return trip_pick(&t, view, limit, ret);
}

enum status queue_filter_count(const struct queue_view *view, const struct queue_filter *filter, const struct queue_sweep *at,
                               enum queue_count_by by, struct queue_count_list *ret, struct queue_page *ret_page) {
    struct trip t;
    struct queue_piece piece = {.is_end = true};
    struct queue_count_list counts = {.count = 0};
    trip_begin(&t, view, filter, AMONG_BOTH, at);
    enum status status = t.is_nothing ? STATUS_OK : queue_count_piece(view->db, view->arena, &t.walk, by, &counts, &piece);
    if (status != STATUS_OK) return status;
    *ret = counts;
    *ret_page = trip_page(&t, &piece);
    return STATUS_OK;
}

enum status queue_order_page(const struct queue_view *view, const struct queue_order *order, const struct queue_sweep *at,
                             struct queue_page *ret) {
    static const unsigned among[QUEUE_VERB_COUNT] = {
        [QUEUE_RETRY] = AMONG_WAITING, [QUEUE_HOLD] = AMONG_WAITING, [QUEUE_RELEASE] = AMONG_HELD,
        [QUEUE_CANCEL] = AMONG_BOTH,   [QUEUE_MOVE] = AMONG_BOTH,    [QUEUE_FAIL] = AMONG_BOTH};
    struct trip t;
    trip_begin(&t, view, &order->filter, among[order->verb], at);
    return trip_pick(&t, view, QUEUE_SLICE_MAX, ret);
}

/* ---- what is done ---- */
/* To one that is not in flight. NOT_FOUND: it is in another state by now. */
static enum status act(struct db *db, const struct queue_order *order, int64_t id, int64_t now) {
    bool applied = false;
    enum status status = STATUS_OK;
    switch (order->verb) {
    case QUEUE_RETRY:
        return queue_hasten(db, id, now);
    case QUEUE_HOLD:
        return queue_hold_row(db, id, order->reason, now);
    case QUEUE_RELEASE:
        return queue_release_row(db, id, order->reason, now);
    case QUEUE_MOVE:
        return queue_shift(db, id, order->due_at, order->priority, now);
    case QUEUE_CANCEL:
    case QUEUE_FAIL:
        status = delivery_withdraw(db, id, order->verb == QUEUE_CANCEL ? RECIPIENT_CANCELLED : RECIPIENT_FAILED, order->reason,
                                   now, &applied);
        return status == STATUS_OK && !applied ? STATUS_NOT_FOUND : status;
    default:
        return STATUS_INVALID;
    }
}

static enum status add_entry(struct db *db, struct arena *arena, int64_t id, struct queue_entry_list *list) {
    struct queue_row row;
    enum status status = queue_row_get(db, arena, id, &row);
    const struct recipient *r = &row.recipient;
    if (status != STATUS_OK || r->state == RECIPIENT_HELD) return status;
    list->items[list->count++] = (struct queue_entry){.recipient_id = id,
                                                      .message_id = r->message_id,
                                                      .account_id = r->account_id,
                                                      .domain = r->domain,
                                                      .priority = r->priority,
                                                      .attempts = r->attempts,
                                                      .due_at = r->due_at,
                                                      .created_at = row.created_at,
                                                      .expires_at = r->expires_at,
                                                      .size_bytes = row.size_bytes};
    return STATUS_OK;
}

enum status queue_order_apply(const struct queue_view *view, const struct queue_order *order, const struct queue_ids *ids,
                              const struct message_flight *flight, struct queue_result *ret) {
    bool is_news = order->verb == QUEUE_RETRY || order->verb == QUEUE_RELEASE || order->verb == QUEUE_MOVE;
    struct queue_result result = {.entries.items = arena_array(view->arena, ids->count + 1, sizeof(struct queue_entry))};
    for (size_t i = 0; i < ids->count; i++) {
        int64_t id = ids->items[i];
        if (message_is_flying(flight, id)) {
            result.busy++;
            continue;
        }
        enum status status = act(view->db, order, id, view->now);
        if (status == STATUS_NOT_FOUND) continue;
        if (status == STATUS_OK && is_news) status = add_entry(view->db, view->arena, id, &result.entries);
        if (status != STATUS_OK) return status;
        result.changed++;
    }
    *ret = result;
    return STATUS_OK;
}
