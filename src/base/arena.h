/* arena.h - memory of one transaction, request or job, freed at once.
 *
 * Zero-initialised is empty and valid. Allocations are 16-byte aligned and zeroed. Exhaustion aborts. One thread at a
 * time; ownership of a whole arena may move between threads through a mailbox.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_ARENA_H
#define POSTHORN_BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *head; /* newest chunk */
    size_t used_bytes;        /* of all chunks; callers may bound it */
};

void arena_fini(struct arena *a);
/* Zeroed memory, valid until arena_fini. */
void *arena_alloc(struct arena *a, size_t n);
/* Array of `count` items of `size`; aborts on overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* Copies; the str copy is NUL-terminated beyond its length. */
struct str arena_str(struct arena *a, struct str s);
char *arena_z(struct arena *a, struct str s);
struct str arena_lower(struct arena *a, struct str s);
__attribute__((format(printf, 2, 3))) struct str arena_strf(struct arena *a, const char *format, ...);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_AUTO             __attribute__((cleanup(arena_fini))) struct arena

#endif
