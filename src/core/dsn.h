/* dsn.h - senders who submitted by SMTP hear what became of their mail, as far as they asked (RFC 3461): NOTIFY=SUCCESS when a
 * server has taken it, FAILURE when it never will arrive, or came back, DELAY when it still waits after DSN_DELAY_MS, once.
 *
 * A report is a message of the sender's domain, written in the transaction that settles what it tells, so there is one for each
 * end (P3). It goes out from <>, is about one recipient, and never about a report (BN14): what becomes of it is told to nobody.
 * The next server is not asked for reports, since bounces are to come to our return path: we answer for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_DSN_H
#define POSTHORN_CORE_DSN_H

#include "base/clock.h"
#include "proto/report/dsn.h"
#include "store/messages.h"
#include "store/queue.h"

#define DSN_DELAY_MS   (4 * 3600 * INT64_C(1000))
#define DSN_WHOLE_MAX  (256 * 1024) /* bytes of a message that RET=FULL brings back; of a bigger one the header */
#define DSN_HEADER_MAX (64 * 1024)  /* bytes of a header that is brought back; of a longer one the beginning */

/* What settlements are written with, and where the reports they made are collected: those are to be offered to the scheduler
 * after the commit. */
struct dsn_desk {
    struct node_epoch owner;
    struct str hostname; /* of this gateway */
    const struct rand *rand;
    bool tells_delays;   /* of SMTP mail that did not say what it wants, too */
    struct arena *arena; /* of entries */
    struct queue_entry *entries;
    size_t count;
};
/* Take back what was collected: first thing in a job that may run again. */
void dsn_desk_clear(struct dsn_desk *desk);

/* What happened. */
struct dsn_fact {
    enum dsn_action action;
    int64_t at;
    struct str remote_mta; /* who said it; "" nobody */
    unsigned code;         /* its reply, 0: none */
    struct str enhanced, reply;
    struct str reason; /* in words */
};
/* On the writer, after the state was written: a report, if the sender wants one and there is a domain to send it from. */
WARN_UNUSED enum status dsn_tell(struct db *tx, struct dsn_desk *desk, const struct message *message, const struct recipient *to,
                                 const struct dsn_fact *fact);

#endif
