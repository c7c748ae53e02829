/* shape_log.h - keeps what a shape decides, and checks that it is a change, follows the last one, and says why.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_TESTS_SHAPE_LOG_H
#define POSTHORN_TESTS_SHAPE_LOG_H

#include "core/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHAPE_LOG_MAX 4096
#define WALL_AT_0     INT64_C(1795600000000)
#define SECOND        INT64_C(1000)
#define MINUTE        INT64_C(60000)
#define HOUR          INT64_C(3600000)

struct shape_log {
    struct shape_decision items[SHAPE_LOG_MAX]; /* because is not kept */
    size_t count;
    int64_t last[SHAPE_WHAT_COUNT]; /* pauses and their ends are one chain */
    char because[SHAPE_BECAUSE_MAX + 1];
};

static inline struct shape_time shape_at(int64_t mono_ms) {
    return (struct shape_time){WALL_AT_0 + mono_ms, mono_ms};
}

static inline void shape_log_take(void *ctx, const struct shape_decision *d) {
    struct shape_log *log = ctx;
    enum shape_what chain = d->what == SHAPE_RESUME ? SHAPE_PAUSE : d->what;
    assert_true(log->count < SHAPE_LOG_MAX);
    assert_int_not_equal(d->from, d->to);
    assert_int_equal(d->from, log->last[chain]);
    assert_true(d->because.n > 0 && d->because.n <= SHAPE_BECAUSE_MAX);
    assert_int_equal(str_plain_run(d->because), d->because.n);
    assert_true((d->kind != SHAPE_NOT_PAUSED) == (chain == SHAPE_PAUSE));
    if (d->what == SHAPE_RESUME) assert_int_equal(d->to, 0);
    if (d->what == SHAPE_CONNECTIONS) assert_true(d->to >= 1);
    log->last[chain] = d->to;
    log->items[log->count++] = *d;
    memcpy(log->because, d->because.p, d->because.n);
    log->because[d->because.n] = 0;
}

static inline void shape_log_init(struct shape_log *log, struct shape *s, const struct shape_limits *ceiling, int64_t at) {
    memset(log, 0, sizeof *log);
    log->last[SHAPE_CONNECTIONS] = (int64_t)ceiling->connections;
    log->last[SHAPE_RATE] = ceiling->per_minute;
    shape_init(s, ceiling, shape_at(at), shape_log_take, log);
}

static inline size_t shape_log_count(const struct shape_log *log, enum shape_what what) {
    size_t n = 0;
    for (size_t i = 0; i < log->count; i++) n += log->items[i].what == what;
    return n;
}

#endif
