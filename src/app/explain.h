/* explain.h - `posthorn bounce`: what a report that came home says, and which class a server's reply has. Needs no server and no
 * data.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_EXPLAIN_H
#define POSTHORN_APP_EXPLAIN_H

#include "core/bounce.h"

/* The words behind `posthorn bounce`: "explain" (a message on standard input), "classify" REPLY [--mx HOST], or "rules". rules:
 * the operator's file (core/bounce.h), "" none; --rules FILE takes another. Returns the exit code. */
int explain(char *const *words, int count, struct str rules, bool json);

/* Append what a message is, for whom, which class, and whether it would suppress. Pure. */
void explain_message(const struct bounce_rules *rules, struct str message, bool json, struct buf *out);
/* Append the class of "550 5.1.1 no such user" said by a host, or by one that is not known (""). Pure. */
void explain_reply(const struct bounce_rules *rules, struct str reply, struct str mx, bool json, struct buf *out);

#endif
