/* erase.h - forgetting a person: all that an account (or every one) has of an address goes, but for its hash in the list of those
 * who are not written to.
 *
 *   LISTS ──► RECIPIENTS ──► INBOX ──► DONE        erase_slice, on the writer; each step is a transaction, and the row its place
 *               ^    │
 *               └────┘ somebody waits for a message: an hour later again
 *
 * What goes: events, recipients with their dialogues, contents; the message itself where nobody else got it; subscribers; mails
 * that the sandbox received, others' of the same messages too; address and reason in suppressions and refused tags, where the
 * hash goes on; orders about what waits that named him. What stays: numbers, which name nobody, and what other recipients of a
 * message got: of that its content goes as well, for its header may name the person. Nothing that waits is taken away here (P1):
 * whoever orders it fails or cancels that first (core/queue_orders.h), else it is erased once it has ended, which is in days.
 * Reports on a message, which quote it to its sender, go with their own time; so do copies of the database. In
 * SQLite's file the letters of a word that no message has any more stand in the index of words, found by nobody, until its pages
 * are merged.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ERASE_H
#define POSTHORN_CORE_ERASE_H

#include "store/erasures.h"

/* Stored numbers: never renumber. */
enum erase_stage { ERASE_LISTS = 0, ERASE_RECIPIENTS = 1, ERASE_INBOX = 2, ERASE_DONE = 3 };
/* "lists" ..., static. */
const char *erase_stage_text(enum erase_stage stage);

/* Of one slice. */
#define ERASE_ACCOUNTS_MAX 100
#define ERASE_LOOK_MAX     5000               /* recipients, of anybody */
#define ERASE_FOUND_MAX    100                /* of his; fewer where they have many events (EVENT_REMOVE_MAX) */
#define ERASE_BYTES_MAX    (INT64_C(4) << 20) /* of contents; a bigger one goes alone */
#define ERASE_INBOX_MAX    500
#define ERASE_AGAIN_MS     INT64_C(3600000)
#define ERASE_REASON       "Erased at the person's wish"

/* On the writer: order it, of one account or ERASURE_EVERYBODY. INVALID: no address. */
WARN_UNUSED enum status erase_begin(struct db *tx, int64_t account_id, struct str address, int64_t now, int64_t *ret_id);
/* On the writer: a piece of the order that is due first. NOT_FOUND: none is due. *ret is how it stands then. */
WARN_UNUSED enum status erase_slice(struct db *tx, struct arena *arena, int64_t now, struct erasure *ret);

#endif
