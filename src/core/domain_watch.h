/* domain_watch.h - decisions about a sender domain that no verification makes, with what follows for its mail; and what its
 * account is told of a look at its records.
 *
 * A suspended domain sends nothing: what is submitted is refused, and what waits is held, in slices (queue_orders.h), till it is
 * enabled again. Nothing is lost (P1): only the life of what is held goes on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_DOMAIN_WATCH_H
#define POSTHORN_CORE_DOMAIN_WATCH_H

#include "core/domains.h"
#include "core/notices.h"

/* On the writer: suspend or enable (forced) a domain, and order what is to become of its queue; whoever does such work is to be
 * woken after the commit (api/work.h). because: shown to the operator. *domain is renewed. */
WARN_UNUSED enum status domain_suspend(struct db *tx, struct domain *domain, struct str because, int64_t now);
WARN_UNUSED enum status domain_enable(struct db *tx, struct domain *domain, int64_t now);

struct domain_news {
    const struct domain *domain; /* as the look left it */
    const struct verify_report *report;
    enum domain_turn turn;
};
/* On the writer: tell the account's own address what a look found (P6: of this domain alone). *ret: for the scheduler;
 * entry_count 0: nothing was sent, since the account is not active or the gateway sends no mail of its own. */
WARN_UNUSED enum status domain_announce(struct db *tx, struct arena *arena, const struct notice_options *notices,
                                        const struct domain_news *news, struct acceptance *ret);

#endif
