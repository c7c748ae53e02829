/* notices.h - the gateway's own mail: what proves an address, what sets a password anew, what an operator or account is told.
 *
 * It goes the way of all mail: composed, written into the queue in the caller's transaction together with its token, signed and
 * delivered for the sender domain of its From, which must be an enabled one here. Links begin with the configured URL, never
 * with what a request calls this host (UI15).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_NOTICES_H
#define POSTHORN_CORE_NOTICES_H

#include "core/accept.h"
#include "store/account_tokens.h"
#include "store/accounts.h"
#include "store/domains.h"

struct notice_options {
    struct str from;     /* [mail] from; "": the gateway sends no mail of its own */
    struct str base_url; /* [http] base_url; "": the mail names no link, only the token */
    struct node_epoch owner;
    const struct rand *rand;
};
/* On a reader: may notices be sent, and for which domain? NOT_FOUND: no [mail] from, or its domain is not enabled here. */
WARN_UNUSED enum status notice_ready(struct db *tx, struct arena *arena, const struct notice_options *options,
                                     struct domain *ret_domain);

struct notice {
    enum account_token_purpose purpose;
    struct str to; /* the address, canonical */
    const struct account *account;
    int64_t now;
};
/* On the writer: make a token for the account, in place of its older ones, and mail it. *ret: for the scheduler, after COMMIT. An
 * account that was mailed within ACCOUNT_MAIL_EVERY_MS, one that is NULL (nobody's address) or deactivated gets nothing,
 * and the same is written nearly; then ret->entry_count is 0. NOT_FOUND: as notice_ready. */
WARN_UNUSED enum status notice_send(struct db *tx, struct arena *arena, const struct notice_options *options,
                                    const struct notice *notice, struct acceptance *ret);

/* Words to one person, that ask for nothing. */
struct notice_mail {
    struct str to; /* the address, as it came */
    struct str subject, text;
    int64_t life_ms, now;
};
/* On the writer: mail it, before all list mail. *ret: for the scheduler, after COMMIT. NOT_FOUND: as notice_ready, or no mail can
 * go to that address. */
WARN_UNUSED enum status notice_mail(struct db *tx, struct arena *arena, const struct notice_options *options,
                                    const struct notice_mail *mail, struct acceptance *ret);

#endif
