/* list_sends.h - one message to each active subscriber of a list, worked off in slices in the background.
 * The state of the work is the row: `position` is the last subscriber that is done, and moves in the transaction that stores the
 * messages up to it, so nobody is written to twice or left out, whenever the process dies (P1, P2).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_LIST_SENDS_H
#define POSTHORN_STORE_LIST_SENDS_H

#include "base/arena.h"
#include "base/id.h"
#include "base/status.h"
#include "store/scope.h"

struct db;

/* Stored numbers: never renumber. */
enum list_send_state { LIST_SEND_OPEN = 0, LIST_SEND_DONE = 1, LIST_SEND_CANCELLED = 2, LIST_SEND_FAILED = 3 };
struct list_send {
    int64_t id;
    struct id uuid; /* the API's ListSendID, and MessageID of the answer to the request */
    int64_t account_id;
    int64_t domain_id;
    int64_t key_id; /* sender key; 0: the operator */
    int64_t list_id;
    struct str request; /* the request's parameters, JSON object */
    enum list_send_state state;
    int64_t position;   /* id of the last subscriber that is done */
    int64_t up_to;      /* id of the last one that belongs to it */
    int64_t total;      /* active subscribers when it was asked for */
    int64_t sent;       /* messages stored */
    int64_t suppressed; /* of those: recorded, but not delivered */
    int64_t skipped;    /* subscribers for whom no message could be made */
    struct str reason;  /* why it waits, or why it ended early; "" */
    int64_t created_at;
    int64_t due_at;      /* SendAt */
    int64_t finished_at; /* 0: open */
};
struct list_send_page {
    struct list_send *items;
    size_t count;
};
/* Add an open one from uuid, account, domain, key, list, request, up_to, total, created_at, due_at. EXISTS: the uuid is taken. */
WARN_UNUSED enum status list_send_add(struct db *tx, const struct list_send *send, int64_t *ret_id);
/* By number, whoever's: for the gateway's own work. */
WARN_UNUSED enum status list_send_get(struct db *tx, struct arena *a, int64_t id, struct list_send *ret);
/* NOT_FOUND when absent, another account's or another domain's; `domain_id` may be SCOPE_ANY. `request` is left out. */
WARN_UNUSED enum status list_send_find(struct db *tx, struct arena *a, int64_t account_id, int64_t domain_id, struct id uuid,
                                       struct list_send *ret);
struct list_send_query {
    int64_t account_id;
    int64_t domain_id; /* or SCOPE_ANY */
    int64_t before_id; /* id < before_id; 0: from the newest */
    int limit;
};
/* Newest first. `request` is left out. */
WARN_UNUSED enum status list_send_page(struct db *tx, struct arena *a, const struct list_send_query *query,
                                       struct list_send_page *ret);

/* A slice is stored: move on from `seen_position`. NOT_FOUND: it is not open any more, or another slice was faster; then nothing
 * of this one may stand. */
struct list_send_step {
    int64_t id, seen_position;
    int64_t position, sent, suppressed, skipped; /* the new place; how many more */
};
WARN_UNUSED enum status list_send_advance(struct db *tx, const struct list_send_step *step);
/* Why it waits; "" when it goes on. */
WARN_UNUSED enum status list_send_wait(struct db *tx, int64_t id, struct str reason);
/* Close an open one; its request is dropped. NOT_FOUND: it was not open. */
WARN_UNUSED enum status list_send_close(struct db *tx, int64_t id, enum list_send_state state, struct str reason, int64_t now);

/* Open work, for the driver (api/work.h). */
#define OPEN_WORK_MAX 2000
struct open_work {
    int64_t id, account_id;
};
struct open_work_list {
    struct open_work *items;
    size_t count;
};
/* Open ones, the `per_account` oldest of each account; at most OPEN_WORK_MAX. */
WARN_UNUSED enum status list_send_open(struct db *tx, struct arena *a, int per_account, struct open_work_list *ret);

#endif
