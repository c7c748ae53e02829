/* track.h - what a followed link becomes: an open, a click or an unsubscribe of a recipient, as an event, perhaps a suppression.
 *
 * Evidence is the signed token and the host it came to: the sender domain's own tracking host,
 * <TrackPrefix>.<Subdomain>.<domain>, whatever those two labels are by now, or the gateway's (TR10). What a machine did
 * (track_bot.h) is written and marked, and never counts as the first. Asking for a page changes nothing: only track_hit() writes,
 * and an unsubscribe comes to it by POST alone (TR06, TR07).
 *
 *   domain deleted                  gone, all of it (TR16)
 *   domain suspended or blocked     opens and clicks are gone; people may still leave
 *   recipient or message gone       clicks lead on and nobody is counted; people may still leave, by their address's hash
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_TRACK_H
#define POSTHORN_CORE_TRACK_H

#include "core/addressee.h"
#include "core/track_bot.h"
#include "core/track_token.h"

/* Of one recipient and kind in a minute; more are answered and not written (TR17). */
#define TRACK_HITS_MAX 60
#define TRACK_TAGS_MAX 20 /* of a message that a page offers */

struct track_place {
    struct str hostname;                   /* the gateway's own */
    const struct track_networks *networks; /* may be NULL */
    struct str link_host;                  /* that the gateway's links lead to, where that is another one; "" it is not */
    struct str other_hosts;                /* that they led to once, comma separated; "" none */
};

/* What a page about a token needs to know. */
struct track_subject {
    struct domain domain;
    struct str list_name;            /* "": the message was to no list, or it is gone */
    struct str tags[TRACK_TAGS_MAX]; /* of the message */
    size_t tag_count;
    struct str address; /* whom it was sent to; "" gone */
};
/* On a reader; strings live in the arena. `host` as in the request, perhaps with a port. NOT_FOUND: not this host's token (404).
 * DENIED: it was, and is gone (410). */
WARN_UNUSED enum status track_look_up(struct db *db, struct arena *arena, const struct track_place *place,
                                      const struct track_token *token, struct str host, struct track_subject *ret);

/* On a reader: does the link still lead somewhere? What track_hit() would answer, and nothing is written. */
WARN_UNUSED enum status track_check(struct db *db, struct arena *arena, const struct track_place *place,
                                    const struct track_token *token, struct str host);

/* Who followed the link, as far as the request says. */
struct track_reader {
    struct str user_agent, client; /* client: the address as text */
    struct str country;            /* "" not known */
    bool is_head, is_prefetch;
};
struct track_hit {
    struct track_token token; /* verified by track_token_parse() */
    struct str host;
    struct track_reader reader;
    int64_t now;
    /* Of an unsubscribe: what of, and whether a program asked (RFC 8058) or a person on the page. */
    enum leave_scope scope;
    struct str tag; /* LEAVE_TAG: one of the message's */
    bool is_one_click;
};
struct tracked {
    int64_t event_id;   /* 0: no event was written */
    unsigned signs;     /* of a machine, enum track_sign */
    bool is_dropped;    /* beyond TRACK_HITS_MAX */
    bool is_suppressed; /* an unsubscribe that was news */
};
/* On the writer, in the transaction given (P3). NOT_FOUND, DENIED as above. INVALID: the message has no such tag. */
WARN_UNUSED enum status track_hit(struct db *tx, const struct track_place *place, const struct track_hit *hit,
                                  struct tracked *ret);

#endif
