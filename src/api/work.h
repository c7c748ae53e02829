/* work.h - what goes on after its request was answered: list sends and imports, in slices.
 *
 * One driver a gateway, on one loop. It keeps no state that matters: open rows are found at start and after each wake, and a
 * slice moves its row's position in the transaction that does the slice's work, so a kill at any point neither repeats nor loses
 * anything, and two drivers over one database could not either. One slice at a time is under way, in turn over the accounts that
 * have work (P6), and between two slices whatever else waits for the writer has its turn.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_WORK_H
#define POSTHORN_API_WORK_H

#include "api/api.h"

struct work;
/* Does nothing until work_start. `options` is copied; what it points at must outlive the driver. */
struct work *work_new(const struct api_options *options, struct loop *loop);
/* On its loop (or before that runs): look for open work, and whenever woken. */
void work_start(struct work *work);
/* There may be new work. Any thread; NULL does nothing. Call it after COMMIT. */
void work_wake(struct work *work);
/* On its loop: finish the step under way, begin nothing more, then done(arg), perhaps at once. */
void work_stop(struct work *work, void (*done)(void *arg), void *arg);
/* After work_stop, or when its loop never ran. NULL inside is fine. */
void work_free(struct work **work);

#endif
