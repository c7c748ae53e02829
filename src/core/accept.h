/* accept.h - taking responsibility for messages: the one write between a request and its answer.
 *
 * On the writer, in one transaction: who is suppressed and what the group's limits leave is judged, then message, body,
 * recipients and their `send` events are written, and the first answer under the idempotency key. Only after COMMIT may the
 * answer leave and the entries go to the scheduler (P1, P3, P7).
 *
 *     accept_recall(key)?   accept_begin   accept_request ... accept_request   accept_end   accept_remember(key, answer)?
 *
 * A request is refused before the first of its writes, and a refused one leaves the others of the transaction as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ACCEPT_H
#define POSTHORN_CORE_ACCEPT_H

#include "core/content.h"
#include "core/quota.h"
#include "proto/json/json_write.h"
#include "store/messages.h"
#include "store/queue.h"

#define ACCEPT_IDEMPOTENCY_KEY_MAX 256
#define ACCEPT_IDEMPOTENCY_LIFE_MS (INT64_C(24) * 3600 * 1000) /* how long an answer is remembered */

struct accept_recipient {
    struct str address;   /* canonical, no two alike */
    struct str domain;    /* lower case A-labels */
    unsigned dsn_notify;  /* bits of enum smtp_notify; 0 not said */
    struct str dsn_orcpt; /* "" not said */
};
/* One message; given, but for the entries. */
struct acceptance {
    struct message message; /* uuid, account, domain, key, created_at, expires_at, sender, subject ... */
    struct str content;
    struct buf room;       /* memory behind content that accept_request_fini() frees; may be empty */
    struct content packed; /* by accept_pack(), instead of content; freed like room */
    const struct accept_recipient *recipients;
    size_t recipient_count;
    int64_t due_at; /* later than created_at: scheduled */
    int priority;
    bool is_transactional; /* by its stream (core/suppressions.h) */
    struct node_epoch owner;
    struct queue_entry *entries; /* one a recipient that is waiting, for the scheduler; in the arena */
    size_t entry_count;
};
enum accept_outcome {
    ACCEPT_REFUSED,    /* by the caller before it came here; nothing was done */
    ACCEPT_NEW,        /* written; suppressed ones are, too, if there are others, in their state and with an event each */
    ACCEPT_SUPPRESSED, /* nobody is left to write to: nothing was written */
    ACCEPT_GONE,       /* the sender domain was deleted since it was judged: nothing was written (TN15) */
    ACCEPT_OVER_LIMIT, /* of the day, month or second (verdict): nothing was written */
    ACCEPT_REPLAYED,   /* for callers of accept_recall */
    ACCEPT_CONFLICT,
};
/* What one request made: messages that stand or fall together. */
struct accept_request {
    struct acceptance *messages;
    size_t message_count;
    int64_t list_id;       /* that it is sent to; 0: none */
    bool keeps_suppressed; /* written though nobody is left: a list's share, whose other recipients come later */
    /* Made. */
    enum accept_outcome outcome;
    enum quota_verdict verdict;
    struct str *suppressed; /* addresses, in the arena */
    size_t suppressed_count;
};
void accept_request_fini(struct accept_request *request);
/* Its content as it will be stored, so that the writer need not; what it was made of goes. Short ones stay as they are. Pure, but
 * see content_pack() for its cost and for share_min. */
void accept_pack(struct acceptance *a, size_t share_min);
/* Bytes of memory that its content takes. */
size_t accept_held(const struct acceptance *a);
/* The Message-ID of a message that brings none, without its brackets. */
struct str accept_message_id(struct arena *arena, struct id uuid, struct str domain);
/* Rough bytes that writing it takes, for the batch's bound. */
size_t accept_bytes(const struct accept_request *request);

/* Write one message as it is, whatever is suppressed or left: the gateway's own mail. May run more than once: the same message,
 * no outputs left over. */
WARN_UNUSED enum status accept_run(struct db *tx, struct arena *arena, struct acceptance *a);

/* Whose requests a transaction takes. */
struct acceptor {
    int64_t key_id;     /* 0: the operator */
    struct quota quota; /* account_id, now and limits are given */
};
WARN_UNUSED enum status accept_begin(struct db *tx, struct acceptor *by);
/* Judge and write one. May run more than once, as above. */
WARN_UNUSED enum status accept_request(struct db *tx, struct arena *arena, struct acceptor *by, struct accept_request *request);
/* Write what was counted, and that the key was used. */
WARN_UNUSED enum status accept_end(struct db *tx, const struct acceptor *by);

/* An Idempotency-Key: keys of two accounts or sender keys never meet (TN03). */
struct accept_key {
    struct str key_hash;     /* SHA-256 of the key; "": there is none */
    struct str request_hash; /* SHA-256 of the request */
};
/* NEW: no such key within its life. REPLAYED: *ret_answer is what this request got, in the arena. CONFLICT: the key was used for
 * another request. */
WARN_UNUSED enum status accept_recall(struct db *tx, struct arena *arena, const struct acceptor *by, const struct accept_key *key,
                                      struct str *ret_answer, enum accept_outcome *ret);
WARN_UNUSED enum status accept_remember(struct db *tx, const struct acceptor *by, const struct accept_key *key,
                                        struct str answer);

/* Drop addresses that are in the list already (the local part's case counts); returns the new count. */
size_t accept_unique(struct accept_recipient *recipients, size_t count);

#endif
