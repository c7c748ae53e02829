/* recheck.h - sender domains that were verified are looked up again by ourselves, a few at a time, and their accounts are told
 * when something breaks or is mended (core/domains.h, domain_apply_check).
 *
 *   timer --> due ones (reader) --> DNS, RECHECK_SLOTS at once --> standing and mail (writer) --> more due ones, or the timer
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_RECHECK_H
#define POSTHORN_APP_RECHECK_H

#include "app/watch.h"

#define RECHECK_SLOTS 4

struct recheck;
/* `options` must outlive it. */
struct recheck *recheck_new(const struct watch_options *options);
/* On the loop. */
void recheck_start(struct recheck *r);
/* On the loop: begin nothing more, and done(arg) when the last look has ended, perhaps at once. */
void recheck_stop(struct recheck *r, void (*done)(void *arg), void *arg);
/* After recheck_stop, or when the loop never ran. NULL inside is fine. */
void recheck_free(struct recheck **r);

#endif
