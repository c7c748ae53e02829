/* dns.h - DNS answers as values: types, records, and decoding of what came over the wire. Pure; any thread.
 *
 * Nothing that a name server sends reaches the program but through these decoders: a name in an answer is a host name in lower
 * case or it is BAD (DN12), and every count, length and pointer is checked against the bytes that are there (DN11).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DNS_DNS_H
#define POSTHORN_PROTO_DNS_DNS_H

#include "base/arena.h"
#include "base/status.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

#define DNS_NAME_MAX    253 /* characters of a name in text, without the trailing dot */
#define DNS_LABEL_MAX   63
#define DNS_RECORDS_MAX 256 /* records kept of one answer; more are dropped (DN08, P8) */
/* TLSA usages that mean something in SMTP (RFC 7672 3.1). */
#define DNS_TLSA_TRUST_ANCHOR 2
#define DNS_TLSA_END_ENTITY   3
#define DNS_TTL_MAX           (7 * 86400) /* seconds; longer is cut (DN14) */

/* What a step machine wants to know. */
struct dns_question {
    struct str name; /* lower case A-labels, no trailing dot */
    enum dns_type type;
};

struct dns_record {
    struct str name;                   /* MX, CNAME, PTR target: lower case, no trailing dot, "" is the root */
    uint16_t preference;               /* MX */
    struct str text;                   /* TXT: its strings joined (RFC 7208 3.3, RFC 6376 3.6.2.2); TLSA: the association data */
    uint8_t usage, selector, matching; /* TLSA */
    uint8_t address[16];               /* A: first 4 bytes; AAAA: 16 */
};
struct dns_answer {
    enum status status; /* OK (perhaps no records), NOT_FOUND (NXDOMAIN), TEMPORARY, TIMEOUT */
    enum dns_type type;
    struct str canonical; /* the name the records belong to after CNAMEs; "" when it is the one asked */
    const struct dns_record *records;
    size_t count;
    uint32_t ttl; /* seconds, the smallest of the records */
    bool secure;  /* validated by DNSSEC */
    bool bogus;   /* it should have been, and is not: TEMPORARY (DN17) */
};

/* Decode one uncompressed rdata of `type` (A, AAAA, MX, TXT, CNAME, PTR, TLSA); strings are copied into the arena. Wrong lengths,
 * labels over 63, names over 255 octets, and bytes outside what a host name may hold in MX/CNAME/PTR targets, and TLSA
 * data that cannot be what its matching type says, are BAD. Source: RFC 1035 3.3, RFC 6698 2.1. */
WARN_UNUSED enum parse dns_rdata_parse(enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret);

/* Decode a whole response to `question`: follows CNAMEs from the name asked to the records of the type asked (at most 16, loops
 * end as none, DN05), records of other names are ignored (DN13). A single record that is BAD is left out; when none of those
 * present is good, the message is BAD. *ret (status OK or NOT_FOUND, no `secure`) points into the arena.
 * Source: RFC 1035 4, RFC 2308. */
WARN_UNUSED enum parse dns_message_parse(struct str message, struct dns_question question, struct arena *arena,
                                         struct dns_answer *ret);

/* Copy an answer with all it points to. */
void dns_answer_copy(const struct dns_answer *answer, struct arena *arena, struct dns_answer *ret);

/* A name as questions want it: lower case, without the trailing dot. Letters, digits, '-', '_' only; labels 1 to 63, at most 253
 * characters; "" (the root) is refused. Not for IDN: U-labels are converted before (proto/address). False: not such a name. */
bool dns_name_normalise(struct str name, struct arena *arena, struct str *ret);

/* "10.1.2.3" -> the 4 bytes, "2001:db8::1" -> the 16 bytes, strictly; *ret_n is 4 or 16. */
bool dns_address_parse(struct str text, uint8_t ret_address[16], size_t *ret_n);

#endif
