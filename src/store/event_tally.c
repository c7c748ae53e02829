/* event_tally.c - open addressing with steps of one; at most half of the places are taken.
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/event_tally.h"

#include "base/map.h"

#include <stdlib.h>

#define ROOM_FIRST 256

void tally_fini(struct tally *t) {
    free(t->items);
    buf_fini(&t->values);
    *t = (struct tally){0};
}

struct str tally_value(const struct tally *t, const struct tally_item *item) {
    return str_sub(buf_str(&t->values), item->at, item->size);
}

size_t tally_bytes(const struct tally *t) {
    return t->room * sizeof *t->items + t->values.cap;
}

static struct tally_item *place_of(const struct tally *t, struct str value, uint32_t hash) {
    size_t i = hash & (t->room - 1);
    while (t->items[i].count && (t->items[i].hash != hash || !str_eq(tally_value(t, &t->items[i]), value)))
        i = (i + 1) & (t->room - 1);
    return &t->items[i];
}

static void grow(struct tally *t) {
    struct tally old = *t;
    t->room = old.room ? 2 * old.room : ROOM_FIRST;
    t->items = calloc(t->room, sizeof *t->items);
    if (!t->items) abort();
    for (size_t i = 0; i < old.room; i++) {
        if (!old.items[i].count) continue;
        size_t k = old.items[i].hash & (t->room - 1);
        while (t->items[k].count) k = (k + 1) & (t->room - 1);
        t->items[k] = old.items[i];
    }
    free(old.items);
}

bool tally_add(struct tally *t, struct str value, int64_t times) {
    uint32_t hash = (uint32_t)map_hash(value);
    if (2 * t->count >= t->room) grow(t);
    struct tally_item *item = place_of(t, value, hash);
    if (!item->count) {
        if (t->count == TALLY_VALUES_MAX || value.n > TALLY_BYTES_MAX - t->values.n) return false;
        *item = (struct tally_item){.hash = hash, .at = (uint32_t)t->values.n, .size = (uint32_t)value.n};
        buf_add_str(&t->values, value);
        t->count++;
    }
    item->count += times;
    return true;
}
