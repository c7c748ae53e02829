/* outq.c - the output queue of a stream.
 * SPDX-License-Identifier: Apache-2.0 */
#include "net/outq.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_MIN 4096

struct piece {
    struct list node;
    const char *p; /* the caller's, or own */
    size_t n, sent;
    size_t cap; /* of own; 0: borrowed */
    char own[];
};

static struct piece *piece_new(struct outq *q, size_t cap) {
    struct piece *piece = malloc(sizeof *piece + cap);
    if (!piece) abort();
    *piece = (struct piece){.p = piece->own, .cap = cap};
    list_add_tail(&q->pieces, &piece->node);
    return piece;
}

static void piece_free(struct piece *piece) {
    list_remove(&piece->node);
    free(piece);
}

static struct piece *first_piece(const struct outq *q) {
    return LIST_OWNER(q->pieces.next, struct piece, node);
}

void outq_init(struct outq *q) {
    list_init(&q->pieces);
    q->bytes = 0;
}

void outq_clear(struct outq *q) {
    while (!list_is_empty(&q->pieces)) piece_free(first_piece(q));
    q->bytes = 0;
}

void outq_add(struct outq *q, struct str bytes) {
    if (str_is_empty(bytes)) return;
    struct piece *last = list_is_empty(&q->pieces) ? NULL : LIST_OWNER(q->pieces.prev, struct piece, node);
    size_t room = last ? last->cap - (last->cap ? last->n : 0) : 0;
    if (room < bytes.n) {
        last = piece_new(q, bytes.n < PIECE_MIN ? PIECE_MIN : bytes.n);
    }
    memcpy(last->own + last->n, bytes.p, bytes.n);
    last->n += bytes.n;
    q->bytes += bytes.n;
}

void outq_add_borrowed(struct outq *q, struct str bytes) {
    if (str_is_empty(bytes)) return;
    struct piece *piece = piece_new(q, 0);
    piece->p = bytes.p;
    piece->n = bytes.n;
    q->bytes += bytes.n;
}

int outq_gather(const struct outq *q, struct iovec *ret, int max) {
    int n = 0;
    LIST_FOR_EACH (it, &q->pieces) {
        if (n == max) break;
        const struct piece *piece = LIST_OWNER(it, struct piece, node);
        ret[n++] = (struct iovec){(void *)(uintptr_t)(piece->p + piece->sent), piece->n - piece->sent};
    }
    return n;
}

void outq_drop(struct outq *q, size_t n) {
    q->bytes -= n;
    while (n > 0) {
        struct piece *piece = first_piece(q);
        size_t left = piece->n - piece->sent;
        if (n < left) {
            piece->sent += n;
            return;
        }
        n -= left;
        piece_free(piece);
    }
}
