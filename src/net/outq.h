/* outq.h - bytes on their way out of a stream: copied pieces and borrowed ones, in order. net's own; one thread.
 *
 * Copied bytes gather in the last piece while it has room, so many small writes leave in one go.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_OUTQ_H
#define POSTHORN_NET_OUTQ_H

#include "base/list.h"
#include "base/str.h"

#include <sys/uio.h>

struct outq {
    struct list pieces;
    size_t bytes; /* not yet dropped */
};
void outq_init(struct outq *q);
void outq_clear(struct outq *q);
void outq_add(struct outq *q, struct str bytes);
/* The bytes must stay valid until they are dropped or the queue is cleared. */
void outq_add_borrowed(struct outq *q, struct str bytes);
/* Fill up to `max` slices from the front; returns how many. */
int outq_gather(const struct outq *q, struct iovec *ret, int max);
/* The first n bytes are sent. */
void outq_drop(struct outq *q, size_t n);

#endif
