/* retry.c - see retry.h. The list is small and fixed in size, so a schedule is a value to copy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/retry.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

void retry_schedule_default(struct retry_schedule *ret) {
    static const int64_t minutes[] = {1, 3, 5, 10, 20, 40, 80, 160, 240};
    *ret = (struct retry_schedule){.count = sizeof(minutes) / sizeof(minutes[0])};
    for (size_t i = 0; i < ret->count; i++) ret->delay_ms[i] = minutes[i] * MINUTE_MS;
}

/* "90s" -> 90000; 0 when it is no delay. */
static int64_t delay_parse(struct str text) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', SECOND_MS}, {'m', MINUTE_MS}, {'h', HOUR_MS}};
    if (text.n < 2 || text.n > 9) return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t number = 0;
        if (text.p[text.n - 1] != units[i].unit || !str_to_u64(str_sub(text, 0, text.n - 1), &number)) continue;
        int64_t ms = (int64_t)number * units[i].ms;
        return ms <= RETRY_LIFE_MS ? ms : 0;
    }
    return 0;
}

bool retry_schedule_parse(struct str text, struct retry_schedule *ret, struct buf *why) {
    struct retry_schedule schedule = {.count = 0};
    if (str_is_empty(str_trim(text))) {
        retry_schedule_default(ret);
        return true;
    }
    for (struct str part; str_next(&text, ',', &part);) {
        if (schedule.count == RETRY_STEPS_MAX) {
            buf_addf(why, "more than %d delays", RETRY_STEPS_MAX);
            return false;
        }
        part = str_trim(part);
        int64_t ms = delay_parse(part);
        if (ms == 0) {
            buf_addf(why, "\"%.*s\" is not a delay such as 30s, 5m or 4h, above zero and at most 72h",
                     STR_ARG(str_sub(part, 0, 40)));
            return false;
        }
        schedule.delay_ms[schedule.count++] = ms;
    }
    *ret = schedule;
    return true;
}

int64_t retry_plan(const struct retry_schedule *schedule, int64_t attempts, int64_t now, int64_t expires_at,
                   const struct rand *rand) {
    if (now >= expires_at) return RETRY_NEVER;
    size_t step = attempts > 0 ? (size_t)(attempts - 1) : 0;
    if (step >= schedule->count) step = schedule->count - 1;
    int64_t delay = schedule->delay_ms[step];
    int64_t swing = delay * RETRY_JITTER_PERCENT / 100;
    int64_t due = now + delay - swing + (int64_t)rand_below(rand, (uint64_t)(2 * swing) + 1);
    return due < expires_at ? due : expires_at;
}
