/* memo.h - what a step machine has asked of DNS and been told.
 *
 * The idea that keeps such machines simple: the rules are one plain function that runs from its start over what is known. Where
 * it needs an answer it looks into the memo; what is not there yet is noted as wanted, and the function is run again when it has
 * come. Same knowledge, same outcome: no half-way states. The number of questions is bounded; past it every look is answered
 * TEMPORARY. Zero-initialised is empty and valid. Pure; one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_PROTO_DNS_MEMO_H
#define POSTHORN_PROTO_DNS_MEMO_H

#include "proto/dns/dns.h"

#define DNS_MEMO_MAX 200 /* questions of one machine's life */

struct dns_memo_entry;
struct dns_memo {
    struct arena arena;
    struct dns_memo_entry *entries; /* DNS_MEMO_MAX of them, in order of first look */
    size_t count;                   /* looked for */
    size_t asked;                   /* handed out by next */
};
void dns_memo_fini(struct dns_memo *m);
/* The answer, valid while the memo is; NULL: not known yet, and noted as wanted. A name that cannot be asked (too long, empty
 * label) is answered NOT_FOUND at once. */
const struct dns_answer *dns_memo_look(struct dns_memo *m, struct str name, enum dns_type type);
/* Hand out up to `max` wanted questions not handed out before; their numbers go up from 0 (the shape of net/resolver.h's
 * inquiry). */
size_t dns_memo_next(struct dns_memo *m, struct dns_question *ret, size_t max);
/* Keep a copy of the answer to question number `index`. */
void dns_memo_answer(struct dns_memo *m, size_t index, const struct dns_answer *answer);

#endif
