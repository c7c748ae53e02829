/* acme_driver.c - see acme_driver.h.
 *
 *   IDLE --wake, timer--> LISTING (reader) --somebody is due--> ORDERING (HTTP, pauses) --> KEEPING (slow pool) --> LISTING
 *     ^                        | nobody, or the pace forbids                                                           |
 *     '------------------------'-------------- the authority fails: a pause for all of them --------------------------'
 * One job and one call are out at most. Failures are a map by host, and a file after each change of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/acme_driver.h"

#include "base/log.h"
#include "base/map.h"
#include "core/acme_plan.h"
#include "net/http_client.h"
#include "proto/acme/acme.h"
#include "store/track_hosts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_MS     60000
#define CALL_MS      30000
#define PAGE         2000
#define HOSTS_MAX    TLS_BOOK_FILES_MAX
#define CHALLENGES   STR_INIT("/.well-known/acme-challenge/")
#define PAUSES_MAX   3  /* of an authority's pauses, which end at an hour */
#define FORGET_AFTER 20 /* rounds between two looks for certificates that nobody wants */

enum acme_phase { IDLE, LISTING, ORDERING, KEEPING };

struct trouble {
    unsigned tries;
    int64_t next_at;
    struct buf why;
};
struct acme_driver {
    struct acme_driver_options options;
    struct buf folder;
    struct http_client *client;
    struct eckey *account_key;
    struct buf account; /* its URL; "": not known */
    enum acme_phase phase;
    struct timer timer, pause;
    struct post post;
    atomic_bool is_posted, forgives;
    bool is_started, is_wanted, is_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;

    struct job job;
    struct arena arena; /* of a round */
    struct track_host_list page;
    struct acme_host *hosts;
    size_t host_count, host_room, rounds;
    bool is_listed; /* all of them */
    int64_t pace_at, pause_until;

    struct acme *order;
    struct str host; /* of the order; in the round's arena */
    struct eckey *host_key;
    struct http_client_call *call;
    struct buf why; /* it could not be kept */

    pthread_mutex_t lock;
    struct buf token, served; /* of the challenge */
    struct trouble general;   /* what every host would run into; no tries: nothing */
    struct map *troubles;     /* by host, struct trouble */
    struct http_route route;
};

static void begin_round(struct acme_driver *d);
static void advance(struct acme_driver *d);

static int64_t now_ms(void) {
    return clock_wall_ms(clock_system());
}

static void submit(struct acme_driver *d, struct executor *executor, job_run_fn run, job_done_fn done) {
    d->job = (struct job){.run = run, .done = done, .loop = d->options.loop, .bytes = 4096};
    enum status status = executor_submit(executor, &d->job);
    if (status == STATUS_OK) return;
    d->job.status = status;
    done(&d->job);
}

/* ---- who failed ---- */
static void trouble_free(struct trouble *t) {
    if (!t) return;
    buf_fini(&t->why);
    free(t);
}

static void trouble_put(struct acme_driver *d, const struct acme_trouble *what) {
    struct trouble *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->tries = what->tries;
    t->next_at = what->next_at;
    buf_add_str(&t->why, what->why);
    pthread_mutex_lock(&d->lock);
    trouble_free(map_put(d->troubles, what->host, t));
    pthread_mutex_unlock(&d->lock);
}

static void trouble_end(struct acme_driver *d, struct str host) {
    pthread_mutex_lock(&d->lock);
    trouble_free(map_remove(d->troubles, host));
    pthread_mutex_unlock(&d->lock);
}

struct str acme_driver_trouble(struct acme_driver *d, struct arena *arena, unsigned *ret_tries) {
    pthread_mutex_lock(&d->lock);
    struct str why = arena_str(arena, buf_str(&d->general.why));
    *ret_tries = d->general.tries;
    pthread_mutex_unlock(&d->lock);
    return why;
}

void acme_driver_troubles(struct acme_driver *d, struct arena *arena, struct acme_troubles *ret) {
    struct str host;
    void *value;
    pthread_mutex_lock(&d->lock);
    *ret = (struct acme_troubles){arena_array(arena, map_count(d->troubles) + 1, sizeof *ret->items), 0};
    for (size_t cursor = 0; map_next(d->troubles, &cursor, &host, &value);) {
        const struct trouble *t = value;
        ret->items[ret->count++] =
            (struct acme_trouble){arena_str(arena, host), t->tries, t->next_at, arena_str(arena, buf_str(&t->why))};
    }
    pthread_mutex_unlock(&d->lock);
}

static void read_troubles(struct acme_driver *d) {
    ARENA_AUTO arena = {0};
    struct acme_troubles list;
    acme_troubles_read(d->folder.p, &arena, &list);
    for (size_t i = 0; i < list.count; i++) trouble_put(d, &list.items[i]);
}

static void write_troubles(struct acme_driver *d) {
    ARENA_AUTO arena = {0};
    struct acme_troubles list;
    acme_driver_troubles(d, &arena, &list);
    if (acme_troubles_write(d->folder.p, &list) != STATUS_OK) LOG(LOG_WARN, "acme.failures", LOG_Z("fault", "cannot be written"));
}

static const struct trouble *trouble_find(struct acme_driver *d, struct str host) {
    return map_find(d->troubles, host); /* nothing changes the map while the loop looks: a job does that while it waits for it */
}

static void forgive(struct acme_driver *d) {
    struct str host;
    void *value;
    pthread_mutex_lock(&d->lock);
    for (size_t cursor = 0; map_next(d->troubles, &cursor, &host, &value);) ((struct trouble *)value)->next_at = 0;
    pthread_mutex_unlock(&d->lock);
    d->pause_until = 0;
}

/* ---- the challenge ---- */
static void publish(struct acme_driver *d, struct str token, struct str served) {
    pthread_mutex_lock(&d->lock);
    buf_reset(&d->token);
    buf_reset(&d->served);
    buf_add_str(&d->token, token);
    buf_add_str(&d->served, served);
    pthread_mutex_unlock(&d->lock);
}

static void on_challenge(struct http_exchange *x, void *arg) {
    struct acme_driver *d = arg;
    struct http_response response = {.status = 404, .content_type = STR("text/plain")};
    struct str token = str_sub(http_exchange_request(x)->path, d->route.path.n, SIZE_MAX);
    pthread_mutex_lock(&d->lock);
    if (d->token.n > 0 && str_eq(token, buf_str(&d->token))) {
        response.status = 200;
        response.content_type = STR("application/octet-stream"); /* RFC 8555 8.3 */
        buf_add_str(&response.body, buf_str(&d->served));
    }
    pthread_mutex_unlock(&d->lock);
    http_exchange_respond(x, &response);
}

const struct http_route *acme_driver_routes(struct acme_driver *d, size_t *ret_count) {
    *ret_count = 1;
    return &d->route;
}

/* ---- the end of one or all ---- */
static void end_stop(struct acme_driver *d) {
    if (!d->is_stopping || d->phase != IDLE) return;
    if (d->is_started) {
        timer_fini(&d->timer);
        timer_fini(&d->pause);
    }
    d->is_started = false;
    if (d->stopped) d->stopped(d->stopped_arg);
    d->stopped = NULL;
}

/* Nothing is under way any more: at once again, in a minute, or never. */
static void rest(struct acme_driver *d, bool at_once) {
    d->phase = IDLE;
    d->host = (struct str){0};
    arena_fini(&d->arena);
    if (d->is_stopping)
        end_stop(d);
    else if (at_once || d->is_wanted)
        begin_round(d);
    else
        timer_start(&d->timer, ROUND_MS);
}

static void drop_order(struct acme_driver *d) {
    publish(d, STR(""), STR(""));
    acme_free(&d->order);
    eckey_free(&d->host_key);
}

/* ---- an order that failed ---- */
/* What every host would run into is nobody's own failure: all wait a while. */
static void note_general(struct acme_driver *d, const struct acme_failure *f) {
    pthread_mutex_lock(&d->lock);
    unsigned tries = ++d->general.tries;
    d->pause_until = now_ms() + acme_retry_ms(tries < PAUSES_MAX ? tries : PAUSES_MAX, f->retry_after_s, rand_system());
    buf_reset(&d->general.why);
    buf_add_str(&d->general.why, f->why);
    pthread_mutex_unlock(&d->lock);
    buf_reset(&d->account); /* perhaps it is the account that is wrong */
    LOG(LOG_WARN, "acme.authority", LOG_STR("why", f->why), LOG_INT("again_s", (d->pause_until - now_ms()) / 1000));
}

static void note_failure(struct acme_driver *d, struct str why, int64_t retry_after_s) {
    const struct trouble *before = trouble_find(d, d->host);
    unsigned tries = before ? before->tries + 1 : 1;
    int64_t next_at = now_ms() + acme_retry_ms(tries, retry_after_s, rand_system());
    metrics_add(d->options.metrics, METRIC_CERTIFICATES_REFUSED, 1);
    trouble_put(d, &(struct acme_trouble){d->host, tries, next_at, why});
    LOG(LOG_WARN, "acme.refused", LOG_STR("host", d->host), LOG_INT("tries", tries), LOG_STR("why", why),
        LOG_INT("again_s", (next_at - now_ms()) / 1000));
}

static enum status run_write_troubles(struct job *job, void *ctx) {
    (void)ctx;
    write_troubles(LIST_OWNER(job, struct acme_driver, job));
    return STATUS_OK;
}

static void troubles_written(struct job *job) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    rest(d, true);
}

static void end_failed(struct acme_driver *d) {
    const struct acme_failure f = *acme_failure(d->order);
    if (f.is_general) note_general(d, &f);
    if (f.is_hosts) note_failure(d, f.why, f.retry_after_s); /* or it would be first again after the pause */
    drop_order(d);
    d->phase = KEEPING;
    if (f.is_hosts)
        submit(d, d->options.slow, run_write_troubles, troubles_written);
    else
        rest(d, false);
}

/* ---- an order that did not ---- */
/* What came is read the way handshakes will have it: under the host's name, and longer than before. */
static enum status run_keep(struct job *job, void *ctx) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    (void)ctx;
    buf_reset(&d->why);
    enum status status = acme_files_save(d->folder.p, d->host, acme_certificate(d->order), d->host_key, &d->why);
    if (status != STATUS_OK) return status;
    d->options.load(d->options.arg);
    int64_t begins_at, expires_at;
    if (!tls_book_find(d->options.book, d->host, &begins_at, &expires_at) || acme_renew_at(begins_at, expires_at) <= now_ms()) {
        buf_add_z(&d->why, "the certificate that came is not for this host and this day");
        return STATUS_INVALID;
    }
    trouble_end(d, d->host);
    write_troubles(d);
    return STATUS_OK;
}

static void kept(struct job *job) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    bool is_well = job->status == STATUS_OK;
    if (is_well) {
        metrics_add(d->options.metrics, METRIC_CERTIFICATES_ISSUED, 1);
        LOG(LOG_INFO, "acme.issued", LOG_STR("host", d->host));
    } else {
        note_failure(d, d->why.n ? buf_str(&d->why) : str_from_z(status_text(job->status)), 0);
    }
    drop_order(d);
    if (is_well)
        rest(d, true);
    else
        submit(d, d->options.slow, run_write_troubles, troubles_written);
}

static void end_done(struct acme_driver *d) {
    pthread_mutex_lock(&d->lock);
    d->general.tries = 0;
    pthread_mutex_unlock(&d->lock);
    buf_reset(&d->account);
    buf_add_str(&d->account, acme_account(d->order));
    d->phase = KEEPING;
    submit(d, d->options.slow, run_keep, kept);
}

/* ---- an order ---- */
static void on_answer(void *arg, const struct http_client_result *r) {
    struct acme_driver *d = arg;
    d->call = NULL;
    if (r->status != STATUS_OK || r->is_cut) {
        acme_no_answer(d->order, r->is_cut ? STR("its answer is too long") : r->why);
    } else {
        struct str token, served;
        const struct acme_answer answer = {.code = r->code,
                                           .body = r->body,
                                           .nonce = http_client_field(r, STR("Replay-Nonce")),
                                           .location = http_client_field(r, STR("Location")),
                                           .retry_after_s = r->retry_after_s};
        acme_answer(d->order, &answer);
        if (acme_challenge(d->order, &token, &served)) publish(d, token, served);
    }
    advance(d);
}

static void ask(struct acme_driver *d, const struct acme_step *step) {
    const struct http_client_header type = {STR("Content-Type"), ACME_CONTENT_TYPE};
    const struct http_client_request request = {
        .url = step->url,
        .is_post = step->is_post,
        .body = step->body,
        .headers = &type,
        .header_count = step->is_post ? 1 : 0,
        .timeout_ms = CALL_MS,
        .body_max = ACME_ANSWER_MAX,
        .allow_private = true, /* the operator named the authority, and its certificate is checked */
        .wants_head = true,
    };
    d->call = http_client_start(d->client, &request, on_answer, d);
}

static void advance(struct acme_driver *d) {
    struct acme_step step;
    acme_next(d->order, &step);
    if (step.want == ACME_REQUEST)
        ask(d, &step);
    else if (step.want == ACME_PAUSE)
        timer_start(&d->pause, step.pause_ms);
    else if (step.want == ACME_DONE)
        end_done(d);
    else
        end_failed(d);
}

static void on_pause(void *arg) {
    advance(arg);
}

static void begin_order(struct acme_driver *d, const struct acme_host *host) {
    if (eckey_generate(&d->host_key) != STATUS_OK) {
        rest(d, false);
        return;
    }
    d->phase = ORDERING;
    d->host = host->name;
    d->order = acme_new(&(struct acme_options){.directory = d->options.directory,
                                               .contact = d->options.contact,
                                               .account = buf_str(&d->account),
                                               .host = host->name,
                                               .account_key = d->account_key,
                                               .host_key = d->host_key});
    advance(d);
}

/* ---- who is due ---- */
static void add_host(struct acme_driver *d, struct str name, int64_t account_id) {
    if (name.n > ACME_HOST_MAX || d->host_count >= HOSTS_MAX) return;
    if (d->host_count == d->host_room) {
        size_t room = d->host_room ? d->host_room * 2 : 64;
        struct acme_host *more = arena_array(&d->arena, room, sizeof *more);
        if (d->host_count) memcpy(more, d->hosts, d->host_count * sizeof *more);
        d->hosts = more;
        d->host_room = room;
    }
    struct acme_host *h = &d->hosts[d->host_count++];
    const struct trouble *t = trouble_find(d, name);
    *h = (struct acme_host){.name = name, .account_id = account_id, .not_before = t ? t->next_at : 0};
    if (!tls_book_find(d->options.book, name, &h->begins_at, &h->expires_at)) h->begins_at = h->expires_at = 0;
}

static void forget_troubles(struct acme_driver *d, const struct map *wanted) {
    struct str host;
    void *trouble;
    pthread_mutex_lock(&d->lock);
    for (size_t cursor = 0; map_next(d->troubles, &cursor, &host, &trouble);) {
        if (map_find(wanted, host)) continue;
        map_remove(d->troubles, host);
        trouble_free(trouble);
    }
    pthread_mutex_unlock(&d->lock);
}

/* A host that nobody wants any more is no trouble, and once its certificate has expired, its key is of no use. */
static enum status run_forget(struct job *job, void *ctx) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    (void)ctx;
    struct acme_names files;
    struct map *wanted = map_new();
    acme_files_list(d->folder.p, &d->arena, &files);
    for (size_t i = 0; i < d->host_count; i++) map_put(wanted, d->hosts[i].name, &d->hosts[i]);
    for (size_t i = 0; i < files.count; i++) {
        int64_t expires_at;
        bool has_one = tls_book_find(d->options.book, files.items[i], NULL, &expires_at);
        if (!map_find(wanted, files.items[i]) && has_one && expires_at < now_ms()) acme_files_delete(d->folder.p, files.items[i]);
    }
    forget_troubles(d, wanted);
    map_free(&wanted);
    d->options.load(d->options.arg);
    return STATUS_OK;
}

static void forgot(struct job *job) {
    rest(LIST_OWNER(job, struct acme_driver, job), false);
}

static void choose(struct acme_driver *d) {
    int64_t now = now_ms();
    const struct acme_host *next = now < d->pause_until ? NULL : acme_pick(d->hosts, d->host_count, now);
    if (next && acme_may_begin(&d->pace_at, now))
        begin_order(d, next);
    else if (d->is_listed && d->rounds++ % FORGET_AFTER == 0)
        submit(d, d->options.slow, run_forget, forgot);
    else
        rest(d, false);
}

static enum status run_list(struct job *job, void *ctx) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    int64_t after_id = d->page.count ? d->page.items[d->page.count - 1].domain_id : 0;
    return track_host_list(ctx, &d->arena, after_id, PAGE, &d->page);
}

static void listed(struct job *job) {
    struct acme_driver *d = LIST_OWNER(job, struct acme_driver, job);
    bool is_well = job->status == STATUS_OK && !d->is_stopping;
    if (job->status != STATUS_OK) LOG(LOG_WARN, "acme.round", LOG_Z("fault", status_text(job->status)));
    for (size_t i = 0; is_well && i < d->page.count; i++) add_host(d, d->page.items[i].name, d->page.items[i].account_id);
    if (!is_well)
        rest(d, false);
    else if (d->page.count == PAGE && d->host_count < HOSTS_MAX)
        submit(d, d->options.readers, run_list, listed);
    else {
        d->is_listed = d->page.count < PAGE && d->host_count < HOSTS_MAX;
        choose(d);
    }
}

static void begin_round(struct acme_driver *d) {
    timer_stop(&d->timer);
    d->phase = LISTING;
    d->is_wanted = false;
    d->is_listed = false;
    d->hosts = NULL;
    d->host_count = d->host_room = 0;
    d->page = (struct track_host_list){0};
    if (atomic_exchange(&d->forgives, false)) forgive(d);
    for (size_t i = 0; i < d->options.own_count; i++) add_host(d, d->options.own[i], 0);
    submit(d, d->options.readers, run_list, listed);
}

static void on_timer(void *arg) {
    begin_round(arg);
}

/* ---- life ---- */
static void on_post(struct post *post) {
    struct acme_driver *d = LIST_OWNER(post, struct acme_driver, post);
    atomic_store(&d->is_posted, false);
    if (d->is_stopping) return;
    if (!d->is_started) {
        timer_init(&d->timer, d->options.loop, on_timer, d);
        timer_init(&d->pause, d->options.loop, on_pause, d);
        d->is_started = true;
    }
    if (d->phase == IDLE)
        begin_round(d);
    else
        d->is_wanted = true;
}

void acme_driver_wake(struct acme_driver *d, bool forgives) {
    if (forgives) atomic_store(&d->forgives, true);
    if (!atomic_exchange(&d->is_posted, true)) loop_post(d->options.loop, &d->post);
}

enum status acme_driver_new(const struct acme_driver_options *options, struct acme_driver **ret, struct buf *ret_why) {
    const struct http_client_options client = {.loop = options->loop,
                                               .resolver = options->resolver,
                                               .ca_file = options->ca_file,
                                               .user_agent = "Posthorn/" POSTHORN_VERSION};
    struct acme_driver *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->options = *options;
    d->post.fn = on_post;
    d->troubles = map_new();
    d->route =
        (struct http_route){.methods = HTTP_BIT(HTTP_GET), .path = CHALLENGES, .is_prefix = true, .head = on_challenge, .arg = d};
    pthread_mutex_init(&d->lock, NULL);
    enum status st = acme_folder(options->directory, &d->folder);
    if (st != STATUS_OK) buf_add_z(ret_why, "[acme] directory: expected an https:// URL");
    if (st == STATUS_OK) st = acme_files_open(d->folder.p, &d->account_key, ret_why);
    if (st == STATUS_OK) {
        read_troubles(d);
        st = http_client_new(&client, &d->client);
        if (st != STATUS_OK) buf_addf(ret_why, "[acme] ca: %s: no certificates in PEM", options->ca_file ? options->ca_file : "");
    }
    if (st == STATUS_OK)
        *ret = d;
    else
        acme_driver_free(&d);
    return st;
}

const char *acme_driver_folder(const struct acme_driver *d) {
    return d->folder.p;
}

void acme_driver_stop(struct acme_driver *d, void (*done)(void *arg), void *arg) {
    d->is_stopping = true;
    d->stopped = done;
    d->stopped_arg = arg;
    if (d->phase == ORDERING) {
        http_client_cancel(&d->call);
        timer_stop(&d->pause);
        drop_order(d);
        rest(d, false);
    } else {
        end_stop(d);
    }
}

void acme_driver_free(struct acme_driver **place) {
    struct acme_driver *d = *place;
    struct str host;
    void *trouble;
    if (!d) return;
    *place = NULL;
    drop_order(d);
    if (d->is_started) {
        timer_fini(&d->timer);
        timer_fini(&d->pause);
    }
    http_client_free(&d->client);
    for (size_t cursor = 0; map_next(d->troubles, &cursor, &host, &trouble);) trouble_free(trouble);
    map_free(&d->troubles);
    eckey_free(&d->account_key);
    struct buf *bufs[] = {&d->folder, &d->account, &d->why, &d->token, &d->served, &d->general.why};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) buf_fini(bufs[i]);
    arena_fini(&d->arena);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
