/* tls_reporter.h - sends yesterday's TLS reports to the domains that want one (RFC 8460).
 *
 *   due reports (reader) --> _smtp._tls TXT (resolver) --> counts, JSON, gzip (reader) --> https POST --> mail, or later (writer)
 *
 * Some at a time; the rows are the whole state, so a kill repeats a report at worst, under the same Report-ID. Without `from`
 * it only drops what is old. Lives on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_TLS_REPORTER_H
#define POSTHORN_MTA_TLS_REPORTER_H

#include "core/tls_report.h"
#include "net/executor.h"
#include "net/http_client.h"
#include "net/resolver.h"

struct tls_reporter;
/* Everything pointed at must outlive it. */
struct tls_reporter_options {
    struct loop *loop;
    struct executor *writer, *readers;
    struct resolver *resolver;
    struct http_client *http; /* on the same loop */
    struct tls_report_options report;
    bool allow_private; /* URLs may lead to any address */
    /* After COMMIT, on the loop: new entries for the scheduler. */
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    void *arg;
};
/* On the loop, or before it runs. */
struct tls_reporter *tls_reporter_new(const struct tls_reporter_options *options);
/* On the loop: begin nothing more; done(arg) when nothing is under way, not from inside the call. */
void tls_reporter_stop(struct tls_reporter *r, void (*done)(void *arg), void *arg);
/* After that, or when the loop never ran, before http and resolver are freed. NULL inside is fine. */
void tls_reporter_free(struct tls_reporter **r);

#endif
