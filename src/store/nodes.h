/* nodes.h - machines that own queue rows, and their lives.
 *
 * Each start of a node raises its epoch; who holds an older one can settle nothing any more (queue.h). A node is known by its
 * name: the name must stay the same over restarts, else its queue waits for it in vain.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_NODES_H
#define POSTHORN_STORE_NODES_H

#include "store/queue.h"

/* Register the node if it is new, begin its next epoch. Once, before anything is delivered. */
WARN_UNUSED enum status node_start(struct db *tx, struct str name, int64_t now, struct node_epoch *ret);
/* The node's latest life, as it stands; NOT_FOUND when it never had one. */
WARN_UNUSED enum status node_find(struct db *tx, struct str name, struct node_epoch *ret);
/* Is this still the node's latest life? */
WARN_UNUSED enum status node_is_current(struct db *tx, const struct node_epoch *node, bool *ret);
/* The same in a writing transaction, and while it lasts no other life can begin: what it commits, the next life finds. */
WARN_UNUSED enum status node_hold(struct db *tx, const struct node_epoch *node, bool *ret);

#endif
