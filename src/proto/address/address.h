/* address.h - one e-mail address, judged once and kept in canonical form: what the policy reads is what the wire gets (AD09).
 *
 * Grammar: RFC 5321 4.1.2 `Mailbox` without address literals, source routes, comments, folding, groups or ports; local parts
 * may hold UTF-8 (RFC 6531), domains may hold U-labels (IDNA 2008). Limits: local part 64, label 63, domain 253, whole
 * address 254 octets after conversion. Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_ADDRESS_ADDRESS_H
#define POSTHORN_PROTO_ADDRESS_ADDRESS_H

#include "base/arena.h"

#define ADDRESS_LOCAL_MAX  64
#define ADDRESS_DOMAIN_MAX 253
#define ADDRESS_MAX        254

struct address {
    struct str text;   /* local@domain, ready for MAIL FROM/RCPT TO and for header fields */
    struct str local;  /* the part of text before '@': quoted only where a dot-atom cannot say it; case kept */
    struct str domain; /* the part of text after '@': lower-case A-labels, two labels or more, no trailing dot */
    bool is_utf8;      /* the local part is not ASCII: SMTPUTF8 is needed to deliver (AD04) */
};

/* Parse and canonicalise the whole of s. Strings of *ret live in the arena. False: not an address we handle (AD01-AD16). Local
 * parts holding "=?" are refused, so that nobody decodes them later (AD07). `a%b@c`, `b!a@c`, `-x@c` are plain local parts. */
bool address_parse(struct str s, struct arena *arena, struct address *ret);

/* Parse a mail domain: LDH labels and U-labels, case folded, A-labels checked by round trip (AD05). Refused: one label, a numeric
 * last label, `.invalid`, `.localhost`, a trailing dot, underscores, ports (AD11, AD14, AD15). */
bool domain_parse(struct str s, struct arena *arena, struct str *ret_domain);

/* Is `name` the domain itself or below it? Both canonical. */
bool domain_is_within(struct str name, struct str domain);

/* Can c stand in an atom (RFC 5322 3.2.3 atext; ASCII only)? */
bool address_is_atext(char c);

#endif
