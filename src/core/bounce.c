/* bounce.c - see bounce.h. Which 5xx passes with time is a column of the classes (bounce_class.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce.h"

#include "core/bounce_rules.h"

/* A bounce kept waiting for three days is the smaller harm, but not for an address that is wrong, whatever words come with it. */
static bool passes_with_time(unsigned code, struct str enhanced, struct str text, struct str mx) {
    if (str_starts(enhanced, STR("5.1."))) return false;
    const struct bounce_rule *rule = bounce_rule_find(code, enhanced, text, mx);
    return rule && bounce_class_facts(rule->class)->passes;
}

enum bounce_verdict bounce_classify(unsigned code, struct str enhanced, struct str text, struct str mx) {
    if (code >= 200 && code <= 299) return BOUNCE_DELIVERED;
    if (code < 500 || code > 599) return BOUNCE_DEFERRED;
    return passes_with_time(code, enhanced, text, mx) ? BOUNCE_DEFERRED : BOUNCE_BOUNCED;
}
