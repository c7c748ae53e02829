/* operator_why.c - why one recipient waits: its own row, and what deliveries know of its site just now, put together (P4).
 *
 *   find    the row: by its ID, of a message, or the first to an address (searcher, piece by piece)
 *   ask     deliveries: is it in flight, is its site paused, which limits hold there
 *   answer  with the site's last decisions (reader)
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_queue.h"
#include "api/operator_sites.h"

#include "core/tls_policy.h"
#include "proto/address/address.h"

#define PIECES_MAX    8 /* of one snapshot */
#define WHY_DECISIONS 5

struct why {
    struct live_ask_state live;
    struct queue_item item;
    struct queue_filter filter;
    struct queue_sweep at;
    struct str address;
    bool is_found, is_begun;
};

static void why_cleanup(struct call *c) {
    live_ask_end(&((struct why *)c->state)->live);
}

static enum status take(struct call *c, struct db *db, struct why *y, int64_t id) {
    enum status status = queue_item_get(db, c->arena, id, c->now, &y->item);
    y->is_found = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Of a message the first that still waits, else the first. */
static enum status find_of_message(struct call *c, struct db *db, struct why *y, struct id uuid) {
    struct message message;
    struct recipient_list list;
    enum status status = message_find(db, c->arena, SCOPE_ANY, uuid, &message);
    if (status == STATUS_OK) status = recipient_list(db, c->arena, message.id, &list);
    if (status != STATUS_OK || list.count == 0) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    size_t first = 0;
    while (first < list.count && list.items[first].state > RECIPIENT_HELD) first++;
    return take(c, db, y, list.items[first < list.count ? first : 0].id);
}

static enum status find_of_address(struct call *c, struct db *db, struct why *y) {
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, c->now};
    enum status status = STATUS_OK;
    bool is_end = false;
    for (int i = 0; status == STATUS_OK && i < PIECES_MAX && !is_end && !y->is_found; i++) {
        struct queue_page page;
        status = queue_filter_page(&view, &y->filter, &y->at, 1, &page);
        if (status != STATUS_OK) return status;
        if (page.ids.count) status = take(c, db, y, page.ids.items[0]);
        y->at = page.next;
        is_end = page.is_end;
    }
    if (status == STATUS_OK && !is_end && !y->is_found) call_again(c);
    return status;
}

static enum status begin_why(struct call *c, struct db *db, struct why *y) {
    struct str what = str_trim(call_text(c, "What", (struct str){0}));
    struct address address;
    struct id uuid;
    int64_t id;
    c->state = y;
    c->cleanup = why_cleanup;
    if (str_to_i64(what, &id)) return take(c, db, y, id);
    if (id_parse(what, &uuid)) return find_of_message(c, db, y, uuid);
    if (!address_parse(what, c->arena, &address))
        return call_refuse_say(c, STR("What"), "What must be the ID of a queue entry, a message's UUID or an e-mail address");
    struct str *domain = arena_array(c->arena, 1, sizeof *domain);
    domain[0] = address.domain;
    y->filter = queue_filter_all();
    y->filter.address = address.text;
    y->filter.domains = domain;
    y->filter.domain_count = 1;
    return find_of_address(c, db, y);
}

enum status operator_why_find(struct call *c, struct db *db) {
    struct why *y = c->state;
    enum status status = y ? find_of_address(c, db, y) : begin_why(c, db, y = ARENA_NEW(c->arena, struct why));
    if (call_is_over(c, status) || c->is_again) return status;
    return y->is_found ? STATUS_OK : call_refuse(c, 1);
}

enum status operator_why_ask(struct call *c, struct db *db) {
    (void)db;
    struct why *y = c->state;
    y->live.question = (struct live_question){.what = LIVE_WHY, .name = y->item.domain, .recipient_id = y->item.recipient_id};
    return live_ask_begin(&y->live, c);
}

static struct str until_text(struct arena *arena, int64_t wall_ms) {
    BUF_AUTO out = {0};
    ledger_add_value(&out, SHAPE_PAUSE, wall_ms);
    return arena_str(arena, buf_str(&out));
}

/* The one sentence that answers the question. */
static struct str verdict(struct call *c, const struct why *y) {
    const struct queue_item *item = &y->item;
    const struct live_question *q = &y->live.question;
    const struct live_site *site = q->site_count ? &q->sites[0] : NULL;
    if (item->is_held) return STR("It is held: posthorn queue release lets it go on");
    if (!item->is_waiting) return STR("It does not wait any more");
    if (q->paused_until)
        return arena_strf(c->arena, "All deliveries are paused %.*s", STR_ARG(until_text(c->arena, q->paused_until)));
    if (q->place == LIVE_IN_FLIGHT) return STR("It is being delivered at this moment");
    if (site && site->parked_until)
        return arena_strf(c->arena, "Its site %.*s is paused %.*s: %.*s", STR_ARG(site->name),
                          STR_ARG(until_text(c->arena, site->parked_until)), STR_ARG(site->because));
    if (item->due_at > c->now) return STR("It waits for its next try");
    if (site && site->because.n)
        return arena_strf(c->arena, "It is due and waits for its turn; its site is limited: %.*s", STR_ARG(site->because));
    return site ? STR("It is due and waits for its turn at its site") : STR("It is due; deliveries come to it");
}

static void write_item(struct json_writer *w, const struct queue_item *item) {
    json_add_i64(w, STR("ID"), item->recipient_id);
    json_add_str(w, STR("MessageID"), item->message_uuid);
    json_add_str(w, STR("Sender"), item->sender);
    json_add_str(w, STR("Recipient"), item->address);
    json_add_z(w, STR("State"), item->state);
    json_add_str(w, STR("Reason"), item->reason);
    json_add_i64(w, STR("Attempts"), item->attempts);
    json_add_z(w, STR("Priority"), item->priority == PRIORITY_TRANSACTIONAL ? "transactional" : "bulk");
    json_add_iso_time(w, STR("AcceptedAt"), item->created_at);
    json_add_iso_time(w, STR("ChangedAt"), item->changed_at);
    json_add_iso_time(w, STR("NextTry"), item->is_waiting ? item->due_at : 0);
    json_add_iso_time(w, STR("ExpiresAt"), item->expires_at);
    int tls = item->message_tls ? item->message_tls : item->domain_tls;
    json_add_z(w, STR("TLS"), tls_level_name((enum tls_level)tls));
}

static enum status write_decisions(struct call *c, struct db *db, struct json_writer *w, struct str site) {
    struct ledger_list list = {.count = 0};
    enum status status = STATUS_OK;
    if (site.n) status = ledger_find(db, c->arena, &(struct ledger_query){.site = site, .limit = WHY_DECISIONS}, &list);
    json_add_array(w, STR("Decisions"));
    for (size_t i = 0; i < list.count; i++) operator_write_decision(w, &list.items[i]);
    json_close_array(w);
    return status;
}

/* ---- transcripts ---- */
static enum status write_transcripts(struct call *c, struct db *db, struct json_writer *w, int64_t recipient_id) {
    struct transcript_list list;
    enum status status = transcript_find(db, c->arena, recipient_id, &list);
    if (status != STATUS_OK) return status;
    json_add_array(w, STR("Attempts"));
    for (size_t i = 0; i < list.count; i++) {
        json_open_object(w);
        json_add_i64(w, STR("Attempt"), list.items[i].attempt);
        json_add_iso_time(w, STR("EndedAt"), list.items[i].at);
        json_add_str(w, STR("Dialogue"), list.items[i].dialogue);
        json_close_object(w);
    }
    json_close_array(w);
    return STATUS_OK;
}

enum status operator_transcript_show(struct call *c, struct db *db) {
    struct why *y = c->state;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("ID"), y->item.recipient_id);
    json_add_str(w, STR("MessageID"), y->item.message_uuid);
    json_add_str(w, STR("Recipient"), y->item.address);
    json_add_z(w, STR("State"), y->item.state);
    enum status status = write_transcripts(c, db, w, y->item.recipient_id);
    return status == STATUS_OK ? call_close(c) : status;
}

static enum status write_last(struct call *c, struct db *db, struct json_writer *w, int64_t recipient_id) {
    struct transcript_list list;
    enum status status = transcript_find(db, c->arena, recipient_id, &list);
    if (status != STATUS_OK) return status;
    json_add_str(w, STR("Transcript"), list.count ? list.items[list.count - 1].dialogue : (struct str){0});
    return STATUS_OK;
}

enum status operator_why_answer(struct call *c, struct db *db) {
    struct why *y = c->state;
    const struct live_question *q = &y->live.question;
    struct json_writer *w = call_open(c);
    json_add_object(w, STR("Entry"));
    write_item(w, &y->item);
    json_add_str(w, STR("Why"), verdict(c, y));
    json_add_object(w, STR("Site"));
    if (q->site_count) operator_write_site(w, &q->sites[0]);
    json_close_object(w);
    enum status status = write_last(c, db, w, y->item.recipient_id);
    json_close_object(w);
    if (status == STATUS_OK) status = write_decisions(c, db, w, q->site_count ? q->sites[0].name : (struct str){0});
    return status == STATUS_OK ? call_close(c) : status;
}
