/* operator_orders.c - what the operator orders of what waits: at once for a few, in the background for many.
 *
 *   find     the recipients, or that they are more than one slice (searcher, piece by piece)
 *   hold     nothing of them begins (for one slice)
 *   store    they are changed, or the order becomes a row that queue_work.c works off
 *   release  and the scheduler hears of it
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/operator_queue.h"

#include "api/work.h"

#include <stdlib.h>

#define PIECES_MAX    8 /* of one snapshot */
#define JOBS_DEFAULT  20
#define MOVE_AHEAD_MS (INT64_C(30) * 86400000)

static const struct {
    const char *operation;
    enum queue_verb verb;
} verbs[] = {
    {"Operator.QueueRetry", QUEUE_RETRY},   {"Operator.QueueHold", QUEUE_HOLD}, {"Operator.QueueRelease", QUEUE_RELEASE},
    {"Operator.QueueCancel", QUEUE_CANCEL}, {"Operator.QueueMove", QUEUE_MOVE},
};

static enum queue_verb verb_of(const struct call *c) {
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_eq(str_from_z(c->op->name), str_from_z(verbs[i].operation))) return verbs[i].verb;
    return QUEUE_RETRY;
}

/* ---- what is ordered ---- */
static struct str reason_of(struct call *c, enum queue_verb verb) {
    static const char *const words[QUEUE_VERB_COUNT] = {[QUEUE_HOLD] = "Held by the operator",
                                                        [QUEUE_RELEASE] = "Released by the operator",
                                                        [QUEUE_CANCEL] = "Cancelled by the operator"};
    const struct arg *because = verb == QUEUE_HOLD || verb == QUEUE_CANCEL ? call_arg(c, "Because") : NULL;
    if (!words[verb]) return (struct str){0};
    if (!because || !because->is_given) return str_from_z(words[verb]);
    return arena_strf(c->arena, "%s: %.*s", words[verb], STR_ARG(because->text));
}

/* MOVE: when, or with which priority; one of them at least. */
static enum status read_move(struct call *c, struct queue_order *o) {
    const struct arg *at = call_arg(c, "At"), *in = call_arg(c, "In"), *priority = call_arg(c, "Priority");
    int64_t ms = 0;
    if (priority->is_given) o->priority = (int)priority->number;
    if (in->is_given && !operator_duration(in->text, &ms))
        return call_refuse_say(c, STR("In"), "In must be a number with s, m, h or d behind it, such as 2h");
    if (!at->is_given && !in->is_given) return call_refuse_say(c, STR("At"), "Say when they are to be tried: At or In");
    o->due_at = at->is_given ? at->number : c->now + ms;
    if (o->due_at < c->now) o->due_at = c->now;
    if (o->due_at > c->now + MOVE_AHEAD_MS) return call_refuse_say(c, STR("At"), "They can be moved up to 30 days ahead");
    return STATUS_OK;
}

static enum status read_ids(struct call *c, struct operator_walk *s) {
    const struct arg *ids = call_arg(c, "IDs");
    bool is_filtered = operator_filter_is_given(c), is_all = call_number(c, "All", 0) != 0;
    if (ids->is_given + is_filtered + is_all != 1) return call_refuse_say(c, STR("IDs"), "Say which: IDs, a filter, or All");
    s->ids.items = arena_array(c->arena, QUEUE_SLICE_MAX, sizeof *s->ids.items);
    if (!ids->is_given) return STATUS_OK;
    JSON_FOR_EACH (it, ids->raw) {
        int64_t id;
        if (s->ids.count == QUEUE_SLICE_MAX) return call_refuse_say(c, STR("IDs"), "IDs holds more than 500");
        if (!str_to_i64(it->text, &id))
            return call_refuse_say(c, STR("IDs"), "IDs holds something that is no ID of a queue entry");
        s->ids.items[s->ids.count++] = id;
    }
    return STATUS_OK;
}

static enum status begin(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    struct queue_order *o = &s->order;
    enum status status = STATUS_OK;
    if (s->is_begun) return STATUS_OK;
    *o = (struct queue_order){.verb = verb_of(c), .priority = -1};
    o->reason = reason_of(c, o->verb);
    if (o->verb == QUEUE_MOVE) status = read_move(c, o);
    if (!call_is_over(c, status)) status = read_ids(c, s);
    if (!call_is_over(c, status)) status = operator_queue_filter(c, db);
    o->filter = s->filter;
    s->is_small = s->ids.count > 0;
    return status;
}

/* ---- the steps ---- */
static void cleanup(struct call *c) {
    struct operator_walk *s = c->state;
    message_hold_end(&s->hold);
    live_ask_end(&s->live);
}

/* False: these are more than a slice. */
static bool append(struct operator_walk *s, const struct queue_ids *ids) {
    if (s->ids.count + ids->count > QUEUE_SLICE_MAX) return false;
    for (size_t i = 0; i < ids->count; i++) s->ids.items[s->ids.count++] = ids->items[i];
    return true;
}

enum status operator_order_find(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, c->now};
    enum status status = begin(c, db);
    c->cleanup = cleanup;
    c->write_bytes = (size_t)QUEUE_SLICE_MAX * 512;
    if (call_is_over(c, status)) return status;
    for (int i = 0; i < PIECES_MAX && !s->is_small; i++) {
        struct queue_page page;
        status = queue_order_page(&view, &s->order, &s->at, &page);
        if (status != STATUS_OK || !append(s, &page.ids)) return status;
        s->at = page.next;
        s->is_small = page.is_end;
    }
    if (!s->is_small) call_again(c);
    if (s->is_small) queue_ids_sort(s->ids.items, s->ids.count);
    return STATUS_OK;
}

enum status operator_order_hold(struct call *c, struct db *db) {
    (void)db;
    struct operator_walk *s = c->state;
    struct queue_hold what = {.is_of_ids = true};
    if (s->is_small) what.ids = s->ids;
    return message_hold_begin(&s->hold, c, &what);
}

static enum status store_job(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    const struct queue_order *o = &s->order;
    BUF_AUTO filter = {0};
    queue_filter_format(&filter, &o->filter);
    struct queue_job job = {.verb = o->verb,
                            .filter = buf_str(&filter),
                            .due_at = o->due_at,
                            .priority = o->priority,
                            .reason = o->reason,
                            .created_at = c->now};
    return queue_job_add(db, &job, &s->job_id);
}

enum status operator_order_store(struct call *c, struct db *db) {
    struct operator_walk *s = c->state;
    const struct message_flight flight = message_hold_flight(&s->hold);
    const struct queue_view view = {db, c->arena, c->api->owner.node_id, clock_wall_ms(c->api->clock)};
    s->job_id = 0;
    enum status status = s->is_small ? queue_order_apply(&view, &s->order, &s->ids, &flight, &s->result) : store_job(c, db);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_i64(w, STR("Changed"), s->result.changed);
    json_add_i64(w, STR("Busy"), s->result.busy);
    json_add_str(w, STR("JobID"), s->job_id ? arena_strf(c->arena, "%lld", (long long)s->job_id) : (struct str){0});
    return call_close(c);
}

enum status operator_order_release(struct call *c, struct db *db) {
    (void)db;
    struct operator_walk *s = c->state;
    message_hold_end(&s->hold);
    if (s->result.entries.count && c->api->queue_offer)
        c->api->queue_offer(c->api->arg, s->result.entries.items, s->result.entries.count);
    if (s->job_id) work_wake(c->api->work);
    return STATUS_OK;
}

/* ---- how far ---- */
enum status operator_queue_jobs(struct call *c, struct db *db) {
    struct queue_job_list list;
    enum status status = queue_job_list(db, c->arena, (int)call_number(c, "Limit", JOBS_DEFAULT), &list);
    if (status != STATUS_OK) return status;
    struct json_writer *w = call_open(c);
    json_add_array(w, STR("Jobs"));
    for (size_t i = 0; i < list.count; i++) {
        const struct queue_job *job = &list.items[i];
        json_open_object(w);
        json_add_i64(w, STR("JobID"), job->id);
        json_add_z(w, STR("Verb"), queue_verb_text(job->verb));
        json_add_z(w, STR("State"), job->finished_at == 0 ? "open" : job->ended.n ? "stopped" : "done");
        json_add_i64(w, STR("Changed"), job->changed);
        json_add_str(w, STR("At"), job->place);
        json_add_iso_time(w, STR("CreatedAt"), job->created_at);
        json_add_iso_time(w, STR("FinishedAt"), job->finished_at);
        json_add_str(w, STR("Why"), job->ended.n ? job->ended : job->reason);
        json_close_object(w);
    }
    json_close_array(w);
    return call_close(c);
}
