/* arena.c - chunks in a chain, the newest in front. Chunks double up to 64 KiB; an allocation too big for that gets a chunk
 * of its own, put behind the front one so that the room left in front stays in use. Chunks come zeroed from calloc and
 * are never used twice, so nothing is cleared here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN           ((size_t)16)
#define CHUNK_BYTES_MIN ((size_t)2048)
#define CHUNK_BYTES_MAX ((size_t)65536)

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size; /* of data */
    _Alignas(16) char data[];
};

void arena_fini(struct arena *a) {
    for (struct arena_chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *a = (struct arena){0};
}

static struct arena_chunk *chunk_new(struct arena *a, size_t size) {
    size_t total;
    if (__builtin_add_overflow(sizeof(struct arena_chunk), size, &total)) abort();
    struct arena_chunk *c = calloc(1, total);
    if (!c) abort();
    c->size = size;
    a->used_bytes += total;
    return c;
}

/* A chunk with room for n bytes, linked in. */
static struct arena_chunk *chunk_for(struct arena *a, size_t n) {
    struct arena_chunk *head = a->head;
    if (head && head->size - head->used >= n) return head;
    size_t size = head ? head->size * 2 : CHUNK_BYTES_MIN;
    if (size > CHUNK_BYTES_MAX) size = CHUNK_BYTES_MAX;
    bool is_big = n > size / 2 && head;
    struct arena_chunk *c = chunk_new(a, is_big || n > size ? n : size);
    struct arena_chunk **at = is_big ? &head->next : &a->head;
    c->next = *at;
    *at = c;
    return c;
}

void *arena_alloc(struct arena *a, size_t n) {
    if (n > SIZE_MAX - ALIGN) abort();
    n = n ? (n + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;
    struct arena_chunk *c = chunk_for(a, n);
    void *p = c->data + c->used;
    c->used += n;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) abort();
    return arena_alloc(a, total);
}

char *arena_z(struct arena *a, struct str s) {
    if (s.n == SIZE_MAX) abort();
    char *p = arena_alloc(a, s.n + 1);
    if (s.n) memcpy(p, s.p, s.n);
    return p;
}

struct str arena_str(struct arena *a, struct str s) {
    return (struct str){arena_z(a, s), s.n};
}

struct str arena_lower(struct arena *a, struct str s) {
    char *p = arena_z(a, s);
    for (size_t i = 0; i < s.n; i++) p[i] = ascii_lower(p[i]);
    return (struct str){p, s.n};
}

struct str arena_strf(struct arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = format ? vsnprintf(NULL, 0, format, args) : -1;
    if (n < 0) abort();
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return (struct str){p, (size_t)n};
}
