/* suppressions.h - whom an account must not write to, found by the SHA-256 of the lower-case address, so that the entry of an
 * erased person works on without the address. An entry covers everything the account sends (list 0) or one list.
 *
 * Lists are read in pages by id, which stay as fast at a million entries as at ten.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_STORE_SUPPRESSIONS_H
#define POSTHORN_STORE_SUPPRESSIONS_H

#include "base/arena.h"
#include "db/db.h"

/* What put the address there. Stored: never renumber. */
enum suppression_source {
    SUPPRESSION_NONE, /* of an address that is not suppressed; never stored */
    SUPPRESSION_ADMINISTRATOR,
    SUPPRESSION_USER,
    SUPPRESSION_COMPLAINT,
    SUPPRESSION_BOUNCE,
    SUPPRESSION_UNSUBSCRIBE,
    SUPPRESSION_SOURCES
};
#define SUPPRESSION_BIT(source) (1U << (source))

struct suppression {
    int64_t id;
    int64_t account_id;
    int64_t list_id;         /* 0: everything of the account */
    struct str address;      /* lower case; "" when the person was erased */
    struct str address_hash; /* SHA-256 of the lower-case address */
    enum suppression_source source;
    struct str reason; /* in words; may be "" */
    int64_t event_id;  /* what happened; 0: somebody said so */
    int64_t created_at;
};
struct suppression_list {
    struct suppression *items;
    size_t count;
};

/* Whose entries, and what is being sent to: a list, or 0. */
struct suppression_scope {
    int64_t account_id, list_id;
};
/* How many hashes one match takes. */
#define SUPPRESSION_MATCH_MAX 20
/* The entries of the account - those of list 0, and of `list_id` - that any of the `count` (1 to SUPPRESSION_MATCH_MAX) hashes
 * has; reader or writer. */
WARN_UNUSED enum status suppression_match(struct db *tx, struct arena *a, const struct suppression_scope *scope,
                                          const struct str *hashes, size_t count, struct suppression_list *ret);
/* Add; id is ignored. EXISTS: the address stands in that list, and stays as it is. */
WARN_UNUSED enum status suppression_insert(struct db *tx, const struct suppression *entry, int64_t *ret_id);
/* A wish not to be written to becomes evidence that it is of no use, or of a complaint: transactional mail does not go there any
 * more either. The reason says that there was a wish. NOT_FOUND: the address does not stand in that list, or not by a wish. */
WARN_UNUSED enum status suppression_harden(struct db *tx, const struct suppression *entry);
/* NOT_FOUND: not in that list (0: the account's own) of the account. */
WARN_UNUSED enum status suppression_delete(struct db *tx, int64_t account_id, int64_t list_id, struct str address_hash);

/* What a page shows: entries of one list (0: the account's own). */
struct suppression_filter {
    int64_t account_id, list_id;
    struct str prefix, suffix; /* lower case: how addresses start and end; "" any */
    bool is_exact;             /* the address is `prefix` */
    unsigned sources;          /* SUPPRESSION_BIT()s */
    int64_t after_id;          /* entries above this id */
    int64_t skip, limit;
};
/* In order of id. */
WARN_UNUSED enum status suppression_browse(struct db *tx, struct arena *a, const struct suppression_filter *filter,
                                           struct suppression_list *ret);
/* How many entries the filter has, whatever its page. */
WARN_UNUSED enum status suppression_total(struct db *tx, const struct suppression_filter *filter, int64_t *ret);
/* The same by source (three times the work of a total), indexed by enum suppression_source. */
WARN_UNUSED enum status suppression_count(struct db *tx, const struct suppression_filter *filter,
                                          int64_t ret_counts[SUPPRESSION_SOURCES]);

#endif
