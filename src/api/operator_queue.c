/* operator_queue.c - the queue as the operator sees it: listed, counted, and each entry with all that is known about why it
 * waits.
 *
 * Whatever is asked for, the index is walked in pieces of a bounded length, each in a snapshot of its own, until a page is full
 * or the queue has ended; so a million entries hold nothing up (P8).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_queue.h"

#include <stdlib.h>
#include <string.h>

#define LIST_DEFAULT 100
#define TOP_DEFAULT  20
#define PIECES_MAX   8 /* of one snapshot */
#define BY_SITE      2 /* of parameter By */

/* ---- Site becomes domains ---- */
static bool is_by_site(const struct call *c) {
    return str_eq(str_from_z(c->op->name), STR("Operator.QueueTop")) && call_number(c, "By", 0) == BY_SITE;
}

static void cleanup(struct call *c) {
    live_ask_end(&((struct operator_walk *)c->state)->live);
}

enum status operator_queue_begin(struct call *c, struct db *db) {
    (void)db;
    struct operator_walk *s = ARENA_NEW(c->arena, struct operator_walk);
    c->state = s;
    c->cleanup = cleanup;
    s->is_by_site = is_by_site(c);
    if (!call_arg(c, "Site")->is_given && !s->is_by_site) call_skip(c, 1);
    return STATUS_OK;
}

enum status operator_queue_ask_site(struct call *c, struct db *db) {
    (void)db;
    struct operator_walk *s = c->state;
    s->is_of_site = call_arg(c, "Site")->is_given;
    bool is_retry = str_eq(str_from_z(c->op->name), STR("Operator.QueueRetry"));
    s->live.question = (struct live_question){.ends_pause = is_retry,
                                              .what = s->is_of_site ? LIVE_DOMAINS : LIVE_ROUTES,
                                              .name = call_text(c, "Site", (struct str){0})};
    return live_ask_begin(&s->live, c);
}

/* Once, before the first piece. */
enum status operator_queue_filter(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    const struct live_question *q = &s->live.question;
    if (s->is_begun) return STATUS_OK;
    if (s->is_of_site && (!q->is_found || q->domain_count == 0)) return call_refuse_field(c, 5, STR("Site"));
    enum status status =
        operator_filter(c, db, s->is_of_site ? q->domains : NULL, s->is_of_site ? q->domain_count : 0, &s->filter);
    s->is_begun = !call_is_over(c, status);
    return status;
}

/* ---- list ---- */
static struct json_writer *page_open(struct call *c, struct operator_walk *s) {
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Queue"));
    for (size_t i = 0; i < s->item_count; i++) {
        const struct queue_item *item = &s->items[i];
        json_open_object(w);
        json_add_i64(w, STR("ID"), item->recipient_id);
        json_add_str(w, STR("MessageID"), item->message_uuid);
        json_add_str(w, STR("Sender"), item->sender);
        json_add_str(w, STR("Recipient"), item->address);
        json_add_z(w, STR("State"), item->state);
        json_add_str(w, STR("Reason"), item->reason);
        json_add_i64(w, STR("Attempts"), item->attempts);
        json_add_iso_time(w, STR("NextTry"), item->due_at);
        json_add_iso_time(w, STR("AcceptedAt"), item->created_at);
        json_add_iso_time(w, STR("ExpiresAt"), item->expires_at);
        json_close_object(w);
    }
    json_close_array(w);
    return w;
}

static enum status fetch_items(struct call *c, struct db *db, const struct queue_ids *ids) {
    struct operator_walk *s = c->state;
    for (size_t i = 0; i < ids->count; i++) {
        enum status status = queue_item_get(db, c->arena, ids->items[i], c->now, &s->items[s->item_count]);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
        s->item_count += status == STATUS_OK;
    }
    return STATUS_OK;
}

static enum status begin_list(struct call *c, struct db *db, size_t limit) {
    struct operator_walk *s = c->state;
    if (s->is_begun) return STATUS_OK;
    s->items = arena_array(c->arena, limit, sizeof *s->items);
    if (!queue_sweep_parse(c->arena, call_text(c, "Cursor", (struct str){0}), &s->at))
        return call_refuse_say(c, STR("Cursor"), "Cursor is none that this list gave: begin without one");
    return operator_queue_filter(c, db);
}

enum status operator_queue_list(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    size_t limit = (size_t)call_number(c, "Limit", LIST_DEFAULT);
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, c->now};
    bool is_end = false;
    enum status status = begin_list(c, db, limit);
    if (call_is_over(c, status)) return status;
    for (int i = 0; status == STATUS_OK && i < PIECES_MAX && !is_end && s->item_count < limit; i++) {
        struct queue_page page;
        status = queue_filter_page(&view, &s->filter, &s->at, (int)(limit - s->item_count), &page);
        if (status == STATUS_OK) status = fetch_items(c, db, &page.ids);
        if (status != STATUS_OK) return status;
        s->at = page.next;
        is_end = page.is_end;
    }
    if (status != STATUS_OK) return status;
    if (!is_end && s->item_count < limit) {
        call_again(c);
        return STATUS_OK;
    }
    BUF_AUTO cursor = {0};
    if (!is_end) queue_sweep_format(&cursor, &s->at);
    json_add_str(page_open(c, s), STR("Cursor"), buf_str(&cursor));
    return call_close(c);
}

/* ---- top ---- */
/* Words that differ by a number only are one reason. */
static struct str general(struct arena *arena, struct str reason) {
    BUF_AUTO out = {0};
    bool was_digit = false;
    for (size_t i = 0; i < reason.n && out.n < OPERATOR_REASON_MAX; i++) {
        bool is_digit = reason.p[i] >= '0' && reason.p[i] <= '9';
        bool is_code = is_digit && i < 3 && reason.n > 3;
        if (!is_digit || is_code) buf_add_char(&out, reason.p[i]);
        if (is_digit && !is_code && !was_digit) buf_add_char(&out, '#');
        was_digit = is_digit && !is_code;
    }
    while (out.n && !str_is_utf8(buf_str(&out))) buf_cut(&out, out.n - 1);
    return arena_str(arena, buf_str(&out));
}

static int by_count(const void *a, const void *b) {
    const struct queue_count *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return str_cmp(x->what, y->what);
}

/* The largest stay when the table is full; what falls out is counted as others. */
static void cut_counts(struct operator_walk *s, size_t keep) {
    qsort(s->counts, s->count_count, sizeof *s->counts, by_count);
    for (size_t i = keep; i < s->count_count; i++) s->others += s->counts[i].count;
    if (s->count_count > keep) s->count_count = keep;
}

static int compare_names(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The site a domain belongs to, as far as deliveries know it now. */
static struct str site_of(const struct live_question *q, struct str domain) {
    const struct str *found =
        q->domain_count ? bsearch(&domain, q->domains, q->domain_count, sizeof domain, compare_names) : NULL;
    return found ? q->sites[q->of_sites[found - q->domains]].name : STR("(not routed now)");
}

static void add_count(struct call *c, struct operator_walk *s, const struct queue_count *found, enum queue_count_by by) {
    struct queue_count item = *found;
    if (item.count == 0) return;
    s->total += item.count;
    if (s->is_by_site) item.what = site_of(&s->live.question, item.what);
    if (by == QUEUE_BY_REASON) item.what = item.what.n ? general(c->arena, item.what) : queue_why(false);
    for (size_t i = s->count_count; i > 0; i--) { /* a domain that goes on from the piece before is the last one */
        if (!str_eq(s->counts[i - 1].what, item.what)) {
            if (by == QUEUE_BY_DOMAIN && !s->is_by_site) break;
            continue;
        }
        s->counts[i - 1].count += item.count;
        return;
    }
    if (s->count_count == OPERATOR_COUNTS_MAX) cut_counts(s, OPERATOR_COUNTS_MAX / 2);
    s->counts[s->count_count++] = item;
}

static enum status answer_top(struct call *c, struct operator_walk *s) {
    cut_counts(s, (size_t)call_number(c, "Limit", TOP_DEFAULT));
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Total"), s->total);
    json_add_i64(w, STR("Others"), s->others);
    json_add_array(w, STR("Counts"));
    for (size_t i = 0; i < s->count_count; i++) {
        json_open_object(w);
        json_add_str(w, STR("What"), s->counts[i].what);
        json_add_i64(w, STR("Count"), s->counts[i].count);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}

enum status operator_queue_top(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    enum queue_count_by by = call_number(c, "By", 0) == 1 ? QUEUE_BY_REASON : QUEUE_BY_DOMAIN;
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, c->now};
    bool is_end = false;
    if (!s->counts) s->counts = arena_array(c->arena, OPERATOR_COUNTS_MAX, sizeof *s->counts);
    enum status status = operator_queue_filter(c, db);
    if (call_is_over(c, status)) return status;
    for (int i = 0; status == STATUS_OK && i < PIECES_MAX && !is_end; i++) {
        struct queue_count_list counts;
        struct queue_page page;
        status = queue_filter_count(&view, &s->filter, &s->at, by, &counts, &page);
        if (status != STATUS_OK) return status;
        for (size_t k = 0; k < counts.count; k++) add_count(c, s, &counts.items[k], by);
        s->at = page.next;
        is_end = page.is_end;
    }
    if (status == STATUS_OK && !is_end) call_again(c);
    return status == STATUS_OK && is_end ? answer_top(c, s) : status;
}
