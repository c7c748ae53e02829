/* hook_plan.c - see hook_plan.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/hook_plan.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static const int64_t delays[HOOK_TRIES - 1] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                               10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
/* After so many failures in a row the endpoint has a pause. The last one repeats. */
static const int64_t pauses[] = {5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE};
#define PATIENCE 5 /* failures that are about what was sent, for all we know, before it counts as the endpoint's */

enum hook_verdict hook_judge(const struct hook_answer *answer) {
    if (answer->code >= 200 && answer->code < 300) return HOOK_TAKEN;
    return answer->code == 410 ? HOOK_GONE : HOOK_AGAIN;
}

static int64_t asked_until(const struct hook_answer *answer) {
    int64_t s = answer->retry_after_s > 0 ? answer->retry_after_s : 0;
    return answer->ended_at + (s < HOOK_WAIT_MAX_S ? s : HOOK_WAIT_MAX_S) * SECOND;
}

int64_t hook_next_try(int64_t attempt, const struct hook_answer *answer, const struct rand *rand) {
    if (attempt < 1 || attempt >= HOOK_TRIES) return HOOK_NEVER;
    int64_t delay = delays[attempt - 1];
    int64_t jitter = (int64_t)rand_below(rand, (uint64_t)(delay * HOOK_JITTER_PERCENT / 100) + 1);
    int64_t planned = answer->ended_at + delay + jitter, asked = asked_until(answer);
    return planned > asked ? planned : asked;
}

/* It could not be reached, or says itself that it is not well. */
static bool is_unwell(const struct hook_answer *answer) {
    return answer->code < 100 || answer->code >= 500 || answer->code == 408 || answer->code == 429;
}

struct hook_health hook_health_after(const struct hook_health *before, const struct hook_answer *answer) {
    if (hook_judge(answer) == HOOK_TAKEN) return (struct hook_health){.failures = 0};
    struct hook_health after = *before;
    if (answer->began_at >= before->failed_at || before->failures == 0) {
        after.failures++;
        after.failed_at = answer->ended_at;
        if (after.failing_since == 0) after.failing_since = answer->began_at;
        int64_t step = after.failures - (is_unwell(answer) ? 1 : PATIENCE);
        int64_t last = (int64_t)(sizeof pauses / sizeof pauses[0]) - 1;
        if (step >= 0) after.paused_until = answer->ended_at + pauses[step < last ? step : last];
    }
    if (asked_until(answer) > after.paused_until && is_unwell(answer)) after.paused_until = asked_until(answer);
    return after;
}

bool hook_is_dead(const struct hook_health *health, int64_t now) {
    return health->failing_since > 0 && now - health->failing_since >= HOOK_DEAD_MS;
}

void hook_explain(const struct hook_answer *answer, struct buf *out) {
    if (hook_judge(answer) == HOOK_TAKEN) return;
    if (answer->code >= 300 && answer->code < 400)
        buf_addf(out, "it answered %u, and redirects are not followed", answer->code);
    else if (answer->code)
        buf_addf(out, "it answered %u", answer->code);
    else
        buf_add_str(out, answer->why);
}
