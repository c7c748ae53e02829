/* shape_own.h - what shape's files share: the moves that time and signals make alike.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_CORE_SHAPE_OWN_H
#define POSTHORN_CORE_SHAPE_OWN_H

#include "base/buf.h"
#include "core/shape.h"

#define SHAPE_PROBE       1   /* ramp_per_minute of it */
#define SHAPE_RAMP_FIRST  120 /* the step after the probe: two connections */
#define SHAPE_RATE_WINDOW 60000
/* What is lower is not told from what is not: rates climb to at least this before a cap goes. */
#define SHAPE_RATE_LEAST 60

/* Of what holds now, the ramp included. */
size_t shape_connections_now(const struct shape *s);
int64_t shape_rate_now(const struct shape *s); /* 0: no cap */
/* Messages begun in the last minute. */
int64_t shape_last_minute(const struct shape *s, struct shape_time now);
/* Do what time has brought. Every question and signal begins with it. */
void shape_pass(struct shape *s, struct shape_time now);

/* Each tells its decision, if it is a change. */
void shape_set_connections(struct shape *s, struct shape_time now, size_t to, struct str because);
void shape_set_rate(struct shape *s, struct shape_time now, int64_t to, struct str because);
void shape_set_ramp(struct shape *s, struct shape_time now, int64_t to, struct str because);
/* until: monotonic, or SHAPE_NO_END. Ends a ramp. */
void shape_set_pause(struct shape *s, struct shape_time now, enum shape_pause_kind kind, int64_t until, struct str because);
/* The pause ends and the probe is next. */
void shape_end_pause(struct shape *s, struct shape_time now, struct str because);
/* Keep the reason, printable and cut, for whoever asks why. */
void shape_keep_because(struct shape *s, struct str because);

#endif
