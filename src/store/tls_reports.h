/* tls_reports.h - TLS sessions counted by UTC day and recipient domain, and the reports due on them (RFC 8460).
 *
 * A report is a (day, domain) with its counts; it is made by the first of them and goes with them. Which domains want one is not
 * known here. Days are numbers of days since 1970.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TLS_REPORTS_H
#define POSTHORN_STORE_TLS_REPORTS_H

#include "base/arena.h"
#include "base/status.h"

struct db;

struct tls_count {
    int64_t day;
    struct str domain;
    struct str policy_key; /* of `policy`, short */
    struct str policy;     /* JSON object as RFC 8460 4.4 has it */
    struct str result;     /* of RFC 8460 4.3; "": success, and the next four are "" */
    struct str sender_ip, host, host_ip, reason;
    int64_t sessions;
};
struct tls_count_list {
    struct tls_count *items;
    size_t count;
};
struct tls_report {
    int64_t day;
    struct str domain;
    int64_t due_at;
    int64_t attempts;
    int64_t good, failed; /* sessions; of tls_report_list alone */
};
struct tls_report_list {
    struct tls_report *items;
    size_t count;
};

/* Add to its row; a new report is due at `due_at`. */
WARN_UNUSED enum status tls_count_add(struct db *tx, const struct tls_count *count, int64_t due_at);
/* Of one report: by policy, successes first; at most `limit`. */
WARN_UNUSED enum status tls_count_list(struct db *tx, struct arena *a, int64_t day, struct str domain, int limit,
                                       struct tls_count_list *ret);

/* The domain's, "": all; newest day first. Sums up counts: for operators. */
WARN_UNUSED enum status tls_report_list(struct db *tx, struct arena *a, struct str domain, int limit,
                                        struct tls_report_list *ret);
/* Due by then, longest due first. */
WARN_UNUSED enum status tls_report_list_due(struct db *tx, struct arena *a, int64_t now, int limit, struct tls_report_list *ret);
/* NOT_FOUND: there is none (any more). */
WARN_UNUSED enum status tls_report_find(struct db *tx, struct arena *a, int64_t day, struct str domain, struct tls_report *ret);
/* All of a day, or the domain's ("": all domains') are due at `due_at`; how many. */
WARN_UNUSED enum status tls_report_hasten(struct db *tx, int64_t day, struct str domain, int64_t due_at, int64_t *ret_count);
/* It was tried; next time at due_at. */
WARN_UNUSED enum status tls_report_defer(struct db *tx, int64_t day, struct str domain, int64_t due_at);
/* With its counts. OK when there is none. */
WARN_UNUSED enum status tls_report_delete(struct db *tx, int64_t day, struct str domain);
/* Those of days before `day`, at most `limit`; how many. */
WARN_UNUSED enum status tls_report_prune(struct db *tx, int64_t day, int limit, int64_t *ret_count);

#endif
