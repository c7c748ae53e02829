/* operator_filter.h - which recipients the operator means: the parameters that all verbs about the queue share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_OPERATOR_FILTER_H
#define POSTHORN_API_OPERATOR_FILTER_H

#include "api/call.h"
#include "core/queue_orders.h"

/* Rows of a table of parameters, and the refusals they may lead to. */
#define OPERATOR_FILTER_PARAMS                                                                                                   \
    {"Domain", PARAM_DOMAIN, false, 0, 0, 0, 253, "To this domain"},                                                             \
        {"Sender", PARAM_DOMAIN, false, 0, 0, 0, 253, "From this sender domain"},                                                \
        {"Account", PARAM_TEXT, false, 0, 0, 0, 254, "Of the account with this e-mail address"},                                 \
        {"MessageID", PARAM_UUID, false, 0, 0, 0, 0, "Of this message"},                                                         \
        {"Recipient", PARAM_EMAIL, false, 0, 0, 0, 0, "To this address"},                                                        \
        {"Site", PARAM_TEXT, false, 0, 0, 0, 512, "To the domains that this site's hosts take mail for"},                        \
        {"OlderThan", PARAM_TEXT, false, 0, 0, 0, 20, "Accepted at least so long ago: 90s, 30m, 2h, 3d"},                        \
        {"State", PARAM_CHOICE, false, 0, 0, 0, 0, "In this state", "scheduled,queued,held"}, {                                  \
        "Reason", PARAM_TEXT, false, 0, 0, 0, 200, "Whose reason for waiting holds these words"                                  \
    }
#define OPERATOR_FILTER_REFUSALS                                                                                                 \
    {1, 0, "No such account"}, {2, 0, "No such sender domain"},                                                                  \
        {3, 0, "Several accounts have this sender domain: name the account"}, {4, 0, "No such message"}, {                       \
        5, 0, "No such site is known to deliveries now"                                                                          \
    }

/* On a reader: the call's filter. sites: the domains of Site, sorted (NULL: it was not given). Refused when something it names
 * does not exist. */
WARN_UNUSED enum status operator_filter(struct call *c, struct db *db, const struct str *site_domains, size_t site_domain_count,
                                        struct queue_filter *ret);
/* Is any of the parameters given? */
bool operator_filter_is_given(const struct call *c);
/* "90s", "30m", "2h", "3d": above zero, at most ten years. */
WARN_UNUSED bool operator_duration(struct str text, int64_t *ret_ms);
/* On a reader: the account of parameter Account; SCOPE_ANY when it was not given. Refused with 1 when there is none. */
WARN_UNUSED enum status operator_account(struct call *c, struct db *db, int64_t *ret_id);

#endif
