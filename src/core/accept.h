/* accept.h - taking responsibility for a message: the one write between a request and its answer.
 *
 * On the writer, in one transaction: the idempotency key is judged, then message, body, recipients and their `send` events are
 * written, and the first answer under the key. Only after COMMIT may the answer leave and the entries go to the scheduler
 * (P1, P3, P7).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ACCEPT_H
#define POSTHORN_CORE_ACCEPT_H

#include "store/messages.h"
#include "store/queue.h"

#define ACCEPT_IDEMPOTENCY_KEY_MAX 256
#define ACCEPT_IDEMPOTENCY_LIFE_MS (INT64_C(24) * 3600 * 1000) /* an answer is remembered at least so long */

struct accept_recipient {
    struct str address; /* canonical, no two alike */
    struct str domain;  /* lower case A-labels */
};
enum accept_outcome {
    ACCEPT_NEW,      /* written */
    ACCEPT_REPLAYED, /* this request was accepted before: `first_answer` is what it got */
    ACCEPT_CONFLICT, /* the idempotency key was used for another request */
};
struct acceptance {
    /* Given; strings stay the caller's. */
    struct message message; /* uuid, account, domain, key, created_at, expires_at, sender, subject ... */
    struct str content;
    const struct accept_recipient *recipients;
    size_t recipient_count;
    int64_t due_at; /* later than created_at: scheduled */
    struct node_epoch owner;
    struct str idempotency_hash; /* SHA-256 of the key; "" none */
    struct str request_hash;     /* SHA-256 of the request */
    struct str answer;           /* what a new message is answered with */
    /* Made. */
    enum accept_outcome outcome;
    struct str first_answer;     /* REPLAYED; in the arena */
    struct queue_entry *entries; /* NEW: one a recipient, for the scheduler; in the arena */
    size_t entry_count;
};
/* May run more than once: the same message, no outputs left over. */
WARN_UNUSED enum status accept_run(struct db *tx, struct arena *arena, struct acceptance *a);
/* Rough bytes that accept_run() writes, for the batch's bound. */
size_t accept_bytes(const struct acceptance *a);

/* Drop addresses that are in the list already (the local part's case counts); returns the new count. */
size_t accept_unique(struct accept_recipient *recipients, size_t count);

#endif
