/* tracking.h - what the tracking host reads of the configuration and of files: networks of machines, a database of countries.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_TRACKING_H
#define POSTHORN_APP_TRACKING_H

#include "app/config.h"
#include "track/tracker.h"

/* The keys of links, [track] key_version down to oldest_key. */
struct track_keys tracking_keys(const struct config *c, const struct seal_key *master);
/* The gateway's own host in links, as [track] base_url has it; without one, [delivery] hostname, which is good in any case. */
struct str tracking_host(const struct config *c);
/* Read the files anew, [track] networks and countries. On failure the tracker keeps what it had. */
WARN_UNUSED enum status tracking_load(const struct config *c, struct tracker *tracker, struct buf *ret_why);

#endif
