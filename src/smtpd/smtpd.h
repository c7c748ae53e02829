/* smtpd.h - SMTP in: the connections of one listener, all on one loop.
 *
 * Gives every connection a session (session.h), its deadlines and its bounds; the role's mails go to the writer as jobs, and
 * 250 leaves after COMMIT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_SMTPD_SMTPD_H
#define POSTHORN_SMTPD_SMTPD_H

#include "base/metrics.h"
#include "core/return_path.h"
#include "net/executor.h"
#include "net/stream.h"

struct smtpd;
struct smtpd_options {
    struct loop *loop;
    struct executor *writer;
    struct metrics *metrics;                /* may be NULL */
    const struct seal_key *return_path_key; /* copied; core/return_path.h */
    struct str hostname;                    /* copied */
    size_t connections_max;                 /* 0: 1,000; beyond: 421 */
    size_t content_max_bytes;               /* of all mails in memory at once; 0: 256 MiB; beyond: 452 (P8) */
};
/* The sandbox's last hop: role `inbox`. */
struct smtpd *smtpd_new_inbox(const struct smtpd_options *options);
/* Fits listener_accept_fn: `server` is a struct smtpd, loop its own. Takes fd. */
void smtpd_accept(void *server, struct loop *loop, int fd, const struct net_address *peer);
/* Answer 421 and close; a mail at the writer is waited for. `done` is called on the loop when the last connection is gone,
 * after ms_max at the latest. */
void smtpd_stop(struct smtpd *s, int64_t ms_max, void (*done)(void *arg), void *arg);
/* After smtpd_stop's done, or when the loop runs no more. */
void smtpd_free(struct smtpd **s);

#endif
