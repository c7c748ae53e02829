/* domains.h - sender domains: their keys, the DNS records to publish, and what a verification makes of them.
 *
 *   PENDING --verified--> ENABLED --a required record is wrong--> PENDING
 *   the operator: enable -> ENABLED and forced (no verification undoes it), disable -> SUSPENDED (none enables it)
 *   a look of our own finds a record wrong that held: nothing at first, PENDING after the operator's grace, if he says so
 *   a name of it changes: the records under that name wait for a verification, so an unforced domain is PENDING
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_DOMAINS_H
#define POSTHORN_CORE_DOMAINS_H

#include "base/clock.h"
#include "core/tls_policy.h"
#include "core/verify.h"
#include "crypto/seal.h"
#include "store/domains.h"
#include "store/pools.h"

#define DOMAIN_SUBDOMAIN    STR("mail")
#define DOMAIN_TRACK_PREFIX STR("track")
#define DOMAIN_KEYS         2 /* RSA and Ed25519 */

const char *domain_state_text(enum domain_state state);    /* "Approval Pending", "Enabled" ... */
const char *record_status_text(enum record_status status); /* "Pending", "Verified", "Failed" */
/* Do the records hold without which nothing is sent? */
bool domain_is_verified(const struct domain *domain);

/* "Verified", "Failed" (a record without which nothing is sent is wrong) or "Pending". */
const char *domain_verification_text(const struct domain *domain);

/* Slow pool: DKIM keys for a new domain, private parts sealed, under selectors that no other account's keys have. */
WARN_UNUSED enum status domain_make_keys(struct str name, const struct seal_key *seal, const struct rand *rand,
                                         struct arena *arena, struct dkim_key ret_keys[DOMAIN_KEYS]);
/* On the writer: add the domain with its keys. LIMIT: the account has `max` domains already (0: no limit). EXISTS: it has the
 * name. NOT_FOUND: no such account. */
WARN_UNUSED enum status domain_create(struct db *tx, struct domain *domain, const struct dkim_key keys[DOMAIN_KEYS], int64_t max);
/* LIMIT when the account has `max` domains already; 0: no limit. */
WARN_UNUSED enum status domain_check_limit(struct db *tx, int64_t account_id, int64_t max);

/* What is to change of a domain; what is not given stays. */
struct domain_change {
    const bool *link_tracking, *open_tracking, *unsubscribe_link;
    const struct str *hosting_provider, *subdomain, *track_prefix, *brand_name, *brand_colour, *brand_text;
};
#define DOMAIN_BRAND_NAME_MAX 100 /* bytes */
#define DOMAIN_BRAND_TEXT_MAX 1000
/* "#rrggbb", in either case, or "". */
bool domain_brand_colour_is(struct str text);
/* On the writer: change *domain, read before in this transaction. Records under a new name are Pending again. */
WARN_UNUSED enum status domain_apply_change(struct db *tx, struct domain *domain, const struct domain_change *change);

/* On the writer: what mail of the domain demands of recipients' servers, from its next try on. */
WARN_UNUSED enum status domain_demand_tls(struct db *tx, int64_t domain_id, enum tls_level level);

/* Does the key open what the database holds? CORRUPT: it was sealed with another one. OK when nothing is sealed yet. */
WARN_UNUSED enum status domain_keys_check(struct db *tx, const struct seal_key *seal);

/* How the records of a kind stood at the last look. */
enum record_status domain_record_of(const struct domain *domain, enum verify_kind kind);
/* A verification of the domain, not yet asked: its report lists the records to publish. hostname: ours. */
struct verify *domain_verification(const struct domain *domain, const struct dkim_key_list *keys, struct str hostname);
/* On the writer: what the report says becomes the domain's standing (*domain is renewed). What DNS could not answer stays as it
 * was. every_ms: between looks of our own, which begin with the first complete verification (0: none). *ret_is_taken: another
 * account proved this name; ownership has failed. */
WARN_UNUSED enum status domain_apply_report(struct db *tx, struct domain *domain, const struct verify_report *report,
                                            int64_t every_ms, int64_t now, bool *ret_is_taken);

/* What the operator says of domains whose records go wrong. */
struct domain_policy {
    int64_t every_ms; /* between two looks of our own */
    int64_t grace_ms; /* from the first wrong look to the end of sending; 0: it never ends */
    bool stops;       /* it ends at all */
};
#define DOMAIN_CHECK_SOON_MS INT64_C(3600000) /* the most, while a record is wrong or DNS did not answer */
enum domain_turn {
    DOMAIN_NO_TURN,
    DOMAIN_BROKE,   /* a record that it needs is wrong, and was right at the last look */
    DOMAIN_STOPPED, /* so long that it does not send any more */
    DOMAIN_MENDED,
};
/* On the writer: the same for a look of our own, which stops nobody but by the policy (DN20). *domain is renewed, with the time
 * of the next look. */
WARN_UNUSED enum status domain_apply_check(struct db *tx, struct domain *domain, const struct verify_report *report,
                                           const struct domain_policy *policy, int64_t now, enum domain_turn *ret);
/* Which records are wrong: "DKIM, SPF"; "" when none is. */
void domain_write_failing(const struct domain *domain, struct buf *out);

#endif
