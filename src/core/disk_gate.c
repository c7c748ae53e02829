/* disk_gate.c - see disk_gate.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/disk_gate.h"

void disk_gate_init(struct disk_gate *gate, int64_t mark_bytes) {
    gate->mark_bytes = mark_bytes > DISK_GATE_WAL_BYTES ? mark_bytes : DISK_GATE_WAL_BYTES;
    atomic_init(&gate->left_bytes, 0);
    atomic_init(&gate->is_shut, true);
}

/* What may be written before the mark is reached. */
static int64_t room_above(const struct disk_gate *gate, const struct disk_room *room) {
    if (room->disk_bytes < DISK_GATE_WAL_BYTES) return 0;
    if (room->disk_bytes > INT64_MAX - room->inner_bytes) return INT64_MAX;
    return room->disk_bytes + room->inner_bytes - gate->mark_bytes;
}

bool disk_gate_look(struct disk_gate *gate, const struct disk_room *room) {
    bool was_shut = atomic_load(&gate->is_shut);
    int64_t above = room_above(gate, room);
    bool is_shut = above <= (was_shut ? gate->mark_bytes / 4 : 0);
    atomic_store(&gate->left_bytes, is_shut ? 0 : above);
    atomic_store(&gate->is_shut, is_shut);
    return is_shut != was_shut;
}

bool disk_gate_take(struct disk_gate *gate, int64_t bytes) {
    int64_t written = bytes < INT64_MAX / DISK_GATE_WRITE_RATIO ? bytes * DISK_GATE_WRITE_RATIO : INT64_MAX;
    int64_t left = atomic_load(&gate->left_bytes);
    do {
        if (left < written || atomic_load(&gate->is_shut)) return false;
    } while (!atomic_compare_exchange_weak(&gate->left_bytes, &left, left - written));
    return true;
}

bool disk_gate_is_shut(const struct disk_gate *gate) {
    return atomic_load(&gate->is_shut);
}
