/* shape.c - the state of a connector: what holds now, what time brings, and the answers to mta's questions.
 *
 * The rate is GCRA: `theoretical_us` is when the next message would come at an even pace, and one may come up to TOLERANCE_US
 * before it. The pace is a little slower than the rate says, by just that much, so no window of a minute ever holds more. When
 * the rate changes, what is owed is kept in messages, not in time. Signals are in shape_signals.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/shape_own.h"

#include <string.h>

#define SLOT_MS         (SHAPE_RATE_WINDOW / SHAPE_SLOTS)
#define TOLERANCE_US    INT64_C(1000000) /* of rates from RATE_EVEN on: a turn of the loop may be late */
#define RATE_EVEN       60
#define QUIET_MS        60000            /* without a rate reply, until a step up ... */
#define QUIET_DOUBLINGS 4                /* ... and so often doubled after several of them */
#define HALVINGS_MS     INT64_C(3600000) /* they are remembered so long */
#define STEPS           8                /* from nothing to the ceiling */
#define RAMP_STEP_MS    15000
#define RAMP_END_MS     INT64_C(3600000) /* nothing came that could prove anything */
#define RAMP_LAST       61440            /* messages a minute: no rate any more */
#define PROBE_LOST_MS   INT64_C(900000)  /* longer than a final dot may take; its end was never signalled */
#define GREETING_MAX    2                /* connections that nobody has greeted yet */

const struct shape_limits SHAPE_DEFAULT = {.connections = 20, .connection_messages = 500, .idle_ms = 60000};

static const struct str WHAT[SHAPE_WHAT_COUNT] = {[SHAPE_CONNECTIONS] = STR_INIT("connections"),
                                                  [SHAPE_RATE] = STR_INIT("rate"),
                                                  [SHAPE_PAUSE] = STR_INIT("pause"),
                                                  [SHAPE_RESUME] = STR_INIT("resume"),
                                                  [SHAPE_RAMP] = STR_INIT("ramp")};
static const struct str KIND[SHAPE_KIND_COUNT] = {
    [SHAPE_NOT_PAUSED] = STR_INIT(""), [SHAPE_UNREACHABLE] = STR_INIT("unreachable"), [SHAPE_BLOCK] = STR_INIT("block"),
    [SHAPE_RULE] = STR_INIT("rule"),   [SHAPE_OPERATOR] = STR_INIT("operator"),       [SHAPE_MISSING] = STR_INIT("missing")};
/* Failures of this kind are forgotten after so long without any trouble. */
static const int64_t HEALTHY_MS[SHAPE_KIND_COUNT] = {[SHAPE_UNREACHABLE] = 600000, [SHAPE_BLOCK] = 7200000};

struct str shape_what_name(enum shape_what what) {
    return WHAT[what];
}

struct str shape_kind_name(enum shape_pause_kind kind) {
    return KIND[kind];
}

/* ---- what holds now ---- */
static size_t ramp_connections(const struct shape *s) {
    return s->ramp_per_minute == SHAPE_PROBE ? 1 : (size_t)s->ramp_per_minute / (SHAPE_RAMP_FIRST / 2);
}

size_t shape_connections_now(const struct shape *s) {
    bool is_cut = s->ramp_per_minute && ramp_connections(s) < s->connections;
    return is_cut ? ramp_connections(s) : s->connections;
}

int64_t shape_rate_now(const struct shape *s) {
    int64_t ramp = s->ramp_per_minute == SHAPE_PROBE ? 0 : s->ramp_per_minute; /* the probe is one message, not a rate */
    return ramp && (!s->per_minute || ramp < s->per_minute) ? ramp : s->per_minute;
}

/* ---- the rate ---- */
static int64_t tolerance_us(int64_t per_minute) {
    return per_minute >= RATE_EVEN ? TOLERANCE_US : 0;
}

static int64_t interval_us(int64_t per_minute) {
    return (SHAPE_RATE_WINDOW * INT64_C(1000) + tolerance_us(per_minute) + per_minute - 1) / per_minute;
}

/* What is owed stays the same number of messages. */
static void retime(struct shape *s, struct shape_time now, int64_t old) {
    int64_t new = shape_rate_now(s), now_us = now.mono_ms * 1000;
    if (!new || new == old) return;
    int64_t owed_us = s->theoretical_us - now_us;
    if (!old)
        s->theoretical_us = now_us + interval_us(new);
    else if (owed_us > 0)
        s->theoretical_us = now_us + (int64_t)((double)owed_us / (double)interval_us(old) * (double)interval_us(new)) + 1;
}

static void slots_move(struct shape *s, struct shape_time now) {
    int64_t slot = now.mono_ms / SLOT_MS, passed = slot - s->slot;
    for (int64_t i = 1; i <= passed && i <= SHAPE_SLOTS; i++) s->began[(s->slot + i) % SHAPE_SLOTS] = 0;
    s->slot = slot;
}

int64_t shape_last_minute(const struct shape *s, struct shape_time now) {
    int64_t sum = 0, oldest = now.mono_ms / SLOT_MS - SHAPE_SLOTS;
    for (int64_t slot = s->slot; slot > oldest && slot > s->slot - SHAPE_SLOTS && slot >= 0; slot--)
        sum += s->began[slot % SHAPE_SLOTS];
    return sum;
}

void shape_began(struct shape *s, struct shape_time now) {
    int64_t rate = shape_rate_now(s), now_us = now.mono_ms * 1000;
    slots_move(s, now);
    s->began[s->slot % SHAPE_SLOTS]++;
    if (s->ramp_per_minute == SHAPE_PROBE) s->probe_at = now.mono_ms;
    if (rate) s->theoretical_us = (s->theoretical_us > now_us ? s->theoretical_us : now_us) + interval_us(rate);
}

/* ---- changes ---- */
/* Printable, and cut to what there is room for. */
static struct str clean(char out[SHAPE_BECAUSE_MAX + 1], struct str because) {
    size_t n = because.n < SHAPE_BECAUSE_MAX ? because.n : SHAPE_BECAUSE_MAX;
    for (size_t i = 0; i < n; i++) out[i] = because.p[i] >= 0x20 && because.p[i] < 0x7F ? because.p[i] : '?';
    out[n] = 0;
    return str_make(out, n);
}

void shape_keep_because(struct shape *s, struct str because) {
    (void)clean(s->because, because);
}

static int64_t wall_of(struct shape_time now, int64_t mono_ms) {
    return mono_ms == SHAPE_NO_END || mono_ms == 0 ? mono_ms : now.wall_ms + (mono_ms - now.mono_ms);
}

static void tell(struct shape *s, struct shape_decision decision, struct str because) {
    char words[SHAPE_BECAUSE_MAX + 1];
    if (decision.from == decision.to || !s->decide) return;
    decision.because = clean(words, because);
    s->decide(s->ctx, &decision);
}

void shape_set_connections(struct shape *s, struct shape_time now, size_t to, struct str because) {
    int64_t from = (int64_t)s->connections;
    s->connections = to;
    shape_keep_because(s, because);
    tell(s, (struct shape_decision){now.wall_ms, SHAPE_CONNECTIONS, SHAPE_NOT_PAUSED, from, (int64_t)to, {0}}, because);
}

void shape_set_rate(struct shape *s, struct shape_time now, int64_t to, struct str because) {
    int64_t from = s->per_minute, old = shape_rate_now(s);
    s->per_minute = to;
    if (to == s->ceiling.per_minute) s->uncapped_at = 0;
    retime(s, now, old);
    shape_keep_because(s, because);
    tell(s, (struct shape_decision){now.wall_ms, SHAPE_RATE, SHAPE_NOT_PAUSED, from, to, {0}}, because);
}

void shape_set_ramp(struct shape *s, struct shape_time now, int64_t to, struct str because) {
    int64_t from = s->ramp_per_minute, old = shape_rate_now(s);
    bool is_routine = s->failures[SHAPE_UNREACHABLE] && from <= SHAPE_PROBE && to <= SHAPE_PROBE;
    s->ramp_per_minute = to;
    s->ramp_at = s->healthy_since = now.mono_ms;
    s->probe_at = 0;
    s->is_ramp_good = s->is_ramp_wanted = false;
    retime(s, now, old);
    tell(s, (struct shape_decision){now.wall_ms, SHAPE_RAMP, SHAPE_NOT_PAUSED, from, to, {0}, is_routine}, because);
}

void shape_set_pause(struct shape *s, struct shape_time now, enum shape_pause_kind kind, int64_t until, struct str because) {
    int64_t from = s->paused ? wall_of(now, s->paused_until) : 0;
    if (s->ramp_per_minute) shape_set_ramp(s, now, 0, STR("it is paused again"));
    s->paused = kind;
    s->paused_until = until;
    shape_keep_because(s, because);
    tell(s, (struct shape_decision){now.wall_ms, SHAPE_PAUSE, kind, from, wall_of(now, until), {0}}, because);
}

void shape_end_pause(struct shape *s, struct shape_time now, struct str because) {
    struct shape_decision end = {now.wall_ms, SHAPE_RESUME, s->paused, wall_of(now, s->paused_until), 0, {0}, false};
    end.is_routine = s->paused == SHAPE_UNREACHABLE && now.mono_ms >= s->paused_until;
    s->paused = SHAPE_NOT_PAUSED;
    s->paused_until = 0;
    s->because[0] = 0;
    tell(s, end, because);
    shape_set_ramp(s, now, SHAPE_PROBE, STR("one message goes first"));
}

/* ---- what time brings ---- */
static void ramp_pass(struct shape *s, struct shape_time now) {
    int64_t ms = now.mono_ms - s->ramp_at, next = s->ramp_per_minute * 2;
    if (s->ramp_per_minute == SHAPE_PROBE && ms >= RAMP_END_MS && !s->probe_at) /* for whoever comes it is as good as new */
        return shape_set_ramp(s, now, 0, STR("nothing came"));
    if (s->ramp_per_minute == SHAPE_PROBE || ms < RAMP_STEP_MS) return;
    bool is_free = ramp_connections(s) >= s->connections && s->per_minute && s->ramp_per_minute >= s->per_minute;
    if (!s->is_ramp_good) {
        if (ms >= RAMP_END_MS) shape_set_ramp(s, now, 0, STR("nothing more came"));
    } else if (!s->is_ramp_wanted)
        shape_set_ramp(s, now, 0, STR("all that waits could go"));
    else if (is_free || next > RAMP_LAST)
        shape_set_ramp(s, now, 0, STR("it bears as much as is allowed"));
    else
        shape_set_ramp(s, now, next, STR("it was answered well"));
}

static int64_t step_of(int64_t top) {
    return top / STEPS ? top / STEPS : 1;
}

/* An uncapped connector's rate climbs to what it was and then has no cap. */
static int64_t rate_after(const struct shape *s, int64_t steps) {
    int64_t top = s->ceiling.per_minute ? s->ceiling.per_minute : s->uncapped_at;
    int64_t to = s->per_minute + steps * step_of(top);
    return to < top ? to : s->ceiling.per_minute;
}

static void quiet_pass(struct shape *s, struct shape_time now) {
    bool is_low = s->connections < s->ceiling.connections, is_slow = s->per_minute != s->ceiling.per_minute;
    unsigned doublings = s->halvings > 1 ? s->halvings - 1 : 0;
    int64_t quiet_ms = (int64_t)QUIET_MS << (doublings < QUIET_DOUBLINGS ? doublings : QUIET_DOUBLINGS);
    int64_t steps = (now.mono_ms - s->quiet_since) / quiet_ms;
    if (!steps || (!is_low && !is_slow)) return;
    if (steps > STEPS * 2) steps = STEPS * 2;
    BUF_AUTO because = {0};
    buf_addf(&because, "no such reply for %lld min", (long long)((now.mono_ms - s->quiet_since) / 60000));
    s->quiet_since = now.mono_ms;
    int64_t top = (int64_t)s->ceiling.connections, connections = (int64_t)s->connections + steps * step_of(top);
    if (is_low) shape_set_connections(s, now, (size_t)(connections < top ? connections : top), buf_str(&because));
    if (is_slow) shape_set_rate(s, now, rate_after(s, steps), buf_str(&because));
    if (s->connections == s->ceiling.connections && s->per_minute == s->ceiling.per_minute) s->because[0] = 0;
}

static void forget_pass(struct shape *s, struct shape_time now) {
    if (s->halvings && now.mono_ms - s->halved_at >= HALVINGS_MS) s->halvings = 0;
    for (size_t i = 0; i < SHAPE_KIND_COUNT; i++)
        if (now.mono_ms - s->healthy_since >= HEALTHY_MS[i]) s->failures[i] = 0;
}

void shape_pass(struct shape *s, struct shape_time now) {
    if (s->paused && now.mono_ms >= s->paused_until) shape_end_pause(s, now, STR("the pause is over"));
    if (s->paused) return;
    if (s->ramp_per_minute) ramp_pass(s, now);
    if (s->ramp_per_minute) return;
    quiet_pass(s, now);
    forget_pass(s, now);
}

/* ---- life ---- */
void shape_init(struct shape *s, const struct shape_limits *ceiling, struct shape_time now, shape_decide_fn decide, void *ctx) {
    *s = (struct shape){.decide = decide,
                        .ctx = ctx,
                        .ceiling = *ceiling,
                        .connections = ceiling->connections,
                        .per_minute = ceiling->per_minute,
                        .slot = now.mono_ms / SLOT_MS,
                        .quiet_since = now.mono_ms,
                        .healthy_since = now.mono_ms};
}

void shape_set_ceiling(struct shape *s, const struct shape_limits *ceiling, struct shape_time now) {
    struct shape_limits old = s->ceiling;
    size_t connections = s->connections == old.connections ? ceiling->connections : s->connections;
    int64_t rate = s->per_minute == old.per_minute ? ceiling->per_minute : s->per_minute;
    if (connections > ceiling->connections) connections = ceiling->connections;
    if (ceiling->per_minute && (!rate || rate > ceiling->per_minute)) rate = ceiling->per_minute;
    s->ceiling = *ceiling;
    if (connections != s->connections) shape_set_connections(s, now, connections, STR("the provider's row has changed"));
    if (rate != s->per_minute) shape_set_rate(s, now, rate, STR("the provider's row has changed"));
}

/* ---- questions ---- */
bool shape_may_connect(struct shape *s, struct shape_time now, size_t count, size_t coming) {
    shape_pass(s, now);
    if (s->paused) return false;
    if (count >= shape_connections_now(s)) {
        s->is_ramp_wanted |= count < s->connections;
        return false;
    }
    return count > coming ? now.mono_ms >= s->connect_after : coming < GREETING_MAX;
}

int64_t shape_begin_in_ms(struct shape *s, struct shape_time now) {
    shape_pass(s, now);
    if (s->paused) return s->paused_until == SHAPE_NO_END ? SHAPE_NO_END : s->paused_until - now.mono_ms;
    if (s->ramp_per_minute == SHAPE_PROBE && s->probe_at) {
        int64_t lost_in = s->probe_at + PROBE_LOST_MS - now.mono_ms;
        return lost_in > 0 ? lost_in : 0;
    }
    int64_t rate = shape_rate_now(s);
    int64_t us = rate ? s->theoretical_us - tolerance_us(rate) - now.mono_ms * 1000 : 0;
    if (us <= 0) return 0;
    s->is_ramp_wanted |= rate != s->per_minute;
    return (us + 999) / 1000;
}

size_t shape_connection_messages(const struct shape *s) {
    return s->ceiling.connection_messages;
}

int64_t shape_idle_ms(const struct shape *s) {
    return s->ceiling.idle_ms;
}

bool shape_is_paused(struct shape *s, struct shape_time now, struct shape_pause *ret) {
    shape_pass(s, now);
    if (!s->paused) return false;
    *ret = (struct shape_pause){s->paused, wall_of(now, s->paused_until), str_from_z(s->because)};
    return true;
}

void shape_show(struct shape *s, struct shape_time now, struct shape_view *ret) {
    shape_pass(s, now);
    *ret = (struct shape_view){.limits = s->ceiling,
                               .ceiling = s->ceiling,
                               .last_minute = shape_last_minute(s, now),
                               .ramp_per_minute = s->ramp_per_minute,
                               .pause = {s->paused, wall_of(now, s->paused_until), str_from_z(s->because)}};
    ret->limits.connections = shape_connections_now(s);
    ret->limits.per_minute = shape_rate_now(s);
}

bool shape_is_plain(struct shape *s, struct shape_time now) {
    shape_pass(s, now);
    unsigned failures = s->halvings;
    for (size_t i = 0; i < SHAPE_KIND_COUNT; i++) failures += s->failures[i];
    return !s->paused && !s->ramp_per_minute && !failures && s->connections == s->ceiling.connections &&
           s->per_minute == s->ceiling.per_minute;
}
