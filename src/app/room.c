/* room.c - see room.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "app/room.h"

#include "base/log.h"
#include "net/loop.h"
#include "store/care.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#define LANE INT64_MIN /* no account's: it takes its turn among them */

struct room {
    struct room_options options;
    struct timer timer;
    struct job job;
    bool is_started, is_busy, is_stopping;
    struct disk_room found; /* the reader's while it is busy */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static int64_t disk_bytes(const char *folder) {
    struct statvfs fs;
    if (!folder || statvfs(folder, &fs) != 0 || fs.f_blocks == 0) return INT64_MAX;
    return (int64_t)((unsigned long long)fs.f_bavail * fs.f_frsize);
}

static void tell(const struct room *r) {
    bool is_shut = disk_gate_is_shut(r->options.gate);
    LOG(is_shut ? LOG_ERROR : LOG_INFO, is_shut ? "disk.shut" : "disk.open", LOG_INT("free", r->found.disk_bytes >> 20),
        LOG_INT("free_inside", r->found.inner_bytes >> 20), LOG_INT("mark", r->options.gate->mark_bytes >> 20),
        LOG_Z("unit", "MB"));
}

static void look(struct room *r) {
    if (!disk_gate_look(r->options.gate, &r->found)) return;
    metrics_add(r->options.metrics, METRIC_DISK_SHUT, disk_gate_is_shut(r->options.gate) ? 1 : -1);
    tell(r);
    if (r->options.changed) r->options.changed(r->options.arg);
}

static void end_stop(struct room *r) {
    if (!r->is_stopping || r->is_busy) return;
    if (r->is_started) timer_fini(&r->timer);
    r->is_started = false;
    if (r->stopped) r->stopped(r->stopped_arg);
    r->stopped = NULL;
}

static enum status run(struct job *job, void *ctx) {
    struct room *r = LIST_OWNER(job, struct room, job);
    r->found.disk_bytes = disk_bytes(r->options.folder);
    return store_inner_bytes(ctx, &r->found.inner_bytes);
}

static void done(struct job *job) {
    struct room *r = LIST_OWNER(job, struct room, job);
    r->is_busy = false;
    if (job->status == STATUS_OK) look(r);
    if (r->is_stopping)
        end_stop(r);
    else
        timer_start(&r->timer, ROOM_LOOK_MS);
}

static void on_timer(void *arg) {
    struct room *r = arg;
    r->is_busy = true;
    r->job = (struct job){.run = run, .done = done, .loop = r->options.loop, .lane = LANE};
    enum status status = executor_submit(r->options.readers, &r->job);
    if (status == STATUS_OK) return;
    r->job.status = status;
    done(&r->job);
}

/* ---- life ---- */

struct room *room_new(const struct room_options *options) {
    struct room *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->options = *options;
    r->found = (struct disk_room){disk_bytes(options->folder), 0};
    (void)disk_gate_look(options->gate, &r->found);
    if (!disk_gate_is_shut(options->gate)) return r; /* as one expects */
    metrics_add(options->metrics, METRIC_DISK_SHUT, 1);
    tell(r);
    return r;
}

void room_start(struct room *r) {
    timer_init(&r->timer, r->options.loop, on_timer, r);
    r->is_started = true;
    timer_start(&r->timer, 0);
}

void room_stop(struct room *r, void (*stopped)(void *arg), void *arg) {
    r->is_stopping = true;
    r->stopped = stopped;
    r->stopped_arg = arg;
    end_stop(r);
}

void room_free(struct room **place) {
    struct room *r = *place;
    if (!r) return;
    *place = NULL;
    if (r->is_started) timer_fini(&r->timer);
    free(r);
}
