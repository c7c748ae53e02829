/* tracker.c - visits: one is a request under way, and the job that writes it down.
 *
 *     begin --none of ours, bad--> answered
 *       |
 *       '--> WAITS (exchange and job) --job is done--> answered, freed
 *               | patience is over, opens and clicks only
 *               v
 *            answered, the job alone is left --done--> counted, freed
 *
 * A visit may outlive its exchange, so what its job reads is its own copy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "track/tracker.h"

#include "track/answer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define JOB_BYTES 1024 /* rough size of what a hit writes */

#define ROUTES 6 /* a path, and the same from a gateway that writes URLs in capitals (TR19) */

/* What is known of addresses; it stays while a visit reads it. */
struct book {
    atomic_int refs;
    struct track_networks *networks;
    struct country_file *countries;
};
struct tracker {
    struct tracker_options o;
    struct http_route routes[ROUTES];
    pthread_mutex_t lock;
    struct book *book; /* under lock; NULL: none yet */
};

struct visit {
    struct job job;
    struct tracker *tracker;
    struct book *book;
    struct track_place place;
    struct http_exchange *x; /* NULL: it is answered */
    struct timer patience;
    struct arena arena;
    struct ask ask;               /* its strings die with the exchange */
    struct track_hit hit;         /* these do not */
    struct tracked tracked;       /* of a hit */
    struct track_subject subject; /* of a page; as below */
    bool has_subject;
};

static const struct limit_rate hits_rate = {.count = TRACK_HITS_MAX, .period_ms = 60000, .burst = TRACK_HITS_MAX};

static bool is_page(const struct visit *v) {
    return v->ask.kind == TRACK_UNSUBSCRIBE;
}

/* ---- the book ---- */
static void unref_book(struct book *book) {
    if (!book || atomic_fetch_sub(&book->refs, 1) != 1) return;
    track_networks_free(&book->networks);
    country_file_close(&book->countries);
    free(book);
}

static struct book *take_book(struct tracker *t) {
    pthread_mutex_lock(&t->lock);
    struct book *book = t->book;
    if (book) atomic_fetch_add(&book->refs, 1);
    pthread_mutex_unlock(&t->lock);
    return book;
}

void tracker_set_book(struct tracker *t, struct track_networks *networks, struct country_file *countries) {
    struct book *book = calloc(1, sizeof *book);
    if (!book) abort();
    *book = (struct book){.refs = 1, .networks = networks, .countries = countries};
    pthread_mutex_lock(&t->lock);
    struct book *old = t->book;
    t->book = book;
    pthread_mutex_unlock(&t->lock);
    unref_book(old);
}

/* ---- answers ---- */
static void free_visit(struct visit *v) {
    unref_book(v->book);
    timer_fini(&v->patience);
    arena_fini(&v->arena);
    free(v);
}

/* The exchange has its answer; what the answer needs lives in its own arena. */
static void send_answer(struct http_exchange *x, struct answer *a) {
    struct http_response response;
    a->view.words = words_accepted(http_fields_find(&http_exchange_request(x)->fields, STR("Accept-Language")));
    answer_make(http_exchange_arena(x), a, &response);
    http_exchange_respond(x, &response);
}

static void answer_visit(struct visit *v, enum status status) {
    struct answer a = {.ask = &v->ask, .token = &v->hit.token, .status = status};
    struct http_exchange *x = v->x;
    if (v->has_subject) a.view.subject = &v->subject;
    timer_stop(&v->patience);
    v->x = NULL;
    send_answer(x, &a);
}

/* ---- jobs ---- */
static struct visit *visit_of(struct job *job) {
    return LIST_OWNER(job, struct visit, job);
}

/* On a reader, and in the writer's transaction: what the page says. */
static enum status look_up(struct visit *v, struct db *db) {
    v->has_subject = false;
    enum status status = track_look_up(db, &v->arena, &v->place, &v->hit.token, v->hit.host, &v->subject);
    v->has_subject = status == STATUS_OK;
    return status;
}

static enum status run_page(struct job *job, void *ctx) {
    return look_up(visit_of(job), ctx);
}

static enum status run_check(struct job *job, void *ctx) {
    struct visit *v = visit_of(job);
    return track_check(ctx, &v->arena, &v->place, &v->hit.token, v->hit.host);
}

static enum status run_hit(struct job *job, void *ctx) {
    struct visit *v = visit_of(job);
    v->tracked = (struct tracked){0};
    enum status status = is_page(v) ? look_up(v, ctx) : STATUS_OK;
    return status == STATUS_OK ? track_hit(ctx, &v->place, &v->hit, &v->tracked) : status;
}

static bool is_verdict(enum status status) {
    return status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_DENIED || status == STATUS_INVALID;
}

static void count(const struct visit *v, enum status status) {
    struct metrics *m = v->tracker->o.metrics;
    if (!is_verdict(status)) metrics_add(m, METRIC_TRACK_LOST, 1);
    if (status != STATUS_OK) return;
    metrics_add(m, METRIC_TRACK_HITS, v->tracked.event_id != 0);
    metrics_add(m, METRIC_TRACK_MACHINES, v->tracked.signs != 0);
    metrics_add(m, METRIC_TRACK_DROPPED, v->tracked.is_dropped);
    metrics_add(m, METRIC_UNSUBSCRIBES, is_page(v) && v->tracked.event_id != 0);
}

static void end_visit(struct job *job) {
    struct visit *v = visit_of(job);
    if (v->x) answer_visit(v, job->status);
    free_visit(v);
}

static void on_read(struct job *job) {
    end_visit(job);
}

static void on_hit(struct job *job) {
    count(visit_of(job), job->status);
    end_visit(job);
}

static void on_impatient(void *arg) {
    struct visit *v = arg;
    metrics_add(v->tracker->o.metrics, METRIC_TRACK_LATE, 1);
    answer_visit(v, STATUS_TIMEOUT);
}

/* ---- requests ---- */
/* One more of this recipient and kind in this minute? */
static bool is_within_rate(const struct visit *v) {
    char room[LIMIT_KEY_MAX];
    const struct track_token *t = &v->hit.token;
    if (is_page(v)) return true;
    int64_t key = (int64_t)((uint64_t)t->recipient_id << 1 | (t->kind == TRACK_CLICK));
    return limits_take(v->tracker->o.limits, LIMIT_TRACK, limit_key_id(key, room), &hits_rate,
                       clock_mono_ms(loop_clock(http_exchange_loop(v->x))), NULL);
}

static void submit(struct visit *v, struct executor *executor, job_run_fn run, job_done_fn done) {
    v->job = (struct job){.run = run,
                          .done = done,
                          .loop = http_exchange_loop(v->x),
                          .bytes = JOB_BYTES,
                          .lane = -v->hit.token.domain_id}; /* the account is not known yet */
    if (run == run_hit && !is_page(v)) timer_start(&v->patience, v->tracker->o.patience_ms);
    enum status status = executor_submit(executor, &v->job);
    if (status == STATUS_OK) return; /* it is the executor's now */
    v->job.status = status;
    done(&v->job);
}

static void start(struct visit *v) {
    const struct tracker_options *o = &v->tracker->o;
    if (is_page(v) && !v->ask.is_to_act) {
        submit(v, o->readers, run_page, on_read);
    } else if (is_within_rate(v)) {
        submit(v, o->writer, run_hit, on_hit);
    } else {
        metrics_add(o->metrics, METRIC_TRACK_DROPPED, 1);
        submit(v, o->readers, run_check, on_read);
    }
}

/* What the job reads, out of the exchange. */
static void copy_ask(struct visit *v, int64_t now) {
    struct track_reader reader = v->ask.reader;
    struct ip client = {0};
    v->book = take_book(v->tracker);
    v->place = v->tracker->o.place;
    if (v->book) v->place.networks = v->book->networks;
    if (v->book && ip_parse(reader.client, &client)) reader.country = country_find(v->book->countries, &client, &v->arena);
    reader.user_agent = arena_str(&v->arena, str_sub(reader.user_agent, 0, TRACK_AGENT_BYTES));
    reader.client = arena_str(&v->arena, reader.client);
    v->hit.host = arena_str(&v->arena, v->ask.host);
    v->hit.reader = reader;
    v->hit.now = now;
    v->hit.scope = v->ask.scope;
    v->hit.tag = arena_str(&v->arena, v->ask.tag);
    v->hit.is_one_click = v->ask.is_one_click;
}

static void begin(struct http_exchange *x, struct tracker *t) {
    struct visit *v = calloc(1, sizeof *v);
    if (!v) abort();
    v->tracker = t;
    v->x = x;
    timer_init(&v->patience, http_exchange_loop(x), on_impatient, v);
    int64_t now = clock_wall_ms(loop_clock(http_exchange_loop(x)));
    int refusal =
        ask_parse(http_exchange_arena(x), http_exchange_request(x), http_exchange_body(x), http_exchange_client(x), &v->ask);
    if (refusal == 0 && !track_token_parse(&t->o.keys, v->ask.kind, v->ask.token, now, &v->arena, &v->hit.token)) refusal = 404;
    if (refusal) {
        metrics_add(t->o.metrics, METRIC_TRACK_REFUSED, 1);
        free_visit(v);
        send_answer(x, &(struct answer){.refusal = refusal});
        return;
    }
    copy_ask(v, now);
    start(v);
}

static void on_head(struct http_exchange *x, void *arg) {
    if (http_exchange_request(x)->method == HTTP_POST)
        http_exchange_continue(x, ASK_BODY_MAX);
    else
        begin(x, arg);
}

static void on_body(struct http_exchange *x, void *arg) {
    begin(x, arg);
}

/* ---- the tracker ---- */
static const struct {
    const char *path;
    unsigned methods;
} paths[ROUTES] = {
    {"/o/", HTTP_BIT(HTTP_GET)},
    {"/O/", HTTP_BIT(HTTP_GET)},
    {"/c/", HTTP_BIT(HTTP_GET)},
    {"/C/", HTTP_BIT(HTTP_GET)},
    {"/u/", HTTP_BIT(HTTP_GET) | HTTP_BIT(HTTP_POST)},
    {"/U/", HTTP_BIT(HTTP_GET) | HTTP_BIT(HTTP_POST)},
};

struct tracker *tracker_new(const struct tracker_options *options) {
    struct tracker *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->o = *options;
    pthread_mutex_init(&t->lock, NULL);
    for (size_t i = 0; i < ROUTES; i++)
        t->routes[i] = (struct http_route){.methods = paths[i].methods,
                                           .path = str_from_z(paths[i].path),
                                           .is_prefix = true,
                                           .hides_rest = true,
                                           .head = on_head,
                                           .body = on_body,
                                           .arg = t};
    return t;
}

void tracker_free(struct tracker **tracker) {
    if (!*tracker) return;
    unref_book((*tracker)->book);
    pthread_mutex_destroy(&(*tracker)->lock);
    explicit_bzero(&(*tracker)->o.keys, sizeof(*tracker)->o.keys);
    free(*tracker);
    *tracker = NULL;
}

const struct http_route *tracker_routes(const struct tracker *tracker, size_t *ret_count) {
    *ret_count = ROUTES;
    return tracker->routes;
}

void tracker_format_error(void *arg, const struct http_request *request, int status, const char *why,
                          struct http_response *response) {
    (void)arg, (void)why;
    ARENA_AUTO arena = {0};
    struct http_response page;
    struct str languages = request ? http_fields_find(&request->fields, STR("Accept-Language")) : STR("");
    page_error(&arena, &(struct page_view){.words = words_accepted(languages)}, status, &page);
    response->content_type = page.content_type;
    response->body = page.body;
}
