/* attempt.h - one entry of the queue in flight, its letter, and how it ends.
 *
 * An attempt is in one place: loading, waiting for its letter, in lot->ready, on a connection, or settling. A letter is its
 * message, shared with the message's other recipients unless it differs for each (core/render_track.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_MTA_ATTEMPT_H
#define POSTHORN_MTA_ATTEMPT_H

#include "base/list.h"
#include "core/bounce.h"
#include "core/delivery.h"
#include "net/executor.h"
#include "net/loop.h"

struct mta;
struct site;
struct lot;
struct connection;

/* ---- attempt.c ---- */
struct attempt {
    struct list all;  /* mta->attempts */
    struct list node; /* lot->ready or letter->waiters */
    struct mta *mta;
    struct site *site;
    struct lot *lot;                 /* once it is loaded */
    const struct queue_entry *entry; /* the schedule's */
    struct arena arena;
    struct delivery delivery;
    struct str pool; /* of sources; "" where there is only one */
    struct buf sender, recipient;
    struct letter *letter;
    bool wants_7bit;       /* a host that takes no other letter was met */
    size_t reserved_bytes; /* of mta->letter_bytes, until there is a letter */
    struct job job;
    bool is_preparing; /* counted in site->preparing_count */
    bool is_connected; /* on a connection */
    bool is_job_out, is_applied;
    bool is_stale;    /* what is being loaded was decided about meanwhile */
    bool was_retried; /* on another connection, after a kept one had died (OB26) */
    struct timer again;
    struct settlement settlement;
    struct dsn_desk desk; /* for the settlement */
};
/* How an attempt ended. */
struct ending {
    enum bounce_verdict verdict;
    bool is_lost;         /* never to be sent, whatever the verdict */
    bool is_own;          /* code is our own verdict, no host said it */
    int64_t postponed_to; /* wall: nothing was tried, it waits for a source until
                             then; 0: no */
    unsigned code;        /* 0: no answer */
    struct str enhanced, text;
    struct str warming_source, warming_provider; /* it counts as sent there; no source: it does not */
    const char *command;
    const struct connection *connection; /* NULL: there was none */
};
void attempt_start(struct site *s, const struct queue_entry *entry);
/* Leave the connection, whose host takes seven bits only, for a letter of that kind (OB31). */
void attempt_go_7bit(struct attempt *a);
/* The letter is there. */
void attempt_ready(struct attempt *a);
/* Write the end; the attempt is gone after the commit. */
void attempt_settle(struct attempt *a, const struct ending *ending);
/* Its row is being read; a transaction began, or its end is being written. Neither: it waits for its letter or a connection. */
bool attempt_is_loading(const struct attempt *a);
bool attempt_has_begun(const struct attempt *a);
/* Give up one that waits for either: disk is asked again in `ms`. */
#define ATTEMPT_AGAIN_MS 1000
void attempt_take_back(struct attempt *a, int64_t ms);
/* Forget it; disk has it. Not while a job is out. */
void attempt_free(struct attempt *a);
void attempt_free_all(struct mta *m); /* but those at an executor or on a connection */

/* ---- hold.c ---- */
/* Whether somebody holds back what the attempt has loaded. */
bool hold_covers(const struct mta *m, const struct attempt *a);
void hold_free_all(struct mta *m);

/* ---- letter.c ---- */
/* A message, for all its recipients or for one, in the one form or the other. */
struct letter_id {
    int64_t message_id, recipient_id, is_7bit; /* recipient_id 0: shared */
};
struct letter {
    struct mta *mta;
    struct letter_id id;
    unsigned refs;
    bool is_loaded, is_made, is_signed_here; /* signed now, not by an earlier attempt */
    const char *unfit;                       /* why there can be none in seven bits */
    struct list waiters;
    struct arena arena;
    struct delivery_source source; /* until it is made */
    size_t counted_bytes;
    struct job job;
    struct buf signature, wire; /* wire: framed for DATA, final dot included */
    struct buf track;           /* how it was edited for its recipient */
    size_t size_bytes;          /* before framing */
    bool eightbit, utf8;        /* bytes above 127 in the body, in the header */
};
/* Whether there is memory for the entry's message. A large one leaves room for smaller ones. */
bool letter_has_room(const struct mta *m, const struct queue_entry *entry);
/* Count the letter's bytes before it is there. */
void letter_reserve(struct attempt *a);
void letter_unreserve(struct attempt *a);
/* Give the attempt its letter: attempt_ready now or later, or a settlement when it cannot be loaded or signed. */
void letter_attach(struct attempt *a);
void letter_unref(struct letter **l);

#endif
