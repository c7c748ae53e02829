/* resolver.h - DNS questions from any loop (libunbound's context lives on one); answers are values of proto/dns types.
 *
 * The callback comes from the asker's loop, never inside the call. At most 1,000 in flight, the rest wait in order. An answer is
 * one of: OK with records, NOT_FOUND (NXDOMAIN), OK with none (NODATA), TEMPORARY (SERVFAIL, or bogus, which is told), TIMEOUT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_NET_RESOLVER_H
#define POSTHORN_NET_RESOLVER_H

#include "base/arena.h"
#include "net/loop.h"
#include "proto/dns/dns.h"

struct resolver;
struct resolver_options {
    struct str servers;      /* "127.0.0.1@5353,..."; empty: the system's */
    struct str trust_anchor; /* file; empty: the distribution's, when it works */
    int64_t timeout_ms;      /* from ask to TIMEOUT; 0: 30 s */
    bool is_fresh;           /* keep no answers: what was published a moment ago is seen */
};
/* On its loop, or before that runs. STATUS_INVALID: a server is no address, or the file given as trust anchor cannot be read. */
WARN_UNUSED enum status resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **ret);
/* On its loop, or when that has stopped; before the loops of the askers are freed. Questions still open are answered CANCELLED.
 */
void resolver_free(struct resolver **r);
/* Is DNSSEC validation on (the anchor was tried at start)? */
bool resolver_is_validating(const struct resolver *r);

struct resolver_query;
/* `answer` and all in it are valid during the callback only. */
typedef void (*resolver_answer_fn)(void *arg, const struct dns_answer *answer);
/* name without trailing dot (copied). Called on `loop`'s thread, and fn is called there. Returns a handle to cancel with, valid
 * until the callback. */
struct resolver_query *resolver_ask(struct resolver *r, struct loop *loop, struct dns_question question, resolver_answer_fn fn,
                                    void *arg);
/* On the asker's loop. No callback will come; NULL inside is fine. */
void resolver_cancel(struct resolver_query **q);

/* Run a step machine that asks questions (core/route, core/verify) to its end.
 * next: put up to `max` questions that can be asked now into `ret`, return how many (0: none now). answer: the answer to the
 * question that was handed out as number `index` (0, 1, 2 ... over the machine's life). When next gives none and none is open,
 * done is called on `loop`. */
struct inquiry_ops {
    size_t (*next)(void *machine, struct dns_question *ret, size_t max);
    void (*answer)(void *machine, size_t index, const struct dns_answer *answer);
    void (*done)(void *machine);
};
struct inquiry;
/* The handle is void from the moment done is called (done never comes from inside this call). */
struct inquiry *inquiry_start(struct resolver *r, struct loop *loop, const struct inquiry_ops *ops, void *machine);
/* No call to the machine will come; NULL inside is fine. */
void inquiry_cancel(struct inquiry **i);

#endif
