/* suppressions.h - whom an account must not write to: asked at acceptance, fed by its owner and by authentic evidence (P9).
 *
 * An entry of list 0 covers everything the account sends; one of a list covers what is sent to that list; a refused tag covers
 * what has it. An address is compared in lower case, the local part too; "a+tag@x" and "a@x" are two addresses (AD13). One
 * account's entries never touch another's (P6, TN04).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SUPPRESSIONS_H
#define POSTHORN_CORE_SUPPRESSIONS_H

#include "crypto/digest.h"
#include "store/suppressions.h"
#include "store/tag_refusals.h"

#define SUPPRESSION_REASON_MAX 250

/* "Hard Bounced" of SUPPRESSION_BOUNCE and so on; "" of SUPPRESSION_NONE. Static. */
struct str suppression_source_name(enum suppression_source source);
/* Its inverse, without regard to case. */
bool suppression_source_parse(struct str name, enum suppression_source *ret);

/* What an address (canonical, in any case) is found by. */
struct sha256 suppression_hash(struct str address);

/* Reader or writer: which of `count` addresses may not be written to when something is sent to `list_id` (0: to no list).
 * ret[i] is the source of an entry that covers address i, "Unsubscribe" only where there is no other, or SUPPRESSION_NONE. */
WARN_UNUSED enum status suppressions_check(struct db *tx, const struct suppression_scope *scope, const struct str *addresses,
                                           size_t count, enum suppression_source *ret);

/* On the writer: suppress an address. address (canonical, in any case), account_id, list_id, source, reason (cut to
 * SUPPRESSION_REASON_MAX), event_id and created_at are read. An address that stands in that list already stays as it is; but a
 * bounce or a complaint takes the place of an unsubscribe. */
WARN_UNUSED enum status suppression_add(struct db *tx, const struct suppression *entry, bool *ret_is_new);
/* On the writer: take it out again. NOT_FOUND: it does not stand in that list of the account. */
WARN_UNUSED enum status suppression_remove(struct db *tx, const struct suppression_scope *scope, struct str address);

/* Tags that a person may refuse at an account; one more is a refusal of everything. */
#define SUPPRESSION_TAGS_MAX 100
/* On the writer: the address gets no more mail of the account with this tag. account_id, tag, event_id and created_at are read.
 */
WARN_UNUSED enum status suppression_refuse_tag(struct db *tx, const struct tag_refusal *refusal, struct str address,
                                               bool *ret_is_new);

/* Somebody that a message is to be sent to, and what stands against it. */
struct suppression_case {
    struct str address;    /* canonical, in any case */
    struct str tags;       /* the message's: JSON array */
    bool is_transactional; /* by its stream: who unsubscribed gets it all the same, unless the account says otherwise */
    /* Found. */
    enum suppression_source source; /* NONE: it may be sent */
    struct str tag;                 /* that he refuses, in the arena; "": it is not about a tag */
};
/* Reader or writer: judge them all. */
WARN_UNUSED enum status suppressions_judge(struct db *db, struct arena *arena, const struct suppression_scope *scope,
                                           struct suppression_case *cases, size_t count);

#endif
