/* hook_plan.h - what the answer to a webhook call means: for the events it told of, and for the endpoint.
 *
 * An event is tried ten times in about three days. An endpoint that gives no answer, or one that says it cannot, is not called
 * for a while, and then by one call at a time, until one succeeds: so one that never answers costs a call every few minutes,
 * whatever waits for it (WH26). Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_HOOK_PLAN_H
#define POSTHORN_CORE_HOOK_PLAN_H

#include "base/clock.h"
#include "store/hooks.h"

#define HOOK_TRIES          10
#define HOOK_JITTER_PERCENT 20
#define HOOK_NEVER          INT64_C(-1)
#define HOOK_WAIT_MAX_S     INT64_C(86400)              /* Retry-After beyond it is cut */
#define HOOK_DEAD_MS        (5 * INT64_C(86400) * 1000) /* of nothing but failures: then an endpoint is disabled */

struct hook_answer {
    unsigned code;         /* of HTTP; 0: none came */
    struct str why;        /* none came: in words */
    struct str body;       /* its first bytes */
    int64_t retry_after_s; /* 0: not said */
    int64_t began_at, ended_at;
};
enum hook_verdict {
    HOOK_TAKEN, /* 2xx */
    HOOK_AGAIN, /* anything else: redirects are not followed (WH16) */
    HOOK_GONE,  /* 410: nobody wants to be called there */
};
enum hook_verdict hook_judge(const struct hook_answer *answer);
/* When events are tried again whose attempt number `attempt` (1: the first) got this answer: after 5 s, 5 m, 30 m, 2 h, 5 h, 10
 * h, 14 h, 20 h, 24 h, and a random part more, or when the endpoint asked for it if that is later. HOOK_NEVER: that was the last.
 */
int64_t hook_next_try(int64_t attempt, const struct hook_answer *answer, const struct rand *rand);
/* How the endpoint is after it. A call that began before the last failure was counted is part of that one. */
struct hook_health hook_health_after(const struct hook_health *before, const struct hook_answer *answer);
/* Has nothing succeeded for so long that it is disabled? */
bool hook_is_dead(const struct hook_health *health, int64_t now);
/* "it answered 500", or why no answer came; "" for success. */
void hook_explain(const struct hook_answer *answer, struct buf *out);

#endif
