/* shape_signals.c - what mta saw, and what follows for a connector: slower, paused, or on with the ramp.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/shape_own.h"

#define BURST_MS         10000 /* rate replies so close together are one complaint */
#define HALVINGS_MAX     16
#define TAKING_MS        60000 /* a delivery that long ago says that our address is welcome, */
#define BLOCKS_MAX       3     /* unless so many blocks follow it without another */
#define BLOCK_MS         INT64_C(900000)
#define BLOCK_MAX_MS     INT64_C(14400000)
#define LONGER_MS        60000 /* a rule's pause is prolonged by no less, so that replies of a burst are one decision */
#define CONNECT_AGAIN_MS 5000  /* after one that was not taken beside those that work */
#define TEXT_MAX         200   /* of a reply in a reason */

/* After how many failures in a row a site is left alone for how long. */
static const int64_t UNREACHABLE_MS[] = {30000, 60000, 120000, 240000, 480000, 600000};
#define UNREACHABLE_COUNT (sizeof UNREACHABLE_MS / sizeof *UNREACHABLE_MS)

/* "mx.example: 421 4.7.0 too many messages" */
static void add_reply(struct buf *out, const struct shape_reply *r) {
    if (r->host.n) buf_addf(out, "%.*s: ", STR_ARG(r->host));
    if (r->code) buf_addf(out, "%u ", r->code);
    if (r->enhanced.n) buf_addf(out, "%.*s ", STR_ARG(r->enhanced));
    buf_add_str(out, str_sub(r->text, 0, TEXT_MAX));
    if (!out->n) buf_add_z(out, "the connection was lost");
}

/* ---- slower ---- */
/* One complaint more; false: it belongs to the last one. */
static bool is_news(struct shape *s, struct shape_time now) {
    bool is_same = s->halvings && now.mono_ms - s->halved_at < BURST_MS;
    s->quiet_since = now.mono_ms;
    if (is_same) return false;
    s->halved_at = now.mono_ms;
    if (s->halvings < HALVINGS_MAX) s->halvings++;
    return true;
}

static int64_t half_of(int64_t n) {
    return n > 1 ? n / 2 : 1;
}

static int64_t more(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Half of what really went. Nothing went: the complaint is about connections. */
static void halve_rate(struct shape *s, struct shape_time now, int64_t went, struct str because) {
    int64_t rate = shape_rate_now(s), base = rate && rate < went ? rate : went;
    if (!went) return;
    if (!s->ceiling.per_minute) s->uncapped_at = more(more(s->uncapped_at, base), SHAPE_RATE_LEAST);
    shape_set_rate(s, now, half_of(base), because);
}

/* At the greeting it is about connections alone. */
static void slow_down(struct shape *s, struct shape_time now, bool is_greeting, struct str because) {
    if (!is_news(s, now)) return;
    int64_t went = shape_last_minute(s, now);
    shape_set_connections(s, now, (size_t)half_of((int64_t)shape_connections_now(s)), because);
    if (!is_greeting) halve_rate(s, now, went, because);
    if (s->ramp_per_minute) shape_set_ramp(s, now, 0, STR("it finds its pace by what it is answered"));
}

/* ---- pauses ---- */
static int64_t block_ms(unsigned failures) {
    int64_t ms = BLOCK_MS;
    while (failures-- && ms < BLOCK_MAX_MS) ms *= 2;
    return ms < BLOCK_MAX_MS ? ms : BLOCK_MAX_MS;
}

static int64_t unreachable_ms(unsigned failures) {
    return UNREACHABLE_MS[failures < UNREACHABLE_COUNT ? failures : UNREACHABLE_COUNT - 1];
}

static int64_t length_ms(enum shape_pause_kind kind, unsigned failures) {
    return kind == SHAPE_BLOCK ? block_ms(failures) : unreachable_ms(failures);
}

/* What is heard while it pauses is of what began before. */
static void fail(struct shape *s, struct shape_time now, enum shape_pause_kind kind, struct str because) {
    if (s->paused) return;
    int64_t ms = length_ms(kind, s->failures[kind]);
    if (s->failures[kind] < UINT16_MAX) s->failures[kind]++;
    shape_set_pause(s, now, kind, now.mono_ms + ms, because);
}

static void suspend(struct shape *s, struct shape_time now, int64_t ms, struct str because) {
    bool is_longer = s->paused != SHAPE_OPERATOR && now.mono_ms + ms >= s->paused_until + LONGER_MS;
    if (!s->paused || is_longer) shape_set_pause(s, now, SHAPE_RULE, now.mono_ms + ms, because);
}

void shape_unreachable(struct shape *s, struct shape_time now, size_t serving, struct str why) {
    BUF_AUTO because = {0};
    shape_pass(s, now);
    if (s->paused) return;
    if (!serving) {
        buf_addf(&because, "no host answers: %.*s", STR_ARG(why));
        return fail(s, now, SHAPE_UNREACHABLE, buf_str(&because));
    }
    s->connect_after = now.mono_ms + CONNECT_AGAIN_MS;
    size_t half = (size_t)half_of((int64_t)shape_connections_now(s));
    if (!is_news(s, now) || serving >= s->connections) return;
    buf_addf(&because, "no more connections are taken: %.*s", STR_ARG(why));
    shape_set_connections(s, now, serving > half ? serving : half, buf_str(&because));
}

void shape_pause(struct shape *s, struct shape_time now, int64_t until, struct str because) {
    shape_pass(s, now);
    shape_set_pause(s, now, SHAPE_OPERATOR, until == SHAPE_NO_END ? until : now.mono_ms + (until - now.wall_ms), because);
}

void shape_resume(struct shape *s, struct shape_time now, struct str because) {
    shape_pass(s, now);
    if (!s->paused) return;
    for (size_t i = 0; i < SHAPE_KIND_COUNT; i++) s->failures[i] = 0;
    shape_end_pause(s, now, because);
}

/* ---- answers ---- */
static void answered_well(struct shape *s, struct shape_time now) {
    if (s->ramp_per_minute == SHAPE_PROBE)
        shape_set_ramp(s, now, SHAPE_RAMP_FIRST, STR("the first message was answered"));
    else
        s->is_ramp_good = true;
}

void shape_delivered(struct shape *s, struct shape_time now) {
    shape_pass(s, now);
    s->delivered_at = now.mono_ms;
    s->blocks = 0;
    if (!s->paused) answered_well(s, now);
}

static bool is_about_rate(const struct shape_reply *r) {
    bool is_later = r->code == 421 && (r->class == BOUNCE_TRANSIENT_FAILURE || r->class == BOUNCE_UNCATEGORIZED);
    return r->is_slow || is_later || r->class == BOUNCE_RATE_LIMITED;
}

/* While they take other mail from us it is one sender's or one message's trouble, until it happens again and again: nobody stops
 * another's mail with his own (P6). */
static bool is_block(struct shape *s, struct shape_time now, const struct shape_reply *r) {
    if (r->class != BOUNCE_SPAM_BLOCK || r->is_slow) return false;
    bool is_taking = s->delivered_at && now.mono_ms - s->delivered_at < TAKING_MS;
    return r->is_greeting || !is_taking || ++s->blocks >= BLOCKS_MAX;
}

void shape_refused(struct shape *s, struct shape_time now, const struct shape_reply *reply) {
    BUF_AUTO because = {0};
    shape_pass(s, now);
    add_reply(&because, reply);
    struct str words = buf_str(&because);
    bool is_probe_lost = s->ramp_per_minute == SHAPE_PROBE && reply->code == 0;
    s->probe_at = 0;
    if (reply->suspend_ms) return suspend(s, now, reply->suspend_ms, words);
    if (s->paused) return;
    if (is_block(s, now, reply)) return fail(s, now, SHAPE_BLOCK, words);
    if (is_about_rate(reply)) return slow_down(s, now, reply->is_greeting, words);
    if (is_probe_lost) return fail(s, now, SHAPE_UNREACHABLE, words);
    if (reply->code && !reply->is_greeting) answered_well(s, now);
}

void shape_dropped(struct shape *s, struct shape_time now) {
    shape_pass(s, now);
    s->probe_at = 0;
}

/* ---- over a restart ---- */
static void restore_pause(struct shape *s, struct shape_time now, const struct shape_decision *d) {
    if (d->kind == SHAPE_OPERATOR) return; /* the operator's are kept elsewhere */
    int64_t left = d->to - now.wall_ms;
    while (d->kind != SHAPE_RULE && length_ms(d->kind, s->failures[d->kind]) < d->to - d->at && s->failures[d->kind] < 8)
        s->failures[d->kind]++;
    if (d->kind != SHAPE_RULE) s->failures[d->kind]++;
    s->paused = left > 0 ? d->kind : SHAPE_NOT_PAUSED;
    s->paused_until = left > 0 ? now.mono_ms + left : 0;
    s->ramp_per_minute = left <= 0 && left > -SHAPE_KEEP_MS ? SHAPE_PROBE : 0;
    shape_keep_because(s, d->because);
}

static void restore_limit(struct shape *s, struct shape_time now, const struct shape_decision *d) {
    s->halvings = 1;
    s->halved_at = s->quiet_since = now.mono_ms;
    shape_keep_because(s, d->because);
    if (d->what == SHAPE_CONNECTIONS) {
        s->connections = d->to < 1 ? 1 : (size_t)d->to < s->ceiling.connections ? (size_t)d->to : s->ceiling.connections;
        return;
    }
    bool is_cap = d->to > 0 && (!s->ceiling.per_minute || d->to < s->ceiling.per_minute);
    s->per_minute = is_cap ? d->to : s->ceiling.per_minute;
    s->uncapped_at = is_cap ? more(more(s->uncapped_at, d->from), SHAPE_RATE_LEAST) : 0;
    s->theoretical_us = 0;
}

void shape_restore(struct shape *s, struct shape_time now, const struct shape_decision *d) {
    if (d->kind == SHAPE_MISSING) return; /* it is looked for anew */
    bool is_recent = now.wall_ms - d->at < SHAPE_KEEP_MS;
    s->ramp_at = now.mono_ms;
    switch (d->what) {
    case SHAPE_PAUSE:
        return restore_pause(s, now, d);
    case SHAPE_RESUME:
        s->paused = SHAPE_NOT_PAUSED;
        s->ramp_per_minute = is_recent ? SHAPE_PROBE : 0;
        return;
    case SHAPE_RAMP:
        s->ramp_per_minute = is_recent && d->to ? SHAPE_PROBE : 0;
        return;
    default:
        if (is_recent) restore_limit(s, now, d);
    }
}
