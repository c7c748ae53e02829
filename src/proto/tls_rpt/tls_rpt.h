/* tls_rpt.h - where a domain wants reports about TLS: its TXT record at _smtp._tls (RFC 8460 3). Pure; any thread.
 *
 * It comes from a stranger, and mail and requests go where it says: what is no plain mailbox and no https URL is left out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_TLS_RPT_TLS_RPT_H
#define POSTHORN_PROTO_TLS_RPT_TLS_RPT_H

#include "base/arena.h"
#include "proto/dns/dns.h"

#define TLS_RPT_TARGETS_MAX 5 /* more are left out */

struct tls_rpt_target {
    struct str mailbox; /* "": it is a URL */
    struct str domain;  /* of the mailbox, A-labels */
    struct str url;     /* https */
};
struct tls_rpt_record {
    struct tls_rpt_target targets[TLS_RPT_TARGETS_MAX];
    size_t count;
};
/* The one record among the TXT records of _smtp._tls.<domain>. Strings live in the arena. False: there is none, more than one, it
 * is malformed, or names nowhere that a report can go. Source: RFC 8460 3. */
bool tls_rpt_record_find(const struct dns_answer *txt, struct arena *arena, struct tls_rpt_record *ret);

#endif
