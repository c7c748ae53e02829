/* disk_gate.h - new mail is refused before the disk is full, so that there is always room for what was taken: its deliveries,
 * events, bounces, and the removal of what is old (P8).
 *
 *         a look finds less than the mark, or what was taken since the last one used up what was above it
 *   OPEN ─────────────────────────────────────────────────────────────────────────────────────────────────► SHUT
 *        ◄─────────────────────────────────────────────────────────────────────────────────────────────────
 *         a look finds a quarter more than the mark
 *
 * Somebody looks every second or so; between two looks the gate counts what it lets in, so it does not matter how fast that is.
 * Room inside of the database's file (pages of removed rows) counts as room, as long as the disk has some for the WAL: a file
 * that was pruned takes mail again though it never gets shorter. The disk of a database on another machine is its operator's.
 * Any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_DISK_GATE_H
#define POSTHORN_CORE_DISK_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DISK_GATE_WAL_BYTES   (INT64_C(192) << 20) /* of the disk itself: the WAL at its bound, and what deliveries add to it */
#define DISK_GATE_MARK_BYTES  (INT64_C(512) << 20) /* what is in force when nobody said anything; never below the WAL's */
#define DISK_GATE_WRITE_RATIO 3                    /* bytes written for one that was taken: WAL, file, indexes */

struct disk_gate {
    int64_t mark_bytes;
    _Atomic int64_t left_bytes; /* may still be taken before the next look */
    atomic_bool is_shut;
};
/* Shut until the first look. */
void disk_gate_init(struct disk_gate *gate, int64_t mark_bytes);

struct disk_room {
    int64_t disk_bytes;  /* free for us on the disk of the data folder; INT64_MAX: nobody knows */
    int64_t inner_bytes; /* free in the database's file */
};
/* What a look found. True: the gate opened or shut by it. One thread at a time. */
bool disk_gate_look(struct disk_gate *gate, const struct disk_room *room);
/* May mail of so many bytes come in? Counted if so. */
bool disk_gate_take(struct disk_gate *gate, int64_t bytes);
bool disk_gate_is_shut(const struct disk_gate *gate);

#endif
