/* source_use.h - choosing the source for a connection: who of the pool may send to this site now.
 *
 * Choice is by weight among those sources of a pool that reach one of the addresses in question, are not suspended, not paused
 * for the site, and have warm-up budget left at its provider today. So what warming sources may not take goes to the warm ones.
 * When nobody is left, the answer says since when and why not.
 *
 *   ceiling of (source, provider, UTC day) = spent (on disk: table source_counts) + reserved (in flight) + left
 *
 * The budget is reserved before a message is sent; a reservation becomes spent when its content was sent, else it is given back.
 * Providers are those with a row (core/provider.h), all other sites are one provider, "". Lives on mta's loop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SOURCE_USE_H
#define POSTHORN_CORE_SOURCE_USE_H

#include "core/source.h"
#include "store/source_counts.h"

#define SOURCE_SUSPENDED_MS 300000 /* an address that is not there is looked for again */

struct source_use;
/* table and rand must outlive it. */
struct source_use *source_use_new(const struct source_table *table, const struct rand *rand);
void source_use_free(struct source_use **u);

/* The pool of a domain or key: the default one when the configuration knows its name no more, which is logged once. */
const struct source_pool *source_pool_get(struct source_use *u, struct str name);

enum source_obstacle {
    SOURCE_FREE,      /* there is a source */
    SOURCE_NO_FAMILY, /* none of the pool reaches an address of these families */
    SOURCE_SUSPENDED, /* its address is not on this machine */
    SOURCE_PAUSED,    /* all that reach it are paused for the site */
    SOURCE_SPENT,     /* all that are left are warming and had their day's mail */
};
struct source_question {
    const struct source_pool *pool;
    unsigned families;   /* SOURCE_OF_...: of the addresses that may be tried */
    struct str provider; /* "": none with a row */
    int64_t now;         /* wall */
    /* NULL, or whether the source may not send to this site just now; *ret_until: until when at least (wall). */
    bool (*is_paused)(void *arg, const struct source *source, int64_t *ret_until);
    void *arg;
};
struct source_choice {
    const struct source *source; /* NULL: nobody, see the rest */
    enum source_obstacle obstacle;
    const struct source *nearest; /* whose obstacle that is: the one that ends first; NULL with SOURCE_NO_FAMILY */
    int64_t until;                /* wall: before then asking again is no use; INT64_MAX: not without another configuration */
};
struct source_choice source_choose(struct source_use *u, const struct source_question *question);
/* "Warm-up: source a had its day's mail to google, until 2026-11-24 00:00:00 UTC": for an operator. */
void source_choice_why(struct buf *out, const struct source_question *question, const struct source_choice *choice);

/* Take one message's budget; always true for a warm source, which costs nothing. */
WARN_UNUSED bool source_reserve(struct source_use *u, const struct source *s, struct str provider, int64_t now);
/* Its end: with is_sent it is spent on the day of `now`. Once for each true answer of source_reserve. True: the settlement that
 * writes this end must count it too (source_counts.h). */
bool source_settle(struct source_use *u, const struct source *s, struct str provider, bool is_sent, int64_t now);
/* What was spent on the day of `now` before this process began: read on a reader, once, and taken up. Of a source that is not
 * configured any more nothing is. */
bool source_counts_matter(const struct source_use *u, int64_t now); /* whether any source is warming */
WARN_UNUSED enum status source_counts_fetch(struct db *db, struct arena *arena, int64_t now, struct source_count_list *ret);
void source_counts_load(struct source_use *u, const struct source_count_list *counts);

/* Its address turned out not to be there (OB33): nobody chooses it for SOURCE_SUSPENDED_MS. True: it was not suspended yet. */
bool source_suspend(struct source_use *u, const struct source *s, int64_t now);
/* It was bound to: true when it had been suspended. */
bool source_resume(struct source_use *u, const struct source *s);

/* How far a warming source is with each provider that it sent to today, and with "" in any case, for an operator. */
struct source_progress {
    struct str provider;
    uint32_t spent, reserved, ceiling;
};
typedef void (*source_progress_fn)(void *arg, const struct source_progress *progress);
void source_progress_each(const struct source_use *u, const struct source *s, int64_t now, source_progress_fn fn, void *arg);

#endif
