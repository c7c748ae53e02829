/* judge.h - who a caller is: the credentials that a request shows, whose they are, and what that lets him touch.
 *
 * A call is judged as soon as its head shows a credential, so that strangers' bodies are not read, and again when the body shows
 * others or names another operation. What is found stands in the call: account and credential, or sender, and the scope.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_API_JUDGE_H
#define POSTHORN_API_JUDGE_H

#include "api/call.h"

/* What header, query and, once it is read, body show. */
struct credentials judge_shown(const struct call *call);
/* Is any of them there? */
bool judge_is_shown(const struct call *call, const struct credentials *shown);
/* Judge the call by these from now on: for judge_caller. */
void judge_begin(struct call *call, const struct credentials *shown);
/* A step on a reader: fills the call's caller and scope, or refuses. Before the body came a command may be unknown (op NULL):
 * then any valid credential will do. */
WARN_UNUSED enum status judge_caller(struct call *call, struct db *db);
/* Does what was judged hold for these credentials and the operation as it is now? */
bool judge_stands(const struct call *call, const struct credentials *shown);
/* A user key was used: its owner sees when, to the minute. Nobody waits for that. */
void judge_note_use(const struct call *call);

#endif
