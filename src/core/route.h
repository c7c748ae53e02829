/* route.h - from a recipient domain to the ordered hosts that take its mail: a step machine over DNS answers. Pure.
 *
 *   MX ? -- records --> A (AAAA) of each host --> hosts by preference, shuffled within --> ROUTE_HOSTS
 *      \-- none --> implicit MX: A (AAAA) of the domain itself (RFC 5321 5.1)
 *      \-- null MX (RFC 7505), NXDOMAIN --> ROUTE_PERMANENT        SERVFAIL, time-out, no usable address --> ROUTE_TEMPORARY (P4)
 *
 * Beside the hosts it finds what the domain publishes about TLS: the MTA-STS record, asked for along with the MX, and the TLSA
 * records of each host whose MX and address are under DNSSEC (RFC 7672 2.1). Elsewhere no server is bothered with TLSA questions.
 *
 * next/answer have the shape of net's inquiry. A broken MX host never falls back to the domain's own address (DN04). Our own name
 * or address in the set ends the list at that preference (DN07); private addresses are dropped unless allowed (DN06). Constant
 * routes (sandbox, smarthost) are the same machine with fewer questions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_ROUTE_H
#define POSTHORN_CORE_ROUTE_H

#include "base/clock.h"
#include "core/tls_policy.h"

#define ROUTE_HOSTS_MAX     20 /* MX hosts looked at, best preference first */
#define ROUTE_ADDRESSES_MAX 5  /* kept of one host (DN08) */
#define ROUTE_TTL_MIN_S     60 /* answers are kept between these (DN14) */
#define ROUTE_TTL_MAX_S     3600

enum route_verdict { ROUTE_HOSTS, ROUTE_TEMPORARY, ROUTE_PERMANENT };

struct route_address {
    uint8_t family; /* 4 or 6 */
    uint8_t ip[16]; /* 4: the first four bytes */
};
struct route_host {
    struct str name; /* A-labels; or an IP address */
    uint16_t preference;
    struct route_address addresses[ROUTE_ADDRESSES_MAX];
    size_t address_count;
};
struct route {
    enum route_verdict verdict;
    struct route_host *hosts; /* ROUTE_HOSTS: at least one, each with at least one address, in the order to try */
    size_t host_count;
    uint16_t port;
    struct str site;     /* ROUTE_HOSTS: key, same for all domains with the same set of hosts and port */
    unsigned code;       /* otherwise: 550, 556, 451 ... */
    struct str enhanced; /* "5.1.2", "5.1.10" (RFC 7505), "4.4.3", "4.4.4", "5.4.6" */
    struct str reason;   /* in words, for the reason column and the event */
    uint32_t ttl_s;
    /* What is known of it: domain, sts_id (no policy yet), hosts with DANE. Not sealed. Empty on constant routes. */
    struct tls_published published;
};
struct route_options {
    uint16_t port;                   /* [delivery] port */
    bool use_ipv6;                   /* a source address is declared for it */
    bool asks_sts;                   /* for the MTA-STS record */
    struct str hostname;             /* ours: in a set of MX it ends the list; may be empty */
    const struct route_address *own; /* our addresses, likewise */
    size_t own_count;
    bool (*is_private)(const struct route_address *address); /* such ones are dropped; NULL ([delivery] allow_private): none */
    struct str smarthost;    /* a name or an IP address, not judged; port is its port. Empty: the domain's own hosts */
    const struct rand *rand; /* shuffles hosts of one preference */
};
/* "host", "host:port", "192.0.2.1:25", "[2001:db8::1]:25" into its parts (slices of text, brackets off). Without port *ret_port
 * is left as it is. False: no such form. */
WARN_UNUSED bool route_smarthost_parse(struct str text, struct str *ret_host, uint16_t *ret_port);

struct route_machine;
/* domain: lower case A-labels. options and what it points to must outlive the
 * machine; the machine and all of the route live in `arena`, which route_fini must precede. */
struct route_machine *route_new(struct arena *arena, const struct route_options *options, struct str domain);
/* Release what is not in the arena; the result stays. */
void route_fini(struct route_machine *m);
/* Questions that can be asked now, at most `max`; 0: none now. */
size_t route_next(void *machine, struct dns_question *ret, size_t max);
/* The answer to question number `index` (counted over the machine's life); copied. */
void route_answer(void *machine, size_t index, const struct dns_answer *answer);
/* The result, NULL before its time: once next gives none and every answer came; in the arena. */
const struct route *route_result(const struct route_machine *m);
/* The sandbox's route: one host at a loopback address. */
const struct route *route_constant(struct arena *arena, struct str name, const struct route_address *address, uint16_t port);

#endif
