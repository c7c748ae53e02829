/* keeper.h - lets go of what was kept long enough (core/keeping.h) and works off orders to forget people (core/erase.h).
 *
 *   timer --> slice (writer) --more--> a breath --> slice ... --nothing--> timer
 *
 * One slice at a time, with a breath between two, so that the writer belongs to the mail: what there is to remove in a day takes
 * minutes of such slices. It keeps nothing that matters: after a restart the walk begins with the oldest again, and orders are
 * rows. All of it on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_KEEPER_H
#define POSTHORN_APP_KEEPER_H

#include "core/keeping.h"
#include "net/executor.h"

#define KEEPER_BREATH_MS 20
#define KEEPER_ROUND_MS  10000            /* orders are looked for so often */
#define KEEPER_WALK_MS   INT64_C(3600000) /* walks begin so often */

struct keeper;
struct keeper_options {
    struct loop *loop;
    struct executor *writer;
    struct keeping_rules rules;
};
struct keeper *keeper_new(const struct keeper_options *options);
/* On the loop. */
void keeper_start(struct keeper *k);
/* On the loop: begin nothing more, and done(arg) when the slice under way has ended, perhaps at once. */
void keeper_stop(struct keeper *k, void (*done)(void *arg), void *arg);
/* After keeper_stop, or when the loop never ran, while it exists. NULL inside is fine. */
void keeper_free(struct keeper **k);

#endif
