/* bounce.h - the rules in force, and what a reply means by them.
 *
 * One book a gateway, for all its threads: built-in rules, and an operator's file in front of them that may be read anew while
 * others judge. Who judges sees the old rules or the new ones, never a mix.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_H
#define POSTHORN_CORE_BOUNCE_H

#include "core/bounce_rules.h"

struct bounce_book;
/* file: the operator's rules; "" none; copied. INVALID, IO: *ret_why is "FILE:LINE: reason" or "FILE: reason". */
WARN_UNUSED enum status bounce_book_new(struct str file, struct bounce_book **ret, struct buf *ret_why);
/* Read the file anew; on failure, as above, the old rules stay. Any thread. */
WARN_UNUSED enum status bounce_book_reload(struct bounce_book *b, struct buf *ret_why);
/* Nobody judges any more. NULL inside is fine. */
void bounce_book_free(struct bounce_book **b);

/* Any thread. */
void bounce_judge(struct bounce_book *b, const struct bounce_reply *reply, struct bounce_finding *ret);

/* The built-in rules and a file's (as above) by themselves, for the command line. */
WARN_UNUSED enum status bounce_rules_load(struct str file, struct bounce_rules **ret, struct buf *ret_why);

#endif
