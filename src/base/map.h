/* map.h - hash map from bytes to a pointer, keys copied, SipHash with a per-process seed (JS10: colliding keys stay cheap).
 * Owns its keys, not its values. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_MAP_H
#define POSTHORN_BASE_MAP_H

#include "base/str.h"

struct map;
struct map *map_new(void);
/* Frees the map and its keys; NULL inside is fine. Values are the caller's. */
void map_free(struct map **m);
size_t map_count(const struct map *m);
/* NULL when absent. */
void *map_find(const struct map *m, struct str key);
/* Adds or replaces; returns the value replaced, or NULL. value must not be NULL. */
void *map_put(struct map *m, struct str key, void *value);
/* Returns the value removed, or NULL. */
void *map_remove(struct map *m, struct str key);
/* Iterate: start with *cursor = 0; false at the end. The map may lose the key just returned, nothing else. */
bool map_next(const struct map *m, size_t *cursor, struct str *ret_key, void **ret_value);
/* SipHash-1-3 of bytes under the process seed; stable within a process only. */
uint64_t map_hash(struct str key);

#endif
