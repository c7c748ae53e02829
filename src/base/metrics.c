/* metrics.c - the table of names, and the page Prometheus reads (text format 0.0.4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

static const struct {
    const char *name, *help;
    bool is_gauge;
} metrics[METRIC_COUNT] = {
    [METRIC_HTTP_REQUESTS] = {"http_requests_total", "HTTP requests answered.", false},
    [METRIC_HTTP_REFUSED] = {"http_refused_total", "HTTP requests answered with a status of 400 or above.", false},
    [METRIC_HTTP_CONNECTIONS] = {"http_connections", "Open HTTP connections.", true},
    [METRIC_BODY_BYTES] = {"http_body_bytes", "Bytes of request bodies held in memory.", true},
    [METRIC_MESSAGES_ACCEPTED] = {"messages_accepted_total", "Messages accepted and committed.", false},
    [METRIC_RECIPIENTS_ACCEPTED] = {"recipients_accepted_total", "Recipients of accepted messages.", false},
    [METRIC_DELIVERED] = {"delivered_total", "Recipients whose server took the message.", false},
    [METRIC_DEFERRED] = {"deferred_total", "Delivery attempts that will be repeated.", false},
    [METRIC_BOUNCED] = {"bounced_total", "Recipients refused for good by their server.", false},
    [METRIC_FAILED] = {"failed_total", "Recipients given up without a server's refusal.", false},
    [METRIC_RETURNED] = {"returned_total", "Recipients whose message came back after delivery.", false},
    [METRIC_COMPLAINTS] = {"complaints_total", "Recipients who complained about a message.", false},
    [METRIC_UNSUBSCRIBES] = {"unsubscribes_total", "Recipients who unsubscribed, by mail or by link.", false},
    [METRIC_REPORTS_IGNORED] = {"reports_ignored_total", "Mails that came home and changed nothing.", false},
    [METRIC_TRACK_HITS] = {"track_hits_total", "Opens, clicks and unsubscribes by link that were written as events.", false},
    [METRIC_TRACK_MACHINES] = {"track_machines_total", "Of these, what a machine did.", false},
    [METRIC_TRACK_DROPPED] = {"track_dropped_total", "Opens and clicks beyond 60 a minute of one recipient: not written.", false},
    [METRIC_TRACK_LATE] = {"track_late_total", "Opens and clicks answered before they were committed.", false},
    [METRIC_TRACK_LOST] = {"track_lost_total", "Hits that the store did not take.", false},
    [METRIC_TRACK_REFUSED] = {"track_refused_total", "Requests with a link that is none of ours, or over.", false},
    [METRIC_HOOK_CALLS] = {"webhook_calls_total", "Webhook calls that were made.", false},
    [METRIC_HOOK_FAILED] = {"webhook_calls_failed_total", "Of these, what was not answered with 2xx.", false},
    [METRIC_HOOK_EVENTS] = {"webhook_events_total", "Events that webhooks took.", false},
    [METRIC_HOOK_DISABLED] = {"webhooks_disabled_total", "Webhooks disabled after days of failure, or by their answer.", false},
    [METRIC_HOOK_IN_FLIGHT] = {"webhook_calls_in_flight", "Webhook calls under way, and places kept for them.", true},
    [METRIC_FEED_EVENTS] = {"feed_events_total", "Events that the feed took.", false},
    [METRIC_FEED_FAILURES] = {"feed_failures_total", "Batches that the feed did not take; they are tried again.", false},
    [METRIC_FEED_LAG] = {"feed_lag_seconds", "Age of the oldest event that the feed did not take yet.", true},
    [METRIC_WAITING_IN_MEMORY] = {"waiting_in_memory", "Recipients in the scheduler's window.", true},
    [METRIC_SMTP_OUT_CONNECTIONS] = {"smtp_out_connections", "Open SMTP connections to other servers.", true},
    [METRIC_SMTP_IN_CONNECTIONS] = {"smtp_in_connections", "Open SMTP connections from clients.", true},
    [METRIC_SMTP_IN_REFUSED] = {"smtp_in_refused_total", "SMTP connections turned away: too many, or too early.", false},
    [METRIC_SMTP_IN_MAILS] = {"smtp_in_mails_total", "Mails taken over SMTP.", false},
    [METRIC_SMTP_IN_AUTH_FAILED] = {"smtp_in_auth_failed_total", "SMTP logins refused.", false},
    [METRIC_CERTIFICATES_ISSUED] = {"certificates_issued_total", "Certificates that the authority of [acme] gave us.", false},
    [METRIC_CERTIFICATES_REFUSED] = {"certificates_refused_total", "Orders of certificates that failed for one host.", false},
    [METRIC_SIGNATURES] = {"signatures_total", "DKIM signatures made.", false},
    [METRIC_DNS_QUESTIONS] = {"dns_questions_total", "Questions put to the DNS.", false},
    [METRIC_DNS_FAILURES] = {"dns_failures_total", "Questions the DNS did not answer.", false},
    [METRIC_WRITER_BATCHES] = {"writer_batches_total", "Transactions committed by the writer.", false},
    [METRIC_WRITER_JOBS] = {"writer_jobs_total", "Jobs done by the writer.", false},
    [METRIC_UNANSWERED] = {"unanswered_total", "Messages sent whole without an answer: tried again, they may arrive twice.",
                           false},
    [METRIC_ALERTS_OPEN] = {"alerts_open", "Troubles the operator was alerted to that last.", true},
    [METRIC_DISK_SHUT] = {"disk_shut", "1 while new mail is refused because the disk is nearly full.", true},
    [METRIC_DISK_REFUSED] = {"disk_refused_total", "New mail refused because the disk is nearly full.", false},
    [METRIC_WRITER_ERRORS] = {"writer_errors_total", "Transactions of the writer that failed.", false},
};

void metrics_format(struct buf *out, const struct metrics *m) {
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const char *name = metrics[i].name;
        buf_addf(out, "# HELP posthorn_%s %s\n# TYPE posthorn_%s %s\nposthorn_%s ", name, metrics[i].help, name,
                 metrics[i].is_gauge ? "gauge" : "counter", name);
        buf_add_i64(out, atomic_load_explicit(&m->value[i], memory_order_relaxed));
        buf_add_char(out, '\n');
    }
}
