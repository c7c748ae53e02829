/* certificates.c - see certificates.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/certificates.h"

#include "app/home.h"
#include "base/log.h"
#include "proto/url/web_url.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS    60000
#define FOLDERS    2 /* the operator's and the authority's; the first goes before */
#define OWN_MAX    16
#define TRIES_TOLD 3 /* failures in a row that are an alert */
#define LIFE_PARTS 4 /* an alert waits until less than such a part of a certificate's life is left: some live for days only */

struct certificates {
    struct certificates_options options;
    struct tls_book *book;
    const char *folders[FOLDERS];
    struct acme_driver *acme; /* NULL: no authority */
    struct str own[OWN_MAX];
    size_t own_count;
    struct arena arena; /* of their names */
    pthread_mutex_t lock;
    struct tls_context *pair; /* the last that was made, for what its certificate covers; under lock */
    struct timer timer;
    struct job job;
    struct post post;
    bool is_started, is_busy, is_stopping, has_acme_to_stop;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- our pair, for strangers ---- */
static const char *pair_file(const struct certificates *c, bool is_key) {
    const struct config *o = c->options.config;
    if (str_is_empty(o->tls_cert)) return is_key ? HOME_CERTIFICATE_KEY : HOME_CERTIFICATE;
    return is_key ? o->tls_key.p : o->tls_cert.p;
}

/* Whole or not at all: a start that was killed here is made up for by the next one. */
static enum status make_pair(const struct certificates *c, struct buf *why) {
    const struct config *o = c->options.config;
    if (!str_is_empty(o->tls_cert)) return STATUS_OK;
    if (access(HOME_CERTIFICATE, F_OK) == 0 && access(HOME_CERTIFICATE_KEY, F_OK) == 0) return STATUS_OK;
    enum status st = tls_self_signed(o->delivery_hostname.p, HOME_CERTIFICATE ".new", HOME_CERTIFICATE_KEY ".new");
    if (st == STATUS_OK && (rename(HOME_CERTIFICATE_KEY ".new", HOME_CERTIFICATE_KEY) != 0 ||
                            rename(HOME_CERTIFICATE ".new", HOME_CERTIFICATE) != 0))
        st = STATUS_IO;
    if (st == STATUS_OK)
        LOG(LOG_INFO, "tls.self_signed", LOG_Z("certificate", HOME_CERTIFICATE), LOG_STR("host", o->delivery_hostname));
    else
        buf_addf(why, "cannot make a certificate in the data folder: %s", status_text(st));
    return st;
}

enum status certificates_context(struct certificates *c, struct tls_context **ret, struct buf *ret_why) {
    const struct config *o = c->options.config;
    struct tls_context *tls = NULL;
    enum status st = make_pair(c, ret_why);
    if (st == STATUS_OK) st = tls_context_new_server(pair_file(c, false), pair_file(c, true), &tls, ret_why);
    if (st != STATUS_OK) return st;
    tls_context_set_book(tls, c->book, str_is_empty(o->tls_cert) ? o->delivery_hostname.p : NULL);
    tls_context_ref(tls);
    pthread_mutex_lock(&c->lock);
    tls_context_unref(&c->pair);
    c->pair = tls;
    pthread_mutex_unlock(&c->lock);
    *ret = tls;
    return STATUS_OK;
}

bool certificates_has(struct certificates *c, struct str host) {
    if (tls_book_find(c->book, host, NULL, NULL)) return true;
    if (str_is_empty(c->options.config->tls_cert)) return false; /* nobody believes our own */
    pthread_mutex_lock(&c->lock);
    bool covers = c->pair && tls_context_covers(c->pair, host);
    pthread_mutex_unlock(&c->lock);
    return covers;
}

/* ---- the folders ---- */
static enum status load(struct certificates *c, struct buf *why) {
    bool has_changed = false;
    enum status st = tls_book_load(c->book, c->folders, FOLDERS, &has_changed, why);
    if (!has_changed) return st;
    ARENA_AUTO arena = {0};
    struct tls_book_list files;
    size_t wrong = 0;
    tls_book_list(c->book, &arena, &files);
    for (size_t i = 0; i < files.count; i++) {
        if (files.items[i].why.n == 0) continue;
        wrong++;
        LOG(LOG_WARN, "tls.file", LOG_STR("file", files.items[i].path), LOG_STR("why", files.items[i].why));
    }
    LOG(LOG_INFO, "tls.loaded", LOG_INT("files", (int64_t)files.count), LOG_INT("wrong", (int64_t)wrong));
    return st;
}

/* Where nobody waits for the outcome. */
static void load_and_tell(void *arg) {
    BUF_AUTO why = {0};
    if (load(arg, &why) != STATUS_OK) LOG(LOG_WARN, "tls.folder", LOG_STR("why", buf_str(&why)));
}

static enum status run_load(struct job *job, void *ctx) {
    (void)ctx;
    load_and_tell(LIST_OWNER(job, struct certificates, job));
    return STATUS_OK;
}

static void end_stop(struct certificates *c) {
    if (!c->is_stopping || c->is_busy || c->has_acme_to_stop) return;
    if (c->is_started) timer_fini(&c->timer);
    c->is_started = false;
    if (c->stopped) c->stopped(c->stopped_arg);
    c->stopped = NULL;
}

static void loaded(struct job *job) {
    struct certificates *c = LIST_OWNER(job, struct certificates, job);
    c->is_busy = false;
    if (c->is_stopping)
        end_stop(c);
    else
        timer_start(&c->timer, LOOK_MS);
}

static void on_timer(void *arg) {
    struct certificates *c = arg;
    c->is_busy = true;
    c->job = (struct job){.run = run_load, .done = loaded, .loop = c->options.loop};
    if (executor_submit(c->options.slow, &c->job) != STATUS_OK) loaded(&c->job);
}

enum status certificates_reload(struct certificates *c, struct buf *ret_why) {
    enum status st = load(c, ret_why);
    if (c->acme) acme_driver_wake(c->acme, true);
    return st;
}

/* ---- the authority ---- */
static void add_own(struct certificates *c, struct str host) {
    struct str name = arena_lower(&c->arena, host);
    ARENA_AUTO arena = {0};
    struct web_url url;
    struct str as_url = arena_strf(&arena, "https://%.*s/", STR_ARG(name));
    bool is_name = str_find(name, '.') != STR_NONE && web_url_parse(as_url, &arena, &url) && url.ip.family == 0;
    for (size_t i = 0; i < c->own_count; i++)
        if (str_eq(c->own[i], name)) return;
    if (is_name && c->own_count < OWN_MAX) c->own[c->own_count++] = name;
}

static void add_own_url(struct certificates *c, struct str text) {
    struct web_url url;
    if (web_url_parse(text, &c->arena, &url) && url.is_https) add_own(c, url.host);
}

/* Hosts that the operator's own pair is for need no other. */
static void find_own(struct certificates *c) {
    const struct config *o = c->options.config;
    struct str rest = o->track_hosts, host;
    size_t kept = 0;
    add_own(c, o->delivery_hostname);
    add_own(c, o->smtp_public_host);
    add_own_url(c, o->http_base_url);
    add_own_url(c, o->track_base_url);
    while (str_next(&rest, ',', &host)) add_own(c, str_trim(host));
    for (size_t i = 0; i < c->own_count; i++)
        if (str_is_empty(o->tls_cert) || !tls_certificate_covers(o->tls_cert.p, c->own[i])) c->own[kept++] = c->own[i];
    c->own_count = kept;
}

static enum status open_acme(struct certificates *c, struct buf *why) {
    const struct config *o = c->options.config;
    if (str_is_empty(o->acme_directory)) return STATUS_OK;
    find_own(c);
    enum status st = acme_driver_new(
        &(struct acme_driver_options){
            .loop = c->options.loop,
            .slow = c->options.slow,
            .readers = c->options.readers,
            .resolver = c->options.resolver,
            .metrics = c->options.metrics,
            .book = c->book,
            .directory = o->acme_directory,
            .contact = o->acme_contact,
            .ca_file = str_is_empty(o->acme_ca) ? NULL : o->acme_ca.p,
            .own = c->own,
            .own_count = c->own_count,
            .load = load_and_tell,
            .arg = c,
        },
        &c->acme, why);
    if (st == STATUS_OK) c->folders[1] = acme_driver_folder(c->acme);
    return st;
}

const struct http_route *certificates_routes(struct certificates *c, size_t *ret_count) {
    *ret_count = 0;
    return c->acme ? acme_driver_routes(c->acme, ret_count) : NULL;
}

/* ---- what an operator has to know ---- */
static void watch_date(struct str file, int64_t left_ms, struct arena *a, struct alert_view *view) {
    if (left_ms < 0)
        alert_see(view, a, ALERT_CERTIFICATE, file, "The certificate in %.*s has expired.", STR_ARG(file));
    else
        alert_see(view, a, ALERT_CERTIFICATE, file, "The certificate in %.*s expires in %lld days; SIGHUP takes over a new one.",
                  STR_ARG(file), (long long)(left_ms / CLOCK_DAY_MS));
}

/* Of nobody's concern while it was never needed. */
static void watch_pair(struct certificates *c, int64_t now, struct arena *a, struct alert_view *view) {
    const struct config *o = c->options.config;
    const char *path = pair_file(c, false);
    struct tls_certificate about;
    if (str_is_empty(o->tls_cert) && access(path, F_OK) != 0) return;
    if (tls_certificate_read(path, &about) != STATUS_OK)
        alert_see(view, a, ALERT_CERTIFICATE, str_from_z(path), "There is no certificate to read in %s.", path);
    else if (about.expires_at - now < o->alerts_certificate)
        watch_date(str_from_z(path), about.expires_at - now, a, view);
}

/* The authority's files are renewed by ourselves, or nobody wants them any more. */
static void watch_file(struct certificates *c, const struct tls_book_file *f, int64_t now, struct arena *a,
                       struct alert_view *view) {
    int64_t left_ms = f->expires_at - now, part = (f->expires_at - f->begins_at) / LIFE_PARTS;
    if (f->why.n)
        alert_see(view, a, ALERT_CERTIFICATE, f->path, "The certificate in %.*s cannot be used: it %.*s.", STR_ARG(f->path),
                  STR_ARG(f->why));
    else if (left_ms < c->options.config->alerts_certificate && left_ms < part)
        watch_date(f->path, left_ms, a, view);
}

static bool is_own(const struct certificates *c, struct str host) {
    for (size_t i = 0; i < c->own_count; i++)
        if (str_eq(c->own[i], host)) return true;
    return false;
}

/* A stranger's host that never had a certificate is the stranger's trouble; one that had is about to break. */
static void watch_acme(struct certificates *c, struct arena *a, struct alert_view *view) {
    struct acme_troubles troubles;
    unsigned tries;
    struct str why = acme_driver_trouble(c->acme, a, &tries);
    if (tries >= TRIES_TOLD)
        alert_see(view, a, ALERT_CERTIFICATE, c->options.config->acme_directory, "No certificate can be had: %.*s.",
                  STR_ARG(why));
    acme_driver_troubles(c->acme, a, &troubles);
    for (size_t i = 0; i < troubles.count; i++) {
        const struct acme_trouble *t = &troubles.items[i];
        if (t->tries < TRIES_TOLD || !(is_own(c, t->host) || tls_book_find(c->book, t->host, NULL, NULL))) continue;
        alert_see(view, a, ALERT_CERTIFICATE, t->host, "No certificate can be had for %.*s: %.*s.", STR_ARG(t->host),
                  STR_ARG(t->why));
    }
}

void certificates_watch(struct certificates *c, int64_t now, struct arena *a, struct alert_view *view) {
    struct tls_book_list files;
    view->is_looked[ALERT_CERTIFICATE] = true;
    if (c->options.config->alerts_certificate == 0) return;
    watch_pair(c, now, a, view);
    tls_book_list(c->book, a, &files);
    for (size_t i = 0; i < files.count; i++)
        if (!c->acme || !str_starts(files.items[i].path, str_from_z(c->folders[1]))) watch_file(c, &files.items[i], now, a, view);
    if (c->acme) watch_acme(c, a, view);
}

/* ---- life ---- */
enum status certificates_open(const struct certificates_options *options, struct certificates **ret, struct buf *ret_why) {
    struct certificates *c = *ret = calloc(1, sizeof *c);
    if (!c) abort();
    c->options = *options;
    c->book = tls_book_new();
    pthread_mutex_init(&c->lock, NULL);
    if (!str_is_empty(options->config->tls_folder)) c->folders[0] = options->config->tls_folder.p;
    enum status st = open_acme(c, ret_why);
    if (st != STATUS_OK) return st;
    BUF_AUTO why = {0};
    st = load(c, &why);
    if (st != STATUS_OK) buf_addf(ret_why, "[tls] folder: %.*s", STR_ARG(buf_str(&why)));
    return st;
}

static void on_post(struct post *post) {
    struct certificates *c = LIST_OWNER(post, struct certificates, post);
    if (c->is_stopping) return;
    timer_init(&c->timer, c->options.loop, on_timer, c);
    c->is_started = true;
    timer_start(&c->timer, LOOK_MS);
}

void certificates_start(struct certificates *c) {
    c->post.fn = on_post;
    loop_post(c->options.loop, &c->post);
    if (c->acme) acme_driver_wake(c->acme, false);
}

static void acme_stopped(void *arg) {
    struct certificates *c = arg;
    c->has_acme_to_stop = false;
    end_stop(c);
}

void certificates_stop(struct certificates *c, void (*done)(void *arg), void *arg) {
    c->is_stopping = true;
    c->stopped = done;
    c->stopped_arg = arg;
    c->has_acme_to_stop = c->acme != NULL;
    if (c->acme)
        acme_driver_stop(c->acme, acme_stopped, c);
    else
        end_stop(c);
}

void certificates_free(struct certificates **place) {
    struct certificates *c = *place;
    if (!c) return;
    *place = NULL;
    acme_driver_free(&c->acme);
    if (c->is_started) timer_fini(&c->timer);
    tls_context_unref(&c->pair);
    tls_book_free(&c->book);
    pthread_mutex_destroy(&c->lock);
    arena_fini(&c->arena);
    free(c);
}
