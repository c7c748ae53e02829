/* hook_driver.c - see hook_driver.h. A turn's and a call's job belong to the executor while they are out; a turn goes only when
 * none is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_driver.h"

#include "base/log.h"
#include "base/map.h"
#include "hook/hook_request.h"

#include <stdlib.h>

#define LOOK_MS    1000 /* between looks that nothing asked for */
#define PAGE       200  /* queues of one look */
#define TURN_CALLS 20   /* of one endpoint at once */
#define SHARE      8    /* a turn takes this part of the places that are left */
#define RETRY_MS   1000 /* until a job is tried again that could not run */
#define PRUNE_MS   60000

struct call {
    struct turn *turn;
    const struct hook_call *what;
    struct http_client_call *http;
    struct hook_answer answer;
    struct buf body, why;
    struct job job;
    struct arena arena; /* of the settlement */
    struct hook_settled settled;
    bool is_job_out, is_answered, is_over;
    bool is_last; /* to be answered: its settlement is the turn's end too */
};
struct turn {
    struct list node;
    struct hook_driver *driver;
    int64_t webhook_id, account_id;
    size_t places;
    struct arena arena;
    struct hook_turn what;
    struct call *calls;
    size_t open_calls, unanswered;
    struct job job;
    struct hook_ask ask;
    struct arena finish_arena;
    struct hook_settled finished;
    int64_t finish_at;
    bool is_job_out, is_loaded, is_finished;
    struct timer retry;
};
struct hook_driver {
    struct hook_driver_options options;
    struct timer look, grace;
    struct list turns;
    struct map *by_webhook; /* turns */
    struct map *by_account; /* struct share */
    size_t places;          /* in use */
    struct job look_job, prune_job;
    struct arena arena;
    struct hook_due_list due;
    struct hook_due after;
    int64_t now, next_at, pruned_at;
    bool is_look_out, is_prune_out, is_look_wanted, is_stopping, is_cutting;
    void (*done)(void *arg);
    void *done_arg;
};
struct share {
    size_t places;
};

static int64_t now_of(const struct hook_driver *d) {
    return clock_wall_ms(loop_clock(d->options.loop));
}

static struct str key_of(const int64_t *id) {
    return str_make((const char *)id, sizeof *id);
}

/* Another look, or the end, on the loop's next turn. */
static void look_soon(struct hook_driver *d) {
    d->is_look_wanted = true;
    if (!d->is_look_out) timer_start(&d->look, 0);
}

/* ---- places ---- */
static size_t places_of(struct hook_driver *d, int64_t account_id) {
    struct share *s = map_find(d->by_account, key_of(&account_id));
    return s ? s->places : 0;
}

static void take_places(struct hook_driver *d, struct turn *t, size_t n) {
    struct share *s = map_find(d->by_account, key_of(&t->account_id));
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s) abort();
        map_put(d->by_account, key_of(&t->account_id), s);
    }
    s->places += n;
    d->places += n;
    t->places += n;
    metrics_add(d->options.metrics, METRIC_HOOK_IN_FLIGHT, (int64_t)n);
}

static void give_places(struct hook_driver *d, struct turn *t, size_t n) {
    if (n == 0) return;
    struct share *s = map_find(d->by_account, key_of(&t->account_id));
    d->places -= n;
    t->places -= n;
    s->places -= n;
    metrics_add(d->options.metrics, METRIC_HOOK_IN_FLIGHT, -(int64_t)n);
    if (s->places == 0) free(map_remove(d->by_account, key_of(&t->account_id)));
}

/* How many an endpoint of that account may have now: 0, when there are none, or its account has what is its due. */
static size_t places_for(struct hook_driver *d, int64_t account_id) {
    size_t max = d->options.in_flight_max, own = places_of(d, account_id);
    size_t free_ones = max - d->places, due = (max - (d->places - own)) / 2;
    if (free_ones == 0 || (own > 0 && own >= due)) return 0;
    size_t n = free_ones / SHARE, rest = due > own ? due - own : 1;
    if (n > rest) n = rest;
    if (n > TURN_CALLS) n = TURN_CALLS;
    return n ? n : 1;
}

/* ---- the end of a turn ---- */
static void call_fini(struct call *c) {
    http_client_cancel(&c->http);
    buf_fini(&c->body);
    buf_fini(&c->why);
    arena_fini(&c->arena);
}

static void turn_free(struct turn *t) {
    struct hook_driver *d = t->driver;
    for (size_t i = 0; t->calls && i < t->what.call_count; i++) call_fini(&t->calls[i]);
    give_places(d, t, t->places);
    map_remove(d->by_webhook, key_of(&t->webhook_id));
    list_remove(&t->node);
    timer_fini(&t->retry);
    arena_fini(&t->finish_arena);
    arena_fini(&t->arena);
    free(t->calls);
    free(t);
}

/* The time of grace is over: it goes as soon as no job of it is out. What has not answered is called again by the next life. */
static void cut(struct turn *t) {
    bool is_out = t->is_job_out;
    for (size_t i = 0; t->calls && i < t->what.call_count; i++) {
        is_out = is_out || t->calls[i].is_job_out;
        http_client_cancel(&t->calls[i].http);
    }
    if (!is_out) turn_free(t);
}

static bool submit(struct turn *t, struct executor *e, struct job *job, job_run_fn run, job_done_fn done) {
    *job = (struct job){.run = run, .done = done, .loop = t->driver->options.loop, .bytes = 4096, .lane = t->account_id};
    if (executor_submit(e, job) == STATUS_OK) return true;
    if (!t->driver->is_cutting) timer_start(&t->retry, RETRY_MS);
    return false;
}

static void tell(struct hook_driver *d, int64_t webhook_id, const struct hook_settled *settled) {
    if (settled->is_disabled) {
        metrics_add(d->options.metrics, METRIC_HOOK_DISABLED, 1);
        LOG(LOG_WARN, "hook.disabled", LOG_INT("webhook", webhook_id));
    }
    if (settled->mail.entry_count && d->options.queue_offer)
        d->options.queue_offer(d->options.arg, settled->mail.entries, settled->mail.entry_count);
}

static void end_turn(struct turn *t) {
    struct hook_driver *d = t->driver;
    turn_free(t);
    look_soon(d);
}

static enum status run_finish(struct job *job, void *ctx) {
    struct turn *t = LIST_OWNER(job, struct turn, job);
    return hook_finish(ctx, &t->finish_arena, &t->driver->options.rules, &t->what, t->finish_at, &t->finished);
}

static void finished(struct job *job) {
    struct turn *t = LIST_OWNER(job, struct turn, job);
    struct hook_driver *d = t->driver;
    t->is_job_out = false;
    if (job->status == STATUS_TEMPORARY && !d->is_stopping) {
        timer_start(&t->retry, RETRY_MS);
        return;
    }
    if (job->status == STATUS_OK) tell(d, t->webhook_id, &t->finished);
    end_turn(t);
}

static void finish(struct turn *t) {
    t->finish_at = now_of(t->driver);
    t->is_job_out = submit(t, t->driver->options.writer, &t->job, run_finish, finished);
    if (!t->is_job_out && t->driver->is_cutting) turn_free(t);
}

/* ---- a call ---- */
static enum status run_settle(struct job *job, void *ctx) {
    struct call *c = LIST_OWNER(job, struct call, job);
    const struct hook_outcome outcome = {c->turn->webhook_id, c->what, &c->answer};
    enum status status = hook_settle(ctx, &c->arena, &c->turn->driver->options.rules, &outcome, &c->settled);
    return status == STATUS_OK && c->is_last ? run_finish(&c->turn->job, ctx) : status;
}

static void end_call(struct call *c) {
    struct turn *t = c->turn;
    c->is_over = true;
    give_places(t->driver, t, 1);
    if (--t->open_calls == 0 && t->is_finished)
        end_turn(t);
    else if (t->open_calls == 0)
        finish(t);
    else if (t->driver->is_cutting)
        cut(t);
    else if (t->driver->is_look_wanted)
        look_soon(t->driver);
}

static void settled(struct job *job) {
    struct call *c = LIST_OWNER(job, struct call, job);
    struct turn *t = c->turn;
    struct hook_driver *d = t->driver;
    c->is_job_out = false;
    if (job->status == STATUS_TEMPORARY && !d->is_stopping) {
        timer_start(&t->retry, RETRY_MS);
        return;
    }
    t->is_finished = t->is_finished || (c->is_last && job->status == STATUS_OK);
    if (job->status == STATUS_OK)
        tell(d, t->webhook_id, &c->settled);
    else /* it is called again */
        LOG(LOG_ERROR, "hook.not_settled", LOG_INT("webhook", t->webhook_id), LOG_Z("why", status_text(job->status)));
    if (job->status == STATUS_OK && c->is_last) tell(d, t->webhook_id, &t->finished);
    end_call(c);
}

/* The last one's answer ends the turn in the same transaction: the others' settlements are in front of it. */
static void settle(struct call *c) {
    if (c->is_last) c->turn->finish_at = now_of(c->turn->driver);
    c->is_job_out = submit(c->turn, c->turn->driver->options.writer, &c->job, run_settle, settled);
}

static void count_call(const struct call *c) {
    struct metrics *m = c->turn->driver->options.metrics;
    metrics_add(m, METRIC_HOOK_CALLS, 1);
    if (hook_judge(&c->answer) != HOOK_TAKEN) metrics_add(m, METRIC_HOOK_FAILED, 1);
    metrics_add(m, METRIC_HOOK_EVENTS, hook_judge(&c->answer) == HOOK_TAKEN ? (int64_t)c->what->count : 0);
}

/* Others had all the places of that host for long: what came of it says nothing about the endpoint (P6). */
static bool had_its_time(const struct call *c, const struct http_client_result *r) {
    return r->stage != HTTP_CLIENT_WAITING && r->begun_ms <= c->turn->driver->options.timeout_ms / 2;
}

static void on_answer(void *arg, const struct http_client_result *r) {
    struct call *c = arg;
    c->http = NULL;
    c->is_last = --c->turn->unanswered == 0;
    if (r->status == STATUS_TIMEOUT && !had_its_time(c, r)) {
        end_call(c); /* it is still due */
        return;
    }
    c->is_answered = true;
    hook_request_answer(r, &c->body, &c->why, &c->answer);
    c->answer.ended_at = now_of(c->turn->driver);
    count_call(c);
    if (c->answer.ended_at < c->answer.began_at) c->answer.ended_at = c->answer.began_at; /* the clock was set */
    settle(c);
}

static void start_call(struct call *c) {
    const struct hook_driver_options *o = &c->turn->driver->options;
    c->answer.began_at = now_of(c->turn->driver);
    c->http = hook_request_start(&(struct hook_request){.http = o->http,
                                                        .turn = &c->turn->what,
                                                        .call = c->what,
                                                        .timeout_ms = o->timeout_ms,
                                                        .allow_private = o->rules.urls.allow_private},
                                 on_answer, c);
}

/* ---- a turn ---- */
static enum status run_load(struct job *job, void *ctx) {
    struct turn *t = LIST_OWNER(job, struct turn, job);
    return hook_load(ctx, &t->arena, &t->driver->options.rules, &t->ask, &t->what);
}

static void start_calls(struct turn *t) {
    size_t n = t->what.call_count;
    t->calls = calloc(n + 1, sizeof *t->calls);
    if (!t->calls) abort();
    t->open_calls = t->unanswered = n;
    give_places(t->driver, t, t->places - n);
    for (size_t i = 0; i < n; i++) {
        t->calls[i].turn = t;
        t->calls[i].what = &t->what.calls[i];
        start_call(&t->calls[i]);
    }
    if (n == 0) finish(t);
}

static void loaded(struct job *job) {
    struct turn *t = LIST_OWNER(job, struct turn, job);
    struct hook_driver *d = t->driver;
    t->is_job_out = false;
    t->is_loaded = job->status == STATUS_OK;
    if (t->is_loaded && !d->is_stopping) {
        start_calls(t);
        return;
    }
    turn_free(t); /* it is still due */
    if (d->is_stopping) look_soon(d);
}

/* What could not run a moment ago. */
static void on_retry(void *arg) {
    struct turn *t = arg;
    if (t->open_calls == 0) {
        if (!t->is_job_out) finish(t);
        return;
    }
    for (size_t i = 0; i < t->what.call_count; i++) {
        struct call *c = &t->calls[i];
        if (c->is_answered && !c->is_over && !c->is_job_out) settle(c);
    }
}

static void begin(struct hook_driver *d, const struct hook_due *due, size_t places) {
    struct turn *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->driver = d;
    t->webhook_id = due->webhook_id;
    t->account_id = due->account_id;
    t->ask = (struct hook_ask){due->webhook_id, now_of(d), places};
    timer_init(&t->retry, d->options.loop, on_retry, t);
    list_add_tail(&d->turns, &t->node);
    map_put(d->by_webhook, key_of(&t->webhook_id), t);
    take_places(d, t, places);
    t->job = (struct job){.run = run_load, .done = loaded, .loop = d->options.loop, .lane = t->account_id};
    t->is_job_out = executor_submit(d->options.readers, &t->job) == STATUS_OK;
    if (!t->is_job_out) turn_free(t);
}

/* ---- looking ---- */
static enum status run_look(struct job *job, void *ctx) {
    struct hook_driver *d = LIST_OWNER(job, struct hook_driver, look_job);
    const struct hook_due_query query = {d->options.rules.owner.node_id, d->now, d->after, PAGE};
    enum status status = hook_queue_due(ctx, &d->arena, &query, &d->due);
    if (status == STATUS_OK) status = hook_queue_next(ctx, query.node_id, d->now, &d->next_at);
    if (status != STATUS_NOT_FOUND) return status;
    d->next_at = d->now + LOOK_MS;
    return STATUS_OK;
}

/* Begin what there are places for; true: there were for all that was found. */
static bool begin_due(struct hook_driver *d) {
    for (size_t i = 0; i < d->due.count; i++) {
        const struct hook_due *due = &d->due.items[i];
        if (d->places >= d->options.in_flight_max) return false;
        if (map_find(d->by_webhook, key_of(&due->webhook_id))) continue;
        size_t places = places_for(d, due->account_id);
        if (places) begin(d, due, places);
    }
    return true;
}

static void looked(struct job *job) {
    struct hook_driver *d = LIST_OWNER(job, struct hook_driver, look_job);
    bool is_good = job->status == STATUS_OK, is_page_full = is_good && d->due.count == PAGE;
    int64_t wait = LOOK_MS;
    d->is_look_out = false;
    if (d->is_stopping) is_page_full = is_good = false;
    bool has_room = is_good && begin_due(d);
    d->after = has_room && is_page_full ? d->due.items[PAGE - 1] : (struct hook_due){0};
    if (is_good && d->next_at - d->now < wait) wait = d->next_at - d->now;
    if (d->is_look_wanted || d->is_stopping || (has_room && is_page_full)) wait = 0;
    if (is_good && !has_room) wait = LOOK_MS; /* or when a call ends */
    d->is_look_wanted = (is_good && !has_room) || d->is_stopping;
    d->due = (struct hook_due_list){0};
    arena_fini(&d->arena);
    timer_start(&d->look, wait);
}

static enum status run_prune(struct job *job, void *ctx) {
    return hook_prune(ctx, LIST_OWNER(job, struct hook_driver, prune_job)->pruned_at);
}

static void pruned(struct job *job) {
    LIST_OWNER(job, struct hook_driver, prune_job)->is_prune_out = false;
}

static void prune_sometimes(struct hook_driver *d) {
    if (d->is_prune_out || d->now - d->pruned_at < PRUNE_MS) return;
    d->pruned_at = d->now;
    d->prune_job = (struct job){.run = run_prune, .done = pruned, .loop = d->options.loop};
    d->is_prune_out = executor_submit(d->options.writer, &d->prune_job) == STATUS_OK;
}

static void end(struct hook_driver *d) {
    if (!list_is_empty(&d->turns) || d->is_prune_out) {
        timer_start(&d->look, LOOK_MS);
        return;
    }
    void (*done)(void *arg) = d->done;
    d->done = NULL;
    if (done) done(d->done_arg);
}

static void look(void *arg) {
    struct hook_driver *d = arg;
    if (d->is_look_out) return;
    d->now = now_of(d);
    if (d->is_stopping) {
        end(d);
        return;
    }
    prune_sometimes(d);
    d->is_look_wanted = false;
    d->look_job = (struct job){.run = run_look, .done = looked, .loop = d->options.loop};
    d->is_look_out = executor_submit(d->options.readers, &d->look_job) == STATUS_OK;
    if (!d->is_look_out) timer_start(&d->look, LOOK_MS);
}

/* ---- life ---- */
static void on_grace(void *arg) {
    struct hook_driver *d = arg;
    d->is_cutting = true;
    LIST_FOR_EACH_SAFE (it, &d->turns) cut(LIST_OWNER(it, struct turn, node));
    look_soon(d);
}

struct hook_driver *hook_driver_new(const struct hook_driver_options *options) {
    struct hook_driver *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->options = *options;
    if (d->options.timeout_ms == 0) d->options.timeout_ms = HOOK_TIMEOUT_MS;
    if (d->options.in_flight_max == 0) d->options.in_flight_max = HOOK_IN_FLIGHT_MAX;
    list_init(&d->turns);
    d->by_webhook = map_new();
    d->by_account = map_new();
    timer_init(&d->look, options->loop, look, d);
    timer_init(&d->grace, options->loop, on_grace, d);
    timer_start(&d->look, 0);
    return d;
}

void hook_driver_wake(struct hook_driver *d) {
    if (!d->is_stopping) look_soon(d);
}

void hook_driver_stop(struct hook_driver *d, int64_t grace_ms, void (*done)(void *arg), void *arg) {
    d->is_stopping = true;
    d->done = done;
    d->done_arg = arg;
    timer_start(&d->grace, grace_ms);
    look_soon(d);
}

void hook_driver_free(struct hook_driver **driver) {
    struct hook_driver *d = *driver;
    if (!d) return;
    *driver = NULL;
    d->is_stopping = true;
    while (!list_is_empty(&d->turns)) turn_free(LIST_OWNER(d->turns.next, struct turn, node));
    timer_fini(&d->look);
    timer_fini(&d->grace);
    map_free(&d->by_webhook);
    map_free(&d->by_account);
    arena_fini(&d->arena);
    free(d);
}

size_t hook_driver_in_flight(const struct hook_driver *d) {
    return d->places;
}
