/* sts_cache.h - MTA-STS policies from fetch to fetch: what is kept of them, when they are asked for anew, and what an answer of
 * the policy's server means (RFC 8461 3.3, 5.1).
 *
 * A policy that was had holds until its max_age has passed, whatever becomes of record and server meanwhile, and over restarts.
 * A failed fetch is as if there were no policy, or the one that still holds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_STS_CACHE_H
#define POSTHORN_CORE_STS_CACHE_H

#include "core/tls_policy.h"

struct db;

#define STS_FETCH_MS   60000 /* for the whole fetch (RFC 8461 3.3) */
#define STS_RETRY_S    300   /* until a failed one is tried again */
#define STS_REFRESH_MS INT64_C(86400000)

struct sts_entry {
    struct str id; /* of the record that it was fetched for */
    struct mta_sts_policy policy;
    int64_t fetched_at, expires_at;
};
/* On a reader. NOT_FOUND: no policy that still holds. */
WARN_UNUSED enum status sts_cache_load(struct db *db, struct str domain, int64_t now, struct arena *arena, struct sts_entry *ret);
/* On the writer; some that have expired go. */
WARN_UNUSED enum status sts_cache_save(struct db *tx, struct str domain, const struct sts_entry *entry);

/* The URL of the domain's policy; in the arena. port 0: https's own. */
struct str sts_policy_url(struct arena *arena, struct str domain, uint16_t port);
/* Must it be fetched? `known` may be NULL. record_id "": the domain has no record now. Once a day, or when half of its life is
 * over, a policy is fetched though its id is the same. */
bool sts_is_fetch_due(const struct sts_entry *known, struct str record_id, int64_t now);

/* An answer of the policy's server. */
struct sts_answer {
    bool came;               /* an answer of HTTP did */
    bool is_certificate_bad; /* it did not, because of that */
    unsigned code;           /* only 200 is good: redirects are not followed (RFC 8461 3.3) */
    struct str content_type, body;
    bool is_cut; /* the body is longer than MTA_STS_POLICY_MAX */
};
/* SUCCESS and *ret, in the arena; else why not: FETCH_ERROR, INVALID, WEBPKI_INVALID of TLS_RESULT_STS_. */
enum tls_result sts_answer_judge(const struct sts_answer *answer, struct str record_id, int64_t now, struct arena *arena,
                                 struct sts_entry *ret);

#endif
