/* metrics.h - counters and gauges that any thread may move; app owns the one struct, /metrics prints it.
 * One table names them (metrics.c), Prometheus conventions. No label ever holds a tenant's data (TN14).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_METRICS_H
#define POSTHORN_BASE_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>

enum metric {
    METRIC_HTTP_REQUESTS,
    METRIC_HTTP_REFUSED,     /* answered 4xx/5xx */
    METRIC_HTTP_CONNECTIONS, /* gauge */
    METRIC_BODY_BYTES,       /* gauge: request bodies in memory */
    METRIC_MESSAGES_ACCEPTED,
    METRIC_RECIPIENTS_ACCEPTED,
    METRIC_DELIVERED,
    METRIC_DEFERRED,
    METRIC_BOUNCED,
    METRIC_FAILED,
    METRIC_RETURNED, /* bounces that came home after delivery */
    METRIC_COMPLAINTS,
    METRIC_UNSUBSCRIBES,
    METRIC_REPORTS_IGNORED,
    METRIC_TRACK_HITS,
    METRIC_TRACK_MACHINES,
    METRIC_TRACK_DROPPED,
    METRIC_TRACK_LATE,
    METRIC_TRACK_LOST,
    METRIC_TRACK_REFUSED,
    METRIC_HOOK_CALLS,
    METRIC_HOOK_FAILED,
    METRIC_HOOK_EVENTS,
    METRIC_HOOK_DISABLED,
    METRIC_HOOK_IN_FLIGHT, /* gauge */
    METRIC_FEED_EVENTS,
    METRIC_FEED_FAILURES,
    METRIC_FEED_LAG,             /* gauge */
    METRIC_WAITING_IN_MEMORY,    /* gauge: entries in the scheduler's window */
    METRIC_SMTP_OUT_CONNECTIONS, /* gauge */
    METRIC_SMTP_IN_CONNECTIONS,  /* gauge */
    METRIC_SMTP_IN_REFUSED,      /* connections turned away */
    METRIC_SMTP_IN_MAILS,        /* taken with 250; roles count */
    METRIC_SMTP_IN_AUTH_FAILED,
    METRIC_CERTIFICATES_ISSUED,
    METRIC_CERTIFICATES_REFUSED,
    METRIC_SIGNATURES,
    METRIC_DNS_QUESTIONS,
    METRIC_DNS_FAILURES,
    METRIC_WRITER_BATCHES,
    METRIC_WRITER_JOBS,
    METRIC_WRITER_ERRORS,
    METRIC_ALERTS_OPEN, /* gauge */
    METRIC_DISK_SHUT,   /* gauge, 0 or 1 */
    METRIC_DISK_REFUSED,
    METRIC_UNANSWERED, /* no answer to a final dot: the one way to send twice */
    METRIC_COUNT
};
struct metrics {
    _Atomic int64_t value[METRIC_COUNT];
};
static inline void metrics_add(struct metrics *m, enum metric which, int64_t n) {
    if (m) atomic_fetch_add_explicit(&m->value[which], n, memory_order_relaxed);
}
/* Prometheus text format with HELP and TYPE lines. */
void metrics_format(struct buf *out, const struct metrics *m);

#endif
