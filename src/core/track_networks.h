/* track_networks.h - where machines look at mail from: rows of a text file, NAME = networks (core/track_networks.conf says the
 * form). Immutable once read; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TRACK_NETWORKS_H
#define POSTHORN_CORE_TRACK_NETWORKS_H

#include "base/buf.h"
#include "base/status.h"
#include "proto/address/network.h"

#define TRACK_NETWORKS_BYTES_MAX (1u << 20)
#define TRACK_NETWORKS_ROWS_MAX  1000

struct track_networks;

/* Read a file's text; nothing of it is kept. INVALID: *ret_why is "line 12: ...", a sentence; *ret is untouched. */
WARN_UNUSED enum status track_networks_parse(struct str text, struct buf *ret_why, struct track_networks **ret);
/* The rows that are compiled in. */
struct track_networks *track_networks_builtin(void);
void track_networks_free(struct track_networks **n);

/* The name of the first row that has the address; "" of none, and where n is NULL. Valid while the rows are. */
struct str track_networks_find(const struct track_networks *n, const struct ip *ip);

#endif
