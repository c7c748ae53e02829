/* tls_policy.h - what a delivery demands of TLS, and whether a connection lives up to it. Pure values; any thread.
 *
 *   the message (messages.tls, domains.tls) --\
 *                                              tls_demand --> key (equal key: may share a connection)
 *   the recipient's domain (MTA-STS, DANE) ---/     |
 *                                                   v   tls_judge_host, before connecting
 *                       a host, facts of a connection --> tls_judge: go on, or this host will not do
 *
 * Opportunistic never fails on a certificate. DANE stands above MTA-STS for a host that has it (RFC 8461 2). A policy in testing
 * mode is judged and counted, and blocks nothing. Where no host will do the message waits (P4); never is it sent in clear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TLS_POLICY_H
#define POSTHORN_CORE_TLS_POLICY_H

#include "base/arena.h"
#include "proto/mta_sts/mta_sts.h"

/* What is demanded for a message, stored in messages.tls and domains.tls. */
enum tls_level {
    TLS_LEVEL_OPPORTUNISTIC, /* TLS where it works; what the recipient's domain publishes holds */
    TLS_LEVEL_REQUIRE,       /* encrypted */
    TLS_LEVEL_VERIFY,        /* and the certificate verifies for the host, by WebPKI or DANE */
    TLS_LEVEL_REQUIRETLS,    /* and the MX is authentic and the host offers REQUIRETLS (RFC 8689) */
    TLS_LEVEL_WAIVE, /* of a message only, "TLS-Required: No": the recipient's published policy is set aside (RFC 8689 5) */
};
/* "opportunistic", "require", "verify", "requiretls", "waive" */
const char *tls_level_name(enum tls_level level);
/* False: no such name. */
bool tls_level_parse(struct str name, enum tls_level *ret);

/* ---- what a recipient's domain publishes ---- */
enum dane_state {
    DANE_NONE,     /* no TLSA records, or not under DNSSEC */
    DANE_USABLE,   /* the certificate must match one of them (RFC 7672) */
    DANE_UNUSABLE, /* there are some, but none we can use: encrypted, unverified (RFC 7672 2.2) */
    DANE_UNKNOWN,  /* the question got no answer: the host may not be used now (RFC 7672 2.1.1) */
};
struct tls_host {
    struct str name;      /* the MX host */
    struct str dane_name; /* the TLSA base domain: SNI, and the first name of a usage 2 certificate */
    enum dane_state dane;
    const struct dns_record *tlsa; /* USABLE: the usable ones */
    size_t tlsa_count;
};
/* How TLS went, in the words of RFC 8460 4.3. */
enum tls_result {
    TLS_RESULT_SUCCESS,
    TLS_RESULT_STARTTLS_NOT_SUPPORTED,
    TLS_RESULT_CERTIFICATE_HOST_MISMATCH,
    TLS_RESULT_CERTIFICATE_EXPIRED,
    TLS_RESULT_CERTIFICATE_NOT_TRUSTED,
    TLS_RESULT_VALIDATION_FAILURE,
    TLS_RESULT_TLSA_INVALID,
    TLS_RESULT_DNSSEC_INVALID,
    TLS_RESULT_DANE_REQUIRED,
    TLS_RESULT_STS_POLICY_FETCH_ERROR,
    TLS_RESULT_STS_POLICY_INVALID,
    TLS_RESULT_STS_WEBPKI_INVALID,
    TLS_RESULT_COUNT
};
/* "starttls-not-supported" ...; SUCCESS: "". */
const char *tls_result_name(enum tls_result result);

struct tls_published {
    struct str domain;            /* whose policy it is */
    struct mta_sts_policy sts;    /* mode NONE: no policy */
    struct str sts_id;            /* of the record */
    enum tls_result sts_trouble;  /* a policy is announced and cannot be had: why; else SUCCESS */
    bool is_mx_secure;            /* the MX answer is under DNSSEC */
    const struct tls_host *hosts; /* those with DANE other than NONE */
    size_t host_count;
    struct str key; /* tls_published_seal's: short; "" when nothing is published */
};
/* Fill in `key`, from everything above that a connection, or a report about it, depends on; in the arena. */
void tls_published_seal(struct tls_published *p, struct arena *arena);
void tls_published_copy(const struct tls_published *p, struct arena *arena, struct tls_published *ret);

/* ---- the demand ---- */
struct tls_demand {
    enum tls_level level; /* the stricter of message and sender's domain; never WAIVE */
    bool waives;          /* published policies do not count */
    struct tls_published published;
    struct str key; /* canonical, under 40 characters of [A-Za-z0-9+/-]; never empty */
};
/* published (NULL: nothing) is sealed; strings are borrowed from it, the key is in the arena. */
void tls_demand_make(enum tls_level message, enum tls_level domain, const struct tls_published *published, struct arena *arena,
                     struct tls_demand *ret);
/* With all it points to. */
void tls_demand_copy(const struct tls_demand *d, struct arena *arena, struct tls_demand *ret);
/* The host's DANE as far as the demand regards it; NULL: none. */
const struct tls_host *tls_demand_dane(const struct tls_demand *d, struct str host);
/* Must the host's certificate verify? */
bool tls_demand_verifies(const struct tls_demand *d, struct str host);
/* May the host be spoken to in clear when TLS does not work? */
bool tls_demand_allows_clear(const struct tls_demand *d, struct str host);
/* Which policy rules at the host, for records: "dane", "mta-sts", "mta-sts-testing", "requiretls", "verify", "require" or
 * "opportunistic". */
const char *tls_demand_policy(const struct tls_demand *d, struct str host);

/* ---- the judge ---- */
enum tls_check { TLS_CHECK_OK, TLS_CHECK_EXPIRED, TLS_CHECK_NAME, TLS_CHECK_UNTRUSTED, TLS_CHECK_FAILED };
/* What a connection came to before its first MAIL. */
struct tls_facts {
    bool is_tls;            /* the handshake is done; the rest but `is_tried` is about it */
    bool is_tried;          /* STARTTLS was offered, and failed when is_tls is not set */
    enum tls_check check;   /* by WebPKI; by DANE when the demand has usable records for the host */
    bool offers_requiretls; /* in the EHLO after the handshake */
};
struct tls_verdict {
    bool is_fit;            /* go on; else this host will not do, now */
    enum tls_result result; /* counted in reports, even when is_fit (testing mode, TLSA records that cannot be used) */
    const char *words;      /* why not, for reason and log; "" on SUCCESS */
    const char *enhanced;   /* "4.7.5", "4.7.30" ... when it is not fit */
};
/* Before connecting: may this MX host be used at all? */
struct tls_verdict tls_judge_host(const struct tls_demand *d, struct str host);
/* A connection to a host that passed, greeted, with or without TLS. */
struct tls_verdict tls_judge(const struct tls_demand *d, struct str host, const struct tls_facts *facts);

#endif
