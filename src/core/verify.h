/* verify.h - does the public DNS say of a sender domain what it must? A step machine over DNS answers.
 *
 * The records, for domain D with subdomain S (default "mail") and track prefix T (default "track"):
 *
 *   | kind        | host                | type         | what must be there                                    | required |
 *   |-------------|---------------------|--------------|-------------------------------------------------------|----------|
 *   | DKIM        | <selector>._domainkey.D | TXT (or CNAME to it) | our public key in p=                          | RSA yes,
 * Ed25519 no | | RETURN_PATH | S.D                 | MX           | our host name (or a host with the same addresses)     | yes |
 *   | SPF         | S.D                 | TXT          | one policy that passes every address we send from     | yes      |
 *   | TRACKING    | T.S.D               | CNAME        | our host name                                         | no       |
 *   | DMARC       | _dmarc.D            | TXT          | one v=DMARC1 record, here or at the parent that applies | no     |
 *
 * **Ownership** has no record of its own: the keys are made for this domain of this account and are nobody else's, so whoever
 * publishes one at <selector>._domainkey.D holds D. Any one of the keys proves it; one record less for people to get wrong.
 *
 * False alarms are what people complain of most, therefore: the strings of one TXT record are joined, other TXT records beside
 * ours don't matter, blanks inside p=, order of tags and a CNAME in the way don't matter. SPF is judged by what it lets through,
 * not by its wording: merged records, includes and redirects all count. What receivers would not understand either (a key cut
 * into two records, quotation marks or backslashes as part of the text, a name with the domain twice) fails, with a sentence that
 * says so. A lookup that fails (SERVFAIL, time-out) makes a row UNKNOWN, never FAILED: nothing is un-verified by a bad minute
 * (DN20).
 *
 * Where no sending address is configured, the IPv4 addresses of our host name count, else its IPv6 ones, else those of the return
 * path's MX. Pure but for memory; one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_VERIFY_H
#define POSTHORN_CORE_VERIFY_H

#include "crypto/signkey.h"
#include "proto/dns/dns.h"
#include "proto/spf/spf.h"

enum verify_kind {
    VERIFY_OWNERSHIP,
    VERIFY_DKIM,
    VERIFY_RETURN_PATH,
    VERIFY_SPF,
    VERIFY_TRACKING,
    VERIFY_DMARC,
    VERIFY_KIND_COUNT
};
enum verify_status { VERIFY_FAILED, VERIFY_OK, VERIFY_UNKNOWN };

struct verify_key {
    enum signkey_type type;
    struct str selector;
    struct str public_key; /* as signkey_generate gives it: p= before base64 */
};
struct verify_input {
    struct str domain;       /* lower case A-labels */
    struct str subdomain;    /* "mail" */
    struct str track_prefix; /* "track" */
    const struct verify_key *keys;
    size_t key_count;
    struct str hostname;            /* ours: target of MX and of the tracking CNAME */
    const struct spf_ip *addresses; /* we send from; none: see above */
    size_t address_count;
};

/* A record to publish and what DNS says of it; the fields of VerifyDomain's rows (decisions.md 14). */
struct verify_row {
    enum verify_kind kind; /* never OWNERSHIP */
    enum verify_status status;
    bool is_required;
    const char *type; /* "TXT", "MX", "CNAME" */
    struct str host;  /* full name, no trailing dot */
    struct str value; /* to publish; MX as "10 host" */
    struct str found; /* what is there, records separated by "; "; "" when nothing. Bytes of strangers: not always UTF-8-clean
                         ASCII at the source, here made printable */
    struct str why;   /* "" when status is OK and there is nothing to say; else one English sentence */
};
struct verify_report {
    const struct verify_row *rows; /* in the order of the table above, keys in input order */
    size_t count;
    enum verify_status status[VERIFY_KIND_COUNT]; /* one a kind */
    bool is_sendable;                             /* ownership, DKIM and return path (MX and SPF) are OK */
};

struct verify;
/* `input` is copied. */
struct verify *verify_new(const struct verify_input *input);
void verify_free(struct verify **v);
/* The shape of net/resolver.h's inquiry: ask what next gives until it gives none and none is open. */
size_t verify_next(struct verify *v, struct dns_question *ret, size_t max);
void verify_answer(struct verify *v, size_t index, const struct dns_answer *answer);
/* Valid once the questions are answered, until verify_free. Before any answer it holds the records to publish, status UNKNOWN. */
const struct verify_report *verify_report(struct verify *v);

#endif
