/* probes.c - health and metrics, for machines that watch. They say nothing about tenants (TN14).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/probes.h"

#include "core/queue.h"

static enum status write_health(struct call *c, bool is_well) {
    buf_add_z(&c->out, is_well ? "{\"Status\":\"ok\"}" : "{\"Status\":\"unavailable\"}");
    c->http_status = is_well ? 200 : 503;
    return STATUS_OK;
}

enum status probe_live(struct call *c, struct db *db) {
    (void)db;
    return write_health(c, true);
}

/* Ready: a reader answers from the store, the queue is still ours, and nobody is stopping us. */
enum status probe_ready(struct call *c, struct db *db) {
    bool is_ours = false, is_open = !c->api->is_ready || c->api->is_ready(c->api->arg);
    return write_health(c, is_open && queue_is_ours(db, &c->api->owner, &is_ours) == STATUS_OK && is_ours);
}

static void write_gauge(struct buf *out, const char *name, const char *help, int64_t value) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name, (long long)value);
}

enum status probe_metrics(struct call *c, struct db *db) {
    int64_t waiting;
    enum status status = queue_count_waiting(db, &waiting);
    if (status != STATUS_OK) return status;
    if (c->api->metrics) metrics_format(&c->out, c->api->metrics);
    write_gauge(&c->out, "posthorn_queue_waiting", "Recipients waiting on disk for delivery.", waiting);
    write_gauge(&c->out, "posthorn_writer_waiting", "Jobs waiting for the writer.", (int64_t)executor_waiting(c->api->writer));
    c->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return STATUS_OK;
}
