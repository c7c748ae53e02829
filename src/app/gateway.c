/* gateway.c - what starts before what, and what stops after what.
 *
 *   store -> executors -> loops -> resolver -> SMTP servers -> mta -> webhooks -> API -> HTTP servers
 *
 * Everything is built while no loop runs yet, so nothing needs a lock; then the loops' threads start. Closing goes the other way:
 * first nobody comes in, then what runs may end, then executors empty themselves while the loops still take their answers, then
 * the loops end and the objects go. The one thing that happens on a foreign thread is the writer's or a reader's word that the
 * store is lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/gateway.h"

#include "api/api.h"
#include "api/work.h"
#include "app/certificates.h"
#include "app/hooks.h"
#include "app/http_in.h"
#include "app/keeper.h"
#include "app/listeners.h"
#include "app/outbound.h"
#include "app/provider_file.h"
#include "app/room.h"
#include "app/smtp.h"
#include "app/threads.h"
#include "app/tracking.h"
#include "app/watch.h"
#include "base/log.h"
#include "core/bounce.h"
#include "core/domains.h"
#include "core/feed.h"
#include "core/queue.h"
#include "core/retry.h"
#include "core/return_path.h"
#include "core/sign.h"
#include "db/db.h"
#include "hook/feed_driver.h"
#include "mta/mta.h"
#include "mta/tls_reporter.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "proto/address/address.h"
#include "store/store.h"
#include "store/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMITS_MAX        65536 /* token buckets */
#define JOBS_MAX          20000
#define SLOW_JOBS_MAX     400 /* of one account half of them */
#define READER_BATCH_JOBS 32
#define SEARCH_NICE       5    /* a quarter of a processor that others want, all of one that is idle */
#define STOP_MS           5000 /* what SMTP transactions under way may still take */

struct gateway {
    const struct config *config;
    enum gateway_role role;
    struct buf url; /* of the store */
    struct writer_options store, search_reads, background_reads;
    struct writer_gate read_gate;
    struct metrics metrics;
    struct seal_key seal_key, return_path_key;
    struct track_keys track_keys;
    struct render_track_setup track;
    struct node_epoch node;
    struct pause_list pauses; /* the operator's, as the start found them */
    struct threads threads;   /* the loops; the last one is mta's */
    struct executor *writer, *readers, *searchers, *background, *signers, *slow;
    struct resolver *resolver;       /* for deliveries, with a cache */
    struct resolver *fresh_resolver; /* for VerifyDomain, which looks up now */
    struct http_client *http;        /* on mta's loop: MTA-STS policies, TLS reports */
    struct tls_context *client_tls;
    struct certificates *certificates;
    struct source_table *sources;
    struct relay_table *relays;
    struct arena arena; /* of what lives as long as the gateway */
    struct limits *limits;
    struct http_budget *budget;
    struct bounce_book *bounces;
    struct smtp *smtp;
    struct mta *mta;
    struct hooks *hooks;      /* none without a server */
    struct feed_driver *feed; /* none without a server and [events] feed */
    struct api *api;
    struct tracker *tracker;
    struct work *work; /* list sends and imports; none without a server */
    struct watch *watch;
    struct keeper *keeper; /* none without a server */
    struct disk_gate gate;
    struct room *room; /* none without a server */
    struct tls_report_options tls_report;
    struct tls_reporter *tls_reporter;
    struct http_in *http_in;
    struct listeners listeners;
    atomic_bool is_lost, is_stopping;
};

static void on_store_lost(void *arg, struct str why) {
    struct gateway *g = arg;
    if (atomic_exchange(&g->is_lost, true)) return;
    LOG(LOG_ERROR, "store.lost", LOG_STR("why", why));
    (void)kill(getpid(), SIGTERM); /* the main thread waits for signals, nothing else */
}

static void on_committed(void *arg, unsigned marks) {
    struct gateway *g = arg;
    hooks_committed(&g->hooks, marks);
    if (g->feed && (marks & FEED_MARK)) feed_driver_wake(g->feed);
}

static enum status fail(struct buf *why, enum status st, const char *what) {
    buf_addf(why, "%s: %s", what, status_text(st));
    return st;
}

/* ---- store ---- */

/* A database is never worked on with a key that does not open it; one made a moment ago for it is taken back. */
static enum status check_master_key(struct gateway *g, struct db *db, const struct home *home, struct buf *why) {
    const struct str file = g->config->keys_master;
    enum status st = domain_keys_check(db, &g->seal_key);
    if (st != STATUS_CORRUPT) return st;
    buf_addf(why, "the master key %.*s is missing or not the one this database was sealed with; restore it from its backup",
             STR_ARG(file));
    if (home->made_master_key) (void)unlink(file.p);
    return st;
}

static enum status begin_feed(struct gateway *g, struct db *db, int64_t now) {
    bool is_on = g->config->events_feed.n > 0, is_new = false;
    int64_t since = 0;
    BUF_AUTO from = {0};
    enum status st = feed_begin(db, is_on, now, &since, &is_new);
    if (st != STATUS_OK || !is_new) return st;
    if (is_on) time_add_iso_ms(&from, since);
    LOG(LOG_INFO, is_on ? "feed.begins" : "feed.ends", LOG_STR("target", g->config->events_feed),
        LOG_STR("events_from", buf_str(&from)));
    return STATUS_OK;
}

static enum status begin_epoch(struct gateway *g, const struct home *home, struct buf *why) {
    struct db *db = NULL;
    enum status st = db_open(&(struct db_options){.url = buf_str(&g->url)}, why, &db);
    if (st == STATUS_OK) st = db_begin(db);
    if (st == STATUS_OK) st = check_master_key(g, db, home, why);
    int64_t now = clock_wall_ms(clock_system());
    bool serves = g->role == GATEWAY_SERVE;
    if (st == STATUS_OK) st = (serves ? queue_start : queue_join)(db, STR("main"), now, &g->node);
    if (st == STATUS_OK) st = pause_find_all(db, &g->arena, now, &g->pauses);
    if (st == STATUS_OK && serves) st = begin_feed(g, db, now);
    if (st == STATUS_OK) st = db_commit(db);
    if (st != STATUS_OK && db && why->n == 0) buf_addf(why, "cannot begin with the database: %.*s", STR_ARG(db_error(db)));
    db_close(&db);
    return st;
}

static bool has_https(void *arg, struct str host) {
    const struct gateway *g = arg;
    return g->certificates && certificates_has(g->certificates, host);
}

static enum status open_store(struct gateway *g, const struct home *home, struct buf *why) {
    if (str_is_empty(g->config->data_url))
        buf_add_z(&g->url, "sqlite:" HOME_DATABASE);
    else
        buf_add_str(&g->url, g->config->data_url);
    g->store = (struct writer_options){.url = buf_str(&g->url),
                                       .metrics = &g->metrics,
                                       .owner = g->role == GATEWAY_SERVE ? &g->node : NULL,
                                       .fatal = on_store_lost,
                                       .fatal_arg = g,
                                       .has_feed = g->config->events_feed.n > 0,
                                       .committed = on_committed,
                                       .committed_arg = g,
                                       .gate = &g->read_gate};
    g->search_reads = g->background_reads = g->store;
    g->search_reads.gate_bytes = WRITER_GATE_SEARCH;
    g->background_reads.gate_bytes = WRITER_GATE_BACKGROUND;
    g->seal_key = seal_derive(&home->master, STR("seal"));
    g->return_path_key = seal_derive(&home->master, RETURN_PATH_PURPOSE);
    g->track_keys = tracking_keys(g->config, &home->master);
    g->track = (struct render_track_setup){.keys = &g->track_keys,
                                           .has_https = http_in_has_tls(g->config, &g->listeners) ? has_https : NULL,
                                           .arg = g,
                                           .base_url = g->config->track_base_url,
                                           .life_ms = g->config->track_life,
                                           .in_text = g->config->track_text != 0};
    enum status st = store_open(buf_str(&g->url), why);
    return st == STATUS_OK ? begin_epoch(g, home, why) : st;
}

/* ---- executors ---- */

static enum status signer_start(void *arg, void **ret_ctx) {
    struct gateway *g = arg;
    *ret_ctx = signer_new(&g->seal_key);
    return STATUS_OK;
}

static void signer_stop(void *ctx) {
    struct signer *signer = ctx;
    signer_free(&signer);
}

static enum status open_executors(struct gateway *g, unsigned cores, struct buf *why) {
    const struct {
        struct executor **place;
        struct executor_options options;
    } table[] = {
        {&g->writer,
         {.name = "writer",
          .threads = 1,
          .queue_max = JOBS_MAX,
          .thread_start = writer_start,
          .thread_stop = writer_stop,
          .is_fair = true,
          .batch = writer_batch,
          .idle = writer_idle,
          .batch_max_jobs = WRITER_BATCH_JOBS,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->store}},
        {&g->readers,
         {.name = "reader",
          .threads = 2,
          .queue_max = JOBS_MAX,
          .is_fair = true,
          .thread_start = reader_start,
          .thread_stop = reader_stop,
          .batch = reader_batch,
          .batch_max_jobs = READER_BATCH_JOBS,
          .batch_max_of_lane = READER_BATCH_JOBS / 4,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->store}},
        {&g->searchers,
         {.name = "search",
          .threads = 2,
          .queue_max = SLOW_JOBS_MAX,
          .niceness = SEARCH_NICE,
          .is_fair = true,
          .thread_start = reader_start,
          .thread_stop = reader_stop,
          .batch = reader_batch,
          .batch_max_jobs = 1,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->search_reads}},
        {&g->background,
         {.name = "background",
          .threads = 1,
          .queue_max = JOBS_MAX, /* what has begun is not refused half-way */
          .niceness = EXECUTOR_IDLE,
          .is_fair = true,
          .thread_start = reader_start,
          .thread_stop = reader_stop,
          .batch = reader_batch,
          .batch_max_jobs = 1,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->background_reads}},
        {&g->slow, {.name = "slow", .threads = 2, .queue_max = SLOW_JOBS_MAX, .is_fair = true}},
        {&g->signers,
         {.name = "signer",
          .threads = g->role == GATEWAY_SERVE ? cores : 1,
          .queue_max = JOBS_MAX,
          .thread_start = signer_start,
          .thread_stop = signer_stop,
          .arg = g}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum status st = executor_new(&table[i].options, table[i].place);
        if (st != STATUS_OK) return fail(why, st, "cannot start the worker threads");
    }
    return STATUS_OK;
}

/* ---- deliveries ---- */

static struct loop *mta_loop(struct gateway *g) {
    return g->threads.loops[g->threads.count - 1];
}

static bool is_private(const struct route_address *address) {
    struct net_address a = {.family = address->family};
    memcpy(a.ip, address->ip, sizeof a.ip);
    return net_address_is_private(&a);
}

/* What deliveries need to speak TLS: whom they trust, and how they learn policies. */
static enum status open_client_tls(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    const char *ca_file = str_is_empty(c->delivery_tls_ca) ? NULL : c->delivery_tls_ca.p;
    enum status st = tls_context_new_smtp_client(&g->client_tls);
    if (st != STATUS_OK) return fail(why, st, "cannot set up TLS");
    if (ca_file) st = tls_context_trust(g->client_tls, ca_file);
    if (st == STATUS_OK && c->delivery_mode == MODE_LIVE)
        st = http_client_new(
            &(struct http_client_options){
                .loop = mta_loop(g), .resolver = g->resolver, .ca_file = ca_file, .user_agent = "Posthorn/" POSTHORN_VERSION},
            &g->http);
    if (st != STATUS_OK) buf_addf(why, "[delivery] tls_ca: %s: no certificates in PEM", ca_file ? ca_file : "");
    return st;
}

static enum status open_mta(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    enum status st = open_client_tls(g, why);
    if (st != STATUS_OK) return st;
    struct mta_options options = {
        .loop = mta_loop(g),
        .writer = g->writer,
        .readers = g->readers,
        .signers = g->signers,
        .resolver = g->resolver,
        .tls = g->client_tls,
        .http = c->delivery_mta_sts ? g->http : NULL,
        .sts_port = c->delivery_mta_sts_port == 443 ? 0 : (uint16_t)c->delivery_mta_sts_port,
        .metrics = &g->metrics,
        .rand = rand_system(),
        .hostname = c->delivery_hostname,
        .return_path_key = &g->return_path_key,
        .track = &g->track,
        .bounces = g->bounces,
        .tells_delays = c->delivery_delay_notice != 0,
        .pauses = &g->pauses,
        .transcripts = (enum mta_transcripts)c->delivery_transcripts,
        .route = {.port = (uint16_t)c->delivery_port, .is_private = c->delivery_allow_private ? NULL : is_private},
        .sandbox = smtp_inbox(g->smtp),
        .sources = g->sources,
        .relays = g->relays,
        .node_id = g->node.node_id,
        .epoch = g->node.epoch,
    };
    if (!retry_schedule_parse(c->delivery_retry, &options.retry, why)) return STATUS_INVALID;
    st = provider_file_read(c, &options.providers, why);
    if (st != STATUS_OK) return st;
    g->mta = mta_new(&options);
    providers_unref(&options.providers);
    mta_start(g->mta);
    return STATUS_OK;
}

static void offer(void *ctx, const struct queue_entry *entries, size_t count) {
    struct gateway *g = ctx;
    if (g->mta) mta_offer(g->mta, entries, count);
}

static void *hold(void *ctx, const struct queue_hold *what, struct queue_held *held) {
    struct gateway *g = ctx;
    if (g->mta) return mta_hold(g->mta, what, held);
    held->done(held);
    return NULL;
}

static void release(void *ctx, void *held) {
    if (((struct gateway *)ctx)->mta && held) mta_release(held);
}

static void ask_live(void *ctx, struct live_question *question) {
    struct gateway *g = ctx;
    if (g->mta)
        mta_ask(g->mta, question);
    else
        question->done(question);
}

/* ---- reports about TLS ---- */
static void set_tls_report(struct gateway *g) {
    const struct config *c = g->config;
    struct address from = {0};
    if (c->tls_report_from.n && !address_parse(c->tls_report_from, &g->arena, &from)) abort(); /* config has looked at it */
    g->tls_report = (struct tls_report_options){.from = from.text,
                                                .organization = c->tls_report_organization,
                                                .contact = c->tls_report_contact,
                                                .owner = g->node,
                                                .rand = rand_system()};
}

static void open_tls_reporter(struct gateway *g) {
    if (g->config->delivery_mode != MODE_LIVE) return;
    g->tls_reporter = tls_reporter_new(&(struct tls_reporter_options){.loop = mta_loop(g),
                                                                      .writer = g->writer,
                                                                      .readers = g->readers,
                                                                      .resolver = g->resolver,
                                                                      .http = g->http,
                                                                      .report = g->tls_report,
                                                                      .allow_private = g->config->delivery_allow_private != 0,
                                                                      .queue_offer = offer,
                                                                      .arg = g});
}

/* ---- webhooks ---- */
static enum status open_hooks(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    return hooks_open(&(struct hooks_options){.config = c,
                                              .loop = mta_loop(g),
                                              .writer = g->writer,
                                              .readers = g->readers,
                                              .resolver = g->resolver,
                                              .metrics = &g->metrics,
                                              .rules = {.seal = g->seal_key,
                                                        .rand = rand_system(),
                                                        .owner = g->node,
                                                        .notices = {c->mail_from, c->http_base_url, g->node, rand_system()},
                                                        .urls = hooks_urls(c)},
                                              .queue_offer = offer,
                                              .arg = g},
                      &g->hooks, why);
}

static void test_webhook(void *ctx, struct hook_trial *trial) {
    hook_tester_ask(hooks_tester(((struct gateway *)ctx)->hooks), trial);
}

/* ---- alerts ---- */
static void wake_work(void *ctx) {
    work_wake(((struct gateway *)ctx)->work);
}

static void wake_watch(void *ctx) {
    watch_wake(((struct gateway *)ctx)->watch);
}

static enum status open_watch(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    const struct watch_options options = {
        .config = c,
        .certificates = g->certificates,
        .loop = g->threads.loops[0],
        .writer = g->writer,
        .readers = g->readers,
        .searchers = g->searchers,
        .slow = g->slow,
        .resolver = g->resolver,
        .metrics = &g->metrics,
        .gate = &g->gate,
        .notices = {.from = c->mail_from, .base_url = c->http_base_url, .owner = g->node, .rand = rand_system()},
        .queue_offer = offer,
        .work_wake = wake_work,
        .live_ask = ask_live,
        .arg = g,
    };
    return watch_new(&options, &g->watch, why);
}

/* The folder that holds SQLite's file. */
static const char *database_folder(struct gateway *g) {
    const struct str url = buf_str(&g->url);
    if (g->config->store_disk.n) return arena_z(&g->arena, g->config->store_disk);
    if (!str_starts(url, STR("sqlite:"))) return NULL;
    struct str path = str_sub(url, STR("sqlite:").n, SIZE_MAX);
    size_t end = str_find_last(path, '/');
    return end == STR_NONE ? "." : arena_z(&g->arena, str_sub(path, 0, end + 1));
}

static void open_room(struct gateway *g) {
    disk_gate_init(&g->gate, g->config->store_disk_free << 20);
    g->room = room_new(&(struct room_options){.loop = g->threads.loops[0],
                                              .readers = g->readers,
                                              .metrics = &g->metrics,
                                              .gate = &g->gate,
                                              .folder = database_folder(g),
                                              .changed = wake_watch,
                                              .arg = g});
    room_start(g->room);
}

/* Without a word of their own accounts may say less, not more. */
static struct keeping_rules keeping_of(const struct config *c) {
    return (struct keeping_rules){.otherwise = {c->keep_body_days, c->keep_event_days},
                                  .most = {c->keep_body_days_max ? c->keep_body_days_max : c->keep_body_days,
                                           c->keep_event_days_max ? c->keep_event_days_max : c->keep_event_days}};
}

static void open_keeper(struct gateway *g) {
    g->keeper =
        keeper_new(&(struct keeper_options){.loop = g->threads.loops[0], .writer = g->writer, .rules = keeping_of(g->config)});
    keeper_start(g->keeper);
}

static enum status open_feed(struct gateway *g, struct buf *why) {
    if (g->config->events_feed.n == 0) return STATUS_OK;
    const struct feed_driver_options options = {.loop = g->threads.loops[0],
                                                .writer = g->writer,
                                                .readers = g->readers,
                                                .metrics = &g->metrics,
                                                .target = g->config->events_feed};
    enum status st = feed_driver_new(&options, &g->feed);
    if (st != STATUS_OK) return fail(why, st, "[events] feed");
    feed_driver_start(g->feed);
    return STATUS_OK;
}

/* ---- certificates ---- */
static enum status open_certificates(struct gateway *g, struct buf *why) {
    return certificates_open(&(struct certificates_options){.config = g->config,
                                                            .loop = g->threads.loops[0],
                                                            .slow = g->slow,
                                                            .readers = g->readers,
                                                            .resolver = g->resolver,
                                                            .metrics = &g->metrics},
                             &g->certificates, why);
}

/* ---- SMTP in ---- */
static enum status open_smtp(struct gateway *g, struct buf *why) {
    return smtp_open(&(struct smtp_options){.config = g->config,
                                            .threads = &g->threads,
                                            .listeners = &g->listeners,
                                            .certificates = g->certificates,
                                            .shared = {.writer = g->writer,
                                                       .readers = g->readers,
                                                       .slow = g->slow,
                                                       .metrics = &g->metrics,
                                                       .gate = &g->gate,
                                                       .limits = g->limits,
                                                       .rand = rand_system(),
                                                       .return_path_key = &g->return_path_key,
                                                       .bounces = g->bounces,
                                                       .owner = g->node,
                                                       .queue_offer = offer,
                                                       .arg = g}},
                     &g->smtp, why);
}

/* ---- API and HTTP ---- */

static bool is_ready(void *arg) {
    struct gateway *g = arg;
    return !atomic_load(&g->is_lost) && !atomic_load(&g->is_stopping);
}

static enum status open_tracker(struct gateway *g, struct buf *why) {
    g->tracker = tracker_new(&(struct tracker_options){.writer = g->writer,
                                                       .readers = g->readers,
                                                       .keys = g->track_keys,
                                                       .place = {.hostname = g->config->delivery_hostname,
                                                                 .link_host = tracking_host(g->config),
                                                                 .other_hosts = g->config->track_hosts},
                                                       .patience_ms = g->config->track_patience,
                                                       .limits = g->limits,
                                                       .metrics = &g->metrics});
    return tracking_load(g->config, g->tracker, why);
}

static enum status open_api(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    g->budget = http_in_budget_new();
    struct str ports = smtp_ports(g->smtp, c, &g->arena);
    struct api_options options = {
        .writer = g->writer,
        .readers = g->readers,
        .searchers = g->searchers,
        .background = g->background,
        .slow = g->slow,
        .resolver = g->fresh_resolver,
        .seal = g->seal_key,
        .clock = clock_system(),
        .rand = rand_system(),
        .metrics = &g->metrics,
        .limits = g->limits,
        .gate = g->role == GATEWAY_SERVE ? &g->gate : NULL,
        .budget = g->budget,
        .key_per_minute = c->limits_key_per_minute,
        .account_per_minute = c->limits_account_per_minute,
        .address_per_minute = c->limits_address_per_minute,
        .owner = g->node,
        .smtp_host = c->smtp_public_host,
        .smtp_ports = ports,
        .smtp_tls_port = smtp_tls_port(g->smtp, c, ports),
        .webhooks = hooks_urls(c),
        .hostname = c->delivery_hostname,
        .mail_from = c->mail_from,
        .base_url = c->http_base_url,
        .v1_always_200 = c->api_v1_errors == ERRORS_ALWAYS_200,
        .is_sandbox = c->delivery_mode == MODE_SANDBOX,
        .sources = g->sources,
        .queue_offer = offer,
        .queue_hold = hold,
        .queue_release = release,
        .live_ask = g->role == GATEWAY_SERVE ? ask_live : NULL,
        .domain_check_ms = c->domains_check_every,
        .webhook_test = g->role == GATEWAY_SERVE ? test_webhook : NULL,
        .alerts_wake = wake_watch,
        .alerts_mail = c->alerts_mail,
        .keep = keeping_of(c),
        .alerts_webhook = c->alerts_webhook,
        .tls_report = &g->tls_report,
        .is_ready = is_ready,
        .arg = g,
    };
    if (g->role == GATEWAY_SERVE) {
        g->work = work_new(&options, g->threads.loops[0]);
        options.work = g->work;
        work_start(g->work);
    }
    g->api = api_new(&options);
    return g->role == GATEWAY_SERVE ? open_tracker(g, why) : STATUS_OK;
}

static enum status open_http(struct gateway *g, struct buf *why) {
    return http_in_open(&(struct http_in_options){.config = g->config,
                                                  .threads = &g->threads,
                                                  .listeners = &g->listeners,
                                                  .certificates = g->certificates,
                                                  .api = g->api,
                                                  .tracker = g->tracker,
                                                  .budget = g->budget,
                                                  .metrics = &g->metrics},
                        &g->http_in, why);
}

/* ---- the whole ---- */

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The resolver would say only that it cannot be made. */
static enum status check_trust_anchor(const struct config *c, struct buf *why) {
    if (str_is_empty(c->dns_trust_anchor) || access(c->dns_trust_anchor.p, R_OK) == 0) return STATUS_OK;
    buf_addf(why, "[dns] trust_anchor: %.*s: %s", STR_ARG(c->dns_trust_anchor), strerror(errno));
    return STATUS_INVALID;
}

static enum status open_bounces(struct gateway *g, struct buf *why) {
    BUF_AUTO wrong = {0};
    enum status st = bounce_book_new(g->config->delivery_bounce_rules, &g->bounces, &wrong);
    if (st != STATUS_OK) buf_addf(why, "[delivery] bounce_rules: %.*s", STR_ARG(buf_str(&wrong)));
    return st;
}

static enum status open_all(struct gateway *g, const struct home *home, struct buf *why) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned cores = online < 1 ? 1 : online > 32 ? 32 : (unsigned)online;
    bool serves = g->role == GATEWAY_SERVE;
    enum status st = serves ? listeners_inherit(&g->listeners, why) : STATUS_OK;
    if (st == STATUS_OK) st = open_store(g, home, why);
    if (st == STATUS_OK && (st = threads_open(&g->threads, serves ? cores + 1 : 2)) != STATUS_OK)
        return fail(why, st, "cannot make the event loops");
    if (st == STATUS_OK) st = open_executors(g, cores, why);
    if (st == STATUS_OK) st = check_trust_anchor(g->config, why);
    if (st != STATUS_OK) return st;
    struct resolver_options dns = {.servers = g->config->dns_servers, .trust_anchor = g->config->dns_trust_anchor};
    st = resolver_new(mta_loop(g), &dns, &g->resolver);
    dns.is_fresh = true;
    if (st == STATUS_OK) st = resolver_new(mta_loop(g), &dns, &g->fresh_resolver);
    if (st != STATUS_OK) return fail(why, st, "cannot set up the resolver");
    g->limits = limits_new(LIMITS_MAX);
    if (serves) open_room(g);
    if (serves) st = open_bounces(g, why);
    if (st == STATUS_OK) st = outbound_sources(g->config, &g->sources, why);
    if (st == STATUS_OK) st = outbound_relays(g->config, &g->relays, why);
    if (st == STATUS_OK && serves) st = open_certificates(g, why);
    if (st == STATUS_OK && serves) st = open_smtp(g, why);
    if (st == STATUS_OK && serves) st = open_mta(g, why);
    if (st == STATUS_OK && serves) st = open_hooks(g, why);
    set_tls_report(g);
    if (st == STATUS_OK && serves) open_tls_reporter(g);
    if (st == STATUS_OK) st = open_api(g, why);
    if (st == STATUS_OK) st = open_http(g, why);
    if (st == STATUS_OK && serves) st = open_watch(g, why);
    if (st == STATUS_OK && serves) open_keeper(g);
    if (st == STATUS_OK && serves) st = open_feed(g, why);
    if (st == STATUS_OK && serves) st = http_in_listen(g->http_in, why);
    if (st == STATUS_OK && serves) st = listeners_check(&g->listeners, why);
    if (st == STATUS_OK && serves) hooks_avoid(g->hooks, &g->listeners);
    if (st == STATUS_OK && (st = threads_start(&g->threads)) != STATUS_OK)
        return fail(why, st, "cannot start the loops' threads");
    if (st == STATUS_OK && serves) watch_start(g->watch);
    if (st == STATUS_OK && serves) certificates_start(g->certificates);
    return st;
}

enum status gateway_open(const struct config *c, const struct home *home, enum gateway_role role, struct gateway **ret,
                         struct buf *ret_why) {
    raise_descriptor_limit();
    struct gateway *g = calloc(1, sizeof *g);
    if (!g) abort();
    g->config = c;
    g->role = role;
    enum status st = open_all(g, home, ret_why);
    if (st != STATUS_OK) {
        gateway_close(&g);
        return st;
    }
    if (role == GATEWAY_SERVE) {
        BUF_AUTO address = {0};
        gateway_format_address(&address, g);
        LOG(LOG_INFO, "app.started", LOG_STR("http", buf_str(&address)),
            LOG_Z("mode", c->delivery_mode == MODE_SANDBOX ? "sandbox" : "live"), LOG_STR("hostname", c->delivery_hostname),
            LOG_Z("version", POSTHORN_VERSION));
    }
    *ret = g;
    return STATUS_OK;
}

enum status gateway_dial(struct gateway *g, int *ret_fd) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return STATUS_IO;
    http_in_control(g->http_in, pair[1]);
    *ret_fd = pair[0];
    return STATUS_OK;
}

void gateway_format_address(struct buf *out, const struct gateway *g) {
    net_address_format(out, http_in_address(g->http_in));
}

void gateway_format_smtp(struct buf *out, const struct gateway *g, bool is_tls_first) {
    const struct net_address *address = smtp_submission(g->smtp, is_tls_first);
    if (address) net_address_format(out, address);
}

enum status gateway_reload_providers(struct gateway *g, struct buf *ret_why) {
    struct providers *fresh = NULL;
    enum status st = provider_file_read(g->config, &fresh, ret_why);
    if (st == STATUS_OK) mta_set_providers(g->mta, fresh);
    return st;
}

enum status gateway_reload_bounce_rules(struct gateway *g, struct buf *ret_why) {
    return bounce_book_reload(g->bounces, ret_why);
}

enum status gateway_reload_tracking(struct gateway *g, struct buf *ret_why) {
    return tracking_load(g->config, g->tracker, ret_why);
}

enum status gateway_reload(struct gateway *g, struct buf *ret_why) {
    enum status st = certificates_reload(g->certificates, ret_why);
    if (st == STATUS_OK) st = smtp_reload(g->smtp, ret_why);
    return st == STATUS_OK ? http_in_reload(g->http_in, ret_why) : st;
}

bool gateway_is_lost(const struct gateway *g) {
    return atomic_load(&g->is_lost);
}

/* ---- the end ---- */

static void close_listeners(void *arg, struct waiter *waiter) {
    struct gateway *g = arg;
    listeners_close(&g->listeners);
    threads_done(waiter);
}

static void stop_mta(void *arg, struct waiter *waiter) {
    mta_stop(((struct gateway *)arg)->mta, STOP_MS, threads_done, waiter);
}

/* Whoever waits for a test call is answered, so that his connection can end. */
static void stop_webhook_tests(void *arg, struct waiter *waiter) {
    hook_tester_stop(hooks_tester(((struct gateway *)arg)->hooks));
    threads_done(waiter);
}

static void stop_hooks(void *arg, struct waiter *waiter) {
    hooks_stop(((struct gateway *)arg)->hooks, threads_done, waiter);
}

static void stop_tls_reporter(void *arg, struct waiter *waiter) {
    tls_reporter_stop(((struct gateway *)arg)->tls_reporter, threads_done, waiter);
}

static void stop_work(void *arg, struct waiter *waiter) {
    work_stop(((struct gateway *)arg)->work, threads_done, waiter);
}

static void stop_certificates(void *arg, struct waiter *waiter) {
    certificates_stop(((struct gateway *)arg)->certificates, threads_done, waiter);
}

static void stop_watch(void *arg, struct waiter *waiter) {
    watch_stop(((struct gateway *)arg)->watch, threads_done, waiter);
}

static void stop_room(void *arg, struct waiter *waiter) {
    room_stop(((struct gateway *)arg)->room, threads_done, waiter);
}

static void stop_feed(void *arg, struct waiter *waiter) {
    feed_driver_stop(((struct gateway *)arg)->feed, threads_done, waiter);
}

static void stop_keeper(void *arg, struct waiter *waiter) {
    keeper_stop(((struct gateway *)arg)->keeper, threads_done, waiter);
}

/* Nobody comes in any more, and what is under way ends, while everything still runs. */
static void stop_running(struct gateway *g) {
    struct loop *first = g->threads.loops[0], *mta = mta_loop(g);
    threads_call(&g->threads, first, close_listeners, g);
    if (g->hooks) threads_call(&g->threads, mta, stop_webhook_tests, g);
    if (g->http_in) http_in_stop(g->http_in);
    if (g->watch) threads_call(&g->threads, first, stop_watch, g);
    if (g->keeper) threads_call(&g->threads, first, stop_keeper, g);
    if (g->room) threads_call(&g->threads, first, stop_room, g);
    if (g->certificates) threads_call(&g->threads, first, stop_certificates, g);
    if (g->work) threads_call(&g->threads, first, stop_work, g);
    if (g->smtp) smtp_stop(g->smtp, STOP_MS);
    if (g->tls_reporter) threads_call(&g->threads, mta, stop_tls_reporter, g);
    if (g->mta) threads_call(&g->threads, mta, stop_mta, g);
    if (g->hooks) threads_call(&g->threads, mta, stop_hooks, g);
    if (g->smtp) smtp_stop_inbox(g->smtp, STOP_MS);
    if (g->feed) threads_call(&g->threads, first, stop_feed, g);
}

void gateway_close(struct gateway **g_place) {
    struct gateway *g = *g_place;
    if (!g) return;
    *g_place = NULL;
    atomic_store(&g->is_stopping, true);
    if (g->threads.running)
        stop_running(g);
    else if (g->work)
        work_stop(g->work, NULL, NULL); /* its post is still in a mailbox */
    executor_free(&g->signers);
    executor_free(&g->slow);
    executor_free(&g->background);
    executor_free(&g->searchers);
    executor_free(&g->readers);
    executor_free(&g->writer);
    threads_stop(&g->threads);
    listeners_close(&g->listeners);
    mta_free(&g->mta); /* with its holds: the calls that are given up now find none to release */
    http_in_free(&g->http_in);
    smtp_free(&g->smtp);
    bounce_book_free(&g->bounces);
    api_free(&g->api);
    watch_free(&g->watch);
    keeper_free(&g->keeper);
    feed_driver_close(g->feed);
    room_free(&g->room);
    certificates_free(&g->certificates);
    tls_reporter_free(&g->tls_reporter);
    hooks_close(g->hooks);
    http_client_free(&g->http);
    resolver_free(&g->resolver);
    resolver_free(&g->fresh_resolver);
    threads_free(&g->threads);
    work_free(&g->work);       /* the loops' mailboxes may have held its post */
    tracker_free(&g->tracker); /* ... and its visits */
    hooks_free(&g->hooks);     /* ... and theirs */
    feed_driver_free(&g->feed);
    http_budget_free(&g->budget);
    limits_free(&g->limits);
    tls_context_unref(&g->client_tls);
    relay_table_free(&g->relays);
    source_table_free(&g->sources);
    arena_fini(&g->arena);
    buf_fini(&g->url);
    explicit_bzero(&g->seal_key, sizeof g->seal_key);
    explicit_bzero(&g->return_path_key, sizeof g->return_path_key);
    explicit_bzero(&g->track_keys, sizeof g->track_keys);
    free(g);
}
