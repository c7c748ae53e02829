/* bounce.c - see bounce.h. Policy is the table of exceptions; the full classes of bounces are another story.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/bounce.h"

#include <stddef.h>

/* A 5xx that passes with time. What is given must fit: enhanced (whole), text (a part of it, either case).
 * Words are specific on purpose: a bounce kept waiting for three days is the smaller harm, a whole class kept waiting is not. */
struct exception {
    struct str enhanced;
    struct str text;
};
static const struct exception exceptions[] = {
    /* too many recipients or messages for this session (RFC 5321 4.5.3.1.10: 552 may mean 452) */
    {STR_INIT("5.5.3"), STR_INIT("")},
    {STR_INIT(""), STR_INIT("too many recipients")},
    {STR_INIT(""), STR_INIT("too many messages")},
    {STR_INIT(""), STR_INIT("too many connections")},
    /* greylisting by 5xx */
    {STR_INIT(""), STR_INIT("greylist")},
    {STR_INIT(""), STR_INIT("graylist")},
    {STR_INIT(""), STR_INIT("grey list")},
    {STR_INIT(""), STR_INIT("try again later")},
    {STR_INIT(""), STR_INIT("try later")},
    /* a provider's block of our address, not of the recipient */
    {STR_INIT("5.7.606"), STR_INIT("")}, /* Microsoft: banned sending address */
    {STR_INIT("5.7.511"), STR_INIT("")},
    {STR_INIT("5.7.25"), STR_INIT("")}, /* RFC 7372: no reverse DNS */
    {STR_INIT("5.7.27"), STR_INIT("")}, /* RFC 7505: our return path's domain seems to take no mail */
    {STR_INIT(""), STR_INIT("part of their network is on our block list")},
    {STR_INIT(""), STR_INIT("blocked using")},
    {STR_INIT(""), STR_INIT("spamhaus")},
    {STR_INIT(""), STR_INIT("barracudacentral")},
    {STR_INIT(""), STR_INIT("[ts04]")},
    {STR_INIT(""), STR_INIT("[tss04]")},
};

static bool contains_nocase(struct str text, struct str part) {
    for (size_t i = 0; i + part.n <= text.n; i++) {
        if (str_eq_nocase(str_sub(text, i, part.n), part)) return true;
    }
    return false;
}

static bool passes_with_time(struct str enhanced, struct str text) {
    if (str_starts(enhanced, STR("5.1."))) return false; /* about the address, whatever words it holds */
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        const struct exception *e = &exceptions[i];
        if (e->enhanced.n > 0 && !str_eq(e->enhanced, enhanced)) continue;
        if (e->text.n > 0 && !contains_nocase(text, e->text)) continue;
        return true;
    }
    return false;
}

enum bounce_verdict bounce_classify(unsigned code, struct str enhanced, struct str text) {
    if (code >= 200 && code <= 299) return BOUNCE_DELIVERED;
    if (code < 500 || code > 599) return BOUNCE_DEFERRED;
    return passes_with_time(enhanced, text) ? BOUNCE_DEFERRED : BOUNCE_BOUNCED;
}
