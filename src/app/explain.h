/* explain.h - `posthorn bounce`: what a report that came home says, and which class a server's reply has. Needs no server and no
 * data.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_APP_EXPLAIN_H
#define POSTHORN_APP_EXPLAIN_H

#include "base/buf.h"

/* The words behind `posthorn bounce`: "explain" (a message on standard input), or "classify" REPLY [--mx HOST]. Returns the exit
 * code. */
int explain(char *const *words, int count, bool json);

/* Append what a message is, for whom, which class, and whether it would suppress. Pure. */
void explain_message(struct str message, bool json, struct buf *out);
/* Append the class of "550 5.1.1 no such user" said by a host, or by one that is not known (""). Pure. */
void explain_reply(struct str reply, struct str mx, bool json, struct buf *out);

#endif
