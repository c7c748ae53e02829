/* feed_target.c - how a feed's target is written; see feed.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/feed.h"

bool feed_target_parse(struct str text, struct feed_target *ret) {
    static const struct {
        struct str prefix;
        enum feed_kind kind;
        bool is_path;
    } kinds[] = {{STR_INIT("file:"), FEED_FILE, true}, {STR_INIT("unix:"), FEED_UNIX, true}, {STR_INIT("tcp:"), FEED_TCP, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!str_starts(text, kinds[i].prefix)) continue;
        struct str place = str_sub(text, kinds[i].prefix.n, SIZE_MAX);
        if (place.n < 2 || (kinds[i].is_path && place.p[0] != '/')) return false;
        *ret = (struct feed_target){kinds[i].kind, place};
        return true;
    }
    return false;
}
