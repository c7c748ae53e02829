/* gateway.c - what starts before what, and what stops after what.
 *
 *   store -> executors -> loops -> resolver -> inbox (sandbox) -> mta -> API -> HTTP servers -> listeners
 *
 * Everything is built while no loop runs yet, so nothing needs a lock; then the loops' threads start. Closing goes the other way:
 * first nobody comes in, then what runs may end, then executors empty themselves while the loops still take their answers, then
 * the loops end and the objects go. The one thing that happens on a foreign thread is the writer's word that the store is lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/gateway.h"

#include "api/api.h"
#include "app/threads.h"
#include "base/log.h"
#include "core/queue.h"
#include "core/retry.h"
#include "db/db.h"
#include "httpd/http_server.h"
#include "mta/mta.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "smtpd/smtpd.h"
#include "store/store.h"
#include "store/writer.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS_MAX     16
#define CONNECTIONS_MAX   10000
#define PER_ADDRESS_MAX   2000
#define BODY_BYTES_MAX    ((size_t)256 << 20)
#define JOBS_MAX          20000
#define SLOW_JOBS_MAX     200
#define READER_BATCH_JOBS 32
#define STOP_MS           5000 /* what SMTP transactions under way may still take */

enum server_kind { SERVER_PUBLIC, SERVER_TLS, SERVER_CONTROL, SERVER_COUNT };

struct gateway {
    const struct config *config;
    enum gateway_role role;
    struct buf url; /* of the store */
    struct writer_options store;
    struct metrics metrics;
    struct seal_key seal_key, return_path_key;
    struct node_epoch node;
    struct threads threads; /* the loops; the last one is mta's */
    struct executor *writer, *readers, *signers, *slow;
    struct resolver *resolver;
    struct tls_context *client_tls, *server_tls;
    struct arena arena; /* of what lives as long as the gateway */
    struct http_proxies proxies;
    struct http_budget *budget;
    struct smtpd *inbox;
    struct mta *mta;
    struct api *api;
    struct http_server *servers[SERVER_COUNT];
    struct listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct net_address inbox_address, http_address;
    atomic_bool is_lost;
};

static void on_store_lost(void *arg, struct str why) {
    struct gateway *g = arg;
    LOG(LOG_ERROR, "store.lost", LOG_STR("why", why));
    atomic_store(&g->is_lost, true);
    (void)kill(getpid(), SIGTERM); /* the main thread waits for signals, nothing else */
}

static enum status fail(struct buf *why, enum status st, const char *what) {
    buf_addf(why, "%s: %s", what, status_text(st));
    return st;
}

/* ---- store ---- */

static enum status begin_epoch(struct gateway *g, struct buf *why) {
    struct db *db = NULL;
    enum status st = db_open(&(struct db_options){.url = buf_str(&g->url)}, &db);
    if (st == STATUS_OK) st = db_begin(db);
    if (st == STATUS_OK) st = queue_start(db, STR("main"), clock_wall_ms(clock_system()), &g->node);
    if (st == STATUS_OK) st = db_commit(db);
    if (st != STATUS_OK) {
        buf_add_z(why, "cannot begin with the database: ");
        buf_add_str(why, db ? db_error(db) : str_from_z(status_text(st)));
    }
    db_close(&db);
    return st;
}

static enum status open_store(struct gateway *g, const struct home *home, struct buf *why) {
    if (str_is_empty(g->config->data_url))
        buf_add_z(&g->url, "sqlite:" HOME_DATABASE);
    else
        buf_add_str(&g->url, g->config->data_url);
    g->store = (struct writer_options){.url = buf_str(&g->url), .metrics = &g->metrics, .fatal = on_store_lost, .fatal_arg = g};
    g->seal_key = seal_derive(&home->master, STR("seal"));
    g->return_path_key = seal_derive(&home->master, STR("return-path"));
    enum status st = store_open(buf_str(&g->url), why);
    return st == STATUS_OK ? begin_epoch(g, why) : st;
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
          .batch = writer_batch,
          .idle = writer_idle,
          .batch_max_jobs = WRITER_BATCH_JOBS,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->store}},
        {&g->readers,
         {.name = "reader",
          .threads = 2,
          .queue_max = JOBS_MAX,
          .thread_start = reader_start,
          .thread_stop = reader_stop,
          .batch = reader_batch,
          .batch_max_jobs = READER_BATCH_JOBS,
          .batch_max_bytes = WRITER_BATCH_BYTES,
          .arg = &g->store}},
        {&g->slow, {.name = "slow", .threads = 2, .queue_max = SLOW_JOBS_MAX}},
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

static enum status add_listener(struct gateway *g, const struct listener_options *options, struct buf *why) {
    BUF_AUTO address = {0};
    net_address_format(&address, options->address);
    if (g->listener_count == LISTENERS_MAX) {
        buf_addf(why, "more than %d addresses to listen on", LISTENERS_MAX);
        return STATUS_LIMIT;
    }
    enum status st = listener_open(options, &g->listeners[g->listener_count]);
    if (st == STATUS_OK)
        g->listener_count++;
    else if (st == STATUS_EXISTS)
        buf_addf(why, "%.*s is taken by another program; choose another with -o http.listen=ADDRESS:PORT",
                 STR_ARG(buf_str(&address)));
    else
        buf_addf(why, "cannot listen on %.*s: %s", STR_ARG(buf_str(&address)), status_text(st));
    return st;
}

/* The sandbox's last hop: a real SMTP server on a loopback port that the kernel picks. */
static enum status open_inbox(struct gateway *g, struct buf *why) {
    struct loop *loop = mta_loop(g);
    struct net_address any;
    if (net_address_parse(STR("127.0.0.1:0"), &any) != STATUS_OK) return fail(why, STATUS_INVALID, "inbox address");
    g->inbox = smtpd_new_inbox(&(struct smtpd_options){.loop = loop,
                                                       .writer = g->writer,
                                                       .metrics = &g->metrics,
                                                       .return_path_key = &g->return_path_key,
                                                       .hostname = g->config->delivery_hostname});
    enum status st = add_listener(
        g, &(struct listener_options){.address = &any, .loops = &loop, .loop_count = 1, .accept = smtpd_accept, .arg = g->inbox},
        why);
    if (st == STATUS_OK) g->inbox_address = *listener_address(g->listeners[g->listener_count - 1]);
    return st;
}

static bool is_private(const struct route_address *address) {
    struct net_address a = {.family = address->family};
    memcpy(a.ip, address->ip, sizeof a.ip);
    return net_address_is_private(&a);
}

static enum status open_mta(struct gateway *g, struct buf *why) {
    const struct config *c = g->config;
    bool sandbox = c->delivery_mode == MODE_SANDBOX;
    enum status st = sandbox ? open_inbox(g, why) : STATUS_OK;
    if (st == STATUS_OK && (st = tls_context_new_smtp_client(&g->client_tls)) != STATUS_OK)
        return fail(why, st, "cannot set up TLS");
    if (st != STATUS_OK) return st;
    struct mta_options options = {
        .loop = mta_loop(g),
        .writer = g->writer,
        .readers = g->readers,
        .signers = g->signers,
        .resolver = g->resolver,
        .tls = g->client_tls,
        .metrics = &g->metrics,
        .rand = rand_system(),
        .hostname = c->delivery_hostname,
        .return_path_key = &g->return_path_key,
        .route = {.port = (uint16_t)c->delivery_port,
                  .allow_private = c->delivery_allow_private != 0,
                  .smarthost = c->delivery_smarthost},
        .sandbox = sandbox ? &g->inbox_address : NULL,
        .node_id = g->node.node_id,
        .epoch = g->node.epoch,
    };
    if (!str_is_empty(c->delivery_smarthost) &&
        !route_smarthost_parse(c->delivery_smarthost, &options.route.smarthost, &options.route.port))
        return STATUS_INVALID;
    if (!retry_schedule_parse(c->delivery_retry, &options.retry, why)) return STATUS_INVALID;
    g->mta = mta_new(&options);
    mta_start(g->mta);
    return STATUS_OK;
}

static void offer(void *ctx, const struct queue_entry *entries, size_t count) {
    struct gateway *g = ctx;
    if (g->mta) mta_offer(g->mta, entries, count);
}
