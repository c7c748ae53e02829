/* mta_sts.h - MTA-STS (RFC 8461): what a domain's TXT record and its policy file say. Pure; any thread.
 *
 * Both come from strangers: every length and count has a limit, and what breaks a rule is no policy at all rather than half of
 * one. Fetching, keeping and obeying are others' work (mta/router, core/sts_cache, core/tls_policy).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_MTA_STS_MTA_STS_H
#define POSTHORN_PROTO_MTA_STS_MTA_STS_H

#include "base/arena.h"
#include "base/status.h"
#include "proto/dns/dns.h"

#define MTA_STS_ID_MAX      32         /* characters of an id (RFC 8461 3.1) */
#define MTA_STS_POLICY_MAX  (64 << 10) /* bytes of a policy file */
#define MTA_STS_MX_MAX      100        /* patterns of one policy; more make it none */
#define MTA_STS_MAX_AGE_MAX 31557600   /* seconds, about a year; longer is cut (RFC 8461 3.2) */

enum mta_sts_mode { MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE };
struct mta_sts_policy {
    enum mta_sts_mode mode;
    struct str *mx; /* patterns, lower case: a host name, or "*." and one */
    size_t mx_count;
    uint32_t max_age_s;
};

/* The id of the one MTA-STS record among the TXT records of _mta-sts.<domain>; a slice of the answer. False: there is none, more
 * than one, or it is malformed, which all mean that the domain has no policy to be fetched. Source: RFC 8461 3.1. */
bool mta_sts_record_find(const struct dns_answer *txt, struct str *ret_id);

/* A policy file: "key: value" lines that end in CRLF or LF. Unknown keys are ignored, of doubled ones (but mx) the first counts.
 * Strings are copied into the arena. BAD: too long, not STSv1, a mode or max_age missing or malformed, an mx pattern that is no
 * name, no mx where the mode needs one. Source: RFC 8461 3.2. */
WARN_UNUSED enum parse mta_sts_policy_parse(struct str body, struct arena *arena, struct mta_sts_policy *ret);

/* Does a pattern fit the host's name? "*." stands for exactly one label on the left. Source: RFC 8461 4.1. */
bool mta_sts_mx_matches(const struct mta_sts_policy *policy, struct str host);

#endif
