/* bounce_rules.h - what servers say and which class it is: rows of text, read once, gone through from top to bottom.
 *
 * The form of a row stands at the top of bounce_rules.conf, the file that is built in. Rows that an operator brings stand in
 * front of those, so his word comes first and what he says nothing about stays as it is. Rules never change once they are made:
 * any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_RULES_H
#define POSTHORN_CORE_BOUNCE_RULES_H

#include "base/buf.h"
#include "base/status.h"
#include "core/bounce_class.h"

#define BOUNCE_RULES_BYTES_MAX (1u << 20) /* of one file */
#define BOUNCE_RULE_LINE_MAX   1000
#define BOUNCE_RULES_MAX       10000 /* of a file */

/* All that is given must fit; "" is anything, and nothing. */
struct bounce_rule {
    enum bounce_class class;
    unsigned code;           /* 550; 4 or 5: all of that hundred; 0: any */
    struct str enhanced, mx; /* a pattern of the whole code; a part of the host's name */
    struct str text;         /* parts of the words, folded as they are, '*' between them */
    size_t file, line;       /* where it stands: number of the file as given, line from 1 */
    uint16_t first, last;    /* two bytes of the text: a reply without them is passed over at once */
};
struct bounce_rules;
struct bounce_rules_file {
    struct str name, text;
};
/* The rows that are built in; static. */
struct bounce_rules_file bounce_rules_builtin(void);
/* Read files, in order; nothing of them is kept. INVALID: *why is "NAME:LINE: reason", *ret is untouched. */
WARN_UNUSED enum status bounce_rules_new(const struct bounce_rules_file *files, size_t count, struct bounce_rules **ret,
                                         struct buf *why);
void bounce_rules_free(struct bounce_rules **r);
size_t bounce_rules_count(const struct bounce_rules *r);
const struct bounce_rule *bounce_rules_at(const struct bounce_rules *r, size_t i);
/* "bounce_rules.conf:17" */
void bounce_rule_where(const struct bounce_rules *r, const struct bounce_rule *rule, struct buf *out);

/* The first rule that fits; NULL: none. */
const struct bounce_rule *bounce_rules_find(const struct bounce_rules *r, const struct bounce_reply *reply);
/* What the reply means by these rules; the rule that said so as bounce_rules_find(). */
const struct bounce_rule *bounce_rules_judge(const struct bounce_rules *r, const struct bounce_reply *reply,
                                             struct bounce_finding *ret);

#endif
