/* track_bot.h - who opened or clicked: a person or a machine, with which program and on what.
 *
 * Machines look at mail before, beside and instead of people: privacy proxies load every picture, filters follow every link. What
 * they do is kept and marked, and left out of rates (TR06). Each sign is named in the event, so nobody has to believe a verdict.
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TRACK_BOT_H
#define POSTHORN_CORE_TRACK_BOT_H

#include "core/track_networks.h"

#define TRACK_EARLY_MS    2000  /* nobody is so quick after a delivery */
#define TRACK_BURST_MS    10000 /* nobody clicks TRACK_BURST_HITS times in it */
#define TRACK_BURST_HITS  4
#define TRACK_AGENT_BYTES 1000 /* of a User-Agent that are looked at */

/* Signs of a machine, bits. */
enum track_sign {
    TRACK_SIGN_PRIVACY = 1,   /* Apple Mail Privacy Protection: nothing but "Mozilla/5.0" */
    TRACK_SIGN_PROXY = 2,     /* a webmail's image proxy */
    TRACK_SIGN_SCANNER = 4,   /* a program that says that it is none for reading, or says nothing */
    TRACK_SIGN_HEAD = 8,      /* asked for the head alone */
    TRACK_SIGN_PREFETCH = 16, /* a browser, before anybody clicked */
    TRACK_SIGN_NETWORK = 32,  /* out of a data centre */
    TRACK_SIGN_EARLY = 64,    /* before TRACK_EARLY_MS since the delivery, or before its end */
    TRACK_SIGN_BURST = 128,   /* too many in too short a time */
};
/* Append "privacy,early": the names of the signs, in that order. */
void track_signs_format(unsigned signs, struct buf *out);

struct track_look {
    struct str user_agent;
    struct ip client;      /* family 0: not known */
    bool is_head;          /* the method */
    bool is_prefetch;      /* Purpose, Sec-Purpose or X-Moz says so */
    int64_t since_ms;      /* since the delivery; INT64_MAX: not known */
    int64_t clicks_before; /* of this recipient in the last TRACK_BURST_MS */
};
/* Bits of enum track_sign; 0: nothing speaks for a machine. */
unsigned track_bot_signs(const struct track_networks *networks, const struct track_look *look);

/* What a User-Agent says of the reader; "" where it says nothing. Static. */
struct track_agent {
    struct str client; /* "Gmail", "Thunderbird", "Chrome" ... */
    struct str device; /* "desktop", "mobile", "tablet" */
};
struct track_agent track_agent_of(struct str user_agent);

#endif
