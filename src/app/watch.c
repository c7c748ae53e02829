/* watch.c - see watch.h. One struct is the round; it belongs to the executor that works on it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/watch.h"

#include "app/certificates.h"
#include "app/recheck.h"
#include "app/watch_files.h"
#include "base/log.h"
#include "core/alert_ledger.h"
#include "core/alert_look.h"
#include "core/alert_round.h"
#include "core/domain_watch.h"
#include "net/http_client.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LANES_MAX    20000 /* of the queue, looked at in one round */
#define RATES_EVERY  5     /* rounds */
#define POST_MS      15000
#define POST_BODY    256 /* bytes of the answer that are read */
#define PARALLEL_END 3   /* what a stop waits for: the round, the webhook, the looks at domains */

struct posting {
    struct arena arena;
    struct alert_list rows; /* ids and counts */
    struct http_client_call *call;
    struct job job;
    struct buf why;
    bool is_out;
};
struct watch {
    struct watch_options options;
    struct alert_rules rules;
    struct alert_limits limits;
    struct http_client *client; /* NULL: no webhook */
    struct recheck *recheck;
    struct timer timer;
    struct post post;
    atomic_bool is_posted, is_stopping;
    bool is_started, is_busy, is_wanted; /* wanted: another round at once */

    struct job job;
    struct arena arena; /* of the round */
    int64_t now, count; /* rounds */
    struct alert_view view;
    struct alert_suspension_list suspensions;
    struct alert_round round;
    struct alert_walk walk;
    struct live_question live;
    struct post live_post;
    struct alert_ledger *ledger;

    struct posting posting;
    int64_t told_open; /* as the gauge has it */
    unsigned ends;     /* of PARALLEL_END */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static void begin_round(struct watch *w);

static void submit(struct watch *w, struct executor *executor, struct job *job) {
    job->loop = w->options.loop;
    enum status status = executor_submit(executor, job);
    if (status == STATUS_OK) return;
    job->status = status;
    job->done(job);
}

/* ---- the stop ---- */
static void count_end(void *arg) {
    struct watch *w = arg;
    if (++w->ends < PARALLEL_END) return;
    if (w->is_started) timer_fini(&w->timer);
    w->is_started = false;
    if (w->stopped) w->stopped(w->stopped_arg);
}

/* ---- the webhook ---- */
static enum status run_posted(struct job *job, void *ctx) {
    struct posting *p = LIST_OWNER(job, struct posting, job);
    return alert_posted(ctx, &p->rows, buf_str(&p->why));
}

static void posted(struct job *job) {
    struct posting *p = LIST_OWNER(job, struct posting, job);
    struct watch *w = LIST_OWNER(p, struct watch, posting);
    arena_fini(&p->arena);
    p->is_out = false;
    if (atomic_load(&w->is_stopping)) count_end(w);
}

static void on_answer(void *arg, const struct http_client_result *result) {
    struct watch *w = arg;
    struct posting *p = &w->posting;
    p->call = NULL;
    buf_reset(&p->why);
    if (!http_client_is_success(result)) {
        buf_add_z(&p->why, "Webhook: ");
        if (result->code)
            buf_addf(&p->why, "it answered %u", result->code);
        else
            buf_add_str(&p->why, result->why);
        LOG(LOG_WARN, "alert.webhook", LOG_STR("why", buf_str(&p->why)));
    }
    p->job = (struct job){.run = run_posted, .done = posted};
    submit(w, w->options.writer, &p->job);
}

static void post_alerts(struct watch *w) {
    static const struct http_client_header json = {STR_INIT("Content-Type"), STR_INIT("application/json")};
    struct posting *p = &w->posting;
    const struct alert_list *unposted = &w->round.unposted;
    const struct config *c = w->options.config;
    BUF_AUTO body = {0};
    if (!w->client || unposted->count == 0 || p->is_out) return;
    alert_write_json(unposted->items, unposted->count, w->rules.host, w->now, &body);
    p->rows = (struct alert_list){arena_array(&p->arena, unposted->count, sizeof *p->rows.items), unposted->count};
    for (size_t i = 0; i < unposted->count; i++)
        p->rows.items[i] = (struct alert){.id = unposted->items[i].id, .told_count = unposted->items[i].told_count};
    p->is_out = true;
    p->call = http_client_start(w->client,
                                &(struct http_client_request){.url = c->alerts_webhook,
                                                              .is_post = true,
                                                              .body = buf_str(&body),
                                                              .headers = &json,
                                                              .header_count = 1,
                                                              .timeout_ms = POST_MS,
                                                              .body_max = POST_BODY,
                                                              .allow_http = c->alerts_allow_private != 0,
                                                              .allow_private = c->alerts_allow_private != 0},
                                on_answer, w);
}

/* ---- a round's end ---- */
static void log_step(const struct alert_step *step) {
    const struct alert *row = &step->row;
    if (step->word == ALERT_SAYS_NOTHING && !step->is_new && !row->cleared_at) return;
    const char *event = row->cleared_at ? "alert.ended" : step->is_new ? "alert.raised" : "alert.lasts";
    LOG(row->cleared_at ? LOG_INFO : LOG_WARN, event, LOG_INT("id", row->id), LOG_Z("kind", alert_facts(row->kind)->name),
        LOG_STR("key", row->key), LOG_STR("text", row->text));
}

static void tell(struct watch *w) {
    const struct alert_round *round = &w->round;
    const struct watch_options *o = &w->options;
    for (size_t i = 0; i < round->steps.count; i++) log_step(&round->steps.items[i]);
    if (round->is_mail_stuck)
        LOG(LOG_WARN, "alert.no_mail", LOG_Z("why", "[mail] from is empty or its domain is no enabled sender domain here"));
    if (round->mail.entry_count) o->queue_offer(o->arg, round->mail.entries, round->mail.entry_count);
    if (w->suspensions.count) o->work_wake(o->arg);
    metrics_add(o->metrics, METRIC_ALERTS_OPEN, round->open - w->told_open);
    w->told_open = round->open;
    post_alerts(w);
}

static void end_round(struct watch *w) {
    arena_fini(&w->arena);
    w->is_busy = false;
    if (atomic_load(&w->is_stopping))
        count_end(w);
    else if (w->is_wanted)
        begin_round(w);
    else
        timer_start(&w->timer, w->options.config->alerts_every);
}

/* ---- the steps of a round ---- */
static enum status suspend_all(struct watch *w, struct db *db) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < w->suspensions.count; i++) {
        const struct alert_suspension *s = &w->suspensions.items[i];
        struct domain domain;
        status = domain_get(db, &w->arena, SCOPE_ANY, s->domain_id, &domain);
        if (status == STATUS_OK && domain.state == DOMAIN_ENABLED) status = domain_suspend(db, &domain, s->because, w->now);
        if (status == STATUS_NOT_FOUND) status = STATUS_OK; /* deleted meanwhile */
    }
    return status;
}

static enum status run_write(struct job *job, void *ctx) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    enum status status = suspend_all(w, ctx);
    return status == STATUS_OK ? alert_round_run(ctx, &w->arena, &w->rules, &w->view, w->now, &w->round) : status;
}

static void written(struct job *job) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    if (job->status == STATUS_OK)
        tell(w);
    else
        LOG(LOG_WARN, "alert.round", LOG_Z("fault", status_text(job->status)));
    end_round(w);
}

static struct alert_look look_of(struct watch *w, struct db *db) {
    return (struct alert_look){.db = db,
                               .arena = &w->arena,
                               .limits = &w->limits,
                               .node_id = w->options.notices.owner.node_id,
                               .now = w->now,
                               .view = &w->view};
}

static void begin_write(struct watch *w) {
    w->count++;
    w->job = (struct job){.run = run_write, .done = written, .bytes = 65536};
    submit(w, w->options.writer, &w->job);
}

/* Does the domain's mail wait for a site that is paused? Both lists of the answer are in the domains' order. */
static bool is_paused(void *arg, struct str domain) {
    const struct live_question *q = arg;
    size_t low = 0, high = q->domain_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(q->domains[middle], domain);
        if (order == 0) return q->sites[q->of_sites[middle]].parked_until > 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static void on_live(struct post *post) {
    struct watch *w = LIST_OWNER(post, struct watch, live_post);
    const struct alert_look look = look_of(w, NULL);
    if (w->live.is_found && w->live.paused_until == 0) alert_judge_queue(&look, &w->walk, is_paused, &w->live);
    arena_fini(&w->live.arena);
    begin_write(w);
}

/* On mta's loop. */
static void live_done(struct live_question *question) {
    struct watch *w = LIST_OWNER(question, struct watch, live);
    loop_post(w->options.loop, &w->live_post);
}

static enum status run_look(struct job *job, void *ctx) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    const struct alert_look look = look_of(w, ctx);
    enum status status = alert_look_queue(&look, &w->walk, LANES_MAX);
    if (status == STATUS_OK) status = alert_look_domains(&look);
    if (status == STATUS_OK) status = alert_look_feed(&look);
    if (status == STATUS_OK) status = alert_look_ledger(&look, w->ledger);
    if (status == STATUS_OK && w->count % RATES_EVERY == 0) status = alert_look_rates(&look, &w->suspensions);
    return status;
}

/* Late mail is news only where nobody told it to wait. */
static void looked(struct job *job) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    if (job->status != STATUS_OK) LOG(LOG_WARN, "alert.look", LOG_Z("fault", status_text(job->status)));
    const struct alert_look look = look_of(w, NULL);
    if (job->status == STATUS_OK && w->walk.is_over && w->walk.late_count) {
        w->live = (struct live_question){.what = LIVE_ROUTES, .done = live_done};
        w->live_post.fn = on_live;
        w->options.live_ask(w->options.arg, &w->live);
        return;
    }
    if (job->status == STATUS_OK && w->walk.is_over) alert_judge_queue(&look, &w->walk, NULL, NULL);
    begin_write(w);
}

static enum status run_files(struct job *job, void *ctx) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    (void)ctx;
    w->view.is_looked[ALERT_TEST] = true;
    watch_files(w->options.config, w->options.gate, &w->arena, &w->view);
    certificates_watch(w->options.certificates, w->now, &w->arena, &w->view);
    return STATUS_OK;
}

static void files_done(struct job *job) {
    struct watch *w = LIST_OWNER(job, struct watch, job);
    w->job = (struct job){.run = run_look, .done = looked};
    submit(w, w->options.searchers, &w->job);
}

static void begin_round(struct watch *w) {
    timer_stop(&w->timer);
    w->is_busy = true;
    w->is_wanted = false;
    w->now = clock_wall_ms(clock_system());
    w->view = (struct alert_view){.count = 0};
    w->suspensions = (struct alert_suspension_list){.count = 0};
    w->round = (struct alert_round){.open = 0};
    w->job = (struct job){.run = run_files, .done = files_done};
    submit(w, w->options.slow, &w->job);
}

static void on_timer(void *arg) {
    begin_round(arg);
}

static void on_post(struct post *post) {
    struct watch *w = LIST_OWNER(post, struct watch, post);
    atomic_store(&w->is_posted, false);
    if (atomic_load(&w->is_stopping)) return;
    if (!w->is_started) {
        timer_init(&w->timer, w->options.loop, on_timer, w);
        recheck_start(w->recheck);
    }
    w->is_started = true;
    if (w->options.config->alerts_every == 0) return;
    if (w->is_busy)
        w->is_wanted = true;
    else
        begin_round(w);
}

/* ---- life ---- */
static struct alert_limits limits_of(const struct config *c) {
    return (struct alert_limits){
        .queue_age_ms = c->alerts_queue_age,
        .feed_ms = c->alerts_feed,
        .site_ms = c->alerts_site,
        .rate_messages = c->alerts_messages,
        .bounce_warn = c->alerts_bounces,
        .bounce_suspend = c->alerts_bounces_suspend,
        .complaint_warn = c->alerts_complaints,
        .complaint_suspend = c->alerts_complaints_suspend,
        .suspends = c->alerts_suspend != 0,
    };
}

enum status watch_new(const struct watch_options *options, struct watch **ret, struct buf *ret_why) {
    const struct config *c = options->config;
    struct watch *w = calloc(1, sizeof *w);
    if (!w) abort();
    w->options = *options;
    w->limits = limits_of(c);
    w->rules = (struct alert_rules){.times = {.again_ms = c->alerts_again, .calm_ms = c->alerts_calm},
                                    .notices = options->notices,
                                    .mail_to = c->alerts_mail,
                                    .has_webhook = c->alerts_webhook.n > 0,
                                    .host = c->delivery_hostname};
    struct http_client_options http = {
        .loop = options->loop, .resolver = options->resolver, .user_agent = "Posthorn", .in_flight_max = 1, .idle_max = 1};
    enum status status = w->rules.has_webhook ? http_client_new(&http, &w->client) : STATUS_OK;
    if (status != STATUS_OK) {
        buf_addf(ret_why, "the client of [alerts] webhook: %s", status_text(status));
        free(w);
        return status;
    }
    w->ledger = alert_ledger_new();
    w->recheck = recheck_new(&w->options);
    w->post.fn = on_post;
    *ret = w;
    return STATUS_OK;
}

void watch_start(struct watch *w) {
    watch_wake(w);
}

void watch_wake(struct watch *w) {
    if (!w || atomic_load(&w->is_stopping)) return;
    if (!atomic_exchange(&w->is_posted, true)) loop_post(w->options.loop, &w->post);
}

void watch_stop(struct watch *w, void (*done)(void *arg), void *arg) {
    struct posting *p = &w->posting;
    atomic_store(&w->is_stopping, true);
    w->stopped = done;
    w->stopped_arg = arg;
    if (p->call) {
        http_client_cancel(&p->call);
        arena_fini(&p->arena);
        p->is_out = false;
    }
    recheck_stop(w->recheck, count_end, w);
    if (!p->is_out) count_end(w);
    if (!w->is_busy) count_end(w);
}

void watch_free(struct watch **place) {
    struct watch *w = *place;
    if (!w) return;
    *place = NULL;
    http_client_free(&w->client);
    recheck_free(&w->recheck);
    alert_ledger_free(&w->ledger);
    alert_walk_fini(&w->walk);
    arena_fini(&w->arena);
    buf_fini(&w->posting.why);
    arena_fini(&w->posting.arena);
    free(w);
}
