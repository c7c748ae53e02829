/* record.h - an SPF record as terms, and macro expansion. spf's own; pure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_SPF_RECORD_H
#define POSTHORN_PROTO_SPF_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/spf/spf.h"

#define SPF_TERMS_MAX 256

enum spf_term_kind { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS, SPF_REDIRECT };
struct spf_term {
    enum spf_term_kind kind;
    enum spf_result result; /* of its qualifier, when it matches */
    struct str text;        /* as written */
    struct str domain;      /* domain-spec, unexpanded; "" when absent */
    struct spf_ip ip;       /* IP4, IP6 */
    unsigned prefix4, prefix6;
};
/* Terms in order, `redirect` last whatever its place; unknown modifiers and exp are left out. False: a syntax error anywhere,
 * *ret_bad is the term. Slices of `record`. Source: RFC 7208 4.6.1, 5, 6. */
bool spf_record_parse(struct str record, struct arena *arena, struct spf_term **ret_terms, size_t *ret_count,
                      struct str *ret_bad);

struct spf_macros {
    const struct spf_input *input; /* its sender already has a local part */
    struct str domain;             /* %{d}: whose record is read */
};
/* Append the domain-spec expanded and cut from the left to 253 characters. False: a syntax error. Source: RFC 7208 7. */
bool spf_expand(struct str spec, const struct spf_macros *m, struct buf *out);

#endif
