/* hook_driver.h - calls webhooks: what is due is loaded, called, and settled, for as many endpoints at once as there are places.
 *
 *   look (reader): queues that are due --> a turn each: load (reader) --> calls (http client) --> settle, each (writer)
 *                                                                                    with the last: finish --> look
 *
 * One turn an endpoint at a time, of a few calls; then it stands behind all that became due before. Calls under way have a bound
 * in all, an endpoint's turn gets a share of what others left and an account half of it, so whoever is slow or floods delays
 * nobody else (WH26, P6, P8). The rows are the whole state: what a kill cuts short is called again (P3). Addresses are judged by
 * net/http_client, which follows no redirect (WH01 to WH18, WH20, WH22, WH24). Lives on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HOOK_HOOK_DRIVER_H
#define POSTHORN_HOOK_HOOK_DRIVER_H

#include "base/metrics.h"
#include "core/hook.h"
#include "net/executor.h"
#include "net/http_client.h"

#define HOOK_TIMEOUT_MS    15000 /* of a call */
#define HOOK_IN_FLIGHT_MAX 500

struct hook_driver;
/* Everything pointed at must outlive it. */
struct hook_driver_options {
    struct loop *loop;
    struct executor *writer, *readers;
    struct http_client *http; /* on the same loop */
    struct hook_rules rules;
    struct metrics *metrics; /* may be NULL */
    int64_t timeout_ms;      /* 0: HOOK_TIMEOUT_MS */
    size_t in_flight_max;    /* calls under way; 0: HOOK_IN_FLIGHT_MAX */
    /* After COMMIT, on the loop: new entries for the scheduler, a notice's. May be NULL. */
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    void *arg;
};
/* On the loop, or before it runs. */
struct hook_driver *hook_driver_new(const struct hook_driver_options *options);
/* On the loop: something was written to the outbox (HOOK_MARK of a commit). Without it a look comes within a second. */
void hook_driver_wake(struct hook_driver *d);
/* On the loop: begin nothing more; what is under way has grace_ms to end. done(arg) then, not from inside the call. */
void hook_driver_stop(struct hook_driver *d, int64_t grace_ms, void (*done)(void *arg), void *arg);
/* After that, or when the loop never ran, before http is freed. NULL inside is fine. */
void hook_driver_free(struct hook_driver **d);
/* Calls that have places. */
size_t hook_driver_in_flight(const struct hook_driver *d);

#endif
