/* tls_results.c - see tls_results.h. One batch is out at a time; one that could not be written is tried again later as it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mta/tls_results.h"

#include "mta/own.h"

#include <stdlib.h>

#define FLUSH_MS    (5 * 60 * 1000)
#define RETRY_MS    (60 * 1000)
#define BATCH_MAX   500
#define COUNT_BYTES 400                         /* about what one takes in the writer's batch */
#define SPREAD_MS   (UINT64_C(4) * 3600 * 1000) /* reports of a day are due within that after it (RFC 8460 4.1) */
#define DAY_LATE_MS (15 * 60 * 1000)            /* so that the last counts are on disk before */

struct tls_results {
    struct mta *mta;
    struct tls_tally *tally;
    struct timer flush;
    struct job job;
    struct arena arena; /* of the batch */
    struct tls_count *batch;
    size_t batch_count;
    bool is_out, is_stopping;
};

static int64_t due_at(const struct tls_count *c) {
    return (c->day + 1) * CLOCK_DAY_MS + DAY_LATE_MS + (int64_t)(map_hash(c->domain) % SPREAD_MS);
}

static enum status write_batch(struct job *job, void *ctx) {
    struct tls_results *r = LIST_OWNER(job, struct tls_results, job);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < r->batch_count; i++)
        status = tls_count_add(ctx, &r->batch[i], due_at(&r->batch[i]));
    return status;
}

static void forget_batch(struct tls_results *r) {
    arena_fini(&r->arena);
    r->batch_count = 0;
}

static void flush(struct tls_results *r);

/* At the stop what cannot be written is lost: it is nothing of a message. */
static void go_on(struct tls_results *r, enum status status) {
    if (status == STATUS_OK) forget_batch(r);
    bool is_more = r->batch_count || tls_tally_count(r->tally);
    if (is_more && r->is_stopping && status == STATUS_OK) flush(r);
    if (is_more && !r->is_stopping) timer_start(&r->flush, status == STATUS_OK ? 0 : RETRY_MS);
}

static void on_written(struct job *job) {
    struct tls_results *r = LIST_OWNER(job, struct tls_results, job);
    r->is_out = false;
    go_on(r, job->status);
    mta_job_done(r->mta); /* after the next batch was begun, so that the stop waits for it */
}

static void flush(struct tls_results *r) {
    if (r->is_out) return;
    if (!r->batch_count) {
        r->batch = arena_array(&r->arena, BATCH_MAX, sizeof *r->batch);
        r->batch_count = tls_tally_take(r->tally, &r->arena, r->batch, BATCH_MAX);
    }
    struct loop *loop = r->mta->options.loop;
    r->job = (struct job){.run = write_batch, .done = on_written, .loop = loop, .bytes = r->batch_count * COUNT_BYTES};
    enum status status = r->batch_count ? mta_submit(r->mta, r->mta->options.writer, &r->job) : STATUS_OK;
    r->is_out = r->batch_count && status == STATUS_OK;
    if (!r->is_out) go_on(r, status);
}

static void on_flush(void *arg) {
    flush(arg);
}

struct tls_results *tls_results_new(struct mta *m) {
    struct tls_results *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->mta = m;
    r->tally = tls_tally_new();
    timer_init(&r->flush, m->options.loop, on_flush, r);
    return r;
}

void tls_results_note(struct tls_results *r, const struct tls_session *session) {
    if (r->is_stopping) return;
    tls_tally_add(r->tally, session, mta_now(r->mta));
    if (r->is_out) return;
    if (tls_tally_count(r->tally) == TLS_TALLY_MAX / 2)
        timer_start(&r->flush, 0);
    else if (!timer_is_running(&r->flush))
        timer_start(&r->flush, FLUSH_MS);
}

void tls_results_stop(struct tls_results *r) {
    r->is_stopping = true;
    timer_stop(&r->flush);
    if (tls_tally_count(r->tally) || r->batch_count) flush(r);
}

void tls_results_free(struct tls_results **results) {
    struct tls_results *r = *results;
    if (!r) return;
    *results = NULL;
    timer_fini(&r->flush);
    forget_batch(r);
    tls_tally_free(&r->tally);
    free(r);
}
