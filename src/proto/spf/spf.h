/* spf.h - does a domain's SPF policy let this address send? (RFC 7208, check_host)
 *
 * The rules are one function over a memo of DNS answers (proto/dns/memo.h): run it, ask what it wants, run it again.
 * core/verify judges a sender domain's record with it. Pure; one thread at a time.
 *
 * Limits (4.6.4): 10 terms that look up, 10 names of an MX, 2 terms whose lookup finds nothing; `ptr` is counted and never
 * matches (5.5 says not to use it). `exp` is not fetched; %{p} is "unknown".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SPF_SPF_H
#define POSTHORN_PROTO_SPF_SPF_H

#include "proto/dns/memo.h"

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR };
/* "none", "neutral" ... as in Received-SPF; static. */
const char *spf_result_text(enum spf_result r);

struct spf_ip {
    bool is_v6;
    uint8_t b[16]; /* IPv4: the first 4 */
};
/* Strict text form; a v4-mapped IPv6 address becomes IPv4. */
bool spf_ip_parse(struct str text, struct spf_ip *ret);

struct spf_input {
    struct spf_ip ip;
    struct str domain; /* whose policy: lower case, no trailing dot */
    struct str sender; /* MAIL FROM; without local part or empty: postmaster is put in */
    struct str helo;
};
struct spf_outcome {
    enum spf_result result;
    unsigned lookups;  /* terms that looked up, of 10 */
    struct str why;    /* one English sentence; in the memo's arena */
    struct str record; /* the domain's own SPF record, "" when none */
};

/* PARSE_DONE and *ret, or PARSE_MORE: the memo wants answers first. Never BAD. */
enum parse spf_check(struct dns_memo *memo, const struct spf_input *input, struct spf_outcome *ret);

/* The one SPF record among a name's TXT records: *ret_count says how many there are, the first is returned ("" when none).
 * Source: RFC 7208 4.5. */
struct str spf_record_find(const struct dns_answer *txt, size_t *ret_count);

#endif
