/* hook_tester.h - test calls: one call of a webhook now, for whoever waits for the answer.
 *
 * So many are under way in all and of one account at most; more are told at once that there is no place (P6, P8). They have no
 * part in the places of events, and change nothing: not the endpoint's health, not what waits for it. Lives on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_HOOK_HOOK_TESTER_H
#define POSTHORN_HOOK_HOOK_TESTER_H

#include "core/hook.h"
#include "net/http_client.h"

#define HOOK_TESTS_MAX         20
#define HOOK_TESTS_ACCOUNT_MAX 2

struct hook_tester;
struct hook_tester_options {
    struct loop *loop;
    struct http_client *http; /* on the same loop; outlives the tester */
    int64_t timeout_ms;       /* of a call */
    bool allow_private;       /* [webhook] allow_private */
};
struct hook_tester *hook_tester_new(const struct hook_tester_options *options);
/* Any thread, before hook_tester_stop's loop has ended: make the call of trial->turn. trial->done comes once, on the loop;
 * until then the trial is the tester's. */
void hook_tester_ask(struct hook_tester *t, struct hook_trial *trial);
/* On the loop: calls under way are cut, and those that are asked for from now on have no place. */
void hook_tester_stop(struct hook_tester *t);
/* When the loop has ended, before http is freed. NULL inside is fine. */
void hook_tester_free(struct hook_tester **t);

#endif
