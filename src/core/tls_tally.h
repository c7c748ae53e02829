/* tls_tally.h - how TLS went with each domain's hosts, counted in memory: what becomes the domain's report (RFC 8460).
 *
 * One call a connection, not a message; no statement, and most of the time no allocation. What has gathered is taken out now and
 * then and added to the rows on disk (store/tls_reports), so a kill loses the last minutes of counts and nothing else. Bounded:
 * past TLS_TALLY_MAX different counts, or TLS_TALLY_BYTES of them, new kinds are dropped until some are taken out (P8).
 * One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TLS_TALLY_H
#define POSTHORN_CORE_TLS_TALLY_H

#include "core/tls_policy.h"
#include "proto/address/network.h"
#include "store/tls_reports.h"

#define TLS_TALLY_MAX   20000
#define TLS_TALLY_BYTES (16u << 20)

/* A connection that came as far as TLS could be judged, or was refused before (tls_judge_host), for mail to one domain. */
struct tls_session {
    struct str domain; /* of the recipient, A-labels */
    const struct tls_demand *demand;
    const struct tls_verdict *verdict;
    bool is_tls;        /* encrypted */
    bool is_tried;      /* STARTTLS was offered */
    struct str host;    /* the MX host */
    struct ip from, to; /* ours, theirs; family 0: it never came to that */
};
struct tls_tally;
struct tls_tally *tls_tally_new(void);
void tls_tally_free(struct tls_tally **t);
/* Count one. A demand that waives policies is not counted: it is for reports themselves (RFC 8460 5.3). */
void tls_tally_add(struct tls_tally *t, const struct tls_session *s, int64_t now);
size_t tls_tally_count(const struct tls_tally *t);
/* Take up to `max` counts out; their strings live in the arena. */
size_t tls_tally_take(struct tls_tally *t, struct arena *arena, struct tls_count *ret, size_t max);

#endif
