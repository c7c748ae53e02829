/* limits.h - how often somebody may do something: token buckets in one bounded table.
 *
 * A bucket belongs to a kind and a key (an id, a token's hash, a network): it holds `burst` and refills evenly. Nobody makes or
 * deletes buckets: one that was never used, or is full again, takes no room. The table is bounded (P8); when it is full where a
 * new bucket belongs, the one soonest full again is forgotten, so strangers in great numbers do not wash out whoever is being
 * slowed. Time is passed in; there is no socket and no store. Any thread; a lock a shard.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_LIMITS_H
#define POSTHORN_CORE_LIMITS_H

#include "proto/address/network.h"

enum limit_kind {
    LIMIT_KEY,            /* requests by a user key, session or sender key */
    LIMIT_ACCOUNT,        /* requests by an account */
    LIMIT_ADDRESS,        /* requests by a client address */
    LIMIT_FAILURES,       /* wrong keys and sessions by client address */
    LIMIT_LOGIN_CLIENT,   /* failed logins by account and client address */
    LIMIT_LOGIN_ACCOUNT,  /* all logins by account, from clients it knows */
    LIMIT_LOGIN_STRANGER, /* failed logins by account, from clients it does not know */
    LIMIT_LOGIN_ADDRESS,  /* failed logins by client address */
    LIMIT_MAIL,           /* mails of the gateway's own (resets, verifications) by account or address */
    LIMIT_SMTP_ADDRESS,   /* failed SMTP logins by client address */
    LIMIT_SMTP_USER,      /* failed SMTP logins by user name, there or not */
    LIMIT_HOME_TOKEN,     /* what comes to one signed address, by recipient */
    LIMIT_HOME_STRANGER,  /* addresses without a signature, right or wrong, by client address */
    LIMIT_HOME_MAIL,      /* mails kept for the operator, all together */
    LIMIT_SMTP_WASTE,     /* content sent by SMTP and thrown away, by client address */
    LIMIT_TRACK,          /* opens, and clicks, by recipient */
};
struct limit_rate {
    int64_t count, period_ms; /* so many in such a time; count 0: no limit, no bucket */
    int64_t burst;            /* at once; at least 1 */
};
struct limit_state {
    bool is_limited; /* there is a limit (rate->count) */
    int64_t limit;   /* the rate's count, in period_ms */
    int64_t period_ms;
    int64_t remaining; /* may be taken right now */
    int64_t wait_ms;   /* until one may be taken; 0: now */
    int64_t reset_ms;  /* until the bucket is full again */
};

struct limits;
/* entries_max: about 24 bytes each. */
struct limits *limits_new(size_t entries_max);
/* NULL inside is fine. */
void limits_free(struct limits **l);

/* Take one. False: there is none, nothing was taken. now: a monotonic time in ms. ret may be NULL. l NULL: nothing is limited. */
bool limits_take(struct limits *l, enum limit_kind kind, struct str key, const struct limit_rate *rate, int64_t now,
                 struct limit_state *ret);
/* Might one be taken now? Nothing is. */
bool limits_has(struct limits *l, enum limit_kind kind, struct str key, const struct limit_rate *rate, int64_t now);
/* The bucket is full again (a success pays all failures back). */
void limits_reset(struct limits *l, enum limit_kind kind, struct str key);

/* Keys. An id; a client's address (IPv6 by its /64; "" for no address, as on a Unix socket); an account and a client together.
 * Written into `room`, which outlives the key. */
#define LIMIT_KEY_MAX 24
struct str limit_key_id(int64_t id, char room[LIMIT_KEY_MAX]);
struct str limit_key_ip(const struct ip *ip, char room[LIMIT_KEY_MAX]);
struct str limit_key_both(int64_t id, const struct ip *ip, char room[LIMIT_KEY_MAX]);

#endif
