/* erasures.h - people who are to be forgotten: the orders, and the rows that know them. What is done in which order is
 * core/erase.h's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_ERASURES_H
#define POSTHORN_STORE_ERASURES_H

#include "base/arena.h"
#include "base/status.h"

#include <stdint.h>

struct db;

#define ERASURE_EVERYBODY INT64_C(0) /* account_id: all accounts forget the person, for the operator said so */

struct erasure {
    int64_t id, account_id;
    struct str address_hash;
    struct str address; /* lower case; "" when it is done */
    int stage;          /* enum erase_stage */
    int64_t place;      /* how far the stage is */
    int64_t left_over;  /* passed by in this walk, for somebody waits for it */
    int64_t events, recipients, bodies;
    int64_t created_at, look_at, finished_at;
};
struct erasure_list {
    struct erasure *items;
    size_t count;
};
/* Add; id is ignored. */
WARN_UNUSED enum status erasure_add(struct db *tx, const struct erasure *erasure, int64_t *ret_id);
/* Write all but account, hash and created_at. */
WARN_UNUSED enum status erasure_set(struct db *tx, const struct erasure *erasure);
/* account_id: whose (SCOPE_ANY: any). */
WARN_UNUSED enum status erasure_get(struct db *tx, struct arena *a, int64_t account_id, int64_t id, struct erasure *ret);
/* The open one that is due first; NOT_FOUND: none is due at `now`. */
WARN_UNUSED enum status erasure_due(struct db *tx, struct arena *a, int64_t now, struct erasure *ret);
/* Orders of an account in work. */
WARN_UNUSED enum status erasure_count_open(struct db *tx, int64_t account_id, int64_t *ret);
/* Newest first. */
WARN_UNUSED enum status erasure_page(struct db *tx, struct arena *a, int64_t account_id, int64_t before_id, int limit,
                                     struct erasure_list *ret);

/* The next account by number; NOT_FOUND: no more. */
WARN_UNUSED enum status erasure_account_next(struct db *tx, int64_t after, int64_t *ret_id);
/* In the account's lists, suppressions and refused tags. Why he was suppressed becomes `reason`: a host's words name him as often
 * as not. *ret_count: rows that knew him. */
WARN_UNUSED enum status erasure_clear_lists(struct db *tx, const struct erasure *erasure, int64_t account_id, struct str reason,
                                            int64_t *ret_count);

/* His rows among the next `look` recipients of anybody, at most `limit`; the piece ends at *ret_place. */
struct erasure_find {
    int64_t id, message_id, account_id;
    bool is_waiting; /* or held */
};
struct erasure_found {
    struct erasure_find *items;
    size_t count;
    int64_t place;
    bool is_end;
};
WARN_UNUSED enum status erasure_find_recipients(struct db *tx, struct arena *a, const struct erasure *erasure, int look,
                                                struct erasure_found *ret);
/* How many recipients a message has, and how many of them wait. */
WARN_UNUSED enum status erasure_count_recipients(struct db *tx, int64_t message_id, int64_t *ret_all, int64_t *ret_waiting);
/* The oldest of his events there, at most EVENT_REMOVE_MAX. */
WARN_UNUSED enum status erasure_delete_events(struct db *tx, const struct erasure_find *of, int64_t *ret_count);
/* With the dialogues. */
WARN_UNUSED enum status erasure_delete_recipient(struct db *tx, const struct erasure_find *of);
/* With all that hangs on it; its events are gone already. */
WARN_UNUSED enum status erasure_delete_message(struct db *tx, int64_t id);

/* Orders of the account (or of anybody) about what waited that name him, those that are over and those made for this reason:
 * there is nothing left for them. `quoted`: the address as JSON spells it, in lower case. At most some hundreds of rows are
 * looked at. */
WARN_UNUSED enum status erasure_delete_orders(struct db *tx, int64_t account_id, struct str quoted, struct str reason);

/* The next mails that the sandbox received, and their removal. */
struct erasure_mail {
    int64_t id, account_id;
    struct str recipients; /* JSON */
};
struct erasure_mail_list {
    struct erasure_mail *items;
    size_t count;
};
WARN_UNUSED enum status erasure_inbox_page(struct db *tx, struct arena *a, int64_t after_id, int limit,
                                           struct erasure_mail_list *ret);
WARN_UNUSED enum status erasure_delete_mail(struct db *tx, int64_t id);
/* All that it received of a message, whoever it was for. */
WARN_UNUSED enum status erasure_delete_mails_of(struct db *tx, int64_t message_id);

#endif
