/* crowd.h - who is connected, and how much of their mail is in memory: one count for all servers that share it (P8).
 *
 * Whoever is told by an address has a cap of connections (AU21, LM13) and half of the memory that the others leave, so that one
 * of them never fills what all need. IPv6 counts by /64. Who has no address (a Unix socket) counts in the totals only. Any
 * thread; a lock is taken when a connection comes or goes and when a mail's memory grows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_CROWD_H
#define POSTHORN_SMTPD_CROWD_H

#include "proto/address/network.h"

struct crowd;
struct crowd_bounds {
    size_t connections_max, per_address_max, content_bytes_max; /* 0: the default */
};
struct crowd *crowd_new(const struct crowd_bounds *bounds);
/* NULL inside is fine. Nobody may be in it any more. */
void crowd_free(struct crowd **c);

/* One more connection. False: full, nobody was counted. */
bool crowd_enter(struct crowd *c);
void crowd_leave(struct crowd *c);
/* It is this client's. False: he has as many as he may; nothing was counted. */
bool crowd_take_address(struct crowd *c, const struct ip *client);
void crowd_give_address(struct crowd *c, const struct ip *client);
/* The client's mail in memory went from `before` to `now` bytes; counted in any case. False: that is more than his share. */
bool crowd_move_content(struct crowd *c, const struct ip *client, size_t before, size_t now);
/* More than four of five places are taken: waits and patience shrink (LM18). */
bool crowd_is_stressed(struct crowd *c);

#endif
