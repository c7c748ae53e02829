/* acme_plan.h - which host an authority is asked for a certificate for next, and when again after a failure.
 *
 * The gateway's own hosts go first. Then accounts take turns: whoever got the fewest certificates within a day, and has the
 * fewest hosts that are refused (P6). Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ACME_PLAN_H
#define POSTHORN_CORE_ACME_PLAN_H

#include "base/clock.h"

/* Orders that may begin at once, and the time after which there may be one more: well under what public authorities allow. */
#define ACME_BURST   30
#define ACME_PACE_MS 36000

struct acme_host {
    struct str name;
    int64_t account_id;            /* 0: the gateway's own */
    int64_t begins_at, expires_at; /* of the certificate that is shown for it; 0: there is none */
    int64_t not_before;            /* after failures; 0: at any time */
};
/* When a certificate is to be renewed: a third of its life before its end. */
int64_t acme_renew_at(int64_t begins_at, int64_t expires_at);
/* The one whose turn it is; NULL: nobody needs one now. */
const struct acme_host *acme_pick(const struct acme_host *hosts, size_t count, int64_t now);
/* How long to wait after the `tries`th failure in a row (1: the first): 5 min to a day, a random part more, or as long as the
 * authority asked for if that is more. */
int64_t acme_retry_ms(unsigned tries, int64_t retry_after_s, const struct rand *rand);

/* May an order begin? `*due_at` is the pace's state, 0 at first. True: it is counted. */
bool acme_may_begin(int64_t *due_at, int64_t now);

#endif
