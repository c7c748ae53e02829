/* bounce_rules.h - what servers say and which class it is: the rows that bounce_class_of() goes through from top to bottom.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_BOUNCE_RULES_H
#define POSTHORN_CORE_BOUNCE_RULES_H

#include "core/bounce_class.h"

/* All that is given must fit. */
struct bounce_rule {
    enum bounce_class class;
    const char *text;     /* a part of the words, lower case; '*' stands for any run of bytes. NULL: any words */
    const char *enhanced; /* the whole code; '?' is one character, '*' at the end the rest. NULL: any, and none */
    unsigned code;        /* 550; 4 or 5: all of that class. 0: any, and none */
    const char *mx;       /* a part of the host's name. NULL: any */
};
/* Static. */
const struct bounce_rule *bounce_rules(size_t *ret_count);
/* The first rule that fits; NULL: none. Arguments as for bounce_class_of(). */
const struct bounce_rule *bounce_rule_find(unsigned code, struct str enhanced, struct str text, struct str mx);

#endif
