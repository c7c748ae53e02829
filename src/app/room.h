/* room.h - looks each second how much room there is for mail, and moves the gate (core/disk_gate.h) by it.
 *
 *   timer --> disk and free pages of the database (reader) --> gate, gauge, log --> timer
 *
 * A look that fails changes nothing: what the gate lets in till the next one is counted. All of it on one loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_ROOM_H
#define POSTHORN_APP_ROOM_H

#include "base/metrics.h"
#include "core/disk_gate.h"
#include "net/executor.h"

#define ROOM_LOOK_MS 1000

struct room;
/* Everything pointed at must outlive it. */
struct room_options {
    struct loop *loop;
    struct executor *readers;
    struct metrics *metrics;
    struct disk_gate *gate;
    const char *folder;         /* on the disk that the database is on; NULL: it is on another machine, and the gate open */
    void (*changed)(void *arg); /* on the loop: the gate opened or shut; may be NULL */
    void *arg;
};
/* Looks at the disk at once, so that the gate stands as it should before anybody comes. */
struct room *room_new(const struct room_options *options);
/* On the loop, or before it runs. */
void room_start(struct room *r);
/* On the loop: look no more, and done(arg) when the look under way has ended, perhaps at once. */
void room_stop(struct room *r, void (*done)(void *arg), void *arg);
/* After room_stop, or when the loop never ran, while it exists. NULL inside is fine. */
void room_free(struct room **r);

#endif
