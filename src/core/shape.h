/* shape.h - how fast one connector (a site from one of our addresses) may send just now, and why. Pure.
 *
 *             rate reply: halve                       quiet: add
 *   limits  <------------------ current limits <------------------- up to the ceiling (a provider's row, or the default)
 *
 *   OPEN --block, rule, no host answers, operator--> PAUSED --time, operator--> PROBE --answer--> RAMP x2 x2 x2 --> OPEN
 *                                                      ^--------- failure --------/-----------------/
 *
 * A rate reply halves connections and messages a minute at once, once for a burst of such replies; quiet time adds again, step by
 * step, the more slowly the more often it had to halve lately. A block of our address pauses this connector, not the site;
 * what they say while they take other mail is no block until they say it three times in a row. After
 * a pause one message goes first, then twice as many each time, so that a large backlog causes no second outage.
 * Every change is told to `decide` as a decision with its reason. Nothing here has a timer: time is given with every call, and
 * what time brings (the end of a pause, a step up) happens in the next call after it. All time inside is monotonic; wall time is
 * for what is shown and written only, so a clock that jumps neither lengthens a pause nor ends it. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SHAPE_H
#define POSTHORN_CORE_SHAPE_H

#include "core/bounce_class.h"

#define SHAPE_BECAUSE_MAX 300       /* bytes of a reason */
#define SHAPE_NO_END      INT64_MAX /* of an operator's pause: until he resumes */

struct shape_time {
    int64_t wall_ms, mono_ms;
};

/* What is allowed at most: of a provider's row, or the default. */
struct shape_limits {
    size_t connections;         /* at least 1 */
    size_t connection_messages; /* at least 1 */
    int64_t per_minute;         /* messages; 0: no cap */
    int64_t idle_ms;            /* a connection is kept so long without mail */
};
/* 20 connections, 500 messages each, no cap, 60 s. */
extern const struct shape_limits SHAPE_DEFAULT;

enum shape_what { SHAPE_CONNECTIONS, SHAPE_RATE, SHAPE_PAUSE, SHAPE_RESUME, SHAPE_RAMP, SHAPE_WHAT_COUNT };
enum shape_pause_kind {
    SHAPE_NOT_PAUSED,
    SHAPE_UNREACHABLE, /* no host of the site answers */
    SHAPE_BLOCK,       /* they refuse our address */
    SHAPE_RULE,        /* a provider's row says to wait after such a reply */
    SHAPE_OPERATOR,
    SHAPE_MISSING, /* our address is not on this machine: told of a source, not judged here (core/source_use.h) */
    SHAPE_KIND_COUNT
};
/* "connections", "rate", "pause", "resume", "ramp"; "", "unreachable", "block", "rule", "operator", "missing". Static. */
struct str shape_what_name(enum shape_what what);
struct str shape_kind_name(enum shape_pause_kind kind);

/* One change. from and to: connections; messages a minute, 0 no cap (rate); until when, wall, 0 not at all, SHAPE_NO_END (pause,
 * resume); messages a minute while it ramps, 1 the probe, 0 no ramp (ramp). */
struct shape_decision {
    int64_t at; /* wall */
    enum shape_what what;
    enum shape_pause_kind kind; /* of pause and resume */
    int64_t from, to;
    struct str because; /* printable ASCII for an operator; valid during the call */
    bool is_routine;    /* time went on at a site that does not answer: nothing that anybody must be told of */
};
typedef void (*shape_decide_fn)(void *ctx, const struct shape_decision *decision);

/* Fields are shape.c's own; shape_view() shows them. A plain value: it may be copied and kept while its site is not in use. */
#define SHAPE_SLOTS 12
struct shape {
    shape_decide_fn decide;
    void *ctx;
    struct shape_limits ceiling;
    size_t connections;
    int64_t per_minute;             /* 0: no cap */
    int64_t uncapped_at;            /* a rate at which the adaptive cap of an uncapped connector goes */
    int64_t halved_at, quiet_since; /* a burst of rate replies; 0: none. Last bad news or step */
    int64_t connect_after;          /* beside those that work */
    unsigned halvings;              /* lately: recovery is slower after many */
    int64_t theoretical_us;         /* GCRA: when the next message would conform */
    uint32_t began[SHAPE_SLOTS];    /* messages begun, in slots of 5 s */
    int64_t slot;                   /* number of the newest */
    enum shape_pause_kind paused;
    int64_t paused_until;                       /* monotonic */
    unsigned failures[SHAPE_KIND_COUNT];        /* pauses in a row */
    int64_t delivered_at;                       /* the last message that was taken */
    unsigned blocks;                            /* said since then */
    int64_t healthy_since;                      /* nothing bad happened since then */
    int64_t ramp_per_minute, ramp_at, probe_at; /* 0: no ramp; since when this step; the probe began, 0: none under way */
    bool is_ramp_good, is_ramp_wanted;          /* in this step: something was answered; more would have gone */
    char because[SHAPE_BECAUSE_MAX + 1];        /* of the pause, or the last limit */
};

/* Open at its ceiling. decide may be NULL. */
void shape_init(struct shape *s, const struct shape_limits *ceiling, struct shape_time now, shape_decide_fn decide, void *ctx);
/* Rows were read anew: the current limits move with the ceiling when they stood there, and are cut to it. */
void shape_set_ceiling(struct shape *s, const struct shape_limits *ceiling, struct shape_time now);

/* ---- questions ---- */
/* Whether one more connection may be opened, beside `count` (all of them, those that have not greeted and those that say QUIT
 * too), `coming` of which have not greeted yet. At most two connections come while none has greeted, one while it probes. */
bool shape_may_connect(struct shape *s, struct shape_time now, size_t count, size_t coming);
/* How long until a message may begin: 0 at once; SHAPE_NO_END: not before something is signalled (the probe's end, an operator).
 * Answers 0 until shape_began is called, so of several who wait one begins and the others ask again. */
int64_t shape_begin_in_ms(struct shape *s, struct shape_time now);
/* Messages on one connection; how long one is kept idle. */
size_t shape_connection_messages(const struct shape *s);
int64_t shape_idle_ms(const struct shape *s);
/* False: not paused. Otherwise until when (wall; SHAPE_NO_END), what kind, and why, valid until the next call. */
struct shape_pause {
    enum shape_pause_kind kind;
    int64_t until;
    struct str because;
};
bool shape_is_paused(struct shape *s, struct shape_time now, struct shape_pause *ret);
/* All that is to be shown. */
struct shape_view {
    struct shape_limits limits, ceiling; /* those of a ramp included */
    int64_t last_minute;                 /* messages begun */
    int64_t ramp_per_minute;             /* 0: no ramp; 1: the probe */
    struct shape_pause pause;            /* kind SHAPE_NOT_PAUSED: because of the last limit, if any */
};
void shape_show(struct shape *s, struct shape_time now, struct shape_view *ret);
/* Whether it holds anything worth keeping: a pause, a limit below the ceiling, a ramp, failures not forgotten yet. */
bool shape_is_plain(struct shape *s, struct shape_time now);

/* ---- signals ---- */
/* A message begins (MAIL is being sent). */
void shape_began(struct shape *s, struct shape_time now);
/* What one host said, at the greeting or to a message; code 0: the connection was lost. */
struct shape_reply {
    unsigned code;
    struct str enhanced, text, host;
    enum bounce_class class; /* core/bounce_class.h */
    bool is_greeting;        /* to no message: proves nothing good */
    bool is_slow;            /* a provider's row: take it as a rate reply */
    int64_t suspend_ms;      /* a provider's row: pause so long; 0: it says nothing */
};
/* A message that began has ended well. */
void shape_delivered(struct shape *s, struct shape_time now);
/* A message ended otherwise, for good or not, or no host greets us and this is what the last one said. Most replies are about the
 * message and change nothing. */
void shape_refused(struct shape *s, struct shape_time now, const struct shape_reply *reply);
/* A message that began was taken back: nothing was learned. */
void shape_dropped(struct shape *s, struct shape_time now);
/* A connection found no host that answers; `serving` others are greeted and work. None: the site is unreachable and pauses. Some:
 * it takes no more than these. */
void shape_unreachable(struct shape *s, struct shape_time now, size_t serving, struct str why);
/* until: wall, or SHAPE_NO_END. An operator's pause replaces any other; his resume ends any, and the probe follows at once. */
void shape_pause(struct shape *s, struct shape_time now, int64_t until, struct str because);
void shape_resume(struct shape *s, struct shape_time now, struct str because);

/* ---- over a restart ---- */
/* Take up a decision of an earlier life, oldest first. What does not hold any more (a pause that is over, a limit older than
 * SHAPE_KEEP_MS) only starts a ramp or is left out. Tells no decision. */
#define SHAPE_KEEP_MS INT64_C(3600000)
void shape_restore(struct shape *s, struct shape_time now, const struct shape_decision *decision);

#endif
