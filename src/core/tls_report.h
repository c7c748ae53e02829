/* tls_report.h - a day's report about TLS with a domain's hosts, as RFC 8460 wants it: JSON, packed, and the mail that carries
 * it.
 *
 * Everything in it was counted here or comes out of DNS and policies, so it is a stranger's text; JSON and MIME are written by
 * what escapes it. Pure but for tls_report_accept.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TLS_REPORT_H
#define POSTHORN_CORE_TLS_REPORT_H

#include "core/notices.h"
#include "store/tls_reports.h"

#define TLS_REPORT_COUNTS_MAX 5000 /* rows of counts that one report tells */
#define TLS_REPORT_MEDIA_TYPE "application/tlsrpt+gzip"

struct tls_report_options {
    struct str from;         /* [tls_report] from, canonical; "": none are sent */
    struct str organization; /* "": the domain of from */
    struct str contact;      /* "": from */
    struct node_epoch owner;
    const struct rand *rand;
};
/* When the report is given up; Unix ms. */
int64_t tls_report_ends_at(int64_t day);
/* How long to wait before the try that follows number `attempts`. */
int64_t tls_report_wait_ms(int64_t attempts);

/* The JSON of RFC 8460 4.4. counts: of one day and domain, sorted by policy (tls_count_list). */
void tls_report_write(const struct tls_report_options *options, int64_t day, struct str domain,
                      const struct tls_count_list *counts, struct buf *out);

struct tls_report_mail {
    int64_t day;
    struct str domain;
    struct str to;        /* mailbox, canonical */
    struct str to_domain; /* of it */
    struct str packed;    /* the JSON as gzip */
    int64_t now;
};
/* On the writer: queue the mail. *ret: for the scheduler, after COMMIT. NOT_FOUND: the domain of `from` is no enabled sender
 * domain here. Source: RFC 8460 5.3. */
WARN_UNUSED enum status tls_report_accept(struct db *tx, struct arena *arena, const struct tls_report_options *options,
                                          const struct tls_report_mail *mail, struct acceptance *ret);

#endif
