/* dns.h - DNS answers as values: types, records, and decoding of their rdata. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DNS_DNS_H
#define POSTHORN_PROTO_DNS_DNS_H

#include "base/arena.h"
#include "base/status.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

/* What a step machine wants to know. */
struct dns_question {
    struct str name; /* lower case A-labels, no trailing dot */
    enum dns_type type;
};

struct dns_record {
    struct str name;     /* MX, CNAME, PTR target: lower case, no trailing dot, "" is the root */
    uint16_t preference; /* MX */
    struct str text;     /* TXT: its strings joined (RFC 7208 3.3, RFC 6376 3.6.2.2) */
    uint8_t address[16]; /* A: first 4 bytes; AAAA: 16 */
};
struct dns_answer {
    enum status status;    /* OK (perhaps no records), NOT_FOUND (NXDOMAIN), TEMPORARY, TIMEOUT */
    enum dns_type type;
    struct str canonical;  /* the name the records belong to after CNAMEs; "" when it is the one asked */
    const struct dns_record *records;
    size_t count;
    uint32_t ttl;          /* seconds */
    bool secure;           /* validated by DNSSEC */
};
/* Decode one uncompressed rdata of `type`; strings are copied into the arena. Wrong lengths, labels over 63, names over 255
 * octets, and bytes outside what a host name may hold in MX/CNAME/PTR targets are BAD. Source: RFC 1035 3.3. */
WARN_UNUSED enum parse dns_rdata_parse(enum dns_type type, struct str rdata, struct arena *arena, struct dns_record *ret);

#endif
