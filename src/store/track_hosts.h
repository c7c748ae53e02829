/* track_hosts.h - the tracking hosts whose CNAME to us was seen: what a certificate may be asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_TRACK_HOSTS_H
#define POSTHORN_STORE_TRACK_HOSTS_H

#include "base/arena.h"
#include "base/status.h"

struct db;
struct track_host {
    int64_t domain_id, account_id;
    struct str name; /* "track.mail.example.com" */
};
struct track_host_list {
    struct track_host *items;
    size_t count;
};
/* Of domains that may send or are suspended (their old mail has links still), up to `limit` with domain_id > after_id, in order
 * of it. */
WARN_UNUSED enum status track_host_list(struct db *tx, struct arena *a, int64_t after_id, int limit, struct track_host_list *ret);

#endif
