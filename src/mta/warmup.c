/* warmup.c - at start: what warming sources sent today before this process began, read before anything is sent.
 *
 * Should it not be readable, sources begin their day anew: mail goes out all the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "mta/own.h"

#include <stdlib.h>

struct warmup {
    struct mta *mta;
    struct job job;
    struct arena arena;
    int64_t now;
    struct source_count_list counts;
    void (*done)(struct mta *m);
};

static enum status load_run(struct job *job, void *ctx) {
    struct warmup *w = LIST_OWNER(job, struct warmup, job);
    arena_fini(&w->arena);
    return source_counts_fetch(ctx, &w->arena, w->now, &w->counts);
}

static void end(struct warmup *w, enum status status) {
    if (status == STATUS_OK)
        source_counts_load(w->mta->sources, &w->counts);
    else
        LOG(LOG_ERROR, "mta.warmup_not_read", LOG_Z("why", status_text(status)));
    w->done(w->mta);
    arena_fini(&w->arena);
    free(w);
}

static void load_done(struct job *job) {
    struct warmup *w = LIST_OWNER(job, struct warmup, job);
    mta_job_done(w->mta);
    end(w, job->status);
}

void warmup_load(struct mta *m, void (*done)(struct mta *m)) {
    int64_t now = mta_now(m);
    if (!source_counts_matter(m->sources, now)) return done(m);
    struct warmup *w = calloc(1, sizeof *w);
    if (!w) abort();
    *w = (struct warmup){.mta = m, .now = now, .done = done};
    w->job = (struct job){.run = load_run, .done = load_done, .loop = m->options.loop};
    enum status status = mta_submit(m, m->options.readers, &w->job);
    if (status != STATUS_OK) end(w, status);
}
