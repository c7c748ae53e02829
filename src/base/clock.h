/* clock.h - time and randomness as values, so that tests and net_sim bring their own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_CLOCK_H
#define POSTHORN_BASE_CLOCK_H

#include "base/buf.h"

#define CLOCK_DAY_MS INT64_C(86400000) /* of UTC */

struct clock {
    int64_t (*wall_ms)(void *ctx); /* Unix time, may jump */
    int64_t (*mono_ms)(void *ctx); /* never goes back; for deadlines */
    void *ctx;
};
/* The machine's clocks; static, any thread. */
const struct clock *clock_system(void);
static inline int64_t clock_wall_ms(const struct clock *c) {
    return c->wall_ms(c->ctx);
}
static inline int64_t clock_mono_ms(const struct clock *c) {
    return c->mono_ms(c->ctx);
}

struct rand {
    void (*fill)(void *ctx, void *p, size_t n);
    void *ctx;
};
/* getrandom(2), aborts when the kernel refuses; static, any thread. */
const struct rand *rand_system(void);
static inline void rand_fill(const struct rand *r, void *p, size_t n) {
    r->fill(r->ctx, p, n);
}
/* Uniform in [0, bound); bound > 0. */
uint64_t rand_below(const struct rand *r, uint64_t bound);

/* "2026-11-23T04:05:06.789Z" / "2026-11-23 04:05:06", UTC. */
void time_add_iso_ms(struct buf *out, int64_t wall_ms);
void time_add_sql(struct buf *out, int64_t wall_ms);
/* RFC 5322 3.3: "Mon, 23 Nov 2026 04:05:06 +0000". */
void time_add_rfc5322(struct buf *out, int64_t wall_ms);
/* Days since 1970-01-01 of a proleptic Gregorian date, and its check (year 1..9999). */
bool time_from_civil(int year, int month, int day, int64_t *ret_days);
/* When the UTC month that wall_ms lies in began, and when the next one does. */
void time_month_of(int64_t wall_ms, int64_t *ret_began_at, int64_t *ret_next_at);
/* Strict "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS", UTC; no leap second. *ret_has_time tells which. */
bool time_parse_sql(struct str s, int64_t *ret_wall_ms, bool *ret_has_time);

#endif
