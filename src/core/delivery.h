/* delivery.h - one recipient on its way out: what an attempt needs from the store, and what its end writes back.
 *
 * delivery_load and delivery_load_source run on a reader, delivery_settle and delivery_withdraw on the writer; all work in the
 * transaction they are given. The state, the event and all else of one settlement are written together (P3); a row that is not
 * ours any more, or was settled since, is left alone and writes no event (P1, P2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_DELIVERY_H
#define POSTHORN_CORE_DELIVERY_H

#include "base/arena.h"
#include "base/id.h"
#include "core/bounce_class.h"
#include "core/dsn.h"
#include "core/render_track.h"
#include "core/sign.h"
#include "store/queue.h"

struct db;

struct delivery {
    bool is_report;  /* it goes out from <> */
    bool is_waiting; /* false: not ours, settled since, or gone: drop the entry, the rest is empty */
    int64_t recipient_id, message_id;
    int64_t domain_id;                   /* the sender domain's */
    int64_t key_id;                      /* sender key; 0: none */
    struct str address;                  /* of the recipient */
    struct str sender_domain, subdomain; /* the return path is at <subdomain>.<sender_domain> */
    int64_t expires_at;
    int message_tls, domain_tls; /* what the message and its sender's domain demand (enum tls_level) */
    struct str reason;           /* why it still waits: of the last attempt, "" before the first */
    bool is_personal;            /* its bytes are his alone (render_track.h) */
    struct str lost;             /* why it can never be sent: its message or sender domain is gone; "" otherwise */
};
/* All of *ret lives in `arena`. track: what is configured. entry: what the scheduler handed out; a row whose attempts or due time
 * differ from it (tried or moved since) is not waiting. Whether the node's life lasts is not judged here: the readers do
 * (store/writer.h), and the settlement. */
WARN_UNUSED enum status delivery_load(struct db *db, const struct render_track_setup *track, const struct queue_entry *entry,
                                      struct arena *arena, struct delivery *ret);

/* The pool of sources that it goes out from, in the arena; "" the default one (store/pools.h). A statement of its own, for
 * whoever has more than one pool. */
WARN_UNUSED enum status delivery_load_pool(struct db *db, const struct delivery *d, struct arena *arena, struct str *ret_pool);

/* What a letter is made of: for all recipients of a message, or for one. */
struct delivery_source {
    struct str domain;
    struct str content;   /* unsigned message as it is stored, CRLF */
    struct str signature; /* shared: header fields made by an earlier attempt; "" when to be made */
    bool is_personal;
    struct render_track track; /* personal */
    int64_t signed_at;         /* personal: the same at every try, so that a retry has the same bytes; wall. 0: now */
    struct sign_key keys[SIGN_KEYS_MAX];
    size_t key_count;
};
/* recipient_id 0: what they share. All of *ret lives in `arena`, and as long as `track`. NOT_FOUND: message, recipient, body or
 * sender domain is gone. */
WARN_UNUSED enum status delivery_load_source(struct db *db, const struct render_track_setup *track, int64_t message_id,
                                             int64_t recipient_id, struct arena *arena, struct delivery_source *ret);

/* Why mail fails whose sender domain is to send no more of it. */
#define DELIVERY_WHY_CLEARED "The sender domain's queue was cleared"
#define DELIVERY_WHY_DELETED "The sender domain was deleted"

enum delivery_outcome {
    DELIVERY_DELIVERED,
    DELIVERY_DEFERRED,  /* waits for next_at */
    DELIVERY_BOUNCED,   /* the other side said never, or the domain takes no mail */
    DELIVERY_POSTPONED, /* nobody was asked: it waits for next_at with its reason. No event, no attempt */
    DELIVERY_FAILED,    /* its life ended while it waited, or it is lost; counts as an attempt when report.command is given */
    DELIVERY_OUTCOME_COUNT
};
/* What ended an attempt; empty and zero fields are left out of the event. */
struct delivery_report {
    struct str site;                                /* key of the route */
    struct str mx_host, mx_address, source_address; /* addresses without port */
    struct str tls_version, tls_cipher, tls_policy; /* "opportunistic" */
    bool tls_verified;
    unsigned code; /* the reply */
    bool is_own;   /* it is our own verdict, no host said it */
    struct str enhanced, text;
    struct str command; /* what it answered: "CONNECT", "MAIL", "RCPT", "DATA", "." */
    int64_t session_ms; /* from the connection's start */
};
struct settlement {
    int64_t recipient_id;
    int64_t attempts; /* made before this one: delivery.attempts */
    enum delivery_outcome outcome;
    int64_t at;        /* wall */
    int64_t next_at;   /* DEFERRED, POSTPONED */
    struct str reason; /* why it waits or ended; "" when delivered. Capped at DELIVERY_REASON_MAX */
    struct delivery_report report;
    struct bounce_finding bounce;                /* BOUNCED: what the reply means */
    struct str signature;                        /* DEFERRED: keep it for the next attempt and for the others; "" otherwise */
    struct str track;                            /* likewise: how a letter of his own was edited (render_track.h) */
    struct str transcript;                       /* to be kept; "" none */
    struct str warming_source, warming_provider; /* whose day's ceiling it counts in (core/source_use.h); "" none */
};
#define DELIVERY_REASON_MAX 1024

/* Write one settlement. A deferral behind the end of the message's life, which may have come meanwhile, is its failure,
 * and so is one whose sender domain was deleted. *ret_applied false: the row was not waiting, not ours, or this attempt was
 * settled before; nothing is written. Running it twice, in one transaction or two, applies it once. A
 * 5xx of a class that says the address is of no use suppresses it, in the same transaction (P3, P9), where
 * a report to the sender is written as well (dsn.h). */
WARN_UNUSED enum status delivery_settle(struct db *db, struct dsn_desk *desk, const struct settlement *s, bool *ret_applied);

/* The sender's own end of a waiting recipient: state and a `failed` event with the reason. *ret_applied false: it does not wait
 * any more, nothing is written. It must not be in flight (core/queue.h, struct queue_hold). */
WARN_UNUSED enum status delivery_withdraw(struct db *db, int64_t recipient_id, enum recipient_state state, struct str reason,
                                          int64_t at, bool *ret_applied);

#endif
