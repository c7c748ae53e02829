/* stats.c - see stats.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/stats.h"

enum status stats_compare(struct db *tx, const struct event_period *period, struct stats_compared *ret) {
    struct stats_compared compared;
    struct event_period previous = *period;
    previous.from_at -= period->before_at - period->from_at;
    previous.before_at = period->from_at;
    enum status status = event_stats(tx, period, &compared.counts);
    if (status == STATUS_OK) status = event_stats(tx, &previous, &compared.previous);
    if (status == STATUS_OK) *ret = compared;
    return status;
}

int64_t stats_rate(int64_t part, int64_t whole) {
    return whole ? (part * 20000 + whole) / (whole * 2) : 0;
}
