/* hooks.h - calls to webhooks, wired: an HTTP client of their own, the driver of events and the one of test calls, all on mta's
 * loop; a commit that left calls wakes the driver.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_HOOKS_H
#define POSTHORN_APP_HOOKS_H

#include "app/config.h"
#include "app/listeners.h"
#include "hook/hook_driver.h"
#include "hook/hook_tester.h"

struct hooks;
/* Everything pointed at must outlive it. */
struct hooks_options {
    const struct config *config;
    struct loop *loop;
    struct executor *writer, *readers;
    struct resolver *resolver; /* with a cache */
    struct metrics *metrics;
    struct hook_rules rules;
    void (*queue_offer)(void *arg, const struct queue_entry *entries, size_t count);
    void *arg;
};
/* Which URLs webhooks may have, by the configuration. */
struct webhook_rules hooks_urls(const struct config *c);
/* No loop runs yet. On failure *ret_why is a sentence. */
WARN_UNUSED enum status hooks_open(const struct hooks_options *options, struct hooks **ret, struct buf *ret_why);
/* No loop runs yet: no call goes to these ports of this machine, whatever is allowed (WH23). */
void hooks_avoid(struct hooks *h, const struct listeners *listeners);
struct hook_tester *hooks_tester(struct hooks *h);
/* writer_options.committed, with the place of a struct hooks *, which may hold NULL. */
void hooks_committed(void *place, unsigned marks);
/* On the loop: calls under way have a moment to end, then done(arg). */
void hooks_stop(struct hooks *h, void (*done)(void *arg), void *arg);
/* When the loop has stopped and the writer has ended, while the loop exists; then, when it does not any more: its mailbox may
 * have held the post. NULL, and NULL inside, is fine. */
void hooks_close(struct hooks *h);
void hooks_free(struct hooks **h);

#endif
