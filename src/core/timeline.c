/* timeline.c - see timeline.h. Two walks make one list: the events by time, then by number those who still wait. The cursor says
 * in which of them the page ended, and where: "e<time>-<event>" or "w<recipient>".
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/timeline.h"

#include "core/suppressions.h"
#include "crypto/digest.h"
#include "store/timeline.h"

#define CALLS_MAX 4000 /* looked at for a page: what the logs of a domain's webhooks hold, as a rule */

struct telling {
    struct db *db;
    struct arena *arena;
    const struct timeline_query *query;
    struct timeline *timeline;
    struct timeline_range range;
    bool is_waiting; /* the events are over */
};

/* ---- the cursor ---- */
static bool read_cursor(struct str cursor, struct telling *t) {
    struct timeline_place place = {.is_waiting = false};
    if (cursor.n && !timeline_place_parse(cursor, &place)) return false;
    t->is_waiting = place.is_waiting;
    t->range.after_at = place.at;
    t->range.after_id = place.id;
    return true;
}

static void end_page(struct telling *t) {
    const struct timeline_place place = {t->is_waiting, t->range.after_at, t->range.after_id};
    BUF_AUTO text = {0};
    timeline_place_format(&text, &place);
    t->timeline->cursor = arena_str(t->arena, buf_str(&text));
}

/* ---- entries ---- */
static int room_of(const struct telling *t) {
    return t->query->limit - (int)t->timeline->count;
}

static struct timeline_entry *add_entry(struct telling *t, int64_t at, const char *what, struct str recipient, struct str says) {
    struct timeline_entry *e = &t->timeline->entries[t->timeline->count++];
    *e = (struct timeline_entry){.at = at, .what = what, .recipient = recipient, .detail = STR("{}"), .says = says};
    return e;
}

static void add_acceptance(struct telling *t) {
    const struct message *m = &t->timeline->message;
    BUF_AUTO says = {0};
    int64_t recipients = 0;
    for (int i = 0; i < RECIPIENT_STATE_COUNT; i++) recipients += t->timeline->counts[i];
    buf_addf(&says, "Accepted%s: %lld bytes for %lld recipient%s.",
             m->smtp_user_id ? " by SMTP"
             : m->key_id     ? " from a sender key"
                             : "",
             (long long)m->size_bytes, (long long)recipients, recipients == 1 ? "" : "s");
    add_entry(t, m->created_at, "accepted", STR(""), arena_str(t->arena, buf_str(&says)));
}

static enum status find_suppression(struct telling *t, const struct event *event, bool *ret) {
    bool may = event->type == EVENT_BOUNCE || event->type == EVENT_COMPLAINT || event->type == EVENT_UNSUBSCRIBE;
    struct sha256 hash = suppression_hash(event->recipient);
    return may ? timeline_suppressed(t->db, t->timeline->message.account_id, sha256_str(&hash), event->id, ret) : STATUS_OK;
}

static enum status add_event(struct telling *t, const struct event *event) {
    BUF_AUTO says = {0};
    bool is_suppressed = false;
    enum status status = find_suppression(t, event, &is_suppressed);
    if (status != STATUS_OK) return status;
    timeline_say(event->type, event->detail, t->arena, &says);
    if (is_suppressed) buf_add_z(&says, " The account does not write to this address any more.");
    struct timeline_entry *e =
        add_entry(t, event->at, event_noun(event->type), event->recipient, arena_str(t->arena, buf_str(&says)));
    e->event_id = event->id;
    e->detail = event->detail;
    e->is_suppressed = is_suppressed;
    t->range.after_at = event->at;
    t->range.after_id = event->id;
    return STATUS_OK;
}

static void add_waiting(struct telling *t, const struct recipient *r) {
    bool is_held = r->state == RECIPIENT_HELD, is_ahead = r->state == RECIPIENT_SCHEDULED && r->due_at > t->query->now;
    enum recipient_state state = is_held ? RECIPIENT_HELD : is_ahead ? RECIPIENT_SCHEDULED : RECIPIENT_QUEUED;
    struct str reason = r->reason.n || is_held ? r->reason : queue_why(is_ahead);
    BUF_AUTO says = {0};
    buf_add_z(&says, is_held ? "Is kept back: " : "Waits: ");
    buf_add_str(&says, reason.n ? reason : STR("no reason is known"));
    buf_add_char(&says, '.');
    if (!is_held) {
        buf_add_z(&says, r->attempts ? " The next try is due at " : " The first try is due at ");
        time_add_iso_ms(&says, r->due_at);
        buf_add_char(&says, '.');
    }
    add_entry(t, t->query->now, recipient_state_text(state), r->address, arena_str(t->arena, buf_str(&says)));
    t->range.after_id = r->id;
}

/* ---- webhooks ---- */
static struct timeline_entry *entry_of(struct timeline *timeline, int64_t event_id) {
    for (size_t i = 0; i < timeline->count; i++)
        if (timeline->entries[i].event_id == event_id) return &timeline->entries[i];
    return NULL;
}

/* A log holds an endpoint's last calls, and of a call that told of several events the first one. */
static enum status add_calls(struct telling *t, int64_t from_at) {
    struct hook_attempt_list calls;
    enum status status = timeline_calls(t->db, t->arena, t->range.domain_id, from_at, CALLS_MAX, &calls);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < calls.count; i++) {
        struct timeline_entry *e = entry_of(t->timeline, calls.items[i].event_id);
        if (e) e->call_count++;
    }
    for (size_t i = 0; i < t->timeline->count; i++) {
        struct timeline_entry *e = &t->timeline->entries[i];
        if (e->call_count) e->calls = arena_array(t->arena, e->call_count, sizeof *e->calls);
        e->call_count = 0;
    }
    for (size_t i = 0; i < calls.count; i++) {
        struct timeline_entry *e = entry_of(t->timeline, calls.items[i].event_id);
        if (e) e->calls[e->call_count++] = calls.items[i];
    }
    return STATUS_OK;
}

/* ---- the walks ---- */
/* One more than there is room for is asked for: it says that there is a next page. */
static enum status tell_events(struct telling *t) {
    struct message_timeline events;
    int room = room_of(t);
    t->range.limit = room + 1;
    enum status status = timeline_events(t->db, t->arena, &t->range, &events);
    for (size_t i = 0; status == STATUS_OK && i < events.count && i < (size_t)room; i++) status = add_event(t, &events.items[i]);
    if (status == STATUS_OK && room > 0 && events.count) status = add_calls(t, events.items[0].at);
    if (status != STATUS_OK) return status;
    if (events.count > (size_t)room) {
        end_page(t);
        return STATUS_OK;
    }
    t->is_waiting = true;
    t->range.after_id = 0;
    return STATUS_OK;
}

static enum status tell_waiting(struct telling *t) {
    struct recipient_list waiting;
    int room = room_of(t);
    t->range.limit = room + 1;
    enum status status = timeline_waiting(t->db, t->arena, &t->range, &waiting);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < waiting.count && i < (size_t)room; i++) add_waiting(t, &waiting.items[i]);
    if (waiting.count > (size_t)room) end_page(t);
    return STATUS_OK;
}

/* ---- the whole ---- */
static enum status load_head(struct telling *t) {
    const struct timeline_query *q = t->query;
    struct timeline *tl = t->timeline;
    int64_t recipients = 0, begun = 0;
    bool has_body = false;
    enum status status = message_of(t->db, t->arena, q->scope.account_id, q->scope.domain_id, q->uuid, &tl->message);
    if (status != STATUS_OK) return status;
    t->range.domain_id = tl->message.domain_id;
    t->range.message_id = tl->message.id;
    status = message_domain_name(t->db, t->arena, tl->message.domain_id, &tl->domain_name);
    if (status == STATUS_OK) status = queue_count_states(t->db, tl->message.id, q->now, tl->counts);
    if (status == STATUS_OK) status = timeline_has_body(t->db, tl->message.id, &has_body);
    if (status == STATUS_OK && q->cursor.n == 0) status = timeline_count(t->db, &t->range, &recipients, &begun);
    tl->lacks_events = begun < recipients;
    tl->lacks_content = !has_body;
    if (status != STATUS_OK || q->recipient.n == 0) return status;
    status = timeline_recipient(t->db, tl->message.id, q->recipient, &t->range.recipient_id);
    return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
}

enum status timeline_show(struct db *db, struct arena *arena, const struct timeline_query *query, struct timeline *ret) {
    struct timeline timeline = {.count = 0};
    struct telling t = {.db = db, .arena = arena, .query = query, .timeline = &timeline};
    enum status status = load_head(&t);
    if (status != STATUS_OK) return status;
    if (!read_cursor(query->cursor, &t)) return STATUS_INVALID;
    timeline.entries = arena_array(arena, (size_t)query->limit + 1, sizeof *timeline.entries);
    if (query->cursor.n == 0) add_acceptance(&t);
    if (!t.is_waiting) status = tell_events(&t);
    if (status == STATUS_OK && t.is_waiting) status = tell_waiting(&t);
    if (status == STATUS_OK) *ret = timeline;
    return status;
}
